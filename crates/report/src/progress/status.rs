//! The figures of a moment, in words.

use std::time::Duration;

use crate::memory::Memory;
use crate::number::{bytes, duration, short};

/// Where a run is. What is not known is not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Status {
    /// Steps that are done, those before a resume included.
    pub step: u64,
    /// Of this step; the display smooths it.
    pub loss: Option<f64>,
    /// Of this step, after warm-up and decay.
    pub learning_rate: Option<f64>,
    /// Global norm of the gradient, before clipping.
    pub grad_norm: Option<f64>,
    /// Trained on, by the caller's clock.
    pub tokens_per_second: Option<f64>,
    /// Model FLOPs utilisation: the part, from 0 to 1, of what the device could do at best.
    pub mfu: Option<f64>,
    /// Held on the device by this process.
    pub device_bytes: Option<u64>,
}

/// `1200/5000  24 %  3 h 12 min left`
pub fn head(step: u64, total: u64, left: Option<Duration>) -> String {
    let mut text = format!("{step}/{total}");
    if total > 0 {
        let percent = step as f64 / total as f64 * 100.0;
        // Rounded down: 100 % is what is finished.
        text += &format!("  {} %", percent.floor());
    }
    match left {
        Some(left) if step < total => text + "  " + &duration(left) + " left",
        _ => text,
    }
}

/// `loss 1.83  lr 1.8e-5  grad 0.912  12.4k tok/s  MFU 38 %  3.20 GB  device 21.4 GB`
pub fn figures(status: &Status, memory: &Memory) -> String {
    let parts = [
        status
            .loss
            .map(|loss| format!("loss {}", loss_digits(loss))),
        status
            .learning_rate
            .map(|rate| format!("lr {}", short(rate))),
        status.grad_norm.map(|norm| format!("grad {}", short(norm))),
        status
            .tokens_per_second
            .map(|rate| format!("{} tok/s", short(rate))),
        status.mfu.map(|mfu| format!("MFU {:.0} %", mfu * 100.0)),
        memory.current.map(bytes),
        status
            .device_bytes
            .map(|held| format!("device {}", bytes(held))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// Four digits: the third changes slowly near the end of a run.
fn loss_digits(loss: f64) -> String {
    match (0.01..10.0).contains(&loss.abs()) {
        true => format!("{loss:.3}"),
        false => short(loss),
    }
}
