//! Pre-tokenizers: how a text is cut into the words that merges never cross.

use fancy_regex::{Regex, RegexBuilder};

use crate::{TextError, error::shown};

/// The words of GPT-2 (Radford et al. 2019, `encoder.py`).
pub(super) const GPT2: &str =
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// Qwen2, 2.5 and 3: contractions in either case, one digit a word, newlines kept together.
const QWEN2: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

/// Llama 3: as Qwen2, but digits in groups of up to three.
const LLAMA3: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

/// One digit a word.
pub(super) const DIGIT: &str = r"\p{N}";

/// llama.cpp's `default`: punctuation, GPT-2's words, runs of digits, groups of three digits,
/// one after the other (`src/llama-vocab.cpp`).
const DEFAULT: [&str; 4] = [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"];

/// What a name in `tokenizer.ggml.pre` means.
pub(super) struct Preset {
    pub patterns: &'static [&'static str],
    /// Unicode composition (NFC) first, which the model's `tokenizer.json` asks for.
    pub nfc: bool,
    /// A word that is a token is that token, whatever the merges say.
    pub ignore_merges: bool,
    /// Whether prompts start with the begin-of-text token unless the file says otherwise.
    pub add_bos: bool,
}

/// The pre-tokenizer that GGUF files call `name`.
pub(super) fn preset(name: &str) -> Result<Preset, TextError> {
    let plain = |patterns| Preset {
        patterns,
        nfc: false,
        ignore_merges: false,
        add_bos: false,
    };
    Ok(match name {
        "qwen2" | "deepseek-r1-qwen" => Preset {
            nfc: true,
            ..plain(&[QWEN2])
        },
        "llama-bpe" | "llama3" | "llama-v3" => Preset {
            ignore_merges: true,
            add_bos: true,
            ..plain(&[LLAMA3])
        },
        "smollm" => plain(&[DIGIT, GPT2]),
        "gpt-2" => plain(&[GPT2]),
        "default" => plain(&DEFAULT),
        other => {
            return Err(TextError::Unsupported {
                field: "tokenizer.ggml.pre",
                got: shown(other),
                expected: "qwen2, deepseek-r1-qwen, llama-bpe, smollm, gpt-2 or default",
            });
        }
    })
}

/// Cuts text at every match of its first pattern, the parts (matches and what lies between) at
/// every match of the second, and so on.
#[derive(Debug)]
pub(super) struct Splitter {
    patterns: Vec<Regex>,
}

/// Real patterns have about 130 bytes, and vocabularies up to four of them.
const MAX_PATTERN_BYTES: usize = 4096;
const MAX_PATTERNS: usize = 8;
/// Product of a pattern's counted repetitions: engines unroll them.
const MAX_REPETITION: u64 = 1000;
/// Bytes of one compiled pattern; the real ones need under 1 MB.
const MAX_COMPILED_BYTES: usize = 4 << 20;

impl Splitter {
    /// The patterns may come from a file.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, TextError> {
        let patterns: Vec<_> = patterns
            .into_iter()
            .map(compile)
            .collect::<Result<_, _>>()?;
        if patterns.len() > MAX_PATTERNS {
            return Err(TextError::Limit {
                field: "number of pre-tokenizer patterns",
                got: patterns.len(),
                max: MAX_PATTERNS,
            });
        }
        Ok(Self { patterns })
    }

    /// Calls `each` with the words of `text`, in order. Nothing is lost between them.
    pub fn split(
        &self,
        text: &str,
        mut each: impl FnMut(&str) -> Result<(), TextError>,
    ) -> Result<(), TextError> {
        split(&self.patterns, text, &mut each)
    }
}

fn split(
    patterns: &[Regex],
    text: &str,
    each: &mut dyn FnMut(&str) -> Result<(), TextError>,
) -> Result<(), TextError> {
    let Some((pattern, rest)) = patterns.split_first() else {
        return each(text);
    };
    let mut done = 0;
    for found in pattern.find_iter(text) {
        let found = found.map_err(|error| TextError::Split {
            reason: error.to_string(),
        })?;
        for word in [&text[done..found.start()], found.as_str()] {
            if !word.is_empty() {
                split(rest, word, each)?;
            }
        }
        done = found.end();
    }
    if done < text.len() {
        split(rest, &text[done..], each)?;
    }
    Ok(())
}

fn compile(pattern: &str) -> Result<Regex, TextError> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(TextError::Limit {
            field: "length of a pre-tokenizer pattern in bytes",
            got: pattern.len(),
            max: MAX_PATTERN_BYTES,
        });
    }
    let failed = |reason: String| TextError::Pattern {
        pattern: shown(pattern),
        reason,
    };
    if repetition(pattern) > MAX_REPETITION {
        return Err(failed(format!(
            "its counted repetitions multiply to more than {MAX_REPETITION}"
        )));
    }
    RegexBuilder::new(pattern)
        .delegate_size_limit(MAX_COMPILED_BYTES)
        .delegate_dfa_size_limit(MAX_COMPILED_BYTES)
        .build()
        .map_err(|error| failed(error.to_string()))
}

/// Product of the largest counts in `{m,n}`, as if all were nested: an upper bound of how often
/// anything is unrolled. Braces that are no repetitions only make it larger.
fn repetition(pattern: &str) -> u64 {
    let mut product: u64 = 1;
    for brace in pattern.split('{').skip(1) {
        let inside = brace.split('}').next().unwrap_or_default();
        let largest = inside
            .split(',')
            .filter_map(|count| count.trim().parse::<u64>().ok())
            .max();
        product = product.saturating_mul(largest.unwrap_or(1).max(1));
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(name: &str, text: &str) -> Vec<String> {
        let splitter = Splitter::new(preset(name).unwrap().patterns.iter().copied()).unwrap();
        let mut words = Vec::new();
        splitter
            .split(text, |word| {
                words.push(word.to_owned());
                Ok(())
            })
            .unwrap();
        assert_eq!(words.concat(), text);
        words
    }

    #[test]
    fn presets_differ_in_digits_and_newlines() {
        let text = "I'Ll pay 12345  now\n\n ok";
        let expected = [
            "I", "'Ll", " pay", " ", "1", "2", "3", "4", "5", " ", " now", "\n\n", " ok",
        ];
        assert_eq!(words("qwen2", text), expected);
        let expected = [
            "I", "'Ll", " pay", " ", "123", "45", " ", " now", "\n\n", " ok",
        ];
        assert_eq!(words("llama-bpe", text), expected);
        let expected = ["I", "'", "Ll", " pay", " 12345", " ", " now", "\n\n", " ok"];
        assert_eq!(words("gpt-2", text), expected);
        let expected = [
            "I", "'", "Ll", " pay", " ", "1", "2", "3", "4", "5", " ", " now", "\n\n", " ok",
        ];
        assert_eq!(words("smollm", text), expected);
        assert_eq!(words("default", "a1234"), ["a", "123", "4"]);
    }

    #[test]
    fn unknown_names_are_refused() {
        let error = preset("tekken").err().unwrap().to_string();
        assert!(
            error.contains("`tekken`") && error.contains("qwen2"),
            "{error}"
        );
    }

    #[test]
    fn long_runs_do_not_exhaust_the_engine() {
        for run in [" ", "\n", "a", "1", "!", "'", " \n", "a ", "é"] {
            let text = format!("{}x", run.repeat(1_000_000 / run.len()));
            for name in ["qwen2", "llama-bpe", "smollm", "default"] {
                words(name, &text);
            }
        }
    }

    #[test]
    fn hostile_patterns_are_refused() {
        let long = "a".repeat(MAX_PATTERN_BYTES + 1);
        let deep = format!("{}a{}", "(".repeat(1000), ")".repeat(1000));
        for pattern in [
            "(",
            r"\p{Nope}",
            "((a{1000}){1000}){1000}(?!b)",
            r"(\p{L}{1,500}){1,3}",
            &long,
            &deep,
        ] {
            assert!(Splitter::new([pattern]).is_err(), "{}", shown(pattern));
        }
        // Catastrophic backtracking ends in an error.
        let splitter = Splitter::new(["(a+)+(?!a)b"]).unwrap();
        let result = splitter.split(&"a".repeat(50_000), |_| Ok(()));
        assert!(matches!(result, Err(TextError::Split { .. })), "{result:?}");
    }
}
