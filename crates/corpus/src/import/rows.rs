//! Rows with replies.

use retort_dataset::Origin;
use serde_json::{Map, Value};

use super::problem::{Problem, first, problem};
use super::reply::{Reply, apart, parted};
use super::{Defaults, Thought};
use crate::error::shown;
use crate::{CorpusError, MAX_TESTS_BYTES, Teacher, Trace, Turn, Verdict};

type Fields = Map<String, Value>;

pub(super) fn traces(
    value: Value,
    defaults: &Defaults,
    origin: &Origin,
) -> Result<Vec<Trace>, CorpusError> {
    let Value::Object(mut fields) = value else {
        return Err(wrong(origin, "the row", "an object", &value));
    };
    // Parquet holds every field of every row.
    fields.retain(|_, value| !value.is_null());
    if own(&fields) {
        unfold(&mut fields);
        let trace = serde_json::from_value(Value::Object(fields));
        let mut trace: Trace = trace.map_err(|error| CorpusError::Trace {
            origin: origin.clone(),
            reason: error.to_string(),
        })?;
        trace.tests = trace
            .tests
            .and_then(|tests| tests.within(MAX_TESTS_BYTES).0);
        return Ok(vec![trace]);
    }
    let replies = replies(&mut fields, defaults, origin)?;
    let teacher = Teacher {
        model: first(&mut fields, &["teacher", "model"]).unwrap_or_default(),
        sampling: match fields.remove("sampling") {
            Some(Value::Object(sampling)) => sampling,
            _ => Map::new(),
        },
        tokens: ["completion_tokens", "total_tokens", "tokens"]
            .iter()
            .find_map(|name| fields.get(*name)?.as_u64()),
    };
    let source = first(&mut fields, &["source", "source_type"]).unwrap_or_default();
    let domain = first(&mut fields, &["domain"]).unwrap_or_default();
    let verdict = upstream(&fields);
    let asked = replies.asked.clone();
    if let (Some(asked), false) = (&asked, has_question(&fields)) {
        fields.insert("question".into(), asked.clone().into());
    }
    let problem = problem(&mut fields, origin)?;
    let mut replies = replies;
    if replies.found.is_empty()
        && defaults.solutions
        && let Some(solution) = &problem.solution
    {
        let reply = parted(solution, defaults.thought);
        replies.found.push(Found::of(String::new(), reply));
    }
    let base = |found: Found| finish(found, &problem, &replies.before, &teacher);
    let mut traces: Vec<Trace> = std::mem::take(&mut replies.found)
        .into_iter()
        .map(base)
        .collect();
    for trace in &mut traces {
        trace.source = source.clone();
        trace.domain = domain.clone();
        trace.verdict = trace.verdict.take().or_else(|| verdict.clone());
    }
    Ok(traces)
}

/// Replies of a row with what stands before them.
#[derive(Default)]
struct Replies {
    found: Vec<Found>,
    /// Turns before the reply; empty: the problem is the only one.
    before: Vec<Turn>,
    /// The question, where only the conversation holds it.
    asked: Option<String>,
}

struct Found {
    reply: Reply,
    teacher: String,
    verdict: Option<Verdict>,
}

impl Found {
    fn of(teacher: impl Into<String>, reply: Reply) -> Self {
        Self {
            reply,
            teacher: teacher.into(),
            verdict: None,
        }
    }
}

fn own(fields: &Fields) -> bool {
    ["id", "source", "domain", "problem", "messages"]
        .iter()
        .all(|name| fields.contains_key(*name))
        && fields.get("teacher").is_some_and(Value::is_object)
}

/// Published Parquet files hold `sampling`, `tests` and `meta` as JSON in a text.
fn unfold(fields: &mut Fields) {
    let parse = |value: &mut Value| {
        if let Value::String(text) = value {
            *value = serde_json::from_str(text).unwrap_or_default();
        }
    };
    fields.get_mut("meta").into_iter().for_each(parse);
    fields.get_mut("tests").into_iter().for_each(parse);
    if let Some(Value::Object(teacher)) = fields.get_mut("teacher") {
        teacher.get_mut("sampling").into_iter().for_each(parse);
    }
}

fn has_question(fields: &Fields) -> bool {
    let names = ["problem", "question", "prompt", "instruction", "query"];
    names
        .iter()
        .any(|name| fields.get(*name).is_some_and(Value::is_string))
}

fn replies(
    fields: &mut Fields,
    defaults: &Defaults,
    origin: &Origin,
) -> Result<Replies, CorpusError> {
    let mut replies = Replies::default();
    let marks = defaults.thought;
    if let Some(generations) = fields.remove("generations") {
        // Its `messages` repeat one of the generations.
        fields.remove("messages");
        replies.found = open_r1(&generations, fields, marks, origin)?;
        return Ok(replies);
    }
    if let (Some(thought), Some(answer)) = (
        take(fields, "deepseek_reasoning"),
        take(fields, "deepseek_solution"),
    ) {
        replies
            .found
            .push(Found::of("DeepSeek-R1", apart(&thought, &answer)));
        return Ok(replies);
    }
    s1k(fields, &mut replies.found);
    for (thought, answer) in [
        ("message_thinking", "message_content"),
        ("reasoning_content", "content"),
    ] {
        if let Some(answer) = take(fields, answer) {
            let thought = take(fields, thought).unwrap_or_default();
            replies.found.push(Found::of("", apart(&thought, &answer)));
        }
    }
    if !replies.found.is_empty() {
        return Ok(replies);
    }
    for name in ["messages", "conversations"] {
        if let Some(turns) = fields.remove(name) {
            chat(turns, name, fields, marks, origin, &mut replies)?;
            return Ok(replies);
        }
    }
    if let Some(text) = take(fields, "completion") {
        let marks = match fields.get("format").and_then(Value::as_str) {
            Some(format) if format.starts_with("inline_prefilled") => Thought::Open,
            _ => marks,
        };
        replies.found.push(Found::of("", parted(&text, marks)));
    }
    Ok(replies)
}

/// Each generation with its own end and verdict.
fn open_r1(
    generations: &Value,
    fields: &mut Fields,
    marks: Thought,
    origin: &Origin,
) -> Result<Vec<Found>, CorpusError> {
    let Some(list) = generations.as_array() else {
        return Err(wrong(origin, "generations", "a list of texts", generations));
    };
    let flags = |name: &str, fields: &mut Fields| match fields.remove(name) {
        Some(Value::Array(flags)) => flags.iter().map(Value::as_bool).collect(),
        _ => Vec::new(),
    };
    let complete: Vec<Option<bool>> = flags("is_reasoning_complete", fields);
    let verified: Vec<Option<bool>> = flags("correctness_math_verify", fields);
    let judged: Vec<Option<bool>> = flags("correctness_llama", fields);
    let one = |(at, text): (usize, &Value)| {
        let Some(text) = text.as_str() else {
            return Err(wrong(origin, &format!("generations[{at}]"), "a text", text));
        };
        let mut found = Found::of("DeepSeek-R1", parted(text, marks));
        let flag = |flags: &[Option<bool>]| flags.get(at).copied().flatten();
        found.reply.finished &= flag(&complete) != Some(false);
        let said = |accepted: bool, how: &str| Verdict {
            accepted,
            how: how.to_owned(),
            detail: String::new(),
        };
        found.verdict = match (flag(&verified), flag(&judged)) {
            (_, Some(true)) => Some(said(true, "upstream llama judge")),
            (Some(accepted), _) => Some(said(accepted, "upstream math-verify")),
            (None, Some(accepted)) => Some(said(accepted, "upstream llama judge")),
            (None, None) => None,
        };
        Ok(found)
    };
    list.iter().enumerate().map(one).collect()
}

fn s1k(fields: &mut Fields, found: &mut Vec<Found>) {
    for (prefix, teacher) in [
        ("deepseek", "DeepSeek-R1"),
        ("gemini", "Gemini Flash Thinking"),
    ] {
        let thought = take(fields, &format!("{prefix}_thinking_trajectory"));
        let answer = take(fields, &format!("{prefix}_attempt"));
        if let (Some(thought), Some(answer)) = (thought, answer) {
            found.push(Found::of(teacher, apart(&thought, &answer)));
        }
    }
    let thought = first(fields, &["thinking_trajectories"]);
    if let (Some(thought), Some(answer)) = (thought, take(fields, "attempt")) {
        found.push(Found::of("Gemini Flash Thinking", apart(&thought, &answer)));
    }
    // `answer` of these rows is absent or a copy; their `solution` holds the gold.
}

fn chat(
    turns: Value,
    name: &str,
    fields: &mut Fields,
    marks: Thought,
    origin: &Origin,
    replies: &mut Replies,
) -> Result<(), CorpusError> {
    let Value::Array(turns) = turns else {
        return Err(wrong(origin, name, "a list of turns", &turns));
    };
    let system = take(fields, "system").filter(|text| !text.trim().is_empty());
    replies
        .before
        .extend(system.map(|text| Turn::new("system", text)));
    let last = turns.len().saturating_sub(1);
    for (at, turn) in turns.into_iter().enumerate() {
        let place = format!("{name}[{at}]");
        let Value::Object(mut turn) = turn else {
            return Err(wrong(origin, &place, "an object", &turn));
        };
        let role = first(&mut turn, &["role", "from"]);
        let role = match role.as_deref() {
            Some("human" | "user") => "user",
            Some("gpt" | "assistant" | "model") => "assistant",
            Some("system" | "developer") => "system",
            Some("tool") => "tool",
            _ => {
                return Err(wrong(
                    origin,
                    &format!("{place}.role"),
                    "a known role",
                    &Value::Object(turn),
                ));
            }
        };
        let text = first(&mut turn, &["content", "value"]).unwrap_or_default();
        if role == "user" && replies.asked.is_none() {
            replies.asked = Some(text.clone());
        }
        if role != "assistant" {
            replies.before.push(Turn::new(role, text));
            continue;
        }
        let thought = first(&mut turn, &["reasoning_content", "reasoning", "thinking"]);
        let reply = match thought {
            Some(thought) => apart(&thought, &text),
            None => parted(&text, marks),
        };
        if at == last {
            replies.found.push(Found::of("", reply));
        } else {
            replies.before.push(reply.turn);
        }
    }
    Ok(())
}

/// What the source itself says of the answer.
fn upstream(fields: &Fields) -> Option<Verdict> {
    let names = ["upstream_correct", "correct", "is_correct"];
    let said = names.iter().find_map(|name| fields.get(*name));
    let score = fields.get("upstream_score").and_then(Value::as_f64);
    let accepted = match said {
        Some(said) => said.as_bool()?,
        None => score? >= 1.0,
    };
    let detail = fields.get("upstream_extracted").and_then(Value::as_str);
    Some(Verdict {
        accepted,
        how: "upstream".to_owned(),
        detail: detail.map(|text| shown(text, 200)).unwrap_or_default(),
    })
}

fn finish(found: Found, problem: &Problem, before: &[Turn], teacher: &Teacher) -> Trace {
    let mut messages = match before.iter().any(|turn| turn.role == "user") {
        true => before.to_vec(),
        false => {
            let mut turns = before.to_vec();
            turns.push(Turn::new("user", problem.problem.clone()));
            turns
        }
    };
    messages.push(found.reply.turn);
    let mut meta = problem.meta.clone();
    // The text says more than the source's flag: a thought that is never closed has no end.
    if !found.reply.finished {
        meta.insert("finished".into(), false.into());
    }
    let mut teacher = teacher.clone();
    if !found.teacher.is_empty() {
        teacher.model = found.teacher;
    }
    Trace {
        id: problem.id.clone(),
        problem: problem.problem.clone(),
        answer: problem.answer.clone(),
        tests: problem.tests.clone(),
        messages,
        teacher,
        verdict: found.verdict,
        meta,
        ..Trace::default()
    }
}

fn take(fields: &mut Fields, name: &str) -> Option<String> {
    let text = fields.get(name)?.as_str()?.to_owned();
    fields.remove(name);
    Some(text)
}

fn wrong(origin: &Origin, field: &str, expected: &'static str, got: &Value) -> CorpusError {
    let got = match got {
        Value::Null => "null".to_owned(),
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(_) => "an object".to_owned(),
        other => format!("`{}`", shown(&other.to_string(), 60)),
    };
    CorpusError::Field {
        origin: origin.clone(),
        field: shown(field, 60),
        expected,
        got,
    }
}
