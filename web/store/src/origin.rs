//! Names and facts that follow from where a student comes from.

use crate::sha256::Digest;
use retort_protocol::Student;

/// The folder name of a student: the same for the same address, whatever its list entry says.
/// A dropped file has no address worth the name, so its size counts too.
pub fn student_id(student: &Student) -> String {
    let key = match student.url.strip_prefix("file:") {
        Some(name) => format!("file:{name}:{}", student.bytes.unwrap_or(0)),
        None => student.url.clone(),
    };
    Digest::of(key.as_bytes()).to_string()[..16].to_string()
}

/// Whether `id` is a folder name that [`student_id`] gives.
pub fn is_student_id(id: &str) -> bool {
    id.len() == 16
        && id
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Where the Hugging Face hub states size and hash of a large file: the Git LFS pointer that is
/// checked in in its place. `None` for other hosts.
pub fn lfs_pointer_url(url: &str) -> Option<String> {
    let path = url.strip_prefix("https://huggingface.co/")?;
    let path = path.split(['?', '#']).next()?;
    let mut parts = path.splitn(4, '/');
    let (owner, repo, verb, rest) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (verb == "resolve").then(|| format!("https://huggingface.co/{owner}/{repo}/raw/{rest}"))
}

/// Longest text that can be a pointer; the specification says less than 1024 bytes.
pub const MAX_LFS_POINTER: usize = 1024;

/// Hash and size from a Git LFS pointer, <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>.
pub fn parse_lfs_pointer(text: &[u8]) -> Option<(Digest, u64)> {
    let text = std::str::from_utf8(text)
        .ok()
        .filter(|text| text.len() <= MAX_LFS_POINTER)?;
    if !text.starts_with("version https://git-lfs.github.com/spec/v1\n") {
        return None;
    }
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let digest = Digest::from_hex(field("oid sha256:")?)?;
    Some((digest, field("size ")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn student(url: &str, bytes: Option<u64>) -> Student {
        Student {
            name: "name".into(),
            url: url.into(),
            bytes,
            sha256: None,
            manifest: None,
            licence: None,
            note: None,
        }
    }

    #[test]
    fn ids_follow_the_address() {
        let id = |url, bytes| student_id(&student(url, bytes));
        assert_eq!(
            id("https://a/b.gguf", None),
            id("https://a/b.gguf", Some(5))
        );
        assert_ne!(id("https://a/b.gguf", None), id("https://a/c.gguf", None));
        assert_ne!(id("file:b.gguf", Some(4)), id("file:b.gguf", Some(5)));
        assert!(is_student_id(&id("https://a/b.gguf", None)));
        assert!(!is_student_id("../0123456789abc"));
    }

    #[test]
    fn the_hub_states_hash_and_size() {
        let url = "https://huggingface.co/o/r/resolve/main/q/m.gguf?download=true";
        let raw = "https://huggingface.co/o/r/raw/main/q/m.gguf";
        assert_eq!(lfs_pointer_url(url).as_deref(), Some(raw));
        assert_eq!(
            lfs_pointer_url("https://huggingface.co/o/r/blob/main/m.gguf"),
            None
        );
        assert_eq!(
            lfs_pointer_url("https://example.org/o/r/resolve/main/m.gguf"),
            None
        );

        let hash = Digest::of(b"m");
        let text =
            format!("version https://git-lfs.github.com/spec/v1\noid sha256:{hash}\nsize 123\n");
        assert_eq!(parse_lfs_pointer(text.as_bytes()), Some((hash, 123)));
        assert_eq!(
            parse_lfs_pointer(text.replace("size", "bytes").as_bytes()),
            None
        );
        assert_eq!(parse_lfs_pointer(b"<html>"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), url in ".{0,80}") {
            let _ = parse_lfs_pointer(&bytes);
            let _ = lfs_pointer_url(&format!("https://huggingface.co/{url}"));
        }
    }
}
