//! A conversation: stopped anywhere it goes on as if it had not been, and what the cache holds of
//! earlier turns changes nothing.

use burn::tensor::Device;
use retort_formats::FileSource;
use retort_infer::{Engine, Event, Listener, LoadOptions, Sampling, Session, Stats, StopReason};
use retort_text::Message;
use xtask::student::{Ending, ScriptedStudent};

fn engine() -> Engine {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("student.gguf");
    let student = ScriptedStudent {
        thought: "Two and two.".into(),
        answer: "The answer is **four**, whatever was asked before.".into(),
        ending: Ending::Stop,
        padding: 0,
        seed: 1,
    };
    student.write(&path).unwrap();
    let source = FileSource::open(&path).unwrap();
    let options = LoadOptions::default();
    let device = Device::flex();
    let loaded = Engine::load(source, &device, &options, |_| {});
    pollster::block_on(loaded).unwrap()
}

/// Counts pauses and stops at one of them.
#[derive(Default)]
struct Stopper {
    pauses: usize,
    stop_at: Option<usize>,
    text: String,
    /// `done` of each report on the prompt.
    prefill: Vec<usize>,
}

impl Listener for Stopper {
    fn event(&mut self, event: Event) {
        match event {
            Event::Thought { text, .. } | Event::Answer { text, .. } => self.text += &text,
            Event::Prefill { done, .. } => self.prefill.push(done),
            Event::Trimmed { .. } | Event::Done(_) => {}
        }
    }

    async fn pause(&mut self) -> bool {
        self.pauses += 1;
        self.stop_at == Some(self.pauses)
    }
}

fn ask(
    engine: &Engine,
    session: &mut Session,
    messages: &[Message],
    stop_at: Option<usize>,
) -> (Stats, Stopper) {
    let mut listener = Stopper {
        stop_at,
        ..Stopper::default()
    };
    let sampling = Sampling {
        temperature: 0.0,
        ..Sampling::default()
    };
    let stats = session.chat(engine, messages, &sampling, &mut listener);
    (pollster::block_on(stats).unwrap(), listener)
}

#[test]
fn a_stop_anywhere_leaves_a_session_that_answers() {
    let engine = engine();
    let messages = [Message::new("user", "What is two plus two? ".repeat(40))];
    let (whole, listener) = ask(&engine, &mut Session::new(&engine), &messages, None);
    assert_eq!(whole.stop, StopReason::EndOfText);
    // The prompt is longer than one chunk, and every block of each was reported in order.
    assert!(listener.prefill.is_sorted());
    assert_eq!(listener.prefill.last(), Some(&whole.prompt_tokens));
    let (text, pauses) = (listener.text, listener.pauses);
    assert!(text.contains("**four**"), "{text}");

    for stop_at in 1..=pauses {
        let mut session = Session::new(&engine);
        let (stats, _) = ask(&engine, &mut session, &messages, Some(stop_at));
        assert_eq!(stats.stop, StopReason::Stopped, "at {stop_at}");
        let (again, listener) = ask(&engine, &mut session, &messages, None);
        assert_eq!(listener.text, text, "after a stop at {stop_at}");
        assert_eq!(again.stop, StopReason::EndOfText);
    }
}

#[test]
fn a_second_turn_computes_only_what_is_new() {
    let engine = engine();
    let mut session = Session::new(&engine);
    let mut messages = vec![Message::new("user", "First?")];
    let (_, first) = ask(&engine, &mut session, &messages, None);
    let answer = first.text.rsplit("</think>").next().unwrap_or_default();
    messages.push(Message::new("assistant", answer));
    messages.push(Message::new("user", "Second?"));
    let (reusing, with_cache) = ask(&engine, &mut session, &messages, None);
    let (fresh, without) = ask(&engine, &mut Session::new(&engine), &messages, None);
    assert!(reusing.reused_tokens > 0);
    assert_eq!(fresh.reused_tokens, 0);
    assert_eq!(with_cache.text, without.text);
}
