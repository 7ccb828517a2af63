//! Random matrices of GGUF blocks and reference results in f64.
#![allow(dead_code)] // Each test program uses some of it.

use retort_cpu::{Isa, packed};
use retort_formats::{GgmlType, blocks};

pub const QUANTISED: [GgmlType; 6] = [
    GgmlType::Q4_0,
    GgmlType::Q4_1,
    GgmlType::Q8_0,
    GgmlType::Q4_K,
    GgmlType::Q5_K,
    GgmlType::Q6_K,
];

/// SplitMix64 (Steele et al. 2014).
pub struct Random(pub u64);

impl Random {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In -1 .. 1.
    pub fn float(&mut self) -> f32 {
        (self.word() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    pub fn floats(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.float()).collect()
    }

    /// Multiples of 1/256 that quantise to themselves: in each 32 one is 127.
    pub fn exact(&mut self, n: usize) -> Vec<f32> {
        let mut upto = |n: u64| (self.word() % (2 * n + 1)) as f32 - n as f32;
        (0..n)
            .map(|i| match i % 32 {
                7 => 127.0,
                _ => upto(126) + upto(127) / 256.0,
            })
            .collect()
    }
}

/// A matrix in every form.
pub struct Matrix {
    pub ty: GgmlType,
    pub rows: usize,
    pub cols: usize,
    pub bytes: Vec<u8>,
    pub words: Vec<u32>,
    /// [rows, cols], dequantised
    pub values: Vec<f32>,
}

impl Matrix {
    pub fn random(ty: GgmlType, rows: usize, cols: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let row_bytes = ty.row_bytes(cols).expect("whole blocks");
        let mut bytes: Vec<u8> = (0..rows * row_bytes).map(|_| random.word() as u8).collect();
        // Random bits make absurd scales: those are set to something ordinary.
        let halves: &[usize] = match ty {
            GgmlType::Q4_0 | GgmlType::Q8_0 => &[0],
            GgmlType::Q4_1 | GgmlType::Q4_K | GgmlType::Q5_K => &[0, 2],
            GgmlType::Q6_K => &[208],
            _ => &[],
        };
        for block in bytes.chunks_exact_mut(ty.block_bytes()) {
            for &at in halves {
                let d = half::f16::from_f32(0.1 * random.float());
                block[at..at + 2].copy_from_slice(&d.to_le_bytes());
            }
        }
        Self::from_blocks(ty, rows, cols, bytes)
    }

    pub fn from_blocks(ty: GgmlType, rows: usize, cols: usize, bytes: Vec<u8>) -> Self {
        let words = packed::pack(ty, rows, cols, &bytes).expect("packs");
        let mut values = vec![0.0; rows * cols];
        blocks::dequantize(ty, &bytes, &mut values).expect("dequantises");
        Self {
            ty,
            rows,
            cols,
            bytes,
            words,
            values,
        }
    }

    pub fn view(&self) -> packed::Packed<'_> {
        packed::Packed::new(self.ty, self.rows, self.cols, &self.words).expect("fits")
    }
}

/// Row `r` of the weights times token `t`: the product, and the sum of magnitudes.
pub fn product(w: &[f32], x: &[f32], cols: usize, r: usize, t: usize) -> (f64, f64) {
    let pairs = w[r * cols..(r + 1) * cols]
        .iter()
        .zip(&x[t * cols..(t + 1) * cols]);
    pairs.fold((0.0, 0.0), |(sum, size), (&w, &x)| {
        let p = f64::from(w) * f64::from(x);
        (sum + p, size + p.abs())
    })
}

/// Largest error that rounding the activations can make: 1/256 of a coarse step for each.
pub fn rounding(w: &[f32], x: &[f32], cols: usize, r: usize, t: usize) -> f64 {
    let w = w[r * cols..(r + 1) * cols].chunks(32);
    let x = x[t * cols..(t + 1) * cols].chunks(32);
    w.zip(x)
        .map(|(w, x)| {
            let largest = x.iter().fold(0.0f32, |a, x| a.max(x.abs()));
            let weights: f64 = w.iter().map(|w| f64::from(w.abs())).sum();
            weights * f64::from(largest) / 127.0 / 256.0
        })
        .sum()
}

/// Runs `f` on every instruction set of this machine.
pub fn each_isa(f: impl Fn(Isa)) {
    for isa in Isa::available() {
        isa.force(|| f(isa));
    }
}
