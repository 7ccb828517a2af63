//! Carries out what the application asks for.

use std::rc::Rc;

use retort_protocol::Student;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, BlobPropertyBag, File, HtmlAnchorElement, HtmlInputElement, Response, Url};

use super::database::Database;
use super::{dispatch, document, window};
use crate::app::conversation::Conversation;
use crate::app::settings::{Settings, Theme};
use crate::app::{Effect, Msg};

/// Where the settings are kept; `boot.js` reads the theme from them.
const SETTINGS: &str = "retort.settings";

/// Carries out an effect that needs nothing of the page's own state.
pub fn run(effect: Effect) {
    match effect {
        Effect::SaveSettings(settings) => save_settings(&settings),
        Effect::SaveChat(chat) => {
            with_database(async move |database| database.write(&chat).await.err().map(Msg::NotKept))
        }
        Effect::RemoveChat(id) => with_database(async move |database| {
            let chat = database.read(&id).await.ok();
            match (database.remove(&id).await, chat) {
                (Err(why), _) => Some(Msg::NotKept(why)),
                (Ok(()), chat) => chat.map(|chat| Msg::Removed(Box::new(chat))),
            }
        }),
        Effect::ReadChat(id) => with_database(async move |database| {
            database
                .read(&id)
                .await
                .ok()
                .map(|chat| Msg::Opened(Box::new(chat)))
        }),
        Effect::RenameChat { id, title } => with_database(async move |database| {
            let chat = database.read(&id).await.ok()?;
            database
                .write(&Conversation { title, ..chat })
                .await
                .err()
                .map(Msg::NotKept)
        }),
        Effect::ApplyTheme(theme) => apply_theme(theme),
        Effect::Copy(text) => copy(text),
        Effect::SaveFile {
            name,
            content,
            kind,
        } => {
            if let Err(error) = save_file(&name, &content, kind) {
                web_sys::console::error_2(&"Not saved:".into(), &error);
            }
        }
        Effect::ChooseFile => choose_file(),
        // These are the page's own: see `super::carry_out`.
        Effect::StartWorker
        | Effect::Send(_)
        | Effect::SendDownload(_)
        | Effect::Focus(_)
        | Effect::ScrollToEnd => {}
    }
}

/// The settings of the last visit.
pub fn read_settings() -> Settings {
    let text = storage().and_then(|storage| storage.get_item(SETTINGS).ok().flatten());
    text.and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

fn save_settings(settings: &Settings) {
    if let (Some(storage), Ok(text)) = (storage(), serde_json::to_string(settings)) {
        // Where storage is refused, settings last as long as the page.
        let _ = storage.set_item(SETTINGS, &text);
    }
}

/// Reads the list of kept conversations.
pub fn read_chats() {
    spawn_local(async {
        dispatch(Msg::Chats(match Database::open().await {
            Ok(database) => database.list().await,
            Err(why) => Err(why),
        }));
    });
}

fn with_database(work: impl AsyncFnOnce(Database) -> Option<Msg> + 'static) {
    spawn_local(async move {
        let message = match Database::open().await {
            Ok(database) => work(database).await,
            Err(why) => Some(Msg::NotKept(why)),
        };
        if let Some(message) = message {
            dispatch(message);
        }
    });
}

/// Reads `students.json`.
pub fn read_students() {
    spawn_local(async {
        dispatch(Msg::Students(students().await.map_err(|error| {
            error.as_string().unwrap_or_else(|| format!("{error:?}"))
        })));
    });
}

async fn students() -> Result<Vec<Student>, JsValue> {
    let response: Response = JsFuture::from(window().fetch_with_str("students.json"))
        .await?
        .dyn_into()?;
    if !response.ok() {
        return Err(format!("the host answers {}", response.status()).into());
    }
    let text = JsFuture::from(response.text()?)
        .await?
        .as_string()
        .unwrap_or_default();
    serde_json::from_str(&text).map_err(|error| error.to_string().into())
}

/// Asks the browser to keep what is stored, which a worker cannot, then calls `send`.
pub fn persist_then(send: impl FnOnce() + 'static) {
    spawn_local(async move {
        let storage = js_sys::Reflect::get(&window().navigator(), &"storage".into());
        if storage.is_ok_and(|storage| !storage.is_undefined())
            && let Ok(asked) = window().navigator().storage().persist()
        {
            // A refusal is shown with the storage's figures.
            let _ = JsFuture::from(asked).await;
        }
        send();
    });
}

/// Whether the student is a file that the user has chosen.
pub fn is_file(student: &Student, file: Option<&File>) -> bool {
    file.is_some_and(|file| student.url == format!("file:{}", file.name()))
}

fn apply_theme(theme: Theme) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-theme", theme.name());
    }
}

fn copy(text: Rc<str>) {
    spawn_local(async move {
        let navigator = window().navigator();
        let clipboard = js_sys::Reflect::get(&navigator, &"clipboard".into());
        // Pages without a secure origin have none.
        let copied = match clipboard {
            Ok(found) if !found.is_undefined() => {
                JsFuture::from(navigator.clipboard().write_text(&text))
                    .await
                    .is_ok()
            }
            _ => false,
        };
        dispatch(Msg::Copied(copied));
    });
}

fn save_file(name: &str, content: &str, kind: &str) -> Result<(), JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let parts = js_sys::Array::of1(&content.into());
    let blob = Blob::new_with_str_sequence_and_options(&parts, &options)?;
    let url = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = document().create_element("a")?.dyn_into()?;
    link.set_href(&url);
    link.set_download(name);
    link.click();
    Url::revoke_object_url(&url)
}

fn choose_file() {
    let found = document().query_selector("input[type=file]").ok().flatten();
    if let Some(input) = found.and_then(|input| input.dyn_into::<HtmlInputElement>().ok()) {
        input.click();
    }
}
