//! The page's engine against transformers in f32, on both of its devices: `tests/golden/make.py`
//! wrote what is expected.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use retort_formats::hf::read_safetensors_header;
use retort_formats::{FileSource, Source};
use serde_json::json;
use xtask::app::App;
use xtask::browser::WebGpu;
use xtask::server::Server;
use xtask::workspace::Workspace;

use crate::setup::browser;
use crate::visit::LONG;

const FILE: &str = "/models/golden.gguf";

#[test]
#[ignore = "needs the page: cargo xtask test --only page,browser"]
fn both_devices_equal_transformers() -> Result<()> {
    for name in ["qwen2", "llama"] {
        let golden = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where"))
            .join(format!("../golden/{name}"));
        let model = golden.join("model.gguf");
        let (ids, expected) = expected(&golden.join("golden.safetensors"))?;
        let vocabulary = expected.len() / ids.len();
        let dist = Workspace::find()?.dist;
        let server = Server::start(0, &[("/", &dist), (FILE, &model)])?;
        for webgpu in [WebGpu::NoAdapter, WebGpu::Software] {
            let browser = browser(webgpu)?;
            let app = App::open(&browser, &server.url("/"))?;
            app.load(name, &server.url(FILE), LONG)?;
            let positions = app.score(&json!(ids), vocabulary, LONG)?;
            let positions = positions.as_array().context("no positions")?;
            ensure!(
                positions.len() == ids.len(),
                "{} positions",
                positions.len()
            );
            let mut difference = 0.0f64;
            for (position, logits) in positions.iter().zip(expected.chunks_exact(vocabulary)) {
                let log_z = logits.iter().map(|x| x.exp()).sum::<f64>().ln();
                let top = position["top"].as_array().context("no scores")?;
                ensure!(top.len() == vocabulary, "{} scores", top.len());
                for score in top {
                    let id = score[0].as_u64().context("no id")? as usize;
                    let log_p = score[1].as_f64().context("no log-probability")?;
                    difference = difference.max((log_p - (logits[id] - log_z)).abs());
                }
            }
            println!("{name}, {webgpu:?}: log-probabilities differ by at most {difference:.2e}");
            ensure!(difference < 1e-3, "{name}, {webgpu:?}: {difference}");
        }
    }
    Ok(())
}

/// The first of the two sequences: its ids, and logits [ids, vocabulary].
fn expected(path: &Path) -> Result<(Vec<u32>, Vec<f64>)> {
    let source = FileSource::open(path)?;
    let header = pollster::block_on(read_safetensors_header(&source))?;
    let read = |name: &str| -> Result<Vec<[u8; 4]>> {
        let tensor = header.tensors.iter().find(|tensor| tensor.name == name);
        let tensor = tensor.with_context(|| format!("no {name}"))?;
        let mut bytes = vec![0; tensor.bytes as usize / 2];
        pollster::block_on(source.read_at(tensor.offset, &mut bytes))?;
        Ok(bytes.as_chunks().0.to_vec())
    };
    let ids = read("ids")?.into_iter().map(u32::from_le_bytes);
    let logits = read("logits")?.into_iter();
    Ok((
        ids.collect(),
        logits.map(|x| f64::from(f32::from_le_bytes(x))).collect(),
    ))
}
