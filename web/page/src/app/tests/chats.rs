//! Conversations: kept, renamed, deleted, exported.

use super::*;

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
