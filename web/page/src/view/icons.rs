//! Line drawings, 24 units square, in the colour of the text.

use crate::tree::{Element, Namespace, el_in};

const MENU: &[&str] = &["M4 7h16", "M4 12h16", "M4 17h16"];
const CLOSE: &[&str] = &["M6 6l12 12", "M18 6L6 18"];
const PLUS: &[&str] = &["M12 5v14", "M5 12h14"];
const SEND: &[&str] = &["M12 19V5", "M6 11l6-6 6 6"];
const STOP: &[&str] = &["M7 7h10v10H7z"];
const EDIT: &[&str] = &["M5 19l1-4L16.5 4.5a1.8 1.8 0 0 1 2.6 0l.4.4a1.8 1.8 0 0 1 0 2.6L9 18z"];
const TRASH: &[&str] = &[
    "M5 7h14",
    "M9.5 7V5h5v2",
    "M7 7l.8 12h8.4L17 7",
    "M10.5 10.5v5.5",
    "M13.5 10.5v5.5",
];
const COPY: &[&str] = &["M9 9h10v10H9z", "M6 15H5V5h10v1"];
const AGAIN: &[&str] = &["M19 12a7 7 0 1 1-2.2-5.1", "M19.5 4v4h-4"];
const EXPORT: &[&str] = &["M12 15V4", "M8 8l4-4 4 4", "M5 14v5h14v-5"];
const SLIDERS: &[&str] = &[
    "M4 8h8", "M16 8h4", "M4 16h3", "M11 16h9", "M14 6v4", "M9 14v4",
];
const SUN: &[&str] = &[
    "M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8z",
    "M12 3v1.5",
    "M12 19.5V21",
    "M3 12h1.5",
    "M19.5 12H21",
    "M5.6 5.6l1.1 1.1",
    "M17.3 17.3l1.1 1.1",
    "M5.6 18.4l1.1-1.1",
    "M17.3 6.7l1.1-1.1",
];
const MOON: &[&str] = &["M19 14.5A7.5 7.5 0 0 1 9.5 5a7.5 7.5 0 1 0 9.5 9.5z"];
const HALF: &[&str] = &["M12 4.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 1 0 0-15z"];
const HALF_SOLID: &[&str] = &["M12 4.5a7.5 7.5 0 0 1 0 15z"];
const DOWN: &[&str] = &["M12 5v14", "M6 13l6 6 6-6"];
const CHEVRON: &[&str] = &["M7 10l5 5 5-5"];
const RIGHT: &[&str] = &["M5 12.5l4.5 4.5L19 7.5"];
/// A retort: the round bulb, its neck bent over to the right, and the drop that it gives.
const RETORT: &[&str] = &[
    "M6.4 8.3C8.8 5.6 13.4 5 16.5 7.4c2.3 1.8 3.9 4.3 4.8 7.3l-2.1.8c-1-2.5-2.6-4.2-5.3-3.7",
    "M13.9 11.8A5.7 5.7 0 1 1 6.4 8.3",
];
const RETORT_SOLID: &[&str] = &[
    "M3.6 14.3c1.7-.9 3.2-.5 4.8 0s3.3.6 5.6-.2A5.3 5.3 0 0 1 3.6 14.3z",
    "M20.8 17.4c.9 1.4 1.3 2.1 1.3 2.7a1.3 1.3 0 0 1-2.6 0c0-.6.4-1.3 1.3-2.7z",
];

/// One of the drawings; unknown names draw nothing.
pub fn icon(name: &'static str) -> Element {
    let solid: &[&'static str] = match name {
        "half" => HALF_SOLID,
        "retort" => RETORT_SOLID,
        "stop" => STOP,
        _ => &[],
    };
    let strokes: &[&'static str] = match name {
        "menu" => MENU,
        "close" => CLOSE,
        "plus" => PLUS,
        "send" => SEND,
        "stop" => STOP,
        "edit" => EDIT,
        "trash" => TRASH,
        "copy" => COPY,
        "again" => AGAIN,
        "export" => EXPORT,
        "sliders" => SLIDERS,
        "sun" => SUN,
        "moon" => MOON,
        "half" => HALF,
        "down" => DOWN,
        "chevron" => CHEVRON,
        "right" => RIGHT,
        "retort" => RETORT,
        _ => &[],
    };
    el_in(Namespace::Svg, "svg")
        .class("icon")
        .attr("viewBox", "0 0 24 24")
        .attr("aria-hidden", "true")
        .children(strokes.iter().map(|d| path(d)))
        .children(solid.iter().map(|d| path(d).class("solid")))
}

fn path(d: &'static str) -> Element {
    el_in(Namespace::Svg, "path").attr("d", d)
}
