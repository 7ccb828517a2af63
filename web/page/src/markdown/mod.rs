//! A model's Markdown as nodes, cheap to call again for every frame of a growing text.
//!
//! The text is cut at blank lines where nothing is open (no list, fence or formula). Pieces
//! before the last cut never change again: they are parsed once and kept. Only the piece still
//! growing is parsed anew.

mod math;
mod parse;
mod scan;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use crate::tree::Node;
use scan::{Segment, segments};

/// The rendering of one text.
#[derive(Debug, Default)]
pub struct Document {
    /// Bytes of the text in `finished`.
    settled: usize,
    finished: Vec<Rc<Node>>,
    /// The piece after `settled`, and how long the text was when it was parsed.
    tail: Vec<Rc<Node>>,
    seen: Option<(usize, bool)>,
}

impl Document {
    /// Brings the rendering up to `text`, which begins with the text of the last call. `growing`
    /// says that more may come. Returns whether anything was parsed.
    pub fn update(&mut self, text: &str, growing: bool) -> bool {
        if self.seen == Some((text.len(), growing)) {
            return false;
        }
        if text.len() < self.settled || !text.is_char_boundary(self.settled) {
            *self = Self::default();
        }
        self.seen = Some((text.len(), growing));
        for cut in cuts(&text[self.settled..], growing) {
            let piece = &text[self.settled..self.settled + cut];
            self.finished
                .extend(parse::parse(piece, false).into_iter().map(Rc::new));
            self.settled += cut;
        }
        let tail = parse::parse(&text[self.settled..], growing);
        self.tail = tail.into_iter().map(Rc::new).collect();
        true
    }

    /// The nodes in order.
    pub fn nodes(&self) -> impl Iterator<Item = Node> {
        self.finished
            .iter()
            .chain(&self.tail)
            .cloned()
            .map(Node::Shared)
    }
}

/// Lengths of the pieces at the front of `text` that no later text can change.
fn cuts(text: &str, growing: bool) -> Vec<usize> {
    let mut places = Vec::new();
    let mut at = 0;
    let mut blank = false;
    for segment in segments(text, growing) {
        let source = segment.source();
        if !matches!(segment, Segment::Text(_)) {
            if blank && at > 0 {
                places.push(at);
            }
            blank = false;
            at += source.len();
            continue;
        }
        for line in source.split_inclusive('\n') {
            let starts_line = at == 0 || text[..at].ends_with('\n');
            if line.trim().is_empty() {
                blank = starts_line && line.ends_with('\n') || (blank && !starts_line);
            } else {
                if blank && at > 0 && begins_block(line, &text[at..]) {
                    places.push(at);
                }
                blank = false;
            }
            at += line.len();
        }
    }
    let mut from = 0;
    places
        .into_iter()
        .map(|place| place - std::mem::replace(&mut from, place))
        .collect()
}

/// Whether a line after a blank one surely begins a block of its own: it is not indented, and no
/// list item or quote, which could belong to the block before. `rest` is the text from the line
/// on; at its end a line may be too short to tell.
fn begins_block(line: &str, rest: &str) -> bool {
    let undecided = |tail: &str| tail.is_empty() && line.len() == rest.len();
    let list_mark = |tail: &str| tail.is_empty() || tail.starts_with([' ', '\t', '\n', '\r']);
    match line.chars().next() {
        None | Some(' ' | '\t' | '>') => false,
        Some(mark @ ('-' | '*' | '+')) => {
            let tail = &line[mark.len_utf8()..];
            !undecided(tail) && !list_mark(tail)
        }
        Some('0'..='9') => {
            let tail = line.trim_start_matches(|c: char| c.is_ascii_digit());
            !undecided(tail) && !tail.starts_with(['.', ')'])
        }
        Some(_) => true,
    }
}
