//! A reply on the screen while it is made: the answer on standard output, the thought and progress
//! on standard error.

use std::io::{self, Write};

use indicatif::ProgressBar;
use retort_infer::{Event, Listener, Stats, StopReason};

use crate::load::token_bar;
use crate::note::{aside, dim, part};
use crate::stop;

/// What is done with the thought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Thought {
    /// Written to standard error, dimmed on a terminal
    Show,
    /// Only its length, while it grows
    Hide,
}

/// Prints a reply, and keeps it.
pub struct Screen {
    thought_mode: Thought,
    /// Whether the answer is printed as it comes.
    print: bool,
    pub thought: String,
    pub answer: String,
    state: State,
    bar: Option<ProgressBar>,
    /// What writing to standard output failed with; the reply is stopped then.
    failed: Option<io::Error>,
}

#[derive(PartialEq, Eq)]
enum State {
    Before,
    Thinking,
    Answering,
}

impl Screen {
    /// Prints thought and answer as they come.
    pub fn new(thought: Thought) -> Self {
        Self {
            thought_mode: thought,
            print: true,
            thought: String::new(),
            answer: String::new(),
            state: State::Before,
            bar: None,
            failed: None,
        }
    }

    /// Prints nothing but progress.
    pub fn silent() -> Self {
        Self {
            print: false,
            ..Self::new(Thought::Hide)
        }
    }

    /// Ends the last line. An error is one of standard output.
    pub fn finish(&mut self) -> io::Result<()> {
        self.end_thought();
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if self.print && self.state == State::Answering && !self.answer.ends_with('\n') {
            self.write("\n");
        }
        self.failed.take().map_or(Ok(()), Err)
    }

    fn prefill(&mut self, done: usize, total: usize) {
        let bar = self.bar.get_or_insert_with(|| token_bar("reading".into()));
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        if done == total {
            bar.finish_and_clear();
            self.bar = None;
        }
    }

    fn think(&mut self, text: &str, tokens: usize) {
        self.thought.push_str(text);
        if self.thought_mode == Thought::Hide {
            let bar = self.bar.get_or_insert_with(ProgressBar::no_length);
            bar.set_message(format!("thinking, {tokens} tokens"));
            bar.tick();
            return;
        }
        let text = match self.state {
            State::Before => text.trim_start(),
            _ => text,
        };
        if !text.is_empty() {
            self.state = State::Thinking;
            part(dim(text));
        }
    }

    fn end_thought(&mut self) {
        if self.state == State::Thinking {
            part(if self.thought.ends_with('\n') {
                "\n"
            } else {
                "\n\n"
            });
            self.state = State::Before;
        }
    }

    fn answer(&mut self, text: &str) {
        self.answer.push_str(text);
        if !self.print {
            return;
        }
        // The blank lines between thought and answer are the model's habit, not its answer.
        let text = match self.state {
            State::Answering => text,
            _ => text.trim_start(),
        };
        if text.is_empty() {
            return;
        }
        self.end_thought();
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.state = State::Answering;
        self.write(text);
    }

    fn write(&mut self, text: &str) {
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }
}

impl Listener for Screen {
    fn event(&mut self, event: Event) {
        match event {
            Event::Prefill { done, total, .. } => self.prefill(done, total),
            Event::Thought { text, tokens } => self.think(&text, tokens),
            Event::Answer { text, .. } => self.answer(&text),
            Event::Trimmed { turns } => {
                aside(format!("({turns} old turns left out: the context is full)"));
            }
            Event::Done(_) => {}
        }
    }

    async fn pause(&mut self) -> bool {
        stop::is_asked() || self.failed.is_some()
    }
}

/// The figures of a reply on one line.
pub fn summary(stats: &Stats) -> String {
    let why = match stats.stop {
        StopReason::EndOfText => "",
        StopReason::MaxTokens => ", cut at the token limit",
        StopReason::ContextFull => ", cut: the context is full",
        StopReason::Stopped => ", stopped",
    };
    let thought = match stats.thought_tokens {
        0 => String::new(),
        tokens => format!("{tokens} of thought, "),
    };
    format!(
        "[{thought}{} of answer, {:.1} tok/s, first token after {:.2} s{why}]",
        stats.answer_tokens,
        stats.decode_tokens_per_second,
        stats.time_to_first_token_ms / 1e3,
    )
}
