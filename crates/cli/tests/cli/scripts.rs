//! The subcommands for scripts: tokenize, render, score, dequantize.

use std::fs;

use retort_formats::{GgmlType, MemorySource, blocks, gguf as format};
use serde_json::json;

use crate::run::{arg, finish, folder, program, retort};
use crate::student::{BEGIN, gguf, header_only, hf_folder, id};

#[test]
fn texts_become_ids_from_a_header_and_from_a_folder() {
    let input = concat!(
        "\"a b\"\n",
        "{\"text\": \"<think>\"}\n",
        "{\"text\": \"<|user|>\", \"special\": false}\n",
        "{\"text\": \"é\", \"add_bos\": true}\n",
    );
    for model in [header_only(), hf_folder()] {
        let lines = retort(&["tokenize", arg(model), "--json"], input)
            .ok()
            .lines();
        let bytes = |text: &str| -> Vec<usize> { text.bytes().map(usize::from).collect() };
        assert_eq!(lines[0], json!({"ids": bytes("a b")}));
        assert_eq!(lines[1], json!({"ids": [id("<think>")]}));
        assert_eq!(lines[2], json!({"ids": bytes("<|user|>")}));
        assert_eq!(
            lines[3],
            json!({"ids": [id(BEGIN), 0xc3, 0xa9]}),
            "{}",
            model.display()
        );
    }
    let table = retort(&["tokenize", arg(header_only())], "a<think>")
        .ok()
        .stdout;
    assert!(
        table.ends_with("2 tokens\n") && table.contains("<think>"),
        "{table}"
    );
}

#[test]
fn a_bad_line_is_answered_with_its_number_and_the_rest_goes_on() {
    let input = "\"a\"\n{\"txt\": 1}\nnonsense\n\"b\"\n";
    let run = retort(&["tokenize", arg(header_only()), "--json"], input);
    assert_eq!(run.code, 1);
    let lines = run.lines();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[1]["line"], 2);
    assert!(
        lines[1]["error"].as_str().unwrap().contains("`text`"),
        "{}",
        lines[1]
    );
    assert_eq!(lines[2]["line"], 3);
    assert_eq!(lines[3], json!({"ids": [98]}));
}

#[test]
fn messages_are_rendered_by_the_models_template_or_another() {
    let input = concat!(
        "[{\"role\": \"user\", \"content\": \"Hi\"}]\n",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}], ",
        "\"add_generation_prompt\": true}\n",
    );
    for model in [header_only(), hf_folder()] {
        let lines = retort(&["render", arg(model), "--json"], input)
            .ok()
            .lines();
        let text = format!("{BEGIN}<|user|>Hi\n");
        assert_eq!(lines[0], json!({"text": text}));
        assert_eq!(
            lines[1],
            json!({"text": format!("{text}<|assistant|><think>\n")})
        );
    }
    let template = folder("render").join("other.jinja");
    let source = "{% if fail %}{{ raise_exception('no') }}{% endif %}{{ eos_token }}{{ extra }}";
    fs::write(&template, source).unwrap();
    let args = [
        "render",
        arg(header_only()),
        "--json",
        "--template",
        arg(&template),
    ];
    let run = retort(
        &args,
        "{\"messages\": [], \"extra\": 7}\n{\"messages\": [], \"fail\": 1}\n",
    );
    assert_eq!(run.code, 1);
    assert_eq!(run.lines()[0], json!({"text": "<|end|>7"}));
    assert!(run.lines()[1]["error"].as_str().unwrap().contains("no"));
}

#[test]
fn scores_are_log_probabilities_of_what_follows() {
    let text = [
        usize::from(b'\n'),
        id("Let me see. "),
        id("It is Paris."),
        id("</think>"),
        65,
    ];
    let input = format!(
        "{}\n{}\n{{}}\n",
        json!({"ids": text}),
        json!({"ids": [4000]})
    );
    let run = retort(&["score", arg(gguf()), "--json", "--top", "2"], &input);
    assert_eq!(run.code, 1);
    let lines = run.lines();
    let positions = lines[0]["positions"].as_array().unwrap();
    assert_eq!(positions.len(), 5);
    let logprob = |at: usize| positions[at]["logprob"].as_f64().unwrap();
    for at in 0..3 {
        assert_eq!(positions[at]["greedy"], text[at + 1]);
        assert!(logprob(at) > -0.01, "{positions:?}");
        assert_eq!(positions[at]["top"][0][0], text[at + 1]);
        assert_eq!(positions[at]["top"].as_array().unwrap().len(), 2);
    }
    // `A` does not follow the thought.
    assert!(logprob(3) < -5.0, "{positions:?}");
    assert!(positions[4]["logprob"].is_null());
    assert!(
        lines[1]["error"].as_str().unwrap().contains("4000"),
        "{}",
        lines[1]
    );
    assert!(
        lines[2]["error"].as_str().unwrap().contains("one of"),
        "{}",
        lines[2]
    );
}

#[test]
fn a_tensor_is_written_as_it_dequantises() {
    let file = fs::read(gguf()).unwrap();
    let source = MemorySource::new(file.clone());
    let header = pollster::block_on(format::read_header(&source)).unwrap();
    let tensor = header.tensor("token_embd.weight").unwrap();
    assert_eq!(tensor.ty.known().unwrap(), GgmlType::Q8_0);
    let mut values = vec![0.0; tensor.elements() as usize];
    let bytes = &file[tensor.offset as usize..][..tensor.bytes as usize];
    blocks::dequantize(GgmlType::Q8_0, bytes, &mut values).unwrap();
    let expected: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let output = finish(
        program(&["dequantize", arg(gguf()), "token_embd.weight"]),
        "",
    );
    assert!(output.status.success());
    assert!(output.stdout == expected, "the bytes differ");
    // The folder has the same values before quantisation: signs.
    let args = ["dequantize", arg(hf_folder()), "model.embed_tokens.weight"];
    let signs: Vec<u8> = values
        .iter()
        .flat_map(|value| value.signum().to_le_bytes())
        .collect();
    let output = finish(program(&args), "");
    assert!(output.stdout == signs, "the bytes differ");

    let missing = retort(&["dequantize", arg(gguf()), "nothing"], "");
    assert_eq!(missing.code, 1);
    assert!(
        missing
            .stderr
            .contains("hint: `retort inspect MODEL --tensors`"),
        "{}",
        missing.stderr
    );
    let header = retort(&["dequantize", arg(header_only()), "token_embd.weight"], "");
    assert_eq!(header.code, 1);
    assert!(
        header.stderr.contains("not in the file"),
        "{}",
        header.stderr
    );
}
