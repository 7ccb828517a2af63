//! A student as a Hugging Face folder.

use std::fs;
use std::path::Path;

use retort_config::Tensor;
use retort_formats::GgmlType;
use retort_formats::hf::{FolderWriter, HfTensorSpec};
use retort_report::atomic;
use retort_text::Tokenizer;
use serde_json::{Map, Value, json};

use crate::base::Origin;
use crate::encode::encode;
use crate::place::prepare;
use crate::vocabulary::{GgufText, JsonText, tokenizer_json};
use crate::weights::{checked, read};
use crate::{Base, ExportError, Progress, Provenance, Weights};

/// What all tensors of a Hugging Face folder are stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// What the students are published in.
    Bf16,
    F16,
    /// The very values.
    F32,
}

impl Dtype {
    /// The type of this name: `bf16`, `f16` or `f32`, in either case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Bf16, Self::F16, Self::F32]
            .into_iter()
            .find(|dtype| dtype.ty().name().eq_ignore_ascii_case(name))
    }

    fn ty(self) -> GgmlType {
        match self {
            Self::Bf16 => GgmlType::BF16,
            Self::F16 => GgmlType::F16,
            Self::F32 => GgmlType::F32,
        }
    }

    /// PyTorch's name.
    fn torch(self) -> &'static str {
        match self {
            Self::Bf16 => "bfloat16",
            Self::F16 => "float16",
            Self::F32 => "float32",
        }
    }
}

/// Writes a student as a Hugging Face folder, which transformers and what builds on it load:
/// weights in safetensors files of up to 5 GB with their index, `config.json`, `tokenizer.json`,
/// `tokenizer_config.json`, `generation_config.json`, `chat_template.jinja` where the base has a
/// template, and `retort.json` with the provenance.
///
/// The text files of a Hugging Face base are taken over as they are, but `config.json` states the
/// new dtype and no quantisation; those that it lacks are made. Of a GGUF base all are made.
/// `progress` is called after each tensor.
///
/// # Errors
/// As for [`crate::write_gguf`]; also where `folder` is there and not empty, for files of another
/// model must neither be lost nor mixed with these, and where a GGUF base has a scaling of RoPE
/// that `config.json` cannot state.
pub fn write_hugging_face(
    base: &Base,
    weights: &mut dyn Weights,
    provenance: &Provenance,
    dtype: Dtype,
    folder: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), ExportError> {
    let tensors = checked(&base.config, weights)?;
    let mut files = text_files(base, dtype)?;
    let facts = provenance.completed(base.name()).to_json();
    files.push(("retort.json".into(), pretty(&facts)));

    prepare(folder)?;
    // An empty folder is nothing to lose; any other stays, and is refused.
    let _ = fs::remove_dir(folder);
    atomic::write_folder(folder, |inside| {
        write(&tensors, &files, weights, dtype, inside, progress).map_err(|error| error.at(folder))
    })
}

fn write(
    tensors: &[Tensor],
    files: &[(String, Vec<u8>)],
    weights: &mut dyn Weights,
    dtype: Dtype,
    folder: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), ExportError> {
    let specs = tensors.iter().map(|tensor| HfTensorSpec {
        name: tensor.name.clone(),
        dims: tensor.shape.iter().map(|&dim| dim as u64).collect(),
        ty: dtype.ty(),
    });
    let specs: Vec<_> = specs.collect();
    let mut sizes = Vec::with_capacity(specs.len());
    for spec in &specs {
        sizes.push(spec.bytes()?);
    }
    let total = sizes.iter().sum();
    let mut writer = FolderWriter::create(folder, specs, FolderWriter::SHARD_BYTES)?;
    for (name, bytes) in files {
        writer.write_file(name, bytes)?;
    }
    let mut written = 0;
    for (tensor, bytes) in tensors.iter().zip(sizes) {
        let values = read(weights, tensor)?;
        encode(&tensor.name, dtype.ty(), tensor.cols(), &values, |bytes| {
            Ok(writer.write(&tensor.name, bytes)?)
        })?;
        written += bytes;
        progress(Progress {
            tensor: &tensor.name,
            bytes,
            written,
            total,
        });
    }
    Ok(writer.finish()?)
}

/// Every file of the folder but the weights and the provenance.
fn text_files(base: &Base, dtype: Dtype) -> Result<Vec<(String, Vec<u8>)>, ExportError> {
    let mut files = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>| files.push((name.to_owned(), bytes));
    let context = base.config.max_position_embeddings;
    match &base.origin {
        Origin::Gguf(metadata) => {
            let text = GgufText::new(metadata)?;
            let ids: Map<String, Value> = (text.ids().into_iter())
                .map(|(key, id)| (key.to_owned(), id))
                .collect();
            let mut config = base.config.to_json()?;
            config.extend(ids.clone());
            config.insert("torch_dtype".into(), json!(dtype.torch()));
            add("config.json", pretty(&Value::Object(config)));
            add("generation_config.json", pretty(&Value::Object(ids)));
            add("tokenizer.json", tokenizer_json(&text)?);
            let tokenizer_config = text.tokenizer_config(context);
            add("tokenizer_config.json", pretty(&tokenizer_config));
            if let Some(template) = text.chat_template {
                add("chat_template.jinja", template.into_bytes());
            }
        }
        Origin::HuggingFace(base_files) => {
            let text = JsonText::new(base_files)?;
            add(
                "config.json",
                pretty(&with_dtype(&base_files.config, dtype)),
            );
            add("tokenizer.json", base_files.tokenizer.clone());
            let tokenizer = Tokenizer::from_json(&base_files.tokenizer)?;
            let tokenizer_config = base_files.tokenizer_config.clone();
            let plain = || pretty(&text.plain_tokenizer_config(&tokenizer, context));
            add(
                "tokenizer_config.json",
                tokenizer_config.unwrap_or_else(plain),
            );
            let generation_config = base_files.generation_config.clone();
            let plain = || pretty(&text.plain_generation_config());
            add(
                "generation_config.json",
                generation_config.unwrap_or_else(plain),
            );
            for (name, bytes) in &base_files.others {
                add(name, bytes.clone());
            }
            if let Some(template) = text.chat_template {
                add("chat_template.jinja", template.into_bytes());
            }
        }
    }
    Ok(files)
}

/// The base's `config.json` for weights of another dtype, none of them quantised.
fn with_dtype(config: &Value, dtype: Dtype) -> Value {
    let mut config = config.clone();
    if let Some(fields) = config.as_object_mut() {
        fields.shift_remove("quantization_config");
        // transformers 5 writes `dtype`, and reads the older key too.
        let known = fields.contains_key("dtype") && !fields.contains_key("torch_dtype");
        let key = if known { "dtype" } else { "torch_dtype" };
        fields.insert(key.into(), json!(dtype.torch()));
        if fields.contains_key("dtype") {
            fields.insert("dtype".into(), json!(dtype.torch()));
        }
    }
    config
}

fn pretty(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dtype_of_a_configuration_changes() {
        let old = json!({"b": 1, "torch_dtype": "float32", "a": 1e-6});
        let new = with_dtype(&old, Dtype::Bf16);
        assert_eq!(
            new.to_string(),
            r#"{"b":1,"torch_dtype":"bfloat16","a":1e-6}"#
        );
        let new = with_dtype(&json!({"dtype": "float32"}), Dtype::F16);
        assert_eq!(new, json!({"dtype": "float16"}));
        let new = with_dtype(&json!({"quantization_config": {}}), Dtype::F32);
        assert_eq!(new, json!({"torch_dtype": "float32"}));
    }
}
