//! A student that starts from nothing: a tokenizer trained on the corpus, and random weights, as a
//! Hugging Face folder like any other base.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use retort_dataset::{Conversations, CorpusFile};
use retort_export::{
    Base, Dtype, HuggingFaceFiles, Progress, Provenance, TensorInfo, Weights, write_hugging_face,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, SplitDelimiterBehavior, TokenizerBuilder};

use crate::TrainError;

/// Shape of a new student.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scratch {
    pub architecture: Family,
    /// Tokens, the control tokens included; a multiple of 64 is fastest.
    pub vocabulary: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub layers: usize,
    pub heads: usize,
    pub kv_heads: usize,
    /// Positions.
    pub context: usize,
    /// The embedding is the output projection too.
    pub tied: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    #[default]
    Qwen2,
    Llama,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            architecture: Family::Qwen2,
            vocabulary: 8192,
            hidden_size: 256,
            intermediate_size: 704,
            layers: 6,
            heads: 4,
            kv_heads: 2,
            context: 4096,
            tied: true,
        }
    }
}

/// Ends a text; ends a turn, and so a reply.
const END_OF_TEXT: &str = "<|endoftext|>";
const TURN: [&str; 2] = ["<|im_start|>", "<|im_end|>"];
/// Tokens like any other, but never split.
const THINK: [&str; 2] = ["<think>", "</think>"];

/// ChatML. Earlier replies are shown as they were written, without their thoughts.
const TEMPLATE: &str = "\
{%- for message in messages -%}\
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}\
{%- endfor -%}\
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}";

/// Standard deviation of new matrices, that of GPT-2 and Qwen2 (`initializer_range`).
const DEVIATION: f32 = 0.02;

/// Makes the folder, unless it is there.
///
/// # Errors
/// A shape that is none; a corpus that cannot be read, or is too small for the vocabulary; a disk
/// that is full. Nothing has the folder's name then.
pub fn create(
    scratch: &Scratch,
    files: &[CorpusFile],
    seed: u64,
    folder: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), TrainError> {
    if folder.join("config.json").is_file() {
        return Ok(());
    }
    scratch.check()?;
    let base = Base::from_files(HuggingFaceFiles {
        config: scratch.config(),
        tokenizer: train_tokenizer(scratch.vocabulary, files)?,
        chat_template: Some(TEMPLATE.into()),
        ..HuggingFaceFiles::default()
    })?;
    let mut weights = Random {
        tensors: base.tensors(),
        seed,
    };
    let provenance = Provenance::new().with("recipe", "random weights")?;
    Ok(write_hugging_face(
        &base,
        &mut weights,
        &provenance,
        Dtype::F32,
        folder,
        progress,
    )?)
}

impl Scratch {
    fn check(&self) -> Result<(), TrainError> {
        let wrong = |field, expected, got: usize| {
            Err(TrainError::Config {
                field,
                expected,
                got: got.to_string(),
            })
        };
        // 256 bytes and the control tokens.
        if !(512..=1 << 20).contains(&self.vocabulary) {
            return wrong(
                "student.scratch.vocabulary",
                "512 to 1048576",
                self.vocabulary,
            );
        }
        if self.heads == 0 || !self.hidden_size.is_multiple_of(2 * self.heads) {
            let field = "student.scratch.hidden_size";
            return wrong(field, "a multiple of twice the heads", self.hidden_size);
        }
        if self.kv_heads == 0 || !self.heads.is_multiple_of(self.kv_heads) {
            let field = "student.scratch.kv_heads";
            return wrong(field, "a divisor of the heads", self.kv_heads);
        }
        if self.context < 2 {
            return wrong("student.scratch.context", "2 or more", self.context);
        }
        Ok(())
    }

    /// `config.json`; what is missing in it is refused by whoever reads it.
    fn config(&self) -> serde_json::Value {
        let (name, class) = match self.architecture {
            Family::Qwen2 => ("qwen2", "Qwen2ForCausalLM"),
            Family::Llama => ("llama", "LlamaForCausalLM"),
        };
        json!({
            "architectures": [class],
            "model_type": name,
            "vocab_size": self.vocabulary,
            "hidden_size": self.hidden_size,
            "intermediate_size": self.intermediate_size,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "hidden_act": "silu",
            "max_position_embeddings": self.context,
            "rms_norm_eps": 1e-6,
            "rope_theta": 10_000.0,
            "tie_word_embeddings": self.tied,
            "eos_token_id": 2,
        })
    }
}

/// Byte-level BPE over every text of the corpus, as `tokenizer.json`. Words are cut as Qwen2's are,
/// each digit by itself.
fn train_tokenizer(vocabulary: usize, files: &[CorpusFile]) -> Result<Vec<u8>, TrainError> {
    let failed = |error: tokenizers::Error| TrainError::Tokenizer(error.to_string());
    let mut texts = Vec::new();
    for file in files {
        for conversation in Conversations::open(file)? {
            for message in conversation?.messages {
                texts.extend(message.reasoning_content.clone());
                texts.push(message.content_text().to_owned());
            }
        }
    }
    let pattern = retort_text::tokenizer::preset("qwen2")?.patterns[0];
    let split = Split::new(
        SplitPattern::Regex(pattern.into()),
        SplitDelimiterBehavior::Isolated,
        false,
    )
    .map_err(failed)?;
    let bytes = ByteLevel::new(false, false, false);
    let mut tokenizer = TokenizerBuilder::new()
        .with_model(BPE::default())
        .with_normalizer(None::<tokenizers::normalizers::NFC>)
        .with_pre_tokenizer(Some(Sequence::new(vec![split.into(), bytes.into()])))
        .with_post_processor(None::<ByteLevel>)
        .with_decoder(Some(ByteLevel::default()))
        .build()
        .map_err(failed)?;
    let control = [END_OF_TEXT, TURN[0], TURN[1]].map(|name| AddedToken::from(name, true));
    let whole = THINK.map(|name| AddedToken::from(name, false));
    let mut trainer = BpeTrainer::builder()
        .vocab_size(vocabulary)
        .show_progress(false)
        .special_tokens(control.into_iter().chain(whole).collect())
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .build();
    tokenizer
        .train(&mut trainer, texts.iter())
        .map_err(failed)?;
    let got = tokenizer.get_vocab_size(true);
    if got != vocabulary {
        return Err(TrainError::Tokenizer(format!(
            "the corpus gives {got} tokens, student.scratch.vocabulary asks for {vocabulary}"
        )));
    }
    let json = tokenizer.to_string(false).map_err(failed)?;
    Ok(json.into_bytes())
}

/// Norms of ones, biases of zeros, everything else normal.
struct Random {
    tensors: Vec<TensorInfo>,
    seed: u64,
}

impl Weights for Random {
    fn tensors(&self) -> Vec<TensorInfo> {
        self.tensors.clone()
    }

    fn read(&mut self, name: &str) -> Result<Vec<f32>, Box<dyn Error + Send + Sync>> {
        let places: HashMap<&str, usize> = self
            .tensors
            .iter()
            .enumerate()
            .map(|(place, tensor)| (tensor.name.as_str(), place))
            .collect();
        let place = *places.get(name).ok_or("there is no such tensor")?;
        let len = self.tensors[place].shape.iter().product::<usize>();
        if name.ends_with("norm.weight") {
            return Ok(vec![1.0; len]);
        }
        if name.ends_with("bias") {
            return Ok(vec![0.0; len]);
        }
        // A stream of its own, whatever order tensors are read in.
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(place as u64);
        Ok((0..len).map(|_| DEVIATION * normal(&mut random)).collect())
    }
}

/// Box and Muller 1958.
fn normal(random: &mut ChaCha8Rng) -> f32 {
    let unit = |bits: u32| (f64::from(bits) + 0.5) / 4_294_967_296.0;
    let (a, b) = (unit(random.next_u32()), unit(random.next_u32()));
    ((-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_normal_and_the_same_for_a_seed() {
        let tensors = vec![
            TensorInfo {
                name: "a.weight".into(),
                shape: vec![100, 100],
            },
            TensorInfo {
                name: "norm.weight".into(),
                shape: vec![3],
            },
        ];
        let mut random = Random { tensors, seed: 3 };
        let values = random.read("a.weight").unwrap();
        assert_eq!(values, random.read("a.weight").unwrap());
        let mean = values.iter().sum::<f32>() / 1e4;
        let deviation = (values.iter().map(|x| x * x).sum::<f32>() / 1e4).sqrt();
        assert!(mean.abs() < 1e-3, "{mean}");
        assert!((deviation / DEVIATION - 1.0).abs() < 0.03, "{deviation}");
        assert_eq!(random.read("norm.weight").unwrap(), [1.0; 3]);
        assert!(random.read("b").is_err());
    }

    #[test]
    fn shapes_that_are_none_are_refused() {
        let scratch = Scratch {
            heads: 3,
            ..Scratch::default()
        };
        let error = scratch.check().unwrap_err().to_string();
        assert!(error.contains("hidden_size is 256"), "{error}");
    }
}
