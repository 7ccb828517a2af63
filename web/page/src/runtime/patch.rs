//! Brings the screen from one tree to the next with few changes to the document.
//!
//! Nodes are compared place by place. Whatever stays keeps its document node, and with it focus,
//! selection and scroll position.

use std::borrow::Cow;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{
    Document, HtmlDialogElement, HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement, Text,
};

use crate::tree::{Element, Namespace, Node, On};

/// A node on the screen and what it shows.
pub struct Live {
    pub dom: web_sys::Node,
    shown: Shown,
    /// The shared node that this was made from; the same one again means nothing changed.
    shared: Option<Rc<Node>>,
    pub children: Vec<Live>,
}

enum Shown {
    Text(Cow<'static, str>),
    /// Without its children.
    Element(Box<Element>),
}

impl Live {
    /// Builds a node that is not in the document yet.
    pub fn new(document: &Document, node: &Node) -> Self {
        match node {
            Node::Shared(inner) => {
                let mut live = Self::new(document, inner);
                live.shared = Some(inner.clone());
                live
            }
            Node::Text(text) => Self {
                dom: document.create_text_node(text).into(),
                shown: Shown::Text(text.clone()),
                shared: None,
                children: Vec::new(),
            },
            Node::Element(element) => Self::element(document, element),
        }
    }

    fn element(document: &Document, element: &Element) -> Self {
        let space = match element.namespace {
            Namespace::Html => "http://www.w3.org/1999/xhtml",
            Namespace::MathMl => "http://www.w3.org/1998/Math/MathML",
            Namespace::Svg => "http://www.w3.org/2000/svg",
        };
        // Fails for names that are no names; ours are written in this crate.
        let dom = document
            .create_element_ns(Some(space), element.tag)
            .expect("a tag name of this crate is valid");
        for (name, value) in &element.attributes {
            set(&dom, name, value);
        }
        let mut children = Vec::with_capacity(element.children.len());
        for child in &element.children {
            let child = Self::new(document, child);
            append(&dom, &child.dom);
            children.push(child);
        }
        if let Some(value) = &element.value {
            set_value(&dom, value);
        }
        let shown = Shown::Element(Box::new(without_children(element)));
        Self {
            dom: dom.into(),
            shown,
            shared: None,
            children,
        }
    }

    /// Makes this show `node`.
    pub fn patch(&mut self, document: &Document, node: &Node) {
        if let Node::Shared(inner) = node {
            if self
                .shared
                .as_ref()
                .is_some_and(|known| Rc::ptr_eq(known, inner))
            {
                return;
            }
            self.patch(document, inner);
            self.shared = Some(inner.clone());
            return;
        }
        self.shared = None;
        match (&mut self.shown, node) {
            (Shown::Text(old), Node::Text(new)) => patch_text(&self.dom, old, new),
            (Shown::Element(old), Node::Element(new))
                if old.tag == new.tag && old.namespace == new.namespace && old.key == new.key =>
            {
                if let Some(dom) = self.dom.dyn_ref::<web_sys::Element>() {
                    patch_attributes(dom, &mut old.attributes, &new.attributes);
                }
                old.on.clone_from(&new.on);
                self.patch_children(document, &new.children);
                self.patch_properties(new);
            }
            _ => {
                let new = Self::new(document, node);
                if let Some(parent) = self.dom.parent_node() {
                    // Fails only if the parent does not hold the child.
                    let _ = parent.replace_child(&new.dom, &self.dom);
                }
                *self = new;
            }
        }
    }

    fn patch_children(&mut self, document: &Document, new: &[Node]) {
        while self.children.len() > new.len() {
            if let Some(child) = self.children.pop() {
                let _ = self.dom.remove_child(&child.dom);
            }
        }
        for (child, node) in self.children.iter_mut().zip(new) {
            child.patch(document, node);
        }
        for node in &new[self.children.len()..] {
            let child = Self::new(document, node);
            append(&self.dom, &child.dom);
            self.children.push(child);
        }
    }

    fn patch_properties(&mut self, new: &Element) {
        let Shown::Element(old) = &mut self.shown else {
            return;
        };
        if let (Some(value), Some(dom)) = (&new.value, self.dom.dyn_ref()) {
            set_value(dom, value);
        }
        if old.modal != new.modal
            && let (Some(shown), Some(dialog)) =
                (new.modal, self.dom.dyn_ref::<HtmlDialogElement>())
        {
            if !shown {
                dialog.close();
            } else if !dialog.open() {
                // Fails only for a dialog outside of the document.
                let _ = dialog.show_modal();
            }
        }
        (old.modal, old.value) = (new.modal, new.value.clone());
    }

    /// What the elements from `target` up to this one report, innermost first.
    pub fn handlers(&self, target: &web_sys::Node) -> Vec<On> {
        let mut path = Vec::new();
        let mut node = target.clone();
        while node != self.dom {
            let Some(parent) = node.parent_node() else {
                return Vec::new();
            };
            let mut index = 0;
            let mut before = node.previous_sibling();
            while let Some(sibling) = before {
                before = sibling.previous_sibling();
                index += 1;
            }
            path.push(index);
            node = parent;
        }
        let mut found = Vec::new();
        let mut live = self;
        loop {
            if let Shown::Element(element) = &live.shown {
                found.push(element.on.clone());
            }
            match path.pop().and_then(|index: usize| live.children.get(index)) {
                Some(child) => live = child,
                None => break,
            }
        }
        found.reverse();
        found
    }
}

fn without_children(element: &Element) -> Element {
    Element {
        namespace: element.namespace,
        tag: element.tag,
        key: element.key.clone(),
        attributes: element.attributes.clone(),
        value: element.value.clone(),
        // A dialog is opened by the first patch that wants it open, when it is in the document.
        modal: None,
        on: element.on.clone(),
        children: Vec::new(),
    }
}

fn append(parent: &web_sys::Node, child: &web_sys::Node) {
    // Fails only where a node may not have children; ours are elements.
    let _ = parent.append_child(child);
}

fn set(dom: &web_sys::Element, name: &str, value: &str) {
    // Fails for names that are no names; ours are written in this crate.
    let _ = dom.set_attribute(name, value);
}

#[expect(clippy::ptr_arg, reason = "a text of the program stays borrowed")]
fn patch_text(dom: &web_sys::Node, old: &mut Cow<'static, str>, new: &Cow<'static, str>) {
    if old == new {
        return;
    }
    if let Some(text) = dom.dyn_ref::<Text>() {
        match new.strip_prefix(old.as_ref()) {
            // Text that only grows keeps the user's selection.
            Some(more) => {
                let _ = text.append_data(more);
            }
            None => text.set_data(new),
        }
    }
    old.clone_from(new);
}

type Attributes = Vec<(&'static str, Cow<'static, str>)>;

fn patch_attributes(dom: &web_sys::Element, old: &mut Attributes, new: &Attributes) {
    if old == new {
        return;
    }
    for (name, _) in old.iter() {
        if !new.iter().any(|(other, _)| other == name) {
            let _ = dom.remove_attribute(name);
        }
    }
    for (name, value) in new {
        if !old
            .iter()
            .any(|(other, known)| other == name && known == value)
        {
            set(dom, name, value);
        }
    }
    old.clone_from(new);
}

/// Sets the live value, unless it is that already: setting it moves the caret.
fn set_value(dom: &web_sys::Element, value: &str) {
    if let Some(input) = dom.dyn_ref::<HtmlInputElement>() {
        if input.value() != value {
            input.set_value(value);
        }
    } else if let Some(area) = dom.dyn_ref::<HtmlTextAreaElement>() {
        if area.value() != value {
            area.set_value(value);
        }
    } else if let Some(select) = dom.dyn_ref::<HtmlSelectElement>()
        && select.value() != value
    {
        select.set_value(value);
    }
}
