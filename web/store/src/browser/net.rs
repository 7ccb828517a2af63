//! `fetch` as the store uses it: one answer, its head, its body piece by piece.

use super::js::{Interval, await_promise, describe, worker};
use crate::{
    answer::{Asked, Head},
    error::StoreError,
    pace::STALL_MS,
};
use js_sys::Uint8Array;
use std::{cell::Cell, rc::Rc};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, Request, RequestCache, RequestInit,
    Response,
};

/// An answer whose body has not been read. The connection is closed when it is dropped.
pub struct Connection {
    pub head: Head,
    controller: AbortController,
    reader: Option<ReadableStreamDefaultReader>,
    /// Ticks of the watchdog since something arrived.
    silence: Rc<Cell<u32>>,
    _watchdog: Interval,
}

impl Connection {
    /// Asks for a part of `url`, or plainly for all of it.
    ///
    /// # Errors
    /// The reason in words, if there is no answer.
    pub async fn open(
        url: &str,
        asked: Option<Asked>,
        controller: AbortController,
    ) -> Result<Self, String> {
        let silence = Rc::new(Cell::new(0));
        let watchdog = watch(&controller, &silence);
        let response = request(url, asked, &controller)
            .await
            .map_err(|e| describe(&e))?;
        let header = |name: &str| response.headers().get(name).ok().flatten();
        let head = Head {
            status: response.status(),
            content_range: header("content-range"),
            content_length: header("content-length").and_then(|length| length.parse().ok()),
            etag: header("etag"),
        };
        let reader = response
            .body()
            .map(|body| body.get_reader().unchecked_into());
        Ok(Self {
            head,
            controller,
            reader,
            silence,
            _watchdog: watchdog,
        })
    }

    /// The next piece of the body, `None` at its end.
    ///
    /// # Errors
    /// The reason in words, if the connection breaks or brings nothing for [`STALL_MS`].
    pub async fn next(&mut self) -> Result<Option<Uint8Array>, String> {
        let Some(reader) = &self.reader else {
            return Ok(None);
        };
        self.silence.set(0);
        let read = await_promise(reader.read())
            .await
            .map_err(|error| describe(&error))?;
        let read: js_sys::IteratorNext = read.unchecked_into();
        Ok((!read.done()).then(|| read.value().unchecked_into()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.controller.abort();
    }
}

/// Aborts a connection that has gone silent. Ticks are counted rather than time measured: while
/// the engine computes, nothing ticks and nothing can arrive.
fn watch(controller: &AbortController, silence: &Rc<Cell<u32>>) -> Interval {
    const TICKS: u32 = 10;
    let (controller, silence) = (controller.clone(), Rc::clone(silence));
    Interval::new(STALL_MS / f64::from(TICKS), move || {
        silence.set(silence.get() + 1);
        if silence.get() > TICKS {
            let reason = format!("nothing arrived for {} seconds", STALL_MS / 1e3);
            controller.abort_with_reason(&reason.into());
        }
    })
}

async fn request(
    url: &str,
    asked: Option<Asked>,
    controller: &AbortController,
) -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    if let Some(Asked { first, last }) = asked {
        // This form needs no preflight request across origins.
        let last = last.map(|last| last.to_string()).unwrap_or_default();
        headers.set("Range", &format!("bytes={first}-{last}"))?;
    }
    let init = RequestInit::new();
    init.set_headers(&headers);
    init.set_signal(Some(&controller.signal()));
    // The store is the cache; the browser's own would hold the file a second time.
    init.set_cache(RequestCache::NoStore);
    let request = Request::new_with_str_and_init(url, &init)?;
    let worker = worker().ok_or("not in a worker")?;
    let response = await_promise(worker.fetch_with_request(&request)).await?;
    Ok(response.unchecked_into())
}

/// A short text, at most `limit` bytes of it.
///
/// # Errors
/// [`StoreError::Unreachable`], [`StoreError::Status`]; `Ok(None)` if it is longer.
pub async fn fetch_text(url: &str, limit: usize) -> Result<Option<Vec<u8>>, StoreError> {
    let unreachable = |why| StoreError::Unreachable {
        url: url.to_string(),
        why,
    };
    let controller = AbortController::new().map_err(|error| unreachable(describe(&error)))?;
    let mut connection = Connection::open(url, None, controller)
        .await
        .map_err(unreachable)?;
    let status = connection.head.status;
    if status != 200 {
        return Err(StoreError::Status {
            url: url.to_string(),
            status,
        });
    }
    let mut text = Vec::new();
    while let Some(piece) = connection.next().await.map_err(unreachable)? {
        if text.len() + piece.length() as usize > limit {
            return Ok(None);
        }
        text.extend_from_slice(&piece.to_vec());
    }
    Ok(Some(text))
}

/// `url` in full, seen from `base` or from the worker's own address.
pub fn absolute(url: &str, base: Option<&str>) -> Result<String, StoreError> {
    let own = worker().map(|worker| worker.location().href());
    let base = base.map(str::to_string).or(own).unwrap_or_default();
    let full = web_sys::Url::new_with_base(url, &base);
    let full = full.map_err(|_| StoreError::Address {
        url: url.to_string(),
    })?;
    Ok(full.href())
}
