//! What happens when a conversation outgrows the context: the oldest turns go, in pairs, the
//! system prompt and the last question stay. While generating, a full cache ends the reply.

use retort_text::{LocalTime, Message, RenderOptions, SpecialTokens};
use web_time::{SystemTime, UNIX_EPOCH};

use crate::{Engine, InferError, Sampling};

/// Share of the context that is kept free for the reply, as a divisor.
const RESERVED_SHARE: usize = 4;

/// A rendered conversation that fits.
pub(crate) struct Fitted {
    pub prompt: String,
    pub ids: Vec<u32>,
    /// Turns (question and answer) left out.
    pub dropped: usize,
}

/// Renders `messages`, dropping turns until prompt and reply fit.
pub(crate) fn fit(
    engine: &Engine,
    messages: &[Message],
    sampling: &Sampling,
) -> Result<Fitted, InferError> {
    let context = engine.info().context;
    let reserved = sampling
        .max_tokens
        .unwrap_or(usize::MAX)
        .min(context / RESERVED_SHARE);
    let mut kept = messages.to_vec();
    let mut dropped = 0;
    loop {
        let (prompt, ids) = render(engine, &kept)?;
        if ids.len() + reserved <= context {
            return Ok(Fitted {
                prompt,
                ids,
                dropped,
            });
        }
        if !drop_oldest_turn(&mut kept) {
            // The last question alone may use the reserve, but not more.
            return match ids.len() < context {
                true => Ok(Fitted {
                    prompt,
                    ids,
                    dropped,
                }),
                false => Err(InferError::PromptTooLong {
                    tokens: ids.len(),
                    context,
                }),
            };
        }
        dropped += 1;
    }
}

fn render(engine: &Engine, messages: &[Message]) -> Result<(String, Vec<u32>), InferError> {
    let template = engine.template().ok_or(InferError::NoTemplate)?;
    let options = RenderOptions {
        add_generation_prompt: true,
        now: template.needs_date().then(today).flatten(),
        ..RenderOptions::default()
    };
    let prompt = template.render(messages, &options)?;
    let ids = engine.tokenizer().encode(&prompt, SpecialTokens::Parse)?;
    Ok((prompt, ids))
}

/// The time in UTC: a page knows its zone, but a prompt need not tell where its reader lives.
pub fn today() -> Option<LocalTime> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    LocalTime::from_unix(since.as_secs().try_into().ok()?, 0)
}

/// Removes the first question and the answers to it; false when only the last question is left.
fn drop_oldest_turn(messages: &mut Vec<Message>) -> bool {
    let is_user = |message: &Message| message.role == "user";
    let Some(first) = messages.iter().position(is_user) else {
        return false;
    };
    let Some(second) = messages[first + 1..].iter().position(is_user) else {
        return false;
    };
    messages.drain(first..first + 1 + second);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(messages: &[Message]) -> Vec<&str> {
        messages
            .iter()
            .map(|message| message.content_text())
            .collect()
    }

    #[test]
    fn turns_are_dropped_whole_and_the_system_prompt_stays() {
        let mut messages = vec![
            Message::new("system", "s"),
            Message::new("user", "u1"),
            Message::new("assistant", "a1"),
            Message::new("user", "u2"),
            Message::new("assistant", "a2"),
            Message::new("user", "u3"),
        ];
        assert!(drop_oldest_turn(&mut messages));
        assert_eq!(roles(&messages), ["s", "u2", "a2", "u3"]);
        assert!(drop_oldest_turn(&mut messages));
        assert_eq!(roles(&messages), ["s", "u3"]);
        assert!(!drop_oldest_turn(&mut messages));
    }
}
