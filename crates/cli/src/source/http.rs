//! Files on a web server: one HTTP client, and random access by ranges.

use std::io::Read;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use retort_formats::{Source, SourceError};
use ureq::config::RedirectAuthHeaders;
use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::failure::Failure;

/// A client that trusts what the system trusts and takes proxies from the environment.
pub fn agent() -> Agent {
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .user_agent(concat!("retort/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

/// Asks for the bytes from `range` (`"0-99"`, `"100-"`) of a file.
pub fn get(
    agent: &Agent,
    url: &str,
    token: Option<&str>,
    headers: &[(&str, &str)],
) -> Result<Response<Body>, ureq::Error> {
    let mut request = agent.get(url);
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.call()
}

/// Says what a failed request means for the user.
pub fn explain(error: ureq::Error, url: &str) -> anyhow::Error {
    let hint = match &error {
        ureq::Error::StatusCode(401 | 403) => {
            "the host wants a login: for the Hugging Face hub set HF_TOKEN or run `hf auth login`, \
             and accept the model's licence on its page"
        }
        ureq::Error::StatusCode(404) => "check the address: the host has no such file",
        ureq::Error::StatusCode(429 | 500..=599) => "the host is busy: try again later",
        ureq::Error::StatusCode(_) => "open the address in a browser to see what the host says",
        _ => "check the connection; a proxy is taken from HTTPS_PROXY",
    };
    anyhow::Error::from(error).context(Failure::new(format!("cannot read {url}"), hint))
}

/// The value of a header, if it is text.
pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// First byte and total size in `Content-Range: bytes 0-99/1234`.
pub fn content_range(headers: &HeaderMap) -> Option<(u64, u64)> {
    let value = header(headers, "content-range")?.strip_prefix("bytes ")?;
    let (range, total) = value.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, total.trim().parse().ok()?))
}

/// A file read by ranges, never stored.
pub struct HttpSource {
    agent: Agent,
    url: String,
    token: Option<String>,
    len: u64,
}

impl HttpSource {
    /// Asks for the size with a request for the first byte.
    pub fn open(url: &str, token: Option<String>) -> Result<Self> {
        let agent = agent();
        let response = get(&agent, url, token.as_deref(), &[("Range", "bytes=0-0")])
            .map_err(|error| explain(error, url))?;
        let range = content_range(response.headers());
        let len = range.map(|(_, total)| total).with_context(|| {
            let hint = "download the file and give its path";
            Failure::new(format!("{url}: the host does not answer ranges"), hint)
        })?;
        Ok(Self {
            agent,
            url: url.into(),
            token,
            len,
        })
    }

    fn read(&self, offset: u64, buf: &mut [u8]) -> Result<()> {
        let range = format!("bytes={offset}-{}", offset + buf.len() as u64 - 1);
        let mut response = get(
            &self.agent,
            &self.url,
            self.token.as_deref(),
            &[("Range", &range)],
        )
        .map_err(|error| explain(error, &self.url))?;
        let got = content_range(response.headers());
        ensure!(
            response.status() == StatusCode::PARTIAL_CONTENT && got == Some((offset, self.len)),
            "{}: asked for {range} of {} bytes, got {} with {got:?}",
            self.url,
            self.len,
            response.status(),
        );
        let mut reader = response.body_mut().as_reader();
        reader
            .read_exact(buf)
            .with_context(|| format!("{}: {range}", self.url))
    }
}

impl Source for HttpSource {
    fn len(&self) -> u64 {
        self.len
    }

    async fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        SourceError::check_bounds(offset, buf.len() as u64, self.len)?;
        match buf.is_empty() {
            true => Ok(()),
            false => self
                .read(offset, buf)
                .map_err(|error| SourceError::other(format!("{error:#}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read_and_others_refused() {
        let parse = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("content-range", value.parse().unwrap());
            content_range(&headers)
        };
        assert_eq!(parse("bytes 0-99/1234"), Some((0, 1234)));
        assert_eq!(parse("bytes 100-199/1234"), Some((100, 1234)));
        assert_eq!(parse("bytes */1234"), None);
        assert_eq!(parse("bytes 0-99/*"), None);
        assert_eq!(parse("items 0-9/10"), None);
    }
}
