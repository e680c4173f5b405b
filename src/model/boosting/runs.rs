//! The engine for small or sparse data: columns as runs of rows away from their most common bin.
//!
//! A column is kept as its training rows by rising bin, without the rows of its most common bin
//! (almost always zero). Walking the bins below it upward and those above it downward gives, at
//! every cut, the sums of one side of the split; the other side is the node's total minus that,
//! so the common bin is never visited and no histogram is filled or cleared. The nodes of a level
//! are walked at once: each row's derivatives stand in the lane of its node, and one vector
//! addition advances all lanes.

use std::ops::Range;

use rayon::prelude::*;

use super::columns::{BinnedColumn, SortedColumns, TrainingRows};
use super::params::BoostingParams;
use super::split::{Best, Filter, Gradients, MissingSide, Rules, SearchNode, Split, WIDTH};

/// Set on the last row of a bin.
const BIN_END: u32 = 1 << 31;

/// Runs searched by one task, so that what is found does not depend on the number of threads.
const RUNS_PER_TASK: usize = 256;

/// Which side of the split the sums of a run belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
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
struct Run {
    feature: u32,
    side: Side,
    n_bins: u32,
    /// Bins at the start that are too light for a leaf whatever the tree.
    n_light: u32,
    entries: Range<u32>,
    missing: Range<u32>,
    cuts: Range<u32>,
}

/// The columns of one fit.
#[derive(Debug)]
pub(super) struct Runs {
    entries: Vec<u32>,
    cuts: Vec<f64>,
    runs: Vec<Run>,
    /// First run of each feature, and one past the last.
    starts: Vec<u32>,
    /// Longest run, in entries or groups of four.
    most_steps: usize,
    n_rows: usize,
    /// Whether bins are padded to multiples of four entries.
    is_in_quads: bool,
}

/// The derivatives of one row in the lane of its node, zero in the others: g of `D / 2` lanes,
/// then h.
type Lanes<const D: usize> = [i32; D];

/// Sums at the cuts of a run, lane by lane.
struct Sums<const L: usize> {
    g: Vec<[i32; L]>,
    h: Vec<[i32; L]>,
    passing: Vec<u32>,
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

    fn slice(&self, range: &Range<u32>) -> &[u32] {
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

/// What the search of one level shares.
struct Level<'a> {
    runs: &'a Runs,
    gradients: &'a Gradients,
    rules: &'a Rules,
    active: Option<&'a [bool]>,
    is_parallel: bool,
}

/// No lane.
const NO_LANE: u8 = u8::MAX;

impl Level<'_> {
    fn search<const L: usize, const D: usize>(
        &self,
        nodes: &[SearchNode],
        partition: &[u32],
    ) -> Vec<Option<Split>> {
        let mut table: Vec<Lanes<D>> = vec![[0; D]; self.runs.n_rows + 1];
        let n_marked = if self.rules.counts_rows {
            self.runs.n_rows
        } else {
            0
        };
        let mut lane_of = vec![NO_LANE; n_marked];
        for (lane, node) in nodes.iter().enumerate() {
            for &row in &partition[node.start..node.end] {
                let row = row as usize;
                table[row][lane] = self.gradients.g[row];
                table[row][L + lane] = self.gradients.h[row];
                if n_marked > 0 {
                    lane_of[row] = lane as u8;
                }
            }
        }
        let task = |runs: &[Run]| self.search_runs::<L, D>(runs, nodes, &table, &lane_of);
        let found = if self.is_parallel {
            let tasks: Vec<Vec<Best>> =
                self.runs.runs.par_chunks(RUNS_PER_TASK).map(task).collect();
            tasks
                .into_iter()
                .reduce(|all, more| {
                    all.into_iter()
                        .zip(more)
                        .map(|(a, b)| a.or_better(b))
                        .collect()
                })
                .unwrap_or_default()
        } else {
            task(&self.runs.runs)
        };
        let mut splits: Vec<_> = found.into_iter().map(|best| best.split).collect();
        splits.resize(nodes.len(), None);
        splits
    }

    fn search_runs<const L: usize, const D: usize>(
        &self,
        runs: &[Run],
        nodes: &[SearchNode],
        table: &[Lanes<D>],
        lane_of: &[u8],
    ) -> Vec<Best> {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, asked just above.
            #[expect(unsafe_code, reason = "AVX2 kernel, same bits as the portable one")]
            return unsafe { self.search_runs_avx2::<L, D>(runs, nodes, table, lane_of) };
        }
        self.search_runs_with::<L, D>(runs, nodes, table, lane_of)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn search_runs_avx2<const L: usize, const D: usize>(
        &self,
        runs: &[Run],
        nodes: &[SearchNode],
        table: &[Lanes<D>],
        lane_of: &[u8],
    ) -> Vec<Best> {
        self.search_runs_with::<L, D>(runs, nodes, table, lane_of)
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "must take the instruction set of its caller"
    )]
    fn search_runs_with<const L: usize, const D: usize>(
        &self,
        runs: &[Run],
        nodes: &[SearchNode],
        table: &[Lanes<D>],
        lane_of: &[u8],
    ) -> Vec<Best> {
        let mut best: Vec<Best> = nodes
            .iter()
            .map(|node| Best::new(self.rules.bar(node)))
            .collect();
        let mut filter = Filter::new(self.rules);
        for l in 0..WIDTH {
            if let Some(node) = nodes.get(l % L) {
                filter.set_node(l, node.g, node.h);
                filter.set_bar(l, best[l % L].score);
            }
        }
        let is_picky = nodes.iter().any(|node| node.allowed.is_some());
        let n_bins = self.runs.most_steps + WIDTH + 2;
        let mut sums = Sums::<L> {
            g: vec![[0; L]; n_bins],
            h: vec![[0; L]; n_bins],
            passing: Vec::new(),
        };
        for run in runs {
            if self
                .active
                .is_some_and(|active| !active[run.feature as usize])
            {
                continue;
            }
            if is_picky {
                open_lanes::<L>(&mut filter, run.feature, nodes, &best);
            }
            let entries = self.runs.slice(&run.entries);
            let n_bins = if self.runs.is_in_quads && run.side != Side::Missing {
                walk::<L, D, 4>(entries, table, &mut sums)
            } else {
                walk::<L, D, 1>(entries, table, &mut sums)
            };
            let place = Place {
                first: run.n_light as usize * L / WIDTH * WIDTH,
                end: (n_bins * L).next_multiple_of(WIDTH),
                missing: match (run.side, run.missing.is_empty()) {
                    (Side::High, false) => MissingSide::Left,
                    (Side::Low, false) | (Side::Missing, _) => MissingSide::Right,
                    _ => MissingSide::Unseen,
                },
            };
            if place.any_passes(&filter, &sums) {
                self.offer(
                    run,
                    &place,
                    &mut filter,
                    &mut sums,
                    nodes,
                    lane_of,
                    &mut best,
                );
            }
            if run.missing.is_empty() {
                continue;
            }
            add_missing(self.runs.slice(&run.missing), table, &mut sums, n_bins);
            let place = Place {
                missing: match run.side {
                    Side::High => MissingSide::Right,
                    _ => MissingSide::Left,
                },
                ..place
            };
            if place.any_passes(&filter, &sums) {
                self.offer(
                    run,
                    &place,
                    &mut filter,
                    &mut sums,
                    nodes,
                    lane_of,
                    &mut best,
                );
            }
        }
        best
    }

    /// Scores exactly what passed the filter.
    #[cold]
    #[inline(never)]
    #[expect(
        clippy::too_many_arguments,
        reason = "the state of one search, kept in registers"
    )]
    fn offer<const L: usize>(
        &self,
        run: &Run,
        place: &Place,
        filter: &mut Filter,
        sums: &mut Sums<L>,
        nodes: &[SearchNode],
        lane_of: &[u8],
        best: &mut [Best],
    ) {
        let (g, h) = (sums.g.as_flattened(), sums.h.as_flattened());
        sums.passing.clear();
        filter.list(
            &g[place.first..place.end],
            &h[place.first..place.end],
            &mut sums.passing,
        );
        let cuts = &self.runs.cuts[run.cuts.start as usize..run.cuts.end as usize];
        for &passing in &sums.passing {
            let element = place.first + passing as usize;
            let (bin, lane) = (element / L, element % L);
            let Some(node) = nodes.get(lane) else {
                continue;
            };
            if node
                .allowed
                .as_ref()
                .is_some_and(|allowed| !allowed[run.feature as usize])
            {
                continue;
            }
            let walked = (g[element], h[element]);
            let rest = (node.g - walked.0, node.h - walked.1);
            let (cut, left) = match run.side {
                Side::Low => (bin, walked),
                Side::High => (cuts.len() - 1 - bin, rest),
                Side::Missing => (cuts.len(), rest),
            };
            let split = Split {
                score: 0.0,
                feature: run.feature,
                cut: cut as u32,
                threshold: cuts.get(cut).copied().unwrap_or(f64::MAX),
                missing: place.missing,
                left_g: left.0,
                left_h: left.1,
            };
            best[lane].offer(self.rules, node, split, || {
                let walked = self.count(run, bin, lane, lane_of, place.missing);
                if run.side == Side::Low {
                    walked
                } else {
                    node.n_rows - walked
                }
            });
        }
        for l in 0..WIDTH {
            if let Some(best) = best.get(l % L) {
                filter.set_bar(l, best.score);
            }
        }
    }

    /// Copies of the rows of one node on the walked side of a cut.
    fn count(
        &self,
        run: &Run,
        bin: usize,
        lane: usize,
        lane_of: &[u8],
        missing: MissingSide,
    ) -> u32 {
        let copies = |row: u32| {
            let row = row as usize;
            match lane_of.get(row) {
                Some(&of) if of as usize == lane => self.gradients.copies[row],
                _ => 0,
            }
        };
        let mut n_ends = 0;
        let mut n_rows = 0;
        for &entry in self.runs.slice(&run.entries) {
            n_rows += copies(entry & !BIN_END);
            n_ends += (entry >> 31) as usize;
            if n_ends > bin {
                break;
            }
        }
        let is_with_walked = matches!(
            (run.side, missing),
            (Side::Low, MissingSide::Left) | (Side::High, MissingSide::Right)
        );
        if is_with_walked {
            n_rows += self
                .runs
                .slice(&run.missing)
                .iter()
                .map(|&row| copies(row))
                .sum::<u32>();
        }
        n_rows
    }
}

/// Which sums of a run to look at, and where its missing rows stand in them.
#[derive(Debug, Clone, Copy)]
struct Place {
    first: usize,
    end: usize,
    missing: MissingSide,
}

impl Place {
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "must take the instruction set of its caller"
    )]
    fn any_passes<const L: usize>(&self, filter: &Filter, sums: &Sums<L>) -> bool {
        let g = &sums.g.as_flattened()[self.first..self.end];
        let h = &sums.h.as_flattened()[self.first..self.end];
        if filter.has_l1() {
            filter.any::<true>(g, h)
        } else {
            filter.any::<false>(g, h)
        }
    }
}

/// Sums the derivatives along a run, lane by lane, and keeps the sums at the end of each bin;
/// gives the number of bins. What follows them up to a whole vector is zero.
///
/// Bins are whole multiples of `Q` entries, so that sums are kept once for `Q` rows.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "must take the instruction set of its caller"
)]
fn walk<const L: usize, const D: usize, const Q: usize>(
    entries: &[u32],
    table: &[Lanes<D>],
    sums: &mut Sums<L>,
) -> usize {
    let (entries, _) = entries.as_chunks::<Q>();
    assert!(sums.g.len() > entries.len() + WIDTH && sums.h.len() > entries.len() + WIDTH);
    let mut sum = [0; D];
    let mut bin = 0;
    for rows in entries {
        for &row in rows {
            let row = (row & !BIN_END) as usize;
            debug_assert!(row < table.len());
            // SAFETY: `Runs::append` writes only training rows and `n_rows`, the padding row, and
            // the table has `n_rows + 1` rows. Without the check a fit of 300 rows × 1,000
            // features takes 0.7 of the time.
            #[expect(unsafe_code, reason = "innermost loop, measured")]
            let row = unsafe { table.get_unchecked(row) };
            for d in 0..D {
                sum[d] += row[d];
            }
        }
        // SAFETY: `bin` grows by at most 1 a step, and there are more sums than steps.
        #[expect(unsafe_code, reason = "innermost loop, measured")]
        let (g, h) = unsafe { (sums.g.get_unchecked_mut(bin), sums.h.get_unchecked_mut(bin)) };
        g.copy_from_slice(&sum[..L]);
        h.copy_from_slice(&sum[L..]);
        bin += (rows[Q - 1] >> 31) as usize;
    }
    for pad in bin..bin + WIDTH / L {
        sums.g[pad] = [0; L];
        sums.h[pad] = [0; L];
    }
    bin
}

/// Adds the missing rows of each node to its sums.
fn add_missing<const L: usize, const D: usize>(
    missing: &[u32],
    table: &[Lanes<D>],
    sums: &mut Sums<L>,
    n_bins: usize,
) {
    let mut sum = [0; D];
    for &row in missing {
        for (sum, derivative) in sum.iter_mut().zip(&table[row as usize]) {
            *sum += derivative;
        }
    }
    for bin in 0..n_bins {
        for l in 0..L {
            sums.g[bin][l] += sum[l];
            sums.h[bin][l] += sum[L + l];
        }
    }
}

/// Opens the lanes of the nodes that may split on `feature` and closes the others.
fn open_lanes<const L: usize>(
    filter: &mut Filter,
    feature: u32,
    nodes: &[SearchNode],
    best: &[Best],
) {
    for l in 0..WIDTH {
        if let (Some(node), Some(best)) = (nodes.get(l % L), best.get(l % L)) {
            let is_open = node
                .allowed
                .as_ref()
                .is_none_or(|allowed| allowed[feature as usize]);
            if is_open {
                filter.set_bar(l, best.score);
            } else {
                filter.close(l);
            }
        }
    }
}
