//! Waits that double, each a little different.

use std::time::Duration;

/// The wait after failure number `attempt` (from 1): `first`, doubled with each, at most `max`; and
/// of that between a half and all, so that what failed together is not asked again together.
pub fn pause(first: f64, max: f64, attempt: u32, salt: u64) -> Duration {
    let doubled = first * 2_f64.powi(attempt.saturating_sub(1).min(64) as i32);
    let seconds = doubled.min(max) * (0.5 + 0.5 * fraction(salt));
    // Options are checked, so this is a number of seconds in a year.
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// From 0 to 1, by the salt alone. The mixing is SplitMix64's.
pub fn fraction(salt: u64) -> f64 {
    let mut z = salt.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ z >> 31) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_differ() {
        for attempt in 1..100 {
            let full = (2_f64.powi(attempt - 1)).min(60.0);
            let seconds = pause(1.0, 60.0, attempt as u32, attempt as u64).as_secs_f64();
            assert!(
                (full / 2.0..=full).contains(&seconds),
                "{attempt}: {seconds}"
            );
        }
        assert_ne!(pause(1.0, 60.0, 3, 1), pause(1.0, 60.0, 3, 2));
        assert_eq!(pause(1.0, 60.0, 3, 1), pause(1.0, 60.0, 3, 1));
        let mean = (0..1000).map(fraction).sum::<f64>() / 1000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
    }
}
