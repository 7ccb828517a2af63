//! SIMD kernels over plain slices: the CPU twins of the GPU kernels.
//!
//! This crate knows slices, shapes and GGUF block layouts. It must not know tensors, devices,
//! models, files or threads of its own: it splits work over the rayon pool that the caller runs
//! in (none on wasm). A model that calls it for every op should therefore run inside one
//! `ThreadPool::install`: from outside a pool every call wakes it anew.
//!
//! # What there is
//! | op | what it does |
//! |---|---|
//! | [`matmul_packed`] | quantised weights ([`packed`]) times quantised [`Activations`] |
//! | [`matmul_dense`] | f32, f16 or bf16 weights times f32 activations |
//! | [`linear`](linear()) | either, from [`Packed`] words of any type |
//! | [`attention`](attention()) | queries over a KV cache, prefill and decode |
//! | [`rms_norm`], [`swiglu`], [`rope_in_place`] | row by row |
//! | [`packed::row`] | one embedding |
//! | `train` (a feature) | backward passes, the loss, the optimiser's step |
//!
//! [`Activations::rms_norm`] and [`Activations::swiglu`] quantise what they compute without
//! storing it; one [`Activations`] serves every matrix that reads it. Every function checks its
//! shapes first and returns [`CpuError`] with the output untouched; infinities and NaNs
//! propagate.
//!
//! # How a matmul became fast
//! Each step keeps the result, up to the rounding of sums. The example `decode` measures the
//! result on every instruction set.
//!
//! 1. **Dequantise, then multiply floats.** What the tests do, in f64. Eight times the memory
//!    traffic of the blocks, and a conversion for each weight.
//! 2. **Quantise the activations too** ([`Activations`]). A product of bytes is exact in
//!    integers, and one float multiplication serves 32 of them. llama.cpp's scheme uses one byte,
//!    which costs half a step of 1/127 of the largest of 32 activations and turns three greedy
//!    tokens in a hundred. Two bytes cost a second dot product on weights that are in registers
//!    already: decode, bound by memory, is 5% slower, prefill 30%, and the result is that of f32.
//! 3. **Interleave sixteen rows** ([`packed`]). A lane of a vector is then a row: no sum across
//!    lanes, the activations are broadcast, and one layout suits 4, 8 and 16 lanes.
//! 4. **Fold the zero points into the start.** Quants are unsigned, as `vpdpbusd` and
//!    `vpmaddubsw` want them; `sum((w - z) x) = sum(w x) - z sum(x)`, so a dot product just
//!    starts at `-z sum(x)`.
//! 5. **Decode: read once, forward.** A matvec is bound by memory. It streams, as long as the
//!    fields of a block lie in the order of their first use: with Q6_K's high bits after its low
//!    bits the prefetcher lost the thread, and decode ran at a third of the speed. Software
//!    prefetch on top made the other types slower by a tenth.
//! 6. **Prefill: unpack once, use for many tokens.** 1,024 columns of a tile are unpacked to
//!    bytes in L1 and multiplied with 4 or 8 tokens at a time, whose sums stay in registers: of
//!    the micro-kernel's vector instructions on AVX-512 two thirds are dot products.
//!
//! # How it is written
//! A kernel is one generic function over `simd::Simd`, the vocabulary of vectors, compiled once
//! per instruction set ([`Isa`]) and chosen at run time. Block types differ only in `quant.rs`:
//! six small implementations that turn 32 columns into bytes and scales.
//!
//! # Tests on other machines
//! On wasm, in node: `rustup target add wasm32-wasip1`, then
//!
//! ```text
//! export CARGO_TARGET_WASM32_WASIP1_RUNNER="node $PWD/crates/cpu/tests/wasi.mjs"
//! RUSTFLAGS="-C target-feature=+simd128" \
//!     cargo test --release --target wasm32-wasip1 -p retort-cpu
//! ```
//!
//! and again with `+simd128,+relaxed-simd` (node 20 also wants `--experimental-wasm-relaxed-simd`).
//! On aarch64, with qemu-user and the target aarch64-unknown-linux-musl: the linker `rust-lld` and
//! the runner `qemu-aarch64`. The example `decode` runs in the same ways.

// Indices over small constant bounds are what the unrolled kernels are made of.
#![allow(clippy::needless_range_loop)]

mod activations;
mod attention;
#[cfg(not(target_family = "wasm"))]
mod awake;
mod dense;
mod element;
mod error;
mod gemm;
mod isa;
mod linear;
mod matmul;
mod output;
pub mod packed;
mod par;
mod quant;
mod rows;
mod simd;
mod step;
#[cfg(all(feature = "train", not(target_family = "wasm")))]
pub mod train;

pub use activations::Activations;
pub use attention::{KvCache, Queries, attention};
pub use dense::{Dense, matmul_dense};
pub use element::Element;
pub use error::CpuError;
pub use isa::Isa;
pub use linear::linear;
pub use matmul::matmul_packed;
pub use output::Output;
pub use packed::Packed;
pub use rows::{RopeTables, rms_norm, rope_in_place, swiglu};
