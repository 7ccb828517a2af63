//! The conversations: opening, renaming, deleting, exporting.

use super::conversation::Conversation;
use super::{App, Chat, Effect, Toast};

/// How long a deletion can be undone, in milliseconds.
const UNDO_FOR: f64 = 10_000.0;

impl App {
    /// Leaves the conversation. A reply being written is stopped, and kept as far as it came.
    fn leave(&mut self) -> Vec<Effect> {
        let mut effects = self.stop();
        if let Some(running) = &mut self.running
            && !running.abandoned
        {
            running.abandoned = true;
            if let Some(reply) = self.chat.last_reply() {
                reply.broken = Some("left before it was complete".to_owned());
            }
            effects.extend(self.keep());
        }
        (self.edit, self.rename, self.sidebar, self.at_end) = (None, None, false, true);
        effects
    }

    pub(super) fn new_chat(&mut self) -> Vec<Effect> {
        let mut effects = self.leave();
        self.chat = Chat::empty(self.settings.system.clone());
        self.settings.conversation = None;
        effects.push(self.save_settings());
        effects.push(Effect::Focus("draft"));
        effects
    }

    pub(super) fn open_chat(&mut self, id: String) -> Vec<Effect> {
        if id == self.chat.conversation.id {
            self.sidebar = false;
            return Vec::new();
        }
        let mut effects = self.leave();
        effects.push(Effect::ReadChat(id));
        effects
    }

    pub(super) fn opened(&mut self, conversation: Conversation) -> Vec<Effect> {
        // At the start the user may have asked something before the last conversation was read.
        if self
            .running
            .as_ref()
            .is_some_and(|running| !running.abandoned)
        {
            return Vec::new();
        }
        self.settings.conversation = Some(conversation.id.clone());
        self.chat = Chat::of(conversation);
        self.at_end = true;
        vec![self.save_settings(), Effect::ScrollToEnd]
    }

    pub(super) fn begin_rename(&mut self, id: String) -> Vec<Effect> {
        let Some(chat) = self.chats.iter().find(|chat| chat.id == id) else {
            return Vec::new();
        };
        self.rename = Some((id, chat.title.clone()));
        vec![Effect::Focus("rename-text")]
    }

    pub(super) fn commit_rename(&mut self) -> Vec<Effect> {
        let Some((id, title)) = self.rename.take() else {
            return Vec::new();
        };
        let title = title.trim().to_owned();
        let Some(chat) = self.chats.iter_mut().find(|chat| chat.id == id) else {
            return vec![];
        };
        if title.is_empty() || title == chat.title {
            return Vec::new();
        }
        chat.title.clone_from(&title);
        if id == self.chat.conversation.id {
            self.chat.conversation.title = title;
            return vec![Effect::SaveChat(Box::new(self.chat.conversation.clone()))];
        }
        vec![Effect::RenameChat { id, title }]
    }

    pub(super) fn delete_chat(&mut self, id: String) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.deleted = None;
        if id == self.chat.conversation.id {
            effects = self.leave();
            let open = std::mem::replace(&mut self.chat, Chat::empty(self.settings.system.clone()));
            self.deleted = Some(Box::new(open.conversation));
            self.settings.conversation = None;
            effects.push(self.save_settings());
        }
        self.chats.retain(|chat| chat.id != id);
        self.toast = Some(Toast {
            text: "Conversation deleted".to_owned(),
            undo: true,
            until: self.now + UNDO_FOR,
        });
        effects.extend([Effect::RemoveChat(id), Effect::Focus("new-chat")]);
        effects
    }

    pub(super) fn undo_delete(&mut self) -> Vec<Effect> {
        self.toast = None;
        let Some(conversation) = self.deleted.take() else {
            return Vec::new();
        };
        let summary = conversation.summary();
        let place = self
            .chats
            .iter()
            .position(|chat| chat.updated < summary.updated);
        self.chats
            .insert(place.unwrap_or(self.chats.len()), summary);
        let mut effects = vec![Effect::SaveChat(conversation.clone())];
        if self.chat.conversation.turns.is_empty() {
            effects.extend(self.opened(*conversation));
        }
        effects
    }

    /// What was deleted, for as long as it can be undone.
    pub(super) fn removed(&mut self, conversation: Conversation) {
        if self.toast.as_ref().is_some_and(|toast| toast.undo) {
            self.deleted.get_or_insert(Box::new(conversation));
        }
    }

    pub(super) fn export(&mut self, json: bool) -> Vec<Effect> {
        let conversation = &self.chat.conversation;
        if conversation.turns.is_empty() {
            return Vec::new();
        }
        let (content, extension, kind) = if json {
            match conversation.to_json() {
                Ok(content) => (content, "json", "application/json"),
                Err(error) => {
                    self.toast(&format!("Not exported: {error}"));
                    return Vec::new();
                }
            }
        } else {
            (conversation.to_markdown(), "md", "text/markdown")
        };
        vec![Effect::SaveFile {
            name: conversation.file_name(extension),
            content,
            kind,
        }]
    }
}
