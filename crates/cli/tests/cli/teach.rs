//! `retort teach`, and the way from problems to a corpus.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::chat_server::{Act, Server, random};
use crate::run::{arg, folder, program, retort};
use crate::student::gguf;

const PROBLEMS: usize = 60;
const SAMPLES: usize = 4;
const KILLS: usize = 20;
const CONCURRENCY: usize = 6;

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Whether the teacher gets this sample right.
fn is_right(seed: u64) -> bool {
    !seed.is_multiple_of(3)
}

/// A teacher of the problems' answers, sometimes wrong, behind a server that fails in every way.
fn teacher(problems: &[Value]) -> Server {
    let answers: Vec<(String, String)> = problems
        .iter()
        .map(|problem| {
            let text = |name: &str| problem[name].as_str().unwrap().to_owned();
            (text("question"), text("answer"))
        })
        .collect();
    Server::start(move |seen| {
        let mut state = (seen.seed ^ ((seen.before as u64) << 40)) | 1;
        for _ in 0..4 {
            random(&mut state);
        }
        if seen.before < 4 {
            let busy = "Retry-After: 0\r\n";
            match random(&mut state) % 16 {
                0 => return Act::Status(429, busy, "slow down".into()),
                1 => return Act::Status(500, "", "oops".into()),
                2 => return Act::HangUp,
                3 => return Act::HalfJson,
                4 => return Act::HalfBody,
                5 => return Act::Choices(3),
                6 => return Act::SameIndex,
                7 => return Act::Repeat,
                8 => return Act::Stall(Duration::from_millis(700)),
                _ => std::thread::sleep(Duration::from_millis(random(&mut state) % 8)),
            }
        }
        let asked = |(question, _): &&(String, String)| seen.content.starts_with(question.as_str());
        let (_, answer) = answers.iter().find(asked).expect("one of the problems");
        match is_right(seen.seed) {
            true => Act::Say(format!("The answer is \\boxed{{{answer}}}.")),
            false => Act::Say("The answer is \\boxed{wrong}.".into()),
        }
    })
}

#[test]
fn from_problems_to_a_corpus_through_a_bad_server_and_twenty_kills() {
    let folder = folder("teach");
    let made = retort(
        &["problems", "-n", &PROBLEMS.to_string(), "--seed", "7"],
        "",
    )
    .ok();
    let problems = folder.join("problems.jsonl");
    fs::write(&problems, &made.stdout).unwrap();
    let server = teacher(&lines(&problems));
    let config = format!(
        r#"problems = ["problems.jsonl"]
           samples = {SAMPLES}
           prompt = "{{problem}} Put the answer in a box."
           [options.retry]
           attempts = 12
           first_seconds = 0.01
           max_seconds = 0.05
           [options.rest]
           after = 100
           first_seconds = 0.01
           max_seconds = 0.05
           give_up = 100
           [[endpoints]]
           name = "bad"
           url = "{}"
           model = "teacher-1"
           concurrency = {CONCURRENCY}
           stream = false
           timeout_seconds = 0.5"#,
        server.url
    );
    fs::write(folder.join("teach.toml"), config).unwrap();
    let config = folder.join("teach.toml");
    let out = folder.join("taught");
    let args = ["teach", arg(&config), "-o", arg(&out)];

    let mut state = 20_261_128;
    for kill in 0..KILLS {
        let enough = server.log().answers() + (random(&mut state) % 12) as usize;
        let mut child = program(&args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while server.log().answers() < enough && child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < Duration::from_secs(60), "kill {kill}");
            std::thread::sleep(Duration::from_micros(300));
        }
        std::thread::sleep(Duration::from_micros(random(&mut state) % 4000));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let run = retort(&args, "").ok();
    assert!(run.stderr.contains("240 traces"), "{}", run.stderr);

    // Every sample of every problem, once.
    let traces = lines(&out.join("traces.jsonl"));
    let ids: HashSet<&str> = traces
        .iter()
        .map(|trace| trace["id"].as_str().unwrap())
        .collect();
    assert_eq!(traces.len(), PROBLEMS * SAMPLES);
    assert_eq!(ids.len(), traces.len());
    let mut samples: HashMap<&str, usize> = HashMap::new();
    for trace in &traces {
        *samples
            .entry(trace["problem"].as_str().unwrap())
            .or_default() += 1;
    }
    assert_eq!(samples.len(), PROBLEMS);
    assert!(samples.values().all(|count| *count == SAMPLES));
    // Only what was under way at a kill, or outlived its time limit, was had again.
    let twice = server.log().answers() - traces.len();
    assert!(twice <= KILLS * CONCURRENCY, "{twice}");

    // A finished job asks for nothing.
    let before = server.log().seen.len();
    retort(&args, "").ok();
    assert_eq!(server.log().seen.len(), before);

    // And the traces become a corpus of the right ones.
    let recipe = r#"name = "taught"
        seed = 1
        [[source]]
        name = "taught"
        paths = ["taught/traces.jsonl"]
        licence = "CC0-1.0"
        [[step]]
        kind = "verify"
        [[step]]
        kind = "split"
        test = 0.2"#;
    fs::write(folder.join("recipe.toml"), recipe).unwrap();
    let corpus = folder.join("corpus");
    let recipe = folder.join("recipe.toml");
    retort(&["corpus", "build", arg(&recipe), "-o", arg(&corpus)], "").ok();
    let manifest = fs::read_to_string(corpus.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let is_right = |trace: &&Value| {
        let said = trace["messages"][1]["content"].as_str().unwrap();
        said.contains(&format!("\\boxed{{{}}}", trace["answer"].as_str().unwrap()))
    };
    let right = traces.iter().filter(is_right).count();
    assert!(right > 0 && right < traces.len());
    let rows: u64 = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|shard| shard["rows"].as_u64().unwrap())
        .sum();
    assert_eq!(rows, right as u64, "{manifest:#}");
    assert!(corpus.join("report.html").exists());
}

#[test]
fn a_model_in_this_process_teaches() {
    let folder = folder("teach-local");
    let problems = [
        json!({"question": "1+1?", "answer": "2"}),
        json!({"question": "2+2?", "answer": "4"}),
    ];
    let problems = problems.map(|problem| problem.to_string() + "\n").concat();
    fs::write(folder.join("problems.jsonl"), problems).unwrap();
    let config = format!(
        "problems = ['problems.jsonl']\nsamples = 2\n[sampling]\nmax_tokens = 64\n\
         [local]\nmodel = '{}'\ndevice = 'cpu'\n",
        arg(gguf())
    );
    fs::write(folder.join("teach.toml"), config).unwrap();
    let config = folder.join("teach.toml");
    let out = folder.join("taught");
    let args = ["teach", arg(&config), "-o", arg(&out)];
    retort(&args, "").ok();
    let traces = lines(&out.join("traces.jsonl"));
    assert_eq!(traces.len(), 4);
    for trace in &traces {
        assert_eq!(trace["teacher"]["model"], "Tiny");
        let reply = &trace["messages"][1];
        assert_eq!(reply["content"], "The capital is Paris.");
        assert!(
            reply["reasoning_content"]
                .as_str()
                .unwrap()
                .contains("Paris")
        );
        assert_eq!(trace["meta"]["finished"], true);
    }
    let before = fs::read(out.join("traces.jsonl")).unwrap();
    retort(&args, "").ok();
    assert_eq!(fs::read(out.join("traces.jsonl")).unwrap(), before);
}

#[test]
fn a_teacher_is_needed() {
    let folder = folder("teach-nobody");
    fs::write(
        folder.join("p.jsonl"),
        "{\"question\": \"1+1?\", \"answer\": \"2\"}\n",
    )
    .unwrap();
    fs::write(folder.join("teach.toml"), "problems = ['p.jsonl']\n").unwrap();
    let config = folder.join("teach.toml");
    let out = folder.join("out");
    let run = retort(&["teach", arg(&config), "-o", arg(&out)], "");
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("hint: add [[endpoints]]"),
        "{}",
        run.stderr
    );
}
