//! Asking a host for a part of a file, and reading its answer.
//!
//! Nothing but `Range: bytes=FIRST-[LAST]` is sent. `If-Range` would cost a preflight request
//! across origins, which file hosts refuse after a redirect; instead the answer's own `ETag` and
//! size are compared with those of the part on disk, which says the same before the first byte.

use std::fmt;

/// The bytes asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub first: u64,
    /// The last byte; none for all the rest.
    pub last: Option<u64>,
}

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

/// Judges the answer to a request for `asked`.
///
/// `known` is the version on disk, `stated` the size that the list of students gives.
pub fn judge(head: &Head, asked: Asked, known: Option<&Version>, stated: Option<u64>) -> Answer {
    match head.status {
        206 => partial(head, asked, known, stated),
        200 => whole(head, asked.first, known, stated),
        // Nothing is left after the first byte asked for: the file has become shorter.
        416 if asked.first > 0 => CHANGED,
        408 | 425 | 429 | 500 | 502 | 503 | 504 => Answer::TryAgain,
        _ => Answer::GiveUp,
    }
}

const CHANGED: Answer = Answer::StartOver {
    why: StartOver::Changed,
    body: None,
};

fn partial(head: &Head, asked: Asked, known: Option<&Version>, stated: Option<u64>) -> Answer {
    let range = head.content_range.as_deref().and_then(parse_content_range);
    if range.is_some_and(|range| range.first != asked.first) {
        return Answer::TryAgain;
    }
    let said = range.and_then(|range| range.total);
    // Without `Content-Range` the length tells the size only if all the rest was asked for.
    let rest = || match asked.last {
        None => asked.first.checked_add(head.content_length?),
        Some(_) => None,
    };
    let total = said
        .or_else(rest)
        .or(known.map(|version| version.bytes))
        .or(stated);
    let Some(bytes) = total.filter(|total| *total > asked.first) else {
        return Answer::NoSize;
    };
    let version = Version {
        bytes,
        etag: head.etag.clone(),
    };
    let expected = asked
        .last
        .map_or(bytes, |last| bytes.min(last.saturating_add(1)))
        - asked.first;
    let short = head.content_length.is_some_and(|length| length < expected);
    if short || known.is_some_and(|known| !same(known, &version)) {
        return CHANGED;
    }
    Answer::Continue(version)
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

    /// Judges a request for the bytes from `first` on.
    fn rest(head: Head, first: u64, known: Option<&Version>) -> Answer {
        judge(&head, Asked { first, last: None }, known, None)
    }

    fn go(bytes: u64, etag: &str) -> Answer {
        Answer::Continue(version(bytes, etag))
    }

    #[test]
    fn answers_are_judged() {
        let known = version(100, "\"a\"");
        let on = |head, first| rest(head, first, Some(&known));

        assert_eq!(
            rest(head(206, "bytes 0-99/100", 100, "\"a\""), 0, None),
            go(100, "\"a\"")
        );
        assert_eq!(
            on(head(206, "bytes 40-99/100", 60, "\"a\""), 40),
            go(100, "\"a\"")
        );
        // `Content-Range` and `ETag` hidden by CORS: the length is enough.
        assert_eq!(on(head(206, "", 60, ""), 40), go(100, ""));
        assert_eq!(on(head(206, "", 61, ""), 40), CHANGED);
        assert_eq!(on(head(206, "bytes 40-99/100", 60, "\"b\""), 40), CHANGED);
        assert_eq!(on(head(206, "bytes 40-98/99", 59, "\"a\""), 40), CHANGED);
        assert_eq!(
            on(head(206, "bytes 41-99/100", 59, ""), 40),
            Answer::TryAgain
        );
        assert_eq!(on(head(416, "", 0, ""), 40), CHANGED);
        assert_eq!(rest(head(416, "", 0, ""), 0, None), Answer::GiveUp);
        assert_eq!(rest(head(200, "", 100, ""), 0, None), go(100, ""));
        assert_eq!(rest(head(200, "", 0, ""), 0, None), Answer::NoSize);
        let asked = Asked {
            first: 0,
            last: None,
        };
        assert_eq!(
            judge(&head(200, "", 0, ""), asked, None, Some(7)),
            go(7, "")
        );
        let all = Answer::StartOver {
            why: StartOver::NoRanges,
            body: Some(known.clone()),
        };
        assert_eq!(on(head(200, "", 100, "\"a\""), 40), all);
        assert_eq!(on(head(503, "", 0, ""), 40), Answer::TryAgain);
        assert_eq!(on(head(404, "", 0, ""), 40), Answer::GiveUp);
    }

    #[test]
    fn a_part_with_an_end_is_judged() {
        let asked = Asked {
            first: 40,
            last: Some(59),
        };
        let known = version(100, "");
        let check = |head: Head, known| judge(&head, asked, known, None);
        assert_eq!(
            check(head(206, "bytes 40-59/100", 20, ""), None),
            go(100, "")
        );
        assert_eq!(check(head(206, "bytes 40-49/50", 10, ""), None), go(50, ""));
        // `Content-Range` hidden by CORS: the size must be known from elsewhere.
        assert_eq!(check(head(206, "", 20, ""), None), Answer::NoSize);
        assert_eq!(check(head(206, "", 20, ""), Some(&known)), go(100, ""));
        assert_eq!(check(head(206, "", 19, ""), Some(&known)), CHANGED);
    }

    #[test]
    fn weak_tags_do_not_throw_away_a_download() {
        let known = version(100, "W/\"a\"");
        let answer = rest(
            head(206, "bytes 40-99/100", 60, "W/\"b\""),
            40,
            Some(&known),
        );
        assert_eq!(answer, go(100, "W/\"b\""));
    }

    proptest! {
        #[test]
        fn any_header_gives_an_answer_with_a_size_beyond_the_offset(
            status in prop::sample::select(vec![200u16, 206, 416, 500, 404, 0]),
            range in "(bytes )?[0-9*]{0,21}-[0-9]{0,21}/[0-9*]{0,21}",
            content_length: Option<u64>,
            first: u64,
            length: Option<u64>,
        ) {
            let head = Head { status, content_range: Some(range), content_length, etag: None };
            let asked = Asked { first, last: length.map(|length| first.saturating_add(length)) };
            match judge(&head, asked, None, None) {
                Answer::Continue(version) => prop_assert!(version.bytes > first),
                Answer::StartOver { body: Some(version), .. } => prop_assert!(version.bytes > 0),
                _ => {}
            }
        }
    }
}
