//! Whole runs of fine-tuning, interrupted, broken and resumed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::run::{Run, arg, folder, program, retort};

const TEMPLATE: &str = "{% for message in messages %}{% if message['role'] == 'assistant' %}\
{{ message['content'] }}<end>{% else %}Q: {{ message['content'] }}\nA: {% endif %}{% endfor %}";

fn golden(name: &str) -> PathBuf {
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where"))
        .join(format!("../../tests/golden/{name}/model.gguf"))
}

/// A folder with a corpus of sums, and a run.toml that has `more` at its end.
fn prepare(name: &str, model: &str, top: &str, more: &str) -> PathBuf {
    let folder = folder(name);
    let line = |i: usize| {
        let (a, b) = (i * 7 % 23, i * 5 % 19);
        json!({"messages": [
            {"role": "user", "content": format!("{a}+{b}?")},
            {"role": "assistant", "reasoning_content": format!("{a} and {b}").repeat(1 + i % 3),
             "content": (a + b).to_string()},
        ]})
        .to_string()
    };
    let lines: Vec<String> = (0..60).map(line).collect();
    fs::write(folder.join("traces.jsonl"), lines.join("\n")).unwrap();
    fs::write(folder.join("chat.jinja"), TEMPLATE).unwrap();
    let config = format!(
        "name = 'sums'\nseed = 5\n{top}\n[student]\nbase = {:?}\ntemplate = 'chat.jinja'\n\
         [data]\nfiles = [{{ path = 'traces.jsonl' }}]\nmax_length = 96\nheld_out = 4\n\
         [batch]\nsequences = 4\nmicro_batch = 2\n{more}",
        arg(&golden(model))
    );
    fs::write(folder.join("run.toml"), config).unwrap();
    folder
}

fn sft(folder: &Path, out: &str, more: &[&str]) -> Run {
    let (config, out) = (folder.join("run.toml"), folder.join(out));
    let mut args = vec!["sft", arg(&config), "--out", arg(&out), "--device", "cpu"];
    args.extend(more);
    retort(&args, "")
}

fn checkpoint(folder: &Path, out: &str, step: u64) -> PathBuf {
    folder.join(out).join(format!("checkpoints/step-{step:08}"))
}

/// What the student and its optimiser are after a step.
fn state(folder: &Path, out: &str, step: u64) -> [Vec<u8>; 2] {
    ["parameters.safetensors", "moments.safetensors"]
        .map(|file| fs::read(checkpoint(folder, out, step).join(file)).expect("a checkpoint"))
}

fn records(folder: &Path, out: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(out).join("metrics.jsonl")).expect("metrics");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Step and loss of each record, which do not depend on the clock.
fn losses(folder: &Path, out: &str) -> Vec<(u64, Value, Value)> {
    let all = records(folder, out).into_iter();
    all.map(|r| {
        (
            r["step"].as_u64().unwrap(),
            r["loss"].clone(),
            r["held_out_loss"].clone(),
        )
    })
    .collect()
}

const SHORT: &str = "steps = 40\nlearning_rate = 5e-3";
const OFTEN: &str = "[every]\nevaluate = 10\nsample = 0\ncheckpoint = 5\nkeep = 3\n\
                     [export]\ngguf = []\n";

#[test]
fn a_student_learns_and_its_files_say_the_same() {
    let more = "[samples]\nprompts = ['1+2?']\nmax_tokens = 8\n[every]\nevaluate = 20\n\
                [export]\nhugging_face = 'F32'\ngguf = ['F16', 'Q8_0']\n";
    for model in ["qwen2", "llama"] {
        let folder = prepare(&format!("sft-{model}"), model, SHORT, more);
        let run = sft(&folder, "out", &[]).ok();
        assert!(run.stderr.contains("60 conversations"), "{}", run.stderr);
        assert!(run.stderr.contains("learnt"), "{}", run.stderr);
        let held_out: Vec<f64> = records(&folder, "out")
            .iter()
            .filter_map(|record| record["held_out_loss"].as_f64())
            .collect();
        assert_eq!(held_out.len(), 3, "before, between and after");
        assert!(held_out[2] < 0.7 * held_out[0], "{held_out:?}");
        for file in [
            "run.toml",
            "manifest.json",
            "samples.jsonl",
            "plots/training.svg",
        ] {
            let size = fs::metadata(folder.join("out").join(file)).unwrap().len();
            assert!(size > 100, "{file}");
        }
        let texts: Vec<String> = ["sums-F32", "sums-F16.gguf"]
            .iter()
            .map(|file| {
                let file = folder.join("out/export").join(file);
                let args = [
                    "generate",
                    arg(&file),
                    "-p",
                    "3+4?",
                    "--json",
                    "--device",
                    "cpu",
                ];
                let mut args = args.to_vec();
                args.extend(["--temperature", "0", "--max-tokens", "12"]);
                retort(&args, "").ok().json()["text"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        assert!(!texts[0].is_empty());
        assert_eq!(texts[0], texts[1], "{model}");
    }
}

/// Starts a run, and kills it once `steps` steps are on record.
fn killed_after(folder: &Path, out: &str, steps: usize, signal: &str) -> i32 {
    let (config, out_path) = (folder.join("run.toml"), folder.join(out));
    let mut command = program(&[
        "sft",
        arg(&config),
        "--out",
        arg(&out_path),
        "--device",
        "cpu",
    ]);
    let mut child = command
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    let metrics = out_path.join("metrics.jsonl");
    loop {
        assert!(Instant::now() < deadline, "no step was taken");
        let seen = fs::read_to_string(&metrics).unwrap_or_default();
        if seen.lines().count() > steps || child.try_wait().unwrap().is_some() {
            break;
        }
    }
    let kill = std::process::Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    let _ = kill.expect("kill");
    child.wait().unwrap().code().unwrap_or(-1)
}

#[test]
#[cfg(unix)]
fn a_killed_run_goes_on_bit_for_bit() {
    let folder = prepare("sft-killed", "qwen2", SHORT, OFTEN);
    sft(&folder, "whole", &[]).ok();
    let expected = (state(&folder, "whole", 40), losses(&folder, "whole"));
    for (out, steps) in [("at-3", 3), ("at-13", 13), ("at-28", 28)] {
        killed_after(&folder, out, steps, "-KILL");
        let resumed = sft(&folder, out, &[]).ok();
        if steps > 8 {
            assert!(
                resumed.stderr.contains("goes on after step"),
                "{}",
                resumed.stderr
            );
        }
        let got = (state(&folder, out, 40), losses(&folder, out));
        assert!(got.0 == expected.0, "{out}: other weights or moments");
        assert_eq!(got.1, expected.1, "{out}");
    }
}

#[test]
#[cfg(unix)]
fn ctrl_c_saves_and_the_run_goes_on_bit_for_bit() {
    let more = OFTEN.replace("checkpoint = 5", "checkpoint = 1000");
    let folder = prepare(
        "sft-ctrl-c",
        "llama",
        "steps = 400\nlearning_rate = 5e-3",
        &more,
    );
    let code = killed_after(&folder, "out", 20, "-INT");
    assert_eq!(code, 130);
    let resumed = sft(&folder, "out", &[]).ok();
    assert!(
        resumed.stderr.contains("goes on after step"),
        "{}",
        resumed.stderr
    );
    sft(&folder, "whole", &[]).ok();
    assert!(state(&folder, "out", 400) == state(&folder, "whole", 400));
}

#[test]
fn a_broken_checkpoint_is_refused_and_the_one_before_offered() {
    let folder = prepare("sft-broken", "qwen2", SHORT, OFTEN);
    sft(&folder, "out", &[]).ok();
    let expected = state(&folder, "out", 40);
    let file = checkpoint(&folder, "out", 40).join("moments.safetensors");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let refused = sft(&folder, "out", &[]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("SHA-256"), "{}", refused.stderr);
    assert!(refused.stderr.contains("of step 35"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--from-step"), "{}", refused.stderr);
    // Cut off, and without its state.
    fs::write(&file, &bytes[..100]).unwrap();
    assert_eq!(sft(&folder, "out", &[]).code, 1);
    fs::remove_file(checkpoint(&folder, "out", 40).join("state.json")).unwrap();
    assert_eq!(sft(&folder, "out", &[]).code, 1);
    sft(&folder, "out", &["--from-step", "35"]).ok();
    assert!(state(&folder, "out", 40) == expected);
}

#[test]
fn a_loss_that_leaves_its_course_stops_the_run_with_its_batch() {
    // Steps a thousand times too long; without clipping, and without the first gentle ones.
    let top = "steps = 60\nlearning_rate = 9.0";
    let more = format!("{OFTEN}[schedule]\nwarmup = 30\nmax_grad_norm = 0.0\n");
    let folder = prepare("sft-spike", "qwen2", top, &more);
    let stopped = sft(&folder, "out", &[]);
    assert_eq!(stopped.code, 1, "{}", stopped.stderr);
    assert!(
        stopped.stderr.contains("stopped before step"),
        "{}",
        stopped.stderr
    );
    let files: Vec<PathBuf> = fs::read_dir(folder.join("out/stopped"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1);
    let culprit: Value = serde_json::from_slice(&fs::read(&files[0]).unwrap()).unwrap();
    let documents = culprit["documents"].as_array().unwrap();
    assert!(!documents.is_empty());
    assert!(
        documents[0]["origin"]
            .as_str()
            .unwrap()
            .contains("traces.jsonl:")
    );
    assert!(documents[0]["text"].as_str().unwrap().contains("Q: "));
}

#[test]
fn a_folder_of_another_run_is_not_mixed_up() {
    let folder = prepare("sft-other", "qwen2", SHORT, OFTEN);
    sft(&folder, "out", &[]).ok();
    let config = fs::read_to_string(folder.join("run.toml")).unwrap();
    fs::write(folder.join("run.toml"), config.replace("5e-3", "4e-3")).unwrap();
    let refused = sft(&folder, "out", &[]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("another configuration"),
        "{}",
        refused.stderr
    );
}

/// A context and a base frequency of its own are in the files, and in what they compute.
#[test]
fn a_student_may_have_more_positions_than_its_base() {
    let more = "[every]\nsample = 0\n[export]\nhugging_face = 'F32'\ngguf = ['F16']\n";
    let folder = prepare(
        "sft-positions",
        "qwen2",
        "steps = 2\nlearning_rate = 1e-3",
        more,
    );
    let config = fs::read_to_string(folder.join("run.toml")).unwrap();
    let config = config.replace("[data]", "context = 1024\nrope_theta = 5000.0\n[data]");
    fs::write(
        folder.join("run.toml"),
        config.replace("max_length = 96", "max_length = 600"),
    )
    .unwrap();
    // The gate compares each file with the trainer, whose positions are the new ones.
    sft(&folder, "out", &[]).ok();
    let json = fs::read(folder.join("out/export/sums-F32/config.json")).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["max_position_embeddings"], 1024);
    assert_eq!(json["rope_theta"], 5000.0);
}

/// No base: a tokenizer and random weights are made, and the student learns from nothing.
#[test]
fn a_student_may_start_from_nothing() {
    let folder = prepare(
        "sft-scratch",
        "qwen2",
        "steps = 60\nlearning_rate = 3e-3",
        OFTEN,
    );
    let config = fs::read_to_string(folder.join("run.toml")).unwrap();
    let start = config.find("base = ").unwrap();
    let end = config.find("[data]").unwrap();
    let scratch = "base = 'new'\n[student.scratch]\nvocabulary = 512\nhidden_size = 64\n\
                   intermediate_size = 128\nlayers = 2\ncontext = 256\n";
    let config = format!("{}{scratch}{}", &config[..start], &config[end..]);
    fs::write(
        folder.join("run.toml"),
        config.replace("gguf = []", "gguf = ['F16']"),
    )
    .unwrap();
    // Sums alone do not make 512 tokens.
    let few = sft(&folder, "out", &[]);
    assert_eq!(few.code, 1);
    assert!(few.stderr.contains("asks for 512"), "{}", few.stderr);
    assert!(!folder.join("new").exists());
    let word = |i: usize| -> String {
        let syllables = [
            "ba", "de", "fi", "go", "hu", "ki", "lo", "mu", "na", "pe", "ra",
        ];
        [1, 11, 121]
            .map(|power| syllables[i * 7919 / power % 11])
            .concat()
    };
    let words = |i: usize| format!("{} {}", word(i), word(i / 3));
    let mut corpus = fs::read_to_string(folder.join("traces.jsonl")).unwrap();
    for i in 0..200 {
        corpus += &format!(
            "\n{}",
            json!({"prompt": words(i), "completion": words(i * 3)})
        );
    }
    fs::write(folder.join("traces.jsonl"), corpus).unwrap();
    sft(&folder, "out", &[]).ok();
    let held_out: Vec<f64> = records(&folder, "out")
        .iter()
        .filter_map(|record| record["held_out_loss"].as_f64())
        .collect();
    assert!(
        (held_out[0] - 512f64.ln()).abs() < 0.3,
        "uniform at first: {held_out:?}"
    );
    assert!(
        held_out.last().unwrap() < &(0.7 * held_out[0]),
        "{held_out:?}"
    );
    let file = folder.join("out/export/sums-F16.gguf");
    retort(&["inspect", arg(&file)], "").ok();
}

#[test]
fn adapters_are_resumed_and_merged() {
    let more = "[lora]\nrank = 4\n[every]\nsample = 0\ncheckpoint = 10\nkeep = 9\n\
                [export]\nhugging_face = 'F32'\ngguf = []\n";
    for quantised in ["", "quantised = true\n"] {
        let more = more.replace("rank = 4\n", &format!("rank = 4\n{quantised}"));
        let name = format!("sft-lora{}", quantised.len());
        let folder = prepare(&name, "llama", SHORT, &more);
        sft(&folder, "out", &[]).ok();
        let expected = state(&folder, "out", 40);
        fs::remove_dir_all(checkpoint(&folder, "out", 40)).unwrap();
        fs::remove_dir_all(checkpoint(&folder, "out", 30)).unwrap();
        let resumed = sft(&folder, "out", &[]).ok();
        assert!(
            resumed.stderr.contains("after step 20"),
            "{}",
            resumed.stderr
        );
        assert!(state(&folder, "out", 40) == expected);
        assert!(
            folder
                .join("out/export/sums-F32/model.safetensors")
                .exists()
        );
    }
}

#[test]
fn mistakes_are_named_before_anything_is_computed() {
    let folder = prepare("sft-mistakes", "qwen2", SHORT, "");
    let config = fs::read_to_string(folder.join("run.toml")).unwrap();
    let template = |text: &str| fs::write(folder.join("chat.jinja"), text).unwrap();
    // No end of a reply.
    template(&TEMPLATE.replace("<end>", ""));
    let refused = sft(&folder, "out", &["--dry-run"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("hint:"), "{}", refused.stderr);
    template(TEMPLATE);
    for (from, to, said) in [
        ("micro_batch = 2", "micro_batch = 9", "batch.micro_batch"),
        ("traces.jsonl", "nothing.jsonl", "nothing.jsonl"),
        ("steps = 40", "stesp = 40", "stesp"),
        ("learning_rate = 5e-3", "", "learning_rate"),
        ("max_length = 96", "max_length = 3", "longer"),
        ("max_length = 96", "max_length = 513", "512 positions"),
    ] {
        fs::write(folder.join("run.toml"), config.replace(from, to)).unwrap();
        let refused = sft(&folder, "out", &["--dry-run"]);
        assert_eq!(refused.code, 1, "{to}: {}", refused.stderr);
        assert!(refused.stderr.contains(said), "{to}: {}", refused.stderr);
    }
    assert!(!folder.join("out").exists());
}
