//! SHA-256 that can be saved at a block boundary and taken up again after a reload.
//!
//! The compression function is the `sha2` crate's; the padding is FIPS 180-4, section 5.1.1.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{compress256, digest::generic_array::GenericArray};
use std::fmt;

const BLOCK: usize = 64;

/// Initial hash value, FIPS 180-4, section 5.3.3.
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// A SHA-256 hash, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Reads 64 hexadecimal digits of either case; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let high = (pair[0] as char).to_digit(16)?;
            let low = (pair[1] as char).to_digit(16)?;
            *byte = (high * 16 + low) as u8;
        }
        Some(Self(bytes))
    }

    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(bytes);
        hash.finish()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text)
            .ok_or_else(|| D::Error::custom("a SHA-256 hash is 64 hexadecimal digits"))
    }
}

/// The state of the hash after a whole number of 64-byte blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Midstate {
    /// Bytes hashed so far, a multiple of 64.
    pub length: u64,
    pub words: [u32; 8],
}

/// SHA-256 over a stream.
#[derive(Clone)]
pub struct Sha256 {
    words: [u32; 8],
    length: u64,
    /// The first `length % 64` bytes wait for their block to fill.
    pending: [u8; BLOCK],
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl Sha256 {
    pub fn new() -> Self {
        Self {
            words: INITIAL,
            length: 0,
            pending: [0; BLOCK],
        }
    }

    /// Goes on where [`Sha256::midstate`] was taken.
    pub fn resume(from: Midstate) -> Self {
        Self {
            words: from.words,
            length: from.length,
            pending: [0; BLOCK],
        }
    }

    /// The state to save, or `None` inside a 64-byte block.
    pub fn midstate(&self) -> Option<Midstate> {
        let midstate = Midstate {
            length: self.length,
            words: self.words,
        };
        self.length.is_multiple_of(BLOCK as u64).then_some(midstate)
    }

    pub fn update(&mut self, mut bytes: &[u8]) {
        let held = (self.length % BLOCK as u64) as usize;
        self.length += bytes.len() as u64;
        if held > 0 {
            let take = bytes.len().min(BLOCK - held);
            let (head, rest) = bytes.split_at(take);
            self.pending[held..held + take].copy_from_slice(head);
            bytes = rest;
            if held + take < BLOCK {
                return;
            }
            let block = self.pending;
            self.compress(&block);
        }
        let blocks = bytes.chunks_exact(BLOCK);
        let tail = blocks.remainder();
        for block in blocks {
            self.compress(block);
        }
        self.pending[..tail.len()].copy_from_slice(tail);
    }

    pub fn finish(mut self) -> Digest {
        let bits = self.length.wrapping_mul(8);
        self.update(&[0x80]);
        while self.length % BLOCK as u64 != 56 {
            self.update(&[0]);
        }
        self.update(&bits.to_be_bytes());
        let mut out = [0; 32];
        for (bytes, word) in out.chunks_exact_mut(4).zip(self.words) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        Digest(out)
    }

    fn compress(&mut self, block: &[u8]) {
        compress256(
            &mut self.words,
            std::slice::from_ref(GenericArray::from_slice(block)),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha2::Digest as _;

    #[test]
    fn hex_goes_both_ways_and_refuses_the_rest() {
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").to_string(), text);
        assert_eq!(
            Digest::from_hex(&text.to_uppercase()),
            Some(Digest::of(b""))
        );
        assert_eq!(Digest::from_hex(&text[1..]), None);
        assert_eq!(Digest::from_hex(&text.replace('e', "g")), None);
        assert_eq!(Digest::from_hex(&"é".repeat(32)), None);
    }

    proptest! {
        #[test]
        fn any_split_and_any_resume_gives_the_crates_hash(
            bytes in prop::collection::vec(any::<u8>(), 0..1000),
            splits in prop::collection::vec(0usize..1000, 0..6),
        ) {
            let mut hash = Sha256::new();
            let mut at = 0;
            let mut splits = splits;
            splits.sort_unstable();
            for split in splits {
                let split = split.min(bytes.len());
                hash.update(&bytes[at..split]);
                at = split;
                if let Some(midstate) = hash.midstate() {
                    prop_assert_eq!(midstate.length, at as u64);
                    hash = Sha256::resume(midstate);
                }
            }
            hash.update(&bytes[at..]);
            let expected: [u8; 32] = sha2::Sha256::digest(&bytes).into();
            prop_assert_eq!(hash.finish().0, expected);
        }
    }
}
