use retort_infer::{Event, ModelInfo, Sampling};
use retort_protocol::{
    DeviceInfo, DeviceKind, DownloadProgress, Failure, FailureKind, Reply, Storage, Student,
};

use super::view;
use crate::app::settings::Settings;
use crate::app::{Action, App, Field, Moment, Msg};
use crate::tree::Node;
use crate::tree::html::to_html;

fn shown(app: &mut App) -> String {
    let App { chat, running, .. } = app;
    chat.render(running.as_ref(), || true);
    to_html([&view(app)])
}

fn say(app: &mut App, msg: Msg) {
    app.update(
        msg,
        Moment {
            now: 5_000.0,
            random: 1,
        },
    );
}

fn worker(app: &mut App, reply: Reply) {
    say(app, Msg::Worker(Box::new(reply)));
}

fn student() -> Student {
    Student {
        name: "<b>Smol</b>".into(),
        url: "https://example.org/m.gguf".into(),
        bytes: Some(98_362_432),
        sha256: None,
        manifest: None,
        licence: Some("Apache-2.0".into()),
        note: None,
    }
}

fn started(fallback: Option<&str>) -> App {
    let (mut app, _) = App::start(Settings::default(), Moment::default());
    worker(&mut app, Reply::Up);
    let device = DeviceInfo {
        kind: if fallback.is_some() {
            DeviceKind::Cpu
        } else {
            DeviceKind::WebGpu
        },
        adapter: "acme".into(),
        max_binding: None,
        max_buffer: None,
        f16: true,
        software: false,
        fallback: fallback.map(str::to_owned),
    };
    worker(
        &mut app,
        Reply::Ready {
            device,
            stored: vec![],
            storage: Storage::default(),
        },
    );
    say(&mut app, Msg::Students(Ok(vec![student()])));
    app
}

fn loaded() -> App {
    let mut app = started(None);
    let model = ModelInfo {
        name: "Smol".into(),
        architecture: "llama".into(),
        parameters: 1,
        weight_bytes: 90_000_000,
        kv_cache_bytes: 10_000_000,
        context: 64,
        precision: "f16".into(),
        reasons: true,
        sampling: Sampling::default(),
    };
    worker(
        &mut app,
        Reply::Loaded {
            id: "x".into(),
            model,
        },
    );
    app
}

#[test]
fn a_first_visit_offers_students() {
    let html = shown(&mut started(None));
    assert!(html.contains("data-engine=\"empty\""));
    assert!(html.contains("data-testid=\"welcome\"") && html.contains("data-testid=\"get\""));
    assert!(
        html.contains("&lt;b&gt;Smol&lt;/b&gt;"),
        "names are text: {html}"
    );
    assert!(html.contains("98.4 MB"));
}

#[test]
fn the_fallback_is_said_until_dismissed() {
    let mut app = started(Some("no adapter"));
    assert!(shown(&mut app).contains("data-testid=\"cpu-banner\""));
    say(&mut app, Msg::Pressed(Action::DismissBanner));
    assert!(!shown(&mut app).contains("data-testid=\"cpu-banner\""));
}

#[test]
fn a_download_shows_bytes_speed_and_time() {
    let mut app = started(None);
    say(
        &mut app,
        Msg::Pressed(Action::Download(Box::new(student()))),
    );
    worker(
        &mut app,
        Reply::Download(DownloadProgress {
            id: "x".into(),
            done: 49_000_000,
            total: 98_362_432,
            bytes_per_second: 2.5e6,
            seconds_left: Some(19.6),
            resumed_from: 4_194_304,
            note: None,
        }),
    );
    let html = shown(&mut app);
    for words in [
        "49.0 MB of 98.4 MB",
        "2.50 MB/s",
        "20 s left",
        "went on at 4.19 MB",
    ] {
        assert!(html.contains(words), "{words}: {html}");
    }
}

#[test]
fn a_reply_has_its_states() {
    let mut app = loaded();
    say(&mut app, Msg::Typed(Field::Draft, "a < b?".into()));
    say(&mut app, Msg::Pressed(Action::Send));
    let html = shown(&mut app);
    assert!(html.contains("data-state=\"reading\"") && html.contains("data-testid=\"stop\""));
    assert!(html.contains("a &lt; b?"));
    worker(
        &mut app,
        Reply::Chat {
            id: 1,
            event: thought("**hm**"),
        },
    );
    let html = shown(&mut app);
    assert!(html.contains("data-state=\"thinking\"") && html.contains("<strong>hm</strong>"));
    assert!(html.contains("<details class=\"thought\" data-testid=\"thought\" open=\"\">"));
    let answer = Event::Answer {
        text: "$x$".into(),
        tokens: 1,
    };
    worker(
        &mut app,
        Reply::Chat {
            id: 1,
            event: answer,
        },
    );
    let html = shown(&mut app);
    assert!(html.contains("data-state=\"answering\"") && html.contains("<math>"));
    assert!(
        !html.contains("<strong>hm</strong>"),
        "the closed thought is not in the page"
    );
}

fn thought(text: &str) -> Event {
    Event::Thought {
        text: text.into(),
        tokens: 1,
    }
}

#[test]
fn every_failure_has_a_title_and_a_way_out() {
    let kinds = [
        FailureKind::TooLarge,
        FailureKind::Download,
        FailureKind::Corrupt,
        FailureKind::StorageFull,
        FailureKind::DeviceLost,
        FailureKind::Unsupported,
        FailureKind::Chat,
        FailureKind::Internal,
    ];
    for kind in kinds {
        let mut app = loaded();
        let message = "Tensor `<x>`".to_owned();
        let failure = Failure {
            kind,
            during: None,
            message,
            hint: "Do this.".into(),
        };
        worker(&mut app, Reply::Error(failure));
        let html = shown(&mut app);
        let card = html.split("data-testid=\"error\"").nth(1).expect("a card");
        assert!(card.contains("Tensor `&lt;x&gt;`") && card.contains("Do this."));
        let actions = card.matches("class=\"button").count();
        assert!(actions > 0, "{kind:?} leaves people alone");
    }
}

#[test]
fn test_ids_and_labels_are_there() {
    let mut app = loaded();
    let html = shown(&mut app);
    for id in [
        "draft",
        "send",
        "new-chat",
        "open-students",
        "theme",
        "file-input",
        "status",
    ] {
        assert!(html.contains(&format!("data-testid=\"{id}\"")), "{id}");
    }
    say(&mut app, Msg::Pressed(Action::ShowSettings));
    let html = shown(&mut app);
    for id in [
        "system-prompt",
        "setting-temperature",
        "setting-seed",
        "device",
        "kv-cache",
    ] {
        assert!(html.contains(&format!("data-testid=\"{id}\"")), "{id}");
    }
    unnamed(&view(&app));
}

/// Finds buttons and fields that a screen reader could not name.
fn unnamed(node: &Node) {
    match node {
        Node::Text(_) => {}
        Node::Shared(inner) => unnamed(inner),
        Node::Element(element) => {
            let has = |name: &str| element.attributes.iter().any(|(other, _)| *other == name);
            let hidden = has("aria-hidden");
            let words = element
                .children
                .iter()
                .any(|child| to_html([child]).contains(char::is_alphabetic));
            match element.tag {
                "button" => assert!(has("aria-label") || words, "{element:?}"),
                "input" | "textarea" | "select" => {
                    assert!(has("aria-label") || has("id") || hidden, "{element:?}");
                }
                "dialog" | "nav" | "progress" => assert!(has("aria-label"), "{element:?}"),
                _ => {}
            }
            element.children.iter().for_each(unnamed);
        }
    }
}
