//! Starting, loading, downloading, and what goes wrong.

use retort_infer::LoadProgress;
use retort_protocol::DevicePreference;

use super::*;

#[test]
fn the_worker_is_started_after_it_listens_and_loads_the_last_student() {
    let settings = Settings {
        student: Some("smol".into()),
        ..Settings::default()
    };
    let mut driver = Driver::start(settings);
    assert!(driver.take().contains(&Effect::StartWorker));
    driver.worker(Reply::Up);
    assert_eq!(
        driver.requests(),
        [Request::Start {
            device: DevicePreference::Auto
        }]
    );
    driver.worker(ready());
    assert_eq!(
        driver.requests(),
        [Request::Load {
            id: "smol".into(),
            context: None
        }]
    );
    assert_eq!(driver.app.settings.loading.as_deref(), Some("smol"));
    driver.worker(Reply::Load(LoadProgress {
        done: 5,
        total: 10,
        what: "x".into(),
    }));
    driver.worker(Reply::Loaded {
        id: "smol".into(),
        model: model(),
    });
    assert_eq!(driver.app.settings.loading, None);
    assert!(driver.app.can_send());
}

#[test]
fn a_load_that_took_the_page_down_is_not_repeated_unasked() {
    let settings = Settings {
        student: Some("smol".into()),
        loading: Some("smol".into()),
        ..Settings::default()
    };
    let mut driver = Driver::ready(settings);
    let loads = |request: &Request| matches!(request, Request::Load { .. });
    assert!(!driver.requests().iter().any(loads));
    assert!(driver.app.toast.is_some());
}

#[test]
fn a_student_half_there_is_not_loaded() {
    let settings = Settings {
        student: Some("smol".into()),
        ..Settings::default()
    };
    let mut driver = Driver::start(settings);
    driver.worker(Reply::Up);
    let Reply::Ready {
        device, storage, ..
    } = ready()
    else {
        unreachable!()
    };
    driver.worker(Reply::Ready {
        device,
        stored: stored(40),
        storage,
    });
    assert_eq!(
        driver.requests(),
        [Request::Start {
            device: DevicePreference::Auto
        }]
    );
}

#[test]
fn a_lost_device_keeps_the_chat_and_a_new_worker_loads_the_same_student() {
    let mut driver = Driver::loaded();
    driver.ask("a");
    driver.event(Event::Answer {
        text: "half".into(),
        tokens: 1,
    });
    driver.worker(failure(FailureKind::DeviceLost, None));
    driver.say(Msg::WorkerFailed("unreachable".into()));
    assert_eq!(driver.app.engine.phase, Phase::Dead);
    assert_eq!(
        driver.app.engine.failure.as_ref().unwrap().kind,
        FailureKind::DeviceLost
    );
    let reply = driver.app.chat.last_reply().unwrap();
    assert_eq!(
        (reply.answer.as_str(), reply.broken.as_deref()),
        ("half", Some("what"))
    );
    driver.take();
    driver.press(Action::ReloadEngine { on_cpu: true });
    assert!(driver.take().contains(&Effect::StartWorker));
    driver.worker(Reply::Up);
    assert_eq!(
        driver.requests(),
        [Request::Start {
            device: DevicePreference::Cpu
        }]
    );
    driver.worker(ready());
    assert_eq!(
        driver.requests(),
        [Request::Load {
            id: "smol".into(),
            context: None
        }]
    );
    assert!(driver.app.engine.failure.is_none());
}

#[test]
fn a_panic_that_names_its_cause_is_not_covered_by_what_the_browser_says() {
    let mut driver = Driver::loaded();
    driver.worker(failure(FailureKind::TooLarge, None));
    driver.say(Msg::WorkerFailed("unreachable executed".into()));
    assert_eq!(
        driver.app.engine.failure.as_ref().unwrap().kind,
        FailureKind::TooLarge
    );
    assert_eq!(driver.app.engine.phase, Phase::Dead);
}

#[test]
fn a_download_leads_to_loading_and_a_failed_one_can_be_tried_again() {
    let mut driver = Driver::ready(Settings::default());
    driver.take();
    driver.press(Action::Download(Box::new(student())));
    assert!(
        driver
            .take()
            .contains(&Effect::SendDownload(Box::new(student())))
    );
    driver.worker(failure(
        FailureKind::Download,
        Some(Stage::Download { id: "smol".into() }),
    ));
    assert!(driver.app.engine.download.is_none());
    driver.press(Action::RetryDownload);
    assert!(
        driver
            .take()
            .contains(&Effect::SendDownload(Box::new(student())))
    );
    driver.worker(Reply::Downloaded { id: "smol".into() });
    assert_eq!(
        driver.requests(),
        [Request::Load {
            id: "smol".into(),
            context: None
        }]
    );
}

#[test]
fn a_cancelled_download_ends_with_the_list() {
    let mut driver = Driver::ready(Settings::default());
    driver.press(Action::Download(Box::new(student())));
    driver.worker(Reply::Stored {
        stored: stored(10),
        storage: Storage::default(),
    });
    assert!(
        driver.app.engine.download.is_some(),
        "a list alone ends nothing"
    );
    driver.take();
    driver.press(Action::CancelDownload);
    driver.press(Action::CancelDownload);
    assert_eq!(driver.requests(), [Request::CancelDownload]);
    driver.worker(Reply::Stored {
        stored: stored(10),
        storage: Storage::default(),
    });
    assert!(driver.app.engine.download.is_none());
}

#[test]
fn addresses_of_students_are_checked_and_completed() {
    let hub = "https://huggingface.co/o/r/resolve/main/m-Q4.gguf";
    let rows = [
        (
            "https://example.org/a/m.gguf?x=1",
            Ok("https://example.org/a/m.gguf?x=1"),
        ),
        (
            "http://127.0.0.1:8000/m.gguf",
            Ok("http://127.0.0.1:8000/m.gguf"),
        ),
        ("https://huggingface.co/o/r/blob/main/m-Q4.gguf", Ok(hub)),
        (" hf:o/r/m-Q4.gguf ", Ok(hub)),
        ("hf:o/r", Err(())),
        ("example.org/m.gguf", Err(())),
        ("javascript:alert(1)//.gguf", Err(())),
        ("https://example.org/m.safetensors", Err(())),
        ("https://example.org/.gguf", Err(())),
        ("https://exa mple.org/m.gguf", Err(())),
        ("https:///m.gguf", Err(())),
        ("", Err(())),
    ];
    for (typed, expected) in rows {
        let found = student_from_url(typed).map(|student| student.url);
        assert_eq!(found.as_deref().map_err(|_| ()), expected, "for {typed}");
    }
    assert_eq!(
        student_from_url("hf:o/r/sub/m-Q4.gguf").unwrap().name,
        "m-Q4"
    );
}

#[test]
fn a_chosen_file_is_downloaded_like_any_other() {
    let mut driver = Driver::ready(Settings::default());
    driver.take();
    driver.say(Msg::FileChosen {
        name: "m.gguf".into(),
        bytes: 5,
    });
    let effects = driver.take();
    let [Effect::SendDownload(student)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!(
        (student.url.as_str(), student.name.as_str()),
        ("file:m.gguf", "m")
    );
    driver.say(Msg::FileChosen {
        name: "n.gguf".into(),
        bytes: 5,
    });
    assert!(
        driver.take().is_empty() && driver.app.toast.is_some(),
        "one at a time"
    );
}
