//! How far a long run is: a bar on a terminal, now and then a line elsewhere.

mod rate;
mod status;

pub use status::Status;

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::memory::Memory;
use crate::smooth::Smooth;
use rate::Rate;

/// Memory is asked for no more often than this.
const MEMORY_EVERY: Duration = Duration::from_secs(2);
/// The loss that is shown is an average over about so many steps.
const LOSS_WINDOW: f64 = 20.0;

/// The display of a run. It writes to standard error, and errors of writing are passed over: whether
/// anyone reads it does not matter to the run.
pub struct Progress {
    name: String,
    total: u64,
    output: Output,
    rate: Rate,
    loss: Smooth,
    memory: (Option<Instant>, Memory),
    last: Option<String>,
}

enum Output {
    Bar(ProgressBar),
    Lines {
        to: Box<dyn Write + Send>,
        every: Duration,
        last: Option<Instant>,
    },
}

impl Progress {
    /// A run of `total` steps, named by a word such as `train`. Without a terminal a line is
    /// written at most once in `every`.
    pub fn new(name: impl Into<String>, total: u64, every: Duration) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::lines(name, total, every, Box::new(std::io::stderr()));
        }
        let name = name.into();
        let style = ProgressStyle::with_template("{prefix}  {bar:28}  {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━━─");
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr())
            .with_style(style)
            .with_prefix(name.clone());
        Self::with(name, total, Output::Bar(bar))
    }

    /// Plain lines to anything: a log, a test.
    pub fn lines(
        name: impl Into<String>,
        total: u64,
        every: Duration,
        to: Box<dyn Write + Send>,
    ) -> Self {
        let output = Output::Lines {
            to,
            every,
            last: None,
        };
        Self::with(name.into(), total, output)
    }

    fn with(name: String, total: u64, output: Output) -> Self {
        Self {
            name,
            total,
            output,
            rate: Rate::default(),
            loss: Smooth::new(LOSS_WINDOW),
            memory: (None, Memory::default()),
            last: None,
        }
    }

    /// Shows where the run is now. May be called for every step.
    pub fn update(&mut self, status: &Status) {
        self.update_at(Instant::now(), status);
    }

    fn update_at(&mut self, now: Instant, status: &Status) {
        self.rate.push(now, status.step);
        let loss = status.loss.map(|loss| match loss.is_finite() {
            true => self.loss.push(loss).unwrap_or(loss),
            // Not smoothed away: this is what one watches for.
            false => loss,
        });
        if let Output::Lines {
            every,
            last: Some(last),
            ..
        } = &self.output
            && now.duration_since(*last) < *every
            && status.step < self.total
        {
            return;
        }
        if self
            .memory
            .0
            .is_none_or(|asked| now.duration_since(asked) >= MEMORY_EVERY)
        {
            self.memory = (Some(now), Memory::of_this_process());
        }
        let left = self.rate.left(self.total.saturating_sub(status.step));
        let figures = status::figures(&Status { loss, ..*status }, &self.memory.1);
        let head = status::head(status.step, self.total, left);
        match &mut self.output {
            Output::Bar(bar) => {
                bar.set_position(status.step.min(self.total));
                bar.set_message(format!("{head}\n{figures}"));
            }
            Output::Lines { to, last, .. } => {
                *last = Some(now);
                let line = format!("{}  {head}  {figures}", self.name);
                // The last step is often told twice, the second time with more figures.
                if self.last.as_ref() != Some(&line) {
                    let _ = writeln!(to, "{line}");
                    self.last = Some(line);
                }
            }
        }
    }

    /// Writes a line above the bar, which stays in view.
    pub fn note(&mut self, text: impl AsRef<str>) {
        match &mut self.output {
            Output::Bar(bar) => bar.println(text),
            Output::Lines { to, .. } => {
                let _ = writeln!(to, "{}", text.as_ref());
            }
        }
    }

    /// Ends the display with a last line; the bar goes.
    pub fn finish(mut self, text: impl AsRef<str>) {
        if let Output::Bar(bar) = &self.output {
            bar.finish_and_clear();
            self.output = Output::Lines {
                to: Box::new(std::io::stderr()),
                every: Duration::ZERO,
                last: None,
            };
        }
        self.note(text);
    }
}

impl Drop for Progress {
    /// A run that failed leaves its bar where it was, and what is said next begins a new line.
    fn drop(&mut self) {
        if let Output::Bar(bar) = &self.output {
            bar.abandon();
        }
    }
}
