//! A tiny student that recites a known text, so that a test of the page can say what it expects.
//!
//! Embeddings are random signs `e(t)`, which are nearly orthogonal. The output row of the token
//! that comes after `t` in the text is `e(t)`, so its logit is far above all others whatever the
//! sampling. Two real decoder layers stand in between, of random weights small enough that they
//! cannot change the outcome: every kernel runs, and a wrong one shows (a residual stream of
//! noise, or of NaN, recites nothing).

use std::collections::HashSet;
use std::path::Path;

use anyhow::Result;
use retort_formats::gguf::TensorSpec;
use retort_formats::{GgmlType, blocks};

use super::vocabulary::{END, THINK_END, Vocabulary};
use super::{Random, Shape, write};

/// The gap between the right token's logit and the others is some 20 with this.
const OUTPUT_SCALE: f32 = 0.125;

/// Of the layers' output matrices: what they add to the residual stream stays near a tenth of it.
const LAYER_SCALE: f32 = 0.1;

/// What comes after the last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The end of the answer.
    Stop,
    /// The answer again, without end: something to stop.
    Again,
}

/// A student that answers every prompt with the same text.
#[derive(Clone, Debug)]
pub struct ScriptedStudent {
    /// Words of the thought.
    pub thought: String,
    /// Markdown of the answer.
    pub answer: String,
    pub ending: Ending,
    /// Unused rows of the vocabulary, to make the file larger (272 bytes a row and matrix).
    pub padding: usize,
    pub seed: u64,
}

impl ScriptedStudent {
    const LAYERS: usize = 2;
    const HIDDEN: usize = 256;

    pub fn write(&self, path: &Path) -> Result<()> {
        let mut vocabulary = Vocabulary::bytes();
        let after = self.successors(&mut vocabulary);
        vocabulary.pad_to(vocabulary.len() + self.padding);
        let shape = Shape {
            layers: Self::LAYERS,
            hidden: Self::HIDDEN,
            ffn: 512,
            heads: 4,
            kv_heads: 2,
            head_dim: 64,
            vocab: vocabulary.len(),
            context: 4096,
            rope_base: 10_000.0,
            tied: false,
        };
        let metadata = shape.metadata("Scripted", vocabulary);
        let mut random = Random(self.seed);
        let signs: Vec<f32> = (0..shape.vocab * shape.hidden)
            .map(|_| if random.next() >> 63 == 0 { 1.0 } else { -1.0 })
            .collect();
        write(path, &metadata, &shape, ty, |spec, out| {
            let values = match spec.name.as_str() {
                "token_embd.weight" => signs.clone(),
                "output.weight" => output_rows(&signs, shape.hidden, &after),
                _ => layer_values(spec, &mut random),
            };
            out(&blocks::quantize(spec.ty, &values)?)
        })
    }

    /// Pairs of a token and the one after it. The prompt's last token is the line break.
    fn successors(&self, vocabulary: &mut Vocabulary) -> Vec<(usize, usize)> {
        let mut used = HashSet::new();
        let thought = pieces(&self.thought, &mut used);
        let answer = pieces(&format!("\n\n{}", self.answer), &mut used);
        let mut text: Vec<usize> = thought.iter().map(|piece| vocabulary.add(piece)).collect();
        text.extend(vocabulary.id(THINK_END));
        let answer: Vec<usize> = answer.iter().map(|piece| vocabulary.add(piece)).collect();
        text.extend(&answer);

        let mut after: Vec<(usize, usize)> = text.windows(2).map(|w| (w[0], w[1])).collect();
        after.extend(text.first().map(|&first| (usize::from(b'\n'), first)));
        let last = match self.ending {
            Ending::Stop => vocabulary.id(END),
            Ending::Again => answer.first().copied(),
        };
        after.extend(text.last().copied().zip(last));
        after
    }
}

fn ty(name: &str, dims: &[usize]) -> GgmlType {
    match name {
        _ if dims.len() == 1 => GgmlType::F32,
        "token_embd.weight" | "output.weight" => GgmlType::Q8_0,
        _ if name.ends_with("ffn_down.weight") => GgmlType::Q6_K,
        _ => GgmlType::Q4_K,
    }
}

/// Row `b` is the sum of the embeddings of the tokens that `b` follows.
fn output_rows(signs: &[f32], hidden: usize, after: &[(usize, usize)]) -> Vec<f32> {
    let mut rows = vec![0.0; signs.len()];
    for &(before, next) in after {
        let from = &signs[before * hidden..][..hidden];
        for (to, sign) in rows[next * hidden..][..hidden].iter_mut().zip(from) {
            *to += OUTPUT_SCALE * sign;
        }
    }
    rows
}

fn layer_values(spec: &TensorSpec, random: &mut Random) -> Vec<f32> {
    let count: u64 = spec.dims.iter().product();
    let scale = (spec.dims[0] as f32).sqrt().recip();
    let scale = match spec.name.as_str() {
        name if name.contains("attn_output") || name.contains("ffn_down") => scale * LAYER_SCALE,
        name if name.ends_with("bias") => 0.1,
        _ => scale,
    };
    let is_norm = spec.name.contains("norm");
    (0..count)
        .map(|_| {
            if is_norm {
                1.0
            } else {
                scale * random.normal()
            }
        })
        .collect()
}

/// Cuts a text into pieces that differ from each other and from all `used` ones: words with the
/// blank after them, and several words where one has been used. Concatenated they are the text.
fn pieces(text: &str, used: &mut HashSet<String>) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut piece = String::new();
    for word in text.split_inclusive(' ') {
        piece.push_str(word);
        // Single bytes are tokens already.
        if piece.len() > 1 && used.insert(piece.clone()) {
            pieces.push(std::mem::take(&mut piece));
        }
    }
    // What is left was used before: it grows the piece before it until that is new.
    while !piece.is_empty() {
        piece.insert_str(0, &pieces.pop().unwrap_or_default());
        if piece.len() > 1 && used.insert(piece.clone()) || pieces.is_empty() {
            pieces.push(std::mem::take(&mut piece));
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_differ_and_make_the_text() {
        let mut used = HashSet::new();
        let mut all = Vec::new();
        for text in [
            "a b a b a b a",
            "one two",
            "",
            "the cat and the dog and the cat and the",
        ] {
            let pieces = pieces(text, &mut used);
            assert_eq!(pieces.concat(), text);
            all.extend(pieces);
        }
        let unique: HashSet<_> = all.iter().collect();
        assert_eq!(unique.len(), all.len(), "{all:?}");
    }
}
