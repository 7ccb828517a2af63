//! Makes transformers' `{% generation %}` tag known: it becomes `{% with %}`, which like it
//! renders its content in a scope of its own.

/// The template with every `generation` tag replaced. Comments, expressions and raw blocks stay.
pub(super) fn unmark(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(open) = rest.find('{') {
        let after = &rest[open..];
        let end = if after.starts_with("{#") {
            end_of(after, "#}")
        } else if after.starts_with("{{") {
            end_of_tag(after, "}}")
        } else if after.starts_with("{%") {
            let (before, name) = tag_name(after);
            let end = match name {
                "raw" => end_of_raw(after),
                _ => end_of_tag(after, "%}"),
            };
            if let Some(new) = replacement(name) {
                out.push_str(&rest[..open + before]);
                out.push_str(new);
                out.push_str(&after[before + name.len()..end]);
                rest = &after[end..];
                continue;
            }
            end
        } else {
            1
        };
        out.push_str(&rest[..open + end]);
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

fn replacement(name: &str) -> Option<&'static str> {
    match name {
        "generation" => Some("with"),
        "endgeneration" => Some("endwith"),
        _ => None,
    }
}

/// Offset and text of the name in a tag that starts with `{%`.
fn tag_name(tag: &str) -> (usize, &str) {
    let inside = tag[2..].trim_start_matches(['-', '+']).trim_start();
    let before = tag.len() - inside.len();
    let is_name = |char: char| char.is_alphanumeric() || char == '_';
    let len = inside.find(|char| !is_name(char)).unwrap_or(inside.len());
    (before, &inside[..len])
}

/// Length up to and with the first `close`; all of `text` without one.
fn end_of(text: &str, close: &str) -> usize {
    text.find(close).map_or(text.len(), |at| at + close.len())
}

/// The same, but `close` does not count inside quotes.
fn end_of_tag(tag: &str, close: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (at, byte) in tag.bytes().enumerate().skip(2) {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if byte == b'\\' => escaped = true,
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if byte == b'"' || byte == b'\'' => quote = Some(byte),
            None if tag.as_bytes()[at..].starts_with(close.as_bytes()) => return at + close.len(),
            None => {}
        }
    }
    tag.len()
}

/// Length of a raw block, from its tag to the end of the closing one.
fn end_of_raw(block: &str) -> usize {
    let mut at = end_of(block, "%}");
    while let Some(open) = block[at..].find("{%") {
        let (_, name) = tag_name(&block[at + open..]);
        let end = at + open + end_of(&block[at + open..], "%}");
        if name == "endraw" {
            return end;
        }
        at = end;
    }
    block.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_replaced() {
        let check = |source, expected| assert_eq!(unmark(source), expected);
        check(
            "a{% generation %}b{%- endgeneration -%}c",
            "a{% with %}b{%- endwith -%}c",
        );
        check("{%generation%}", "{%with%}");
        check("{%+ endgeneration +%}", "{%+ endwith +%}");
    }

    #[test]
    fn everything_else_stays() {
        for source in [
            "",
            "{",
            "{%",
            "{{",
            "{#",
            "{ % generation %}",
            "{# {% generation %} #}",
            "{{ '{% generation %}' }}",
            "{{ '}} {% generation %}' }}",
            r"{{ '\'}} {% generation %}' }}",
            "{% raw %}{% generation %}{% endgeneration %}{% endraw %}",
            "{% raw %}{% generation %}",
            "{% set generation = 1 %}",
            "{% generations %}",
            "{% if x == '%}' %}é{% endif %}",
        ] {
            assert_eq!(unmark(source), source);
        }
    }
}
