//! The same content out of a GGUF header or a Hugging Face folder.

use std::path::Path;

use anyhow::Result;
use retort_config::{Config, ConfigError};
use retort_formats::Source;
use retort_formats::gguf::{Array, Header, Metadata, Value as GgufValue};
use retort_formats::hf::{Dtype, Folder};
use retort_formats::{GgmlType, TensorType};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::facts::{Format, Special, TokenizerFacts};
use crate::source::Bytes;
use crate::text;

/// Longest array that is shown whole.
const SHOWN_ARRAY: usize = 16;

/// What a model holds, before anything is concluded.
pub struct Content {
    pub name: Option<String>,
    pub format: Format,
    /// Why the decoder cannot be configured, if it cannot.
    pub config: Result<Config, ConfigError>,
    pub metadata: Map<String, Value>,
    pub tensors: Vec<Tensor>,
    /// The name of a decoder's tensor in this file.
    pub file_name: fn(&retort_config::Tensor) -> &str,
    pub tokenizer: Result<TokenizerFacts>,
    pub special_tokens: Vec<Special>,
    pub template: Option<String>,
}

/// A tensor as the file lists it.
#[derive(Clone, Debug, Serialize)]
pub struct Tensor {
    pub name: String,
    #[serde(rename = "type")]
    pub ty: String,
    /// In the file's order: GGUF has the columns first, safetensors last.
    pub dims: Vec<u64>,
    /// Of the first byte, from the start of the file (of the shard, in a folder).
    pub offset: u64,
    pub bytes: u64,
    #[serde(skip)]
    pub supported: Option<GgmlType>,
    /// Rows and columns; a vector is one row.
    #[serde(skip)]
    pub shape: (u64, u64),
}

/// From the header of a GGUF file.
pub fn gguf(bytes: &Bytes) -> Result<Content> {
    let mut header = text::header(bytes)?;
    let tensors: Vec<Tensor> = header.tensors.iter().map(gguf_tensor).collect();
    let data_end = tensors
        .iter()
        .map(|tensor| tensor.offset + tensor.bytes)
        .max();
    let expected = data_end.unwrap_or(header.data_start);
    let format = Format {
        kind: "gguf",
        version: Some(header.version),
        alignment: Some(header.alignment),
        data_start: Some(header.data_start),
        file_bytes: bytes.len(),
        expected_bytes: expected,
        missing_bytes: expected.saturating_sub(bytes.len()),
    };
    let metadata = &header.metadata;
    let template = text::gguf_parts(&header).template;
    let special_tokens = gguf_special_tokens(metadata);
    let name = metadata.str("general.name").ok().map(str::to_owned);
    Ok(Content {
        name,
        format,
        config: Config::from_gguf(&header),
        metadata: metadata
            .iter()
            .map(|(key, value)| (key.into(), show(value)))
            .collect(),
        tensors,
        file_name: |tensor| &tensor.gguf_name,
        special_tokens,
        template,
        // Last: it takes the vocabulary out of the header.
        tokenizer: gguf_tokenizer(&mut header),
    })
}

fn gguf_tensor(info: &retort_formats::gguf::TensorInfo) -> Tensor {
    let supported = match info.ty {
        TensorType::Known(ty) => Some(ty),
        TensorType::Unsupported { .. } => None,
    };
    Tensor {
        name: info.name.clone(),
        ty: info.ty.name().into(),
        dims: info.dims.clone(),
        offset: info.offset,
        bytes: info.bytes,
        supported,
        shape: (info.rows(), info.cols()),
    }
}

/// Every `tokenizer.ggml.*_token_id`.
fn gguf_special_tokens(metadata: &Metadata) -> Vec<Special> {
    let tokens = metadata
        .strings("tokenizer.ggml.tokens")
        .unwrap_or_default();
    let named = metadata.iter().filter_map(|(key, value)| {
        let name = key
            .strip_prefix("tokenizer.ggml.")?
            .strip_suffix("_token_id")?;
        let id = u32::try_from(value.as_integer()?).ok()?;
        let token = tokens.get(id as usize).cloned();
        Some(Special {
            name: name.into(),
            id: Some(id),
            token,
        })
    });
    named.collect()
}

fn gguf_tokenizer(header: &mut Header) -> Result<TokenizerFacts> {
    /// ggml's kind of a token that only fills a row.
    const UNUSED: i32 = 5;
    let metadata = &header.metadata;
    let kinds = metadata
        .i32s("tokenizer.ggml.token_type")
        .unwrap_or_default();
    let unused = kinds.iter().filter(|&&kind| kind == UNUSED).count();
    let tokens = metadata.strings("tokenizer.ggml.tokens")?.len();
    let facts = TokenizerFacts {
        kind: metadata.str("tokenizer.ggml.model")?.into(),
        pre: metadata.str("tokenizer.ggml.pre").ok().map(str::to_owned),
        tokens: tokens - unused,
        merges: metadata
            .strings("tokenizer.ggml.merges")
            .ok()
            .map(<[String]>::len),
        stop_ids: Vec::new(),
    };
    let stop_ids = text::gguf_tokenizer(header)?.stop_ids;
    Ok(TokenizerFacts { stop_ids, ..facts })
}

/// A value as JSON; long arrays as their type and length.
fn show(value: &GgufValue) -> Value {
    match value {
        GgufValue::U8(v) => json!(v),
        GgufValue::I8(v) => json!(v),
        GgufValue::U16(v) => json!(v),
        GgufValue::I16(v) => json!(v),
        GgufValue::U32(v) => json!(v),
        GgufValue::I32(v) => json!(v),
        GgufValue::U64(v) => json!(v),
        GgufValue::I64(v) => json!(v),
        GgufValue::F32(v) => json!(v),
        GgufValue::F64(v) => json!(v),
        GgufValue::Bool(v) => json!(v),
        GgufValue::String(v) => json!(v),
        GgufValue::Array(array) if array.len() > SHOWN_ARRAY => {
            json!({"type": array.type_name(), "len": array.len()})
        }
        GgufValue::Array(array) => show_array(array),
    }
}

fn show_array(array: &Array) -> Value {
    match array {
        Array::U8(v) => json!(v),
        Array::I8(v) => json!(v),
        Array::U16(v) => json!(v),
        Array::I16(v) => json!(v),
        Array::U32(v) => json!(v),
        Array::I32(v) => json!(v),
        Array::U64(v) => json!(v),
        Array::I64(v) => json!(v),
        Array::F32(v) => json!(v),
        Array::F64(v) => json!(v),
        Array::Bool(v) => json!(v),
        Array::String(v) => json!(v),
    }
}

/// From a Hugging Face folder.
pub fn folder(path: &Path) -> Result<Content> {
    let folder = pollster::block_on(Folder::open(path))?;
    let tensors: Vec<Tensor> = folder.tensors.iter().map(hf_tensor).collect();
    let bytes = tensors.iter().map(|tensor| tensor.bytes).sum();
    let text::Parts { template, names } = text::folder_parts(path)?;
    let tokenizer = text::folder_tokenizer(path);
    let id = |token: &str| tokenizer.as_ref().ok().and_then(|known| known.id_of(token));
    let special = |name: &str, token: &str| Special {
        name: name.into(),
        id: id(token),
        token: Some(token.to_owned()),
    };
    let special_tokens = [("bos", &names.bos_token), ("eos", &names.eos_token)]
        .into_iter()
        .filter(|(_, token)| !token.is_empty())
        .map(|(name, token)| special(name, token))
        .collect();
    let named = folder.config["_name_or_path"].as_str().map(str::to_owned);
    let name = named.or_else(|| Some(path.file_name()?.to_string_lossy().into_owned()));
    let metadata = folder.config.as_object().cloned().unwrap_or_default();
    Ok(Content {
        name,
        format: Format {
            kind: "safetensors",
            version: None,
            alignment: None,
            data_start: None,
            file_bytes: bytes,
            expected_bytes: bytes,
            missing_bytes: 0,
        },
        config: Config::from_json(&folder.config),
        metadata,
        tensors,
        file_name: |tensor| &tensor.name,
        special_tokens,
        template,
        tokenizer: tokenizer.map(|tokenizer| TokenizerFacts {
            kind: "tokenizer.json".into(),
            pre: None,
            tokens: tokenizer.vocab_size(),
            merges: None,
            stop_ids: Vec::new(),
        }),
    })
}

fn hf_tensor(tensor: &retort_formats::hf::HfTensor) -> Tensor {
    let supported = match tensor.dtype {
        Dtype::Known(ty) => Some(ty),
        Dtype::Unsupported(_) => None,
    };
    let (cols, rows) = match tensor.dims.split_last() {
        Some((cols, rows)) => (*cols, rows.iter().product()),
        None => (1, 1),
    };
    Tensor {
        name: tensor.name.clone(),
        ty: tensor.dtype.name().into(),
        dims: tensor.dims.clone(),
        offset: tensor.offset,
        bytes: tensor.bytes,
        supported,
        shape: (rows, cols),
    }
}
