//! The mask is exact, and prompts are those of inference, on templates of every style.

mod common;

use common::*;
use retort_dataset::{DatasetError, HistoryTurns, Rendered, Renderer};
use retort_text::{Message, RenderOptions, SpecialTokens, ThinkSplitter, Tokenizer};

fn documents(
    tokenizer: &Tokenizer,
    source: &str,
    turns: &[(&str, &str, &str)],
    history: HistoryTurns,
) -> Result<Vec<Rendered>, DatasetError> {
    let template = template(source);
    let stops = stop_ids(tokenizer);
    let renderer = Renderer::new(student(tokenizer, &template, &stops), history)?;
    renderer.documents(&conversation(turns))
}

/// What the student sees before its reply to `turns`, as a session renders and encodes it.
fn prompt(tokenizer: &Tokenizer, source: &str, messages: &[Message]) -> (String, Vec<u32>) {
    let options = RenderOptions {
        add_generation_prompt: true,
        ..RenderOptions::default()
    };
    let text = template(source).render(messages, &options).unwrap();
    let ids = tokenizer.encode(&text, SpecialTokens::Parse).unwrap();
    (text, ids)
}

#[test]
fn the_completion_is_learnt_and_nothing_else() {
    let thought = "So we have x = 12.\n\nWait, let me think again.";
    let answer = "The sum is \\boxed{12}.";
    for name in TOKENIZERS {
        let tokenizer = tokenizer(name);
        for (style, source) in THINKING {
            let turns = [("x + y?", thought, answer)];
            let documents = documents(&tokenizer, source, &turns, HistoryTurns::Learn).unwrap();
            let [document] = &documents[..] else {
                panic!("{style}: {} documents", documents.len());
            };
            let (shown, prompt_ids) =
                prompt(&tokenizer, source, &conversation(&turns).messages[..1]);
            let opened = match (shown.ends_with("<think>\n"), shown.ends_with("<think>")) {
                (true, _) => "",
                (_, true) => "\n",
                _ => "<think>\n",
            };
            let reply = format!("{opened}{thought}\n</think>\n\n{answer}<|end|>");
            let expected = vec![(false, shown), (true, reply)];
            assert_eq!(runs(&tokenizer, document), expected, "{style}, {name}");
            assert_eq!(ids(document, false), prompt_ids, "{style}, {name}");
            assert!(document.has_thought && !document.inexact);
            let end = tokenizer.id_of("<|end|>");
            assert_eq!(document.ids.last().copied(), end);
        }
    }
}

#[test]
fn what_is_learnt_is_what_the_product_shows() {
    let tokenizer = tokenizer("qwen2");
    for (style, source) in THINKING {
        for (thought, answer) in [
            ("a\n\nb", "c\nd"),
            ("", "Yes."),
            ("a <think> b", "c </think> d"),
        ] {
            let turns = [("Q", thought, answer)];
            let documents = documents(&tokenizer, source, &turns, HistoryTurns::Learn).unwrap();
            let [(_, shown), (_, reply)] = &runs(&tokenizer, &documents[0])[..] else {
                panic!("{style}");
            };
            let mut splitter = ThinkSplitter::for_prompt(shown);
            let mut pieces = splitter.push(reply.strip_suffix("<|end|>").unwrap());
            pieces.extend(splitter.finish());
            let text = |wanted: bool| -> String {
                let text = pieces.iter().filter_map(|piece| match piece {
                    retort_text::Piece::Thought(text) => wanted.then_some(text.as_str()),
                    retort_text::Piece::Answer(text) => (!wanted).then_some(text.as_str()),
                });
                text.collect()
            };
            assert_eq!(
                (text(true), text(false)),
                (thought.to_owned(), answer.to_owned()),
                "{style}"
            );
        }
    }
}

#[test]
fn a_reply_without_a_thought_closes_one_that_is_open() {
    let tokenizer = tokenizer("smollm");
    let learnt = |source| {
        let turns = [("Q", "", "Yes.")];
        let documents = documents(&tokenizer, source, &turns, HistoryTurns::Learn).unwrap();
        assert!(!documents[0].has_thought);
        tokenizer.decode(&ids(&documents[0], true), false)
    };
    assert_eq!(learnt(CHATML), "Yes.<|end|>");
    assert_eq!(learnt(R1), "\n</think>\n\nYes.<|end|>");
    assert_eq!(learnt(OPENED), "\n\n</think>\n\nYes.<|end|>");
    assert_eq!(learnt(CHANNELS), "<|begin|>final:Yes.<|end|>");
}

#[test]
fn one_document_learns_several_turns_where_the_history_is_verbatim() {
    let tokenizer = tokenizer("qwen2");
    let plain = [("Q1", "", "A1"), ("Q2", "", "A2"), ("Q3", "", "A3")];
    let found = documents(&tokenizer, CHATML, &plain, HistoryTurns::Learn).unwrap();
    assert_eq!(found.len(), 1);
    let expected = [
        (false, "<|start|>user\nQ1<|end|>\n<|start|>assistant\n"),
        (true, "A1<|end|>"),
        (false, "\n<|start|>user\nQ2<|end|>\n<|start|>assistant\n"),
        (true, "A2<|end|>"),
        (false, "\n<|start|>user\nQ3<|end|>\n<|start|>assistant\n"),
        (true, "A3<|end|>"),
    ];
    let expected: Vec<_> = expected
        .map(|(learnt, text)| (learnt, text.to_owned()))
        .into();
    assert_eq!(runs(&tokenizer, &found[0]), expected);
    // Thoughts that stay in the history.
    let thinking = [("Q1", "T1", "A1"), ("Q2", "T2", "A2")];
    let found = documents(&tokenizer, KEEPS, &thinking, HistoryTurns::Learn).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(runs(&tokenizer, &found[0]).len(), 4);
}

#[test]
fn each_reply_has_its_document_where_the_history_drops_thoughts() {
    for source in [R1, QWEN, CHATML, LLAMA] {
        let tokenizer = tokenizer("llama-bpe");
        let turns = [("Q1", "T1", "A1"), ("Q2", "T2", "A2"), ("Q3", "", "A3")];
        let found = documents(&tokenizer, source, &turns, HistoryTurns::Learn).unwrap();
        assert_eq!(found.len(), 3);
        let all = conversation(&turns).messages;
        for (at, document) in found.iter().enumerate() {
            let (shown, prompt_ids) = prompt(&tokenizer, source, &all[..2 * at + 1]);
            assert_eq!(ids(document, false), prompt_ids);
            assert!(!shown.contains("T1") || at == 0, "{shown}");
            let learnt = tokenizer.decode(&ids(document, true), false);
            assert!(learnt.ends_with(&format!("A{}<|end|>", at + 1)), "{learnt}");
            assert_eq!(learnt.contains(&format!("T{}", at + 1)), at < 2);
        }
        let last = documents(&tokenizer, source, &turns, HistoryTurns::Ignore).unwrap();
        assert_eq!(last, found[2..]);
    }
}

#[test]
fn channels_are_learnt_as_the_template_writes_them() {
    let tokenizer = tokenizer("qwen2");
    let turns = [("Q", "So.", "Yes.")];
    let found = documents(&tokenizer, CHANNELS, &turns, HistoryTurns::Learn).unwrap();
    let reply = "<|begin|>analysis:So.<|start|>assistant<|begin|>final:Yes.<|end|>";
    assert_eq!(
        runs(&tokenizer, &found[0]),
        [
            (false, "<|start|>userQ<|end|><|start|>assistant".to_owned()),
            (true, reply.to_owned())
        ]
    );
}

#[test]
fn templates_that_cannot_be_learnt_from_are_refused() {
    let tokenizer = tokenizer("qwen2");
    let stops = stop_ids(&tokenizer);
    let probe = |source: &str, stops: &[u32]| {
        let template = template(source);
        Renderer::new(student(&tokenizer, &template, stops), HistoryTurns::Learn).map(|_| ())
    };
    let start = vec![tokenizer.id_of("<|start|>").unwrap()];
    let wrong_end = probe(CHATML, &start).unwrap_err();
    assert!(
        matches!(wrong_end, DatasetError::EndNeverEmitted { .. }),
        "{wrong_end}"
    );
    assert!(wrong_end.to_string().contains("<|start|>"));
    let no_stops = probe(CHATML, &[]).unwrap_err();
    assert!(matches!(no_stops, DatasetError::EndNeverEmitted { .. }));
    let no_end = probe(
        "{% for m in messages %}{{ m.content }}\n{% endfor %}",
        &stops,
    );
    assert!(matches!(
        no_end.unwrap_err(),
        DatasetError::EndNeverEmitted { .. }
    ));
    let no_answer = probe(
        "{% for m in messages[:1] %}{{ m.content }}{% endfor %}",
        &stops,
    );
    assert!(matches!(no_answer.unwrap_err(), DatasetError::NoAnswer));
    // A channel that ends with the token at which the student stops.
    let stopping = CHANNELS.replace("{{ m.thinking }}", "{{ m.thinking }}<|end|>");
    let stopped = probe(&stopping, &stops).unwrap_err();
    assert!(
        matches!(stopped, DatasetError::StopInside { origin: None, .. }),
        "{stopped}"
    );
    // A thought before what the generation prompt ends with.
    let elsewhere = CHATML.replace(
        "<|start|>{{ m.role }}",
        "{{ m.thinking }}<|start|>{{ m.role }}",
    );
    let elsewhere = probe(&elsewhere, &stops).unwrap_err();
    assert!(
        matches!(elsewhere, DatasetError::ThoughtForm { .. }),
        "{elsewhere}"
    );
    let raises = probe("{{ raise_exception('no') }}", &stops).unwrap_err();
    assert!(matches!(raises, DatasetError::Text { origin: None, .. }));
}

#[test]
fn a_corpus_cannot_make_control_tokens() {
    let tokenizer = tokenizer("smollm");
    let turns = [("Q", "I see <|end|>", "<|end|> and <|start|>user")];
    let found = documents(&tokenizer, CHATML, &turns, HistoryTurns::Learn).unwrap();
    let learnt = ids(&found[0], true);
    let control = learnt
        .iter()
        .filter(|&&id| tokenizer.is_control(id))
        .count();
    assert_eq!(control, 1);
    assert_eq!(
        tokenizer.decode(&learnt, false),
        "<think>\nI see <|end|>\n</think>\n\n<|end|> and <|start|>user<|end|>"
    );
}

#[test]
fn stop_tokens_that_are_text_are_refused_in_a_reply() {
    let tokenizer = tokenizer("qwen2");
    let template = template(CHATML);
    // A word of the vocabulary: what a text gives, not the name of a control token.
    let word = tokenizer.encode("x", SpecialTokens::AsText).unwrap();
    let both = [stop_ids(&tokenizer)[0], word[0]];
    let renderer =
        Renderer::new(student(&tokenizer, &template, &both), HistoryTurns::Learn).unwrap();
    let error = renderer
        .documents(&conversation(&[("Q", "", "x")]))
        .unwrap_err();
    assert!(matches!(&error, DatasetError::StopInside { origin: Some(_), token } if token == "x"));
    assert!(renderer.documents(&conversation(&[("Q", "", "y")])).is_ok());
    // `<think>` would end the reply that it opens.
    let template = common::template(&CHATML.replace("<|end|>", "<think>"));
    let stops = [tokenizer.id_of("<think>").unwrap()];
    let refused = Renderer::new(student(&tokenizer, &template, &stops), HistoryTurns::Learn);
    assert!(matches!(
        refused.map(|_| ()),
        Err(DatasetError::StopInside { .. })
    ));
}

#[test]
fn text_that_the_vocabulary_changes_is_told_and_kept() {
    let tokenizer = tokenizer("qwen2");
    let turns = [("Q", "cafe\u{301}", "e\u{301}")];
    let found = documents(&tokenizer, R1, &turns, HistoryTurns::Learn).unwrap();
    assert!(found[0].inexact);
    let learnt = tokenizer.decode(&ids(&found[0], true), false);
    assert_eq!(learnt, "café\n</think>\n\né<|end|>");
}

#[test]
fn conversations_that_cannot_be_learnt_are_refused() {
    let tokenizer = tokenizer("qwen2");
    let template = template(CHATML);
    let stops = stop_ids(&tokenizer);
    let renderer =
        Renderer::new(student(&tokenizer, &template, &stops), HistoryTurns::Learn).unwrap();
    assert_eq!(renderer.end_text(), "<|end|>");
    let mut greeting = conversation(&[("Q", "", "A")]);
    greeting.messages.remove(0);
    assert!(matches!(
        renderer.documents(&greeting),
        Err(DatasetError::NoPrompt { .. })
    ));
    let mut silent = conversation(&[("Q", "", "A")]);
    silent.messages.truncate(1);
    assert!(matches!(
        renderer.documents(&silent),
        Err(DatasetError::NoReply { .. })
    ));
    let mut tool = conversation(&[("Q", "", "A")]);
    tool.messages[1].content = Some(serde_json::Value::Null);
    assert!(matches!(
        renderer.documents(&tool),
        Err(DatasetError::ToolCall { .. })
    ));
    // A thought that the splitter would end too early.
    let lost = conversation(&[("Q", "a</think>b", "A")]);
    assert!(matches!(
        renderer.documents(&lost),
        Err(DatasetError::ThoughtLost { .. })
    ));
    // An answer that the splitter would take for a thought.
    let taken = conversation(&[("Q", "", "<think>a</think>b")]);
    assert!(renderer.documents(&taken).is_err());
}
