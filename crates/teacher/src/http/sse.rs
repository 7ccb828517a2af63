//! Server-sent events: the lines of a stream, and the replies that they add up to.

use std::collections::BTreeMap;

use super::body::{Choice, Chunk, Draft, RawUsage, decode};
use crate::Fault;

/// Replies that arrive in pieces. Bytes are pushed as they come.
#[derive(Debug, Default)]
pub struct Assembly {
    /// Of the line that is not complete.
    line: Vec<u8>,
    /// The `data` lines of the event that is not complete.
    data: Vec<u8>,
    has_data: bool,
    pub id: Option<String>,
    pub model: Option<String>,
    pub usage: Option<RawUsage>,
    choices: BTreeMap<u64, Draft>,
    done: bool,
}

impl Assembly {
    /// Takes bytes in, cut anywhere. `true` once the server has said that it is done.
    pub fn push(&mut self, bytes: &[u8]) -> Result<bool, Fault> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.take_line(line.trim_ascii_end())?;
            }
        }
        Ok(self.done)
    }

    /// What has come, in the order of the choices. A stream may end without saying so if every
    /// choice had its end: some servers just close.
    pub fn finish(mut self) -> Result<(Self, Vec<Draft>), Fault> {
        if !self.done && !self.ended() {
            let line = std::mem::take(&mut self.line);
            self.take_line(line.trim_ascii_end())?;
            self.take_line(b"")?;
        }
        let nothing_said = self.done && self.choices.is_empty();
        if !self.ended() && !nothing_said {
            return Err(Fault::StreamCut);
        }
        let drafts = std::mem::take(&mut self.choices).into_values().collect();
        Ok((self, drafts))
    }

    fn ended(&self) -> bool {
        let mut drafts = self.choices.values();
        !self.choices.is_empty() && drafts.all(|draft| draft.finish.is_some())
    }

    fn take_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return match std::mem::take(&mut self.has_data) {
                true => self.take_event(&data),
                false => Ok(()),
            };
        }
        // Comments (`: keep-alive`) and fields other than `data` mean nothing here.
        let Some(data) = line.strip_prefix(b"data:") else {
            // An error in place of a stream is often plain JSON.
            return match line.starts_with(b"{") {
                true => self.take_event(line),
                false => Ok(()),
            };
        };
        if self.has_data {
            self.data.push(b'\n');
        }
        self.has_data = true;
        self.data.extend_from_slice(data.trim_ascii_start());
        Ok(())
    }

    fn take_event(&mut self, data: &[u8]) -> Result<(), Fault> {
        if data == b"[DONE]" {
            self.done = true;
        }
        if self.done {
            return Ok(());
        }
        let chunk: Chunk = decode(data)?;
        if let Some(error) = chunk.error {
            return Err(error.fault());
        }
        self.id = self.id.take().or(chunk.id);
        self.model = self.model.take().or(chunk.model);
        self.usage = chunk.usage.or(self.usage.take());
        for choice in chunk.choices.unwrap_or_default() {
            let Choice {
                index,
                delta,
                message,
                finish_reason,
            } = choice;
            let draft = self.choices.entry(index.unwrap_or_default()).or_default();
            // Servers that do not stream when asked to send one event with the whole message.
            if let Some(said) = delta.or(message) {
                draft.add(said);
            }
            draft.finish = finish_reason.or(draft.finish.take());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = concat!(
        ": keep-alive\n\n",
        "data: {\"id\":\"r1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"th\"}}]}\n\n",
        "data: {\"id\":\"r1\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"ink ü\"}}]}\r\n\r\n",
        "event: message\ndata: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"4\"},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7}}\n\n",
        "data: [DONE]\n\n",
    );

    #[test]
    fn a_stream_may_be_cut_anywhere() {
        for size in 1..STREAM.len() {
            let mut assembly = Assembly::default();
            for bytes in STREAM.as_bytes().chunks(size) {
                assembly.push(bytes).unwrap();
            }
            let (assembly, drafts) = assembly.finish().unwrap();
            assert_eq!(assembly.id.as_deref(), Some("r1"));
            assert_eq!(assembly.usage.unwrap().completion_tokens, Some(7));
            assert_eq!(drafts.len(), 1);
            assert_eq!(drafts[0].thought.as_deref(), Some("think ü"));
            assert_eq!(drafts[0].content.as_deref(), Some("4"));
            assert_eq!(drafts[0].finish.as_deref(), Some("stop"));
        }
    }

    #[test]
    fn a_stream_that_stops_early_is_no_reply() {
        for end in 0..STREAM.len() {
            let mut assembly = Assembly::default();
            let result = assembly
                .push(&STREAM.as_bytes()[..end])
                .and_then(|_| assembly.finish());
            // From the reason on, all is said.
            let reason = STREAM.find("\"stop\"}]}").unwrap() + "\"stop\"}]}".len();
            let whole = end >= reason;
            assert_eq!(result.is_ok(), whole, "{end}: {result:?}");
        }
    }

    #[test]
    fn errors_within_a_stream_are_faults() {
        for line in [
            "data: {\"error\":{\"message\":\"out of memory\"}}\n\n",
            "{\"error\":\"out of memory\"}\n",
            "data: {\"object\":\"error\",\"message\":\"out of memory\",\"error\":\"out of memory\"}\n\n",
        ] {
            let fault = Assembly::default().push(line.as_bytes()).unwrap_err();
            assert!(matches!(&fault, Fault::Reported { detail } if detail == "out of memory"));
        }
    }
}
