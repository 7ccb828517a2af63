//! Runs a Python program in the sandbox, and says what became of it.
//!
//! `cargo run --release -p retort-sandbox --example contain -- program.py [times] < input`

use std::io::Read;
use std::time::Instant;

use retort_sandbox::{Limits, Sandbox, SandboxError};

fn main() {
    if let Err(error) = run() {
        eprintln!("error: {error}");
        let error = error.downcast_ref::<SandboxError>();
        if let Some(hint) = error.and_then(SandboxError::hint) {
            eprintln!("hint: {hint}");
        }
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("expected the path of a program")?;
    let times: u32 = arguments.next().map_or(Ok(1), |times| times.parse())?;
    let program = std::fs::read_to_string(path)?;
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;

    let start = Instant::now();
    let sandbox = Sandbox::detect()?;
    eprintln!("trial: {:.3} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let mut outcome = sandbox.run(&program, &input, &Limits::default())?;
    for _ in 1..times {
        outcome = sandbox.run(&program, &input, &Limits::default())?;
    }
    let mean = start.elapsed().as_secs_f64() / f64::from(times.max(1));
    print!("{}", outcome.stdout);
    eprint!("{}", outcome.stderr);
    eprintln!(
        "{}: {:?}, {:.3} s from start to end, {mean:.3} s with the sandbox, peak {:?} bytes",
        outcome.status.describe(),
        outcome.exit_code,
        outcome.seconds,
        outcome.peak_memory,
    );
    Ok(())
}
