//! The head of an HTTP request.

use std::io::{BufRead, Error, ErrorKind, Result};

/// Heads longer than this are refused.
const MAX_HEAD: usize = 64 << 10;

/// What the server looks at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub method: String,
    /// Without the query, percent-decoded.
    pub path: String,
    /// First and last byte, where a single range is asked for.
    pub range: Option<ByteRange>,
    pub if_none_match: Option<String>,
    /// A range is only wanted of this version of the file.
    pub if_range: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteRange {
    /// First and, where stated, last byte.
    From(u64, Option<u64>),
    /// The last so many bytes.
    Last(u64),
}

impl Request {
    /// Reads a head; none where the client closed the connection instead. Requests that we answer
    /// have no body.
    pub fn read(reader: &mut impl BufRead) -> Result<Option<Self>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let before = head.len();
            reader.read_until(b'\n', &mut head)?;
            if head.is_empty() {
                return Ok(None);
            }
            if head.len() == before || head.len() > MAX_HEAD {
                return Err(ErrorKind::InvalidData.into());
            }
        }
        Self::parse(&head).map(Some)
    }

    fn parse(head: &[u8]) -> Result<Self> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut headers);
        let status = parsed.parse(head).map_err(Error::other)?;
        let (Some(method), Some(target), true) = (parsed.method, parsed.path, status.is_complete())
        else {
            return Err(ErrorKind::InvalidData.into());
        };
        let header = |name: &str| {
            let header = parsed
                .headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case(name))?;
            Some(std::str::from_utf8(header.value).ok()?.trim().to_owned())
        };
        let path = target.split(['?', '#']).next().unwrap_or_default();
        Ok(Self {
            method: method.to_owned(),
            path: percent_decode(path),
            range: header("range").and_then(|range| ByteRange::parse(&range)),
            if_none_match: header("if-none-match"),
            if_range: header("if-range"),
        })
    }
}

impl ByteRange {
    fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
        match (first, last) {
            ("", last) => Some(Self::Last(last.parse().ok()?)),
            (first, "") => Some(Self::From(first.parse().ok()?, None)),
            (first, last) => Some(Self::From(first.parse().ok()?, Some(last.parse().ok()?))),
        }
    }

    /// The bytes of a file of this length; none where the range lies outside of it.
    pub fn of(self, len: u64) -> Option<std::ops::Range<u64>> {
        let range = match self {
            Self::From(first, last) => {
                first..last.map_or(len, |last| last.saturating_add(1)).min(len)
            }
            Self::Last(bytes) => len.saturating_sub(bytes)..len,
        };
        (!range.is_empty()).then_some(range)
    }
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let decoded = (byte == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(decoded.unwrap_or(byte));
        rest = &after[if decoded.is_some() { 2 } else { 0 }..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_parse() {
        let head = b"GET /a%20b/c.gguf?x=1 HTTP/1.1\r\nHost: h\r\nrange: bytes=5-9\r\n\r\n";
        let request = Request::read(&mut &head[..]).unwrap().unwrap();
        assert_eq!(request.path, "/a b/c.gguf");
        assert_eq!(request.range, Some(ByteRange::From(5, Some(9))));
        assert_eq!(Request::read(&mut &b""[..]).unwrap(), None);
        assert!(Request::read(&mut &b"GET / HT"[..]).is_err());
        assert!(Request::read(&mut &b"GET /\r\n\r\n"[..]).is_err());
    }

    #[test]
    fn ranges_stay_inside_the_file() {
        let of = |text: &str, len| ByteRange::parse(text).and_then(|range| range.of(len));
        assert_eq!(of("bytes=0-", 10), Some(0..10));
        assert_eq!(of("bytes=3-5", 10), Some(3..6));
        assert_eq!(of("bytes=3-99", 10), Some(3..10));
        assert_eq!(of("bytes=-4", 10), Some(6..10));
        assert_eq!(of("bytes=10-", 10), None);
        assert_eq!(of("bytes=1-2,4-5", 10), None);
        assert_eq!(of("bytes=0-18446744073709551615", 10), Some(0..10));
    }
}
