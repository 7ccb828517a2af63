//! The page as data: what `view` builds, what `runtime::patch` puts on the screen.
//!
//! Safety by type: tag and attribute names are `&'static str`, so nothing a model writes can
//! become one; text is only ever a text node. The one attribute value that can carry a threat, a
//! link's target, is checked in [`link`]. No HTML is parsed anywhere in the page.

use std::borrow::Cow;
use std::rc::Rc;

use crate::app::{Action, Field};

/// A piece of the page.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Text(Cow<'static, str>),
    Element(Box<Element>),
    /// A finished piece, kept between frames: the same `Rc` again costs the patch nothing.
    Shared(Rc<Node>),
}

/// The namespace that an element's name belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Namespace {
    #[default]
    Html,
    MathMl,
    Svg,
}

/// One element with its attributes, what it reports, and its children.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Element {
    pub namespace: Namespace,
    pub tag: &'static str,
    /// Elements in the same place with different keys are different: replaced, not patched.
    pub key: Option<String>,
    pub attributes: Vec<(&'static str, Cow<'static, str>)>,
    /// The live value of an input, a text area or a select.
    pub value: Option<String>,
    /// A dialog: whether it is shown, as a modal one.
    pub modal: Option<bool>,
    pub on: On,
    pub children: Vec<Node>,
}

/// What an element reports to the application.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct On {
    /// Clicked, tapped, or activated by the keyboard.
    pub press: Option<Action>,
    /// Its value changed.
    pub input: Option<Field>,
    /// Enter without Shift.
    pub enter: Option<Action>,
    pub escape: Option<Action>,
    /// The keyboard has moved elsewhere.
    pub left: Option<Action>,
    /// A dialog was closed by the browser (Esc).
    pub closed: Option<Action>,
}

/// An HTML element.
pub fn el(tag: &'static str) -> Element {
    Element {
        tag,
        ..Element::default()
    }
}

/// An element of another namespace.
pub fn el_in(namespace: Namespace, tag: &'static str) -> Element {
    Element {
        namespace,
        tag,
        ..Element::default()
    }
}

/// A text node.
pub fn text(text: impl Into<Cow<'static, str>>) -> Node {
    Node::Text(text.into())
}

/// A link, if the target is one that a page may offer: http or https, in a new tab, telling the
/// other side nothing. None for every other scheme (`javascript:`, `data:`, relative, ...).
pub fn link(target: &str) -> Option<Element> {
    let target = target.trim();
    let (scheme, rest) = target.split_once("://")?;
    let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    let clean = !target.chars().any(|c| c.is_control() || c.is_whitespace());
    (web && clean && !rest.is_empty()).then(|| {
        el("a")
            .attr("href", target.to_owned())
            .attr("target", "_blank")
            .attr("rel", "noopener noreferrer nofollow")
    })
}

impl Element {
    /// Sets an attribute, in place of one of the same name.
    pub fn attr(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.attributes.retain(|(other, _)| *other != name);
        self.attributes.push((name, value.into()));
        self
    }

    /// An attribute without a value, there or not.
    pub fn flag(self, name: &'static str, on: bool) -> Self {
        if on { self.attr(name, "") } else { self }
    }

    pub fn class(self, value: impl Into<Cow<'static, str>>) -> Self {
        self.attr("class", value)
    }

    /// The stable name by which tests find the element, see the crate's page.
    pub fn testid(self, value: impl Into<Cow<'static, str>>) -> Self {
        self.attr("data-testid", value)
    }

    /// The name that a screen reader says; for buttons that show an icon, the tooltip too.
    pub fn label(self, value: impl Into<Cow<'static, str>>) -> Self {
        self.attr("aria-label", value)
    }

    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    pub fn modal(mut self, shown: bool) -> Self {
        self.modal = Some(shown);
        self
    }

    pub fn press(mut self, action: Action) -> Self {
        self.on.press = Some(action);
        self
    }

    pub fn input(mut self, field: Field) -> Self {
        self.on.input = Some(field);
        self
    }

    pub fn enter(mut self, action: Action) -> Self {
        self.on.enter = Some(action);
        self
    }

    pub fn escape(mut self, action: Action) -> Self {
        self.on.escape = Some(action);
        self
    }

    pub fn left(mut self, action: Action) -> Self {
        self.on.left = Some(action);
        self
    }

    pub fn closed(mut self, action: Action) -> Self {
        self.on.closed = Some(action);
        self
    }

    pub fn child(mut self, child: impl Into<Node>) -> Self {
        self.children.push(child.into());
        self
    }

    /// A child if there is one.
    pub fn maybe(mut self, child: Option<impl Into<Node>>) -> Self {
        self.children.extend(child.map(Into::into));
        self
    }

    pub fn text(self, content: impl Into<Cow<'static, str>>) -> Self {
        self.child(text(content))
    }

    pub fn children<N: Into<Node>>(mut self, children: impl IntoIterator<Item = N>) -> Self {
        self.children.extend(children.into_iter().map(Into::into));
        self
    }
}

impl From<Element> for Node {
    fn from(element: Element) -> Self {
        Node::Element(Box::new(element))
    }
}

impl From<Rc<Node>> for Node {
    fn from(node: Rc<Node>) -> Self {
        Node::Shared(node)
    }
}

#[cfg(test)]
pub mod html {
    //! The tree as HTML text, for tests to read.

    use super::Node;

    /// Serialises nodes with escaping, as a browser's `outerHTML` would.
    pub fn to_html<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> String {
        let mut out = String::new();
        for node in nodes {
            write(node, &mut out);
        }
        out
    }

    fn write(node: &Node, out: &mut String) {
        match node {
            Node::Text(text) => out.push_str(&escape(text)),
            Node::Shared(node) => write(node, out),
            Node::Element(element) => {
                out.push_str(&format!("<{}", element.tag));
                for (name, value) in &element.attributes {
                    out.push_str(&format!(" {name}=\"{}\"", escape(value)));
                }
                out.push('>');
                for child in &element.children {
                    write(child, out);
                }
                if !matches!(element.tag, "br" | "hr" | "input") {
                    out.push_str(&format!("</{}>", element.tag));
                }
            }
        }
    }

    fn escape(text: &str) -> String {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
    }
}
