//! The request itself.

use std::io::{ErrorKind, Read};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Timeout};

use super::body::{self, EXCERPT};
use super::retry_after;
use super::secret::Secret;
use super::sse::Assembly;
use crate::config::{at_least_one, config, seconds};
use crate::request::hex;
use crate::{Backend, Endpoint, Fault, Reply, Request, TeacherError};

/// A chat server, asked over HTTP.
#[derive(Debug)]
pub struct HttpBackend {
    endpoint: Endpoint,
    url: String,
    agent: Agent,
    key: Option<Secret>,
}

impl HttpBackend {
    /// Prepares for an endpoint; connects to nothing. The key is taken from the environment now.
    ///
    /// # Errors
    /// [`TeacherError::Config`], [`TeacherError::NoKey`], [`TeacherError::KeyCharacters`].
    pub fn new(endpoint: Endpoint) -> Result<Self, TeacherError> {
        let key = match &endpoint.api_key_env {
            None => None,
            Some(variable) => Some(key(&endpoint.name, variable)?),
        };
        let url = address(&endpoint.url)?;
        at_least_one("concurrency", endpoint.concurrency)?;
        at_least_one("max_body_bytes", usize::from(endpoint.max_body_bytes > 0))?;
        endpoint.price.check()?;
        let agent = agent(&endpoint, &url)?;
        Ok(Self {
            endpoint,
            url,
            agent,
            key,
        })
    }

    /// As it was configured.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn ask(&self, request: &Request) -> Result<Vec<Reply>, Fault> {
        let content = body::encode(&self.endpoint, request)?;
        // The same for every attempt at a unit, in this run and later ones, and for no other.
        let once = Sha256::digest([request.id.as_bytes(), b"\0", &content].concat());
        let mut post = self
            .agent
            .post(&self.url)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", hex(&once[..16]));
        if let Some(key) = &self.key {
            post = post.header("Authorization", key.header());
        }
        let mut response = post.send(&content[..]).map_err(|error| self.fault(error))?;
        let status = response.status().as_u16();
        let header = |name: &str| {
            response
                .headers()
                .get(name)?
                .to_str()
                .ok()
                .map(String::from)
        };
        let retry_after =
            header("retry-after").and_then(|value| retry_after::parse(&value, SystemTime::now()));
        let mime = header("content-type").unwrap_or_default();
        let max = self.endpoint.max_body_bytes;
        let mut reader = response.body_mut().with_config().limit(max).reader();
        if status != 200 {
            // Whatever went wrong with reading it, the status is what counts.
            let mut said = Vec::new();
            let _ = reader.take(4 * EXCERPT as u64).read_to_end(&mut said);
            return Err(Fault::Status {
                status,
                body: body::excerpt(&self.scrub(String::from_utf8_lossy(&said).into())),
                retry_after,
            });
        }
        if mime.starts_with("text/event-stream") {
            return self.read_stream(&mut reader, request);
        }
        let mut bytes = Vec::new();
        reader
            .read_to_end(&mut bytes)
            .map_err(|error| self.fault(error.into()))?;
        if bytes.trim_ascii_start().starts_with(b"data:") {
            // A stream under another name.
            return self.read_stream(&mut &bytes[..], request);
        }
        body::replies(&bytes, request, self.endpoint.primed)
    }

    fn read_stream(&self, reader: &mut impl Read, request: &Request) -> Result<Vec<Reply>, Fault> {
        let mut assembly = Assembly::default();
        let mut buffer = [0; 16 << 10];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => break,
                // After its last word nothing is waited for, also not the end of the body: the
                // connection is not used again then, but a server that keeps it open holds nobody
                // up.
                Ok(count) if assembly.push(&buffer[..count])? => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.fault(error.into())),
            }
        }
        let (whole, drafts) = assembly.finish()?;
        let primed = self.endpoint.primed;
        body::assemble(drafts, whole.id, whole.model, whole.usage, request, primed)
    }

    fn fault(&self, error: ureq::Error) -> Fault {
        let detail = error.to_string();
        match error {
            ureq::Error::Timeout(Timeout::PerRead) => Fault::Stalled,
            ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve)
            | ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::ConnectProxyFailed(_)
            | ureq::Error::Tls(_)
            | ureq::Error::Rustls(_) => Fault::Connect { detail },
            ureq::Error::Timeout(_) => Fault::Timeout,
            ureq::Error::BodyExceedsLimit(max) => Fault::TooLarge { max },
            ureq::Error::Io(error) => match error.kind() {
                ErrorKind::ConnectionRefused
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::NetworkDown
                | ErrorKind::AddrNotAvailable
                // A handshake that failed, for instance over the certificate.
                | ErrorKind::InvalidData => Fault::Connect { detail },
                _ => Fault::Broken { detail },
            },
            _ => Fault::Broken { detail },
        }
    }

    fn scrub(&self, text: String) -> String {
        match &self.key {
            Some(key) => key.scrub(text),
            None => text,
        }
    }

    /// Takes the key out of whatever a server may have put it into.
    fn scrub_reply(&self, reply: Reply) -> Reply {
        Reply {
            thought: reply.thought.map(|text| self.scrub(text)),
            answer: self.scrub(reply.answer),
            model: reply.model.map(|text| self.scrub(text)),
            response_id: reply.response_id.map(|text| self.scrub(text)),
            ..reply
        }
    }

    fn scrub_fault(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Reported { detail } => Fault::Reported {
                detail: self.scrub(detail),
            },
            Fault::Json { detail } => Fault::Json {
                detail: self.scrub(detail),
            },
            Fault::Finish { reason } => Fault::Finish {
                reason: self.scrub(reason),
            },
            fault => fault,
        }
    }
}

impl Backend for HttpBackend {
    fn complete(&self, request: &Request) -> Result<Vec<Reply>, Fault> {
        match self.ask(request) {
            Ok(replies) => Ok(replies
                .into_iter()
                .map(|reply| self.scrub_reply(reply))
                .collect()),
            Err(fault) => Err(self.scrub_fault(fault)),
        }
    }
}

fn key(endpoint: &str, variable: &str) -> Result<Secret, TeacherError> {
    let value = std::env::var(variable).unwrap_or_default();
    let value = value.trim();
    if value.is_empty() {
        return Err(TeacherError::NoKey {
            endpoint: endpoint.into(),
            variable: variable.into(),
        });
    }
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TeacherError::KeyCharacters {
            variable: variable.into(),
        });
    }
    Ok(Secret::new(value.into()))
}

/// The address of the chat API, from any of the forms in which people give it.
fn address(url: &str) -> Result<String, TeacherError> {
    let wrong = || config("url", "an address such as http://127.0.0.1:8000/v1", url);
    let base = url.trim().trim_end_matches('/');
    let uri: Uri = base.parse().map_err(|_| wrong())?;
    let http = matches!(uri.scheme_str(), Some("http" | "https"));
    // A name and password in the address would be written to messages.
    let plain = uri
        .authority()
        .is_some_and(|host| !host.as_str().contains('@'));
    if !http || !plain {
        return Err(wrong());
    }
    Ok(match base {
        _ if base.ends_with("/chat/completions") => base.into(),
        _ if uri.path().len() > 1 => format!("{base}/chat/completions"),
        _ => format!("{base}/v1/chat/completions"),
    })
}

fn agent(endpoint: &Endpoint, url: &str) -> Result<Agent, TeacherError> {
    let timeout = seconds("timeout_seconds", endpoint.timeout_seconds)?;
    let stall = seconds("stall_seconds", endpoint.stall_seconds)?;
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    let mut builder = Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        // A redirected POST is a wrong address, and the key is for this host only.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(timeout))
        .timeout_connect(Some(Duration::from_secs(30).min(timeout)))
        .max_idle_connections_per_host(endpoint.concurrency)
        .max_idle_connections(endpoint.concurrency)
        .user_agent(concat!("retort/", env!("CARGO_PKG_VERSION")));
    if endpoint.stream {
        builder = builder.timeout_per_read(Some(stall));
    }
    let uri: Option<Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    if matches!(host, "localhost" | "127.0.0.1" | "[::1]" | "0.0.0.0") {
        // A proxy would look for the server on its own machine.
        builder = builder.proxy(None);
    }
    Ok(builder.build().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_completed() {
        let cases = [
            (
                "http://127.0.0.1:8000",
                "http://127.0.0.1:8000/v1/chat/completions",
            ),
            ("http://h:1/v1/", "http://h:1/v1/chat/completions"),
            (
                "https://api.deepseek.com/",
                "https://api.deepseek.com/v1/chat/completions",
            ),
            (
                "https://h/x/chat/completions",
                "https://h/x/chat/completions",
            ),
        ];
        for (given, address_) in cases {
            assert_eq!(address(given).unwrap(), address_);
        }
        for bad in [
            "",
            "127.0.0.1:8000",
            "ftp://h",
            "http://",
            "http://me:secret@h/v1",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_must_be_there_and_look_like_one() {
        let mut endpoint = Endpoint::new("a", "http://127.0.0.1:9", "m");
        endpoint.api_key_env = Some("RETORT_TEACHER_NO_SUCH_VARIABLE".into());
        let error = HttpBackend::new(endpoint).unwrap_err();
        assert!(matches!(error, TeacherError::NoKey { .. }));
        assert!(error.hint().is_some());
    }
}
