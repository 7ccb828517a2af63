//! What the worker says, and what the page makes of it.

use retort_infer::Event;
use retort_protocol::{Failure, Reply, Request, Stage};

use super::chat::Progress;
use super::engine::is_fatal;
use super::{App, Dialog, Effect, Loading, Phase, format};

/// An unfinished reply is kept this often, in milliseconds.
const KEEP_EVERY: f64 = 3000.0;

impl App {
    pub(super) fn worker(&mut self, reply: Reply) -> Vec<Effect> {
        match &reply {
            Reply::Chat { .. } => {
                if let Reply::Chat { id, event } = reply {
                    return self.chat_event(id, event);
                }
                Vec::new()
            }
            Reply::Downloaded { id } => {
                let id = id.clone();
                self.engine.apply(reply, self.settings.device);
                self.downloaded(id)
            }
            Reply::Loaded { id, .. } => {
                let id = id.clone();
                self.engine.apply(reply, self.settings.device);
                self.loaded(id)
            }
            Reply::Ready { .. } => {
                let effects = self.engine.apply(reply, self.settings.device);
                self.load_wanted(effects)
            }
            Reply::Error(failure) => {
                let failure = failure.clone();
                self.engine.apply(reply, self.settings.device);
                self.failed(&failure)
            }
            _ => self.engine.apply(reply, self.settings.device),
        }
    }

    /// Loads the student of the last visit, of the last worker, or just downloaded.
    fn load_wanted(&mut self, mut effects: Vec<Effect>) -> Vec<Effect> {
        if let Some(id) = self.engine.wanted.take()
            && self.engine.is_complete(&id)
        {
            effects.extend(self.load(id));
        }
        effects
    }

    pub(super) fn load(&mut self, id: String) -> Vec<Effect> {
        if self.engine.phase != Phase::Ready || self.engine.loading.is_some() {
            return Vec::new();
        }
        self.engine.failure = None;
        self.engine.model = None;
        let context = self.settings.context;
        self.engine.loading = Some(Loading {
            id: id.clone(),
            progress: None,
            began: self.now,
        });
        self.settings.loading = Some(id.clone());
        self.status = "Loading the student".to_owned();
        vec![
            self.save_settings(),
            Effect::Send(Request::Load { id, context }),
        ]
    }

    /// A student that has just arrived is what the user wants to talk to, unless a reply is
    /// being written.
    fn downloaded(&mut self, id: String) -> Vec<Effect> {
        self.status = "Download finished".to_owned();
        if self.running.is_some() {
            return Vec::new();
        }
        self.load(id)
    }

    fn loaded(&mut self, id: String) -> Vec<Effect> {
        self.settings.student = Some(id);
        self.settings.loading = None;
        self.status = "The student is ready".to_owned();
        if self.dialog == Some(Dialog::Students) {
            self.dialog = None;
        }
        let mut effects = vec![self.save_settings()];
        if self.dialog.is_none() && self.edit.is_none() && self.rename.is_none() {
            effects.push(Effect::Focus("draft"));
        }
        effects
    }

    fn failed(&mut self, failure: &Failure) -> Vec<Effect> {
        self.status = format!("Error: {}", failure.message);
        let mut effects = Vec::new();
        if matches!(failure.during, Some(Stage::Load { .. })) {
            self.settings.loading = None;
            effects.push(self.save_settings());
        }
        let about_chat = matches!(failure.during, Some(Stage::Chat { .. }));
        if about_chat || is_fatal(failure.kind) {
            effects.extend(self.reply_broken(&failure.message));
        }
        effects
    }

    /// The reply being written will not go on.
    pub(super) fn reply_broken(&mut self, why: &str) -> Vec<Effect> {
        let Some(running) = self.running.take() else {
            return Vec::new();
        };
        if !running.abandoned
            && let Some(reply) = self.chat.last_reply()
        {
            reply.broken = Some(why.to_owned());
            return self.keep();
        }
        Vec::new()
    }

    fn chat_event(&mut self, id: u64, event: Event) -> Vec<Effect> {
        let Some(mut running) = self.running.take().filter(|running| running.id == id) else {
            return Vec::new();
        };
        if running.abandoned {
            if !matches!(event, Event::Done(_)) {
                self.running = Some(running);
            }
            return Vec::new();
        }
        match self.chat.take(&mut running, event, self.now) {
            Progress::Ended => {
                self.chat.conversation.check_last();
                self.status = self.ended();
                // What comes last, the figures and the verdict, is to be seen by who reads along.
                let mut effects: Vec<Effect> = Vec::new();
                effects.extend(self.at_end.then_some(Effect::ScrollToEnd));
                effects.extend(self.keep());
                return effects;
            }
            Progress::AnswerBegan => self.answer_began(),
            Progress::Going => {
                if running.tokens == 0 {
                    self.status = "Reading the question".to_owned();
                } else if !running.answering {
                    self.status = "Thinking".to_owned();
                }
            }
        }
        let due = self.now - running.kept >= KEEP_EVERY;
        if due {
            running.kept = self.now;
        }
        self.running = Some(running);
        if due { self.keep() } else { Vec::new() }
    }

    fn answer_began(&mut self) {
        self.status = "Answering".to_owned();
        // Folding the thought under the eyes of someone who reads it would move the text away.
        if !self.at_end
            && let Some(body) = self.chat.bodies.last_mut()
        {
            body.thought_open.get_or_insert(true);
        }
    }

    fn ended(&mut self) -> String {
        match self.chat.last_reply() {
            Some(reply) if reply.answer.trim().is_empty() => "The reply has no answer".to_owned(),
            Some(reply) => {
                let tokens = format::count(reply.answer_tokens, "token");
                match &reply.checked {
                    Some(checked) => format!("Answer complete. {}", checked.in_words()),
                    None => format!("Answer complete, {tokens}"),
                }
            }
            None => String::new(),
        }
    }

    /// Keeps the open conversation, and moves it to the front of the list.
    pub(super) fn keep(&mut self) -> Vec<Effect> {
        let conversation = &mut self.chat.conversation;
        if conversation.turns.is_empty() || conversation.id.is_empty() {
            return Vec::new();
        }
        conversation.updated = self.now;
        conversation.name_from_first_question();
        let summary = conversation.summary();
        self.chats.retain(|chat| chat.id != summary.id);
        self.chats.insert(0, summary);
        vec![Effect::SaveChat(Box::new(self.chat.conversation.clone()))]
    }
}
