//! The engine for small or sparse data: columns as runs of rows away from their most common bin.
//!
//! A column is kept as its training rows by rising bin, without the rows of its most common bin
//! (almost always zero). Walking the bins below it upward and those above it downward gives, at
//! every cut, the sums of one side of the split; the other side is the node's total minus that,
//! so the common bin is never visited and no histogram is filled or cleared. The nodes of a level
//! are walked at once: each row's derivatives stand in the lane of its node, and one vector
//! addition advances all lanes.

use std::ops::Range;

use super::columns::{BinnedColumn, SortedColumns, TrainingRows};
use super::filter::WIDTH;
use super::params::BoostingParams;
use super::split::{Gradients, MissingSide, Rules, SearchNode, Split};
use super::walk::Level;

/// Set on the last row of a bin.
pub(super) const BIN_END: u32 = 1 << 31;

/// Which side of the split the sums of a run belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Bins below the common one: what was walked goes left.
    Low,
    /// Bins above it: what was walked goes right.
    High,
    /// The missing rows alone, to the right of every value.
    Missing,
}

/// How the rows of a bin end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    /// Unmarked.
    None,
    /// At the last row.
    One,
    /// At a multiple of four, filled with a row that is always zero.
    Four,
}

/// One walk over bins of a column.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) feature: u32,
    pub(super) side: Side,
    pub(super) n_bins: u32,
    /// Bins at the start that are too light for a leaf whatever the tree.
    pub(super) n_light: u32,
    pub(super) entries: Range<u32>,
    pub(super) missing: Range<u32>,
    pub(super) cuts: Range<u32>,
}

/// The columns of one fit.
#[derive(Debug)]
#[expect(clippy::struct_field_names, reason = "runs are what it has")]
pub(super) struct Runs {
    pub(super) entries: Vec<u32>,
    pub(super) cuts: Vec<f64>,
    pub(super) runs: Vec<Run>,
    /// First run of each feature, and one past the last.
    pub(super) starts: Vec<u32>,
    /// Longest run, in entries or groups of four.
    pub(super) most_steps: usize,
    pub(super) n_rows: usize,
    /// Whether bins are padded to multiples of four entries.
    pub(super) is_in_quads: bool,
}

impl Runs {
    /// Cuts every column by its training rows and lays out the runs.
    pub(super) fn new(
        sorted: &SortedColumns,
        rows: &TrainingRows,
        n_features: usize,
        params: &BoostingParams,
        heaviest_h: f64,
    ) -> Self {
        let mut all = Self {
            entries: Vec::new(),
            cuts: Vec::new(),
            runs: Vec::new(),
            starts: Vec::with_capacity(n_features + 1),
            most_steps: 1,
            n_rows: rows.len(),
            is_in_quads: params.bin_rows(rows) >= 3,
        };
        // What a row of weight 1 brings at most toward the least weight of a leaf, with room for
        // the rounding of the derivatives.
        let h_of = |row: u32| rows.weights[row as usize] * heaviest_h * (1.0 + 1e-6);
        let mut column = BinnedColumn::default();
        for feature in 0..n_features {
            all.starts.push(all.runs.len() as u32);
            column.fill(sorted, feature, rows, params);
            all.push(feature as u32, &column, &h_of, params.min_leaf_weight);
        }
        all.starts.push(all.runs.len() as u32);
        all
    }

    fn push(
        &mut self,
        feature: u32,
        column: &BinnedColumn,
        h_of: &impl Fn(u32) -> f64,
        least: f64,
    ) {
        let first_cut = self.cuts.len() as u32;
        self.cuts.extend_from_slice(&column.cuts);
        let cuts = first_cut..self.cuts.len() as u32;
        let missing = self.append(&column.missing, Padding::None);
        let h_missing: f64 = column.missing.iter().map(|&row| h_of(row)).sum();
        let padding = if self.is_in_quads {
            Padding::Four
        } else {
            Padding::One
        };
        let (low, high) = (0..column.common, column.common + 1..column.n_bins());
        for side in [Side::Low, Side::High] {
            let start = self.entries.len() as u32;
            let (mut n_bins, mut n_light, mut weight) = (0, 0, h_missing);
            let mut walk = |all: &mut Self, b: usize| {
                all.append(column.bin(b), padding);
                weight += column.bin(b).iter().map(|&row| h_of(row)).sum::<f64>();
                n_bins += 1;
                n_light += u32::from(weight < least);
            };
            match side {
                Side::Low => low.clone().for_each(|b| walk(self, b)),
                _ => high.clone().rev().for_each(|b| walk(self, b)),
            }
            let entries = start..self.entries.len() as u32;
            if n_bins == n_light {
                self.entries.truncate(start as usize);
                continue;
            }
            let step = if self.is_in_quads { 4 } else { 1 };
            self.most_steps = self.most_steps.max(entries.len() / step);
            self.runs.push(Run {
                feature,
                side,
                n_bins,
                n_light,
                entries,
                missing: missing.clone(),
                cuts: cuts.clone(),
            });
        }
        if h_missing >= least && h_missing > 0.0 && column.n_bins() > 0 {
            let entries = self.append(&column.missing, Padding::One);
            self.most_steps = self.most_steps.max(entries.len());
            self.runs.push(Run {
                feature,
                side: Side::Missing,
                n_bins: 1,
                n_light: 0,
                entries,
                missing: 0..0,
                cuts,
            });
        }
    }

    fn append(&mut self, rows: &[u32], padding: Padding) -> Range<u32> {
        let start = self.entries.len();
        self.entries.extend_from_slice(rows);
        if padding == Padding::Four {
            let end = start + rows.len().next_multiple_of(4);
            self.entries.resize(end, self.n_rows as u32);
        }
        if let (true, false, Some(last)) = (
            padding != Padding::None,
            rows.is_empty(),
            self.entries.last_mut(),
        ) {
            *last |= BIN_END;
        }
        start as u32..self.entries.len() as u32
    }

    pub(super) fn slice(&self, range: &Range<u32>) -> &[u32] {
        &self.entries[range.start as usize..range.end as usize]
    }

    /// Additions and comparisons of one level of one lane, roughly.
    pub(super) fn cost(&self) -> f64 {
        let bins: u32 = self.runs.iter().map(|run| run.n_bins).sum();
        2.0 * self.entries.len() as f64 + 1.3 * f64::from(bins) + 30.0 * self.runs.len() as f64
    }

    /// The best split of each node.
    pub(super) fn search(
        &self,
        nodes: &[SearchNode],
        partition: &[u32],
        gradients: &Gradients,
        rules: &Rules,
        active: Option<&[bool]>,
        is_parallel: bool,
    ) -> Vec<Option<Split>> {
        let level = Level {
            runs: self,
            gradients,
            rules,
            active,
            is_parallel,
        };
        nodes
            .chunks(WIDTH)
            .flat_map(|nodes| match nodes.len() {
                1 => level.search::<1, 2>(nodes, partition),
                2 => level.search::<2, 4>(nodes, partition),
                3 | 4 => level.search::<4, 8>(nodes, partition),
                _ => level.search::<8, 16>(nodes, partition),
            })
            .collect()
    }

    /// Sets `is_left` of the rows of a split feature: true where the row goes left, for every
    /// training row.
    pub(super) fn mark_left(&self, split: &Split, is_left: &mut [bool]) {
        let range = self.starts[split.feature as usize] as usize
            ..self.starts[split.feature as usize + 1] as usize;
        let runs = &self.runs[range];
        let n_cuts = runs.first().map_or(0, |run| run.cuts.len()) as u32;
        // The run whose walked rows are exactly one side of the cut.
        let holds = |run: &&Run| match run.side {
            Side::Low => split.cut < run.n_bins,
            Side::High => split.cut < n_cuts && n_cuts - 1 - split.cut < run.n_bins,
            Side::Missing => split.cut == n_cuts,
        };
        let Some(run) = runs.iter().find(holds) else {
            is_left.fill(true);
            return;
        };
        let n_walked = match run.side {
            Side::Low => split.cut + 1,
            Side::High => n_cuts - split.cut,
            Side::Missing => 1,
        };
        let walked_left = run.side == Side::Low;
        is_left.fill(!walked_left);
        let mut n_ends = 0;
        for &entry in self.slice(&run.entries) {
            if let Some(is_left) = is_left.get_mut((entry & !BIN_END) as usize) {
                *is_left = walked_left;
            }
            n_ends += entry >> 31;
            if n_ends == n_walked {
                break;
            }
        }
        for &row in self.slice(&run.missing) {
            is_left[row as usize] = split.missing == MissingSide::Left;
        }
    }
}
