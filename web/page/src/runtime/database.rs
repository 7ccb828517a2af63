//! Conversations in IndexedDB, as JSON text: `chats` holds them, `list` what the list shows.

use futures_channel::oneshot;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{IdbDatabase, IdbObjectStore, IdbRequest, IdbTransactionMode};

use crate::app::conversation::{Conversation, Summary};

const NAME: &str = "retort";
const VERSION: u32 = 1;
const CHATS: &str = "chats";
const LIST: &str = "list";

/// The open database.
#[derive(Clone)]
pub struct Database(IdbDatabase);

impl Database {
    /// Opens the database, making it on the first visit.
    ///
    /// # Errors
    /// The browser's reason: some refuse it in private windows.
    pub async fn open() -> Result<Self, String> {
        let factory = super::window()
            .indexed_db()
            .map_err(|error| said(&error))?
            .ok_or("the browser has no database")?;
        let request = factory
            .open_with_u32(NAME, VERSION)
            .map_err(|error| said(&error))?;
        let opening = request.clone();
        let upgrade = Closure::once(move |_: JsValue| {
            if let Some(database) = opening
                .result()
                .ok()
                .and_then(|found| found.dyn_into::<IdbDatabase>().ok())
            {
                // Fails only if they are there already.
                let _ = database.create_object_store(CHATS);
                let _ = database.create_object_store(LIST);
            }
        });
        request.set_onupgradeneeded(Some(upgrade.as_ref().unchecked_ref()));
        let database = answer(&request).await?;
        database
            .dyn_into()
            .map(Self)
            .map_err(|_| "the browser opened no database".to_owned())
    }

    /// What the list shows, last used first. Entries that cannot be read are left out.
    ///
    /// # Errors
    /// The browser's reason.
    pub async fn list(&self) -> Result<Vec<Summary>, String> {
        let [list] = self.stores([LIST], IdbTransactionMode::Readonly)?;
        let found = answer(&list.get_all().map_err(|error| said(&error))?).await?;
        let mut chats: Vec<Summary> = js_sys::Array::from(&found)
            .iter()
            .filter_map(|entry| serde_json::from_str(&entry.as_string()?).ok())
            .collect();
        chats.sort_by(|a, b| b.updated.total_cmp(&a.updated));
        Ok(chats)
    }

    /// # Errors
    /// It is not there, or not readable.
    pub async fn read(&self, id: &str) -> Result<Conversation, String> {
        let [chats] = self.stores([CHATS], IdbTransactionMode::Readonly)?;
        let found = answer(&chats.get(&id.into()).map_err(|error| said(&error))?).await?;
        let text = found.as_string().ok_or("it is not there any more")?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    /// # Errors
    /// The browser's reason, a full disk for one.
    pub async fn write(&self, conversation: &Conversation) -> Result<(), String> {
        let json = |error: serde_json::Error| error.to_string();
        let whole = serde_json::to_string(conversation).map_err(json)?;
        let summary = serde_json::to_string(&conversation.summary()).map_err(json)?;
        let key = JsValue::from_str(&conversation.id);
        let [chats, list] = self.stores([CHATS, LIST], IdbTransactionMode::Readwrite)?;
        let put = |store: &IdbObjectStore, text: &str| {
            store
                .put_with_key(&text.into(), &key)
                .map_err(|error| said(&error))
        };
        let (first, second) = (put(&chats, &whole)?, put(&list, &summary)?);
        answer(&first).await?;
        answer(&second).await.map(drop)
    }

    /// # Errors
    /// The browser's reason.
    pub async fn remove(&self, id: &str) -> Result<(), String> {
        let stores = self.stores([CHATS, LIST], IdbTransactionMode::Readwrite)?;
        let requests = stores.map(|store| store.delete(&id.into()).map_err(|error| said(&error)));
        for request in requests {
            answer(&request?).await?;
        }
        Ok(())
    }

    /// The stores of one new transaction.
    fn stores<const N: usize>(
        &self,
        names: [&str; N],
        mode: IdbTransactionMode,
    ) -> Result<[IdbObjectStore; N], String> {
        let list: js_sys::Array = names.iter().map(|name| JsValue::from_str(name)).collect();
        let transaction = self
            .0
            .transaction_with_str_sequence_and_mode(&list, mode)
            .map_err(|error| said(&error))?;
        let stores: Result<Vec<_>, _> = names
            .iter()
            .map(|name| transaction.object_store(name))
            .collect();
        let stores = stores.map_err(|error| said(&error))?;
        stores
            .try_into()
            .map_err(|_| "the browser's database is incomplete".to_owned())
    }
}

/// Waits for the result of a request.
async fn answer(request: &IdbRequest) -> Result<JsValue, String> {
    let (done, result) = oneshot::channel();
    let finished = Closure::once(move |_: JsValue| {
        // The receiver waits below.
        let _ = done.send(());
    });
    request.set_onsuccess(Some(finished.as_ref().unchecked_ref()));
    request.set_onerror(Some(finished.as_ref().unchecked_ref()));
    result
        .await
        .map_err(|_| "the request was dropped".to_owned())?;
    request.set_onsuccess(None);
    request.set_onerror(None);
    match request.error() {
        Ok(Some(error)) => Err(error.message()),
        Ok(None) => request.result().map_err(|error| said(&error)),
        Err(error) => Err(said(&error)),
    }
}

/// What a thrown value says.
fn said(error: &JsValue) -> String {
    match error.dyn_ref::<web_sys::DomException>() {
        Some(exception) => exception.message(),
        None => format!("{error:?}"),
    }
}
