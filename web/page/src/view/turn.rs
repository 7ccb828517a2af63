//! One turn of the conversation.

use super::{button, icon, icon_button};
use crate::app::conversation::{Reply, Turn};
use crate::app::exercise::Checked;
use crate::app::{Action, App, Field, Running, format};
use crate::tree::{Element, el, text};

pub fn view(app: &App, index: usize) -> Element {
    match &app.chat.conversation.turns[index] {
        Turn::User { text, .. } => question(app, index, text),
        Turn::Student(reply) => answer(app, index, reply),
    }
}

fn question(app: &App, index: usize, words: &str) -> Element {
    let turn = el("article")
        .class("turn question")
        .testid("question")
        .child(el("h2").class("visually-hidden").text("You"));
    if let Some((edited, words)) = &app.edit
        && *edited == index
    {
        return turn.key("editing").child(editor(app, words));
    }
    let actions = el("div")
        .class("actions")
        .child(
            icon_button("edit", "Edit and send again", Action::Edit(index))
                .testid("edit")
                .flag("disabled", app.running.is_some()),
        )
        .child(icon_button("copy", "Copy the question", Action::CopyAnswer(index)).testid("copy"));
    turn.child(
        el("p")
            .class("words")
            .testid("question-text")
            .text(words.to_owned()),
    )
    .child(actions)
}

fn editor(app: &App, words: &str) -> Element {
    el("div")
        .class("editor")
        .child(
            el("textarea")
                .testid("edit-text")
                .label("Edit the question")
                .attr("rows", "3")
                .value(words.to_owned())
                .input(Field::Edit)
                .enter(Action::Resend)
                .escape(Action::CancelEdit),
        )
        .child(
            el("div")
                .class("row")
                .child(el("small").text("What follows this question will be replaced."))
                .child(el("span").class("spring"))
                .child(button("Cancel", Action::CancelEdit).testid("cancel-edit"))
                .child(
                    button("Send", Action::Resend)
                        .class("button primary")
                        .testid("resend")
                        .flag("disabled", !app.can_send()),
                ),
        )
}

fn answer(app: &App, index: usize, reply: &Reply) -> Element {
    let last = index + 1 == app.chat.conversation.turns.len();
    let running = app
        .running
        .as_ref()
        .filter(|running| last && !running.abandoned);
    let body = &app.chat.bodies[index];
    let state = match running {
        None => "complete",
        Some(running) if running.answering => "answering",
        Some(running) if running.tokens > 0 => "thinking",
        Some(_) => "reading",
    };
    let prose = el("div")
        .class("prose")
        .testid("answer-text")
        .children(body.answer.nodes())
        .children((!body.ready).then(|| el("p").text(reply.answer.clone())));
    el("article")
        .class("turn answer")
        .testid("answer")
        .attr("data-state", state)
        .child(el("h2").class("visually-hidden").text(name(reply)))
        .maybe((reply.trimmed > 0).then(|| trimmed(reply.trimmed)))
        .maybe(running.and_then(reading))
        .maybe(thought(app, index, reply, running))
        .child(prose)
        .maybe(note(reply))
        .maybe(
            reply
                .checked
                .as_ref()
                .map(|checked| verdict(app, checked, last)),
        )
        .child(foot(app, index, reply, running, last))
}

fn name(reply: &Reply) -> String {
    if reply.student.is_empty() {
        "Student".to_owned()
    } else {
        reply.student.clone()
    }
}

fn trimmed(turns: usize) -> Element {
    el("p").class("note").testid("trimmed").text(format!(
        "The context is full: the first {} of this conversation are not seen any more.",
        format::count(turns, "turn")
    ))
}

/// What is shown before the first token.
fn reading(running: &Running) -> Option<Element> {
    if running.tokens > 0 {
        return None;
    }
    let words = match running.prefill {
        Some((done, total)) if total > 0 => format!("Reading {done} of {total} tokens"),
        _ => "Reading".to_owned(),
    };
    Some(
        el("p")
            .class("reading")
            .testid("reading")
            .child(el("span").class("pulse"))
            .text(words),
    )
}

/// The panel with the thought. Its content is made only while it is open: most thoughts are long
/// and most stay closed.
fn thought(app: &App, index: usize, reply: &Reply, running: Option<&Running>) -> Option<Element> {
    if reply.thought.trim().is_empty() {
        return None;
    }
    let open = app.chat.thought_open(index, app.running.as_ref());
    let thinking = running.is_some_and(|running| !running.answering);
    let time = match running {
        Some(running) if thinking => app.now - running.first_token.unwrap_or(app.now),
        _ => reply.thought_ms,
    };
    let title = if thinking { "Thinking" } else { "Thought" };
    let content = open.then(|| {
        el("div")
            .class("prose thought-text")
            .testid("thought-text")
            .children(app.chat.bodies[index].thought.nodes())
    });
    let summary = el("summary")
        .testid("thought-toggle")
        .press(Action::ToggleThought(index))
        .child(el("span").class(if thinking { "pulse" } else { "mark" }))
        .child(el("b").text(title))
        .child(
            el("span")
                .class("figures")
                .child(
                    el("span")
                        .testid("thought-tokens")
                        .text(format::count(reply.thought_tokens, "token")),
                )
                .child(el("span").testid("thought-time").text(if thinking {
                    format::duration(time)
                } else {
                    format::latency(time)
                })),
        );
    Some(
        el("details")
            .class("thought")
            .testid("thought")
            .flag("open", open)
            .child(summary)
            .maybe(content),
    )
}

/// Why a reply ended early.
fn note(reply: &Reply) -> Option<Element> {
    let words = match (&reply.broken, reply.ending()) {
        (Some(why), _) => format!("Broken off: {why}"),
        (None, Some(ending)) => ending.to_owned(),
        (None, None) => return None,
    };
    Some(el("p").class("note").testid("ending").text(words))
}

/// Whether the answer to a problem of the page is right.
fn verdict(app: &App, checked: &Checked, last: bool) -> Element {
    let right = checked.right;
    let another = last.then(|| {
        button("Another problem", Action::Exercise)
            .testid("another-exercise")
            .flag("disabled", !app.can_send())
    });
    el("div")
        .class("verdict")
        .testid("verdict")
        .attr("data-right", if right { "true" } else { "false" })
        .child(icon(if right { "right" } else { "close" }))
        .child(el("p").text(checked.in_words()))
        .maybe(another)
}

fn foot(app: &App, index: usize, reply: &Reply, running: Option<&Running>, last: bool) -> Element {
    let mut figures = el("div").class("figures").testid("figures");
    if let Some(running) = running {
        let speed = running.speed().map(format::speed);
        figures = figures.maybe(speed.map(|speed| el("span").testid("speed").text(speed)));
        return el("footer").class("foot").child(figures);
    }
    if let Some(stats) = &reply.stats {
        let tokens = stats.thought_tokens + stats.answer_tokens;
        let first = format::latency(stats.time_to_first_token_ms);
        let speed = format::speed(stats.decode_tokens_per_second);
        figures = figures
            .child(el("span").testid("speed").text(speed))
            .child(
                el("span")
                    .child(text("first token after "))
                    .child(el("span").testid("first-token").text(first)),
            )
            .child(
                el("span")
                    .testid("tokens")
                    .text(format::count(tokens, "token")),
            );
    }
    let again = last.then(|| {
        icon_button("again", "Another answer", Action::Regenerate)
            .testid("regenerate")
            .flag("disabled", !app.can_send())
    });
    let copy = icon_button("copy", "Copy the answer", Action::CopyAnswer(index))
        .testid("copy")
        .flag("disabled", reply.answer.trim().is_empty());
    el("footer")
        .class("foot")
        .child(el("div").class("actions").child(copy).maybe(again))
        .child(figures)
}
