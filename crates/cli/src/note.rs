//! Words for people, on standard error. Whether anyone reads them does not matter to the program,
//! so writing them never fails (`eprintln!` would panic where standard error is a closed pipe).

use std::io::{self, IsTerminal, Write};

/// A line.
pub fn note(text: impl AsRef<str>) {
    part(format!("{}\n", text.as_ref()));
}

/// A dimmed line: figures and remarks beside the result.
pub fn aside(text: impl AsRef<str>) {
    note(dim(text.as_ref()));
}

/// Text without an end of line.
pub fn part(text: impl AsRef<str>) {
    let _ = io::stderr().write_all(text.as_ref().as_bytes());
}

/// Whether standard error is a terminal with colours.
pub fn has_colors() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Dimmed where there are colours.
pub fn dim(text: &str) -> String {
    match has_colors() {
        true => format!("\x1b[2m{text}\x1b[0m"),
        false => text.to_owned(),
    }
}
