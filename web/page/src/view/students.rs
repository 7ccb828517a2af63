//! Choosing a student: what is on this device, what can be downloaded.

use retort_protocol::{Stored, Student};

use super::{button, dialog as dialog_frame, notices};
use crate::app::{Action, App, Dialog, Field, Phase, format};
use crate::tree::{Element, el};

pub fn dialog(app: &App) -> Element {
    let frame = dialog_frame(app, Dialog::Students);
    if app.dialog != Some(Dialog::Students) {
        return frame;
    }
    let body = el("div")
        .class("dialog-body")
        .children(notices::transfers(app))
        .maybe(notices::failure(app))
        .maybe((!app.engine.stored.is_empty()).then(|| on_this_device(app)))
        .maybe(known(app))
        .child(elsewhere(app));
    frame.child(body)
}

/// The list as the first visit's page shows it.
pub fn short_list(app: &App) -> Element {
    let items = app
        .students
        .iter()
        .take(3)
        .map(|student| known_item(app, student));
    el("div")
        .child(el("ul").class("students").children(items))
        .maybe(app.students_missing.as_ref().map(missing))
        .child(
            button("All students, other files", Action::ShowStudents)
                .class("button plain")
                .testid("all-students"),
        )
}

fn on_this_device(app: &App) -> Element {
    let storage = app.engine.storage;
    let share = if storage.quota > 0 {
        storage.used as f64 / storage.quota as f64
    } else {
        0.0
    };
    let room = format!(
        "{} used of {} the browser allows, ",
        format::bytes(storage.used),
        format::bytes(storage.quota)
    );
    let promise = match (storage.in_memory, storage.persistent) {
        (true, _) => "in memory until the page is closed",
        (false, true) => "kept until you delete them",
        (false, false) => "and it may delete them when space runs short",
    };
    el("section")
        .child(el("h3").text("On this device"))
        .child(
            el("ul").class("students").testid("stored").children(
                app.engine
                    .stored
                    .iter()
                    .map(|stored| stored_item(app, stored)),
            ),
        )
        .child(
            el("div")
                .class("storage")
                .testid("storage")
                .child(
                    el("meter")
                        .label("Storage used")
                        .attr("max", "1")
                        .attr("value", format!("{:.4}", share.clamp(0.0, 1.0))),
                )
                .child(el("p").class("note").text(room + promise)),
        )
}

fn stored_item(app: &App, stored: &Stored) -> Element {
    let complete = stored.present >= stored.bytes;
    let loaded = app
        .engine
        .model
        .as_ref()
        .is_some_and(|(id, _)| *id == stored.id);
    let size = if complete {
        format::bytes(stored.bytes)
    } else {
        format!(
            "{} of {}",
            format::bytes(stored.present),
            format::bytes(stored.bytes)
        )
    };
    let item = el("li")
        .testid("stored-student")
        .attr("data-id", stored.id.clone())
        .key(stored.id.clone())
        .child(description(&stored.student, &size));
    if app.deleting.as_ref() == Some(&stored.id) {
        let delete = format!("Delete {}", format::bytes(stored.present));
        return item.child(
            el("div")
                .class("row")
                .child(
                    button(delete, Action::DeleteStored(stored.id.clone()))
                        .class("button danger")
                        .testid("confirm-delete"),
                )
                .child(button("Keep", Action::KeepStored).testid("keep-stored")),
        );
    }
    let ready = app.engine.phase == Phase::Ready && app.engine.loading.is_none();
    let main = if loaded {
        el("span").class("badge").testid("in-use").text("in use")
    } else if complete {
        button("Load", Action::Load(stored.id.clone()))
            .class("button primary")
            .testid("load")
            .flag("disabled", !ready || app.running.is_some())
    } else {
        get(app, &stored.student, "Resume").testid("resume")
    };
    item.child(
        el("div").class("row").child(main).child(
            button("Delete", Action::AskDelete(stored.id.clone()))
                .testid("delete-stored")
                .flag("disabled", !ready || app.running.is_some()),
        ),
    )
}

fn known(app: &App) -> Option<Element> {
    let elsewhere = |student: &&Student| app.engine.stored_from(&student.url).is_none();
    let items = app
        .students
        .iter()
        .filter(elsewhere)
        .map(|student| known_item(app, student))
        .collect::<Vec<_>>();
    let missing = app.students_missing.as_ref().map(missing);
    (!items.is_empty() || missing.is_some()).then(|| {
        el("section")
            .child(el("h3").text("To download"))
            .child(el("ul").class("students").testid("known").children(items))
            .maybe(missing)
    })
}

fn missing(why: &String) -> Element {
    el("p")
        .class("note")
        .testid("students-missing")
        .text(format!("The list of students could not be read: {why}"))
}

fn known_item(app: &App, student: &Student) -> Element {
    let size = student.bytes.map(format::bytes).unwrap_or_default();
    let item = el("li")
        .testid("known-student")
        .attr("data-url", student.url.clone())
        .child(description(student, &size));
    let stored = app.engine.stored_from(&student.url);
    let action = match stored {
        Some(stored) if app.engine.is_complete(&stored.id) => {
            let loaded = app
                .engine
                .model
                .as_ref()
                .is_some_and(|(id, _)| *id == stored.id);
            if loaded {
                el("span").class("badge").text("in use")
            } else {
                button("Load", Action::Load(stored.id.clone()))
                    .testid("load")
                    .flag(
                        "disabled",
                        app.engine.loading.is_some() || app.running.is_some(),
                    )
            }
        }
        Some(_) => get(app, student, "Resume").testid("resume"),
        None => get(app, student, "Download").testid("get"),
    };
    item.child(el("div").class("row").child(action))
}

fn get(app: &App, student: &Student, name: &str) -> Element {
    let busy = app.engine.phase != Phase::Ready || app.engine.download.is_some();
    let action = if student.url.starts_with("file:") {
        Action::ChooseFile
    } else {
        Action::Download(Box::new(student.clone()))
    };
    button(name, action).flag("disabled", busy)
}

fn description(student: &Student, size: &str) -> Element {
    let licence = student
        .licence
        .as_ref()
        .map(|licence| el("span").text(licence.clone()));
    el("div")
        .class("about")
        .child(el("b").text(student.name.clone()))
        .child(
            el("p")
                .class("figures")
                .maybe((!size.is_empty()).then(|| el("span").text(size.to_owned())))
                .maybe(licence),
        )
        .maybe(
            student
                .note
                .as_ref()
                .map(|note| el("p").class("about-note").text(note.clone())),
        )
}

fn elsewhere(app: &App) -> Element {
    let busy = app.engine.phase != Phase::Ready || app.engine.download.is_some();
    let refused = app.url_refused.map(|why| {
        el("p")
            .class("refused")
            .testid("url-refused")
            .attr("id", "url-refused")
            .text(why)
    });
    el("section")
        .child(el("h3").text("Another GGUF file"))
        .child(
            el("div")
                .class("row url")
                .child(
                    el("input")
                        .attr("type", "url")
                        .testid("student-url")
                        .label("Address of a GGUF file")
                        .attr("placeholder", "https://… or hf:owner/repository/file.gguf")
                        .attr("aria-describedby", "url-refused")
                        .value(app.url.clone())
                        .input(Field::Url)
                        .enter(Action::DownloadUrl),
                )
                .child(
                    button("Download", Action::DownloadUrl)
                        .testid("download-url")
                        .flag("disabled", busy || app.url.trim().is_empty()),
                ),
        )
        .maybe(refused)
        .child(
            el("div")
                .class("row file")
                .child(
                    button("Choose a file", Action::ChooseFile)
                        .testid("choose-file")
                        .flag("disabled", busy),
                )
                .child(
                    el("span")
                        .class("quiet-note")
                        .text("or drop it anywhere on the page"),
                ),
        )
}
