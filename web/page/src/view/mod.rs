//! The state as a tree. Nothing here changes anything.

mod chat;
mod composer;
mod icons;
mod notices;
mod settings;
mod sidebar;
mod students;
#[cfg(test)]
mod tests;
mod turn;

use crate::app::settings::Theme;
use crate::app::{Action, App, Dialog, Phase, format};
use crate::tree::{Element, Node, el};
use icons::icon;

/// The whole page.
pub fn view(app: &App) -> Node {
    el("div")
        .class("app")
        .testid("app")
        .attr("data-engine", engine_state(app))
        .escape(Action::Escape)
        .child(
            el("a")
                .class("skip")
                .attr("href", "#draft")
                .text("Skip to the question"),
        )
        .child(sidebar::view(app))
        .child(
            el("main")
                .class("main")
                .child(header(app))
                .child(notices::progress(app))
                .child(notices::banners(app))
                .child(chat::view(app))
                .child(notices::failures(app))
                .child(composer::view(app)),
        )
        .child(students::dialog(app))
        .child(settings::dialog(app))
        .child(notices::toast(app))
        .child(
            el("div")
                .class("visually-hidden")
                .testid("status")
                .attr("role", "status")
                .text(app.status.clone()),
        )
        .child(
            el("input")
                .attr("type", "file")
                .attr("accept", ".gguf")
                .class("visually-hidden")
                .testid("file-input")
                .attr("tabindex", "-1")
                .attr("aria-hidden", "true"),
        )
        .child(
            el("div")
                .class("drop")
                .testid("drop-target")
                .flag("hidden", !app.file_hovers)
                .child(el("p").text("Drop the GGUF file to load it")),
        )
        .into()
}

/// The state of the engine in one word, for styles and tests.
fn engine_state(app: &App) -> &'static str {
    match app.engine.phase {
        Phase::Dead => "dead",
        Phase::Starting | Phase::Opening => "starting",
        Phase::Ready if app.engine.loading.is_some() => "loading",
        Phase::Ready if app.running.is_some() => "answering",
        Phase::Ready if app.engine.model.is_some() => "ready",
        Phase::Ready => "empty",
    }
}

fn header(app: &App) -> Element {
    let (theme, theme_name) = match app.settings.theme {
        Theme::Auto => ("half", "Theme: as the system"),
        Theme::Light => ("sun", "Theme: light"),
        Theme::Dark => ("moon", "Theme: dark"),
    };
    el("header")
        .class("bar")
        .child(
            icon_button("menu", "Conversations", Action::ShowSidebar(true))
                .testid("open-sidebar")
                .attr("aria-expanded", if app.sidebar { "true" } else { "false" }),
        )
        .child(student_button(app))
        .child(el("span").class("spring"))
        .child(export_menu(app))
        .child(icon_button(theme, theme_name, Action::NextTheme).testid("theme"))
        .child(icon_button("sliders", "Settings", Action::ShowSettings).testid("open-settings"))
}

/// Name of the student and what it runs on; opens the choice of students.
fn student_button(app: &App) -> Element {
    let engine = &app.engine;
    let (name, detail) = match (&engine.model, &engine.loading, engine.phase) {
        (_, _, Phase::Dead) => ("Engine ended".to_owned(), None),
        (Some((_, model)), None, _) => {
            let memory = format::bytes(model.weight_bytes + model.kv_cache_bytes);
            let place = engine.device.as_ref().map_or("", place);
            (
                model.name.clone(),
                Some(format!("{place} · {} · {memory}", model.precision)),
            )
        }
        (_, Some(loading), _) => {
            let stored = engine.stored(&loading.id);
            let name = stored.map_or(loading.id.as_str(), |stored| stored.student.name.as_str());
            (name.to_owned(), Some("loading".to_owned()))
        }
        (None, None, Phase::Ready) => ("Choose a student".to_owned(), None),
        (None, None, _) => ("Starting the engine".to_owned(), None),
    };
    let label = format!("Student: {name}. Choose another.");
    el("button")
        .attr("type", "button")
        .class("student")
        .testid("open-students")
        .label(label)
        .attr("aria-haspopup", "dialog")
        .press(Action::ShowStudents)
        .child(
            el("span")
                .class("student-name")
                .child(el("span").class("dot"))
                .child(el("b").testid("student-name").text(name))
                .child(icon("chevron")),
        )
        .maybe(detail.map(|detail| el("small").testid("student-detail").text(detail)))
}

/// Where the engine computes, in a word.
fn place(device: &retort_protocol::DeviceInfo) -> &'static str {
    match device.kind {
        retort_protocol::DeviceKind::WebGpu if device.software => "WebGPU in software",
        retort_protocol::DeviceKind::WebGpu => "WebGPU",
        retort_protocol::DeviceKind::Cpu => "CPU",
    }
}

fn export_menu(app: &App) -> Element {
    let empty = app.chat.conversation.turns.is_empty();
    let item = |id: &'static str, name: &'static str, action: Action| {
        el("button")
            .attr("type", "button")
            .attr("popovertarget", "export-menu")
            .testid(id)
            .press(action)
            .text(name)
    };
    el("div")
        .class("menu")
        .child(
            el("button")
                .attr("type", "button")
                .class("icon-button")
                .testid("export")
                .label("Export the conversation")
                .attr("title", "Export the conversation")
                .attr("popovertarget", "export-menu")
                .flag("disabled", empty)
                .child(icon("export")),
        )
        .child(
            el("div")
                .attr("id", "export-menu")
                .attr("popover", "auto")
                .class("popover")
                .child(item("export-markdown", "Markdown", Action::ExportMarkdown))
                .child(item("export-json", "JSON", Action::ExportJson)),
        )
}

/// A button that shows a drawing and says its name.
fn icon_button(name: &'static str, label: impl Into<String>, action: Action) -> Element {
    let label = label.into();
    el("button")
        .attr("type", "button")
        .class("icon-button")
        .attr("title", label.clone())
        .label(label)
        .press(action)
        .child(icon(name))
}

/// A button with words.
fn button(name: impl Into<String>, action: Action) -> Element {
    el("button")
        .attr("type", "button")
        .class("button")
        .press(action)
        .text(name.into())
}

/// A dialog with a title and a way out.
fn dialog(app: &App, which: Dialog) -> Element {
    let (id, title) = match which {
        Dialog::Students => ("students", "Students"),
        Dialog::Settings => ("settings", "Settings"),
    };
    let close = Action::CloseDialog(which);
    el("dialog")
        .testid(id)
        .attr("aria-label", title)
        .attr("closedby", "any")
        .modal(app.dialog == Some(which))
        .closed(close.clone())
        .child(
            el("header")
                .class("dialog-head")
                .child(el("h2").text(title))
                .child(icon_button("close", "Close", close).testid("close-dialog")),
        )
}
