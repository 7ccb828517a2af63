//! Names that generated programs cannot guess.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// 32 hexadecimal digits. The standard library's hasher is keyed by the system's random numbers and
/// its output is not predictable without the key.
pub(crate) fn token() -> String {
    let state = RandomState::new();
    let half = |salt: u8| {
        let mut hasher = state.build_hasher();
        hasher.write_u8(salt);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(1), half(2))
}

#[cfg(test)]
mod tests {
    #[test]
    fn tokens_differ() {
        let (a, b) = (super::token(), super::token());
        assert_ne!(a, b);
        assert_eq!(a.len(), 32);
        assert_ne!(a[..16], a[16..]);
    }
}
