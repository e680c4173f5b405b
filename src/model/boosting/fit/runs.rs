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
use super::split::{MissingSide, Split};
use crate::model::boosting::params::BoostingParams;

/// Set on the last entry of a bin outside the plain part of a run.
pub(super) const BIN_END: u32 = 1 << 31;

/// An entry is this many times its row: what the processor can scale to the offset of the row's
/// derivatives while it adds them.
pub(super) const SCALE: u32 = 4;

/// The row of an entry.
pub(super) fn row_of(entry: u32) -> u32 {
    (entry & !BIN_END) / SCALE
}

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

/// One walk over bins of a column.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) feature: u32,
    pub(super) side: Side,
    pub(super) n_bins: u32,
    /// Bins at the start that are too light for a leaf whatever the tree.
    pub(super) n_light: u32,
    pub(super) entries: Range<u32>,
    /// The part of `entries` where each step is a bin.
    pub(super) plain: Range<u32>,
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
    /// Longest run, in steps.
    pub(super) most_steps: usize,
    pub(super) n_rows: usize,
    /// Share of the features that are walked at a level.
    open_share: f64,
    /// Entries a step, 1 to 4: bins are filled up to whole steps with a row that is always zero.
    pub(super) step: usize,
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
            open_share: params.open_share(n_features),
            step: params.bin_rows(rows.total_copies).clamp(1, 4) as usize,
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
        let missing = self.append(&column.missing);
        let h_missing: f64 = column.missing.iter().map(|&row| h_of(row)).sum();
        let (low, high) = (0..column.common, column.common + 1..column.n_bins());
        for side in [Side::Low, Side::High] {
            let start = self.entries.len() as u32;
            let (mut n_bins, mut n_light, mut weight) = (0, 0, h_missing);
            let mut walk = |all: &mut Self, b: usize| {
                all.append_bin(column.bin(b));
                weight += column.bin(b).iter().map(|&row| h_of(row)).sum::<f64>();
                n_bins += 1;
                n_light += u32::from(weight < least);
            };
            match side {
                Side::Low => low.clone().for_each(|b| walk(self, b)),
                _ => high.clone().rev().for_each(|b| walk(self, b)),
            }
            if n_bins == n_light {
                self.entries.truncate(start as usize);
                continue;
            }
            let (entries, plain) = self.end_run(start);
            self.runs.push(Run {
                feature,
                side,
                n_bins,
                n_light,
                entries,
                plain,
                missing: missing.clone(),
                cuts: cuts.clone(),
            });
        }
        if h_missing >= least && h_missing > 0.0 && column.n_bins() > 0 {
            let start = self.entries.len() as u32;
            self.append_bin(&column.missing);
            let (entries, plain) = self.end_run(start);
            self.runs.push(Run {
                feature,
                side: Side::Missing,
                n_bins: 1,
                n_light: 0,
                entries,
                plain,
                missing: 0..0,
                cuts,
            });
        }
    }

    fn append(&mut self, rows: &[u32]) -> Range<u32> {
        let start = self.entries.len() as u32;
        self.entries.extend(rows.iter().map(|&row| row * SCALE));
        start..self.entries.len() as u32
    }

    /// Appends a bin, filled up to whole steps.
    fn append_bin(&mut self, rows: &[u32]) {
        let start = self.append(rows).start as usize;
        let end = start + rows.len().next_multiple_of(self.step);
        self.entries.resize(end, self.n_rows as u32 * SCALE);
        if let Some(last) = self.entries[start..].last_mut() {
            *last |= BIN_END;
        }
    }

    /// Ends the run that begins at `start`: gives its entries, and the longest part of it where
    /// each step is a bin, whose marks are then dropped.
    fn end_run(&mut self, start: u32) -> (Range<u32>, Range<u32>) {
        let steps = self.entries[start as usize..].chunks_exact_mut(self.step);
        self.most_steps = self.most_steps.max(steps.len());
        let (mut longest, mut plain_from, mut is_after_end) = (0..0, 0, true);
        for (place, step) in steps.enumerate() {
            let is_end = step.last().is_some_and(|&last| last >= BIN_END);
            if !(is_end && is_after_end) {
                plain_from = place + 1;
            } else if place + 1 - plain_from > longest.len() {
                longest = plain_from..place + 1;
            }
            is_after_end = is_end;
        }
        let entry_of = |step: usize| start + (step * self.step) as u32;
        let plain = entry_of(longest.start)..entry_of(longest.end);
        for entry in &mut self.entries[plain.start as usize..plain.end as usize] {
            *entry &= !BIN_END;
        }
        (start..self.entries.len() as u32, plain)
    }

    /// The rows of the first bins of a run, the padding among them.
    pub(super) fn first_bins(&self, run: &Run, n_bins: u32) -> impl Iterator<Item = u32> {
        let is_plain = |entry: usize| (run.plain.start..run.plain.end).contains(&(entry as u32));
        let mut n_left = n_bins;
        let entries = run.entries.start as usize..run.entries.end as usize;
        entries
            .take_while(move |&place| {
                let is_inside = n_left > 0;
                let at_step = (place + 1 - run.entries.start as usize).is_multiple_of(self.step);
                let ends = self.entries[place] >= BIN_END || is_plain(place) && at_step;
                n_left = n_left.saturating_sub(u32::from(ends));
                is_inside
            })
            .map(|place| row_of(self.entries[place]))
    }

    pub(super) fn slice(&self, range: &Range<u32>) -> &[u32] {
        &self.entries[range.start as usize..range.end as usize]
    }

    /// Additions and comparisons of one level of one lane, roughly.
    pub(super) fn cost(&self) -> f64 {
        let bins: u32 = self.runs.iter().map(|run| run.n_bins).sum();
        let of_all =
            2.0 * self.entries.len() as f64 + 1.3 * f64::from(bins) + 30.0 * self.runs.len() as f64;
        of_all * self.open_share
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
        for row in self.first_bins(run, n_walked) {
            if let Some(is_left) = is_left.get_mut(row as usize) {
                *is_left = walked_left;
            }
        }
        for &entry in self.slice(&run.missing) {
            is_left[row_of(entry) as usize] = split.missing == MissingSide::Left;
        }
    }
}
