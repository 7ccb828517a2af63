//! Agreement with graded data: `RETORT_DATA=folder cargo run --release -p retort-verify --example
//! agreement [-- all]`; with `all`, every disagreement too.

#[path = "../tests/support/mod.rs"]
mod support;

fn main() {
    let Some(data) = support::data() else {
        println!("set RETORT_DATA to the folder with `equivalence` and `graded`");
        return;
    };
    let all = std::env::args().nth(1).is_some();
    let (gym, by_task) = support::reasoning_gym(&data);
    for figures in [
        support::answer_pairs(&data),
        support::normalize_extract(&data),
        support::qwen_math(&data),
        support::grade_school(&data),
        gym,
    ] {
        println!("{}", figures.line());
        if all {
            for note in &figures.accepts {
                println!("  accepted {note}");
            }
            for note in &figures.rejects {
                println!("  rejected {note}");
            }
        }
    }
    for (task, (pairs, wrong)) in by_task.iter().filter(|(_, counts)| counts.1 > 0) {
        println!("  {task}: {wrong} of {pairs} differ");
    }
}
