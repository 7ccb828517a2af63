//! Damaged files, no WebGPU, a lost device: said in words, with a way out.

use anyhow::{Result, ensure};
use xtask::browser::WebGpu;
use xtask::student::{Ending, ScriptedStudent};

use crate::site::{Site, student};
use crate::visit::{SHORT, Visit};

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn a_damaged_file_is_named_by_its_field() -> Result<()> {
    // The list states no hash, so that the damage reaches the reader.
    let site = Site::unlisted(&student())?;
    let mut bytes = std::fs::read(&site.file)?;
    let name = b"blk.1.ffn_up.weight";
    let at = bytes
        .windows(name.len())
        .position(|window| window == name)
        .unwrap();
    // The tensor's first dimension becomes absurd.
    let dimension = at + name.len() + 4;
    bytes[dimension + 4] = 0xff;
    std::fs::write(&site.file, bytes)?;
    let visit = Visit::open(&site, WebGpu::NoAdapter)?;
    visit.click("get")?;
    let message = visit.fails_with("corrupt")?;
    ensure!(message.contains("blk.1.ffn_up.weight"), "{message}");
    ensure!(!visit.text("error-hint")?.is_empty());
    Ok(())
}

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn something_else_than_a_model_is_refused() -> Result<()> {
    let site = Site::unlisted(&student())?;
    std::fs::write(
        &site.file,
        "<!doctype html><title>Sign in</title>".repeat(100),
    )?;
    let visit = Visit::open(&site, WebGpu::NoAdapter)?;
    visit.click("get")?;
    visit.fails_with("corrupt")?;
    Ok(())
}

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn an_unknown_architecture_is_named() -> Result<()> {
    let site = Site::unlisted(&student())?;
    let bytes = std::fs::read(&site.file)?;
    let at = bytes
        .windows(5)
        .position(|window| window == b"qwen2")
        .unwrap();
    let mut changed = bytes;
    changed[at..at + 5].copy_from_slice(b"mamba");
    std::fs::write(&site.file, changed)?;
    let visit = Visit::open(&site, WebGpu::NoAdapter)?;
    visit.click("get")?;
    let message = visit.fails_with("unsupported")?;
    ensure!(message.contains("mamba"), "{message}");
    Ok(())
}

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn without_webgpu_the_cpu_answers_and_says_so() -> Result<()> {
    for webgpu in [WebGpu::Absent, WebGpu::NoAdapter] {
        let site = Site::new(&student())?;
        let visit = Visit::with_student(&site, webgpu)?;
        visit.sees("cpu-banner")?;
        ensure!(visit.text("cpu-banner")?.contains("CPU"));
        visit.ask("What is two plus two?")?;
        visit.answered(0)?;
        ensure!(
            visit.answer(0)?.starts_with("The answer is four."),
            "{webgpu:?}"
        );
    }
    Ok(())
}

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn a_lost_device_keeps_the_chat() -> Result<()> {
    let endless = ScriptedStudent {
        ending: Ending::Again,
        ..student()
    };
    let site = Site::new(&endless)?;
    let visit = Visit::with_student(&site, WebGpu::Software)?;
    visit.ask("Go on and on.")?;
    visit.page.wait_until(
        "document.querySelector('[data-testid=answer-text]')?.innerText.includes('answer is')",
        SHORT,
    )?;
    visit.browser.crash_gpu()?;
    visit.fails_with("device-lost")?;
    visit.engine_is("dead")?;
    ensure!(
        visit.text("question-text")?.contains("on and on"),
        "the question is gone"
    );
    ensure!(
        visit.answer(0)?.contains("answer is"),
        "what was answered is gone"
    );
    // The way out.
    visit.click("error-reload")?;
    visit.engine_is("ready")?;
    visit.ask("And now?")?;
    visit.page.wait_until(
        "document.querySelectorAll('[data-testid=answer]')[1]?.dataset.state === 'answering'",
        SHORT,
    )?;
    visit.click("stop")?;
    visit.answered(1)
}
