//! Broken connections, reloads in between, and hosts that misbehave. On the CPU, where a load
//! takes no time: the GPU plays no part here.

use std::ops::Range;

use anyhow::{Result, ensure};
use serde_json::json;
use xtask::browser::WebGpu;
use xtask::server::Fault;

use crate::site::{MODEL, Site, large_student, student};
use crate::visit::{LONG, Visit};

/// What is verified at a time; of an interrupted download at most so much comes twice.
const CHUNK: u64 = 4 << 20;

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn goes_on_after_breaks_and_reloads() -> Result<()> {
    let site = Site::new(&large_student())?;
    let bytes = site.bytes()?;
    // Each break lasts: the page gives up and the visitor comes back.
    let visit = Visit::open(&site, WebGpu::NoAdapter)?;
    for (number, percent) in [30, 60, 90].into_iter().enumerate() {
        site.server.inject(
            MODEL,
            Fault::Cut {
                at: bytes * percent / 100,
                times: 1000,
            },
        );
        match number {
            0 => visit.click("get")?,
            _ => visit.click("resume")?,
        }
        visit.fails_with("download")?;
        site.server.heal();
        visit.page.reload()?;
        visit.engine_leaves("starting")?;
    }
    visit.click("resume")?;
    visit.engine_is("ready")?;
    let sent = site.server.hits(MODEL).sent;
    assert_eq!(covered(&sent), 0..bytes);
    let twice = sent
        .iter()
        .map(|range| range.end - range.start)
        .sum::<u64>()
        - bytes;
    ensure!(twice <= 3 * CHUNK, "{twice} bytes came twice: {sent:?}");
    Ok(())
}

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn a_short_break_is_healed_without_the_visitor() -> Result<()> {
    let site = Site::new(&large_student())?;
    let bytes = site.bytes()?;
    site.server.inject(
        MODEL,
        Fault::Cut {
            at: bytes / 2,
            times: 1,
        },
    );
    let visit = Visit::open(&site, WebGpu::NoAdapter)?;
    visit.click("get")?;
    visit.engine_is("ready")?;
    ensure!(site.server.hits(MODEL).requests >= 2);
    Ok(())
}

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn the_second_visit_asks_for_no_weights() -> Result<()> {
    let site = Site::new(&student())?;
    let visit = Visit::with_student(&site, WebGpu::NoAdapter)?;
    site.server.forget();
    visit.page.reload()?;
    visit.engine_is("ready")?;
    assert_eq!(site.server.hits(MODEL).requests, 0);
    visit.ask("Still there?")?;
    visit.answered(0)?;
    ensure!(visit.answer(0)?.contains("four"));

    // It can be deleted, and is gone then.
    visit.click("open-students")?;
    visit.click("delete-stored")?;
    visit.click("confirm-delete")?;
    visit.page.wait_until(
        "!document.querySelector('[data-testid=stored-student]')",
        LONG,
    )?;
    visit.page.reload()?;
    visit.engine_is("empty")
}

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn a_host_without_ranges_will_do() -> Result<()> {
    let site = Site::new(&large_student())?;
    site.server.inject(MODEL, Fault::NoRanges);
    let visit = Visit::with_student(&site, WebGpu::NoAdapter)?;
    visit.ask("Hello?")?;
    visit.answered(0)
}

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn wrong_bytes_are_refused() -> Result<()> {
    let site = Site::new(&student())?;
    let at = site.bytes()? - 1000;
    site.server.inject(MODEL, Fault::FlipByte { at });
    let visit = Visit::open(&site, WebGpu::NoAdapter)?;
    visit.click("get")?;
    let message = visit.fails_with("corrupt")?;
    ensure!(message.to_lowercase().contains("sha-256"), "{message}");
    // From a sound host it comes.
    site.server.heal();
    visit.click("error-retry")?;
    visit.engine_is("ready")
}

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn a_file_that_is_missing_or_short_is_named() -> Result<()> {
    let site = Site::new(&student())?;
    let visit = Visit::open(&site, WebGpu::NoAdapter)?;
    site.server.inject(
        MODEL,
        Fault::Status {
            code: 404,
            times: 1000,
        },
    );
    visit.click("get")?;
    let message = visit.fails_with("download")?;
    ensure!(message.contains("404"), "{message}");
    site.server.heal();
    let bytes = site.bytes()?;
    site.server
        .inject(MODEL, Fault::Short { len: bytes - 4096 });
    visit.click("error-retry")?;
    visit.page.wait_until(
        "document.querySelector('[data-testid=error-message]')?.innerText.includes('404') === false",
        LONG,
    )?;
    ensure!(visit.has("error")?);
    Ok(())
}

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn progress_is_shown_and_can_be_cancelled() -> Result<()> {
    let site = Site::new(&large_student())?;
    site.server.inject(
        MODEL,
        Fault::Slow {
            bytes_per_second: 2 << 20,
        },
    );
    let visit = Visit::open(&site, WebGpu::NoAdapter)?;
    visit.click("get")?;
    visit.sees("download-left")?;
    ensure!(visit.text("download-bytes")?.contains(" of "));
    ensure!(visit.text("download-speed")?.ends_with("/s"));
    visit.click("cancel-download")?;
    visit
        .page
        .wait_until("!document.querySelector('[data-testid=download]')", LONG)?;
    assert_eq!(
        visit
            .page
            .eval("!!document.querySelector('[data-testid=error]')")?,
        json!(false)
    );
    Ok(())
}

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn a_file_of_ones_own_is_taken() -> Result<()> {
    let site = Site::new(&student())?;
    let visit = Visit::open(&site, WebGpu::NoAdapter)?;
    visit.page.choose_files("input[type=file]", &[&site.file])?;
    visit.engine_is("ready")?;
    assert_eq!(site.server.hits(MODEL).requests, 0);
    visit.ask("Hello?")?;
    visit.answered(0)?;
    ensure!(visit.answer(0)?.contains("four"));
    Ok(())
}

/// The one range that these make together; a gap shows as an end too early.
fn covered(ranges: &[Range<u64>]) -> Range<u64> {
    let mut ranges = ranges.to_vec();
    ranges.sort_by_key(|range| range.start);
    let mut end = 0;
    for range in ranges {
        if range.start <= end {
            end = end.max(range.end);
        }
    }
    0..end
}
