//! The application, driven by messages.

mod chats;
mod engine;
mod replies;

use retort_infer::{Event, ModelInfo, Sampling, Stats, StopReason};
use retort_protocol::{
    DeviceInfo, DeviceKind, Failure, FailureKind, Reply, Request, Stage, Storage, Stored, Student,
};

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
