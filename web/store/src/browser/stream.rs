//! Where bytes come from: a connection, or a file that was dropped on the page.

use super::{
    js::{await_promise, describe},
    net::Connection,
};
use crate::BLOCK;
use js_sys::Uint8Array;

/// The rest of a file, piece by piece.
pub enum Stream {
    Net(Connection),
    Dropped { file: web_sys::File, at: f64 },
}

impl Stream {
    /// The next piece, `None` at the end.
    ///
    /// # Errors
    /// The reason in words.
    pub async fn next(&mut self) -> Result<Option<Uint8Array>, String> {
        let (file, at) = match self {
            Self::Net(connection) => return connection.next().await,
            Self::Dropped { file, at } => (file, at),
        };
        let start = *at;
        let end = file.size().min(start + BLOCK as f64);
        if start >= end {
            return Ok(None);
        }
        *at = end;
        let read = async {
            let slice = file.slice_with_f64_and_f64(start, end)?;
            await_promise(slice.array_buffer()).await
        };
        let buffer = read.await.map_err(|error| describe(&error))?;
        Ok(Some(Uint8Array::new(&buffer)))
    }
}
