//! Charts of a made-up run, to look at: `cargo run -p retort-report --example charts -- FOLDER`

use std::path::PathBuf;

use retort_report::atomic::write_file;
use retort_report::plot::{Bars, Figure, Histogram, HistogramChart, Panel, Scale, Series, Style};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".to_owned()));
    for (name, svg) in [
        ("run", run(1200, false)),
        ("short", run(24, false)),
        ("long", run(1_000_000, false)),
        ("broken", run(600, true)),
        (
            "empty",
            Figure::new("An empty run", "")
                .panel(Panel::new("loss", ""))
                .to_svg(),
        ),
        ("one", one()),
        ("lengths", lengths()),
        ("bars", bars()),
    ] {
        write_file(&folder.join(format!("{name}.svg")), svg.as_bytes())?;
        println!("{name}.svg: {} bytes", svg.len());
    }
    Ok(())
}

/// Numbers that look random and are always the same, around 0 with a variance of about one.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        let sum: f64 = (0..12)
            .map(|_| {
                self.0 = self
                    .0
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (self.0 >> 33) as f64 / f64::from(1_u32 << 31)
            })
            .sum();
        sum - 6.0
    }
}

fn run(steps: u64, broken: bool) -> String {
    let mut noise = Noise(7);
    let total = steps as f64;
    let ideal =
        |step: f64| 0.72 + 0.5 * (-step / total * 22.0).exp() + 0.16 * (-step / total * 3.0).exp();
    let warmup = (total * 0.04).max(1.0);
    let mut loss = Vec::new();
    let mut rate = Vec::new();
    let mut norm = Vec::new();
    let mut speed = Vec::new();
    for step in 1..=steps {
        let at = step as f64;
        let nan = broken && (step > 540 || (300..330).contains(&step));
        let value = ideal(at) + 0.045 * noise.next();
        loss.push((at, if nan { f64::NAN } else { value }));
        let cosine = 0.5 + 0.5 * ((at - warmup) / (total - warmup) * std::f64::consts::PI).cos();
        rate.push((at, 2e-5 * if at < warmup { at / warmup } else { cosine }));
        let spike = if step == steps * 7 / 10 { 40.0 } else { 1.0 };
        let start = 1.0 + 12.0 * (-at / total * 60.0).exp();
        norm.push((
            at,
            if nan {
                f64::NAN
            } else {
                spike * start * (0.8 + 0.1 * noise.next()).abs()
            },
        ));
        let pause = if step % (steps / 5).max(8) == 0 {
            0.7
        } else {
            1.0
        };
        speed.push((at, pause * (12_400.0 + 160.0 * noise.next())));
    }
    let every = (steps / 12).max(1);
    let held_out = (0..=steps).step_by(every as usize).map(|step| {
        let at = step as f64;
        (at, ideal(at) + 0.03)
    });
    Figure::new(
        "Qwen2.5-Math-1.5B, distilled",
        "17 000 traces of DeepSeek-R1 · 32 768 tokens a step · AdamW, cosine to zero",
    )
    .panel(
        Panel::new("Loss", "nats per token")
            .tall()
            .series(Series::new("train", loss).style(Style::Smoothed(None)))
            .series(Series::new("held out", held_out).style(Style::Dots)),
    )
    .panel(
        Panel::new("Learning rate", "")
            .from_zero()
            .series(Series::new("", rate)),
    )
    .panel(
        Panel::new("Gradient norm", "before clipping")
            .scale(Scale::Auto)
            .series(Series::new("", norm).style(Style::Smoothed(None))),
    )
    .panel(
        Panel::new("Speed", "tokens per second")
            .from_zero()
            .series(Series::new("", speed)),
    )
    .to_svg()
}

fn one() -> String {
    Figure::new("One step", "escaped: <b> & \"c\"")
        .panel(
            Panel::new("Loss", "")
                .series(Series::new("train", [(1.0, 1.9)]).style(Style::Smoothed(None)))
                .series(Series::new("held out", [(1.0, 2.0)]).style(Style::Dots)),
        )
        .panel(Panel::new("Only NaN", "").series(Series::new("x", [(1.0, f64::NAN)])))
        .to_svg()
}

fn lengths() -> String {
    let mut noise = Noise(3);
    let mut values: Vec<_> = (0..17_000)
        .map(|_| (8.1 + 0.55 * noise.next()).exp().min(16_384.0).round())
        .collect();
    values.sort_by(f64::total_cmp);
    let at = |part: f64| values[(part * values.len() as f64) as usize];
    HistogramChart::new(
        "Lengths of the traces",
        "17 000 examples, prompt and reply",
        Histogram::of(&values, 40),
    )
    .names("tokens", "examples")
    .mark("median", at(0.5))
    .mark("95 %", at(0.95))
    .mark("limit", 8192.0)
    .to_svg()
}

fn bars() -> String {
    Bars::new("MATH-500", "greedy, 8192 tokens", "% solved")
        .bar("Qwen2.5-Math-1.5B", 35.4)
        .bar("after 300 steps", 61.8)
        .bar("after 1200 steps", 78.2)
        .bar("DeepSeek-R1-Distill-Qwen-1.5B", 83.1)
        .to_svg()
}
