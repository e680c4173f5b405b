//! The quick filter: which cuts may beat the best split so far, many at once in `f32`.

use super::split::{Rules, unpack};

/// Elements that the filter looks at side by side.
pub(super) const WIDTH: usize = 8;

/// Which element stands where in a vector: as two shuffles part g from h in eight packed sums.
const ORDER: [usize; WIDTH] = [0, 1, 4, 5, 2, 3, 6, 7];

/// Where an element stands in a vector; [`ORDER`] is its own inverse.
const fn place_of(element: usize) -> usize {
    ORDER[element]
}

/// Positions whose score may exceed a bar: sums of one side, the totals of the nodes, all as
/// [`WIDTH`] interleaved lanes in [`ORDER`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Filter {
    total_g: [i32; WIDTH],
    total_h: [i32; WIDTH],
    bar: [f32; WIDTH],
    least_h: i32,
    ridge: f32,
    l1: f32,
}

impl Filter {
    pub(super) fn new(rules: &Rules) -> Self {
        Self {
            total_g: [0; WIDTH],
            total_h: [0; WIDTH],
            bar: [f32::INFINITY; WIDTH],
            least_h: rules.least_h,
            ridge: rules.ridge as f32,
            l1: rules.l1 as f32,
        }
    }

    /// Sets the node of one lane.
    pub(super) fn set_node(&mut self, lane: usize, g: i32, h: i32) {
        self.total_g[place_of(lane)] = g;
        self.total_h[place_of(lane)] = h;
    }

    /// Sets the score to exceed in one lane; the margin covers the filter's rounding.
    pub(super) fn set_bar(&mut self, lane: usize, score: f64) {
        self.bar[place_of(lane)] = (score - score.abs() * 1e-5) as f32;
    }

    /// Closes one lane.
    pub(super) fn close(&mut self, lane: usize) {
        self.bar[place_of(lane)] = f32::INFINITY;
    }

    /// Which of [`WIDTH`] packed sums may exceed their bars, in [`ORDER`]: all bits or none.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "must take the instruction set of its caller"
    )]
    #[expect(
        clippy::needless_bitwise_bool,
        reason = "without branches it is one vector each"
    )]
    fn passes<const L1: bool>(&self, sums: &[u64; WIDTH]) -> [i32; WIDTH] {
        let mut mask = [0; WIDTH];
        for l in 0..WIDTH {
            let (g, h) = unpack(sums[ORDER[l]]);
            let (other_g, other_h) = (self.total_g[l] - g, self.total_h[l] - h);
            let (mut s, mut t) = (g as f32, other_g as f32);
            if L1 {
                s = (s.abs() - self.l1).max(0.0);
                t = (t.abs() - self.l1).max(0.0);
            }
            let a = h as f32 + self.ridge;
            let b = other_h as f32 + self.ridge;
            // Sums are below 2^30, so no product reaches 2^127.
            let above = s * s * b + t * t * a > self.bar[l] * (a * b);
            let heavy = (h >= self.least_h) & (other_h >= self.least_h);
            mask[l] = -i32::from(above & heavy);
        }
        mask
    }

    /// Whether any of the packed sums passes; what is beyond whole vectors is left out.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "must take the instruction set of its caller"
    )]
    pub(super) fn any(&self, sums: &[u64]) -> bool {
        if self.l1 > 0.0 {
            self.any_with::<true>(sums)
        } else {
            self.any_with::<false>(sums)
        }
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "must take the instruction set of its caller"
    )]
    fn any_with<const L1: bool>(&self, sums: &[u64]) -> bool {
        let mut any = [0; WIDTH];
        let (sums, _) = sums.as_chunks::<WIDTH>();
        for sums in sums {
            let mask = self.passes::<L1>(sums);
            for l in 0..WIDTH {
                any[l] |= mask[l];
            }
        }
        any.iter().fold(0, |all, lane| all | lane) != 0
    }

    /// Appends the positions that pass, rising.
    pub(super) fn list(&self, sums: &[u64], passing: &mut Vec<u32>) {
        let (sums, _) = sums.as_chunks::<WIDTH>();
        for (chunk, sums) in sums.iter().enumerate() {
            let mask = if self.l1 > 0.0 {
                self.passes::<true>(sums)
            } else {
                self.passes::<false>(sums)
            };
            for position in 0..WIDTH {
                if mask[place_of(position)] != 0 {
                    passing.push((chunk * WIDTH + position) as u32);
                }
            }
        }
    }
}
