//! Measures the tokenizers and chat templates of real models against vectors computed with the
//! reference programs.
//!
//!     RETORT_DATA=<folder> cargo run --release -p retort-text --example acceptance
//!
//! The folder holds `tokenizers/` (GGUF headers and `tokenizer.json` files, `token_vectors.jsonl`,
//! llama.cpp's `.inp`/`.out` pairs) and `chat_templates/` (`render_vectors.jsonl`). Vocabularies
//! that may not be kept there are named by `RETORT_LLAMA3_JSON` and `RETORT_GPT2_JSON`; what is
//! not there is skipped, and said to be. Exits with 1 if anything differs.

use std::{
    error::Error,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use flate2::read::GzDecoder;
use retort_formats::{
    MemorySource,
    gguf::{Array, Header, ReadOptions, Value, read_header_with},
};
use retort_text::{
    ChatTemplate, GgufVocab, Message, RenderOptions, SpecialNames, SpecialTokens, Tokenizer,
};
use serde_json::Value as Json;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const R1: &str = "deepseek_r1_distill_qwen_7b";
const SMOLLM2: &str = "smollm2_135m_instruct";

fn main() -> ExitCode {
    let Some(data) = std::env::var_os("RETORT_DATA").map(PathBuf::from) else {
        println!("skipped: RETORT_DATA does not name the folder of vectors");
        return ExitCode::SUCCESS;
    };
    match run(&data) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(wrong) => {
            println!("{wrong} differ");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How many vectors differ.
fn run(data: &Path) -> Result<usize> {
    let folder = data.join("tokenizers");
    let mut wrong = 0;
    let json = gunzip(&folder.join("qwen3/tokenizer.json.gz"))?;
    let qwen3 = timed("qwen3, tokenizer.json", || Ok(Tokenizer::from_json(&json)?))?;
    let r1 = from_gguf(&folder, R1)?;
    let smollm2 = from_gguf(&folder, SMOLLM2)?;
    let rows = jsonl(&folder.join("token_vectors.jsonl"))?;
    for (key, tokenizer) in [
        ("qwen3", &qwen3),
        ("r1_distill_qwen", &r1),
        ("smollm2", &smollm2),
    ] {
        wrong += token_vectors(key, tokenizer, &rows)?;
    }
    for (name, tokenizer) in [
        ("qwen2 (Qwen3's file)", &qwen3),
        ("qwen2 (R1's header)", &r1),
    ] {
        wrong += llama_cpp_vectors(&folder, name, "qwen2", tokenizer)?;
    }
    for (variable, vocabulary) in [
        ("RETORT_LLAMA3_JSON", "llama-bpe"),
        ("RETORT_GPT2_JSON", "gpt-2"),
    ] {
        let Some(path) = std::env::var_os(variable) else {
            println!("skipped: {vocabulary}, {variable} names no tokenizer.json");
            continue;
        };
        let bytes = std::fs::read(path)?;
        let tokenizer = timed(vocabulary, || Ok(Tokenizer::from_json(&bytes)?))?;
        wrong += llama_cpp_vectors(&folder, vocabulary, vocabulary, &tokenizer)?;
        let from_gguf = timed("  the same as GGUF", || {
            Ok(Tokenizer::from_gguf(gguf_of(&bytes, vocabulary)?)?)
        })?;
        let name = format!("{vocabulary} (as GGUF)");
        wrong += llama_cpp_vectors(&folder, &name, vocabulary, &from_gguf)?;
    }
    speed(&qwen3, &rows)?;
    wrong += templates(data)?;
    Ok(wrong)
}

fn timed(what: &str, build: impl FnOnce() -> Result<Tokenizer>) -> Result<Tokenizer> {
    let start = Instant::now();
    let tokenizer = build()?;
    let (elapsed, size) = (start.elapsed(), tokenizer.vocab_size());
    println!(
        "{what}: {size} tokens read in {:.0} ms",
        elapsed.as_secs_f64() * 1e3
    );
    Ok(tokenizer)
}

fn gunzip(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    GzDecoder::new(std::fs::File::open(path)?).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn jsonl(path: &Path) -> Result<Vec<Json>> {
    // On "\n" only: some rows hold other line separators.
    let text = std::fs::read_to_string(path)?;
    let lines = text.split('\n').filter(|line| !line.is_empty());
    lines.map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn from_gguf(folder: &Path, model: &str) -> Result<Tokenizer> {
    let bytes = gunzip(&folder.join(model).join("gguf_header.bin.gz"))?;
    let source = MemorySource::new(bytes);
    let options = ReadOptions::new().check_data(false);
    let header = pollster::block_on(read_header_with(&source, options))?;
    let vocab = vocabulary(header)?;
    timed(model, || Ok(Tokenizer::from_gguf(vocab)?))
}

fn vocabulary(mut header: Header) -> Result<GgufVocab> {
    let metadata = &mut header.metadata;
    let key = |name: &str| format!("tokenizer.ggml.{name}");
    let mut strings = |name| match metadata.take(&key(name)) {
        Some(Value::Array(Array::String(strings))) => Ok(strings),
        _ => Err(format!("no {name}")),
    };
    let (tokens, merges) = (strings("tokens")?, strings("merges")?);
    Ok(GgufVocab {
        model: metadata.str(&key("model"))?.to_owned(),
        pre: metadata.str(&key("pre")).ok().map(str::to_owned),
        tokens,
        token_types: metadata.i32s(&key("token_type"))?.to_vec(),
        merges,
        bos: metadata.u32(&key("bos_token_id")).ok(),
        eos: metadata.u32(&key("eos_token_id")).ok(),
        add_bos: metadata.bool(&key("add_bos_token")).ok(),
    })
}

/// What a converter writes for the tokenizer of a `tokenizer.json`.
fn gguf_of(bytes: &[u8], pre: &str) -> Result<GgufVocab> {
    let file: Json = serde_json::from_slice(bytes)?;
    let mut tokens: Vec<(usize, String, i32)> = Vec::new();
    for (token, id) in file["model"]["vocab"].as_object().ok_or("no vocab")? {
        tokens.push((id.as_u64().ok_or("no id")? as usize, token.clone(), 1));
    }
    for added in file["added_tokens"].as_array().ok_or("no added tokens")? {
        let kind = if added["special"] == true { 3 } else { 4 };
        let text = added["content"].as_str().ok_or("no content")?.to_owned();
        tokens.push((added["id"].as_u64().ok_or("no id")? as usize, text, kind));
    }
    let len = tokens.iter().map(|(id, _, _)| id + 1).max().unwrap_or(0);
    let mut vocab = GgufVocab {
        model: "gpt2".into(),
        pre: Some(pre.into()),
        tokens: vec![String::new(); len],
        token_types: vec![5; len],
        add_bos: Some(false),
        ..GgufVocab::default()
    };
    for (id, token, kind) in tokens {
        (vocab.tokens[id], vocab.token_types[id]) = (token, kind);
    }
    for merge in file["model"]["merges"].as_array().ok_or("no merges")? {
        vocab.merges.push(match merge.as_str() {
            Some(text) => text.to_owned(),
            None => format!(
                "{} {}",
                merge[0].as_str().ok_or("no text")?,
                merge[1].as_str().ok_or("no text")?
            ),
        });
    }
    Ok(vocab)
}

fn token_vectors(key: &str, tokenizer: &Tokenizer, rows: &[Json]) -> Result<usize> {
    let (mut same, mut skipped, mut wrong) = (0, 0, 0);
    for row in rows {
        if row[key].is_null() {
            skipped += 1;
            continue;
        }
        let text = row["text"].as_str().ok_or("a row without text")?;
        let expected: Vec<u32> = serde_json::from_value(row[key].clone())?;
        let got = tokenizer.encode(text, SpecialTokens::Parse)?;
        if got == expected && tokenizer.decode(&got, false) == text {
            same += 1;
        } else if got == expected {
            // Composition changes the text, so it does not come back as it was.
            same += 1;
            println!(
                "  {key}: {:?} is composed",
                text.chars().take(30).collect::<String>()
            );
        } else {
            wrong += 1;
            println!("  {key} {text:?}\n    expected {expected:?}\n    got      {got:?}");
        }
    }
    println!(
        "{key}: {same} of {} agree, {skipped} without ids",
        same + wrong
    );
    Ok(wrong)
}

/// llama.cpp's texts, separated by a line of their own, and one line of ids for each.
fn llama_cpp_vectors(
    folder: &Path,
    name: &str,
    file: &str,
    tokenizer: &Tokenizer,
) -> Result<usize> {
    let folder = folder.join("llama_cpp_vocab_tests");
    let path = |suffix| folder.join(format!("ggml-vocab-{file}.gguf.{suffix}"));
    let texts = std::fs::read_to_string(path("inp"))?;
    let ids = std::fs::read_to_string(path("out"))?;
    let texts: Vec<_> = texts.split("\n__ggml_vocab_test__\n").collect();
    let ids: Vec<_> = ids.lines().collect();
    if texts.len() < ids.len() {
        return Err(format!("{file}: {} texts, {} lines of ids", texts.len(), ids.len()).into());
    }
    let mut wrong = 0;
    for (text, line) in texts.iter().zip(&ids) {
        let expected: Vec<u32> = line
            .split_whitespace()
            .map(str::parse)
            .collect::<std::result::Result<_, _>>()?;
        let got = tokenizer.encode(text, SpecialTokens::AsText)?;
        if got != expected {
            wrong += 1;
            println!("  {name} {text:?}\n    expected {expected:?}\n    got      {got:?}");
        }
    }
    println!("{name}: {} of {} agree", ids.len() - wrong, ids.len());
    Ok(wrong)
}

fn speed(tokenizer: &Tokenizer, rows: &[Json]) -> Result<()> {
    let text: String = rows.iter().filter_map(|row| row["text"].as_str()).collect();
    let start = Instant::now();
    let ids = tokenizer.encode(&text, SpecialTokens::Parse)?;
    let encoded = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let decoded = tokenizer.decode(&ids, false).len();
    let megabytes = text.len() as f64 / 1e6;
    println!(
        "{megabytes:.2} MB: {} tokens at {:.1} MB/s; {decoded} bytes back at {:.0} MB/s",
        ids.len(),
        megabytes / encoded,
        megabytes / start.elapsed().as_secs_f64()
    );
    Ok(())
}

fn templates(data: &Path) -> Result<usize> {
    let folder = data.join("chat_templates");
    let (mut same, mut wrong) = (0, 0);
    for row in jsonl(&folder.join("render_vectors.jsonl"))? {
        let name = row["template"].as_str().ok_or("a row without template")?;
        let (path, bos, eos) = template_source(data, name)?;
        let names = SpecialNames {
            bos_token: bos.into(),
            eos_token: eos.into(),
        };
        let template = ChatTemplate::new(&std::fs::read_to_string(path)?, names)?;
        let messages: Vec<Message> = serde_json::from_value(row["messages"].clone())?;
        let mut options = RenderOptions {
            add_generation_prompt: row["add_generation_prompt"] == true,
            ..RenderOptions::default()
        };
        if let Some(thinking) = row.get("enable_thinking").filter(|value| !value.is_null()) {
            options
                .kwargs
                .insert("enable_thinking".into(), thinking.clone());
        }
        let got = template.render(&messages, &options);
        let agrees = match &got {
            Ok(text) => row["rendered"] == *text,
            Err(_) => !row["error"].is_null(),
        };
        if agrees {
            same += 1;
        } else {
            wrong += 1;
            println!(
                "  {name} {}\n    expected {}\n    got {got:?}",
                row["conversation"], row["rendered"]
            );
        }
    }
    println!("chat templates: {same} of {} agree", same + wrong);
    Ok(wrong)
}

/// Where a template lies, and the tokens it names.
fn template_source(data: &Path, name: &str) -> Result<(PathBuf, &'static str, &'static str)> {
    let given = |file: &str| data.join("chat_templates").join(file);
    let from_gguf = |model: &str| {
        data.join("tokenizers")
            .join(model)
            .join("chat_template.jinja")
    };
    let r1 = ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>");
    let (path, (bos, eos)) = match name {
        "qwen3" => (given("Qwen-Qwen3-0.6B.jinja"), ("", "<|im_end|>")),
        "qwen2.5-7b-instruct" => (given("Qwen-Qwen2.5-7B-Instruct.jinja"), ("", "<|im_end|>")),
        "qwq-32b" => (given("Qwen-QwQ-32B.jinja"), ("", "<|im_end|>")),
        "deepseek-r1-distill-qwen-7b (GGUF)" => (from_gguf(R1), r1),
        "deepseek-r1-distill-qwen-32b (llama.cpp)" => {
            (given("deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja"), r1)
        }
        "smollm2-135m-instruct (GGUF)" => (from_gguf(SMOLLM2), ("<|im_start|>", "<|im_end|>")),
        other => return Err(format!("no template is known as {other}").into()),
    };
    Ok((path, bos, eos))
}
