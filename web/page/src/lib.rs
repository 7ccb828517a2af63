//! The page: what people see. It shows students, downloads and conversations, and speaks with its
//! worker in the messages of `retort-protocol`.
//!
//! | module | holds |
//! |---|---|
//! | [`app`] | the state, what can happen to it, and what it asks for; touches nothing outside |
//! | [`view`] | the state as a tree |
//! | [`markdown`] | what a student writes as a tree: Markdown, mathematics, code |
//! | [`tree`] | the page as data |
//! | `runtime` | the browser: document, events, worker, storage (wasm only) |
//!
//! Questions with known answers are `retort-problems`', and checked here. Other than that, the page
//! must not know tensors, tokenizers, files of models or how to download them: that is the
//! worker's. It parses no HTML, ever. A message goes through [`app::App::update`], which returns
//! effects; at most once per frame [`view::view`] makes a tree, and `runtime::patch` changes of
//! the document what is different. No framework: this is all the page needs of one, it builds in
//! seconds, and everything but the runtime is tested natively.
//!
//! # Test ids
//!
//! Browser tests find elements by `data-testid`; these names are stable. Most are there only
//! while what they name is shown.
//!
//! - page: `app` (`data-engine` = `starting`, `empty`, `loading`, `ready`, `answering`, `dead`),
//!   `status` (for screen readers), `toast`, `undo`, `dismiss-toast`, `drop-target`, `file-input`,
//!   `crash`
//! - header: `open-sidebar`, `open-students`, `student-name`, `student-detail`, `export`,
//!   `export-markdown`, `export-json`, `theme`, `open-settings`
//! - list: `sidebar`, `new-chat`, `chats`, `chat`, `rename-chat`, `rename-text`, `delete-chat`,
//!   `close-sidebar`, `not-kept`
//! - welcome: `welcome`, `suggestion`, `exercise`, `all-students`
//! - conversation: `conversation`, `question`, `question-text`, `edit`, `edit-text`, `resend`,
//!   `cancel-edit`, `copy`, `jump-to-end`
//! - reply: `answer` (`data-state` = `reading`, `thinking`, `answering`, `complete`),
//!   `answer-text`, `reading`, `thought`, `thought-toggle`, `thought-tokens`, `thought-time`,
//!   `thought-text`, `copy-code`, `trimmed`, `ending`, `regenerate`, `figures`, `speed`,
//!   `first-token`, `tokens`, `verdict` (`data-right`), `another-exercise`
//! - question: `draft`, `send`, `stop`
//! - students: `students` (dialog), `close-dialog`, `stored`, `stored-student` (`data-id`),
//!   `load`, `in-use`, `resume`, `delete-stored`, `confirm-delete`, `keep-stored`, `storage`,
//!   `known`, `known-student` (`data-url`), `get`, `students-missing`, `student-url`,
//!   `download-url`, `url-refused`, `choose-file`
//! - transfers: `download`, `download-name`, `download-bytes`, `download-speed`, `download-left`,
//!   `download-resumed`, `download-note`, `cancel-download`, `loading`, `loading-stage`
//! - settings: `settings` (dialog), `system-prompt`, `reset-sampling`, `setting-` before
//!   `temperature`, `top-p`, `top-k`, `min-p`, `repetition-penalty`, `max-tokens`, `seed`,
//!   `context`; `device`, `engine-facts`, `adapter`, `f16`, `max-binding`, `model`, `parameters`,
//!   `precision`, `weights`, `kv-cache`
//! - notices: `error` (`data-kind` = `too-large`, `download`, `corrupt`, `storage-full`,
//!   `device-lost`, `unsupported`, `chat`, `internal`), `error-message`, `error-hint`,
//!   `dismiss-error`, `error-students`, `error-use-cpu`, `error-reload`, `error-delete`,
//!   `error-retry`, `cpu-banner`, `dismiss-banner`, `memory-banner`

pub mod app;
pub mod markdown;
#[cfg(target_arch = "wasm32")]
pub mod runtime;
pub mod tree;
pub mod view;
