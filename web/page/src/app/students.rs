//! Choosing, downloading and deleting students.

use retort_protocol::{Request, Student};

use super::{App, Dialog, Download, Effect, Phase};

impl App {
    pub(super) fn download(&mut self, student: Student) -> Vec<Effect> {
        if self.engine.phase != Phase::Ready || self.engine.download.is_some() {
            return Vec::new();
        }
        self.engine.failure = None;
        self.engine.last_download = Some(student.clone());
        let waiting = Download {
            student: student.clone(),
            progress: None,
            cancelling: false,
        };
        self.engine.download = Some(waiting);
        self.status = format!("Downloading {}", student.name);
        vec![Effect::SendDownload(Box::new(student))]
    }

    pub(super) fn download_url(&mut self) -> Vec<Effect> {
        match student_from_url(&self.url) {
            Ok(student) => {
                self.url.clear();
                self.url_refused = None;
                self.download(student)
            }
            Err(why) => {
                self.url_refused = Some(why);
                vec![Effect::Focus("student-url")]
            }
        }
    }

    pub(super) fn cancel_download(&mut self) -> Vec<Effect> {
        match &mut self.engine.download {
            Some(download) if !download.cancelling => {
                download.cancelling = true;
                vec![Effect::Send(Request::CancelDownload)]
            }
            _ => Vec::new(),
        }
    }

    /// The same download again; it goes on where it stopped. A file has to be chosen again.
    pub(super) fn retry_download(&mut self) -> Vec<Effect> {
        match self.engine.last_download.clone() {
            Some(student) if student.url.starts_with("file:") => vec![Effect::ChooseFile],
            Some(student) => self.download(student),
            None => self.show_students(),
        }
    }

    pub(super) fn show_students(&mut self) -> Vec<Effect> {
        self.dialog = Some(Dialog::Students);
        self.sidebar = false;
        self.deleting = None;
        // Other tabs may have changed the store.
        match self.engine.phase {
            Phase::Ready => vec![Effect::Send(Request::ListStored)],
            _ => Vec::new(),
        }
    }

    pub(super) fn delete_stored(&mut self, id: String) -> Vec<Effect> {
        self.deleting = None;
        if self.engine.phase != Phase::Ready {
            return Vec::new();
        }
        self.status = "Deleted from this device".to_owned();
        vec![Effect::Send(Request::Delete { id })]
    }

    pub(super) fn file_chosen(&mut self, name: &str, bytes: u64) -> Vec<Effect> {
        self.file_hovers = false;
        let student = Student {
            name: name.strip_suffix(".gguf").unwrap_or(name).to_owned(),
            url: format!("file:{name}"),
            bytes: Some(bytes),
            sha256: None,
            manifest: None,
            licence: None,
            note: None,
        };
        let effects = self.download(student);
        if effects.is_empty() {
            self.toast("The engine is busy; drop the file again when it is ready.");
        } else {
            self.dialog = Some(Dialog::Students);
        }
        effects
    }
}

/// A student from what was typed: an http(s) address of a GGUF file, a page of such a file on the
/// Hugging Face hub, or `hf:owner/repo/file.gguf`.
///
/// # Errors
/// What is wrong with it, in words.
pub fn student_from_url(typed: &str) -> Result<Student, &'static str> {
    let typed = typed.trim();
    let url = match typed.strip_prefix("hf:") {
        Some(path) => hub(path).ok_or("Write hf:owner/repository/file.gguf.")?,
        None => typed.to_owned(),
    };
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .ok_or("The address has to begin with https://.")?;
    let (host, path) = rest.split_once('/').ok_or("The address names no file.")?;
    if host.is_empty() || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("This is not an address.");
    }
    let plain = path.split(['?', '#']).next().unwrap_or_default();
    let file = plain.rsplit('/').next().unwrap_or_default();
    let Some(name) = file.strip_suffix(".gguf").filter(|name| !name.is_empty()) else {
        return Err("The address has to lead to a .gguf file.");
    };
    let name = name.to_owned();
    // The page of a file on the hub, where people copy addresses from, is not the file.
    let url = match host {
        "huggingface.co" | "hf.co" => url.replacen("/blob/", "/resolve/", 1),
        _ => url,
    };
    Ok(Student {
        name,
        url,
        bytes: None,
        sha256: None,
        manifest: None,
        licence: None,
        note: None,
    })
}

fn hub(path: &str) -> Option<String> {
    let mut parts = path.splitn(3, '/').filter(|part| !part.is_empty());
    let (owner, repository, file) = (parts.next()?, parts.next()?, parts.next()?);
    Some(format!(
        "https://huggingface.co/{owner}/{repository}/resolve/main/{file}"
    ))
}
