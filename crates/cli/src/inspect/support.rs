//! What of a model Retort cannot run, and why.

use std::collections::{HashMap, HashSet};

use retort_config::{Config, ROPE_FREQS};
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
    file_name: fn(&retort_config::Tensor) -> &str,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let by_name: HashMap<&str, &Tensor> = tensors
        .iter()
        .map(|tensor| (tensor.name.as_str(), tensor))
        .collect();
    let mut read = HashSet::from([ROPE_FREQS.to_owned()]);
    for expected in config.tensors() {
        let name = file_name(&expected).to_owned();
        let expected = rows_and_cols(&expected);
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

/// A vector is one row.
fn rows_and_cols(tensor: &retort_config::Tensor) -> (u64, u64) {
    let cols = tensor.cols();
    ((tensor.elements() / cols) as u64, cols as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use retort_config::presets::STUDENTS;

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
    fn missing_misshapen_and_unread_tensors_are_named() {
        let config = (STUDENTS[0].config)();
        let mut all: Vec<Tensor> = config
            .tensors()
            .iter()
            .map(|expected| tensor(&expected.name, rows_and_cols(expected)))
            .collect();
        let same: fn(&retort_config::Tensor) -> &str = |tensor| &tensor.name;
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
