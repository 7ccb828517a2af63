//! What of a model Retort cannot run, and why.

use std::collections::{HashMap, HashSet};

use retort_model::Config;
use retort_text::{ChatTemplate, SpecialNames};
use serde::Serialize;

use super::read::{Content, Tensor};

/// Something that will not run.
#[derive(Debug, PartialEq, Serialize)]
pub struct Unsupported {
    /// The part: a tensor, `architecture`, `tokenizer`, ...
    pub what: String,
    pub why: String,
}

/// Everything that stands against running the model, most basic first.
pub fn unsupported(content: &Content) -> Vec<Unsupported> {
    let mut found = Vec::new();
    let mut add = |what: &str, why: String| {
        found.push(Unsupported {
            what: what.into(),
            why,
        })
    };
    match &content.config {
        Ok(config) => {
            for (what, why) in tensors(config, &content.tensors, content.file_name) {
                add(&what, why);
            }
        }
        Err(error) => add("architecture", error.to_string()),
    }
    for (ty, count) in unknown_types(&content.tensors) {
        add(
            &format!("type {ty}"),
            format!("no kernel for it: {count} tensors"),
        );
    }
    if let Err(error) = &content.tokenizer {
        add("tokenizer", format!("{error:#}"));
    }
    match &content.template {
        None => add(
            "chat template",
            "there is none: `retort generate --raw` only".into(),
        ),
        Some(source) => {
            let names = SpecialNames {
                bos_token: String::new(),
                eos_token: String::new(),
            };
            if let Err(error) = ChatTemplate::new(source, names) {
                add("chat template", error.to_string());
            }
        }
    }
    let missing = content.format.missing_bytes;
    if missing > 0 {
        let what = match content.format.data_start {
            Some(start) if content.format.file_bytes <= start => "the tensors' data is missing",
            _ => "the file was cut",
        };
        add("data", format!("{what}: {missing} bytes are not there"));
    }
    found
}

fn unknown_types(tensors: &[Tensor]) -> Vec<(&str, usize)> {
    let mut types: Vec<(&str, usize)> = Vec::new();
    for tensor in tensors.iter().filter(|tensor| tensor.supported.is_none()) {
        match types.iter_mut().find(|(ty, _)| *ty == tensor.ty) {
            Some((_, count)) => *count += 1,
            None => types.push((&tensor.ty, 1)),
        }
    }
    types
}

/// Tensors that are missing, of another shape, or that no part of the decoder reads.
fn tensors(
    config: &Config,
    tensors: &[Tensor],
    file_name: fn(&str) -> Option<String>,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let by_name: HashMap<&str, &Tensor> = tensors
        .iter()
        .map(|tensor| (tensor.name.as_str(), tensor))
        .collect();
    let mut read = HashSet::from(["rope_freqs.weight".to_owned()]);
    for (name, rows, cols) in expected(config) {
        let name = file_name(&name).unwrap_or(name);
        let expected = (rows as u64, cols as u64);
        match by_name.get(name.as_str()) {
            None => found.push((format!("tensor `{name}`"), "it is missing".to_owned())),
            Some(tensor) if tensor.shape != expected => {
                let why = format!("its shape is {:?}: expected {expected:?}", tensor.shape);
                found.push((format!("tensor `{name}`"), why));
            }
            Some(_) => {}
        }
        read.insert(name);
    }
    for tensor in tensors.iter().filter(|tensor| !read.contains(&tensor.name)) {
        // A tied model may store its table twice; older checkpoints store rotary frequencies.
        let harmless = tensor.name == "lm_head.weight" || tensor.name.ends_with("inv_freq");
        if !harmless {
            let why = "no part of the decoder reads it".to_owned();
            found.push((format!("tensor `{}`", tensor.name), why));
        }
    }
    found
}

/// The decoder's weights by their Hugging Face names, with rows and columns; a vector is one row.
fn expected(config: &Config) -> Vec<(String, usize, usize)> {
    let (d, f, vocab) = (
        config.hidden_size,
        config.intermediate_size,
        config.vocab_size,
    );
    let (q, kv) = (config.q_width(), config.kv_width());
    let mut all = vec![
        ("model.embed_tokens.weight".to_owned(), vocab, d),
        ("model.norm.weight".to_owned(), 1, d),
    ];
    if !config.tie_word_embeddings {
        all.push(("lm_head.weight".to_owned(), vocab, d));
    }
    for layer in 0..config.num_hidden_layers {
        let mut add = |name: &str, rows, cols| {
            all.push((format!("model.layers.{layer}.{name}"), rows, cols));
        };
        add("input_layernorm.weight", 1, d);
        for (name, rows) in [("q_proj", q), ("k_proj", kv), ("v_proj", kv)] {
            add(&format!("self_attn.{name}.weight"), rows, d);
            if config.attention_bias {
                add(&format!("self_attn.{name}.bias"), 1, rows);
            }
        }
        add("self_attn.o_proj.weight", d, q);
        add("post_attention_layernorm.weight", 1, d);
        add("mlp.gate_proj.weight", f, d);
        add("mlp.up_proj.weight", f, d);
        add("mlp.down_proj.weight", d, f);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use retort_model::presets::STUDENTS;

    fn tensor(name: &str, shape: (u64, u64)) -> Tensor {
        Tensor {
            name: name.into(),
            ty: "F32".into(),
            dims: vec![shape.1, shape.0],
            offset: 0,
            bytes: 0,
            supported: Some(retort_formats::GgmlType::F32),
            shape,
        }
    }

    #[test]
    fn the_expected_weights_are_the_published_number() {
        for preset in &STUDENTS {
            let config = (preset.config)();
            let weights: u64 = expected(&config)
                .iter()
                .map(|(_, rows, cols)| (rows * cols) as u64)
                .sum();
            assert_eq!(preset.parameters, weights, "{}", preset.name);
        }
    }

    #[test]
    fn missing_misshapen_and_unread_tensors_are_named() {
        let config = (STUDENTS[0].config)();
        let mut all: Vec<Tensor> = expected(&config)
            .iter()
            .map(|(name, rows, cols)| tensor(name, (*rows as u64, *cols as u64)))
            .collect();
        let same: fn(&str) -> Option<String> = |name| Some(name.into());
        assert_eq!(tensors(&config, &all, same), []);
        let gone = all.remove(0);
        all[0].shape = (1, 3);
        all.push(tensor("model.layers.0.self_attn.q_norm.weight", (1, 128)));
        let found = tensors(&config, &all, same);
        assert_eq!(found.len(), 3);
        assert!(found[0].0.contains(&gone.name) && found[0].1.contains("missing"));
        assert!(found[1].1.contains("(1, 3)"));
        assert!(found[2].0.contains("q_norm") && found[2].1.contains("no part"));
    }
}
