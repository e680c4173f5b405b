//! What a split is worth: integer sums of derivatives, the exact score, and the quick filter.
//!
//! Derivatives are rounded once a tree to integers whose sums stay below 2³⁰. Sums of integers do
//! not depend on the order of their terms, so threads, lanes, subtraction of a sibling and the
//! choice of engine cannot change a bit of the model. A filter in `f32` finds the positions that
//! may beat the best split so far (with a margin above its rounding error); only those are scored
//! in `f64`, and ties go to the lower feature, then the lower threshold.

use rayon::prelude::*;

use super::node::{Bounds, SearchNode};
use crate::model::boosting::params::{BoostingParams, Monotone};

/// First and second derivatives of the loss, as integers, with the rows that count.
#[derive(Debug, Default)]
pub(super) struct Gradients {
    /// g and h of each training row, in units of `1 / scale_g` and `1 / scale_h`, packed.
    pub(super) packed: Vec<u64>,
    /// Copies of each row; 0 where the tree does not see it.
    pub(super) copies: Vec<u32>,
    /// Whether each row has one copy.
    pub(super) are_single: bool,
    pub(super) scale_g: f64,
    pub(super) scale_h: f64,
}

/// Rows that one task of a thread looks at.
pub(super) const TASK_ROWS: usize = 8192;

/// Sums stay below this in size.
const SUM_LIMIT: f64 = (1u64 << 30) as f64;

impl Gradients {
    /// Rounds the derivatives of the rows seen (`copies > 0`); the others become 0.
    pub(super) fn round(
        &mut self,
        g: &[f64],
        h: &[f64],
        copies: &[u32],
        seen: Option<&[bool]>,
        is_parallel: bool,
    ) {
        self.copies.clear();
        self.copies.extend_from_slice(copies);
        for (copies, &seen) in self.copies.iter_mut().zip(seen.unwrap_or_default()) {
            *copies *= u32::from(seen);
        }
        self.are_single = self.copies.iter().all(|&copies| copies == 1);
        let (mut sum_g, mut sum_h) = (0.0, 0.0);
        for ((g, h), &copies) in g.iter().zip(h).zip(&self.copies) {
            if copies > 0 {
                sum_g += g.abs();
                sum_h += h;
            }
        }
        self.scale_g = power_of_two_below((SUM_LIMIT - g.len() as f64) / sum_g);
        self.scale_h = power_of_two_below((SUM_LIMIT - g.len() as f64) / sum_h);
        self.packed.resize(g.len(), 0);
        let (scale_g, scale_h, copies) = (self.scale_g, self.scale_h, &self.copies);
        let round = |(task, packed): (usize, &mut [u64])| {
            let rows = task * TASK_ROWS..task * TASK_ROWS + packed.len();
            let derivatives = g[rows.clone()].iter().zip(&h[rows.clone()]);
            let rows = derivatives.zip(&copies[rows]);
            for (packed, ((g, h), &copies)) in packed.iter_mut().zip(rows) {
                let seen = f64::from(copies > 0);
                *packed = pack(nearest(g * scale_g * seen), nearest(h * scale_h * seen));
            }
        };
        if is_parallel {
            let tasks = self.packed.par_chunks_mut(TASK_ROWS);
            tasks.enumerate().for_each(round);
        } else {
            let tasks = self.packed.chunks_mut(TASK_ROWS);
            tasks.enumerate().for_each(round);
        }
    }

    /// The least and the largest h of a copy.
    fn range_of_h(&self) -> (f64, f64) {
        if self.are_single {
            let all = || self.packed.iter().map(|&row| row as u32);
            let least = all().min().map_or(f64::INFINITY, f64::from);
            return (least, all().max().map_or(0.0, f64::from));
        }
        let rows = self.packed.iter().zip(&self.copies);
        rows.filter(|&(_, &copies)| copies > 0)
            .map(|(&row, &copies)| f64::from(unpack(row).1) / f64::from(copies))
            .fold((f64::INFINITY, 0.0), |(least, most), h| {
                (f64::min(least, h), f64::max(most, h))
            })
    }

    /// Sums of g and h over all rows.
    pub(super) fn total(&self) -> (i32, i32) {
        unpack(
            self.packed
                .iter()
                .fold(0, |sum, &row| sum.wrapping_add(row)),
        )
    }
}

/// g in the high half, h (0 or more) in the low: sums of both by one addition, exactly, since the
/// sums of h stay below 2³¹ and never carry into g.
pub(super) fn pack(g: i32, h: i32) -> u64 {
    ((i64::from(g) << 32) as u64).wrapping_add(u64::from(h.unsigned_abs()))
}

/// g and h of a packed sum.
pub(super) fn unpack(sum: u64) -> (i32, i32) {
    ((sum >> 32) as i32, sum as i32)
}

/// The nearest integer of |x| < 2³¹, by the addition that leaves it in the low mantissa bits.
fn nearest(x: f64) -> i32 {
    (x + 6_755_399_441_055_744.0).to_bits() as i32
}

/// The largest power of two that does not exceed `x`, within 2^±900.
fn power_of_two_below(x: f64) -> f64 {
    if !(x.is_finite() && x > 0.0) {
        return 1.0;
    }
    let exponent = libm::ilogb(x).clamp(-900, 900);
    libm::ldexp(1.0, exponent)
}

/// The penalties and limits of one tree, in the units of its [`Gradients`].
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) l1: f64,
    pub(super) ridge: f64,
    pub(super) least_h: i32,
    pub(super) least_rows: u32,
    /// Fewer rows than `least_rows` have no more h than this, however heavy they are.
    few_rows_h: f64,
    /// Whether `least_h` does not already imply `least_rows`.
    pub(super) counts_rows: bool,
    constraints: Vec<Monotone>,
    /// A leaf in units of the score, per unit of `g / h`.
    pub(super) leaf_unit: f64,
    /// A fall of the loss, per unit of score.
    pub(super) gain_unit: f64,
    min_gain: f64,
}

impl Rules {
    pub(super) fn new(params: &BoostingParams, gradients: &Gradients) -> Self {
        let (scale_g, scale_h) = (gradients.scale_g, gradients.scale_h);
        let (lightest, heaviest) = gradients.range_of_h();
        let n_rows = f64::from(params.min_leaf_rows);
        // At least 1, so that padding (h = 0) never passes.
        let least_h = (params.min_leaf_weight * scale_h)
            .max((n_rows * lightest).floor())
            .clamp(1.0, SUM_LIMIT)
            .ceil();
        // With room for the rounding of the heaviest of several copies.
        let few_rows_h = (n_rows - 1.0) * heaviest * (1.0 + 1e-9);
        Self {
            l1: params.l1 * scale_g,
            ridge: params.l2 * scale_h,
            least_h: least_h as i32,
            least_rows: params.min_leaf_rows,
            few_rows_h,
            counts_rows: least_h <= few_rows_h,
            constraints: params.monotone.clone(),
            leaf_unit: scale_h / scale_g,
            gain_unit: 0.5 * scale_h / (scale_g * scale_g),
            min_gain: params.min_gain,
        }
    }

    /// G²/(H + λ), G shrunk by α: twice the fall of the penalized loss in a leaf.
    pub(super) fn score(&self, g: i32, h: i32) -> f64 {
        let g = self.shrunk(g);
        let denominator = f64::from(h) + self.ridge;
        if denominator > 0.0 {
            g * g / denominator
        } else {
            0.0
        }
    }

    fn shrunk(&self, g: i32) -> f64 {
        let g = f64::from(g);
        if g > 0.0 {
            (g - self.l1).max(0.0)
        } else {
            (g + self.l1).min(0.0)
        }
    }

    /// −G/(H + λ) within the bounds, in units of `g / h`.
    fn leaf(&self, g: i32, h: i32, bounds: Bounds) -> f64 {
        let denominator = f64::from(h) + self.ridge;
        let leaf = if denominator > 0.0 {
            -self.shrunk(g) / denominator
        } else {
            0.0
        };
        leaf.clamp(bounds.low, bounds.high)
    }

    /// Twice the fall of the penalized loss where the leaf is `w`.
    fn score_at(&self, g: i32, h: i32, w: f64) -> f64 {
        -(2.0 * f64::from(g) * w + (f64::from(h) + self.ridge) * w * w + 2.0 * self.l1 * w.abs())
    }

    /// The score that a split of a node must exceed.
    pub(super) fn bar(&self, node: &SearchNode) -> f64 {
        let parent = if self.constraints.is_empty() {
            self.score(node.g, node.h)
        } else {
            self.score_at(node.g, node.h, self.leaf(node.g, node.h, node.bounds))
        };
        // The margin keeps splits whose gain is nothing but rounding out.
        parent + parent.abs() * 1e-9 + self.min_gain / self.gain_unit
    }

    /// Whether the score is constrained anywhere.
    pub(super) fn is_constrained(&self) -> bool {
        !self.constraints.is_empty()
    }

    /// The exact score of a split of `node` on `feature`, or `None` where it is not allowed.
    fn split_score(&self, node: &SearchNode, feature: u32, left: (i32, i32)) -> Option<f64> {
        let right = (node.g - left.0, node.h - left.1);
        if left.1 < self.least_h || right.1 < self.least_h {
            return None;
        }
        if !self.is_constrained() {
            return Some(self.score(left.0, left.1) + self.score(right.0, right.1));
        }
        let low = self.leaf(left.0, left.1, node.bounds);
        let high = self.leaf(right.0, right.1, node.bounds);
        let allowed = match self.monotone_of(feature) {
            Monotone::Free => true,
            Monotone::Increasing => low <= high,
            Monotone::Decreasing => low >= high,
        };
        allowed.then(|| self.score_at(left.0, left.1, low) + self.score_at(right.0, right.1, high))
    }

    fn monotone_of(&self, feature: u32) -> Monotone {
        self.constraints
            .get(feature as usize)
            .copied()
            .unwrap_or_default()
    }

    /// The bounds of the two children, so that what lies below cannot break the constraint.
    pub(super) fn child_bounds(&self, node: &SearchNode, split: &Split) -> (Bounds, Bounds) {
        let (mut left, mut right) = (node.bounds, node.bounds);
        let rest = (node.g - split.left_g, node.h - split.left_h);
        let middle = f64::midpoint(
            self.leaf(split.left_g, split.left_h, node.bounds),
            self.leaf(rest.0, rest.1, node.bounds),
        );
        match self.monotone_of(split.feature) {
            Monotone::Free => {}
            Monotone::Increasing => (left.high, right.low) = (middle, middle),
            Monotone::Decreasing => (left.low, right.high) = (middle, middle),
        }
        (left, right)
    }
}

/// A split found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Split {
    pub(super) score: f64,
    pub(super) feature: u32,
    /// The last bin that goes left.
    pub(super) cut: u32,
    pub(super) threshold: f64,
    pub(super) missing: MissingSide,
    pub(super) left_g: i32,
    pub(super) left_h: i32,
}

/// Where missing values go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MissingSide {
    Left,
    Right,
    /// None was missing in training: to the heavier child.
    Unseen,
}

/// The best split of a node so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Best {
    pub(super) score: f64,
    pub(super) split: Option<Split>,
}

impl Best {
    pub(super) fn new(bar: f64) -> Self {
        Self {
            score: bar,
            split: None,
        }
    }

    /// Scores a proposal exactly and keeps it where it is better.
    pub(super) fn offer(
        &mut self,
        rules: &Rules,
        node: &SearchNode,
        proposal: Split,
        left_rows: impl FnOnce() -> u32,
    ) {
        let Some(score) =
            rules.split_score(node, proposal.feature, (proposal.left_g, proposal.left_h))
        else {
            return;
        };
        let split = Split { score, ..proposal };
        if !self.is_beaten_by(&split) {
            return;
        }
        let has_few = |h: i32| f64::from(h) <= rules.few_rows_h;
        if rules.counts_rows && (has_few(split.left_h) || has_few(node.h - split.left_h)) {
            let left = left_rows();
            if left < rules.least_rows || node.n_rows.saturating_sub(left) < rules.least_rows {
                return;
            }
        }
        self.score = score;
        self.split = Some(split);
    }

    #[expect(clippy::float_cmp, reason = "ties of exact scores")]
    fn is_beaten_by(&self, other: &Split) -> bool {
        match self.split {
            None => other.score > self.score,
            Some(best) if other.score == best.score => {
                (other.feature, other.threshold, other.missing)
                    < (best.feature, best.threshold, best.missing)
            }
            Some(best) => other.score > best.score,
        }
    }

    /// The better of two searches of the same node.
    pub(super) fn or_better(self, other: Self) -> Self {
        match other.split {
            Some(split) if self.is_beaten_by(&split) => other,
            _ => self,
        }
    }
}
