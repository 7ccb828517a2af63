//! Chat templates: the Jinja text in a model's files that turns a conversation into a prompt.
//!
//! Rendered as transformers' `apply_chat_template` does (jinja2's `ImmutableSandboxedEnvironment`
//! with `trim_blocks`, `lstrip_blocks` and loop controls; `tojson` as Python's `json.dumps`
//! without HTML escapes; `raise_exception`, `strftime_now`; Python's methods of str, list and
//! dict). `{% generation %}` blocks, which mark the assistant's text for training, render as their
//! content.
//!
//! A template is a program from a stranger's file. Steps and memory are bounded together (one step
//! also pays for 64 bytes), and so are recursion and the length of source and output.

mod clock;
mod generation;
mod python;

use std::{collections::BTreeMap, io};

use minijinja::{Environment, ErrorKind, Value, syntax::SyntaxConfig, value::Serde};
use serde_json::Map;

pub use clock::LocalTime;

use crate::{Message, TextError};

/// Name under which the one template is kept; it ends in nothing that turns escaping on.
const NAME: &str = "chat_template";

/// The longest template of llama.cpp's collection has 17 KB.
const MAX_SOURCE_BYTES: usize = 1 << 20;

/// A turn takes some hundred steps, so this is ten thousand turns, or 128 MB of text handled.
const FUEL: u64 = 2_000_000;

/// About four million tokens; the longest contexts have one million.
const MAX_OUTPUT_BYTES: usize = 16 << 20;

/// Nesting of calls and blocks. The deepest known template (recursive JSON schemas) needs under
/// 60, and wasm's stack is small.
const RECURSION: usize = 200;

/// Names of special tokens that templates refer to; an empty one is undefined there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpecialNames {
    pub bos_token: String,
    pub eos_token: String,
}

/// What a template is rendered with, besides the messages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RenderOptions {
    /// Whether the prompt ends where the assistant's reply starts.
    pub add_generation_prompt: bool,
    /// What `strftime_now` tells. Without it the function is undefined, which templates that
    /// check for it (Llama 3.2) answer with a fixed date.
    pub now: Option<LocalTime>,
    /// Everything else by name: `tools`, `documents`, `enable_thinking`, `date_string`, ...
    pub kwargs: Map<String, serde_json::Value>,
}

/// A parsed chat template.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    needs_date: bool,
    special: SpecialNames,
}

impl ChatTemplate {
    pub fn new(source: &str, special: SpecialNames) -> Result<Self, TextError> {
        if source.len() > MAX_SOURCE_BYTES {
            return Err(TextError::Limit {
                field: "length of the chat template in bytes",
                got: source.len(),
                max: MAX_SOURCE_BYTES,
            });
        }
        let mut environment = Environment::new();
        environment.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .build()
                .map_err(|error| syntax_error(&error))?,
        );
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION);
        python::install(&mut environment);
        environment
            .add_template_owned(NAME, generation::unmark(source))
            .map_err(|error| syntax_error(&error))?;
        Ok(Self {
            environment,
            needs_date: source.contains("strftime_now(")
                && !source.contains("strftime_now is defined"),
            special,
        })
    }

    /// Whether it asks for the date without looking whether it can be told (gpt-oss), so that it
    /// shows nothing without [`RenderOptions::now`].
    pub fn needs_date(&self) -> bool {
        self.needs_date
    }

    /// The prompt for `messages`.
    pub fn render(
        &self,
        messages: &[Message],
        options: &RenderOptions,
    ) -> Result<String, TextError> {
        let template = self
            .environment
            .get_template(NAME)
            .map_err(|error| syntax_error(&error))?;
        let mut output = Capped::default();
        match template.render_captured_to(self.context(messages, options), &mut output) {
            Ok(_) => {}
            Err(_) if output.full => {
                return Err(TextError::TemplateOutput {
                    max: MAX_OUTPUT_BYTES,
                });
            }
            Err(error) => return Err(render_error(&error)),
        }
        String::from_utf8(output.bytes).map_err(|error| TextError::TemplateRender {
            line: None,
            reason: error.to_string(),
        })
    }

    /// The variables, in rising order of precedence as in transformers.
    fn context(&self, messages: &[Message], options: &RenderOptions) -> Value {
        let mut context: BTreeMap<&str, Value> = BTreeMap::new();
        for name in ["tools", "documents"] {
            context.insert(name, Value::from(()));
        }
        for (name, token) in [
            ("bos_token", &self.special.bos_token),
            ("eos_token", &self.special.eos_token),
        ] {
            if !token.is_empty() {
                context.insert(name, Value::from(token.as_str()));
            }
        }
        if let Some(now) = options.now {
            let strftime_now = move |format: &str| {
                now.strftime(format)
                    .map_err(|reason| minijinja::Error::new(ErrorKind::InvalidOperation, reason))
            };
            context.insert("strftime_now", Value::from_function(strftime_now));
        }
        for (name, value) in &options.kwargs {
            context.insert(name, Value::from(Serde(value)));
        }
        context.insert("messages", Value::from(Serde(messages)));
        context.insert(
            "add_generation_prompt",
            Value::from(options.add_generation_prompt),
        );
        Value::from(context)
    }
}

/// Collects the output up to a limit.
#[derive(Default)]
struct Capped {
    bytes: Vec<u8>,
    full: bool,
}

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_OUTPUT_BYTES {
            self.full = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn syntax_error(error: &minijinja::Error) -> TextError {
    TextError::TemplateSyntax {
        line: error.line(),
        reason: reason(error),
    }
}

fn render_error(error: &minijinja::Error) -> TextError {
    if let Some(message) = python::raised(error) {
        return TextError::TemplateRaised { message };
    }
    if error.kind() == ErrorKind::OutOfFuel {
        return TextError::TemplateSteps { fuel: FUEL };
    }
    TextError::TemplateRender {
        line: error.line(),
        reason: reason(error),
    }
}

fn reason(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}
