//! The code in a completion.

/// The content of the last closed code block that is marked as Python, or else of the last closed
/// one without a mark. A block that was cut off is not an answer.
///
/// Blocks may be indented, as in a list; that much is then taken from each of their lines. Give it
/// the answer without the thoughts, which may hold discarded drafts.
pub fn last_python_block(completion: &str) -> Option<String> {
    let mut python = None;
    let mut plain = None;
    for (language, code) in closed_blocks(completion) {
        match language.as_str() {
            "python" | "python3" | "py" => python = Some(code),
            "" => plain = Some(code),
            _ => {}
        }
    }
    python.or(plain)
}

/// The mark of the last closed code block, in lower case, if it has one that is not Python's:
/// where there is no Python, this is what the answer is written in.
pub fn last_foreign_language(completion: &str) -> Option<String> {
    let languages = closed_blocks(completion).map(|(language, _)| language);
    let known = ["python", "python3", "py", ""];
    languages
        .filter(|language| !known.contains(&language.as_str()))
        .last()
}

/// Language, in lower case, and content of each block that has an end.
fn closed_blocks(completion: &str) -> impl Iterator<Item = (String, String)> {
    let mut lines = completion.lines();
    std::iter::from_fn(move || {
        let fence = lines.find_map(Fence::opened_by)?;
        let code = fence.content(&mut lines)?;
        Some((fence.language.to_ascii_lowercase(), code))
    })
}

/// The line that opens a code block.
struct Fence<'a> {
    indent: &'a str,
    mark: char,
    length: usize,
    language: &'a str,
}

impl<'a> Fence<'a> {
    fn opened_by(line: &'a str) -> Option<Self> {
        let text = line.trim_start();
        let mark = text.chars().next().filter(|mark| "`~".contains(*mark))?;
        let info = text.trim_start_matches(mark);
        let length = text.len() - info.len();
        // Backticks later in the line make it code within a sentence.
        if length < 3 || (mark == '`' && info.contains('`')) {
            return None;
        }
        let language = info
            .trim_start()
            .trim_start_matches(['{', '.'])
            .split(|c: char| c.is_whitespace() || c == '}' || c == ':' || c == ',')
            .next()
            .unwrap_or_default();
        Some(Self {
            indent: &line[..line.len() - text.len()],
            mark,
            length,
            language,
        })
    }

    /// The lines up to the closing one; `None` where there is none.
    fn content<'b>(&self, lines: &mut impl Iterator<Item = &'b str>) -> Option<String> {
        let mut code = String::new();
        for line in lines {
            if self.closed_by(line) {
                return Some(code);
            }
            code.push_str(line.strip_prefix(self.indent).unwrap_or_else(|| {
                // Less indented than the fence: a blank line, or one that is wrong anyway.
                line.trim_start()
            }));
            code.push('\n');
        }
        None
    }

    fn closed_by(&self, line: &str) -> bool {
        let text = line.trim();
        text.len() >= self.length && text.chars().all(|c| c == self.mark)
    }
}

#[cfg(test)]
mod tests {
    use super::{last_foreign_language, last_python_block};

    fn last(text: &str) -> Option<String> {
        last_python_block(text)
    }

    #[test]
    fn the_last_marked_block_counts() {
        let text = "First:\n```python\na = 1\n```\nBetter:\n```Python\nb = 2\n\nc = 3\n```\nOutput:\n```\n5\n```\n```bash\nls\n```";
        assert_eq!(last(text).unwrap(), "b = 2\n\nc = 3\n");
    }

    #[test]
    fn unmarked_blocks_count_where_no_other_is() {
        assert_eq!(last("```\nx\n```\n```text\ny\n```").unwrap(), "x\n");
        assert_eq!(last("```js\nx\n```"), None);
        assert_eq!(last("no code, but `x` and ```y```"), None);
        assert_eq!(last(""), None);
    }

    #[test]
    fn other_languages_are_known_by_their_marks() {
        let text = "```text\n1\n```\n```C++ \nint x;\n```\n```\n5\n```\n";
        assert_eq!(last_foreign_language(text).as_deref(), Some("c++"));
        assert_eq!(last_foreign_language("```python\nx\n```"), None);
        assert_eq!(last_foreign_language("```rust\nfn f"), None);
    }

    #[test]
    fn what_was_cut_off_is_no_answer() {
        assert_eq!(last("```python\nx = 1\n"), None);
        let text = "```python\nwhole = 1\n```\n```python\nhalf = ";
        assert_eq!(last(text).unwrap(), "whole = 1\n");
    }

    #[test]
    fn fences_of_all_kinds() {
        assert_eq!(last("````python\n```\n````").unwrap(), "```\n");
        assert_eq!(last("~~~py\nx\n~~~").unwrap(), "x\n");
        assert_eq!(
            last("```python title=\"a\"\r\nx\r\n```\r\n").unwrap(),
            "x\n"
        );
        assert_eq!(last("```{.python .numbers}\nx\n```").unwrap(), "x\n");
        let list = "1. So:\n   ```python\n   def f():\n       return 1\n\n   ```\n";
        assert_eq!(last(list).unwrap(), "def f():\n    return 1\n\n");
    }
}
