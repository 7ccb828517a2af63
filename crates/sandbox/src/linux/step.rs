//! The steps of building a sandbox, so that a child that cannot go on can say where with a number.

macro_rules! steps {
    ($($name:ident = $text:literal,)*) => {
        /// What a child was doing.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Step { $($name,)* }

        impl Step {
            const ALL: &[Self] = &[$(Self::$name,)*];

            /// The step of a number that a child sent.
            pub fn describe(number: u64) -> &'static str {
                let step = usize::try_from(number).ok().and_then(|number| Self::ALL.get(number));
                match step {
                    $(Some(Self::$name) => $text,)*
                    None => "an unknown step",
                }
            }
        }
    };
}

steps! {
    Descriptors = "arranging file descriptors",
    Session = "leaving the terminal",
    PrivateMounts = "making mounts private",
    Root = "mounting an empty root",
    Folder = "making a folder in the new root",
    Show = "a bind mount of the interpreter and its libraries",
    ReadOnly = "making a mount read-only",
    Temporary = "mounting an empty /tmp",
    Files = "writing the program",
    Pivot = "changing to the new root",
    Host = "naming the host",
    Fork = "making the program's process",
    Input = "opening the input",
    Limits = "setting resource limits",
    Privileges = "giving up privileges",
    Filter = "filtering system calls",
    Execute = "starting the interpreter",
}
