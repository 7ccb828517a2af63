//! The source of chance: a 64-bit counter with a mixing function (SplitMix64).
//!
//! A problem must be the same in a browser, on a server and in next year's release, so this crate
//! owns its generator: integers only, no platform-dependent width, no dependency whose next version
//! may draw otherwise.

/// A seeded stream of random numbers. Equal seeds give equal streams everywhere.
#[derive(Debug, Clone)]
pub struct Rng {
    state: u64,
}

/// FNV-1a: turns a family's name into a part of its seed.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl Rng {
    /// A stream that depends on every part, and on their order.
    pub fn new(parts: &[u64]) -> Self {
        let mut rng = Self { state: 0 };
        for part in parts {
            rng.state ^= *part;
            rng.state = rng.next();
        }
        rng
    }

    /// The next 64 bits.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in `0..n`, without bias; 0 for `n` = 0.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        // Draws below this value would make the first few results likelier.
        let reject = n.wrapping_neg() % n;
        loop {
            let wide = u128::from(self.next()) * u128::from(n);
            if wide as u64 >= reject {
                return (wide >> 64) as u64;
            }
        }
    }

    /// Uniform in `low..=high`; `low` when the range is empty.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).max(0) as u64;
        low.saturating_add(self.below(width.saturating_add(1)) as i64)
    }

    /// [`range`](Self::range) for indices and counts.
    pub(crate) fn count(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high.saturating_sub(low) as u64 + 1) as usize
    }

    /// Uniform in `low..=high` or its negatives: never 0 for `low` > 0.
    pub(crate) fn signed(&mut self, low: i64, high: i64) -> i64 {
        let value = self.range(low, high);
        if self.coin() { value } else { -value }
    }

    /// A number of exactly this many decimal digits, without a leading zero.
    pub(crate) fn digits(&mut self, digits: u32) -> i64 {
        let low = 10_i64.pow(digits.clamp(1, 17) - 1);
        self.range(low, low * 10 - 1)
    }

    /// True every second time.
    pub(crate) fn coin(&mut self) -> bool {
        self.next() >> 63 == 1
    }

    /// One of the items. Callers pass slices that are not empty.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// Fisher and Yates.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// `count` different items, in random order; fewer if there are not as many.
    pub(crate) fn sample<T: Clone>(&mut self, items: &[T], count: usize) -> Vec<T> {
        let mut all = items.to_vec();
        self.shuffle(&mut all);
        all.truncate(count);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_pinned() {
        let mut rng = Rng::new(&[1, 2, 3]);
        let drawn: Vec<u64> = (0..3).map(|_| rng.below(1000)).collect();
        let mut again = Rng::new(&[1, 2, 3]);
        assert_eq!(drawn, (0..3).map(|_| again.below(1000)).collect::<Vec<_>>());
        assert_ne!(Rng::new(&[1, 2]).next(), Rng::new(&[2, 1]).next());
        // The published first output for seed 0.
        assert_eq!(Rng { state: 0 }.next(), 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn every_value_of_a_range_comes_up_about_as_often() {
        let mut rng = Rng::new(&[7]);
        let mut seen = [0_u32; 6];
        for _ in 0..6000 {
            seen[(rng.range(-2, 3) + 2) as usize] += 1;
        }
        assert!(seen.iter().all(|n| (850..1150).contains(n)), "{seen:?}");
        assert_eq!(rng.range(5, 4), 5);
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn a_shuffle_keeps_the_items() {
        let mut items: Vec<u8> = (0..20).collect();
        Rng::new(&[3]).shuffle(&mut items);
        assert_ne!(items, (0..20).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..20).collect::<Vec<_>>());
    }
}
