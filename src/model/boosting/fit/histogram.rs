//! The engine for tall, dense data: a `u8` bin for every entry, and a histogram a node.
//!
//! Bins stand by blocks of [`BLOCK`] columns, row after row, so that the histograms of a block
//! stay in the first-level cache and one read of a row's derivatives serves the whole block. Both
//! derivatives are summed by one 64-bit addition. Of two siblings only the smaller is summed; the
//! other is the parent's histogram minus it, exactly, since the sums are integers.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::bins::merge;
use super::columns::{BinnedColumn, SortedColumns, TrainingRows};
use super::filter::{Filter, WIDTH};
use super::node::SearchNode;
use super::split::{Best, Gradients, MissingSide, Rules, Split, unpack};
use crate::cancel;
use crate::model::boosting::params::BoostingParams;
use crate::model::{ColumnView, MatrixView};
use crate::numeric::decimal::Grid;

/// Columns side by side: 16 × 256 sums of 8 bytes are 32 kB.
const BLOCK: usize = 16;

/// Sums of one column: 255 bins and the missing.
const SLOTS: usize = 256;

/// The bin of missing values.
const MISSING: u8 = 255;

/// Rows looked at to place the cuts of a column that was not sorted, at most.
const CUT_SAMPLE: usize = 1 << 16;

/// One node's histograms: `columns rounded up to whole blocks × SLOTS` packed sums.
type Histogram = Vec<u64>;

/// The columns of one fit.
#[derive(Debug)]
pub(super) struct Histograms {
    n_rows: usize,
    n_features: usize,
    /// Columns of a block, at most [`BLOCK`]: all blocks but the last have as many, so that
    /// threads have as much to do.
    width: usize,
    /// Bin of row `r`, column `width·b + c`, at `(b·n_rows + r)·BLOCK + c`.
    bins: Vec<u8>,
    cuts: Vec<Vec<f64>>,
    has_missing: Vec<bool>,
    /// Histograms of nodes whose children may still be searched.
    kept: BTreeMap<usize, Histogram>,
    /// Histograms no longer needed, to be filled again.
    spare: Vec<Histogram>,
}

impl Histograms {
    /// Bins columns that were sorted.
    pub(super) fn from_sorted(
        sorted: &SortedColumns,
        rows: &TrainingRows,
        n_features: usize,
        params: &BoostingParams,
    ) -> Self {
        let mut all = Self::empty(rows.len(), n_features);
        let mut column = BinnedColumn::default();
        let mut bins = vec![0; rows.len()];
        for feature in 0..n_features {
            if cancel::is_cancelled() {
                break;
            }
            column.fill(sorted, feature, rows, params);
            bins.fill(column.common as u8);
            for b in 0..column.n_bins() {
                for &row in column.bin(b) {
                    bins[row as usize] = b as u8;
                }
            }
            for &row in &column.missing {
                bins[row as usize] = MISSING;
            }
            all.set_column(feature, &bins);
            all.cuts.push(column.cuts.clone());
            all.has_missing.push(!column.missing.is_empty());
        }
        all
    }

    /// Bins columns of tall data, whose cuts are placed by an even sample of the training rows.
    pub(super) fn from_matrix(
        matrix: MatrixView<'_>,
        rows: &TrainingRows,
        params: &BoostingParams,
        is_parallel: bool,
    ) -> Self {
        let n_features = matrix.n_columns();
        let mut all = Self::empty(rows.len(), n_features);
        let bin = |feature: usize| {
            if cancel::is_cancelled() {
                return (Vec::new(), vec![0; rows.len()]);
            }
            bin_column(matrix.column(feature), rows, params)
        };
        for first in (0..n_features).step_by(BLOCK) {
            let block = first..(first + BLOCK).min(n_features);
            let columns: Vec<(Vec<f64>, Vec<u8>)> = if is_parallel {
                block.into_par_iter().map(bin).collect()
            } else {
                block.map(bin).collect()
            };
            for (offset, (cuts, bins)) in columns.into_iter().enumerate() {
                all.set_column(first + offset, &bins);
                all.has_missing.push(bins.contains(&MISSING));
                all.cuts.push(cuts);
            }
        }
        all
    }

    fn empty(n_rows: usize, n_features: usize) -> Self {
        let n_blocks = n_features.div_ceil(BLOCK).max(1);
        Self {
            n_rows,
            n_features,
            width: n_features.div_ceil(n_blocks).max(1),
            bins: vec![0; n_blocks * n_rows * BLOCK],
            cuts: Vec::with_capacity(n_features),
            has_missing: Vec::with_capacity(n_features),
            kept: BTreeMap::new(),
            spare: Vec::new(),
        }
    }

    fn set_column(&mut self, feature: usize, bins: &[u8]) {
        let start = self.place(0, feature);
        let places = self.bins[start..].iter_mut().step_by(BLOCK);
        for (place, &bin) in places.zip(bins) {
            *place = bin;
        }
    }

    fn place(&self, row: usize, feature: usize) -> usize {
        (feature / self.width * self.n_rows + row) * BLOCK + feature % self.width
    }

    fn n_blocks(&self) -> usize {
        self.n_features.div_ceil(self.width)
    }

    /// Additions to sum the root.
    pub(super) fn cost(&self) -> f64 {
        (self.n_rows * self.n_features) as f64
    }

    /// Forgets the histograms of the last tree.
    pub(super) fn reset(&mut self) {
        while let Some((_, histogram)) = self.kept.pop_first() {
            self.spare.push(histogram);
        }
    }

    /// The best split of each node.
    pub(super) fn search(
        &mut self,
        nodes: &[SearchNode],
        partition: &[u32],
        gradients: &Gradients,
        rules: &Rules,
        is_parallel: bool,
    ) -> Vec<Option<Split>> {
        self.fill(nodes, partition, gradients, is_parallel);
        if cancel::is_cancelled() {
            // Sums may be of some blocks only: no node is split by them.
            return vec![None; nodes.len()];
        }
        let task = Search {
            all: self,
            partition,
            gradients,
            rules,
        };
        let n_blocks = self.n_blocks();
        let tasks = 0..nodes.len() * n_blocks;
        let find = |at: usize| task.block(&nodes[at / n_blocks], at % n_blocks);
        let found: Vec<Best> = if is_parallel {
            tasks.into_par_iter().map(find).collect()
        } else {
            tasks.map(find).collect()
        };
        let best_of = |blocks: &[Best]| blocks.iter().copied().reduce(Best::or_better);
        let best = found.chunks(n_blocks.max(1)).map(best_of);
        let mut splits: Vec<_> = best.map(|best| best.and_then(|best| best.split)).collect();
        splits.resize(nodes.len(), None);
        splits
    }

    /// Makes the histograms of `nodes`, by summing or by parent minus sibling.
    fn fill(
        &mut self,
        nodes: &[SearchNode],
        partition: &[u32],
        gradients: &Gradients,
        is_parallel: bool,
    ) {
        let mut parents = Vec::new();
        for node in nodes {
            if self.kept.contains_key(&node.id) {
                continue;
            }
            let rows = &partition[node.start..node.end];
            let family = node
                .family
                .filter(|family| self.kept.contains_key(&family.parent));
            let Some(family) = family else {
                let histogram = self.sum(rows, gradients, is_parallel);
                self.kept.insert(node.id, histogram);
                continue;
            };
            let sibling_rows = &partition[family.sibling_start..family.sibling_end];
            if rows.len() <= sibling_rows.len() {
                let histogram = self.sum(rows, gradients, is_parallel);
                let both = nodes.iter().any(|other| other.id == family.sibling);
                if both && !self.kept.contains_key(&family.sibling) {
                    self.subtract(family.parent, &histogram, family.sibling);
                }
                self.kept.insert(node.id, histogram);
            } else if let Some(sibling) = self.kept.remove(&family.sibling) {
                self.subtract(family.parent, &sibling, node.id);
                self.kept.insert(family.sibling, sibling);
            } else {
                let sibling = self.sum(sibling_rows, gradients, is_parallel);
                self.subtract(family.parent, &sibling, node.id);
                if nodes.iter().any(|other| other.id == family.sibling) {
                    self.kept.insert(family.sibling, sibling);
                }
            }
            parents.push(family.parent);
        }
        for parent in parents {
            self.spare.extend(self.kept.remove(&parent));
        }
    }

    fn subtract(&mut self, parent: usize, part: &Histogram, rest: usize) {
        if let Some(mut histogram) = self.kept.remove(&parent) {
            for (sum, part) in histogram.iter_mut().zip(part) {
                *sum = sum.wrapping_sub(*part);
            }
            self.kept.insert(rest, histogram);
        }
    }

    fn sum(&mut self, rows: &[u32], gradients: &Gradients, is_parallel: bool) -> Histogram {
        let mut histogram = self.spare.pop().unwrap_or_default();
        histogram.clear();
        histogram.resize(self.n_blocks() * self.width * SLOTS, 0);
        let block_of = |(block, sums): (usize, &mut [u64])| {
            if cancel::is_cancelled() {
                return;
            }
            let start = block * self.n_rows * BLOCK;
            let bins = &self.bins[start..start + self.n_rows * BLOCK];
            let width = self.width.min(self.n_features - block * self.width);
            sum_block(bins, rows, &gradients.packed, sums, width);
        };
        let block_size = self.width * SLOTS;
        if is_parallel {
            let blocks = histogram.par_chunks_mut(block_size);
            blocks.enumerate().for_each(block_of);
        } else {
            let blocks = histogram.chunks_mut(block_size);
            blocks.enumerate().for_each(block_of);
        }
        histogram
    }

    /// Whether a row goes left at `split`.
    pub(super) fn goes_left(&self, split: &Split) -> impl Fn(u32) -> bool {
        let feature = split.feature as usize;
        let bins = &self.bins[self.place(0, feature)..];
        let (cut, missing_left) = (split.cut, split.missing == MissingSide::Left);
        let has_missing = self.has_missing[feature];
        move |row| {
            let bin = bins[row as usize * BLOCK];
            if has_missing && bin == MISSING {
                missing_left
            } else {
                u32::from(bin) <= cut
            }
        }
    }
}

/// Adds the rows of a node to the histograms of one block of `width` columns.
fn sum_block(bins: &[u8], rows: &[u32], packed: &[u64], sums: &mut [u64], width: usize) {
    let sum = match width {
        1 => sum_columns::<1>,
        2 => sum_columns::<2>,
        3 => sum_columns::<3>,
        4 => sum_columns::<4>,
        5 => sum_columns::<5>,
        6 => sum_columns::<6>,
        7 => sum_columns::<7>,
        8 => sum_columns::<8>,
        9 => sum_columns::<9>,
        10 => sum_columns::<10>,
        11 => sum_columns::<11>,
        12 => sum_columns::<12>,
        13 => sum_columns::<13>,
        14 => sum_columns::<14>,
        15 => sum_columns::<15>,
        _ => sum_columns::<BLOCK>,
    };
    sum(bins, rows, packed, sums);
}

fn sum_columns<const C: usize>(bins: &[u8], rows: &[u32], packed: &[u64], sums: &mut [u64]) {
    let (bins, _) = bins.as_chunks::<BLOCK>();
    let (sums, _) = sums.as_chunks_mut::<SLOTS>();
    let Some(sums) = sums.first_chunk_mut::<C>() else {
        return;
    };
    for &row in rows {
        let (bins, packed) = (&bins[row as usize], packed[row as usize]);
        for c in 0..C {
            let sum = &mut sums[c][bins[c] as usize];
            *sum = sum.wrapping_add(packed);
        }
    }
}

/// What the search of one node shares.
struct Search<'a> {
    all: &'a Histograms,
    partition: &'a [u32],
    gradients: &'a Gradients,
    rules: &'a Rules,
}

impl Search<'_> {
    fn block(&self, node: &SearchNode, block: usize) -> Best {
        let mut best = Best::new(self.rules.bar(node));
        let Some(histogram) = self.all.kept.get(&node.id) else {
            return best;
        };
        let mut filter = Filter::new(self.rules);
        for lane in 0..WIDTH {
            filter.set_node(lane, node.g, node.h);
            filter.set_bar(lane, best.score);
        }
        let width = self.all.width;
        let features = block * width..((block + 1) * width).min(self.all.n_features);
        let mut look = |feature: usize| {
            let sums = &histogram[feature * SLOTS..(feature + 1) * SLOTS];
            self.feature(node, feature, sums, &mut filter, &mut best);
        };
        match &node.open {
            None => features.for_each(look),
            Some(open) => {
                let first = open.partition_point(|&feature| (feature as usize) < features.start);
                let its = open[first..].iter().map(|&feature| feature as usize);
                its.take_while(|feature| *feature < features.end)
                    .for_each(&mut look);
            }
        }
        best
    }

    fn feature(
        &self,
        node: &SearchNode,
        feature: usize,
        sums: &[u64],
        filter: &mut Filter,
        best: &mut Best,
    ) {
        let cuts = &self.all.cuts[feature];
        let has_missing = self.all.has_missing[feature];
        // With missing values, the cut after the last bin parts them from all others.
        let n_cuts = cuts.len() + usize::from(has_missing);
        let mut below = [0; SLOTS];
        let mut sum: u64 = 0;
        for (below, &bin) in below.iter_mut().zip(&sums[..n_cuts]) {
            sum = sum.wrapping_add(bin);
            *below = sum;
        }
        let sides: &[MissingSide] = if has_missing {
            &[MissingSide::Right, MissingSide::Left]
        } else {
            &[MissingSide::Unseen]
        };
        let mut passing = Vec::new();
        for &missing in sides {
            let mut n_looked = n_cuts;
            if missing == MissingSide::Left {
                n_looked = cuts.len();
                for below in &mut below[..n_looked] {
                    *below = below.wrapping_add(sums[MISSING as usize]);
                }
            }
            passing.clear();
            if let Some(cut) = node.cuts.drawn(feature as u32, n_cuts) {
                passing.extend((cut < n_looked).then_some(cut as u32));
            } else {
                let padded = n_looked.next_multiple_of(WIDTH);
                below[n_looked..padded].fill(0);
                if !filter.any(&below[..padded]) {
                    continue;
                }
                filter.list(&below[..padded], &mut passing);
            }
            for &cut in &passing {
                let slot = cut as usize;
                let (left_g, left_h) = unpack(below[slot]);
                let split = Split {
                    score: 0.0,
                    feature: feature as u32,
                    cut,
                    threshold: cuts.get(slot).copied().unwrap_or(f64::MAX),
                    missing,
                    left_g,
                    left_h,
                };
                best.offer(self.rules, node, split, || self.count(node, &split));
            }
            for lane in 0..WIDTH {
                filter.set_bar(lane, best.score);
            }
        }
    }

    /// Copies of the node's rows that go left.
    fn count(&self, node: &SearchNode, split: &Split) -> u32 {
        let goes_left = self.all.goes_left(split);
        self.partition[node.start..node.end]
            .iter()
            .filter(|&&row| goes_left(row))
            .map(|&row| self.gradients.copies[row as usize])
            .sum()
    }
}

/// Cuts and bins of one column that was not sorted.
fn bin_column(
    column: ColumnView<'_>,
    rows: &TrainingRows,
    params: &BoostingParams,
) -> (Vec<f64>, Vec<u8>) {
    let mut values = vec![0.0; rows.len()];
    super::columns::for_each_nonzero(column, |row, value| {
        let local = rows.local[row as usize];
        if local != super::columns::ABSENT {
            values[local as usize] = value;
        }
    });
    let cuts = place_cuts(&values, rows, params);
    let bins = values
        .iter()
        .map(|&value| {
            if value.is_nan() {
                MISSING
            } else {
                cuts.partition_point(|&cut| cut < value) as u8
            }
        })
        .collect();
    (cuts, bins)
}

fn place_cuts(values: &[f64], rows: &TrainingRows, params: &BoostingParams) -> Vec<f64> {
    let step = values.len().div_ceil(CUT_SAMPLE);
    let sampled = values
        .iter()
        .zip(&rows.weights)
        .zip(&rows.copies)
        .step_by(step);
    let mut sample: Vec<(f64, f64, u32)> = sampled
        .filter(|((value, _), _)| !value.is_nan())
        .map(|((&value, &weight), &copies)| (value, weight, copies))
        .collect();
    sample.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let grid = Grid::of_span(match (sample.first(), sample.last()) {
        (Some(first), Some(last)) => last.0 - first.0,
        _ => 0.0,
    });
    // Lowest and highest of values that no decimal of the grid parts.
    let mut ranges: Vec<(f64, f64)> = Vec::new();
    let mut sizes: Vec<(f64, u32)> = Vec::new();
    let mut bound = f64::NEG_INFINITY;
    for &(value, weight, copies) in &sample {
        match (ranges.last_mut(), sizes.last_mut()) {
            (Some(range), Some(size)) if value <= bound => {
                range.1 = value;
                *size = (size.0 + weight, size.1 + copies);
            }
            _ => {
                bound = grid.not_below(value);
                ranges.push((value, value));
                sizes.push((weight, copies));
            }
        }
    }
    merge(
        &sizes,
        params.max_bins as usize,
        params.bin_rows(rows.total_copies),
    )
    .windows(2)
    .map(|pair| grid.cut(ranges[pair[0].1].1, ranges[pair[1].0].0))
    .collect()
}
