//! Pictures of the page, to be looked at, in `target/screenshots`; and what can be checked without
//! eyes: nothing is wider than the screen, and every control has a name.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde_json::json;
use xtask::browser::WebGpu;
use xtask::server::Fault;
use xtask::student::{Ending, ScriptedStudent};
use xtask::workspace::Workspace;

use crate::site::{MODEL, Site, large_student, student};
use crate::visit::{SHORT, Visit};

const SCREENS: [(&str, u32, u32, bool); 2] =
    [("desktop", 1280, 800, false), ("phone", 390, 844, true)];

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn looks_right_everywhere() -> Result<()> {
    for (screen, width, height, phone) in SCREENS {
        for dark in [false, true] {
            let site = Site::new(&large_student())?;
            let visit = Visit::blank(WebGpu::NoAdapter)?;
            visit.page.resize(width, height, phone)?;
            visit.page.prefer_dark(dark)?;
            let scheme = if dark { "dark" } else { "light" };
            let look = |moment: &str| look(&visit, &format!("{screen}-{scheme}-{moment}"));
            visit.go(&site)?;
            look("welcome")?;

            site.server.inject(
                MODEL,
                Fault::Slow {
                    bytes_per_second: 3 << 20,
                },
            );
            visit.click("get")?;
            visit.sees("download-left")?;
            look("loading")?;
            visit.engine_is("ready")?;
            visit.ask("What is two plus two, and how would you write that in Rust?")?;
            visit.answered(0)?;
            look("answer")?;
            // A fresh page with an empty conversation: on a phone the list that begins one slides in.
            visit
                .page
                .eval("document.querySelector('[data-testid=new-chat]').click()")?;
            visit.click("exercise")?;
            visit.sees("verdict")?;
            let log = "document.querySelector('[data-testid=conversation]')";
            let end = format!("{log}.scrollHeight - {log}.scrollTop - {log}.clientHeight < 2");
            visit.page.wait_until(&end, SHORT)?;
            look("exercise")?;
            visit.click("open-students")?;
            visit.sees("stored")?;
            look("students")?;
            visit.click("close-dialog")?;
            let closed = "!document.querySelector('dialog[open]')";
            visit.page.wait_until(closed, SHORT)?;
            visit.click("open-settings")?;
            visit.sees("engine-facts")?;
            look("settings")?;
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn thinking_and_failing_look_right() -> Result<()> {
    let thought = "I wonder about this and that, and about the other thing too. ".repeat(30);
    let thinker = ScriptedStudent {
        thought,
        ending: Ending::Again,
        ..student()
    };
    for (screen, width, height, phone) in SCREENS {
        let site = Site::unlisted(&thinker)?;
        let visit = Visit::blank(WebGpu::NoAdapter)?;
        visit.page.resize(width, height, phone)?;
        visit.go(&site)?;
        site.server.inject(
            MODEL,
            Fault::Status {
                code: 503,
                times: 1000,
            },
        );
        visit.click("get")?;
        visit.fails_with("download")?;
        look(&visit, &format!("{screen}-light-error"))?;
        site.server.heal();
        visit.click("error-retry")?;
        visit.engine_is("ready")?;
        visit.ask("Think hard.")?;
        visit.page.wait_for("[data-testid=thought-text]", SHORT)?;
        look(&visit, &format!("{screen}-light-thinking"))?;
        visit.click("stop")?;
        visit.answered(0)?;
    }
    Ok(())
}

/// Takes a picture and checks what holds at every moment.
fn look(visit: &Visit, name: &str) -> Result<()> {
    let folder: PathBuf = Workspace::find()?.target.join("screenshots");
    visit.page.screenshot(&folder.join(format!("{name}.png")))?;
    let overflow = visit
        .page
        .eval("document.documentElement.scrollWidth - innerWidth")?;
    ensure!(
        overflow.as_i64() <= Some(0),
        "{name}: {overflow} pixels too wide"
    );
    let nameless = visit.page.eval(
        "[...document.querySelectorAll('button, input, textarea, select')].filter(e => \
         e.checkVisibility({visibilityProperty: true}) && !e.closest('[aria-hidden=true]') && !e.innerText.trim() && !e.labels?.length \
         && !e.getAttribute('aria-label') && !e.title).map(e => e.outerHTML)",
    )?;
    assert_eq!(nameless, json!([]), "{name}: controls without a name");
    Ok(())
}
