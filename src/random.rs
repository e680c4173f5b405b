//! Random numbers that depend on their address alone, so that neither threads nor order matter.

/// Mixes a seed with the number of a fold, tree, member or draw into a seed of its own.
///
/// The finalizer of `SplitMix64` (Steele, Lea and Flood 2014, OOPSLA) over their sum.
pub(crate) fn derive(seed: u64, number: u64) -> u64 {
    let mut z = seed.wrapping_add(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
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

/// A stream of random numbers for drawing in sequence.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    seed: u64,
    drawn: u64,
}

impl Stream {
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    fn next(&mut self) -> u64 {
        self.drawn += 1;
        derive(self.seed, self.drawn)
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
    fn a_stream_is_uniform_and_normal_in_its_moments() {
        let mut stream = Stream::new(1);
        let n = 100_000;
        let uniform: f64 = (0..n).map(|_| stream.uniform()).sum::<f64>() / f64::from(n);
        approx::assert_abs_diff_eq!(uniform, 0.5, epsilon = 0.005);
        let square: f64 = (0..n).map(|_| stream.normal().powi(2)).sum::<f64>() / f64::from(n);
        approx::assert_abs_diff_eq!(square, 1.0, epsilon = 0.02);
    }
}
