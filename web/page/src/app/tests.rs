use retort_infer::{Event, LoadProgress, ModelInfo, Sampling, Stats, StopReason};
use retort_protocol::{
    DeviceInfo, DeviceKind, DevicePreference, Failure, FailureKind, Reply, Request, Stage, Storage,
    Stored, Student,
};

use super::conversation::{Conversation, Turn};
use super::*;

/// The application with a clock that goes on by 10 ms for each message.
struct Driver {
    app: App,
    moment: Moment,
    /// Effects since the last look.
    effects: Vec<Effect>,
}

impl Driver {
    fn start(settings: Settings) -> Self {
        let moment = Moment {
            now: 1_000.0,
            random: 7,
        };
        let (app, effects) = App::start(settings, moment);
        Self {
            app,
            moment,
            effects,
        }
    }

    /// Started, with one student on disk, loaded.
    fn loaded() -> Self {
        let mut driver = Self::ready(Settings::default());
        driver.press(Action::Load("smol".into()));
        driver.worker(Reply::Loaded {
            id: "smol".into(),
            model: model(),
        });
        driver.take();
        driver
    }

    fn ready(settings: Settings) -> Self {
        let mut driver = Self::start(settings);
        driver.worker(Reply::Up);
        driver.worker(ready());
        driver
    }

    fn say(&mut self, msg: Msg) {
        self.moment.now += 10.0;
        self.moment.random += 1;
        self.effects.extend(self.app.update(msg, self.moment));
    }

    fn press(&mut self, action: Action) {
        self.say(Msg::Pressed(action));
    }

    fn worker(&mut self, reply: Reply) {
        self.say(Msg::Worker(Box::new(reply)));
    }

    fn event(&mut self, event: Event) {
        let id = self.app.next_request;
        self.worker(Reply::Chat { id, event });
    }

    fn ask(&mut self, question: &str) {
        self.say(Msg::Typed(Field::Draft, question.into()));
        self.press(Action::Send);
    }

    /// Asks, and has the student think and answer.
    fn converse(&mut self, question: &str, answer: &str) {
        self.ask(question);
        self.event(Event::Thought {
            text: "Hm.".into(),
            tokens: 1,
        });
        self.event(Event::Answer {
            text: answer.into(),
            tokens: 1,
        });
        self.event(Event::Done(stats(StopReason::EndOfText)));
    }

    fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    fn requests(&mut self) -> Vec<Request> {
        let sent = |effect| match effect {
            Effect::Send(request) => Some(request),
            _ => None,
        };
        self.take().into_iter().filter_map(sent).collect()
    }
}

fn student() -> Student {
    Student {
        name: "Smol".into(),
        url: "models/smol.gguf".into(),
        bytes: Some(100),
        sha256: None,
        manifest: None,
        licence: None,
        note: None,
    }
}

fn stored(present: u64) -> Vec<Stored> {
    vec![Stored {
        id: "smol".into(),
        student: student(),
        bytes: 100,
        present,
    }]
}

fn ready() -> Reply {
    let device = DeviceInfo {
        kind: DeviceKind::WebGpu,
        adapter: "test".into(),
        max_binding: Some(1 << 30),
        max_buffer: Some(1 << 30),
        f16: false,
        software: true,
        fallback: None,
    };
    Reply::Ready {
        device,
        stored: stored(100),
        storage: Storage::default(),
    }
}

fn model() -> ModelInfo {
    ModelInfo {
        name: "Smol".into(),
        architecture: "llama".into(),
        parameters: 1,
        weight_bytes: 100,
        kv_cache_bytes: 10,
        context: 64,
        precision: "f32".into(),
        reasons: true,
        sampling: Sampling {
            temperature: 0.6,
            ..Sampling::default()
        },
    }
}

fn stats(stop: StopReason) -> Stats {
    Stats {
        prompt_tokens: 3,
        reused_tokens: 0,
        thought_tokens: 1,
        answer_tokens: 1,
        time_to_first_token_ms: 20.0,
        prefill_tokens_per_second: 100.0,
        decode_tokens_per_second: 10.0,
        stop,
    }
}

fn failure(kind: FailureKind, during: Option<Stage>) -> Reply {
    Reply::Error(Failure {
        kind,
        during,
        message: "what".into(),
        hint: "how".into(),
    })
}

#[test]
fn the_worker_is_started_after_it_listens_and_loads_the_last_student() {
    let settings = Settings {
        student: Some("smol".into()),
        ..Settings::default()
    };
    let mut driver = Driver::start(settings);
    assert!(driver.take().contains(&Effect::StartWorker));
    driver.worker(Reply::Up);
    assert_eq!(
        driver.requests(),
        [Request::Start {
            device: DevicePreference::Auto
        }]
    );
    driver.worker(ready());
    assert_eq!(
        driver.requests(),
        [Request::Load {
            id: "smol".into(),
            context: None
        }]
    );
    assert_eq!(driver.app.settings.loading.as_deref(), Some("smol"));
    driver.worker(Reply::Load(LoadProgress {
        done: 5,
        total: 10,
        what: "x".into(),
    }));
    driver.worker(Reply::Loaded {
        id: "smol".into(),
        model: model(),
    });
    assert_eq!(driver.app.settings.loading, None);
    assert!(driver.app.can_send());
}

#[test]
fn a_load_that_took_the_page_down_is_not_repeated_unasked() {
    let settings = Settings {
        student: Some("smol".into()),
        loading: Some("smol".into()),
        ..Settings::default()
    };
    let mut driver = Driver::ready(settings);
    let loads = |request: &Request| matches!(request, Request::Load { .. });
    assert!(!driver.requests().iter().any(loads));
    assert!(driver.app.toast.is_some());
}

#[test]
fn a_student_half_there_is_not_loaded() {
    let settings = Settings {
        student: Some("smol".into()),
        ..Settings::default()
    };
    let mut driver = Driver::start(settings);
    driver.worker(Reply::Up);
    let Reply::Ready {
        device, storage, ..
    } = ready()
    else {
        unreachable!()
    };
    driver.worker(Reply::Ready {
        device,
        stored: stored(40),
        storage,
    });
    assert_eq!(
        driver.requests(),
        [Request::Start {
            device: DevicePreference::Auto
        }]
    );
}

#[test]
fn a_reply_streams_into_thought_and_answer_and_is_kept() {
    let mut driver = Driver::loaded();
    driver.ask("  What is 1 + 1?  ");
    let effects = driver.take();
    let Some(Effect::Send(Request::Chat {
        id: 1,
        messages,
        sampling,
    })) = effects
        .iter()
        .find(|effect| matches!(effect, Effect::Send(_)))
    else {
        panic!("{effects:?}");
    };
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].content_text(), "What is 1 + 1?");
    assert_eq!(sampling.temperature, 0.6);
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::SaveChat(_)))
    );
    assert_eq!(driver.app.chats[0].title, "What is 1 + 1?");

    driver.event(Event::Prefill {
        done: 3,
        total: 3,
        reused: 0,
    });
    driver.event(Event::Thought {
        text: "One ".into(),
        tokens: 1,
    });
    driver.event(Event::Thought {
        text: "more.".into(),
        tokens: 2,
    });
    assert!(driver.app.chat.thought_open(1, driver.app.running.as_ref()));
    assert_eq!(driver.app.status, "Thinking");
    driver.event(Event::Answer {
        text: "\n\n".into(),
        tokens: 1,
    });
    assert!(
        driver.app.chat.thought_open(1, driver.app.running.as_ref()),
        "still no answer"
    );
    driver.event(Event::Answer {
        text: "2".into(),
        tokens: 2,
    });
    assert!(
        !driver.app.chat.thought_open(1, driver.app.running.as_ref()),
        "folded"
    );
    driver.take();
    driver.event(Event::Done(stats(StopReason::EndOfText)));
    assert!(driver.app.running.is_none());
    let Some(Effect::SaveChat(kept)) = driver.take().pop() else {
        panic!("not kept")
    };
    let Turn::Student(reply) = &kept.turns[1] else {
        panic!("no reply")
    };
    assert_eq!(
        (reply.thought.as_str(), reply.answer.as_str()),
        ("One more.", "\n\n2")
    );
    assert_eq!(reply.thought_ms, 10.0);
    assert!(reply.stats.is_some() && reply.broken.is_none());
}

#[test]
fn who_reads_the_thought_keeps_it() {
    let mut driver = Driver::loaded();
    driver.ask("a");
    driver.event(Event::Thought {
        text: "long".into(),
        tokens: 1,
    });
    driver.say(Msg::AtEnd(false));
    driver.event(Event::Answer {
        text: "b".into(),
        tokens: 1,
    });
    assert!(driver.app.chat.thought_open(1, driver.app.running.as_ref()));
}

#[test]
fn the_next_turn_carries_the_conversation_with_thoughts_apart() {
    let mut driver = Driver::loaded();
    driver.say(Msg::Typed(Field::System, "Be brief.".into()));
    driver.converse("a", "A");
    driver.take();
    driver.ask("b");
    let requests = driver.requests();
    let [Request::Chat { messages, .. }] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    let roles: Vec<_> = messages
        .iter()
        .map(|m| (m.role.as_str(), m.content_text()))
        .collect();
    assert_eq!(
        roles,
        [
            ("system", "Be brief."),
            ("user", "a"),
            ("assistant", "A"),
            ("user", "b")
        ]
    );
    assert_eq!(messages[2].reasoning_content.as_deref(), Some("Hm."));
}

#[test]
fn questions_without_an_answer_are_joined() {
    let mut driver = Driver::loaded();
    driver.ask("a");
    driver.worker(failure(FailureKind::Chat, Some(Stage::Chat { id: 1 })));
    driver.take();
    driver.ask("b");
    let requests = driver.requests();
    let [Request::Chat { messages, .. }] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].content_text(), "a\n\nb");
}

#[test]
fn stop_is_asked_for_once_and_the_reply_ends_when_the_worker_says_so() {
    let mut driver = Driver::loaded();
    driver.ask("a");
    driver.take();
    driver.press(Action::Stop);
    driver.press(Action::Escape);
    assert_eq!(driver.requests(), [Request::Stop]);
    assert!(!driver.app.can_send());
    driver.event(Event::Done(stats(StopReason::Stopped)));
    assert!(driver.app.can_send());
    assert_eq!(
        driver.app.chat.last_reply().unwrap().ending(),
        Some("Stopped.")
    );
}

#[test]
fn regenerate_and_resend_replace_what_follows() {
    let mut driver = Driver::loaded();
    driver.converse("a", "A");
    driver.converse("b", "B");
    driver.press(Action::Regenerate);
    assert_eq!(driver.app.chat.conversation.turns.len(), 4);
    driver.event(Event::Answer {
        text: "B2".into(),
        tokens: 1,
    });
    driver.event(Event::Done(stats(StopReason::EndOfText)));
    driver.press(Action::Edit(0));
    driver.say(Msg::Typed(Field::Edit, " a2 ".into()));
    driver.take();
    driver.press(Action::Resend);
    let requests = driver.requests();
    let [Request::Chat { messages, .. }] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].content_text(), "a2");
    assert_eq!(driver.app.chat.conversation.turns.len(), 2);
    assert_eq!(driver.app.chat.bodies.len(), 2);
}

#[test]
fn a_lost_device_keeps_the_chat_and_a_new_worker_loads_the_same_student() {
    let mut driver = Driver::loaded();
    driver.ask("a");
    driver.event(Event::Answer {
        text: "half".into(),
        tokens: 1,
    });
    driver.worker(failure(FailureKind::DeviceLost, None));
    driver.say(Msg::WorkerFailed("unreachable".into()));
    assert_eq!(driver.app.engine.phase, Phase::Dead);
    assert_eq!(
        driver.app.engine.failure.as_ref().unwrap().kind,
        FailureKind::DeviceLost
    );
    let reply = driver.app.chat.last_reply().unwrap();
    assert_eq!(
        (reply.answer.as_str(), reply.broken.as_deref()),
        ("half", Some("what"))
    );
    driver.take();
    driver.press(Action::ReloadEngine { on_cpu: true });
    assert!(driver.take().contains(&Effect::StartWorker));
    driver.worker(Reply::Up);
    assert_eq!(
        driver.requests(),
        [Request::Start {
            device: DevicePreference::Cpu
        }]
    );
    driver.worker(ready());
    assert_eq!(
        driver.requests(),
        [Request::Load {
            id: "smol".into(),
            context: None
        }]
    );
    assert!(driver.app.engine.failure.is_none());
}

#[test]
fn a_panic_that_names_its_cause_is_not_covered_by_what_the_browser_says() {
    let mut driver = Driver::loaded();
    driver.worker(failure(FailureKind::TooLarge, None));
    driver.say(Msg::WorkerFailed("unreachable executed".into()));
    assert_eq!(
        driver.app.engine.failure.as_ref().unwrap().kind,
        FailureKind::TooLarge
    );
    assert_eq!(driver.app.engine.phase, Phase::Dead);
}

#[test]
fn a_download_leads_to_loading_and_a_failed_one_can_be_tried_again() {
    let mut driver = Driver::ready(Settings::default());
    driver.take();
    driver.press(Action::Download(Box::new(student())));
    assert!(
        driver
            .take()
            .contains(&Effect::SendDownload(Box::new(student())))
    );
    driver.worker(failure(
        FailureKind::Download,
        Some(Stage::Download { id: "smol".into() }),
    ));
    assert!(driver.app.engine.download.is_none());
    driver.press(Action::RetryDownload);
    assert!(
        driver
            .take()
            .contains(&Effect::SendDownload(Box::new(student())))
    );
    driver.worker(Reply::Downloaded { id: "smol".into() });
    assert_eq!(
        driver.requests(),
        [Request::Load {
            id: "smol".into(),
            context: None
        }]
    );
}

#[test]
fn a_cancelled_download_ends_with_the_list() {
    let mut driver = Driver::ready(Settings::default());
    driver.press(Action::Download(Box::new(student())));
    driver.worker(Reply::Stored {
        stored: stored(10),
        storage: Storage::default(),
    });
    assert!(
        driver.app.engine.download.is_some(),
        "a list alone ends nothing"
    );
    driver.take();
    driver.press(Action::CancelDownload);
    driver.press(Action::CancelDownload);
    assert_eq!(driver.requests(), [Request::CancelDownload]);
    driver.worker(Reply::Stored {
        stored: stored(10),
        storage: Storage::default(),
    });
    assert!(driver.app.engine.download.is_none());
}

#[test]
fn leaving_a_conversation_stops_its_reply_and_drops_what_still_comes() {
    let mut driver = Driver::loaded();
    driver.ask("a");
    driver.event(Event::Answer {
        text: "half".into(),
        tokens: 1,
    });
    driver.take();
    driver.press(Action::NewChat);
    let effects = driver.take();
    assert!(effects.contains(&Effect::Send(Request::Stop)));
    let kept = effects.iter().find_map(|effect| match effect {
        Effect::SaveChat(chat) => Some(chat),
        _ => None,
    });
    assert_eq!(kept.unwrap().turns.len(), 2);
    driver.event(Event::Answer {
        text: " more".into(),
        tokens: 2,
    });
    assert!(driver.app.chat.conversation.turns.is_empty());
    assert!(!driver.app.can_send());
    driver.event(Event::Done(stats(StopReason::Stopped)));
    assert!(driver.app.can_send());
}

#[test]
fn a_deleted_conversation_comes_back_on_undo() {
    let mut driver = Driver::loaded();
    driver.converse("a", "A");
    let conversation = driver.app.chat.conversation.clone();
    driver.press(Action::DeleteChat(conversation.id.clone()));
    assert!(driver.app.chats.is_empty() && driver.app.chat.conversation.turns.is_empty());
    assert!(
        driver
            .take()
            .contains(&Effect::RemoveChat(conversation.id.clone()))
    );
    driver.press(Action::UndoDelete);
    assert_eq!(driver.app.chats.len(), 1);
    assert_eq!(driver.app.chat.conversation, conversation);
    assert!(
        driver
            .take()
            .contains(&Effect::SaveChat(Box::new(conversation)))
    );
}

#[test]
fn a_conversation_renamed_keeps_its_name() {
    let mut driver = Driver::loaded();
    driver.converse("a", "A");
    let id = driver.app.chat.conversation.id.clone();
    driver.press(Action::Rename(id));
    driver.say(Msg::Typed(Field::Title, " Sums ".into()));
    driver.press(Action::CommitRename);
    driver.converse("b", "B");
    assert_eq!(driver.app.chats[0].title, "Sums");
}

#[test]
fn nothing_is_sent_without_a_student() {
    let mut driver = Driver::ready(Settings::default());
    driver.take();
    driver.ask("a");
    assert_eq!(driver.app.dialog, Some(Dialog::Students));
    assert_eq!(driver.app.draft, "a", "the question waits");
    assert_eq!(driver.requests(), [Request::ListStored]);
}

#[test]
fn rendering_stops_when_the_time_is_up_and_goes_on_later() {
    let mut driver = Driver::loaded();
    for question in ["a", "b", "c"] {
        driver.converse(question, "*x*");
    }
    let mut chat = Chat::of(driver.app.chat.conversation.clone());
    assert!(!chat.render(None, || false));
    let ready: Vec<_> = chat.bodies.iter().map(|body| body.ready).collect();
    assert_eq!(
        ready,
        [false, false, false, false, false, true],
        "the last comes first"
    );
    assert!(!chat.render(None, || false));
    assert!(chat.render(None, || true));
    assert!(chat.bodies[1].answer.nodes().next().is_some());
    assert!(
        chat.bodies[1].thought.nodes().next().is_none(),
        "closed thoughts are not rendered"
    );
}

#[test]
fn conversations_survive_storage_and_export() {
    let mut driver = Driver::loaded();
    driver.say(Msg::Typed(Field::System, "Be brief.".into()));
    driver.converse("What is\n$1+1$?", "It is **2**.");
    let conversation = driver.app.chat.conversation.clone();
    let json = conversation.to_json().unwrap();
    assert_eq!(
        serde_json::from_str::<Conversation>(&json).unwrap(),
        conversation
    );
    driver.take();
    driver.press(Action::ExportMarkdown);
    let effects = driver.take();
    let [Effect::SaveFile { name, content, .. }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(name, "what-is.md");
    assert_eq!(
        content,
        "# What is\n\n1970-01-01 00:00\n\n**System:** Be brief.\n\n## You\n\nWhat is\n$1+1$?\n\n\
         ## Smol\n\n<details>\n<summary>Thought, 1 token</summary>\n\nHm.\n\n</details>\n\n\
         It is **2**.\n"
    );
    // What an older page has kept is still read.
    let old = r#"{"id":"x","title":"t","created":1,"updated":2,
        "turns":[{"user":{"text":"a"}},{"student":{"answer":"b"}}]}"#;
    assert_eq!(
        serde_json::from_str::<Conversation>(old)
            .unwrap()
            .turns
            .len(),
        2
    );
}

#[test]
fn addresses_of_students_are_checked_and_completed() {
    let hub = "https://huggingface.co/o/r/resolve/main/m-Q4.gguf";
    let rows = [
        (
            "https://example.org/a/m.gguf?x=1",
            Ok("https://example.org/a/m.gguf?x=1"),
        ),
        (
            "http://127.0.0.1:8000/m.gguf",
            Ok("http://127.0.0.1:8000/m.gguf"),
        ),
        ("https://huggingface.co/o/r/blob/main/m-Q4.gguf", Ok(hub)),
        (" hf:o/r/m-Q4.gguf ", Ok(hub)),
        ("hf:o/r", Err(())),
        ("example.org/m.gguf", Err(())),
        ("javascript:alert(1)//.gguf", Err(())),
        ("https://example.org/m.safetensors", Err(())),
        ("https://example.org/.gguf", Err(())),
        ("https://exa mple.org/m.gguf", Err(())),
        ("https:///m.gguf", Err(())),
        ("", Err(())),
    ];
    for (typed, expected) in rows {
        let found = student_from_url(typed).map(|student| student.url);
        assert_eq!(found.as_deref().map_err(|_| ()), expected, "for {typed}");
    }
    assert_eq!(
        student_from_url("hf:o/r/sub/m-Q4.gguf").unwrap().name,
        "m-Q4"
    );
}

#[test]
fn a_chosen_file_is_downloaded_like_any_other() {
    let mut driver = Driver::ready(Settings::default());
    driver.take();
    driver.say(Msg::FileChosen {
        name: "m.gguf".into(),
        bytes: 5,
    });
    let effects = driver.take();
    let [Effect::SendDownload(student)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(
        (student.url.as_str(), student.name.as_str()),
        ("file:m.gguf", "m")
    );
    driver.say(Msg::FileChosen {
        name: "n.gguf".into(),
        bytes: 5,
    });
    assert!(
        driver.take().is_empty() && driver.app.toast.is_some(),
        "one at a time"
    );
}
