//! Random numbers: the same on every machine, in every release, for any number of threads.
//!
//! By address ([`derive`], [`uniform`], [`normal`]), where the number of a draw is known before it
//! is made, or in sequence ([`Stream`], [`SplitMix64`]).

/// The finalizer of `SplitMix64`: every bit of the result depends on every bit of `z`.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What the state of `SplitMix64` grows by: 2⁶⁴ over the golden ratio, made odd.
pub(crate) const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// `SplitMix64`: one 64-bit state, good enough to shuffle groups and draw normals.
///
/// # References
/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#[derive(Debug, Clone)]
pub(crate) struct SplitMix64(u64);

impl SplitMix64 {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The stream of one sample or resample: its seed is a hash of the seed and of the name.
    pub(crate) fn derived(seed: u64, name: &str) -> Self {
        Self::new(Self::new(seed).next() ^ address(name))
    }

    /// The next 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number in (0, 1), never 0 or 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
    }

    /// A draw from the standard normal distribution (Box and Muller's transform).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// A whole number below `n`, each equally likely (Lemire 2019); 0 where `n` is 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        let threshold = n.wrapping_neg().checked_rem(n).unwrap_or(0);
        loop {
            let product = u128::from(self.next()) * u128::from(n);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }
}

/// Mixes a seed with the number of a fold, tree, member or draw into a seed of its own
/// (the step of that number in the sequence of [`SplitMix64`]).
pub(crate) fn derive(seed: u64, number: u64) -> u64 {
    mix(seed.wrapping_add(number.wrapping_add(1).wrapping_mul(GOLDEN)))
}

/// A 64-bit address of a text (FNV-1a), stable across machines and releases.
pub(crate) fn address(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A number uniform on (0, 1), never 0 or 1, at an address.
pub(crate) fn uniform(address: u64) -> f64 {
    ((address >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
}

/// A standard normal number at an address, by Box and Muller.
pub(crate) fn normal(address: u64) -> f64 {
    let (first, second) = (uniform(derive(address, 1)), uniform(derive(address, 2)));
    (-2.0 * libm::log(first)).sqrt() * libm::cos(2.0 * std::f64::consts::PI * second)
}

/// [`SplitMix64`] from its second number on, with the uniform, normal and whole numbers that the
/// shipped model and the golden cohort were drawn by: one 64-bit number a draw.
#[derive(Debug, Clone)]
pub(crate) struct Stream(SplitMix64);

impl Stream {
    pub fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed.wrapping_add(GOLDEN)))
    }

    fn next(&mut self) -> u64 {
        self.0.next()
    }

    /// Uniform on (0, 1).
    pub fn uniform(&mut self) -> f64 {
        uniform(self.next())
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        normal(self.next())
    }

    /// A whole number from 0 up to, not including, `n`.
    pub fn below(&mut self, n: usize) -> usize {
        ((self.uniform() * n as f64) as usize).min(n.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference_program() {
        // Vigna's splitmix64.c started from 1234567.
        let mut random = SplitMix64::new(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        for (number, expected) in expected.into_iter().enumerate() {
            assert_eq!(random.next(), expected);
            assert_eq!(derive(1_234_567, number as u64), expected);
        }
    }

    #[test]
    fn numbers_below_n_are_spread_evenly() {
        let mut random = SplitMix64::new(1);
        let mut counts = [0_u32; 5];
        for _ in 0..50_000 {
            counts[random.below(5) as usize] += 1;
        }
        // 10,000 expected, standard deviation 89.
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 450));
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn normals_have_mean_0_and_variance_1() {
        let mut random = SplitMix64::new(1);
        let draws: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.04);
    }

    #[test]
    fn a_stream_is_uniform_and_normal_in_its_moments() {
        let mut stream = Stream::new(1);
        let n = 100_000;
        let uniform: f64 = (0..n).map(|_| stream.uniform()).sum::<f64>() / f64::from(n);
        approx::assert_abs_diff_eq!(uniform, 0.5, epsilon = 0.005);
        let square: f64 = (0..n).map(|_| stream.normal().powi(2)).sum::<f64>() / f64::from(n);
        approx::assert_abs_diff_eq!(square, 1.0, epsilon = 0.02);
    }
}
