//! GGUF files, read back through `retort-formats`.

mod common;

use common::*;
use retort_export::{Base, FileWeights, GgufKind, Provenance, Weights, write_gguf};
use retort_formats::GgmlType;
use retort_text::{SpecialTokens, Tokenizer};
use serde_json::json;
use tempfile::tempdir;

fn write(base: &Base, weights: &mut dyn Weights, kind: GgufKind, path: &std::path::Path) {
    let provenance = Provenance::new()
        .with("name", "Tiny")
        .and_then(|facts| facts.with("recipe", "sft"))
        .and_then(|facts| facts.with("base_model.name", "Tinier"))
        .unwrap();
    write_gguf(base, weights, &provenance, kind, path, &mut quiet).unwrap();
}

#[test]
fn values_come_back_within_the_error_of_their_type() {
    let folder = tempdir().unwrap();
    for architecture in ["qwen2", "llama"] {
        for tied in [true, false] {
            for kind in GgufKind::ALL {
                let base = base(architecture, tied, "qwen2");
                let mut weights = Random::new(&base, 1);
                let path = folder.path().join("x.gguf");
                write(&base, &mut weights, kind, &path);
                assert!(weights.reads.values().all(|&count| count == 1));
                // The reader undoes names and row order; that both are right is tested below.
                let mut back = FileWeights::open(&path).unwrap();
                assert_eq!(back.tensors().len(), base.tensors().len());
                for info in base.tensors() {
                    let expected = weights.get(&info.name);
                    let got = back.read(&info.name).unwrap();
                    // Values are up to 50/128. Half a step is 1/127 of that in Q8_0; in the types
                    // of four bits about 1/16, and a whole step at one end of Q4_0's range.
                    let (worst, mean) = match (kind, info.shape.len()) {
                        (GgufKind::F16, _) | (_, 1) => (0.0, 0.0),
                        (GgufKind::Q8_0, _) => (0.0017, 0.0009),
                        (GgufKind::Q4_0 | GgufKind::Q4_K, _) => (0.052, 0.015),
                    };
                    let errors = expected.iter().zip(&got).map(|(a, b)| (a - b).abs());
                    let largest = errors.clone().fold(0.0, f32::max);
                    let average = errors.sum::<f32>() / got.len() as f32;
                    let name = format!("{kind:?} {}: {largest} {average}", info.name);
                    assert!(largest <= worst && average <= mean, "{name}");
                }
            }
        }
    }
}

#[test]
fn tensors_have_llama_cpps_names_shapes_and_types() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    let base = base("qwen2", false, "qwen2");
    write(&base, &mut Random::new(&base, 1), GgufKind::Q4_K, &path);
    let file = Gguf::open(&path);
    for (name, dims, ty) in [
        ("token_embd.weight", &[256, 512][..], GgmlType::Q4_K),
        ("output.weight", &[256, 512], GgmlType::Q6_K),
        ("output_norm.weight", &[256], GgmlType::F32),
        ("blk.0.attn_norm.weight", &[256], GgmlType::F32),
        ("blk.0.attn_q.weight", &[256, 256], GgmlType::Q4_K),
        ("blk.1.attn_k.weight", &[256, 128], GgmlType::Q4_K),
        ("blk.1.attn_k.bias", &[128], GgmlType::F32),
        ("blk.0.attn_output.weight", &[256, 256], GgmlType::Q4_K),
        ("blk.2.ffn_norm.weight", &[256], GgmlType::F32),
        ("blk.2.ffn_gate.weight", &[256, 512], GgmlType::Q4_K),
        ("blk.1.ffn_down.weight", &[512, 256], GgmlType::Q4_K),
        ("blk.2.ffn_down.weight", &[512, 256], GgmlType::Q6_K),
        ("blk.2.attn_v.weight", &[256, 128], GgmlType::Q6_K),
    ] {
        let info = file.info(name);
        assert_eq!(info.dims, dims, "{name}");
        assert_eq!(info.ty.known().unwrap(), ty, "{name}");
    }
    assert_eq!(file.header.tensors.len(), 3 + 3 * 12);
}

/// llama.cpp rotates neighbouring rows of a head, Hugging Face its two halves: row `j` of the
/// first half is in place `2 j` and that of the second half in place `2 j + 1`.
#[test]
fn llama_files_hold_the_halves_of_a_head_in_turns() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    for (architecture, turns) in [("llama", true), ("qwen2", false)] {
        let base = base(architecture, true, "qwen2");
        let weights = Random::new(&base, 2);
        write(&base, &mut weights.clone(), GgufKind::F16, &path);
        let file = Gguf::open(&path);
        for (projection, heads) in [("q", 4), ("k", 2), ("v", 2)] {
            let name = format!("model.layers.1.self_attn.{projection}_proj.weight");
            let (hf, cols, d) = (weights.get(&name), 256, 64);
            let got = file.values(&format!("blk.1.attn_{projection}.weight"));
            for head in 0..heads {
                for row in 0..d {
                    let place = match turns && projection != "v" {
                        true => 2 * (row % (d / 2)) + row / (d / 2),
                        false => row,
                    };
                    let at = |row: usize| (head * d + row) * cols..(head * d + row + 1) * cols;
                    assert_eq!(
                        got[at(place)],
                        hf[at(row)],
                        "{architecture} {projection} {row}"
                    );
                }
            }
        }
    }
}

#[test]
fn metadata_are_those_of_llama_cpps_converter() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("deeper/x.gguf");
    let base = base("llama", true, "llama-bpe");
    write(&base, &mut Random::new(&base, 1), GgufKind::Q4_0, &path);
    let file = Gguf::open(&path);
    let metadata = &file.header.metadata;
    for (key, expected) in [
        ("general.architecture", "llama"),
        ("general.type", "model"),
        ("general.name", "Tiny"),
        ("general.base_model.0.name", "Tinier"),
        ("retort.recipe", "sft"),
        ("tokenizer.ggml.model", "gpt2"),
        ("tokenizer.ggml.pre", "llama-bpe"),
        ("tokenizer.chat_template", TEMPLATE),
    ] {
        assert_eq!(metadata.str(key).unwrap(), expected, "{key}");
    }
    for (key, expected) in [
        ("general.file_type", 2),
        ("general.quantization_version", 2),
        ("general.base_model.count", 1),
        ("llama.block_count", 3),
        ("llama.context_length", 2048),
        ("llama.embedding_length", 256),
        ("llama.feed_forward_length", 512),
        ("llama.attention.head_count", 4),
        ("llama.attention.head_count_kv", 2),
        ("llama.attention.key_length", 64),
        ("llama.rope.dimension_count", 64),
        ("llama.vocab_size", ROWS as u32),
        ("tokenizer.ggml.bos_token_id", 421),
        ("tokenizer.ggml.eos_token_id", 423),
        ("tokenizer.ggml.padding_token_id", 423),
    ] {
        assert_eq!(metadata.u32(key).unwrap(), expected, "{key}");
    }
    assert!(metadata.bool("tokenizer.ggml.add_bos_token").unwrap());
    assert_eq!(metadata.f32("llama.rope.freq_base").unwrap(), 500_000.0);
    let eps = metadata.f32("llama.attention.layer_norm_rms_epsilon");
    assert_eq!(eps.unwrap(), 1e-6);
    // Llama 3's scaling: short wavelengths kept, the longest divided by the factor.
    let divisors = file.values("rope_freqs.weight");
    assert_eq!((divisors.len(), divisors[0], divisors[31]), (32, 1.0, 32.0));
    assert!(divisors.is_sorted());
    // The token behind the last is padding up to the embedding's rows.
    let tokens = metadata.strings("tokenizer.ggml.tokens").unwrap();
    let types = metadata.i32s("tokenizer.ggml.token_type").unwrap();
    assert_eq!((tokens.len(), types.len()), (ROWS, ROWS));
    assert_eq!((tokens[426].as_str(), types[426]), ("[PAD426]", 5));
    assert_eq!((tokens[425].as_str(), types[425]), ("</think>", 4));
    assert_eq!((tokens[421].as_str(), types[421]), ("<|begin|>", 3));
}

#[test]
fn every_pre_tokenizer_gives_the_ids_of_its_tokenizer_json() {
    let folder = tempdir().unwrap();
    for name in TOKENIZERS {
        let path = folder.path().join(format!("{name}.gguf"));
        let base = base("qwen2", true, name);
        write(&base, &mut Random::new(&base, 1), GgufKind::Q8_0, &path);
        let file = Gguf::open(&path);
        assert_eq!(file.vocab().pre.as_deref(), Some(name));
        assert_eq!(file.tokenizer().adds_bos(), name == "llama-bpe");
        assert_golden(&file.tokenizer(), name);
    }
}

/// What a base's file says of itself is not said of the student; the rest stays.
#[test]
fn a_gguf_base_passes_its_metadata_on() {
    let folder = tempdir().unwrap();
    let (first, second) = (folder.path().join("1.gguf"), folder.path().join("2.gguf"));
    let hf = base("llama", false, "llama-bpe");
    let weights = Random::new(&hf, 3);
    write(&hf, &mut weights.clone(), GgufKind::Q8_0, &first);
    let base = Base::open(&first).unwrap();
    assert_eq!(base.tensors(), hf.tensors());
    let facts = Provenance::new().with("seed", "7").unwrap();
    let kind = GgufKind::F16;
    write_gguf(
        &base,
        &mut weights.clone(),
        &facts,
        kind,
        &second,
        &mut quiet,
    )
    .unwrap();
    let (first, second) = (Gguf::open(&first), Gguf::open(&second));
    let metadata = &second.header.metadata;
    for gone in ["general.name", "retort.recipe"] {
        assert!(metadata.get(gone).is_none(), "{gone}");
    }
    assert_eq!(metadata.str("retort.seed").unwrap(), "7");
    assert_eq!(metadata.str("general.base_model.0.name").unwrap(), "Tiny");
    assert_eq!(metadata.u32("general.file_type").unwrap(), 1);
    let before = first.header.metadata;
    let shape = before
        .iter()
        .filter(|(key, _)| !key.starts_with("general."));
    for (key, value) in shape.filter(|(key, _)| !key.starts_with("retort.")) {
        assert_eq!(metadata.get(key), Some(value), "{key}");
    }
    let freqs = "rope_freqs.weight";
    let info = second.info(freqs);
    assert_eq!(info.ty.known().unwrap(), GgmlType::F32);
    assert!(second.values(freqs).contains(&32.0));
    let name = "model.layers.2.self_attn.k_proj.weight";
    let mut back = FileWeights::open(folder.path().join("2.gguf")).unwrap();
    assert_eq!(back.read(name).unwrap(), weights.get(name));
}

#[test]
fn the_golden_files_are_read_as_their_folders() {
    for name in ["qwen2", "llama"] {
        let folder = golden_model(name);
        let base = Base::open(folder.join("model.gguf")).unwrap();
        let mut gguf = FileWeights::open(folder.join("model.gguf")).unwrap();
        let mut hf = FileWeights::open(&folder).unwrap();
        let infos = base.tensors();
        assert_eq!(infos.len(), hf.tensors().len());
        for info in infos {
            let values = gguf.read(&info.name).unwrap();
            assert_eq!(values, hf.read(&info.name).unwrap(), "{name} {}", info.name);
        }
    }
}

#[test]
fn progress_counts_the_bytes_of_the_file() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    let base = base("qwen2", true, "qwen2");
    let mut seen = Vec::new();
    let mut progress = |p: retort_export::Progress<'_>| {
        seen.push((p.tensor.to_owned(), p.bytes, p.written, p.total));
    };
    let facts = Provenance::new();
    let weights = &mut Random::new(&base, 1);
    write_gguf(&base, weights, &facts, GgufKind::Q8_0, &path, &mut progress).unwrap();
    let file = Gguf::open(&path);
    let total: u64 = file.header.tensors.iter().map(|tensor| tensor.bytes).sum();
    assert_eq!(seen.len(), file.header.tensors.len());
    assert_eq!(seen[0].0, "token_embd.weight");
    let last = seen.last().unwrap();
    assert_eq!((last.2, last.3), (total, total));
    assert_eq!(seen.iter().map(|row| row.1).sum::<u64>(), total);
}

/// A vocabulary that lacks bytes, with a token for them that GGUF cannot have.
#[test]
fn a_token_for_unknown_bytes_is_named_and_not_written_into_texts() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    let base = base("qwen2", true, "unknown");
    write(&base, &mut Random::new(&base, 1), GgufKind::Q8_0, &path);
    let file = Gguf::open(&path);
    let unknown = file.header.metadata.u32("tokenizer.ggml.unknown_token_id");
    assert_eq!(unknown.unwrap(), 0);
    let (original, written) = (tokenizer("unknown"), file.tokenizer());
    let ids = |tokenizer: &Tokenizer, text| tokenizer.encode(text, SpecialTokens::Parse).unwrap();
    assert_eq!(
        ids(&original, "the cat<|end|>"),
        ids(&written, "the cat<|end|>")
    );
    let with_unknown = ids(&original, "the \u{1F600} cat");
    assert!(with_unknown.contains(&0));
    let left: Vec<u32> = with_unknown.into_iter().filter(|&id| id != 0).collect();
    assert_eq!(ids(&written, "the \u{1F600} cat"), left);
}

#[test]
fn tokenizer_config_may_ask_for_the_begin_of_text_token() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.gguf");
    let mut files = files(config("qwen2", true), "qwen2");
    let asks = json!({"add_bos_token": true, "bos_token": "<|begin|>"});
    files.tokenizer_config = Some(asks.to_string().into_bytes());
    let base = Base::from_files(files).unwrap();
    write(&base, &mut Random::new(&base, 1), GgufKind::Q8_0, &path);
    let tokenizer = Gguf::open(&path).tokenizer();
    assert!(tokenizer.adds_bos());
    assert_eq!(tokenizer.bos(), Some(420));
}
