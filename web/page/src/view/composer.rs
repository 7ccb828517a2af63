//! Where the question is written.

use super::icon;
use crate::app::{Action, App, Field};
use crate::tree::{Element, el};

/// The field grows with what is written, up to this many lines.
const MOST_LINES: usize = 10;

pub fn view(app: &App) -> Element {
    let lines = app.draft.matches('\n').count() + 1;
    let placeholder = match (&app.engine.model, &app.engine.loading) {
        (Some(_), _) => "Ask a question",
        (None, Some(_)) => "Ask a question",
        (None, None) => "Choose a student first",
    };
    let field = el("textarea")
        .attr("id", "draft")
        .testid("draft")
        .label("Your question")
        .attr("placeholder", placeholder)
        .attr("rows", lines.min(MOST_LINES).to_string())
        .attr("enterkeyhint", "send")
        .attr("autocomplete", "off")
        .value(app.draft.clone())
        .input(Field::Draft)
        .enter(Action::Send);
    el("div")
        .class("composer")
        .child(
            el("div")
                .class("field")
                .child(field)
                .child(send_or_stop(app)),
        )
        .child(
            el("p")
                .class("hint")
                .child(el("kbd").text("Enter"))
                .text(" sends, ")
                .child(el("kbd").text("Shift Enter"))
                .text(" begins a line, ")
                .child(el("kbd").text("Esc"))
                .text(" stops. Small models make mistakes: check what matters."),
        )
}

fn send_or_stop(app: &App) -> Element {
    let button = el("button")
        .attr("type", "button")
        .key(if app.running.is_some() {
            "stop"
        } else {
            "send"
        });
    if let Some(running) = &app.running {
        let label = if running.stopping { "Stopping" } else { "Stop" };
        return button
            .class("send")
            .testid("stop")
            .label(label)
            .attr("title", label)
            .flag("disabled", running.stopping)
            .press(Action::Stop)
            .child(icon("stop"));
    }
    let idle = app.draft.trim().is_empty() || app.engine.loading.is_some();
    button
        .class("send")
        .testid("send")
        .label("Send")
        .attr("title", "Send")
        .flag("disabled", idle)
        .press(Action::Send)
        .child(icon("send"))
}
