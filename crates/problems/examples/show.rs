//! One problem of every family at every difficulty, or of the families named as arguments.

use retort_problems::{ProblemError, families, family};

fn main() -> Result<(), ProblemError> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let shown = match asked.is_empty() {
        true => families().iter().collect(),
        false => asked
            .iter()
            .map(|name| family(name))
            .collect::<Result<Vec<_>, _>>()?,
    };
    for family in shown {
        println!(
            "# {} ({}): {}\n",
            family.name,
            family.domain.name(),
            family.description
        );
        for difficulty in 1..=10 {
            let problem = family.generate(difficulty, 1)?;
            println!(
                "[{difficulty}] {}\n    => {}   ({}: {})\n",
                problem.question, problem.answer, family.measure, problem.size
            );
        }
    }
    Ok(())
}
