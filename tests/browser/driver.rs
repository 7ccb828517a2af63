//! The driver itself, on a page of its own: if this fails, look here before at the product.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use xtask::browser::{Page, WebGpu};
use xtask::server::Server;

use crate::setup::{Folder, browser};

const SHORT: Duration = Duration::from_secs(20);

const PAGE: &str = r#"<!doctype html><title>driver</title>
<meta name="viewport" content="width=device-width"><style>p { height: 2000px }</style>
<p></p><input id="words"><input id="file" type="file"><button onclick="say()">Say</button>
<output hidden></output><script>
const worker = new Worker('worker.js');
worker.onmessage = m => { document.title = m.data };
function say() {
  const out = document.querySelector('output');
  out.textContent = words.value + ' ' + (file.files[0]?.name ?? 'none');
  setTimeout(() => { out.hidden = false }, 100);
  console.warn('said', words.value);
}
</script>"#;

const WORKER: &str = "postMessage(self.prelude ?? 'none'); console.log('worker is up');";

/// Serves the page to one tab.
fn with_page(webgpu: WebGpu, test: impl FnOnce(&Page, &Server) -> Result<()>) -> Result<()> {
    let folder = Folder::new("driver")?;
    std::fs::write(folder.path().join("index.html"), PAGE)?;
    std::fs::write(folder.path().join("worker.js"), WORKER)?;
    let server = Server::start(0, &[("/", folder.path())])?;
    let browser = browser(webgpu)?;
    let page = browser.page()?;
    test(&page, &server)?;
    let memory = browser.memory();
    assert!(
        !cfg!(target_os = "linux") || memory.renderer > 1 << 20,
        "{memory:?}"
    );
    Ok(())
}

#[test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
fn acts_like_a_user() -> Result<()> {
    with_page(WebGpu::Software, |page, server| {
        page.before_worker("self.prelude = 'from us'");
        page.goto(&server.url("/"))?;
        page.wait_until("document.title === 'from us'", SHORT)?;
        assert_eq!(page.workers().len(), 1);
        assert_eq!(
            page.workers()[0].eval("self.prelude + 1")?,
            json!("from us1")
        );

        let folder = Folder::new("upload")?;
        let file = folder.path().join("model.gguf");
        std::fs::write(&file, "GGUF")?;
        page.choose_files("#file", &[&file])?;
        page.fill("#words", "first")?;
        page.fill("#words", "hello")?;
        page.click("button")?;
        page.wait_for("output", SHORT)?;
        assert_eq!(page.text("output")?, "hello model.gguf");

        page.reload()?;
        page.wait_until("document.title === 'from us'", SHORT)?;
        assert_eq!(page.eval("words.value")?, json!(""));
        assert_eq!(page.workers().len(), 1, "the old worker is gone");
        let console = page.console();
        assert!(
            console.contains(&"[warning] said hello".to_owned()),
            "{console:?}"
        );
        assert!(
            console.contains(&"[log] worker is up".to_owned()),
            "{console:?}"
        );
        Ok(())
    })
}

#[test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
fn emulates_phones_and_the_dark() -> Result<()> {
    with_page(WebGpu::Software, |page, server| {
        page.resize(390, 844, true)?;
        page.prefer_dark(true)?;
        page.before_page("window.early = document.title")?;
        page.goto(&server.url("/"))?;
        let seen = page.eval(
            "[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, window.early]",
        )?;
        assert_eq!(seen, json!([390, true, ""]));
        let picture = Folder::new("picture")?;
        let file = picture.path().join("phone.png");
        page.screenshot(&file)?;
        // Width and height in pixels, big-endian, at 16 and 20.
        let png = std::fs::read(&file)?;
        assert_eq!(png[16..24], [0, 0, 3, 12, 0, 0, 6, 152]);
        Ok(())
    })
}

#[test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
fn says_what_it_waited_for() -> Result<()> {
    with_page(WebGpu::Software, |page, server| {
        page.goto(&server.url("/"))?;
        let error = page
            .wait_for("#absent", Duration::from_millis(200))
            .unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.contains("#absent") && error.contains("Say"),
            "{error}"
        );
        let error = page.eval("nothing.at.all").unwrap_err().to_string();
        assert!(error.contains("nothing is not defined"), "{error}");
        Ok(())
    })
}

#[test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
fn webgpu_is_as_asked_for() -> Result<()> {
    let ask = "(async () => { if (!navigator.gpu) return 'no gpu'; \
               const a = await navigator.gpu.requestAdapter(); \
               return a ? [a.info.architecture, a.features.has('shader-f16')] : null })()";
    for (webgpu, expected) in [
        (WebGpu::Software, json!(["swiftshader", false])),
        (WebGpu::NoAdapter, Value::Null),
        (WebGpu::Absent, json!("no gpu")),
    ] {
        with_page(webgpu, |page, server| {
            page.goto(&server.url("/"))?;
            assert_eq!(page.eval(ask)?, expected, "{webgpu:?}");
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
#[ignore = "needs Chromium: cargo xtask test --only browser"]
fn a_crashed_gpu_loses_devices() -> Result<()> {
    let folder = Folder::new("crash")?;
    std::fs::write(folder.path().join("index.html"), PAGE)?;
    std::fs::write(folder.path().join("worker.js"), WORKER)?;
    let server = Server::start(0, &[("/", folder.path())])?;
    let browser = browser(WebGpu::Software)?;
    let page = browser.page()?;
    page.goto(&server.url("/"))?;
    page.eval(
        "(async () => { const a = await navigator.gpu.requestAdapter(); \
         const d = await a.requestDevice(); d.lost.then(i => { window.lost = i.reason }) })()",
    )?;
    browser.crash_gpu()?;
    page.wait_until("window.lost === 'unknown'", SHORT)?;
    Ok(())
}
