//! `manifest.json`: hashes per chunk, published beside a student. The text is untrusted.

use crate::{CHUNK, sha256::Digest};
use serde::Deserialize;
use thiserror::Error;

/// Longest manifest that is read. A 70B student at four bits has about 10,000 chunks, 0.7 MB.
pub const MAX_MANIFEST: usize = 4 << 20;

/// Hashes of a student's file. Fields that Retort does not know are left alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Manifest {
    pub bytes: u64,
    /// Hash of the whole file.
    pub sha256: Digest,
    pub chunk_bytes: u64,
    pub chunks: Vec<Digest>,
}

/// Why a manifest cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ManifestError {
    #[error("the manifest has {got} bytes, more than the {MAX_MANIFEST} that a manifest may have")]
    TooLong { got: usize },
    #[error("the manifest is not what it should be: {0}")]
    Json(String),
    #[error("the manifest's `chunk_bytes` is {got}, expected {CHUNK}")]
    ChunkBytes { got: u64 },
    #[error("the manifest's `chunks` has {got} hashes, expected {expected} for {bytes} bytes")]
    Chunks {
        got: usize,
        expected: u64,
        bytes: u64,
    },
    #[error("the manifest's `{field}` is {got}, but {whose} says {expected}")]
    Disagrees {
        field: &'static str,
        got: String,
        whose: &'static str,
        expected: String,
    },
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// Any [`ManifestError`] but `Disagrees`.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        if text.len() > MAX_MANIFEST {
            return Err(ManifestError::TooLong { got: text.len() });
        }
        let manifest: Self =
            serde_json::from_slice(text).map_err(|error| ManifestError::Json(error.to_string()))?;
        if manifest.chunk_bytes != CHUNK {
            return Err(ManifestError::ChunkBytes {
                got: manifest.chunk_bytes,
            });
        }
        let expected = manifest.bytes.div_ceil(CHUNK);
        let got = manifest.chunks.len();
        if got as u64 != expected {
            return Err(ManifestError::Chunks {
                got,
                expected,
                bytes: manifest.bytes,
            });
        }
        Ok(manifest)
    }

    /// Compares the manifest with what the list of students or the host says.
    ///
    /// # Errors
    /// [`ManifestError::Disagrees`], naming the field.
    pub fn agrees(
        &self,
        whose: &'static str,
        bytes: Option<u64>,
        sha256: Option<Digest>,
    ) -> Result<(), ManifestError> {
        let disagrees = |field, got: String, expected: String| {
            Err(ManifestError::Disagrees {
                field,
                got,
                whose,
                expected,
            })
        };
        match (bytes, sha256) {
            (Some(bytes), _) if bytes != self.bytes => {
                disagrees("bytes", self.bytes.to_string(), bytes.to_string())
            }
            (_, Some(sha256)) if sha256 != self.sha256 => {
                disagrees("sha256", self.sha256.to_string(), sha256.to_string())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(bytes: u64, chunk_bytes: u64, chunks: usize) -> String {
        let hash = Digest::of(b"x");
        serde_json::json!({
            "bytes": bytes, "sha256": hash, "chunk_bytes": chunk_bytes,
            "chunks": vec![hash; chunks], "recipe": "ignored",
        })
        .to_string()
    }

    #[test]
    fn a_good_manifest_is_read() {
        let manifest = Manifest::parse(text(CHUNK + 1, CHUNK, 2).as_bytes()).unwrap();
        assert_eq!(manifest.chunks.len(), 2);
        assert_eq!(manifest.agrees("the list", Some(CHUNK + 1), None), Ok(()));
        assert!(manifest.agrees("the list", Some(CHUNK), None).is_err());
        assert!(
            manifest
                .agrees("the list", None, Some(Digest::of(b"y")))
                .is_err()
        );
    }

    #[test]
    fn absurd_manifests_are_typed_errors() {
        let check = |text: String| Manifest::parse(text.as_bytes()).unwrap_err();
        assert!(matches!(
            check(text(CHUNK + 1, CHUNK, 1)),
            ManifestError::Chunks { .. }
        ));
        assert!(matches!(
            check(text(u64::MAX, CHUNK, 1)),
            ManifestError::Chunks { .. }
        ));
        assert!(matches!(
            check(text(9, 0, 9)),
            ManifestError::ChunkBytes { got: 0 }
        ));
        assert!(matches!(
            check(text(9, 1, 9)),
            ManifestError::ChunkBytes { got: 1 }
        ));
        assert!(matches!(check("{}".into()), ManifestError::Json(_)));
        assert!(matches!(
            check(" ".repeat(MAX_MANIFEST + 1)),
            ManifestError::TooLong { .. }
        ));
        let bad_hash = text(1, CHUNK, 1).replacen("2d", "zz", 1);
        assert!(matches!(check(bad_hash), ManifestError::Json(_)));
    }

    proptest! {
        #[test]
        fn flipped_and_cut_manifests_never_panic(cut in 0usize..400, flip in 0usize..400, to: u8) {
            let mut bytes = text(CHUNK * 2, CHUNK, 2).into_bytes();
            let length = bytes.len();
            bytes[flip % length] = to;
            bytes.truncate(length - cut % length);
            if let Ok(manifest) = Manifest::parse(&bytes) {
                prop_assert_eq!(manifest.chunks.len() as u64, manifest.bytes.div_ceil(CHUNK));
            }
        }
    }
}
