//! What the page has to say: progress, failures, fallbacks.

use retort_protocol::{Failure, FailureKind, Stage};

use super::{button, icon_button};
use crate::app::{Action, App, Dialog, Download, Loading, Phase, format};
use crate::tree::{Element, Node, el, text};

/// The strip under the header while something is on its way. A page without a conversation has
/// the room to show it in the middle, and the dialog shows it itself.
pub fn progress(app: &App) -> Element {
    let elsewhere = app.chat.conversation.turns.is_empty() || app.dialog == Some(Dialog::Students);
    let strip = el("div").class("strips");
    if elsewhere {
        strip
    } else {
        strip.children(transfers(app))
    }
}

/// The download and the loading that are under way.
pub fn transfers(app: &App) -> Vec<Element> {
    let download = app.engine.download.as_ref().map(download_card);
    let loading = app
        .engine
        .loading
        .as_ref()
        .map(|loading| loading_card(app, loading));
    download.into_iter().chain(loading).collect()
}

/// A download with its figures.
pub fn download_card(download: &Download) -> Element {
    let card = el("div").class("transfer").testid("download");
    let name = el("b")
        .testid("download-name")
        .text(download.student.name.clone());
    let cancel = button("Cancel", Action::CancelDownload)
        .testid("cancel-download")
        .flag("disabled", download.cancelling);
    let Some(progress) = &download.progress else {
        let waiting = el("div").class("row").child(name).child(cancel);
        return card.child(waiting).child(bar("Download", None)).child(
            el("p")
                .class("figures")
                .child(el("span").text("Asking the host")),
        );
    };
    let left = progress.seconds_left.map(|seconds| {
        let left = format::duration(seconds * 1000.0);
        el("span")
            .testid("download-left")
            .text(format!("{left} left"))
    });
    let size = format!(
        "{} of {}",
        format::bytes(progress.done),
        format::bytes(progress.total)
    );
    let resumed = (progress.resumed_from > 0).then(|| {
        let from = format::bytes(progress.resumed_from);
        el("span")
            .testid("download-resumed")
            .text(format!("went on at {from}"))
    });
    let figures = el("p")
        .class("figures")
        .child(el("span").testid("download-bytes").text(size))
        .child(el("span").testid("download-speed").text(format!(
            "{}/s",
            format::bytes(progress.bytes_per_second.max(0.0) as u64)
        )))
        .maybe(left)
        .maybe(resumed);
    let share = (progress.total > 0).then(|| progress.done as f64 / progress.total as f64);
    card.child(el("div").class("row").child(name).child(cancel))
        .child(bar("Download", share))
        .child(figures)
        .maybe(progress.note.as_ref().map(|note| {
            el("p")
                .class("note")
                .testid("download-note")
                .text(note.clone())
        }))
}

fn loading_card(app: &App, loading: &Loading) -> Element {
    let (what, share) = match &loading.progress {
        None => ("Opening the file".to_owned(), None),
        Some(progress) if progress.done >= progress.total => (stage(&progress.what, app), None),
        Some(progress) => {
            let share = progress.done as f64 / progress.total.max(1) as f64;
            let bytes = format!(
                "{} of {} on the device",
                format::bytes(progress.done),
                format::bytes(progress.total)
            );
            (bytes, Some(share))
        }
    };
    let name = app
        .engine
        .stored(&loading.id)
        .map(|stored| stored.student.name.clone());
    let time = format::duration(app.now - loading.began);
    el("div")
        .class("transfer")
        .testid("loading")
        .child(
            el("div")
                .class("row")
                .child(el("b").text(format!("Loading {}", name.unwrap_or_default()))),
        )
        .child(bar("Loading", share))
        .child(
            el("p")
                .class("figures")
                .child(el("span").testid("loading-stage").text(what))
                .child(el("span").text(time)),
        )
}

/// What happens after the last byte of weights, in words.
fn stage(what: &str, app: &App) -> String {
    let on_cpu = app
        .engine
        .device
        .as_ref()
        .is_some_and(|device| device.kind == retort_protocol::DeviceKind::Cpu);
    match what {
        "preparing kernels" if on_cpu => "Preparing the engine".to_owned(),
        "preparing kernels" => "Preparing the GPU, the first time takes longest".to_owned(),
        "tokenizer" => "Reading the tokenizer".to_owned(),
        _ => "Preparing".to_owned(),
    }
}

/// A progress bar; none for a share that is not known.
fn bar(label: &'static str, share: Option<f64>) -> Element {
    let bar = el("progress")
        .label(label)
        .attr("max", "1")
        .key(if share.is_some() { "known" } else { "unknown" });
    match share {
        Some(share) => bar.attr("value", format!("{:.4}", share.clamp(0.0, 1.0))),
        None => bar,
    }
}

/// Things to know that stay until they are dismissed.
pub fn banners(app: &App) -> Element {
    let strip = el("div").class("strips");
    let Some(device) = &app.engine.device else {
        return strip;
    };
    let fallback = device.fallback.as_ref().filter(|_| !app.banner_dismissed);
    strip
        .maybe(fallback.map(|why| {
            el("div")
                .class("banner")
                .testid("cpu-banner")
                .child(
                    el("p")
                        .child(el("b").text("Running on the CPU. "))
                        .text(why.clone()),
                )
                .child(
                    icon_button("close", "Dismiss", Action::DismissBanner).testid("dismiss-banner"),
                )
        }))
        .maybe(app.engine.storage.in_memory.then(|| {
            el("div")
                .class("banner")
                .testid("memory-banner")
                .child(el("p").text(
                    "This window may not store files: students stay in memory and are gone when \
                 the page is closed.",
                ))
        }))
}

/// The last failure over the question, where it cannot scroll out of sight. The dialog shows it
/// itself.
pub fn failures(app: &App) -> Element {
    let strip = el("div").class("strips");
    match app.dialog {
        Some(Dialog::Students) => strip,
        _ => strip.maybe(failure(app)),
    }
}

/// A message whose `quoted` parts are set as code.
fn with_code(message: &str) -> Vec<Node> {
    let parts = message.split('`').enumerate();
    let node = |(index, part): (usize, &str)| match index % 2 {
        0 => text(part.to_owned()),
        _ => el("code").text(part.to_owned()).into(),
    };
    parts
        .filter(|(_, part)| !part.is_empty())
        .map(node)
        .collect()
}

/// The last failure, with what can be done about it.
pub fn failure(app: &App) -> Option<Element> {
    let failure = app.engine.failure.as_ref()?;
    let hint = (!failure.hint.is_empty()).then(|| {
        el("p")
            .class("hint-text")
            .testid("error-hint")
            .text(failure.hint.clone())
    });
    Some(
        el("div")
            .class("failure")
            .testid("error")
            .attr("data-kind", kind_name(failure.kind))
            .attr("role", "alert")
            .child(
                el("div")
                    .class("row")
                    .child(el("h3").text(title(failure)))
                    .child(
                        icon_button("close", "Dismiss", Action::DismissFailure)
                            .testid("dismiss-error"),
                    ),
            )
            .child(
                el("p")
                    .testid("error-message")
                    .children(with_code(&failure.message)),
            )
            .maybe(hint)
            .child(
                el("div").class("row").children(
                    ways_out(app, failure)
                        .into_iter()
                        // In the dialog of the students a button that opens it leads nowhere.
                        .filter(|way| app.dialog.is_none() || !leads_to_students(way)),
                ),
            ),
    )
}

fn leads_to_students(way: &Element) -> bool {
    way.on.press == Some(Action::ShowStudents)
}

fn title(failure: &Failure) -> &'static str {
    match failure.kind {
        FailureKind::TooLarge => "Too large for this device",
        FailureKind::Download => "The download did not finish",
        FailureKind::Corrupt => "The file is damaged",
        FailureKind::StorageFull => "The storage is full",
        FailureKind::DeviceLost => "The GPU was lost",
        FailureKind::Unsupported => "Not supported",
        FailureKind::Chat => "This cannot be answered",
        FailureKind::Internal => "Something broke",
    }
}

/// The kind as it stands in `data-kind`.
fn kind_name(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::TooLarge => "too-large",
        FailureKind::Download => "download",
        FailureKind::Corrupt => "corrupt",
        FailureKind::StorageFull => "storage-full",
        FailureKind::DeviceLost => "device-lost",
        FailureKind::Unsupported => "unsupported",
        FailureKind::Chat => "chat",
        FailureKind::Internal => "internal",
    }
}

fn ways_out(app: &App, failure: &Failure) -> Vec<Element> {
    let students = || button("Other students", Action::ShowStudents).testid("error-students");
    let on_gpu = app
        .engine
        .device
        .as_ref()
        .is_none_or(|device| device.kind == retort_protocol::DeviceKind::WebGpu);
    let cpu = || {
        on_gpu.then(|| {
            button("Use the CPU", Action::ReloadEngine { on_cpu: true }).testid("error-use-cpu")
        })
    };
    let reload = || {
        button("Reload the engine", Action::ReloadEngine { on_cpu: false })
            .class("button primary")
            .testid("error-reload")
    };
    if app.engine.phase == Phase::Dead {
        return std::iter::once(reload()).chain(cpu()).collect();
    }
    match (failure.kind, &failure.during) {
        (FailureKind::TooLarge, _) => std::iter::once(students()).chain(cpu()).collect(),
        (FailureKind::Corrupt, Some(Stage::Load { id })) => vec![
            button("Delete the file", Action::DeleteStored(id.clone())).testid("error-delete"),
            students(),
        ],
        (FailureKind::Download | FailureKind::Corrupt, _) => vec![
            button("Try again", Action::RetryDownload)
                .class("button primary")
                .testid("error-retry"),
            students(),
        ],
        (FailureKind::StorageFull, _) => {
            vec![button("Make room", Action::ShowStudents).testid("error-students")]
        }
        (FailureKind::Chat, _) => vec![
            button("Try again", Action::Regenerate)
                .class("button primary")
                .testid("error-retry")
                .flag("disabled", !app.can_send()),
        ],
        (FailureKind::Unsupported, _) => vec![students()],
        (FailureKind::DeviceLost | FailureKind::Internal, _) => {
            std::iter::once(reload()).chain(cpu()).collect()
        }
    }
}

/// A short message at the bottom.
pub fn toast(app: &App) -> Element {
    let frame = el("div")
        .class("toast")
        .testid("toast")
        .attr("role", "status");
    let Some(toast) = &app.toast else {
        return frame.flag("hidden", true);
    };
    let undo = (toast.undo && app.deleted.is_some())
        .then(|| button("Undo", Action::UndoDelete).testid("undo"));
    frame
        .child(el("span").text(toast.text.clone()))
        .maybe(undo)
        .child(icon_button("close", "Dismiss", Action::DismissToast).testid("dismiss-toast"))
}
