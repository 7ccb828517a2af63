//! What the user does, and what comes of it.

use std::rc::Rc;

use retort_protocol::DevicePreference;

use super::conversation::Turn;
use super::settings::Setting;
use super::{Action, App, Dialog, Effect, Field, Moment};

impl App {
    pub(super) fn pressed(&mut self, action: Action, moment: Moment) -> Vec<Effect> {
        match action {
            Action::Send => self.send(moment),
            Action::Stop => self.stop(),
            Action::Escape => self.escape(),
            Action::Regenerate => self.regenerate(moment),
            Action::Edit(turn) => self.edit(turn),
            Action::Resend => self.resend(moment),
            Action::CancelEdit => {
                self.edit = None;
                vec![Effect::Focus("draft")]
            }
            Action::ToggleThought(turn) => self.toggle_thought(turn),
            Action::Copy(text) => vec![Effect::Copy(text)],
            Action::CopyAnswer(turn) => self.copy_answer(turn),
            Action::Suggest(question) => {
                question.clone_into(&mut self.draft);
                if self.can_send() {
                    self.send(moment)
                } else {
                    vec![Effect::Focus("draft")]
                }
            }
            Action::Exercise => self.exercise(moment),
            Action::JumpToEnd => vec![Effect::ScrollToEnd],
            Action::NewChat => self.new_chat(),
            Action::OpenChat(id) => self.open_chat(id),
            Action::Rename(id) => self.begin_rename(id),
            Action::CommitRename => self.commit_rename(),
            Action::CancelRename => {
                self.rename = None;
                Vec::new()
            }
            Action::DeleteChat(id) => self.delete_chat(id),
            Action::UndoDelete => self.undo_delete(),
            Action::ExportJson => self.export(true),
            Action::ExportMarkdown => self.export(false),
            Action::ShowSidebar(shown) => {
                self.sidebar = shown;
                vec![Effect::Focus(if shown {
                    "new-chat"
                } else {
                    "open-sidebar"
                })]
            }
            other => self.pressed_outside_the_chat(other),
        }
    }

    fn pressed_outside_the_chat(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::ShowStudents => self.show_students(),
            Action::ShowSettings => {
                (self.dialog, self.sidebar) = (Some(Dialog::Settings), false);
                self.typed.clear();
                Vec::new()
            }
            Action::CloseDialog(dialog) if self.dialog != Some(dialog) => Vec::new(),
            Action::CloseDialog(_) => {
                (self.dialog, self.deleting) = (None, None);
                // The system prompt belongs to the conversation and may have changed.
                self.keep_system()
            }
            Action::Download(student) => self.download(*student),
            Action::DownloadUrl => self.download_url(),
            Action::CancelDownload => self.cancel_download(),
            Action::RetryDownload => self.retry_download(),
            Action::ChooseFile => vec![Effect::ChooseFile],
            Action::Load(id) => self.load(id),
            Action::AskDelete(id) => {
                self.deleting = Some(id);
                vec![Effect::Focus("confirm-delete")]
            }
            Action::KeepStored => {
                self.deleting = None;
                Vec::new()
            }
            Action::DeleteStored(id) => self.delete_stored(id),
            Action::ResetSampling => {
                self.settings.reset_sampling();
                self.typed
                    .retain(|(setting, _)| *setting == Setting::Context);
                vec![self.save_settings()]
            }
            Action::NextTheme => {
                self.settings.theme = self.settings.theme.next();
                vec![
                    Effect::ApplyTheme(self.settings.theme),
                    self.save_settings(),
                ]
            }
            Action::ReloadEngine { on_cpu } => self.reload_engine(on_cpu),
            Action::DismissFailure => {
                self.engine.failure = None;
                Vec::new()
            }
            Action::DismissBanner => {
                self.banner_dismissed = true;
                Vec::new()
            }
            Action::DismissToast => {
                (self.toast, self.deleted) = (None, None);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn typed(&mut self, field: Field, text: String) -> Vec<Effect> {
        match field {
            Field::Draft => self.draft = text,
            Field::Edit => {
                if let Some((_, edited)) = &mut self.edit {
                    *edited = text;
                }
            }
            Field::Title => {
                if let Some((_, title)) = &mut self.rename {
                    *title = text;
                }
            }
            Field::Url => (self.url, self.url_refused) = (text, None),
            Field::System => {
                self.chat.conversation.system.clone_from(&text);
                self.settings.system = text;
                return vec![self.save_settings()];
            }
            Field::Device => {
                self.settings.device = match text.as_str() {
                    "gpu" => DevicePreference::Gpu,
                    "cpu" => DevicePreference::Cpu,
                    _ => DevicePreference::Auto,
                };
                return self.restart_engine();
            }
            Field::Setting(setting) => {
                let taken = self.settings.write(setting, &text).is_ok();
                self.typed.retain(|(other, _)| *other != setting);
                self.typed.push((setting, text));
                return if taken {
                    vec![self.save_settings()]
                } else {
                    Vec::new()
                };
            }
        }
        Vec::new()
    }

    fn toggle_thought(&mut self, turn: usize) -> Vec<Effect> {
        let open = self.chat.thought_open(turn, self.running.as_ref());
        if let Some(body) = self.chat.bodies.get_mut(turn) {
            body.thought_open = Some(!open);
            // Who opens a thought wants to read it, not to follow the answer's end.
            self.at_end &= open;
        }
        Vec::new()
    }

    fn copy_answer(&mut self, turn: usize) -> Vec<Effect> {
        match self.chat.conversation.turns.get(turn) {
            Some(Turn::Student(reply)) => vec![Effect::Copy(Rc::from(reply.answer.trim()))],
            Some(Turn::User { text, .. }) => vec![Effect::Copy(Rc::from(text.as_str()))],
            None => Vec::new(),
        }
    }

    fn keep_system(&mut self) -> Vec<Effect> {
        if self.chat.conversation.turns.is_empty() {
            return Vec::new();
        }
        vec![Effect::SaveChat(Box::new(self.chat.conversation.clone()))]
    }

    fn reload_engine(&mut self, on_cpu: bool) -> Vec<Effect> {
        if on_cpu {
            self.settings.device = DevicePreference::Cpu;
        }
        self.restart_engine()
    }

    fn restart_engine(&mut self) -> Vec<Effect> {
        let mut effects = self.reply_broken("The engine was reloaded.");
        self.engine.restart();
        self.settings.loading = None;
        self.banner_dismissed = false;
        self.status = "Starting the engine".to_owned();
        effects.push(self.save_settings());
        effects.push(Effect::StartWorker);
        effects
    }
}
