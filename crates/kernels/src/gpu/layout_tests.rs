//! The layout is exactly invertible: from its words the GGUF blocks come back, bit for bit.

use proptest::prelude::*;
use retort_formats::GgmlType;

use super::layout::{Layout, ROWS, bits, pack, super_scales};
use crate::PackedSpec;

/// One row of a packed matrix, read back.
struct Row<'a> {
    layout: Layout,
    words: &'a [u32],
    row: usize,
}

impl Row<'_> {
    fn quant(&self, b: usize, w: usize) -> u32 {
        self.words[self.layout.quant(self.row, b, w)]
    }

    fn scale(&self, w: usize) -> u32 {
        self.words[self.layout.scale(self.row, w)]
    }

    /// Bits `shift ..` of the quant of a column of a quantised type.
    fn code(&self, column: usize) -> u8 {
        let (b, n) = (column / 32, column % 32);
        let low = self.quant(b, n / 8) >> (4 * (n % 8)) & 15;
        let high = match self.layout.ty() {
            GgmlType::Q5_K => self.quant(b, 4) >> (4 * (n % 8) + n / 8) & 1,
            GgmlType::Q6_K => self.quant(b, 4 + n / 16) >> (4 * (n % 8) + n / 8 % 2 * 2) & 3,
            _ => 0,
        };
        (low | high << 4) as u8
    }

    fn blocks(&self, spec: PackedSpec) -> Vec<u8> {
        let ty = spec.ty;
        let whole = |b: usize| (0..bits(ty)).flat_map(move |w| self.quant(b, w).to_le_bytes());
        match ty {
            GgmlType::F32 | GgmlType::F16 | GgmlType::BF16 => {
                let mut bytes: Vec<u8> = (0..self.layout.blocks()).flat_map(whole).collect();
                bytes.truncate(spec.cols * bits(ty) / 8);
                bytes
            }
            GgmlType::Q8_0 => (0..spec.cols / 32)
                .flat_map(|b| self.half(b).into_iter().chain(whole(b)))
                .collect(),
            GgmlType::Q4_0 => (0..spec.cols / 32)
                .flat_map(|b| self.half(b).into_iter().chain(self.nibbles(32 * b, 16)))
                .collect(),
            GgmlType::Q4_1 => (0..spec.cols / 32)
                .flat_map(|b| {
                    self.scale(b)
                        .to_le_bytes()
                        .into_iter()
                        .chain(self.nibbles(32 * b, 16))
                })
                .collect(),
            GgmlType::Q4_K | GgmlType::Q5_K => {
                (0..spec.cols / 256).flat_map(|s| self.q45(s, ty)).collect()
            }
            GgmlType::Q6_K => (0..spec.cols / 256).flat_map(|s| self.q6(s)).collect(),
        }
    }

    /// The f16 of block `b`.
    fn half(&self, b: usize) -> [u8; 2] {
        ((self.scale(b / 2) >> (16 * (b % 2))) as u16).to_le_bytes()
    }

    /// Bytes of the low bits of columns `first + n` and `first + n + distance`.
    fn nibbles(&self, first: usize, distance: usize) -> Vec<u8> {
        let byte = |n| self.code(first + n) & 15 | self.code(first + n + distance) << 4;
        (0..distance).map(byte).collect()
    }

    fn q45(&self, s: usize, ty: GgmlType) -> Vec<u8> {
        let at = s * super_scales(ty);
        let mut bytes = self.scale(at).to_le_bytes().to_vec();
        let six = |word: usize, shift: usize, i: usize| {
            let low = self.scale(at + word) >> (4 * i) & 15;
            (low | (self.scale(at + 3) >> (4 * i + shift) & 3) << 4) as u8
        };
        let (scale, min) = (|i| six(1, 0, i), |i| six(2, 2, i));
        bytes.extend((0..4).map(|i| scale(i) | scale(i + 4) >> 4 << 6));
        bytes.extend((0..4).map(|i| min(i) | min(i + 4) >> 4 << 6));
        bytes.extend((4..8).map(|i| scale(i) & 15 | min(i) << 4));
        if ty == GgmlType::Q5_K {
            let high = |n: usize, b: usize| self.code(256 * s + 32 * b + n) >> 4 << b;
            bytes.extend((0..32).map(|n| (0..8).map(|b| high(n, b)).sum::<u8>()));
        }
        bytes.extend((0..4).flat_map(|pair| self.nibbles(256 * s + 64 * pair, 32)));
        bytes
    }

    fn q6(&self, s: usize) -> Vec<u8> {
        let first = 256 * s;
        let low = (0..2).flat_map(|half| self.nibbles(first + 128 * half, 64));
        let high = (0..64).map(|index| {
            let column = first + 128 * (index / 32) + index % 32;
            (0..4)
                .map(|quarter| self.code(column + 32 * quarter) >> 4 << (2 * quarter))
                .sum()
        });
        let scales = (1..5).flat_map(|w| self.scale(5 * s + w).to_le_bytes());
        let d = self.scale(5 * s).to_le_bytes();
        low.chain(high).chain(scales).chain([d[0], d[1]]).collect()
    }
}

fn types() -> impl Strategy<Value = GgmlType> {
    prop::sample::select(vec![
        GgmlType::F32,
        GgmlType::F16,
        GgmlType::BF16,
        GgmlType::Q4_0,
        GgmlType::Q4_1,
        GgmlType::Q8_0,
        GgmlType::Q4_K,
        GgmlType::Q5_K,
        GgmlType::Q6_K,
    ])
}

/// A matrix of one to nine rows of one to three blocks of random bytes.
fn matrices() -> impl Strategy<Value = (PackedSpec, Vec<u8>)> {
    (types(), 1usize..10, 1usize..4).prop_flat_map(|(ty, rows, blocks)| {
        // Floats have blocks of one column.
        let cols = blocks
            * if ty.block_len() == 1 {
                12
            } else {
                ty.block_len()
            };
        let spec = PackedSpec { ty, rows, cols };
        let bytes = spec.bytes().expect("whole blocks");
        (Just(spec), prop::collection::vec(any::<u8>(), bytes))
    })
}

proptest! {
    #[test]
    fn blocks_come_back_bit_for_bit((spec, blocks) in matrices()) {
        let words = pack(spec, &blocks);
        let layout = Layout::new(spec);
        prop_assert_eq!(words.len(), layout.vectors() * ROWS);
        let back: Vec<u8> = (0..spec.rows)
            .flat_map(|row| Row { layout, words: &words, row }.blocks(spec))
            .collect();
        prop_assert_eq!(back, blocks);
    }
}
