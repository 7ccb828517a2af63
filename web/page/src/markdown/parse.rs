//! Markdown to a tree, with mathematics set aside before and put back after.
//!
//! Raw HTML in the source becomes text, images become links (the page loads nothing that a model
//! names), and links lead to the web only.

use std::rc::Rc;

use pulldown_cmark::{
    Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd, TextMergeStream,
};

use super::math;
use super::scan::{Segment, segments};
use crate::app::Action;
use crate::tree::{Element, Node, el, link, text};

/// Containers nested deeper than this are flattened, so that no text can exhaust the stack.
const DEEPEST: usize = 32;

/// Marks the place of a formula in the masked source: private-use characters, which Markdown
/// treats as letters. The digits of the formula's number follow in the same area.
const MARK: char = '\u{E000}';
const MARK_END: char = '\u{E001}';
const DIGIT_ZERO: u32 = 0xE010;

/// The top-level nodes of a piece of Markdown; `growing` says that more of it may come.
pub fn parse(source: &str, growing: bool) -> Vec<Node> {
    let formulas: Vec<_> = segments(source, growing);
    let masked = mask(&formulas);
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut builder = Builder {
        formulas,
        open: vec![el("div")],
        ..Builder::default()
    };
    for event in TextMergeStream::new(Parser::new_ext(&masked, options)) {
        builder.event(event);
    }
    builder.finish()
}

fn mask(segments: &[Segment<'_>]) -> String {
    let mut masked = String::new();
    for (index, segment) in segments.iter().enumerate() {
        match segment {
            Segment::Text(source) | Segment::Code(source) => masked.extend(source.chars().map(
                // The model's own private-use characters must not pose as marks.
                |c| {
                    if (MARK..'\u{E020}').contains(&c) {
                        '\u{FFFD}'
                    } else {
                        c
                    }
                },
            )),
            Segment::Math { .. } | Segment::OpenMath(_) => {
                masked.push(MARK);
                let digits = index.to_string().into_bytes();
                let private = |d: u8| char::from_u32(DIGIT_ZERO + u32::from(d - b'0'));
                masked.extend(digits.into_iter().filter_map(private));
                masked.push(MARK_END);
            }
        }
    }
    masked
}

/// The elements that are open, innermost last; the first collects the result.
#[derive(Default)]
struct Builder<'a> {
    formulas: Vec<Segment<'a>>,
    open: Vec<Element>,
    /// Containers beyond [`DEEPEST`], whose ends must be skipped too.
    flattened: usize,
    alignments: Vec<Alignment>,
    column: usize,
    in_head: bool,
    /// Text and language of the code block being read.
    code: Option<(String, String)>,
}

impl Builder<'_> {
    fn finish(mut self) -> Vec<Node> {
        while self.open.len() > 1 {
            self.close();
        }
        self.open
            .pop()
            .map(|root| root.children)
            .unwrap_or_default()
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(end) => self.end(end),
            Event::Text(content) => self.words(&content),
            Event::Code(content) => {
                let source = self.unmask(&content);
                self.push(el("code").text(source));
            }
            Event::Html(content) | Event::InlineHtml(content) => {
                let line = content.trim();
                if matches!(line, "<br>" | "<br/>" | "<br />") {
                    self.push(el("br"));
                } else {
                    self.words(&content);
                }
            }
            Event::SoftBreak => self.push(text("\n")),
            Event::HardBreak => self.push(el("br")),
            Event::Rule => self.push(el("hr")),
            Event::TaskListMarker(done) => {
                self.push(
                    el("span")
                        .class("task")
                        .text(if done { "☑ " } else { "☐ " }),
                );
            }
            Event::InlineMath(content) | Event::DisplayMath(content) => self.words(&content),
            Event::FootnoteReference(name) => self.words(&name),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        if self.open.len() > DEEPEST {
            self.flattened += 1;
            return;
        }
        let element = match tag {
            Tag::Paragraph | Tag::HtmlBlock => el("p"),
            Tag::Heading { level, .. } => el(heading(level)),
            Tag::BlockQuote(_) => el("blockquote"),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info
                        .split([' ', ',', '{'])
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((String::new(), self.unmask(&language)));
                el("figure").class("code")
            }
            Tag::List(Some(1)) => el("ol"),
            Tag::List(Some(first)) => el("ol").attr("start", first.to_string()),
            Tag::List(None) => el("ul"),
            Tag::Item => el("li"),
            Tag::Table(alignments) => {
                self.alignments = alignments;
                el("table")
            }
            Tag::TableHead => {
                (self.in_head, self.column) = (true, 0);
                el("tr")
            }
            Tag::TableRow => {
                self.column = 0;
                el("tr")
            }
            Tag::TableCell => self.cell(),
            Tag::Emphasis => el("em"),
            Tag::Strong => el("strong"),
            Tag::Strikethrough => el("del"),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                let target = self.unmask(&dest_url);
                link(&target).unwrap_or_else(|| el("span"))
            }
            _ => el("span"),
        };
        self.open.push(element);
    }

    fn cell(&mut self) -> Element {
        let alignment = self.alignments.get(self.column).copied();
        self.column += 1;
        let cell = if self.in_head {
            el("th").attr("scope", "col")
        } else {
            el("td")
        };
        match alignment {
            Some(Alignment::Center) => cell.class("center"),
            Some(Alignment::Right) => cell.class("right"),
            _ => cell,
        }
    }

    fn end(&mut self, end: TagEnd) {
        if self.flattened > 0 {
            self.flattened -= 1;
            return;
        }
        match end {
            TagEnd::CodeBlock => {
                let (code, language) = self.code.take().unwrap_or_default();
                if let Some(figure) = self.open.last_mut() {
                    *figure = code_block(code, language);
                }
            }
            TagEnd::TableHead => self.in_head = false,
            TagEnd::Table => {
                if let Some(table) = self.open.pop() {
                    self.open.push(scrolling_table(table));
                }
            }
            _ => {}
        }
        self.close();
    }

    fn close(&mut self) {
        if self.open.len() > 1
            && let Some(element) = self.open.pop()
        {
            self.push(element);
        }
    }

    fn push(&mut self, node: impl Into<Node>) {
        if let Some(parent) = self.open.last_mut() {
            parent.children.push(node.into());
        }
    }

    /// Text with the formulas put back in their places.
    fn words(&mut self, content: &str) {
        if self.code.is_some() {
            let source = self.unmask(content);
            if let Some((code, _)) = &mut self.code {
                code.push_str(&source);
            }
            return;
        }
        let mut rest = content;
        while let Some((before, index, after)) = next_mark(rest) {
            if !before.is_empty() {
                self.push(text(before.to_owned()));
            }
            match self.formulas.get(index).copied() {
                Some(Segment::Math { latex, display, .. }) => {
                    self.push(math::formula(latex, display));
                }
                Some(segment) => self.push(math::unfinished(segment.source())),
                None => {}
            }
            rest = after;
        }
        if !rest.is_empty() {
            self.push(text(rest.to_owned()));
        }
    }

    /// The source as the model wrote it, for code and link targets.
    fn unmask(&self, content: &str) -> String {
        let mut source = String::with_capacity(content.len());
        let mut rest = content;
        while let Some((before, index, after)) = next_mark(rest) {
            source.push_str(before);
            source.push_str(self.formulas.get(index).map_or("", Segment::source));
            rest = after;
        }
        source.push_str(rest);
        source
    }
}

/// Splits at the first mark: text before, number of the formula, text after.
fn next_mark(content: &str) -> Option<(&str, usize, &str)> {
    let (before, rest) = content.split_once(MARK)?;
    let (digits, after) = rest.split_once(MARK_END)?;
    let index = digits.chars().try_fold(0_usize, |number, c| {
        let digit = u32::from(c).checked_sub(DIGIT_ZERO).filter(|d| *d < 10)?;
        number.checked_mul(10)?.checked_add(digit as usize)
    })?;
    Some((before, index, after))
}

/// A message has a heading of its own at level two, so the model's begin at three.
fn heading(level: HeadingLevel) -> &'static str {
    match level {
        HeadingLevel::H1 => "h3",
        HeadingLevel::H2 => "h4",
        HeadingLevel::H3 => "h5",
        _ => "h6",
    }
}

fn code_block(code: String, language: String) -> Element {
    let code = code.strip_suffix('\n').map(str::to_owned).unwrap_or(code);
    let shown = if language.is_empty() {
        "text".to_owned()
    } else {
        language
    };
    let copy = el("button")
        .attr("type", "button")
        .class("quiet")
        .testid("copy-code")
        .label(format!("Copy {shown} code"))
        .press(Action::Copy(Rc::from(code.as_str())))
        .text("Copy");
    el("figure")
        .class("code")
        .child(el("figcaption").child(el("span").text(shown)).child(copy))
        .child(el("pre").attr("tabindex", "0").child(el("code").text(code)))
}

/// The first row is the head; a wide table scrolls by itself, not with the page.
fn scrolling_table(mut table: Element) -> Element {
    let mut rows = std::mem::take(&mut table.children).into_iter();
    let head = el("thead").children(rows.next());
    let table = table.child(head).child(el("tbody").children(rows));
    el("div").class("wide").attr("tabindex", "0").child(table)
}
