//! Tests of code problems on their way through a recipe and back.

use std::path::Path;

use retort_corpus::code_tests::{Case, Tests};
use retort_corpus::import::Defaults;
use retort_corpus::inspect::Inspect;
use retort_corpus::{CorpusError, Flow, Folders, Recipe, Trace, publish, run};

const SOURCE: &str =
    "name = \"t\"\n[[source]]\nname = \"s\"\npaths = [\"rows.jsonl\"]\nsolutions = true\n";

fn build(folder: &Path, recipe: &str, out: &str) -> Result<Vec<Trace>, CorpusError> {
    let recipe = Recipe::parse(recipe)?;
    let folders = Folders {
        base: folder,
        work: &folder.join("work"),
    };
    let finished = run(&recipe, folders, None, &mut |_| Flow::Continue)?;
    let out = folder.join(out);
    publish(&recipe, &finished, &out)?;
    let shard = out.join("data/train-00000-of-00001.parquet");
    Inspect::open(&shard, Defaults::default())?.collect()
}

#[test]
fn tests_are_published_if_wanted_and_never_as_text_to_learn() {
    let folder = tempfile::tempdir().unwrap();
    let row = serde_json::json!({
        "id": "a", "problem": "Double it.", "solution": "print(2 * int(input()))",
        "test_cases": {"inputs": ["2\n"], "outputs": ["a secret"]},
    });
    let plain = serde_json::json!({"id": "b", "problem": "1+1?", "solution": "2"});
    std::fs::write(
        folder.path().join("rows.jsonl"),
        format!("{row}\n{plain}\n"),
    )
    .unwrap();
    let step = "[[step]]\nkind = \"verify\"\nkeep = \"all\"\n";
    let wanted = format!("{SOURCE}{step}[publish]\ntests = true\n");
    let traces = build(folder.path(), &wanted, "with").unwrap();
    let cases = vec![Case {
        input: "2\n".into(),
        output: "a secret".into(),
    }];
    assert_eq!(traces[0].tests, Some(Tests::Programs { cases }));
    assert_eq!(traces[1].tests, None);
    let learnt = serde_json::to_string(&traces[0].messages).unwrap();
    assert!(!learnt.contains("a secret") && !traces[0].problem.contains("a secret"));
    let traces = build(folder.path(), &format!("{SOURCE}{step}"), "without").unwrap();
    assert!(traces.iter().all(|trace| trace.tests.is_none()));
}

#[test]
fn a_recipe_that_names_a_model_is_refused_where_nobody_asks_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rows.jsonl"), "{}\n").unwrap();
    let recipe = format!("{SOURCE}[[step]]\nkind = \"verify\"\n[step.judge]\n");
    let error = build(folder.path(), &recipe, "out").unwrap_err();
    assert!(error.to_string().contains("step.judge"), "{error}");
    assert!(!folder.path().join("work").exists());
}
