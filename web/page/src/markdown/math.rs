//! LaTeX to MathML, by math-core, and from its text to an allow-listed tree.
//!
//! math-core writes well-formed MathML. It is parsed as XML and rebuilt from the tables below:
//! an element or attribute that is not listed cannot appear, whatever the converter writes.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use math_core::{LatexToMathML, MathCoreConfig, MathDisplay};

use crate::tree::{Element, Namespace, Node, el, el_in, text};

/// Formulas nested deeper than this (braces, environments, `\left`) are shown as source: the
/// converter and the tree are recursive, and the stack of a browser's wasm is small.
const DEEPEST: usize = 48;
const LONGEST: usize = 4096;

/// Formulas kept; a table of this size is one long reply.
const CACHED: usize = 512;

/// What models write and math-core does not know, in its own terms. A box is marked by crossing
/// out twice, a notation that otherwise never appears, and [`rebuild`] turns it into a box.
const MACROS: [(&str, &str); 22] = [
    ("boxed", r"\xcancel{#1}"),
    ("fbox", r"\xcancel{#1}"),
    ("large", ""),
    ("Large", ""),
    ("LARGE", ""),
    ("huge", ""),
    ("Huge", ""),
    ("small", ""),
    ("normalsize", ""),
    ("nonumber", ""),
    ("notag", ""),
    ("label", r"\phantom{}"),
    ("tag", r"\qquad(#1)"),
    ("require", r"\phantom{}"),
    ("degree", r"^\circ"),
    ("lt", "<"),
    ("gt", ">"),
    ("overarc", r"\overset{\frown}{#1}"),
    ("dotsb", r"\cdots"),
    ("dotsm", r"\cdots"),
    ("dotsc", r"\ldots"),
    ("allowbreak", ""),
];

const TAGS: [&str; 27] = [
    "math",
    "mrow",
    "mi",
    "mn",
    "mo",
    "ms",
    "mtext",
    "mspace",
    "mfrac",
    "msqrt",
    "mroot",
    "msub",
    "msup",
    "msubsup",
    "munder",
    "mover",
    "munderover",
    "mmultiscripts",
    "mprescripts",
    "mtable",
    "mtr",
    "mtd",
    "mpadded",
    "mphantom",
    "mstyle",
    "merror",
    "none",
];

const ATTRIBUTES: [&str; 20] = [
    "display",
    "displaystyle",
    "scriptlevel",
    "stretchy",
    "lspace",
    "rspace",
    "minsize",
    "maxsize",
    "movablelimits",
    "accent",
    "accentunder",
    "linethickness",
    "width",
    "height",
    "depth",
    "form",
    "symmetric",
    "largeop",
    "fence",
    "mathvariant",
];

/// Inline CSS is forbidden by the page's policy; the declarations that matter become classes.
const STYLES: [(&str, &str); 8] = [
    ("text-align: right", "m-right"),
    ("text-align: left", "m-left"),
    ("padding-left: 0", "m-pl0"),
    ("padding-right: 0", "m-pr0"),
    ("padding-left:1em", "m-pl1"),
    ("border-right", "m-line-right"),
    ("border-left", "m-line-left"),
    ("border-top", "m-line-top"),
];

/// A formula as MathML; one that cannot be converted as its source, with the reason as tooltip.
pub fn formula(latex: &str, display: bool) -> Rc<Node> {
    thread_local! {
        static CONVERTER: Option<LatexToMathML> = LatexToMathML::new(config()).ok();
        static CACHE: RefCell<HashMap<(String, bool), Rc<Node>>> = RefCell::default();
    }
    let key = (latex.to_owned(), display);
    if let Some(found) = CACHE.with_borrow(|cache| cache.get(&key).cloned()) {
        return found;
    }
    let node = Rc::new(CONVERTER.with(|converter| match converter {
        Some(converter) => convert(converter, latex, display),
        None => source(latex, "the LaTeX converter did not start"),
    }));
    CACHE.with_borrow_mut(|cache| {
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(key, node.clone());
    });
    node
}

/// A formula that is still being written.
pub fn unfinished(source: &str) -> Node {
    el("code").class("math-open").text(source.to_owned()).into()
}

fn config() -> MathCoreConfig {
    MathCoreConfig {
        macros: MACROS
            .iter()
            .map(|(name, body)| ((*name).into(), (*body).into()))
            .collect(),
        ignore_unknown_commands: true,
        allow_unreliable_rendering: true,
        ..MathCoreConfig::default()
    }
}

fn source(latex: &str, why: &str) -> Node {
    el("code")
        .class("math-source")
        .attr("title", why.to_owned())
        .text(latex.to_owned())
        .into()
}

fn convert(converter: &LatexToMathML, latex: &str, display: bool) -> Node {
    if latex.len() > LONGEST || depth(latex) > DEEPEST {
        return source(latex, "too long or too deeply nested to typeset");
    }
    let mode = if display {
        MathDisplay::Block
    } else {
        MathDisplay::Inline
    };
    let converted = match converter.convert_with_local_state(&prepare(latex), mode) {
        Ok(converted) => converted.mathml,
        Err(error) => return source(latex, &format!("not typeset: {error:?}")),
    };
    let Ok(document) = roxmltree::Document::parse(&converted) else {
        return source(latex, "the converter wrote no XML");
    };
    match rebuild(document.root_element(), 0) {
        Some(math) if display => el("span").class("math-block").child(math).into(),
        Some(math) => math,
        None => source(latex, "the converter wrote unknown elements"),
    }
}

/// The deepest nesting in the source, counted on the safe side.
fn depth(latex: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = latex;
    while let Some(at) = rest.find(['{', '}', '\\', '^', '_', '[']) {
        let (step, change) = match &rest[at..] {
            r if r.starts_with("\\begin") || r.starts_with("\\left") => (5, 1),
            r if r.starts_with("\\end") || r.starts_with("\\right") => (4, -1),
            // A command may take the next command as its argument without a brace.
            r if r.starts_with("\\{") || r.starts_with("\\}") => (2, 0),
            r if r.starts_with('{') => (1, 1),
            r if r.starts_with('}') => (1, -1),
            _ => (1, 0),
        };
        depth = depth.saturating_add_signed(change);
        deepest = deepest.max(depth);
        rest = &rest[at + step..];
    }
    deepest
}

/// Rewrites what macros cannot express.
fn prepare(latex: &str) -> Cow<'_, str> {
    const REWRITES: [(&str, &str); 18] = [
        ("\\xcancel", "\\cancel"),
        ("{align}", "{aligned}"),
        ("{align*}", "{aligned}"),
        ("{eqnarray*}", "{aligned}"),
        ("{eqnarray}", "{aligned}"),
        ("{split}", "{aligned}"),
        ("{multline}", "{gathered}"),
        ("{multline*}", "{gathered}"),
        ("{gather}", "{gathered}"),
        ("{gather*}", "{gathered}"),
        ("{equation}", "{gathered}"),
        ("{equation*}", "{gathered}"),
        ("{displaymath}", "{gathered}"),
        ("\\tag*", "\\tag"),
        ("\\mbox{", "\\text{"),
        ("\\textnormal{", "\\text{"),
        ("@{}", ""),
        ("\\operatorname*", "\\operatorname"),
    ];
    let mut out = Cow::Borrowed(latex.trim());
    for (from, to) in REWRITES {
        if out.contains(from) {
            out = out.replace(from, to).into();
        }
    }
    if out.contains("\\\\[") {
        out = without_row_gaps(&out).into();
    }
    out
}

/// `\\[4pt]` as `\\`.
fn without_row_gaps(latex: &str) -> String {
    let mut out = String::with_capacity(latex.len());
    let mut rest = latex;
    while let Some(at) = rest.find("\\\\[") {
        out.push_str(&rest[..at + 2]);
        rest = &rest[at + 2..];
        let length = rest.find(']').filter(|&end| {
            let gap = rest[1..end].trim_start_matches(['-', '.', ' ']);
            gap.starts_with(|c: char| c.is_ascii_digit()) && gap.ends_with(char::is_alphabetic)
        });
        rest = &rest[length.map_or(0, |end| end + 1)..];
    }
    out.push_str(rest);
    out
}

/// The allow-listed copy of an XML element.
fn rebuild(node: roxmltree::Node<'_, '_>, level: usize) -> Option<Node> {
    if level > 4 * DEEPEST {
        return None;
    }
    if node.is_text() {
        return node.text().map(|content| text(content.to_owned()));
    }
    let name = node.tag_name().name();
    if name == "menclose" {
        let boxed = node.attribute("notation").is_some_and(|n| n.contains(' '));
        let class = if boxed { "m-boxed" } else { "m-cancel" };
        let inner = node
            .first_element_child()
            .and_then(|inner| rebuild(inner, level + 1));
        return Some(
            el_in(Namespace::MathMl, "mrow")
                .class(class)
                .maybe(inner)
                .into(),
        );
    }
    let element = if let Some(tag) = TAGS.iter().find(|tag| **tag == name) {
        el_in(Namespace::MathMl, tag)
    } else {
        // Words inside \text{...} come as HTML.
        el(["b", "i", "em", "strong", "span", "s", "u", "code"]
            .into_iter()
            .find(|t| *t == name)?)
    };
    let element = attributes(element, node);
    Some(
        element
            .children(node.children().filter_map(|c| rebuild(c, level + 1)))
            .into(),
    )
}

fn attributes(mut element: Element, node: roxmltree::Node<'_, '_>) -> Element {
    let mut classes: Vec<&str> = Vec::new();
    for attribute in node.attributes() {
        let (name, value) = (attribute.name(), attribute.value());
        if name == "style" {
            classes.extend(
                STYLES
                    .iter()
                    .filter(|(css, _)| value.contains(css))
                    .map(|s| s.1),
            );
        } else if name == "class" && value.contains("unknown") {
            classes.push("m-unknown");
        } else if let Some(name) = ATTRIBUTES.iter().find(|allowed| **allowed == name) {
            element = element.attr(name, value.to_owned());
        }
    }
    if classes.is_empty() {
        element
    } else {
        element.class(classes.join(" "))
    }
}
