//! Reading a host's answer to `GET` with `Range: bytes=N-`.
//!
//! The range has no end: one request brings the rest of the file, and what was committed when a
//! connection breaks is not asked for again. `If-Range` is not sent: across origins it costs a
//! preflight request that file hosts refuse after a redirect. Instead the answer's own `ETag` and
//! size are compared with those of the part on disk, which says the same before the first byte.

use std::fmt;

/// The status and headers that matter. A header that the host does not expose to other sites
/// (CORS) is `None`, as one that is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    pub content_range: Option<String>,
    pub content_length: Option<u64>,
    pub etag: Option<String>,
}

/// The version of a file that is partly on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub bytes: u64,
    pub etag: Option<String>,
}

/// What to do with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The body is the file from the wanted offset on.
    Continue(Version),
    /// The part on disk is of no use. `body` says whether this answer's body is the new file
    /// from its first byte; else ask again.
    StartOver {
        why: StartOver,
        body: Option<Version>,
    },
    /// The host may answer better later.
    TryAgain,
    /// It will not.
    GiveUp,
    /// The size is nowhere stated.
    NoSize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartOver {
    /// The host sends the whole file whatever is asked.
    NoRanges,
    /// The file on the host is another one than before.
    Changed,
}

impl fmt::Display for StartOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRanges => {
                "The host cannot send a part of a file, so the download begins again from the \
                 first byte."
            }
            Self::Changed => {
                "The file on the host has changed since, so the download begins again from the \
                 first byte."
            }
        })
    }
}

/// Judges the answer to a request for the bytes from `offset` on.
///
/// `known` is the version on disk, `stated` the size that the list of students gives.
pub fn judge(head: &Head, offset: u64, known: Option<&Version>, stated: Option<u64>) -> Answer {
    match head.status {
        206 => partial(head, offset, known, stated),
        200 => whole(head, offset, known, stated),
        // Nothing is left after `offset`: the file has become shorter.
        416 if offset > 0 => Answer::StartOver {
            why: StartOver::Changed,
            body: None,
        },
        408 | 425 | 429 | 500 | 502 | 503 | 504 => Answer::TryAgain,
        _ => Answer::GiveUp,
    }
}

fn partial(head: &Head, offset: u64, known: Option<&Version>, stated: Option<u64>) -> Answer {
    let range = head.content_range.as_deref().and_then(parse_content_range);
    if range.is_some_and(|range| range.first != offset) {
        return Answer::TryAgain;
    }
    let total = range
        .and_then(|range| range.total)
        .or_else(|| offset.checked_add(head.content_length?))
        .or(known.map(|version| version.bytes))
        .or(stated);
    let Some(bytes) = total.filter(|total| *total > offset) else {
        return Answer::NoSize;
    };
    let version = Version {
        bytes,
        etag: head.etag.clone(),
    };
    match known {
        Some(known) if !same(known, &version) => Answer::StartOver {
            why: StartOver::Changed,
            body: None,
        },
        _ => Answer::Continue(version),
    }
}

fn whole(head: &Head, offset: u64, known: Option<&Version>, stated: Option<u64>) -> Answer {
    let known_bytes = known.map(|version| version.bytes);
    let total = head
        .content_length
        .or(stated)
        .or(known_bytes)
        .filter(|total| *total > 0);
    let Some(bytes) = total else {
        return Answer::NoSize;
    };
    let version = Version {
        bytes,
        etag: head.etag.clone(),
    };
    if offset == 0 {
        return Answer::Continue(version);
    }
    let changed = known.is_some_and(|known| !same(known, &version));
    let why = if changed {
        StartOver::Changed
    } else {
        StartOver::NoRanges
    };
    Answer::StartOver {
        why,
        body: Some(version),
    }
}

/// Equal sizes, and equal tags where both are known. Weak tags differ between copies of the same
/// bytes and say nothing here.
fn same(a: &Version, b: &Version) -> bool {
    let strong = |version: &Version| version.etag.clone().filter(|tag| !tag.starts_with("W/"));
    let tags_differ = matches!((strong(a), strong(b)), (Some(a), Some(b)) if a != b);
    a.bytes == b.bytes && !tags_differ
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ContentRange {
    first: u64,
    total: Option<u64>,
}

/// `bytes FIRST-LAST/TOTAL`, RFC 9110 section 14.4; a total of `*` is unknown.
fn parse_content_range(text: &str) -> Option<ContentRange> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let first = first.trim().parse().ok()?;
    let last: u64 = last.trim().parse().ok()?;
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    let ordered = first <= last && total.is_none_or(|total: u64| last < total);
    ordered.then_some(ContentRange { first, total })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head(status: u16, range: &str, length: u64, etag: &str) -> Head {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_string());
        Head {
            status,
            content_range: some(range),
            content_length: (length > 0).then_some(length),
            etag: some(etag),
        }
    }

    fn version(bytes: u64, etag: &str) -> Version {
        Version {
            bytes,
            etag: (!etag.is_empty()).then(|| etag.to_string()),
        }
    }

    const CHANGED: Answer = Answer::StartOver {
        why: StartOver::Changed,
        body: None,
    };

    #[test]
    fn answers_are_judged() {
        let known = version(100, "\"a\"");
        let check = |head: Head, offset, known: Option<&Version>| judge(&head, offset, known, None);
        let go = |bytes, etag| Answer::Continue(version(bytes, etag));

        assert_eq!(
            check(head(206, "bytes 0-99/100", 100, "\"a\""), 0, None),
            go(100, "\"a\"")
        );
        assert_eq!(
            check(head(206, "bytes 40-99/100", 60, "\"a\""), 40, Some(&known)),
            go(100, "\"a\"")
        );
        // `Content-Range` and `ETag` hidden by CORS: the length is enough.
        assert_eq!(check(head(206, "", 60, ""), 40, Some(&known)), go(100, ""));
        assert_eq!(check(head(206, "", 61, ""), 40, Some(&known)), CHANGED);
        assert_eq!(
            check(head(206, "bytes 40-99/100", 60, "\"b\""), 40, Some(&known)),
            CHANGED
        );
        assert_eq!(
            check(head(206, "bytes 40-98/99", 59, "\"a\""), 40, Some(&known)),
            CHANGED
        );
        assert_eq!(
            check(head(206, "bytes 41-99/100", 59, ""), 40, Some(&known)),
            Answer::TryAgain
        );
        assert_eq!(check(head(416, "", 0, ""), 40, Some(&known)), CHANGED);
        assert_eq!(check(head(416, "", 0, ""), 0, None), Answer::GiveUp);
        assert_eq!(check(head(200, "", 100, ""), 0, None), go(100, ""));
        assert_eq!(check(head(200, "", 0, ""), 0, None), Answer::NoSize);
        assert_eq!(judge(&head(200, "", 0, ""), 0, None, Some(7)), go(7, ""));
        assert_eq!(
            check(head(200, "", 100, "\"a\""), 40, Some(&known)),
            Answer::StartOver {
                why: StartOver::NoRanges,
                body: Some(known.clone())
            }
        );
        assert_eq!(
            check(head(503, "", 0, ""), 40, Some(&known)),
            Answer::TryAgain
        );
        assert_eq!(
            check(head(404, "", 0, ""), 40, Some(&known)),
            Answer::GiveUp
        );
    }

    #[test]
    fn weak_tags_do_not_throw_away_a_download() {
        let known = version(100, "W/\"a\"");
        let answer = judge(
            &head(206, "bytes 40-99/100", 60, "W/\"b\""),
            40,
            Some(&known),
            None,
        );
        assert_eq!(answer, Answer::Continue(version(100, "W/\"b\"")));
    }

    proptest! {
        #[test]
        fn any_header_gives_an_answer_with_a_size_beyond_the_offset(
            status in prop::sample::select(vec![200u16, 206, 416, 500, 404, 0]),
            range in "(bytes )?[0-9*]{0,21}-[0-9]{0,21}/[0-9*]{0,21}",
            length: Option<u64>,
            offset: u64,
        ) {
            let head = Head { status, content_range: Some(range), content_length: length, etag: None };
            match judge(&head, offset, None, None) {
                Answer::Continue(version) => prop_assert!(version.bytes > offset),
                Answer::StartOver { body: Some(version), .. } => prop_assert!(version.bytes > 0),
                _ => {}
            }
        }
    }
}
