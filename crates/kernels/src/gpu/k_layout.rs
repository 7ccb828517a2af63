//! The K-quant superblocks of [`super::layout`]: 256 columns, scales of 6 or 8 bits.

use retort_formats::GgmlType;

use super::layout::{Layout, le_word};

/// Rearranges superblock `index` of `row`.
pub(super) fn pack(layout: &Layout, row: usize, index: usize, block: &[u8], words: &mut [u32]) {
    match layout.ty() {
        GgmlType::Q6_K => {
            let (ql, rest) = block.split_at(128);
            let (qh, rest) = rest.split_at(64);
            let mut scales = [0; 5];
            scales[0] = le_word(&rest[16..18]);
            for (word, bytes) in scales[1..].iter_mut().zip(rest.chunks_exact(4)) {
                *word = le_word(bytes);
            }
            layout.store_super(row, index, &q6_quants(ql, qh), &scales, words);
        }
        ty => {
            let (header, rest) = block.split_at(16);
            let (qh, qs) = rest.split_at(if ty == GgmlType::Q5_K { 32 } else { 0 });
            let quants = q45_quants(qs, qh);
            layout.store_super(row, index, &quants, &scales_and_mins(header), words);
        }
    }
}

/// Q4_K and Q5_K: of each 32 bytes the low nibbles are one block, the high nibbles the next; bit
/// b of byte n of `qh` (Q5_K only) is the high bit of column n of block b.
fn q45_quants(qs: &[u8], qh: &[u8]) -> [[u32; 6]; 8] {
    std::array::from_fn(|b| {
        let bytes = &qs[b / 2 * 32..][..32];
        let mut block = [0; 6];
        for (n, byte) in bytes.iter().enumerate() {
            block[n / 8] |= u32::from(byte >> (4 * (b % 2)) & 15) << (4 * (n % 8));
        }
        for (n, byte) in qh.iter().enumerate() {
            block[4] |= u32::from(byte >> b & 1) << (4 * (n % 8) + n / 8);
        }
        block
    })
}

/// Q6_K: in each half of 128 columns, 64 bytes of nibbles (low nibbles are the first two blocks,
/// high nibbles the last two) and 32 bytes of high bits, two for each of the four blocks.
fn q6_quants(ql: &[u8], qh: &[u8]) -> [[u32; 6]; 8] {
    std::array::from_fn(|b| {
        let (half, quarter) = (b / 4, b % 4);
        let low = &ql[half * 64 + quarter % 2 * 32..][..32];
        let high = &qh[half * 32..][..32];
        let mut block = [0; 6];
        for (n, (low, high)) in low.iter().zip(high).enumerate() {
            block[n / 8] |= u32::from(low >> (quarter / 2 * 4) & 15) << (4 * (n % 8));
            let shift = 4 * (n % 8) + n / 8 % 2 * 2;
            block[4 + n / 16] |= u32::from(high >> (2 * quarter) & 3) << shift;
        }
        block
    })
}

/// The header of Q4_K and Q5_K: d and dmin, then 8 scales and 8 mins of 6 bits in 12 bytes, of
/// which the last four pairs have their two high bits in the bytes of the first four.
fn scales_and_mins(header: &[u8]) -> [u32; 4] {
    let bytes = &header[4..16];
    let mut words = [le_word(&header[..4]), 0, 0, 0];
    for i in 0..8 {
        let (scale, min) = if i < 4 {
            (bytes[i] & 63, bytes[i + 4] & 63)
        } else {
            let (low, scale_high, min_high) = (bytes[i + 4], bytes[i - 4] >> 6, bytes[i] >> 6);
            (low & 15 | scale_high << 4, low >> 4 | min_high << 4)
        };
        let (scale, min) = (u32::from(scale), u32::from(min));
        words[1] |= (scale & 15) << (4 * i);
        words[2] |= (min & 15) << (4 * i);
        words[3] |= (scale >> 4 | (min >> 4) << 2) << (4 * i);
    }
    words
}
