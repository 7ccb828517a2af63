//! Pre-tokenizers: how a text is cut into the words that merges never cross.

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
pub struct Preset {
    /// Regular expressions that cut a text into words, one after the other.
    pub patterns: &'static [&'static str],
    /// Unicode composition (NFC) first, which the model's `tokenizer.json` asks for.
    pub nfc: bool,
    /// A word that is a token is that token, whatever the merges say.
    pub ignore_merges: bool,
    /// Whether prompts start with the begin-of-text token unless the file says otherwise.
    pub add_bos: bool,
}

/// The pre-tokenizer that GGUF files call `name`.
///
/// # Errors
/// [`TextError::Unsupported`] for a name that is not known here.
pub fn preset(name: &str) -> Result<Preset, TextError> {
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

/// How the patterns above end: white space, all but the last of it if a word follows.
const SPACES: &str = r"|\s+(?!\S)|\s+";

/// Cuts text at every match of its first pattern, the parts (matches and what lies between) at
/// every match of the second, and so on.
#[derive(Debug)]
pub(super) struct Splitter {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
enum Pattern {
    /// One of the patterns above with `\s+` for [`SPACES`], whose look-ahead is done by hand. Such
    /// a pattern takes linear time, where backtracking engines give up on a million spaces.
    Words {
        words: regex::Regex,
        /// White space that ends in a newline is a word of its own and stays whole.
        newlines: bool,
    },
    /// Any pattern that a file states.
    Other(fancy_regex::Regex),
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
            .map(Pattern::new)
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
    patterns: &[Pattern],
    text: &str,
    each: &mut dyn FnMut(&str) -> Result<(), TextError>,
) -> Result<(), TextError> {
    let Some((pattern, rest)) = patterns.split_first() else {
        return each(text);
    };
    let mut done = 0;
    pattern.find_each(text, &mut |start, end| {
        for word in [&text[done..start], &text[start..end]] {
            if !word.is_empty() {
                split(rest, word, each)?;
            }
        }
        done = end;
        Ok(())
    })?;
    match &text[done..] {
        "" => Ok(()),
        end => split(rest, end, each),
    }
}

impl Pattern {
    fn new(pattern: &str) -> Result<Self, TextError> {
        let failed = |reason: String| TextError::Pattern {
            pattern: shown(pattern),
            reason,
        };
        if let Some(words) = pattern.strip_suffix(SPACES)
            && [GPT2, QWEN2, LLAMA3].contains(&pattern)
        {
            return Ok(Self::Words {
                words: regex::Regex::new(&format!(r"{words}|\s+"))
                    .map_err(|error| failed(error.to_string()))?,
                newlines: words.contains(r"|\s*[\r\n]+"),
            });
        }
        if pattern.len() > MAX_PATTERN_BYTES {
            return Err(TextError::Limit {
                field: "length of a pre-tokenizer pattern in bytes",
                got: pattern.len(),
                max: MAX_PATTERN_BYTES,
            });
        }
        if repetition(pattern) > MAX_REPETITION {
            return Err(failed(format!(
                "its counted repetitions multiply to more than {MAX_REPETITION}"
            )));
        }
        fancy_regex::RegexBuilder::new(pattern)
            .delegate_size_limit(MAX_COMPILED_BYTES)
            .delegate_dfa_size_limit(MAX_COMPILED_BYTES)
            .build()
            .map(Self::Other)
            .map_err(|error| failed(error.to_string()))
    }

    /// Calls `each` with the start and end of every match.
    fn find_each(
        &self,
        text: &str,
        each: &mut dyn FnMut(usize, usize) -> Result<(), TextError>,
    ) -> Result<(), TextError> {
        match self {
            Self::Words { words, newlines } => {
                let mut at = 0;
                while let Some(found) = words.find_at(text, at) {
                    at = found.end() - given_back(text, found.range(), *newlines);
                    each(found.start(), at)?;
                }
            }
            Self::Other(regex) => {
                for found in regex.find_iter(text) {
                    let found = found.map_err(|error| TextError::Split {
                        reason: error.to_string(),
                    })?;
                    each(found.start(), found.end())?;
                }
            }
        }
        Ok(())
    }
}

/// Bytes that a match leaves to the word after it: the last of several white-space characters,
/// unless the text ends there.
fn given_back(text: &str, found: std::ops::Range<usize>, newlines: bool) -> usize {
    // The match is all white space if its last character is: words end in none, save for the
    // newlines after punctuation, which only the patterns with `newlines` take.
    let end = found.end;
    let mut backwards = text[found].chars().rev();
    let Some(last) = backwards.next().filter(|last| last.is_whitespace()) else {
        return 0;
    };
    let kept = newlines && matches!(last, '\r' | '\n');
    match kept || backwards.next().is_none() || end == text.len() {
        true => 0,
        false => last.len_utf8(),
    }
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
    use proptest::prelude::*;

    use super::*;

    fn words(name: &str, text: &str) -> Vec<String> {
        let splitter = Splitter::new(preset(name).unwrap().patterns.iter().copied()).unwrap();
        words_of(&splitter, text)
    }

    fn words_of(splitter: &Splitter, text: &str) -> Vec<String> {
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
    fn the_last_space_goes_to_the_next_word() {
        for (text, expected) in [
            ("a  b", vec!["a", " ", " b"]),
            ("a  ", vec!["a", "  "]),
            ("a b", vec!["a", " b"]),
            ("  ", vec!["  "]),
            ("a \u{3000}b", vec!["a", " ", "\u{3000}b"]),
            ("a\u{3000} b", vec!["a", "\u{3000}", " b"]),
            ("a \n b", vec!["a", " \n", " b"]),
            ("a\n\nb", vec!["a", "\n\n", "b"]),
            ("a!\n\nb", vec!["a", "!\n\n", "b"]),
            ("a \t1", vec!["a", " ", "\t", "1"]),
        ] {
            assert_eq!(words("qwen2", text), expected, "{text:?}");
        }
        assert_eq!(words("gpt-2", "a\n\nb"), ["a", "\n", "\n", "b"]);
        assert_eq!(words("gpt-2", "a!\n\n"), ["a", "!", "\n\n"]);
    }

    proptest! {
        /// The patterns as they are written, look-ahead and all, are the reference.
        #[test]
        fn words_are_those_of_the_pattern(text in "([ab1é世'!\\.]|\\s|\\PC|'LL|\r\n){0,30}") {
            for pattern in [GPT2, QWEN2, LLAMA3] {
                let by_hand = Splitter::new([pattern]).unwrap();
                let written = fancy_regex::Regex::new(pattern).unwrap();
                let written = Splitter { patterns: vec![Pattern::Other(written)] };
                prop_assert_eq!(words_of(&by_hand, &text), words_of(&written, &text));
            }
        }
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
