//! The conversation, or what to do while there is none.

use super::{icon, icon_button, notices, students, turn};
use crate::app::{Action, App, Phase};
use crate::tree::{Element, el};

const SUGGESTIONS: [&str; 3] = [
    "A train leaves at 9:40 and arrives at 13:05. How long does it travel?",
    "What is the sum of the first 20 odd numbers? Show why.",
    "Explain in three sentences why the sky is blue.",
];

const EXERCISE: &str = "Ask it a fresh problem, made here, and have the answer checked here.";

pub fn view(app: &App) -> Element {
    let conversation = &app.chat.conversation;
    let log = el("section")
        .class("log")
        .testid("conversation")
        .key(conversation.id.clone())
        .attr("data-scroll", "")
        .attr("tabindex", "-1")
        .label("Conversation");
    if conversation.turns.is_empty() {
        return log.child(welcome(app));
    }
    let turns = (0..conversation.turns.len()).map(|index| turn::view(app, index));
    let jump = icon_button("down", "To the end", Action::JumpToEnd)
        .testid("jump-to-end")
        .flag("hidden", app.at_end);
    log.child(
        el("div")
            .class("column")
            .attr("role", "log")
            .attr("aria-live", "off")
            .children(turns),
    )
    .child(el("div").class("jump").child(jump))
}

fn welcome(app: &App) -> Element {
    let busy =
        app.dialog.is_none() && (app.engine.download.is_some() || app.engine.loading.is_some());
    let body = if busy {
        el("div").class("choice").children(notices::transfers(app))
    } else if app.engine.model.is_some() {
        suggestions()
    } else if app.engine.phase == Phase::Dead {
        el("div")
    } else {
        el("div").class("choice").child(students::short_list(app))
    };
    el("div")
        .class("welcome")
        .testid("welcome")
        .child(icon("retort"))
        .child(el("h1").text("Ask something worth thinking about"))
        .child(el("p").class("lead").text(
            "A small language model runs here, in this tab. It thinks before it answers, and \
             nothing you write leaves this device.",
        ))
        .child(body)
}

fn suggestions() -> Element {
    let suggestion = |id: &'static str, action: Action, words: &'static str| {
        let button = el("button").attr("type", "button").testid(id);
        el("li").child(button.press(action).text(words))
    };
    let questions = SUGGESTIONS
        .into_iter()
        .map(|question| suggestion("suggestion", Action::Suggest(question), question));
    el("ul")
        .class("suggestions")
        .children(questions)
        .child(suggestion("exercise", Action::Exercise, EXERCISE))
}
