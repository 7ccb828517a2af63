//! Prompts with places to fill.

/// A template in which `{name}` stands for the value of that name. In one pass: what a value holds
/// is text, whatever it looks like. Braces around anything else are left as they are.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        filled.push_str(before);
        let found = values.iter().find_map(|(name, value)| {
            let after = from[1..].strip_prefix(name)?.strip_prefix('}')?;
            Some((*value, after))
        });
        match found {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = &from[1..];
            }
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn values_are_text_whatever_they_hold() {
        let values = [("a", "{b}"), ("b", "x"), ("ab", "y")];
        assert_eq!(fill("{a} {b} {ab}", &values), "{b} x y");
        assert_eq!(
            fill("\\boxed{} {{a}} {c} {a", &values),
            "\\boxed{} {{b}} {c} {a"
        );
        assert_eq!(fill("ü{a}ü", &values), "ü{b}ü");
        assert_eq!(fill("", &values), "");
    }
}
