//! Where the interpreter and its library are.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::SandboxError;

/// Asks a Python what to show of it. Only printable lines: the answer is read by position.
const QUESTION: &str = "import os, site, sys
base = getattr(sys, '_base_executable', None) or sys.executable
print('python', *sys.version_info[:2])
print(os.path.realpath(base))
print(os.path.realpath(sys.base_prefix))
print(os.path.realpath(sys.base_exec_prefix))
for path in site.getsitepackages():
    if os.path.isdir(path):
        print(os.path.realpath(path))
";

/// The oldest that the sandbox's own programs are written for.
const OLDEST: (u32, u32) = (3, 8);

/// An interpreter on this machine.
#[derive(Debug)]
pub(crate) struct Interpreter {
    /// The file, without symbolic links.
    pub program: PathBuf,
    /// Files and folders that it needs to be there, whole.
    pub shown: Vec<PathBuf>,
    /// Folders of installed packages.
    pub packages: Vec<PathBuf>,
}

impl Interpreter {
    /// Starts it, outside of any sandbox, with a few lines of our own.
    pub fn ask(program: &Path) -> Result<Self, SandboxError> {
        let output = Command::new(program)
            .args(["-I", "-S", "-c", QUESTION])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| SandboxError::NoInterpreter {
                program: program.to_path_buf(),
                error,
            })?;
        let answer = String::from_utf8_lossy(&output.stdout);
        parse(&answer).ok_or_else(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            let got = match crate::outcome::last_line(&said) {
                Some(line) if !output.status.success() => format!("{}: {line}", output.status),
                _ => format!("it answered `{}`", answer.trim()),
            };
            SandboxError::Interpreter {
                program: program.to_path_buf(),
                got,
            }
        })
    }
}

fn parse(answer: &str) -> Option<Interpreter> {
    let mut lines = answer.lines();
    let mut version = lines.next()?.strip_prefix("python ")?.split(' ');
    let mut number = || version.next()?.parse::<u32>().ok();
    if (number()?, number()?) < OLDEST {
        return None;
    }
    let program = PathBuf::from(lines.next()?);
    let mut shown = vec![program.clone()];
    for _ in 0..2 {
        let prefix = Path::new(lines.next()?);
        if own_folder(prefix) {
            shown.push(prefix.to_path_buf());
        } else {
            // Much else lives under such a prefix; libraries are public by nature.
            shown.push(prefix.join("lib"));
            shown.push(prefix.join("lib64"));
        }
    }
    let packages: Vec<_> = lines.map(PathBuf::from).collect();
    shown.extend(packages.iter().cloned());
    let absolute = shown.iter().all(|path| path.is_absolute());
    absolute.then_some(Interpreter {
        program,
        shown,
        packages,
    })
}

/// Whether a prefix is the interpreter's alone, and may be shown whole.
fn own_folder(prefix: &Path) -> bool {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let shared = ["/", "/usr", "/usr/local", "/opt", "/home", "/root"];
    let contains_home = home.is_some_and(|home| home.starts_with(prefix));
    !contains_home && !shared.iter().any(|folder| prefix == Path::new(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_of_its_own_is_shown_whole() {
        let answer = "python 3 12\n/opt/py/bin/python3.12\n/opt/py\n/opt/py\n";
        let shown = parse(answer).unwrap().shown;
        assert!(shown.contains(&PathBuf::from("/opt/py")), "{shown:?}");
    }

    #[test]
    fn of_a_shared_prefix_only_the_library() {
        let shown = parse("python 3 11\n/usr/bin/python3.11\n/usr\n/usr\n")
            .unwrap()
            .shown;
        assert!(shown.contains(&PathBuf::from("/usr/lib")));
        assert!(shown.contains(&PathBuf::from("/usr/bin/python3.11")));
        assert!(!shown.contains(&PathBuf::from("/usr")));
        assert!(!own_folder(Path::new("/")));
    }

    #[test]
    fn other_programs_are_refused() {
        assert!(parse("").is_none());
        assert!(parse("python 2 7\n/usr/bin/python2\n/usr\n/usr\n").is_none());
        assert!(parse("python 3 11\nbin/python\n/usr\n/usr\n").is_none());
        assert!(parse("hello\n").is_none());
        let missing = Interpreter::ask(Path::new("/nowhere/python3"));
        assert!(matches!(missing, Err(SandboxError::NoInterpreter { .. })));
        let other = Interpreter::ask(Path::new("true"));
        assert!(matches!(other, Err(SandboxError::Interpreter { .. })));
    }
}
