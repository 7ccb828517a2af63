//! Where a download comes from, and what is known of it before the first byte.

use super::{
    download::Cancel,
    js::describe,
    net::{Connection, absolute, fetch_text},
    stream::Stream,
};
use crate::{
    answer::{Answer, Asked, StartOver, Version, judge},
    error::StoreError,
    manifest::{MAX_MANIFEST, Manifest, ManifestError},
    origin::{MAX_LFS_POINTER, lfs_pointer_url, parse_lfs_pointer},
    sha256::Digest,
};
use retort_protocol::Student;
use web_sys::AbortController;

/// Where the bytes are and what is known of them beforehand.
pub struct Origin {
    pub place: Place,
    /// Size and hash as the list, the manifest or the host states them.
    pub bytes: Option<u64>,
    pub sha256: Option<Digest>,
    pub manifest: Option<Manifest>,
}

pub enum Place {
    Host(String),
    Dropped(web_sys::File),
}

impl Origin {
    pub async fn of(
        student: &Student,
        dropped: Option<web_sys::File>,
        cancel: &Cancel,
    ) -> Result<Self, StoreError> {
        let stated = student.sha256.as_deref().map(|text| {
            Digest::from_hex(text).ok_or_else(|| StoreError::StatedHash {
                got: text.to_string(),
            })
        });
        let mut origin = Self {
            place: Place::Host(String::new()),
            bytes: student.bytes,
            sha256: stated.transpose()?,
            manifest: None,
        };
        if let Some(file) = dropped {
            origin.place = Place::Dropped(file);
            return Ok(origin);
        }
        let url = absolute(&student.url, None)?;
        if let Some(manifest) = &student.manifest {
            let manifest = fetch_manifest(&absolute(manifest, Some(&url))?).await?;
            manifest.agrees("the list of students", origin.bytes, origin.sha256)?;
            origin.bytes = Some(manifest.bytes);
            origin.sha256 = Some(manifest.sha256);
            origin.manifest = Some(manifest);
        } else if origin.sha256.is_none() {
            // Only the Hugging Face hub is known to say; without its word the file is taken as
            // it comes.
            if let Some((sha256, bytes)) = ask_hub(&url).await {
                origin.sha256 = Some(sha256);
                origin.bytes = origin.bytes.or(Some(bytes));
            }
        }
        origin.place = Place::Host(url);
        cancel.check()?;
        Ok(origin)
    }

    /// The host's answer to `asked` (or, if not `ranged`, to a plain request), judged, with its
    /// status and body.
    ///
    /// # Errors
    /// The reason in words, if there is no answer.
    pub async fn open(
        &self,
        asked: Asked,
        ranged: bool,
        known: Option<&Version>,
        cancel: &Cancel,
    ) -> Result<(Answer, u16, Stream), String> {
        let url = match &self.place {
            Place::Host(url) => url,
            Place::Dropped(file) => {
                let (answer, at) = judge_dropped(file, asked.first, known);
                let file = file.clone();
                return Ok((
                    answer,
                    200,
                    Stream::Dropped {
                        file,
                        at: at as f64,
                    },
                ));
            }
        };
        let controller = AbortController::new().map_err(|error| describe(&error))?;
        cancel.watch(controller.clone());
        let connection = Connection::open(url, ranged.then_some(asked), controller).await?;
        let answer = judge(&connection.head, asked, known, self.bytes);
        Ok((answer, connection.head.status, Stream::Net(connection)))
    }

    /// The address for error texts.
    pub fn url(&self) -> String {
        match &self.place {
            Place::Host(url) => url.clone(),
            Place::Dropped(file) => file.name(),
        }
    }
}

/// A file can be read from anywhere; the time of its last change is its version.
fn judge_dropped(file: &web_sys::File, first: u64, known: Option<&Version>) -> (Answer, u64) {
    let version = Version {
        bytes: file.size() as u64,
        etag: Some(file.last_modified().to_string()),
    };
    if known.is_none_or(|known| *known == version) {
        return (Answer::Continue(version), first);
    }
    let (why, body) = (StartOver::Changed, Some(version));
    (Answer::StartOver { why, body }, 0)
}

async fn fetch_manifest(url: &str) -> Result<Manifest, StoreError> {
    let text = fetch_text(url, MAX_MANIFEST).await?;
    let text = text.ok_or(ManifestError::TooLong {
        got: MAX_MANIFEST + 1,
    })?;
    Ok(Manifest::parse(&text)?)
}

async fn ask_hub(url: &str) -> Option<(Digest, u64)> {
    let text = fetch_text(&lfs_pointer_url(url)?, MAX_LFS_POINTER)
        .await
        .ok()??;
    parse_lfs_pointer(&text)
}
