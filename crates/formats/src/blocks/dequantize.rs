//! Blocks to `f32`. Nothing is allocated.

use half::f16;

use super::{SUPER, scale_min};
use crate::{FormatError, GgmlType};

/// Decodes `bytes`, whole blocks of `ty`, into `out`, which must hold exactly their values.
///
/// # Errors
/// [`FormatError::BufferLength`] where `bytes` is not a whole number of blocks, or `out` has not
/// the length they decode to.
pub fn dequantize(ty: GgmlType, bytes: &[u8], out: &mut [f32]) -> Result<(), FormatError> {
    let blocks = bytes.len() / ty.block_bytes();
    let wrong = |what, expected, got: usize| {
        Err(FormatError::BufferLength {
            ty,
            what,
            expected,
            got: got as u64,
        })
    };
    if !bytes.len().is_multiple_of(ty.block_bytes()) {
        let whole = (blocks as u64 + 1) * ty.block_bytes() as u64;
        return wrong("bytes of whole blocks", whole, bytes.len());
    }
    let values = blocks as u64 * ty.block_len() as u64;
    if out.len() as u64 != values {
        return wrong("values to decode", values, out.len());
    }
    match ty {
        GgmlType::F32 => each(bytes, out, |&b: &[u8; 4], [y]: &mut [f32; 1]| {
            *y = f32::from_le_bytes(b);
        }),
        GgmlType::F16 => each(bytes, out, |&b: &[u8; 2], [y]: &mut [f32; 1]| {
            *y = f16::from_le_bytes(b).to_f32();
        }),
        GgmlType::BF16 => each(bytes, out, |&b: &[u8; 2], [y]: &mut [f32; 1]| {
            // Not through `bf16`, which sets the quiet bit of NaNs.
            *y = f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16);
        }),
        GgmlType::Q8_0 => each(bytes, out, q8_0),
        GgmlType::Q4_0 => each(bytes, out, q4_0),
        GgmlType::Q4_1 => each(bytes, out, q4_1),
        GgmlType::Q4_K => each(bytes, out, q4_k),
        GgmlType::Q5_K => each(bytes, out, q5_k),
        GgmlType::Q6_K => each(bytes, out, q6_k),
    }
    Ok(())
}

/// Applies `decode` to every block. The lengths were checked: there is no remainder.
fn each<const BYTES: usize, const LEN: usize>(
    bytes: &[u8],
    out: &mut [f32],
    decode: impl Fn(&[u8; BYTES], &mut [f32; LEN]),
) {
    for (block, values) in bytes.as_chunks().0.iter().zip(out.as_chunks_mut().0) {
        decode(block, values);
    }
}

fn half_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

fn q8_0(block: &[u8; 34], out: &mut [f32; 32]) {
    let d = half_at(block, 0);
    for (y, &q) in out.iter_mut().zip(&block[2..]) {
        *y = f32::from(q as i8) * d;
    }
}

fn q4_0(block: &[u8; 18], out: &mut [f32; 32]) {
    let d = half_at(block, 0);
    let (low, high) = out.split_at_mut(16);
    for ((l, h), &q) in low.iter_mut().zip(high).zip(&block[2..]) {
        *l = d * f32::from((q & 15) as i8 - 8);
        *h = d * f32::from((q >> 4) as i8 - 8);
    }
}

fn q4_1(block: &[u8; 20], out: &mut [f32; 32]) {
    let (d, m) = (half_at(block, 0), half_at(block, 2));
    let (low, high) = out.split_at_mut(16);
    for ((l, h), &q) in low.iter_mut().zip(high).zip(&block[4..]) {
        *l = d * f32::from(q & 15) + m;
        *h = d * f32::from(q >> 4) + m;
    }
}

/// Scale and minimum of each of the eight sub-blocks of 32 values, from the first 16 bytes of a
/// `Q4_K` or `Q5_K` block.
fn sub_blocks(block: &[u8]) -> [(f32, f32); 8] {
    let (d, dmin) = (half_at(block, 0), half_at(block, 2));
    let mut packed = [0; 12];
    packed.copy_from_slice(&block[4..16]);
    std::array::from_fn(|i| {
        let (scale, min) = scale_min(&packed, i);
        (d * f32::from(scale), dmin * f32::from(min))
    })
}

fn q4_k(block: &[u8; 144], out: &mut [f32; SUPER]) {
    let scales = sub_blocks(block);
    // 32 bytes hold two sub-blocks: the low nibbles, then the high ones.
    for (pair, (qs, y)) in block[16..]
        .chunks_exact(32)
        .zip(out.chunks_exact_mut(64))
        .enumerate()
    {
        let ((d0, m0), (d1, m1)) = (scales[2 * pair], scales[2 * pair + 1]);
        let (low, high) = y.split_at_mut(32);
        for ((l, h), &q) in low.iter_mut().zip(high).zip(qs) {
            *l = d0 * f32::from(q & 15) - m0;
            *h = d1 * f32::from(q >> 4) - m1;
        }
    }
}

fn q5_k(block: &[u8; 176], out: &mut [f32; SUPER]) {
    let scales = sub_blocks(block);
    let (fifth, qs) = block[16..].split_at(32);
    // Bit `i` of byte `j` of `fifth` is the high bit of value `j` of sub-block `i`.
    for (pair, (qs, y)) in qs
        .chunks_exact(32)
        .zip(out.chunks_exact_mut(64))
        .enumerate()
    {
        let ((d0, m0), (d1, m1)) = (scales[2 * pair], scales[2 * pair + 1]);
        let (low, high) = y.split_at_mut(32);
        for (((l, h), &q), &bits) in low.iter_mut().zip(high).zip(qs).zip(fifth) {
            let bits = bits >> (2 * pair);
            *l = d0 * f32::from((q & 15) | (bits & 1) << 4) - m0;
            *h = d1 * f32::from((q >> 4) | (bits >> 1 & 1) << 4) - m1;
        }
    }
}

fn q6_k(block: &[u8; 210], out: &mut [f32; SUPER]) {
    let d = half_at(block, 208);
    let scale = |i: usize| d * f32::from(block[192 + i] as i8);
    for half in 0..2 {
        let ql = &block[64 * half..][..64];
        let qh = &block[128 + 32 * half..][..32];
        // A half is four runs of 32 values; run `r` takes bits 2r and 2r+1 of `qh`, and its
        // nibbles from one of two runs of 32 bytes of `ql`, low for the first two runs.
        for run in 0..4 {
            let y = &mut out[128 * half + 32 * run..][..32];
            let ql = &ql[32 * (run % 2)..][..32];
            let scales = [scale(8 * half + 2 * run), scale(8 * half + 2 * run + 1)];
            for (i, y) in y.iter_mut().enumerate() {
                let low = ql[i] >> (4 * (run / 2)) & 15;
                let high = qh[i] >> (2 * run) & 3;
                *y = scales[i / 16] * f32::from((low | high << 4) as i8 - 32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_lengths_are_errors() {
        for ty in GgmlType::ALL {
            let (bytes, len) = (ty.block_bytes(), ty.block_len());
            let decode = |bytes, len| dequantize(ty, &vec![0; bytes], &mut vec![0.0; len]);
            assert!(decode(2 * bytes, 2 * len).is_ok(), "{ty}");
            assert!(decode(0, 0).is_ok(), "{ty}");
            assert!(decode(2 * bytes - 1, 2 * len).is_err(), "{ty}");
            assert!(decode(bytes, len + 1).is_err(), "{ty}");
            assert!(decode(bytes, len - 1).is_err(), "{ty}");
        }
    }
}
