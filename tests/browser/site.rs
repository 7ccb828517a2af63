//! The built page, served with a student that the test made.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use xtask::fetch::sha256;
use xtask::server::Server;
use xtask::student::{Ending, ScriptedStudent};
use xtask::workspace::Workspace;

use crate::setup::Folder;

/// Where the student is.
pub const MODEL: &str = "/models/scripted.gguf";

/// The student's name in the list.
pub const NAME: &str = "Scripted";

/// What it thinks and answers: Markdown with bold words, mathematics and code.
pub const THOUGHT: &str =
    "Somebody asks me something. I know one text, so I will recite it, after a little thinking.";
pub const ANSWER: &str = "The answer is **four**. From $x^2 = 16$ it follows that\n\n\
$$x = \\pm\\sqrt{16}$$\n\nand in Rust:\n\n```rust\nfn four() -> u32 { 2 + 2 }\n```\n\nThat is all.";

/// A student that recites and stops.
pub fn student() -> ScriptedStudent {
    ScriptedStudent {
        thought: THOUGHT.to_owned(),
        answer: ANSWER.to_owned(),
        ending: Ending::Stop,
        padding: 0,
        seed: 1,
    }
}

/// A student of some 13 MB: four chunks of a download.
pub fn large_student() -> ScriptedStudent {
    ScriptedStudent {
        padding: 24_000,
        ..student()
    }
}

/// A server with the page, a list of one student, and its file.
pub struct Site {
    pub server: Server,
    /// The student's file, to be damaged before the page asks for it.
    pub file: PathBuf,
    folder: Folder,
}

impl Site {
    /// The list states the file's size and hash.
    pub fn new(student: &ScriptedStudent) -> Result<Self> {
        let site = Self::unlisted(student)?;
        let bytes = site.file.metadata()?.len();
        site.list(&json!({ "bytes": bytes, "sha256": sha256(&site.file)? }))?;
        Ok(site)
    }

    /// The list gives name and address only.
    pub fn unlisted(student: &ScriptedStudent) -> Result<Self> {
        let dist = Workspace::find()?.dist;
        ensure!(
            dist.join("index.html").is_file(),
            "no page: cargo xtask page"
        );
        let folder = Folder::new("site")?;
        let file = folder.path().join("scripted.gguf");
        student.write(&file)?;
        let list = folder.path().join("students.json");
        let mounts = [
            ("/", dist.as_path()),
            (MODEL, &file),
            ("/students.json", &list),
        ];
        std::fs::write(&list, "[]")?;
        let server = Server::start(0, &mounts)?;
        let site = Self {
            server,
            file,
            folder,
        };
        site.list(&json!({}))?;
        Ok(site)
    }

    /// Lists the student with these fields beside name and address.
    pub fn list(&self, fields: &Value) -> Result<()> {
        let mut entry = json!({ "name": NAME, "url": self.server.url(MODEL) });
        for (key, value) in fields.as_object().into_iter().flatten() {
            entry[key] = value.clone();
        }
        let list = serde_json::to_vec(&json!([entry]))?;
        std::fs::write(self.folder.path().join("students.json"), list)?;
        Ok(())
    }

    pub fn bytes(&self) -> Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}
