//! Questions and replies.

use super::*;
use crate::app::conversation::Turn;

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
fn a_late_report_of_a_closed_dialog_leaves_the_next_one_open() {
    let mut driver = Driver::ready(Settings::default());
    driver.press(Action::ShowStudents);
    driver.press(Action::CloseDialog(Dialog::Students));
    assert_eq!(driver.app.dialog, None);
    driver.press(Action::ShowSettings);
    driver.press(Action::CloseDialog(Dialog::Students));
    assert_eq!(driver.app.dialog, Some(Dialog::Settings));
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
fn an_exercise_is_asked_and_its_answer_checked() {
    let mut driver = Driver::loaded();
    driver.press(Action::Exercise);
    let Turn::User {
        exercise: Some(exercise),
        text,
    } = driver.app.chat.conversation.turns[0].clone()
    else {
        panic!("no exercise");
    };
    let sent = driver.requests();
    let Some(Request::Chat { messages, .. }) = sent.first() else {
        panic!("{sent:?}");
    };
    assert_eq!(messages[0].content_text(), text);
    let family = retort_problems::family(&exercise.family).unwrap();
    let problem = family.generate(exercise.difficulty, exercise.seed).unwrap();
    let mut reply = |answer: &str| {
        driver.event(Event::Answer {
            text: format!("It is \\boxed{{{answer}}}."),
            tokens: 5,
        });
        driver.event(Event::Done(stats(StopReason::EndOfText)));
        let Some(Turn::Student(reply)) = driver.app.chat.conversation.turns.last().cloned() else {
            panic!("no reply");
        };
        let status = driver.app.status.clone();
        driver.press(Action::Regenerate);
        (reply.checked.unwrap(), status)
    };
    let (checked, status) = reply(&problem.answer);
    assert!(checked.right);
    assert_eq!(status, "Answer complete. Right.");
    let (checked, status) = reply("never");
    assert!(!checked.right && status.contains("Wrong."), "{status}");
    assert_eq!(checked.found.as_deref(), Some("never"));
    // Kept, and read again.
    driver.press(Action::Stop);
    let json = driver.app.chat.conversation.to_json().unwrap();
    let read: Conversation = serde_json::from_str(&json).unwrap();
    assert_eq!(read, driver.app.chat.conversation);
}

#[test]
fn an_edited_exercise_is_a_question_like_any_other() {
    let mut driver = Driver::loaded();
    driver.press(Action::Exercise);
    driver.event(Event::Done(stats(StopReason::EndOfText)));
    driver.press(Action::Edit(0));
    driver.say(Msg::Typed(Field::Edit, "What is 1 + 1?".into()));
    driver.press(Action::Resend);
    let turn = &driver.app.chat.conversation.turns[0];
    assert!(
        matches!(turn, Turn::User { exercise: None, .. }),
        "{turn:?}"
    );
    driver.event(Event::Answer {
        text: "2".into(),
        tokens: 1,
    });
    driver.event(Event::Done(stats(StopReason::EndOfText)));
    let Some(Turn::Student(reply)) = driver.app.chat.conversation.turns.last() else {
        panic!("no reply");
    };
    assert_eq!(reply.checked, None);
}
