//! Small tokenizers and templates, in the style of the students'.
#![allow(
    dead_code,
    reason = "each test program uses its own part of this module"
)]

use std::path::{Path, PathBuf};

use retort_dataset::{Conversation, Origin, Rendered, Student};
use retort_text::{ChatTemplate, Message, SpecialNames, Tokenizer};

pub const TOKENIZERS: [&str; 4] = ["qwen2", "llama-bpe", "smollm", "gpt-2"];

/// One of the tiny vocabularies of retort-text's tests; `<|start|>` and `<|end|>` are control
/// tokens, `<think>` and `</think>` added tokens.
pub fn tokenizer(name: &str) -> Tokenizer {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../text/tests/golden");
    let json = std::fs::read(folder.join(format!("{name}.json"))).unwrap();
    Tokenizer::from_json(&json).unwrap()
}

pub fn template(source: &str) -> ChatTemplate {
    let special = SpecialNames {
        bos_token: "<|begin|>".into(),
        eos_token: "<|end|>".into(),
    };
    ChatTemplate::new(source, special).unwrap()
}

/// Earlier turns verbatim, thoughts neither shown nor opened.
pub const CHATML: &str = "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>\n\
    {% endfor %}{% if add_generation_prompt %}<|start|>assistant\n{% endif %}";

/// Begins with a token, trims, and has no line end after a turn.
pub const LLAMA: &str = "{{ bos_token }}{% for m in messages %}<|start|>{{ m.role }}\n\n\
    {{ m.content | trim }}<|end|>{% endfor %}\
    {% if add_generation_prompt %}<|start|>assistant\n\n{% endif %}";

/// Deletes every thought, and opens one in the generation prompt.
pub const R1: &str = "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}\
    {{ '<|start|>U' + m.content }}{% elif m.role == 'assistant' %}\
    {{ '<|start|>A' + m.content.split('</think>')[-1] + '<|end|>' }}{% endif %}{% endfor %}\
    {% if add_generation_prompt %}{{ '<|start|>A<think>\\n' }}{% endif %}";

/// Opens the thought without a line end.
pub const OPENED: &str = "{% for m in messages %}<|start|>{{ m.role }}:{{ m.content }}<|end|>\
    {% endfor %}{% if add_generation_prompt %}<|start|>assistant:<think>{% endif %}";

/// Shows the last thought in its tags, drops the earlier ones.
pub const QWEN: &str = "{% for m in messages %}<|start|>{{ m.role }}\n\
    {% if m.reasoning_content and loop.last %}<think>\n{{ m.reasoning_content }}\n</think>\n\n\
    {% endif %}{{ m.content }}<|end|>\n{% endfor %}\
    {% if add_generation_prompt %}<|start|>assistant\n{% endif %}";

/// Shows every thought in its tags, earlier ones too.
pub const KEEPS: &str = "{% for m in messages %}<|start|>{{ m.role }}\n\
    {% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n\
    {% endif %}{{ m.content }}<|end|>\n{% endfor %}\
    {% if add_generation_prompt %}<|start|>assistant\n{% endif %}";

/// Thoughts in a channel of their own.
pub const CHANNELS: &str = "{% for m in messages %}<|start|>{{ m.role }}\
    {% if m.role == 'assistant' and loop.last and m.thinking %}<|begin|>analysis:{{ m.thinking }}\
    <|start|>assistant{% endif %}\
    {% if m.role == 'assistant' %}<|begin|>final:{% endif %}{{ m.content }}<|end|>{% endfor %}\
    {% if add_generation_prompt %}<|start|>assistant{% endif %}";

/// All of the above whose thoughts the product's splitter understands.
pub const THINKING: [(&str, &str); 6] = [
    ("chatml", CHATML),
    ("llama", LLAMA),
    ("r1", R1),
    ("opened", OPENED),
    ("qwen", QWEN),
    ("keeps", KEEPS),
];

pub fn stop_ids(tokenizer: &Tokenizer) -> Vec<u32> {
    vec![tokenizer.id_of("<|end|>").unwrap()]
}

pub fn student<'a>(
    tokenizer: &'a Tokenizer,
    template: &'a ChatTemplate,
    stop_ids: &'a [u32],
) -> Student<'a> {
    Student {
        tokenizer,
        template,
        stop_ids,
        date: None,
    }
}

/// Question, thought (perhaps none), answer, and so on.
pub fn conversation(turns: &[(&str, &str, &str)]) -> Conversation {
    let mut messages = Vec::new();
    for (question, thought, answer) in turns {
        messages.push(Message::new("user", *question));
        let mut reply = Message::new("assistant", *answer);
        reply.reasoning_content = (!thought.is_empty()).then(|| (*thought).to_owned());
        messages.push(reply);
    }
    Conversation {
        messages,
        origin: Origin::new("test.jsonl", 1),
        id: None,
    }
}

/// Ids that are learnt, or those that are not.
pub fn ids(document: &Rendered, learnt: bool) -> Vec<u32> {
    assert_eq!(document.ids.len(), document.learnt.len());
    let both = document.ids.iter().zip(&document.learnt);
    both.filter(|&(_, &is)| is == learnt)
        .map(|(&id, _)| id)
        .collect()
}

/// The text of a document as runs of unlearnt and learnt text.
pub fn runs(tokenizer: &Tokenizer, document: &Rendered) -> Vec<(bool, String)> {
    let mut at = 0;
    let mut runs = Vec::new();
    for run in document.learnt.chunk_by(|a, b| a == b) {
        let ids = &document.ids[at..at + run.len()];
        runs.push((run[0], tokenizer.decode(ids, false)));
        at += run.len();
    }
    runs
}

/// The folder of real data, if this machine has it.
pub fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("RETORT_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: RETORT_DATA does not point to a data folder");
    }
    folder
}
