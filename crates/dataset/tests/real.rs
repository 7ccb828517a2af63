//! The templates, tokenizers and traces of real students, where `RETORT_DATA` names a folder that
//! has them (`chat_templates/`, `tokenizers/`, `traces/`, `problems/`).
//!
//!     RETORT_DATA=<folder> cargo test --release -p retort-dataset --test real -- --nocapture

mod common;

use std::io::Read;
use std::path::Path;

use common::{conversation, data, ids};
use retort_dataset::{
    Columns, Conversation, Conversations, CorpusFile, Dataset, DatasetError, HeldOut, HistoryTurns,
    Identity, PackOptions, Packing, Renderer, Split, Student, ThoughtTags, Unfinished, preflight,
    preview,
};
use retort_formats::MemorySource;
use retort_formats::gguf::{Array, ReadOptions, Value, read_header_with};
use retort_text::{
    ChatTemplate, GgufVocab, LocalTime, Message, RenderOptions, SpecialNames, SpecialTokens,
    Tokenizer,
};
use serde_json::json;

/// What templates that show the day's date are told.
const DATE: &str = "2025-01-01";

fn unpacked(path: &Path) -> Vec<u8> {
    let file = std::fs::File::open(path).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

/// The tokenizer of a GGUF header, and the ids that end its replies.
fn from_header(folder: &Path) -> (Tokenizer, Vec<u32>) {
    let bytes = unpacked(&folder.join("gguf_header.bin.gz"));
    let options = ReadOptions::new().check_data(false);
    let source = MemorySource::new(bytes);
    let mut header = pollster::block_on(read_header_with(&source, options)).unwrap();
    let metadata = &mut header.metadata;
    let [tokens, merges] =
        ["tokens", "merges"].map(
            |name| match metadata.take(&format!("tokenizer.ggml.{name}")) {
                Some(Value::Array(Array::String(strings))) => strings,
                _ => panic!("no {name}"),
            },
        );
    let eos = metadata.u32("tokenizer.ggml.eos_token_id").unwrap();
    let vocab = GgufVocab {
        model: metadata.str("tokenizer.ggml.model").unwrap().to_owned(),
        pre: Some(metadata.str("tokenizer.ggml.pre").unwrap().to_owned()),
        token_types: metadata.i32s("tokenizer.ggml.token_type").unwrap().to_vec(),
        tokens,
        merges,
        eos: Some(eos),
        ..GgufVocab::default()
    };
    (Tokenizer::from_gguf(vocab).unwrap(), vec![eos])
}

/// Qwen3's vocabulary and, as control tokens, every name in angle brackets that the template has:
/// a stand-in where the template's own vocabulary may not be kept.
fn qwen3_with(data: &Path, template: &str) -> Tokenizer {
    let bytes = unpacked(&data.join("tokenizers/qwen3/tokenizer.json.gz"));
    let mut file: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let added = file["added_tokens"].as_array_mut().unwrap();
    for (open, close) in [("<|", "|>"), ("<｜", "｜>")] {
        for part in template.split(open).skip(1) {
            let Some((name, _)) = part.split_once(close) else {
                continue;
            };
            let content = format!("{open}{name}{close}");
            if !added.iter().any(|token| token["content"] == content) {
                let id = 151_669 + added.len();
                added.push(json!({"id": id, "content": content, "special": true,
                    "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}));
            }
        }
    }
    Tokenizer::from_json(&serde_json::to_vec(&file).unwrap()).unwrap()
}

fn columns(reasoning: Option<&str>, completion: &str) -> Option<Columns> {
    Some(Columns {
        system: None,
        prompt: "question".into(),
        reasoning: reasoning.map(Into::into),
        completion: completion.into(),
    })
}

fn traces(data: &Path, name: &str) -> CorpusFile {
    CorpusFile {
        columns: columns(Some("reasoning_content"), "content"),
        unfinished: Unfinished::Drop,
        ..CorpusFile::new(data.join("traces").join(name))
    }
}

fn some_conversations(data: &Path) -> Vec<Conversation> {
    let mut file = traces(data, "pcmb_mcq.jsonl.gz");
    file.limit = Some(40);
    let read = Conversations::open(&file).unwrap();
    let mut found: Vec<_> = read.map(Result::unwrap).collect();
    found.push(conversation(&[
        ("1+1?", "One and one.", "2"),
        ("And 3?", "Add.", "5"),
    ]));
    found.push(conversation(&[
        ("Hello", "", "Hi."),
        ("Bye", "", "Bye.\n\nSee you."),
    ]));
    found.push(conversation(&[
        ("Hello", "", "Hi."),
        ("2*3?", "Twice three.", "6"),
    ]));
    let mut system = conversation(&[("Hello", "Greet.", "Hi.")]);
    system
        .messages
        .insert(0, Message::new("system", "Be brief."));
    found.push(system);
    found
}

/// Each learnt run follows the ids that a session makes of the turns before it, and reads as
/// thought, answer and end.
fn check(student: &Student<'_>, end: &str, conversation: &Conversation) -> usize {
    let renderer = Renderer::new(*student, HistoryTurns::Learn).unwrap();
    assert_eq!(renderer.end_text(), end);
    let documents = renderer.documents(conversation).unwrap();
    let messages = &conversation.messages;
    let mut replies = (0..messages.len()).filter(|&at| messages[at].role == "assistant");
    let mut inexact = 0;
    for document in &documents {
        let mut at = 0;
        for run in document.learnt.chunk_by(|a, b| a == b) {
            let (before, learnt) = (&document.ids[..at], &document.ids[at..at + run.len()]);
            at += run.len();
            if !run[0] {
                continue;
            }
            let reply = replies.next().unwrap();
            let options = RenderOptions {
                add_generation_prompt: true,
                now: LocalTime::from_date(DATE).filter(|_| student.template.needs_date()),
                ..RenderOptions::default()
            };
            let prompt = student
                .template
                .render(&messages[..reply], &options)
                .unwrap();
            let expected = student
                .tokenizer
                .encode(&prompt, SpecialTokens::Parse)
                .unwrap();
            assert_eq!(before, expected, "{}", conversation.origin);
            let opened = prompt.trim_end().ends_with("<think>");
            let thought = messages[reply]
                .reasoning_content
                .as_deref()
                .unwrap_or_default();
            let answer = messages[reply].content_text();
            let channel = |name: &str, text: &str, end: &str| {
                format!("<|channel|>{name}<|message|>{text}{end}")
            };
            let expected = match (opened, thought) {
                (_, "") if end == "<|return|>" => channel("final", answer, end),
                _ if end == "<|return|>" => {
                    let thought = channel("analysis", thought, "<|end|><|start|>assistant");
                    thought + &channel("final", answer, end)
                }
                (true, _) => format!("{thought}\n</think>\n\n{answer}{end}"),
                (false, "") => format!("{answer}{end}"),
                _ => format!("<think>\n{thought}\n</think>\n\n{answer}{end}"),
            };
            let got = student.tokenizer.decode(learnt, false);
            match document.inexact {
                true => inexact += 1,
                false => assert_eq!(got, expected, "{}", conversation.origin),
            }
        }
    }
    assert_eq!(replies.next(), None);
    inexact
}

#[test]
fn masks_are_exact_on_every_template() {
    let Some(data) = data() else { return };
    let conversations = some_conversations(&data);
    let (r1, r1_stops) = from_header(&data.join("tokenizers/deepseek_r1_distill_qwen_7b"));
    let (smollm2, smollm2_stops) = from_header(&data.join("tokenizers/smollm2_135m_instruct"));
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(data.join("chat_templates")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "jinja")
        {
            sources.push(path);
        }
    }
    for name in ["deepseek_r1_distill_qwen_7b", "smollm2_135m_instruct"] {
        sources.push(
            data.join("tokenizers")
                .join(name)
                .join("chat_template.jinja"),
        );
    }
    sources.sort();
    assert_eq!(sources.len(), 11);
    let mut checked = 0;
    for path in sources {
        let name = path.strip_prefix(&data).unwrap().display().to_string();
        let source = std::fs::read_to_string(&path).unwrap();
        let stand_in;
        let (tokenizer, stops, bos, end) = if name.contains("smollm2") {
            (
                &smollm2,
                smollm2_stops.clone(),
                "<|im_start|>",
                "<|im_end|>",
            )
        } else if name.to_lowercase().contains("deepseek") {
            let end = "<｜end▁of▁sentence｜>";
            (&r1, r1_stops.clone(), "<｜begin▁of▁sentence｜>", end)
        } else {
            stand_in = qwen3_with(&data, &source);
            let end = match name.contains("Llama") {
                true => "<|eot_id|>",
                false if name.contains("gpt-oss") => "<|return|>",
                false => "<|im_end|>",
            };
            let stop = stand_in.id_of(end).unwrap();
            (&stand_in, vec![stop], "<|begin_of_text|>", end)
        };
        let special = SpecialNames {
            bos_token: bos.into(),
            eos_token: end.into(),
        };
        let template = ChatTemplate::new(&source, special).unwrap();
        let student = Student {
            tokenizer,
            template: &template,
            stop_ids: &stops,
            date: LocalTime::from_date(DATE),
        };
        let inexact = conversations
            .iter()
            .map(|found| check(&student, end, found));
        let inexact: usize = inexact.sum();
        println!(
            "{name}: {} conversations, {inexact} inexact",
            conversations.len()
        );
        // The tokenizer composes characters in some traces.
        assert!(inexact < 5, "{name}");
        checked += 1;
    }
    assert_eq!(checked, 11);
}

#[test]
fn channels_of_gpt_oss_are_learnt_and_their_ends_stop_nothing() {
    let Some(data) = data() else { return };
    let path = data.join("chat_templates/openai-gpt-oss-120b.jinja");
    let source = std::fs::read_to_string(path).unwrap();
    let tokenizer = qwen3_with(&data, &source);
    let template = ChatTemplate::new(&source, SpecialNames::default()).unwrap();
    let id = |name: &str| tokenizer.id_of(name).unwrap();
    let day = LocalTime::from_date(DATE);
    let learn = |stop_ids: &[u32], date| {
        let student = Student {
            tokenizer: &tokenizer,
            template: &template,
            stop_ids,
            date,
        };
        let renderer = Renderer::new(student, HistoryTurns::Learn)?;
        renderer.documents(&conversation(&[("1+1?", "One and one.", "2")]))
    };
    let documents = learn(&[id("<|return|>")], day).unwrap();
    assert_eq!(
        tokenizer.decode(&ids(&documents[0], true), false),
        "<|channel|>analysis<|message|>One and one.<|end|><|start|>assistant<|channel|>final\
         <|message|>2<|return|>"
    );
    let prompt = tokenizer.decode(&ids(&documents[0], false), false);
    assert!(prompt.contains(&format!("Current date: {DATE}\n")));
    assert!(prompt.ends_with("<|start|>user<|message|>1+1?<|end|><|start|>assistant"));
    // A student that stops at `<|end|>` never gets to its answer.
    let error = learn(&[id("<|return|>"), id("<|end|>")], day).unwrap_err();
    assert!(
        matches!(error, DatasetError::StopInside { origin: None, .. }),
        "{error}"
    );
    let error = learn(&[id("<|return|>")], None).unwrap_err();
    assert!(matches!(error, DatasetError::NoDate), "{error}");
}

#[test]
fn real_traces_become_a_packed_dataset() {
    let Some(data) = data() else { return };
    let folder = data.join("tokenizers/smollm2_135m_instruct");
    let (tokenizer, stops) = from_header(&folder);
    let source = std::fs::read_to_string(folder.join("chat_template.jinja")).unwrap();
    let special = SpecialNames {
        bos_token: "<|im_start|>".into(),
        eos_token: "<|im_end|>".into(),
    };
    let template = ChatTemplate::new(&source, special).unwrap();
    let student = Student {
        tokenizer: &tokenizer,
        template: &template,
        stop_ids: &stops,
        date: None,
    };
    let identity = Identity {
        tokenizer: b"smollm2",
        template: &source,
    };
    let open = |name| CorpusFile {
        columns: columns(None, "completion"),
        thought: ThoughtTags::Open,
        ..traces(&data, name)
    };
    let files = [
        (traces(&data, "misguided_attention.jsonl.gz"), 431, 16, true),
        (traces(&data, "pcmb_mcq.jsonl.gz"), 293, 0, true),
        (open("gpt_oss_120b_math_train.jsonl.gz"), 3444, 2, true),
        (open("thinking_llms_math.jsonl.gz"), 1271, 242, true),
        (
            CorpusFile {
                columns: columns(None, "answer"),
                ..CorpusFile::new(data.join("problems/gsm8k_train.jsonl.gz"))
            },
            7473,
            0,
            false,
        ),
    ];
    let cache = tempfile::tempdir().unwrap();
    for (file, documents, unfinished, thinks) in &files {
        let start = std::time::Instant::now();
        let prepare = || {
            let files = std::slice::from_ref(file);
            let history = HistoryTurns::Learn;
            Dataset::prepare(
                files,
                &student,
                &identity,
                history,
                cache.path(),
                &mut |_| {},
            )
        };
        let dataset = prepare().unwrap();
        let made = start.elapsed();
        let start = std::time::Instant::now();
        prepare().unwrap();
        let opened = start.elapsed();
        let split = Split::new(&dataset, HeldOut::Share(0.01)).unwrap();
        let packing = Packing::new(&dataset, &split.train, &PackOptions::new(4096)).unwrap();
        let report = preflight(&dataset, &packing, &tokenizer, 49_152).unwrap();
        let name = file.path.strip_prefix(&data).unwrap().display();
        println!("== {name}: made in {made:.1?}, opened in {opened:.1?}");
        println!(
            "held out       {} documents\n{report}",
            split.held_out.len()
        );
        assert_eq!(dataset.len(), *documents);
        let summary = dataset.summary();
        assert_eq!(summary.files[0].unfinished, *unfinished);
        assert_eq!(
            summary.with_thought,
            if *thinks { *documents as u64 } else { 0 }
        );
        assert!(packing.efficiency() > 0.95);
        let shown = preview(&dataset, &tokenizer, 1).unwrap();
        let learnt = shown[0].spans.last().unwrap();
        assert!(learnt.learnt && learnt.text.ends_with("<|im_end|>"));
        assert_eq!(learnt.text.starts_with("<think>\n"), *thinks);
    }
    // Strict unless told otherwise.
    let strict = CorpusFile {
        unfinished: Unfinished::Refuse,
        ..files[0].0.clone()
    };
    let history = HistoryTurns::Learn;
    let refused = Dataset::prepare(
        &[strict],
        &student,
        &identity,
        history,
        cache.path(),
        &mut |_| {},
    );
    assert!(matches!(refused, Err(DatasetError::Unfinished { .. })));
}
