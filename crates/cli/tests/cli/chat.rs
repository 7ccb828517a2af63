//! `retort chat` with piped input.

use std::fs;

use crate::run::{arg, folder, retort};
use crate::student::gguf;

const ANSWER: &str = "The capital is Paris.\n";

#[test]
fn each_line_is_a_turn_and_the_second_reuses_the_cache() {
    let run = retort(&["chat", arg(gguf())], "France?\n\nReally?\n/stats\n").ok();
    assert_eq!(run.stdout, ANSWER.repeat(2));
    let reused = run
        .stderr
        .split("tokens, ")
        .nth(1)
        .and_then(|text| text.split(' ').next());
    let reused: usize = reused.unwrap().parse().unwrap();
    // At least the beginning of text, the mark of the user, the first question.
    assert!(reused >= 9, "{}", run.stderr);
}

#[test]
fn commands_change_the_conversation() {
    let saved = folder("chat").join("saved.json");
    let input = format!(
        "/system Be brief.\n/set temperature 0\n/set\nFrance?\n/regen\n/save {}\n/clear\n/stats\n\
         /system\n/exit\nnot read\n",
        arg(&saved)
    );
    let run = retort(&["chat", arg(gguf()), "--seed", "5"], &input).ok();
    assert_eq!(run.stdout, ANSWER.repeat(2));
    assert!(
        run.stderr.contains("temperature 0  top_k"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("no reply yet"), "{}", run.stderr);
    assert!(run.stderr.contains("Be brief."), "{}", run.stderr);
    let saved: serde_json::Value = serde_json::from_slice(&fs::read(&saved).unwrap()).unwrap();
    let roles: Vec<_> = saved["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["role"])
        .collect();
    assert_eq!(roles, ["system", "user", "assistant"]);
    assert_eq!(saved["messages"][2]["content"], "The capital is Paris.");
    assert_eq!(
        saved["messages"][2]["reasoning_content"],
        "Let me see. It is Paris."
    );
    // Another answer takes the next seed.
    assert_eq!(saved["sampling"]["seed"], 6);
}

#[test]
fn a_failed_turn_is_taken_back_and_the_rest_goes_on() {
    let long = "x".repeat(3000);
    let input = format!("/nothing\n/regen\n{long}\nFrance?\n");
    let run = retort(&["chat", arg(gguf())], &input);
    assert_eq!(run.code, 1);
    assert_eq!(run.stdout, ANSWER);
    assert!(
        run.stderr.contains("error: `/nothing` is no command"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("error: there is no answer yet"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("the context holds 2048"),
        "{}",
        run.stderr
    );
}

#[test]
fn hidden_thoughts_are_not_shown() {
    let run = retort(&["chat", arg(gguf()), "--think", "hide"], "France?\n").ok();
    assert_eq!(run.stdout, ANSWER);
    assert!(!run.stderr.contains("Let me see"), "{}", run.stderr);
}
