//! The sandbox as it is handed out, on every system.

use std::path::Path;

use crate::{Limits, Outcome, SandboxError};

/// A place where generated programs may run. There is one only if escapes were attempted and held.
///
/// Cheap to share: `&Sandbox` may be used from any number of threads at once.
#[derive(Debug)]
pub struct Sandbox {
    #[cfg(target_os = "linux")]
    jail: crate::linux::Jail,
    /// There is no sandbox on other systems.
    #[cfg(not(target_os = "linux"))]
    never: std::convert::Infallible,
}

impl Sandbox {
    /// A sandbox with the `python3` of the search path, after a trial: a program that attempts to
    /// get out in a dozen ways. Takes some tenths of a second.
    ///
    /// # Errors
    /// On systems other than Linux, without an interpreter, where the kernel (or the container
    /// around) refuses namespaces, and when any escape succeeds.
    pub fn detect() -> Result<Self, SandboxError> {
        Self::with_interpreter(Path::new("python3"))
    }

    /// The same with an interpreter of choice: a path, or a name in the search path. Only the
    /// standard library and what is installed beside it can be imported: of a virtual environment,
    /// its base is used.
    ///
    /// # Errors
    /// As [`Sandbox::detect`].
    #[cfg(target_os = "linux")]
    pub fn with_interpreter(python: &Path) -> Result<Self, SandboxError> {
        let interpreter = crate::interpreter::Interpreter::ask(python)?;
        let sandbox = Self {
            jail: crate::linux::Jail::new(&interpreter)?,
        };
        crate::probe::attempt_escapes(&sandbox)?;
        Ok(sandbox)
    }

    /// Always an error: other systems than Linux have no containment that is used here.
    ///
    /// # Errors
    /// [`SandboxError::OtherSystem`].
    #[cfg(not(target_os = "linux"))]
    pub fn with_interpreter(_python: &Path) -> Result<Self, SandboxError> {
        Err(SandboxError::OtherSystem {
            system: std::env::consts::OS,
        })
    }

    /// Runs a Python program to its end or to a limit, and then kills whatever it left behind.
    ///
    /// The program is `__main__`, starts in an empty `/tmp`, finds neither `/proc` nor `/dev/shm`
    /// (so `multiprocessing` has no locks; `subprocess` and threads work), and cannot open sockets.
    ///
    /// # Errors
    /// When no process could be made or contained ([`SandboxError::Containment`]): that says
    /// nothing about the program, which did not run.
    #[cfg(target_os = "linux")]
    pub fn run(
        &self,
        program: &str,
        stdin: &str,
        limits: &Limits,
    ) -> Result<Outcome, SandboxError> {
        self.jail.run(program, stdin, limits)
    }

    /// Cannot be called: there is no sandbox on this system.
    ///
    /// # Errors
    /// None.
    #[cfg(not(target_os = "linux"))]
    pub fn run(
        &self,
        _program: &str,
        _stdin: &str,
        _limits: &Limits,
    ) -> Result<Outcome, SandboxError> {
        match self.never {}
    }
}
