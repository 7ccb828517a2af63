//! The application without its screen: state, what can happen to it, and what it asks for.
//!
//! [`App::update`] takes a [`Msg`] and returns [`Effect`]s; it touches nothing outside, reads
//! no clock and draws no random number (both come in with [`Moment`]), so all of it is tested
//! natively. `view` shows the state, `runtime` carries out the effects.

mod actions;
mod asking;
mod chat;
mod chats;
pub mod conversation;
mod engine;
pub mod exercise;
pub mod format;
mod replies;
pub mod settings;
mod students;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use retort_protocol::{Reply, Request, Student};

pub use chat::{Body, Chat, Running};
pub use engine::{Download, Engine, Loading, Phase};
pub use students::student_from_url;

use conversation::{Conversation, Summary};
use settings::{Setting, Settings, Theme};

/// Something the user did with a button, a link or a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Send,
    Stop,
    /// Esc: closes what is open, else stops the reply.
    Escape,
    Regenerate,
    /// Edit the question at this turn, send it again in place of what follows, or leave it.
    Edit(usize),
    Resend,
    CancelEdit,
    ToggleThought(usize),
    Copy(Rc<str>),
    CopyAnswer(usize),
    Suggest(&'static str),
    /// Asks a problem whose answer is known.
    Exercise,
    JumpToEnd,

    NewChat,
    OpenChat(String),
    Rename(String),
    CommitRename,
    CancelRename,
    DeleteChat(String),
    UndoDelete,
    ExportJson,
    ExportMarkdown,
    ShowSidebar(bool),

    ShowStudents,
    ShowSettings,
    /// Not the one that took its place: the browser reports a closed dialog late.
    CloseDialog(Dialog),
    Download(Box<Student>),
    DownloadUrl,
    CancelDownload,
    RetryDownload,
    ChooseFile,
    Load(String),
    /// Deleting a student asks first: downloads are long.
    AskDelete(String),
    KeepStored,
    DeleteStored(String),

    ResetSampling,
    NextTheme,
    ReloadEngine {
        on_cpu: bool,
    },
    DismissFailure,
    DismissBanner,
    DismissToast,
}

/// What the user typed or chose, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Draft,
    Edit,
    Title,
    Url,
    System,
    Device,
    Setting(Setting),
}

/// Everything that happens to the application.
#[derive(Clone, Debug)]
pub enum Msg {
    Pressed(Action),
    Typed(Field, String),
    Worker(Box<Reply>),
    /// The worker's program could not be started, or what it said is no reply.
    WorkerFailed(String),
    /// `students.json`, or why it could not be read.
    Students(Result<Vec<Student>, String>),
    /// The conversations that are kept, or why none can be.
    Chats(Result<Vec<Summary>, String>),
    Opened(Box<Conversation>),
    Removed(Box<Conversation>),
    NotKept(String),
    FileChosen {
        name: String,
        bytes: u64,
    },
    FileHovers(bool),
    /// The end of the conversation is in view, or is not any more.
    AtEnd(bool),
    Copied(bool),
    /// A second has passed; sent while [`App::wants_ticks`].
    Tick,
}

/// What the application asks of the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ends the worker, if there is one, and starts a new one.
    StartWorker,
    Send(Request),
    /// Asks the browser to keep what is stored, then sends; the chosen file rides along where
    /// the student's address says so.
    SendDownload(Box<Student>),
    SaveSettings(Box<Settings>),
    SaveChat(Box<Conversation>),
    /// Removes it, and hands it back as [`Msg::Removed`].
    RemoveChat(String),
    ReadChat(String),
    RenameChat {
        id: String,
        title: String,
    },
    ApplyTheme(Theme),
    /// Moves the keyboard to the element with this test id, once it is on the screen.
    Focus(&'static str),
    ScrollToEnd,
    Copy(Rc<str>),
    SaveFile {
        name: String,
        content: String,
        kind: &'static str,
    },
    /// Opens the browser's dialog for files.
    ChooseFile,
}

/// When something happened, and a random number to go with it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// Milliseconds since 1970.
    pub now: f64,
    pub random: u64,
}

/// Which dialog is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    Students,
    Settings,
}

/// A short message at the bottom that goes away by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    pub text: String,
    pub undo: bool,
    pub until: f64,
}

/// The state of the page.
#[derive(Debug, Default)]
pub struct App {
    pub now: f64,
    pub settings: Settings,
    pub engine: Engine,
    pub students: Vec<Student>,
    /// Why the list of students is empty.
    pub students_missing: Option<String>,
    /// Kept conversations, last used first.
    pub chats: Vec<Summary>,
    /// The list of kept conversations has arrived.
    pub chats_read: bool,
    pub chat: Chat,
    pub running: Option<Running>,
    pub draft: String,
    /// The question being edited: turn and text.
    pub edit: Option<(usize, String)>,
    /// The title being edited: conversation and text.
    pub rename: Option<(String, String)>,
    pub url: String,
    pub url_refused: Option<&'static str>,
    /// What was typed into the fields of the settings since they were opened.
    pub typed: Vec<(Setting, String)>,
    pub dialog: Option<Dialog>,
    pub sidebar: bool,
    pub file_hovers: bool,
    /// The stored student whose deletion waits for a yes.
    pub deleting: Option<String>,
    pub deleted: Option<Box<Conversation>>,
    pub toast: Option<Toast>,
    /// Why conversations cannot be kept.
    pub not_kept: Option<String>,
    pub banner_dismissed: bool,
    /// For screen readers.
    pub status: String,
    pub at_end: bool,
    next_request: u64,
}

impl App {
    /// The state before anything has happened, and the first effects.
    pub fn start(settings: Settings, moment: Moment) -> (Self, Vec<Effect>) {
        let mut app = App {
            now: moment.now,
            settings,
            at_end: true,
            ..App::default()
        };
        app.engine.wanted = app.settings.student.clone();
        if app.settings.loading.take().is_some() {
            app.engine.wanted = None;
            app.toast("The last student did not finish loading, so it was not loaded again.");
        }
        app.chat = Chat::empty(app.settings.system.clone());
        let mut effects = vec![Effect::ApplyTheme(app.settings.theme), Effect::StartWorker];
        effects.extend(app.settings.conversation.clone().map(Effect::ReadChat));
        effects.push(app.save_settings());
        (app, effects)
    }

    /// Takes note of what happened.
    pub fn update(&mut self, msg: Msg, moment: Moment) -> Vec<Effect> {
        self.now = moment.now;
        match msg {
            Msg::Pressed(action) => self.pressed(action, moment),
            Msg::Typed(field, text) => self.typed(field, text),
            Msg::Worker(reply) => self.worker(*reply),
            Msg::WorkerFailed(why) => {
                self.engine.fail(engine::internal(&why));
                self.reply_broken("The engine ended.")
            }
            Msg::Students(list) => {
                match list {
                    Ok(students) => self.students = students,
                    Err(why) => self.students_missing = Some(why),
                }
                Vec::new()
            }
            Msg::Chats(list) => {
                self.chats_read = true;
                match list {
                    Ok(chats) => {
                        // The user may have begun one before the list was read.
                        let new = |chat: &Summary| !self.chats.iter().any(|c| c.id == chat.id);
                        let kept: Vec<_> = chats.into_iter().filter(new).collect();
                        self.chats.extend(kept);
                    }
                    Err(why) => self.not_kept = Some(why),
                }
                Vec::new()
            }
            Msg::Opened(conversation) => self.opened(*conversation),
            Msg::Removed(conversation) => {
                self.removed(*conversation);
                Vec::new()
            }
            Msg::NotKept(why) => {
                self.not_kept = Some(why);
                Vec::new()
            }
            Msg::FileChosen { name, bytes } => self.file_chosen(&name, bytes),
            Msg::FileHovers(hovers) => {
                self.file_hovers = hovers;
                Vec::new()
            }
            Msg::AtEnd(at_end) => {
                self.at_end = at_end;
                Vec::new()
            }
            Msg::Copied(done) => {
                self.toast(if done {
                    "Copied"
                } else {
                    "The browser refused to copy."
                });
                Vec::new()
            }
            Msg::Tick => {
                if self
                    .toast
                    .as_ref()
                    .is_some_and(|toast| toast.until <= self.now)
                {
                    (self.toast, self.deleted) = (None, None);
                }
                Vec::new()
            }
        }
    }

    /// Whether the screen shows something that changes with time alone.
    pub fn wants_ticks(&self) -> bool {
        self.toast.is_some() || self.running.is_some() || self.engine.loading.is_some()
    }

    /// Whether a question can be sent now.
    pub fn can_send(&self) -> bool {
        self.engine.model.is_some() && self.running.is_none()
    }

    fn toast(&mut self, text: &str) {
        self.toast = Some(Toast {
            text: text.to_owned(),
            undo: false,
            until: self.now + 4000.0,
        });
    }

    fn save_settings(&self) -> Effect {
        Effect::SaveSettings(Box::new(self.settings.clone()))
    }
}
