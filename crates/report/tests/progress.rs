//! The display without a terminal.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use retort_report::progress::{Progress, Status};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

fn status(step: u64, loss: f64) -> Status {
    Status {
        step,
        loss: Some(loss),
        learning_rate: Some(1.8e-5),
        grad_norm: Some(0.912),
        tokens_per_second: Some(12_400.0),
        mfu: Some(0.38),
        device_bytes: Some(21_400_000_000),
    }
}

#[test]
fn the_first_and_the_last_step_have_a_line_and_few_between() {
    let log = Log::default();
    let every = Duration::from_secs(3600);
    let mut progress = Progress::lines("train", 1000, every, Box::new(log.clone()));
    for step in 1..=1000 {
        progress.update(&status(step, 1.5));
    }
    progress.finish("done");
    let lines = log.lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    let first = "train  1/1000  0 %  loss 1.500  lr 1.8e-5  grad 0.912  12.4k tok/s  MFU 38 %";
    assert!(lines[0].starts_with(first), "{}", lines[0]);
    assert!(lines[0].ends_with("device 21.40 GB"), "{}", lines[0]);
    assert!(
        lines[1].starts_with("train  1000/1000  100 %  loss"),
        "{}",
        lines[1]
    );
    assert_eq!(lines[2], "done");
}

#[test]
fn the_loss_is_smoothed_but_nan_is_shown_at_once() {
    let log = Log::default();
    let mut progress = Progress::lines("train", 100, Duration::ZERO, Box::new(log.clone()));
    progress.update(&status(1, 2.0));
    progress.update(&status(2, 4.0));
    progress.update(&status(3, f64::NAN));
    progress.update(&status(4, 3.0));
    progress.note("saved");
    let lines = log.lines();
    assert!(lines[1].contains("loss 3.05"), "{}", lines[1]);
    assert!(lines[2].contains("loss NaN"), "{}", lines[2]);
    assert!(lines[3].contains("loss 3.03"), "{}", lines[3]);
    assert!(lines[3].contains(" left"), "{}", lines[3]);
    assert_eq!(lines[4], "saved");
}

#[test]
fn what_is_not_known_is_not_shown() {
    let log = Log::default();
    let mut progress = Progress::lines("pack", 0, Duration::ZERO, Box::new(log.clone()));
    progress.update(&Status {
        step: 3,
        ..Status::default()
    });
    let lines = log.lines();
    assert!(lines[0].starts_with("pack  3/0"), "{}", lines[0]);
    for absent in ["loss", "lr", "tok/s", "MFU", "device", "%", "NaN"] {
        assert!(!lines[0].contains(absent), "{}", lines[0]);
    }
}
