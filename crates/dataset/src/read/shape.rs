//! The shapes that a line can have.

use retort_text::Message;
use serde_json::{Map, Value};

use super::reply::{Flaw, reply};
use crate::error::shown;
use crate::{Columns, Conversation, CorpusFile, DatasetError, Origin, Unfinished};

/// Fields of a turn that hold its thought, the first that is there counts.
const THOUGHT_FIELDS: [&str; 3] = ["reasoning_content", "reasoning", "thinking"];

/// What a line holds.
pub(crate) enum Read {
    Conversation(Conversation),
    /// A reply without an end, where the file's options say to leave such out.
    Unfinished,
}

/// Why a line is no conversation.
enum Stop {
    Flaw(Flaw),
    Error(DatasetError),
}

impl From<DatasetError> for Stop {
    fn from(error: DatasetError) -> Self {
        Self::Error(error)
    }
}

/// Reads a line by the options of its file.
pub(super) fn read(value: Value, file: &CorpusFile, origin: Origin) -> Result<Read, DatasetError> {
    let reader = Reader {
        file,
        origin: &origin,
    };
    let Value::Object(mut fields) = value else {
        return Err(reader.field("the line", "an object", &value));
    };
    let id = match fields.get("id") {
        Some(Value::String(id)) => Some(id.clone()),
        Some(Value::Number(id)) => Some(id.to_string()),
        _ => None,
    };
    match reader.messages(&mut fields) {
        Ok(messages) => {
            if !messages.iter().any(|message| message.role == "assistant") {
                return Err(DatasetError::NoReply { origin });
            }
            Ok(Read::Conversation(Conversation {
                messages,
                origin,
                id,
            }))
        }
        Err(Stop::Flaw(Flaw::Unfinished(_))) if file.unfinished == Unfinished::Drop => {
            Ok(Read::Unfinished)
        }
        Err(Stop::Flaw(flaw)) => Err(flaw.error(&origin)),
        Err(Stop::Error(error)) => Err(error),
    }
}

struct Reader<'a> {
    file: &'a CorpusFile,
    origin: &'a Origin,
}

impl Reader<'_> {
    fn messages(&self, fields: &mut Map<String, Value>) -> Result<Vec<Message>, Stop> {
        if let Some(columns) = &self.file.columns {
            return self.columns(columns, fields);
        }
        let mut take = |name: &str| fields.remove(name).filter(|value| !value.is_null());
        if let Some(turns) = take("messages") {
            return self.turns("messages", turns);
        }
        if let Some(turns) = take("conversations") {
            let mut messages = Vec::new();
            if let Some(system) = take("system") {
                let text = self.text("system", &system)?;
                messages.extend((!text.is_empty()).then(|| Message::new("system", text)));
            }
            messages.extend(self.turns("conversations", turns)?);
            return Ok(messages);
        }
        match (take("prompt"), take("completion")) {
            (Some(prompt), Some(completion)) => {
                let mut messages = match prompt {
                    Value::String(text) => vec![Message::new("user", text)],
                    turns => self.turns("prompt", turns)?,
                };
                match completion {
                    Value::String(text) => messages.push(self.reply(&text, None)?),
                    turns => messages.extend(self.turns("completion", turns)?),
                }
                Ok(messages)
            }
            (prompt, completion) => {
                let missing = [("prompt", prompt), ("completion", completion)];
                let half = missing.iter().any(|(_, value)| value.is_some());
                let mut names: Vec<String> = fields
                    .keys()
                    .map(|name| format!("`{}`", shown(name)))
                    .collect();
                if half {
                    let there = missing.iter().filter(|(_, value)| value.is_some());
                    names.extend(there.map(|(name, _)| format!("`{name}`")));
                }
                let found = match names.is_empty() {
                    true => "no fields".to_owned(),
                    false => format!("the fields {}", names.join(", ")),
                };
                Err(DatasetError::Shape {
                    origin: self.origin.clone(),
                    found,
                }
                .into())
            }
        }
    }

    fn columns(
        &self,
        columns: &Columns,
        fields: &Map<String, Value>,
    ) -> Result<Vec<Message>, Stop> {
        let absent = Value::Null;
        let column = |name: &str| fields.get(name).unwrap_or(&absent);
        let mut messages = Vec::new();
        if let Some(name) = &columns.system {
            let text = self.text(name, column(name))?;
            messages.push(Message::new("system", text));
        }
        let prompt = self.text(&columns.prompt, column(&columns.prompt))?;
        messages.push(Message::new("user", prompt));
        let thought = match &columns.reasoning {
            // A misspelt name must not train on answers alone: the field is there, or an error.
            Some(name) => match fields.get(name) {
                Some(Value::Null) => None,
                Some(value) => Some(self.text(name, value)?),
                None => return Err(self.field(name, "a text or null", "absent").into()),
            },
            None => None,
        };
        let text = self.text(&columns.completion, column(&columns.completion))?;
        messages.push(self.reply(text, thought)?);
        Ok(messages)
    }

    /// Turns of either spelling.
    fn turns(&self, name: &str, turns: Value) -> Result<Vec<Message>, Stop> {
        let Value::Array(turns) = turns else {
            return Err(self.field(name, "a list of turns", &turns).into());
        };
        let turn = |(at, turn)| self.turn(&format!("{name}[{at}]"), turn);
        turns.into_iter().enumerate().map(turn).collect()
    }

    fn turn(&self, name: &str, turn: Value) -> Result<Message, Stop> {
        let Value::Object(mut fields) = turn else {
            return Err(self.field(name, "an object", &turn).into());
        };
        // Parquet holds every field of every turn; a template must not see those that are unset.
        fields.retain(|_, value| !value.is_null());
        let (role, content) = match fields.contains_key("from") {
            true => ("from", "value"),
            false => ("role", "content"),
        };
        let role_name = format!("{name}.{role}");
        let role = match fields.remove(role) {
            Some(Value::String(role)) => role,
            other => {
                let got = other.unwrap_or_default();
                return Err(self.field(&role_name, "a text", &got).into());
            }
        };
        let role = match role.as_str() {
            "human" => "user",
            "gpt" | "model" | "chatgpt" | "bot" => "assistant",
            "observation" => "tool",
            "user" | "assistant" | "system" | "developer" | "tool" | "ipython" => &role,
            _ => {
                let expected = "a known role (system, user, assistant, tool; human, gpt)";
                let got = Value::String(role);
                return Err(self.field(&role_name, expected, &got).into());
            }
        }
        .to_owned();
        let content = fields.remove(content);
        let content_name = format!("{name}.content");
        if role != "assistant" {
            let Some(content) = content else {
                return Err(self.field(&content_name, "a text", "absent").into());
            };
            let mut message = Message::new(role, "");
            message.content = Some(content);
            message.extra = fields;
            return Ok(message);
        }
        if content.is_none() && fields.contains_key("tool_calls") {
            let mut message = Message::new(role, "");
            message.content = Some(Value::Null);
            message.extra = fields;
            return Ok(message);
        }
        let thoughts = THOUGHT_FIELDS.map(|name| fields.remove(name));
        let thought = thoughts.into_iter().flatten().next();
        let thought = match &thought {
            Some(value) => Some(self.text(&format!("{name}.reasoning"), value)?),
            None => None,
        };
        let content = content.unwrap_or_default();
        let text = match parts_text(&content) {
            Some(text) => text,
            None => self.text(&content_name, &content)?.to_owned(),
        };
        let mut message = self.reply(&text, thought)?;
        message.extra = fields;
        Ok(message)
    }

    fn reply(&self, text: &str, thought: Option<&str>) -> Result<Message, Stop> {
        reply(text, thought, self.file.thought).map_err(Stop::Flaw)
    }

    fn text<'v>(&self, name: &str, value: &'v Value) -> Result<&'v str, DatasetError> {
        value
            .as_str()
            .ok_or_else(|| self.field(name, "a text", value))
    }

    fn field(&self, name: &str, expected: &'static str, got: impl Found) -> DatasetError {
        DatasetError::Field {
            origin: self.origin.clone(),
            field: shown(name),
            expected,
            got: got.found(),
        }
    }
}

/// What stands in a field, for a message.
trait Found {
    fn found(self) -> String;
}

impl Found for &str {
    fn found(self) -> String {
        self.to_owned()
    }
}

impl Found for &Value {
    fn found(self) -> String {
        match self {
            Value::Null => "absent or null".to_owned(),
            Value::Array(list) => format!("a list of {}", list.len()),
            Value::Object(_) => "an object".to_owned(),
            other => format!("`{}`", shown(&other.to_string())),
        }
    }
}

/// The text of a list of text parts, `[{"type": "text", "text": ".."}]`.
fn parts_text(content: &Value) -> Option<String> {
    let part = |part: &Value| {
        let is_text = part.get("type").is_none_or(|kind| kind == "text");
        is_text.then(|| part.get("text")?.as_str().map(str::to_owned))?
    };
    content.as_array()?.iter().map(part).collect()
}
