//! The quick filter: which cuts may beat the best split so far, many at once in `f32`.

use super::split::Rules;

/// Elements that the filter looks at side by side.
pub(super) const WIDTH: usize = 8;

/// Positions whose score may exceed a bar: sums of one side, the totals of the nodes, all as
/// [`WIDTH`] interleaved lanes.
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
        self.total_g[lane] = g;
        self.total_h[lane] = h;
    }

    /// Sets the score to exceed in one lane; the margin covers the filter's rounding.
    pub(super) fn set_bar(&mut self, lane: usize, score: f64) {
        self.bar[lane] = (score - score.abs() * 1e-5) as f32;
    }

    /// Closes one lane.
    pub(super) fn close(&mut self, lane: usize) {
        self.bar[lane] = f32::INFINITY;
    }

    /// Which of [`WIDTH`] positions may exceed their bars: all bits or none.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "must take the instruction set of its caller"
    )]
    #[expect(
        clippy::needless_bitwise_bool,
        reason = "without branches it is one vector each"
    )]
    pub(super) fn passes<const L1: bool>(
        &self,
        g: &[i32; WIDTH],
        h: &[i32; WIDTH],
    ) -> [i32; WIDTH] {
        let mut mask = [0; WIDTH];
        for l in 0..WIDTH {
            let (other_g, other_h) = (self.total_g[l] - g[l], self.total_h[l] - h[l]);
            let (mut s, mut t) = (g[l] as f32, other_g as f32);
            if L1 {
                s = (s.abs() - self.l1).max(0.0);
                t = (t.abs() - self.l1).max(0.0);
            }
            let a = h[l] as f32 + self.ridge;
            let b = other_h as f32 + self.ridge;
            // Sums are below 2^30, so no product reaches 2^127.
            let above = s * s * b + t * t * a > self.bar[l] * (a * b);
            let heavy = (h[l] >= self.least_h) & (other_h >= self.least_h);
            mask[l] = -i32::from(above & heavy);
        }
        mask
    }

    pub(super) fn has_l1(&self) -> bool {
        self.l1 > 0.0
    }

    /// Whether any position passes.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "must take the instruction set of its caller"
    )]
    pub(super) fn any<const L1: bool>(&self, g: &[i32], h: &[i32]) -> bool {
        let mut any = [0; WIDTH];
        let (g, _) = g.as_chunks::<WIDTH>();
        let (h, _) = h.as_chunks::<WIDTH>();
        for (g, h) in g.iter().zip(h) {
            let mask = self.passes::<L1>(g, h);
            for l in 0..WIDTH {
                any[l] |= mask[l];
            }
        }
        any.iter().fold(0, |all, lane| all | lane) != 0
    }

    /// Appends the positions that pass.
    pub(super) fn list(&self, g: &[i32], h: &[i32], passing: &mut Vec<u32>) {
        let (g, _) = g.as_chunks::<WIDTH>();
        let (h, _) = h.as_chunks::<WIDTH>();
        for (chunk, (g, h)) in g.iter().zip(h).enumerate() {
            let mask = if self.has_l1() {
                self.passes::<true>(g, h)
            } else {
                self.passes::<false>(g, h)
            };
            for (l, &passes) in mask.iter().enumerate() {
                if passes != 0 {
                    passing.push((chunk * WIDTH + l) as u32);
                }
            }
        }
    }
}
