//! Lines broken at a terminal's width.

use unicode_width::UnicodeWidthChar;

/// Breaks lines of more than so many columns, at spaces where there are any.
pub(super) fn wrap(text: &str, width: usize) -> String {
    let width = width.max(8);
    let mut wrapped = String::with_capacity(text.len() + text.len() / width);
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            wrapped.push('\n');
        }
        let mut rest = line;
        while let Some((end, next)) = end_of(rest, width) {
            wrapped.push_str(rest[..end].trim_end());
            wrapped.push('\n');
            rest = &rest[next..];
        }
        wrapped.push_str(rest);
    }
    wrapped
}

/// Where a line that is too long ends, and where its rest begins.
fn end_of(line: &str, width: usize) -> Option<(usize, usize)> {
    let mut columns = 0;
    let mut space = None;
    // Spaces before the first word are the line's shape.
    let start = line.len() - line.trim_start().len();
    for (at, c) in line.char_indices() {
        columns += match c {
            '\t' => 8 - columns % 8,
            c => c.width().unwrap_or(0),
        };
        if c == ' ' && at >= start {
            space = Some(at);
        }
        if columns > width && c != ' ' {
            return Some(match space {
                Some(space) => (space, space + 1),
                // At least one character, however wide.
                None if at == 0 => (c.len_utf8(), c.len_utf8()),
                None => (at, at),
            })
            .filter(|(_, next)| *next < line.len());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_or_else_anywhere() {
        assert_eq!(wrap("one two three", 8), "one two\nthree");
        assert_eq!(wrap("    one two three", 12), "    one two\nthree");
        assert_eq!(wrap("abcdefghijkl", 8), "abcdefgh\nijkl");
        assert_eq!(wrap("fits\n\nso", 8), "fits\n\nso");
        assert_eq!(wrap("ends here \n", 8), "ends\nhere \n");
        // Two columns each.
        assert_eq!(wrap("你好你好你好", 8), "你好你好\n你好");
        for width in 0..12 {
            let long = "ab \t 你 ".repeat(50) + &"x".repeat(99);
            let letters = |text: &str| text.replace([' ', '\t', '\n'], "");
            assert_eq!(letters(&wrap(&long, width)), letters(&long));
        }
    }
}
