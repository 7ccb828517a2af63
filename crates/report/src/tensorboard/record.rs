//! The framing of TFRecord files, as the comment in TensorFlow's
//! `tensorflow/core/lib/io/record_writer.h` gives it, all little-endian:
//!
//! ```text
//! u64 length of the data
//! u32 masked CRC-32C of the length
//!     the data
//! u32 masked CRC-32C of the data
//! ```

use crc::{CRC_32_ISCSI, Crc, Table};

const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);
/// From TensorFlow's `tensorflow/core/lib/hash/crc32c.h`.
const MASK: u32 = 0xa282_ead8;

/// The bytes that stand for `data` in the file.
pub fn frame(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut framed = Vec::with_capacity(data.len() + 16);
    framed.extend(length);
    framed.extend(masked(&length).to_le_bytes());
    framed.extend(data);
    framed.extend(masked(data).to_le_bytes());
    framed
}

/// The checksum is changed so that one of data which holds a checksum is of use.
fn masked(data: &[u8]) -> u32 {
    CRC.checksum(data).rotate_right(15).wrapping_add(MASK)
}
