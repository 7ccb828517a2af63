//! Tokens per second that the matrices of SmolLM2-135M allow, for each instruction set.
//!
//! `cargo run --release -p retort-cpu --example decode -- [TYPE=Q4_0] [THREADS=1] [ISA]`

use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use retort_cpu::{Activations, Isa, KvCache, Output, Packed, Queries};
use retort_cpu::{attention, matmul_packed, packed};
use retort_formats::GgmlType;

const LAYERS: usize = 30;
const D: usize = 576;
const KV: usize = 192;
const F: usize = 1536;
const VOCABULARY: usize = 49_152;

struct Matrix {
    ty: GgmlType,
    rows: usize,
    cols: usize,
    words: Vec<u32>,
}

impl Matrix {
    /// Random bits with ordinary scales.
    fn random(ty: GgmlType, rows: usize, cols: usize) -> Self {
        let len = rows * ty.row_bytes(cols).expect("whole blocks");
        let mut state = 0x1234_5678u32;
        let mut bytes: Vec<u8> = (0..len)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        let at = if ty == GgmlType::Q6_K { 208 } else { 0 };
        for block in bytes.chunks_exact_mut(ty.block_bytes()) {
            block[at..at + 2].copy_from_slice(&0x1c00u16.to_le_bytes());
            if matches!(ty, GgmlType::Q4_1 | GgmlType::Q4_K | GgmlType::Q5_K) {
                block[2..4].copy_from_slice(&0x1c00u16.to_le_bytes());
            }
        }
        let words = packed::pack(ty, rows, cols, &bytes).expect("a whole matrix");
        Self {
            ty,
            rows,
            cols,
            words,
        }
    }

    fn multiply(&self, x: &Activations, out: &mut [f32]) {
        let w = Packed::new(self.ty, self.rows, self.cols, &self.words).expect("packed");
        matmul_packed(w, x, None, Output::write(out)).expect("shapes that fit");
    }
}

struct Layer {
    qkv: Matrix,
    o: Matrix,
    gate_up: Matrix,
    down: Matrix,
    k: Vec<f32>,
    v: Vec<f32>,
}

const CAPACITY: usize = 1024;

struct Model {
    layers: Vec<Layer>,
    head: Matrix,
    gamma: Vec<f32>,
}

impl Model {
    fn random(ty: GgmlType) -> Self {
        // 576 columns are no whole K-blocks; the next multiple costs a K-quant 33% more.
        let d = D.next_multiple_of(ty.block_len());
        let layer = || Layer {
            qkv: Matrix::random(ty, D + 2 * KV, d),
            o: Matrix::random(ty, d, d),
            gate_up: Matrix::random(ty, 2 * F, d),
            down: Matrix::random(ty, d, F),
            k: vec![0.5; CAPACITY * KV],
            v: vec![0.5; CAPACITY * KV],
        };
        Self {
            layers: (0..LAYERS).map(|_| layer()).collect(),
            head: Matrix::random(ty, VOCABULARY, d),
            gamma: vec![1.0; d],
        }
    }

    /// A forward pass of `m` tokens (without rotation and cache writes), logits of the last.
    fn forward(&self, m: usize, past: usize, with_attention: bool) -> f32 {
        let d = self.gamma.len();
        let mut x = vec![0.01f32; m * d];
        let mut qkv = vec![0.0; m * (D + 2 * KV)];
        let mut mixed = vec![0.0; m * D];
        let mut gate_up = vec![0.0; m * 2 * F];
        for layer in &self.layers {
            let a = Activations::rms_norm(&x, &self.gamma, 1e-5, m, d).expect("whole blocks");
            layer.qkv.multiply(&a, &mut qkv);
            if with_attention {
                let queries = Queries {
                    q: &qkv[..m * D],
                    heads: 9,
                    past,
                    scale: 0.125,
                };
                let cache = KvCache {
                    k: &layer.k[..],
                    v: &layer.v[..],
                    kv_heads: 3,
                    capacity: CAPACITY,
                    head_dim: 64,
                };
                attention(queries, cache, &mut mixed).expect("shapes that fit");
            }
            let input = if d == D { &mixed } else { &x };
            let a = Activations::quantize(input, m, d).expect("whole blocks");
            layer.o.multiply(&a, &mut x);
            let a = Activations::rms_norm(&x, &self.gamma, 1e-5, m, d).expect("whole blocks");
            layer.gate_up.multiply(&a, &mut gate_up);
            let a = Activations::swiglu(&gate_up, m, F).expect("whole blocks");
            layer.down.multiply(&a, &mut x);
        }
        let mut logits = vec![0.0; VOCABULARY];
        let last = &x[(m - 1) * d..];
        let a = Activations::rms_norm(last, &self.gamma, 1e-5, 1, d).expect("whole blocks");
        self.head.multiply(&a, &mut logits);
        logits[0]
    }
}

/// The best of several runs of `f`, in tokens per second: the least disturbed.
fn best(tokens: usize, f: impl Fn() -> f32) -> f64 {
    black_box(f());
    let mut best = Duration::MAX;
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(700) {
        let one = Instant::now();
        black_box(f());
        best = best.min(one.elapsed());
    }
    tokens as f64 / best.as_secs_f64()
}

fn show(what: &str, tokens_per_second: f64) {
    print!(" {what} {tokens_per_second:.1}");
    // Progress only: it does not matter if it cannot be shown.
    let _ = std::io::stdout().flush();
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let name = arguments.get(1).map_or("Q4_0", |name| name);
    let threads = arguments
        .get(2)
        .map_or(1, |n| n.parse().expect("a number of threads"));
    let ty = GgmlType::from_name(name).expect("a tensor type");
    let model = Model::random(ty);
    let measure = || {
        for isa in Isa::available() {
            if arguments
                .get(3)
                .is_some_and(|only| format!("{isa:?}") != *only)
            {
                continue;
            }
            isa.force(|| {
                print!("{name} {isa:?} {threads} threads, tok/s:");
                show("decode", best(1, || model.forward(1, 0, true)));
                show("at 500", best(1, || model.forward(1, 500, true)));
                show("prefill 128", best(128, || model.forward(128, 0, true)));
                show("512", best(512, || model.forward(512, 0, true)));
                show("matrices alone", best(512, || model.forward(512, 0, false)));
                println!();
            });
        }
    };
    run_on(threads, measure);
}

#[cfg(not(target_family = "wasm"))]
fn run_on(threads: usize, f: impl FnOnce() + Send) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("threads").install(f);
}

#[cfg(target_family = "wasm")]
fn run_on(_threads: usize, f: impl FnOnce()) {
    f();
}
