//! Lines of a chat: something to say, or a command.

use std::path::PathBuf;

use anyhow::Result;

use crate::failure::Failure;
use crate::screen::Thought;

pub const HELP: &str = "\
  /system TEXT      sets the system prompt (without TEXT: shows it)
  /clear            starts a new conversation; the system prompt stays
  /regen            another answer to the last question (with the next seed)
  /save FILE        writes the conversation: Markdown if FILE ends in .md, else JSON
  /set              shows the sampling settings
  /set NAME VALUE   changes one: temperature, top_k, top_p, min_p, repetition_penalty,
                    seed, max_tokens
  /think show|hide  shows thoughts, or only their length
  /stats            figures of the last reply and of the context
  /exit             ends (Ctrl-D too)
  //...             says what follows the first slash";

/// What a line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Say(String),
    Help,
    /// Without a text: show it.
    System(Option<String>),
    Clear,
    Regenerate,
    Save(PathBuf),
    Settings,
    Set {
        name: String,
        value: String,
    },
    Think(Thought),
    Stats,
    Exit,
}

impl Command {
    /// Reads a line that is not blank.
    pub fn parse(line: &str) -> Result<Self> {
        let Some(rest) = line.trim_start().strip_prefix('/') else {
            return Ok(Self::Say(line.to_owned()));
        };
        if rest.starts_with('/') {
            return Ok(Self::Say(rest.to_owned()));
        }
        let (name, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let argument = argument.trim();
        Ok(match (name, argument) {
            ("help", "") => Self::Help,
            ("system", "") => Self::System(None),
            ("system", text) => Self::System(Some(text.to_owned())),
            ("clear", "") => Self::Clear,
            ("regen", "") => Self::Regenerate,
            ("save", path) if !path.is_empty() => Self::Save(path.into()),
            ("set", "") => Self::Settings,
            ("set", setting) => match setting.split_whitespace().collect::<Vec<_>>()[..] {
                [name, value] => Self::Set {
                    name: name.into(),
                    value: value.into(),
                },
                _ => return Err(usage("/set takes a name and a value")),
            },
            ("think", "show") => Self::Think(Thought::Show),
            ("think", "hide") => Self::Think(Thought::Hide),
            ("think", _) => return Err(usage("/think takes `show` or `hide`")),
            ("stats", "") => Self::Stats,
            ("exit" | "quit", "") => Self::Exit,
            _ => return Err(usage(format!("`/{rest}` is no command"))),
        })
    }
}

fn usage(message: impl Into<String>) -> anyhow::Error {
    Failure::new(
        message,
        "/help lists the commands; `//` at the start says a slash",
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_from_commands() {
        let parse = |line: &str| Command::parse(line).unwrap();
        assert_eq!(parse("a /b"), Command::Say("a /b".into()));
        assert_eq!(
            parse("//etc is what?"),
            Command::Say("/etc is what?".into())
        );
        assert_eq!(
            parse("/system  Be brief. "),
            Command::System(Some("Be brief.".into()))
        );
        assert_eq!(parse("/system"), Command::System(None));
        let set = Command::Set {
            name: "top_k".into(),
            value: "5".into(),
        };
        assert_eq!(parse("/set top_k 5"), set);
        assert_eq!(parse("/think hide"), Command::Think(Thought::Hide));
        assert_eq!(parse("/save a b.json"), Command::Save("a b.json".into()));
    }

    #[test]
    fn what_is_no_command_is_an_error_and_not_said() {
        for line in [
            "/nothing",
            "/set temperature",
            "/save",
            "/think maybe",
            "/clear all",
            "/",
        ] {
            assert!(Command::parse(line).is_err(), "{line}");
        }
    }
}
