//! Random numbers that are the same on every machine, thread count and release.

use crate::numeric::random::{SplitMix64, derive};

/// Xoshiro256** (Blackman and Vigna 2021), seeded through `SplitMix64` as its authors advise.
#[derive(Debug, Clone)]
pub(crate) struct Random([u64; 4]);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut seeds = SplitMix64::new(seed);
        Self([(); 4].map(|()| seeds.next()))
    }

    fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number in `0..n`, each equally likely up to 2^-64 · n (Lemire's multiplication).
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.next() >> 63 == 1
    }

    /// Puts the items into a random order (Fisher–Yates), every order equally likely.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// A task number apart from those of folds and resamples, of the same value on every machine.
pub(crate) const STREAM_OF_PERMUTATIONS: usize = 0x7FFF_FFFF;

/// The seed of task `index` of a run with `seed`: unrelated streams for neighboring indices.
pub(crate) fn derive_seed(seed: u64, index: usize) -> u64 {
    let number = (index as u64).wrapping_mul(0xA24B_AED4_963E_E407);
    derive(derive(seed, 0) ^ number, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_cover_the_range_evenly() {
        let mut random = Random::new(1);
        let mut seen = [0_usize; 7];
        for _ in 0..70_000 {
            seen[random.below(7)] += 1;
        }
        // 10,000 expected, standard deviation 93.
        assert!(seen.iter().all(|&n| n.abs_diff(10_000) < 500), "{seen:?}");
    }

    #[test]
    fn neighboring_tasks_get_different_seeds() {
        let mut seeds: Vec<u64> = (0..1000).map(|i| derive_seed(0, i)).collect();
        seeds.extend((0..1000).map(|i| derive_seed(1, i)));
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 2000);
    }
}
