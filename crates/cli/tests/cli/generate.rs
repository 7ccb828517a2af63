//! `retort generate`, and what all subcommands have in common.

use std::fs;
use std::io::Read;

use crate::run::{arg, folder, program, retort};
use crate::student::{ANSWER, END, THOUGHT, endless, gguf};

#[test]
fn the_answer_is_on_stdout_and_the_thought_on_stderr() {
    let model = arg(gguf());
    let run = retort(
        &["generate", model, "-p", "What is the capital of France?"],
        "",
    )
    .ok();
    assert_eq!(run.stdout, "The capital is Paris.\n");
    assert!(
        run.stderr.contains("Let me see. It is Paris."),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("tok/s"), "{}", run.stderr);
}

#[test]
fn json_holds_all_of_the_reply() {
    let args = [
        "generate",
        arg(gguf()),
        "-p",
        "-",
        "--json",
        "--seed",
        "3",
        "--device",
        "cpu",
    ];
    let report = retort(&args, "What is the capital of France?").ok().json();
    // The blank lines before the answer belong to neither.
    assert_eq!(report["answer"], ANSWER.concat().trim_start());
    assert!(
        report["thought"]
            .as_str()
            .unwrap()
            .ends_with(&THOUGHT.concat())
    );
    let text = report["text"].as_str().unwrap();
    assert!(text.ends_with("</think>The capital is Paris."), "{text}");
    assert_eq!(report["stats"]["stop"], "EndOfText");
    assert_eq!(report["sampling"]["seed"], 3);
    assert_eq!(report["model"]["name"], "Tiny");
    // It reasons, so the defaults are those of the R1 students.
    assert_eq!(report["sampling"]["temperature"], 0.6);
}

#[test]
fn a_raw_prompt_is_continued_without_the_template() {
    let args = [
        "generate",
        arg(gguf()),
        "--raw",
        "-p",
        "x\n",
        "--max-tokens",
        "1",
        "--json",
    ];
    let report = retort(&args, "").ok().json();
    assert_eq!(report["text"], THOUGHT[0]);
    assert_eq!(report["stats"]["stop"], "MaxTokens");
    // The beginning of text, `x` and the line break.
    assert_eq!(report["stats"]["prompt_tokens"], 3);
}

#[test]
fn errors_say_what_where_and_what_to_do() {
    let missing = retort(&["generate", "owner/model", "-p", "x"], "");
    assert_eq!(missing.code, 1);
    assert_eq!(missing.stdout, "");
    assert!(
        missing
            .stderr
            .starts_with("error: there is no file or folder `owner/model`")
    );
    assert!(
        missing
            .stderr
            .contains("hint: for the Hugging Face hub write `hf:owner/model`")
    );

    let cut = folder("generate").join("cut.gguf");
    let whole = fs::read(gguf()).unwrap();
    fs::write(&cut, &whole[..whole.len() - 100]).unwrap();
    let cut = retort(&["generate", arg(&cut), "-p", "x"], "");
    assert_eq!(cut.code, 1);
    assert!(cut.stderr.contains("output.weight"), "{}", cut.stderr);
    assert!(
        cut.stderr.contains("hint: the file is incomplete"),
        "{}",
        cut.stderr
    );

    let wrong = retort(&["generate", arg(gguf()), "-p", "x", "--top-p", "3"], "");
    assert_eq!(wrong.code, 1);
    assert!(wrong.stderr.contains("top_p is 3"), "{}", wrong.stderr);
    assert_eq!(retort(&["generate", arg(gguf())], "").code, 2);
}

#[test]
fn every_subcommand_explains_itself_with_an_example() {
    for command in [
        "chat",
        "generate",
        "inspect",
        "tokenize",
        "render",
        "score",
        "dequantize",
    ] {
        let run = retort(&[command, "--help"], "").ok();
        assert!(
            run.stdout.contains(&format!("retort {command} ")),
            "{}",
            run.stdout
        );
        assert!(run.stdout.contains("Examples"), "{}", run.stdout);
    }
    let help = retort(&["--help"], "").ok().stdout;
    assert!(
        help.contains("Exit codes") && !help.contains("bench"),
        "{help}"
    );
}

#[test]
fn bench_measures_in_llama_cpps_protocol() {
    let args = [
        "bench",
        arg(gguf()),
        "--prompt",
        "16,300",
        "--tokens",
        "4",
        "--json",
    ];
    let report = retort(&args, "").ok().json();
    let speed = |value: &serde_json::Value| value.as_f64().unwrap();
    assert!(speed(&report["prefill"]["16"]) > 0.0 && speed(&report["prefill"]["300"]) > 0.0);
    assert_eq!(report["prefill_tok_s"], report["prefill"]["300"]);
    assert!(speed(&report["decode_min"]) <= speed(&report["decode_tok_s"]));
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_the_reply_and_keeps_what_was_said() {
    let mut child = program(&["generate", arg(endless()), "-p", "x"])
        .spawn()
        .unwrap();
    let mut first = [0];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with('\n') && !rest.contains(END), "{rest}");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&output.stderr).contains("stopped"));
}
