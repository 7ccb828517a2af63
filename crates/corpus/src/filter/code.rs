//! Programs in thoughts about mathematics.

use serde::{Deserialize, Serialize};

use super::Reason;
use crate::Trace;

/// Drops traces of domains whose name begins with one of these, if the thought holds a block of
/// code, fenced or as lines of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodeInMath {
    /// Beginnings of the domains' names.
    pub domains: Vec<String>,
    /// So many lines of a program in a row are a block.
    pub lines: usize,
}

impl Default for CodeInMath {
    fn default() -> Self {
        let domains = ["math", "aime", "amc", "gsm8k", "olympiad"];
        Self {
            domains: domains.map(str::to_owned).to_vec(),
            lines: 3,
        }
    }
}

impl CodeInMath {
    pub(super) fn check(&self, trace: &Trace) -> Option<Reason> {
        if !self
            .domains
            .iter()
            .any(|domain| trace.domain.starts_with(domain.as_str()))
        {
            return None;
        }
        let mut run = 0;
        for line in trace.thought().split('\n') {
            if let Some(language) = line.trim_start().strip_prefix("```") {
                // A fence around a sum or a table is layout; a named language is a program.
                let language = language.trim();
                if is_language(language) {
                    return Some(Reason::new(
                        "code_in_math",
                        format!("a block of {language}"),
                    ));
                }
            }
            run = match statement(line) {
                Some(true) => run + 1,
                // Blank lines neither make nor end a program.
                None => run,
                Some(false) => 0,
            };
            if run >= self.lines.max(1) {
                return Some(Reason::new(
                    "code_in_math",
                    format!("{run} lines of a program"),
                ));
            }
        }
        None
    }
}

fn is_language(name: &str) -> bool {
    let known = [
        "python",
        "py",
        "cpp",
        "c++",
        "c",
        "java",
        "javascript",
        "js",
        "rust",
        "go",
        "sympy",
        "matlab",
        "r",
        "julia",
        "haskell",
        "bash",
        "sh",
        "sql",
        "ruby",
        "typescript",
    ];
    known.contains(&name.to_lowercase().as_str())
}

/// Whether a line is one of a program; none for a blank line.
fn statement(line: &str) -> Option<bool> {
    let text = line.trim();
    if text.is_empty() {
        return None;
    }
    let block = text.ends_with(':')
        && ["def ", "for ", "while ", "if ", "elif ", "class ", "with ", "else:", "try:", "except"]
            .iter()
            .any(|word| text.starts_with(word))
        // "For x in the first case:" is prose; a program has signs of its own.
        && (text.contains(['(', '=', '<', '>', '[']) || text.starts_with("else:") || text.starts_with("try:"));
    let call = text.ends_with(')')
        && ["print(", "return ", "import ", "assert "]
            .iter()
            .any(|word| text.starts_with(word));
    let import = (text.starts_with("import ")
        || text.starts_with("from ") && text.contains(" import "))
        && text.split(' ').count() <= 6
        && !text.ends_with('.');
    let returns =
        text.starts_with("return ") && !text.ends_with('.') && text.split(' ').count() <= 8;
    let indented = line.starts_with("    ")
        && (text.contains(" = ") || text.contains(" += ") || text.contains("):"))
        && !text.contains('\\')
        && !text.contains('$')
        && !text.ends_with('.');
    let braces = text.ends_with(';') || text == "}" || text.starts_with("#include");
    Some(block || call || import || returns || indented || braces)
}
