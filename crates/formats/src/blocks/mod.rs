//! Encoded tensor blocks to `f32` and back.
//!
//! Layouts, after ggml's `ggml-common.h`. All numbers are little-endian, `d`, `m` and `dmin` are
//! f16, nibbles are unsigned, low nibble first half, high nibble second half:
//!
//! | type | block, in order | value |
//! |---|---|---|
//! | `F32`, `F16`, `BF16` | the number | itself |
//! | `Q8_0` | `d`, 32 x i8 `q` | `q d` |
//! | `Q4_0` | `d`, 16 bytes: `q[i]`, `q[i + 16]` | `d (q - 8)` |
//! | `Q4_1` | `d`, `m`, 16 bytes as above | `d q + m` |
//! | `Q4_K` | `d`, `dmin`, 12 bytes 6-bit `sc[8]`, `mn[8]`, 128 bytes `q` | `(d sc) q - dmin mn` |
//! | `Q5_K` | as `Q4_K`, but 32 bytes of fifth bits before `q` | `(d sc) q - dmin mn` |
//! | `Q6_K` | 128 bytes low nibbles, 64 bytes high bits, 16 x i8 `sc`, `d` | `(d sc) (q - 32)` |
//!
//! The order of the floating-point operations is part of the format: dequantisation is bit-equal
//! to the `gguf` Python package and to ggml's reference, which the golden file in
//! `tests/golden` proves for every type.

mod dequantize;
mod k_search;
mod quantize;

pub use dequantize::dequantize;
pub use quantize::quantize;

/// Values in a block of the `_K` types.
const SUPER: usize = 256;

/// The 6-bit scale and minimum of sub-block `i` (0 to 7) of `Q4_K` and `Q5_K`.
///
/// Bytes 0 to 3 hold scales 0 to 3 and bytes 4 to 7 minimums 0 to 3 in their low six bits; the
/// high two bits of these bytes are the high bits of scale and minimum 4 to 7, whose low nibbles
/// share bytes 8 to 11.
fn scale_min(packed: &[u8; 12], i: usize) -> (u8, u8) {
    if i < 4 {
        (packed[i] & 63, packed[i + 4] & 63)
    } else {
        let low = packed[i + 4];
        (
            (low & 15) | (packed[i - 4] >> 6 << 4),
            (low >> 4) | (packed[i] >> 6 << 4),
        )
    }
}
