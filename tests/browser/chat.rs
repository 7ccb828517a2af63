//! Load, ask, think, answer, stop, and the second turn.

use anyhow::{Result, ensure};
use serde_json::json;
use xtask::browser::WebGpu;
use xtask::student::{Ending, ScriptedStudent};

use crate::site::{NAME, Site, THOUGHT, student};
use crate::visit::{SHORT, Visit};

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn thinks_and_answers_on_webgpu() -> Result<()> {
    let site = Site::new(&student())?;
    let visit = Visit::with_student(&site, WebGpu::Software)?;
    ensure!(visit.text("student-name")?.contains(NAME));
    ensure!(!visit.has("cpu-banner")?, "it says that it runs on the CPU");
    visit.ask("What is two plus two?")?;
    visit.answered(0)?;
    recited(&visit, 0)?;

    // Its figures.
    ensure!(
        visit.text("speed")?.contains("/s"),
        "{}",
        visit.text("speed")?
    );
    visit.sees("first-token")?;
    // What it runs on, and that f32 shaders were enough: this adapter has no f16.
    visit.click("open-settings")?;
    visit.sees("engine-facts")?;
    ensure!(
        visit
            .text("adapter")?
            .to_lowercase()
            .contains("swiftshader")
    );
    assert_eq!(visit.text("f16")?, "no");
    Ok(())
}

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn an_exercise_is_checked_and_another_follows() -> Result<()> {
    let site = Site::new(&student())?;
    let visit = Visit::with_student(&site, WebGpu::NoAdapter)?;
    visit.click("exercise")?;
    visit.answered(0)?;
    let judged = || -> Result<()> {
        visit.sees("verdict")?;
        let words = visit.text("verdict")?;
        let right = visit.page.has("[data-testid=verdict][data-right=true]")?;
        // It recites the same to every problem, which may be right once in a while.
        ensure!(words.contains("Right.") == right, "{words}");
        ensure!(right || words.contains("answer is"), "{words}");
        Ok(())
    };
    judged()?;
    // The verdict is kept with the conversation.
    visit.page.reload()?;
    visit.engine_is("ready")?;
    judged()?;
    visit.click("another-exercise")?;
    visit.answered(1)?;
    let verdicts = "document.querySelectorAll('[data-testid=verdict]').length";
    assert_eq!(visit.page.eval(verdicts)?, json!(2));
    Ok(())
}

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn answers_a_second_turn_and_again() -> Result<()> {
    let site = Site::new(&student())?;
    let visit = Visit::with_student(&site, WebGpu::NoAdapter)?;
    for (turn, question) in ["First?", "Second?"].into_iter().enumerate() {
        visit.ask(question)?;
        visit.answered(turn)?;
        recited(&visit, turn)?;
    }
    // The second prompt begins with the first: what the cache held of it was not computed again.
    let stats = visit.page.eval("wire.stats")?;
    ensure!(stats["reused_tokens"].as_u64() > Some(0), "{stats}");

    visit.page.eval("wire.stats = null")?;
    visit.click("regenerate")?;
    visit.page.wait_until("wire.stats", SHORT)?;
    visit.answered(1)?;
    recited(&visit, 1)?;
    let questions = visit
        .page
        .eval("document.querySelectorAll('[data-testid=question]').length")?;
    assert_eq!(questions, json!(2));

    // The conversation outlives the page.
    visit.page.reload()?;
    visit.engine_is("ready")?;
    visit.click("chat")?;
    visit.answered(1)?;
    recited(&visit, 0)
}

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn stops_and_goes_on() -> Result<()> {
    let endless = ScriptedStudent {
        ending: Ending::Again,
        ..student()
    };
    let site = Site::new(&endless)?;
    let visit = Visit::with_student(&site, WebGpu::NoAdapter)?;
    visit.ask("Go on and on.")?;
    visit
        .page
        .wait_for("[data-testid=answer][data-state=answering]", SHORT)?;
    visit.click("stop")?;
    visit.answered(0)?;
    // What was said stays, and the engine answers the next question.
    ensure!(visit.answer(0)?.contains("four"));
    visit.ask("And now?")?;
    visit.page.wait_until(
        "document.querySelectorAll('[data-testid=answer]')[1]?.dataset.state === 'answering'",
        SHORT,
    )?;
    visit.click("stop")?;
    visit.answered(1)
}

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn does_not_grow_in_thirty_turns() -> Result<()> {
    let site = Site::new(&student())?;
    let visit = Visit::with_student(&site, WebGpu::NoAdapter)?;
    let mut memory = Vec::new();
    for turn in 0..30 {
        visit.ask(&format!("Question number {turn}?"))?;
        visit.answered(turn)?;
        memory.push(visit.in_worker("retortEngine.memory.buffer.byteLength")?);
    }
    recited(&visit, 29)?;
    // The KV cache doubles until it holds the context; from then on nothing but the messages, a
    // few kilobytes, is new.
    let bytes = |turn: usize| memory[turn].as_u64().unwrap_or(u64::MAX);
    ensure!(
        bytes(29) < bytes(16) + (2 << 20),
        "wasm memory grew: {memory:?}"
    );
    Ok(())
}

/// The answer is the student's text, formatted; the thought can be opened.
fn recited(visit: &Visit, number: usize) -> Result<()> {
    let answer = visit.answer(number)?;
    ensure!(answer.starts_with("The answer is four."), "{answer}");
    ensure!(answer.contains("fn four() -> u32 { 2 + 2 }"), "{answer}");
    ensure!(answer.ends_with("That is all."), "{answer}");
    let article = format!("document.querySelectorAll('[data-testid=answer]')[{number}]");
    let parts = visit.page.eval(&format!(
        "['strong', 'math', 'math[display=block]', 'pre code'].map(tag => \
         !!{article}.querySelector('[data-testid=answer-text] ' + tag))"
    ))?;
    assert_eq!(
        parts,
        json!([true, true, true, true]),
        "strong, math, display math, code"
    );

    let toggle = format!("{article}.querySelector('[data-testid=thought-toggle]')");
    let thought = format!("{article}.querySelector('[data-testid=thought-text]')");
    visit
        .page
        .eval(&format!("if (!{thought}) {toggle}.click()"))?;
    visit.page.wait_until(&thought, SHORT)?;
    assert_eq!(
        visit.page.eval(&format!("{thought}.innerText.trim()"))?,
        json!(THOUGHT)
    );
    Ok(())
}
