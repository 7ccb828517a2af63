//! One turn of a conversation, as chat templates see it.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// A turn: who speaks, what, and whatever else the template may look at (tool calls, a name).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// `"system"`, `"user"`, `"assistant"`, `"tool"`; templates decide what they accept.
    pub role: String,
    /// Text, or a list of parts, or JSON's null (as beside tool calls). None if the field is
    /// absent, which templates can tell from null.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub content: Option<Value>,
    /// The thought before the content, where the source keeps it apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// Every other field.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Message {
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self {
            role: role.into(),
            content: Some(Value::String(content.into())),
            reasoning_content: None,
            extra: Map::new(),
        }
    }

    /// The content where it is text, else nothing.
    pub fn content_text(&self) -> &str {
        self.content
            .as_ref()
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// A field that is there, null included.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_null_and_unknown_fields_survive() {
        for text in [
            r#"{"role":"user","content":"hi"}"#,
            r#"{"role":"assistant","content":null,"tool_calls":[{"id":1}]}"#,
            r#"{"role":"assistant","reasoning_content":"so"}"#,
            r#"{"role":"user","content":[{"type":"text","text":"hi"}]}"#,
        ] {
            let message: Message = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&message).unwrap(), text);
        }
        assert!(serde_json::from_str::<Message>(r#"{"content":"hi"}"#).is_err());
        assert_eq!(Message::new("user", "hi").content_text(), "hi");
    }
}
