//! The one error type of this crate: why nothing was run.

use std::io;
use std::path::PathBuf;

/// Why a program was not run. A program that ran and failed is an [`crate::Outcome`], not an error.
///
/// The message is complete, with the cause; [`SandboxError::hint`] says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    #[error("generated programs are not run on {system}: only Linux can contain them")]
    OtherSystem {
        /// As in [`std::env::consts::OS`].
        system: &'static str,
    },

    #[error("the Python interpreter `{}` cannot be started: {error}", program.display())]
    NoInterpreter { program: PathBuf, error: io::Error },

    #[error("`{}` is no usable Python interpreter: {got}", program.display())]
    Interpreter { program: PathBuf, got: String },

    #[error("the kernel does not let a sandbox be made: {step}: {error}")]
    Containment {
        /// What was being done, as in "a bind mount of the interpreter".
        step: &'static str,
        error: io::Error,
    },

    #[error("the sandbox does not hold: {attempt}: {detail}")]
    Leaks {
        /// The escape that succeeded.
        attempt: String,
        detail: String,
    },

    #[error("the trial program did not run to its end in the sandbox: {got}")]
    Trial { got: String },
}

impl SandboxError {
    /// A step that has nothing to do with the kernel's permission.
    pub(crate) const TRIAL_FOLDER: &str = "making a folder for the trial";

    /// How to fix it, where there is something to say beyond the message.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::OtherSystem { .. } => {
                "verify code on a Linux machine, in WSL 2 or in a Linux virtual machine"
            }
            Self::NoInterpreter { .. } => {
                "install Python 3.8 or later (`python3`), or name an interpreter"
            }
            Self::Interpreter { .. } => {
                "expected a CPython 3.8 or later in a folder of its own or under /usr, readable by \
                 everyone"
            }
            Self::Containment { step, .. } if *step == Self::TRIAL_FOLDER => {
                "the folder for temporary files (TMPDIR) must be there and writable"
            }
            Self::Containment { error, .. } => match error.raw_os_error() {
                // EPERM, EACCES, EINVAL, ENOSPC, EUSERS: how kernels refuse namespaces.
                Some(1 | 13 | 22 | 28 | 87) => {
                    "user namespaces must be allowed (sysctl user.max_user_namespaces above 0, \
                     kernel.apparmor_restrict_unprivileged_userns=0 where it exists); in a container \
                     their creation and `mount` must not be filtered"
                }
                // ENOSYS
                Some(38) => "Linux 5.14 or later is needed, with seccomp filters compiled in",
                // EAGAIN, ENOMEM, ENFILE, EMFILE
                Some(11 | 12 | 23 | 24) => {
                    "the machine is out of processes, memory or open files: run fewer at once"
                }
                _ => return None,
            },
            Self::Leaks { attempt, .. } if attempt == "forks" => {
                "the kernel does not count the processes of root who cannot become another user: \
                 run as an ordinary user, or as root with all capabilities"
            }
            Self::Leaks { .. } => {
                "do not run generated code on this machine; if this is an ordinary Linux 5.14 or \
                 later, it is a bug: please report it"
            }
            Self::Trial { .. } => {
                "check that the interpreter and its library are readable by everyone, as the program \
                 runs without its user's rights"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_to_do() {
        for number in [1, 11, 22, 28, 38] {
            let error = SandboxError::Containment {
                step: "new namespaces",
                error: io::Error::from_raw_os_error(number),
            };
            assert!(error.to_string().contains("new namespaces"), "{error}");
            assert!(error.hint().is_some(), "{error}");
        }
        let error = SandboxError::OtherSystem { system: "windows" };
        assert!(error.to_string().contains("windows"));
        assert!(error.hint().is_some());
    }
}
