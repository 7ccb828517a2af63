//! Asking: sending a question, stopping, asking again.

use retort_protocol::Request;

use super::conversation::{Reply, Turn};
use super::exercise::Exercise;
use super::{App, Effect, Moment, Running};

impl App {
    pub(super) fn send(&mut self, moment: Moment) -> Vec<Effect> {
        let question = self.draft.trim().to_owned();
        if question.is_empty() || self.running.is_some() {
            return Vec::new();
        }
        if self.engine.model.is_none() {
            return if self.engine.loading.is_some() {
                vec![]
            } else {
                self.show_students()
            };
        }
        self.draft.clear();
        self.send_question(question, None, moment)
    }

    pub(super) fn send_question(
        &mut self,
        text: String,
        exercise: Option<Exercise>,
        moment: Moment,
    ) -> Vec<Effect> {
        self.begin_conversation(moment);
        self.chat.push(Turn::User { text, exercise });
        let mut effects = self.ask(moment);
        effects.push(Effect::Focus("draft"));
        effects
    }

    fn begin_conversation(&mut self, moment: Moment) {
        let conversation = &mut self.chat.conversation;
        if conversation.id.is_empty() {
            conversation.id = format!("{:x}-{:08x}", moment.now as u64, moment.random as u32);
            conversation.created = moment.now;
            self.settings.conversation = Some(conversation.id.clone());
        }
    }

    /// Asks for a reply to the conversation, which ends with a question.
    fn ask(&mut self, moment: Moment) -> Vec<Effect> {
        let Some((_, model)) = &self.engine.model else {
            return Vec::new();
        };
        let sampling = self.settings.sampling(&model.sampling, moment.random);
        let messages = self.chat.conversation.messages();
        let student = model.name.clone();
        self.chat.push(Turn::Student(Box::new(Reply {
            student,
            seed: sampling.seed,
            ..Reply::default()
        })));
        self.engine.failure = None;
        self.edit = None;
        self.next_request += 1;
        let id = self.next_request;
        self.running = Some(Running::new(id, self.now));
        self.at_end = true;
        self.status = "Reading the question".to_owned();
        let mut effects = self.keep();
        effects.push(self.save_settings());
        effects.push(Effect::Send(Request::Chat {
            id,
            messages,
            sampling,
        }));
        effects.push(Effect::ScrollToEnd);
        effects
    }

    pub(super) fn stop(&mut self) -> Vec<Effect> {
        match &mut self.running {
            Some(running) if !running.stopping => {
                running.stopping = true;
                vec![Effect::Send(Request::Stop)]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn escape(&mut self) -> Vec<Effect> {
        if self.edit.take().is_some() || self.rename.take().is_some() {
            return vec![Effect::Focus("draft")];
        }
        if std::mem::take(&mut self.sidebar) {
            return vec![Effect::Focus("open-sidebar")];
        }
        self.stop()
    }

    pub(super) fn regenerate(&mut self, moment: Moment) -> Vec<Effect> {
        if !self.can_send() {
            return Vec::new();
        }
        let questions = |turn: &Turn| matches!(turn, Turn::User { .. });
        let Some(last) = self.chat.conversation.turns.iter().rposition(questions) else {
            return Vec::new();
        };
        self.chat.truncate(last + 1);
        self.ask(moment)
    }

    pub(super) fn edit(&mut self, turn: usize) -> Vec<Effect> {
        match self.chat.conversation.turns.get(turn) {
            Some(Turn::User { text, .. }) if self.running.is_none() => {
                self.edit = Some((turn, text.clone()));
                vec![Effect::Focus("edit-text")]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn resend(&mut self, moment: Moment) -> Vec<Effect> {
        if !self.can_send() {
            return Vec::new();
        }
        let Some((turn, text)) = self.edit.take() else {
            return Vec::new();
        };
        if text.trim().is_empty() {
            self.edit = Some((turn, text));
            return Vec::new();
        }
        self.chat.truncate(turn);
        // It may ask something else now, to which no answer is known.
        self.chat.push(Turn::User {
            text: text.trim().to_owned(),
            exercise: None,
        });
        let mut effects = self.ask(moment);
        effects.push(Effect::Focus("draft"));
        effects
    }
}
