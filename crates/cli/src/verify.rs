//! `retort verify`: is the final answer of a reply the gold answer?

use anyhow::Result;
use clap::ValueEnum;
use retort_verify::{Kind, Line, Options, check};

use crate::note::note;
use crate::{Outcome, jsonl};

/// Compare replies with gold answers, by value
///
/// Reads lines of JSON on standard input and answers each with its verdict.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// One JSON line in and out for each pair (else a gold answer and a reply are arguments)
    #[arg(long, required_unless_present = "gold", conflicts_with_all = ["gold", "reply"])]
    json: bool,
    /// The gold answer
    #[arg(requires = "reply", allow_hyphen_values = true)]
    gold: Option<String>,
    /// A bare answer, or a whole reply with its thought
    #[arg(allow_hyphen_values = true)]
    reply: Option<String>,
    /// What kind of answer is expected
    #[arg(long, value_enum, default_value = "auto")]
    kind: KindArg,
    /// Units, percent signs and names must agree too
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindArg {
    Auto,
    Number,
    Expression,
    Choice,
    Text,
}

const EXAMPLES: &str = r#"Lines of --json
  in   {"gold": "1/2", "pred": "<think>...</think> \\boxed{0.5}"}
       {"gold": "B", "pred": "(B)", "kind": "choice"}
  out  {"equal": true, "reason": "same", "how": "exact", "rule": "boxed", "answer": "0.5"}

Examples
  retort verify '\frac{1}{2}' 'The answer is 0.5'
  jq -c '{gold, pred: .reply}' replies.jsonl | retort verify --json"#;

pub fn run(args: &Args) -> Result<Outcome> {
    let options = Options {
        strict: args.strict,
        ..Options::of(match args.kind {
            KindArg::Auto => Kind::Auto,
            KindArg::Number => Kind::Number,
            KindArg::Expression => Kind::Expression,
            KindArg::Choice => Kind::Choice,
            KindArg::Text => Kind::Text,
        })
    };
    if let (Some(gold), Some(reply)) = (&args.gold, &args.reply) {
        let verdict = retort_verify::verify(gold, reply, &options);
        jsonl::print(&verdict)?;
        note(if verdict.equal { "equal" } else { "not equal" });
        return Ok(match verdict.equal {
            true => Outcome::Done,
            false => Outcome::SomeFailed,
        });
    }
    jsonl::answer(|line: Line| Ok(serde_json::to_value(check(&line, &options))?))
}
