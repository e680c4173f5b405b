//! The walk over the runs of one level: sums of all its nodes at once, and what passes the filter.

use std::ops::Range;

use rayon::prelude::*;

use super::drawn::DrawnBins;
use super::filter::{Filter, WIDTH};
use super::node::{Cuts, SearchNode};
use super::open::{ALL_LANES, OpenRun, open_runs};
use super::runs::{BIN_END, Run, Runs, SCALE, Side, row_of};
use super::split::{Best, Gradients, MissingSide, Rules, Split, unpack};

/// Runs searched by one task, so that what is found does not depend on the number of threads.
const RUNS_PER_TASK: usize = 256;

/// The packed derivatives of one row in the lane of its node, zero in the others, or their sums.
pub(super) type Lanes<const L: usize> = [u64; L];

impl Runs {
    /// The best split of each node.
    pub(super) fn search(
        &self,
        nodes: &[SearchNode],
        partition: &[u32],
        gradients: &Gradients,
        rules: &Rules,
        is_parallel: bool,
    ) -> Vec<Option<Split>> {
        let level = Level {
            runs: self,
            gradients,
            rules,
            draws_cuts: nodes.iter().any(|node| node.cuts != Cuts::All),
            is_parallel,
        };
        nodes
            .chunks(WIDTH)
            .flat_map(|nodes| match nodes.len() {
                1 => level.search::<1>(nodes, partition),
                2 => level.search::<2>(nodes, partition),
                3 | 4 => level.search::<4>(nodes, partition),
                _ => level.search::<8>(nodes, partition),
            })
            .collect()
    }
}

/// What the search of one level shares.
pub(super) struct Level<'a> {
    pub(super) runs: &'a Runs,
    pub(super) gradients: &'a Gradients,
    pub(super) rules: &'a Rules,
    /// Whether each node tries one cut of a feature.
    pub(super) draws_cuts: bool,
    pub(super) is_parallel: bool,
}

/// No lane.
const NO_LANE: u8 = u8::MAX;

impl Level<'_> {
    pub(super) fn search<const L: usize>(
        &self,
        nodes: &[SearchNode],
        partition: &[u32],
    ) -> Vec<Option<Split>> {
        let (table, lane_of) = self.lanes::<L>(nodes, partition);
        let open = open_runs(nodes, &self.runs.starts);
        let task = |open: &[OpenRun]| self.search_runs::<L>(open, nodes, &table, &lane_of);
        let found = if self.is_parallel {
            let tasks: Vec<Vec<Best>> = open.par_chunks(RUNS_PER_TASK).map(task).collect();
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
            task(&open)
        };
        let mut splits: Vec<_> = found.into_iter().map(|best| best.split).collect();
        splits.resize(nodes.len(), None);
        splits
    }

    /// The derivatives of each row in the lane of its node, and, where rows of leaves are counted,
    /// that lane.
    pub(super) fn lanes<const L: usize>(
        &self,
        nodes: &[SearchNode],
        partition: &[u32],
    ) -> (Vec<Lanes<L>>, Vec<u8>) {
        let mut table: Vec<Lanes<L>> = vec![[0; L]; self.runs.n_rows + 1];
        let n_marked = if self.rules.counts_rows {
            self.runs.n_rows
        } else {
            0
        };
        let mut lane_of = vec![NO_LANE; n_marked];
        for (lane, node) in nodes.iter().enumerate() {
            for &row in &partition[node.start..node.end] {
                let row = row as usize;
                table[row][lane] = self.gradients.packed[row];
                if n_marked > 0 {
                    lane_of[row] = lane as u8;
                }
            }
        }
        (table, lane_of)
    }

    pub(super) fn search_runs<const L: usize>(
        &self,
        open: &[OpenRun],
        nodes: &[SearchNode],
        table: &[Lanes<L>],
        lane_of: &[u8],
    ) -> Vec<Best> {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, asked just above.
            #[expect(
                unsafe_code,
                reason = "same bits as the portable kernel in 0.85 to 0.93 of the time of a fit"
            )]
            return unsafe { self.search_runs_avx2::<L>(open, nodes, table, lane_of) };
        }
        self.search_runs_with::<L>(open, nodes, table, lane_of)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn search_runs_avx2<const L: usize>(
        &self,
        open: &[OpenRun],
        nodes: &[SearchNode],
        table: &[Lanes<L>],
        lane_of: &[u8],
    ) -> Vec<Best> {
        self.search_runs_with::<L>(open, nodes, table, lane_of)
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "must take the instruction set of its caller"
    )]
    pub(super) fn search_runs_with<const L: usize>(
        &self,
        open: &[OpenRun],
        nodes: &[SearchNode],
        table: &[Lanes<L>],
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
            }
        }
        let mut lanes = ALL_LANES;
        set_bars::<L>(&mut filter, lanes, &best);
        let mut sums: Vec<Lanes<L>> = vec![[0; L]; self.runs.most_steps + WIDTH + 2];
        for open in open {
            let run = &self.runs.runs[open.run as usize];
            if open.lanes != lanes {
                lanes = open.lanes;
                set_bars::<L>(&mut filter, lanes, &best);
            }
            let drawn = self.draws_cuts.then(|| DrawnBins::new(run, lanes, nodes));
            let n_wanted = drawn.as_ref().map_or(usize::MAX, |drawn| drawn.n_bins);
            if n_wanted == 0 {
                continue;
            }
            let n_bins = match self.runs.step {
                1 => walk::<L, 1>(self.runs, run, n_wanted, table, &mut sums),
                2 => walk::<L, 2>(self.runs, run, n_wanted, table, &mut sums),
                3 => walk::<L, 3>(self.runs, run, n_wanted, table, &mut sums),
                _ => walk::<L, 4>(self.runs, run, n_wanted, table, &mut sums),
            };
            let mut summed = Summed {
                run,
                lanes,
                drawn: drawn.as_ref(),
                n_bins,
                takes_missing: false,
            };
            self.look::<L>(&summed, &sums, &mut filter, nodes, lane_of, &mut best);
            if !run.missing.is_empty() {
                add_missing(self.runs.slice(&run.missing), table, &mut sums[..n_bins]);
                summed.takes_missing = true;
                self.look::<L>(&summed, &sums, &mut filter, nodes, lane_of, &mut best);
            }
        }
        best
    }

    /// Looks through the sums of a run for what may beat the best so far.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "must take the instruction set of its caller"
    )]
    fn look<const L: usize>(
        &self,
        summed: &Summed<'_>,
        sums: &[Lanes<L>],
        filter: &mut Filter,
        nodes: &[SearchNode],
        lane_of: &[u8],
        best: &mut [Best],
    ) {
        let may_beat = match summed.drawn {
            Some(drawn) => filter.any(&drawn.sums(&sums[..summed.n_bins])),
            None => filter.any(&sums.as_flattened()[summed.looked::<L>()]),
        };
        if may_beat {
            self.offer::<L>(summed, sums, filter, nodes, lane_of, best);
        }
    }

    /// Scores exactly the sums of a run that pass the filter.
    #[cold]
    #[inline(never)]
    fn offer<const L: usize>(
        &self,
        summed: &Summed<'_>,
        sums: &[Lanes<L>],
        filter: &mut Filter,
        nodes: &[SearchNode],
        lane_of: &[u8],
        best: &mut [Best],
    ) {
        let mut offer = |lane: usize, bin: usize| {
            if let Some(node) = nodes.get(lane) {
                let walked = unpack(sums[bin][lane]);
                self.offer_cut(summed, (bin, lane), walked, node, lane_of, &mut best[lane]);
            }
        };
        if let Some(drawn) = summed.drawn {
            drawn.iter().for_each(|(lane, bin)| offer(lane, bin));
        } else {
            let looked = summed.looked::<L>();
            let mut passing = Vec::new();
            filter.list(&sums.as_flattened()[looked.clone()], &mut passing);
            for place in passing {
                let element = looked.start + place as usize;
                offer(element % L, element / L);
            }
        }
        set_bars::<L>(filter, summed.lanes, best);
    }

    /// Scores exactly the cut that ends a run's bin in the lane of a node, by the sums up to there.
    fn offer_cut(
        &self,
        summed: &Summed<'_>,
        (bin, lane): (usize, usize),
        walked: (i32, i32),
        node: &SearchNode,
        lane_of: &[u8],
        best: &mut Best,
    ) {
        let (run, missing) = (summed.run, summed.missing_side());
        let cuts = &self.runs.cuts[run.cuts.start as usize..run.cuts.end as usize];
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
            missing,
            left_g: left.0,
            left_h: left.1,
        };
        best.offer(self.rules, node, split, || {
            let walked = self.count(run, bin, lane, lane_of, missing);
            if run.side == Side::Low {
                walked
            } else {
                node.n_rows - walked
            }
        });
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
        let mut n_rows: u32 = self.runs.first_bins(run, bin as u32 + 1).map(copies).sum();
        let is_with_walked = matches!(
            (run.side, missing),
            (Side::Low, MissingSide::Left) | (Side::High, MissingSide::Right)
        );
        if is_with_walked {
            n_rows += self
                .runs
                .slice(&run.missing)
                .iter()
                .map(|&entry| copies(row_of(entry)))
                .sum::<u32>();
        }
        n_rows
    }
}

/// A run whose sums stand at its cuts.
struct Summed<'a> {
    run: &'a Run,
    /// Lanes of the nodes that may split on it.
    lanes: u8,
    /// The bins that end at the cuts to look at, where not all are.
    drawn: Option<&'a DrawnBins>,
    /// Bins summed.
    n_bins: usize,
    /// Whether its missing rows are in the sums.
    takes_missing: bool,
}

impl Summed<'_> {
    /// The sums to look at, lane by lane: whole vectors, without those of light bins.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "must take the instruction set of its caller"
    )]
    fn looked<const L: usize>(&self) -> Range<usize> {
        let first = self.run.n_light as usize * L / WIDTH * WIDTH;
        first..(self.n_bins * L).next_multiple_of(WIDTH)
    }

    /// Where missing rows stand, walked with the bins of the run or not.
    fn missing_side(&self) -> MissingSide {
        let run = self.run;
        match (run.side, run.missing.is_empty(), self.takes_missing) {
            (Side::Low, false, true) | (Side::High, false, false) => MissingSide::Left,
            (Side::Low, false, false) | (Side::High, false, true) | (Side::Missing, ..) => {
                MissingSide::Right
            }
            (Side::Low | Side::High, true, _) => MissingSide::Unseen,
        }
    }
}

/// Sums the derivatives along a run, lane by lane, and keeps the sums at the end of each bin;
/// gives the number of bins, at least `n_wanted` where the run has so many. What follows them up
/// to a whole vector is zero.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "must take the instruction set of its caller"
)]
fn walk<const L: usize, const Q: usize>(
    runs: &Runs,
    run: &Run,
    n_wanted: usize,
    table: &[Lanes<L>],
    sums: &mut [Lanes<L>],
) -> usize {
    assert!(sums.len() > run.entries.len() / Q + WIDTH);
    let mut sum = [0; L];
    let before = runs.slice(&(run.entries.start..run.plain.start));
    let mut bin = walk_marked::<L, Q>(before, table, &mut sum, sums);
    let (plain, _) = runs.slice(&run.plain).as_chunks::<Q>();
    let plain = &plain[..plain.len().min(n_wanted.saturating_sub(bin))];
    for (step, kept) in plain.iter().zip(&mut sums[bin..]) {
        add(&mut sum, &add_step(step, table));
        *kept = sum;
    }
    bin += plain.len();
    if bin < n_wanted {
        let after = runs.slice(&(run.plain.end..run.entries.end));
        bin += walk_marked::<L, Q>(after, table, &mut sum, &mut sums[bin..]);
    }
    sums[bin..bin + WIDTH / L].fill([0; L]);
    bin
}

/// The walk where the last entry of each bin is marked, and bins may take several steps.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "must take the instruction set of its caller"
)]
fn walk_marked<const L: usize, const Q: usize>(
    entries: &[u32],
    table: &[Lanes<L>],
    sum: &mut Lanes<L>,
    sums: &mut [Lanes<L>],
) -> usize {
    let (steps, _) = entries.as_chunks::<Q>();
    assert!(sums.len() > steps.len());
    let mut bin = 0;
    for step in steps {
        let mut unmarked = *step;
        unmarked[Q - 1] &= !BIN_END;
        add(sum, &add_step(&unmarked, table));
        // SAFETY: `bin` grows by at most 1 a step, and there are more sums than steps.
        #[expect(unsafe_code, reason = "innermost loop, measured")]
        let kept = unsafe { sums.get_unchecked_mut(bin) };
        *kept = *sum;
        bin += (step[Q - 1] >> 31) as usize;
    }
    bin
}

/// The sum over the rows of one step.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "must take the instruction set of its caller"
)]
fn add_step<const L: usize, const Q: usize>(step: &[u32; Q], table: &[Lanes<L>]) -> Lanes<L> {
    let mut sum = [0; L];
    for &entry in step {
        debug_assert!(row_of(entry) < table.len() as u32 && entry.is_multiple_of(SCALE));
        let offset = entry as usize * (size_of::<Lanes<L>>() / SCALE as usize);
        // SAFETY: `Runs` writes only training rows and `n_rows`, the padding row, times `SCALE`,
        // and the table has `n_rows + 1` rows: the offset is that of a row. Without a check a fit
        // of 300 rows × 1,000 features takes 0.9 of the time.
        #[expect(unsafe_code, reason = "innermost loop, measured")]
        let row = unsafe { &*table.as_ptr().byte_add(offset) };
        add(&mut sum, row);
    }
    sum
}

/// Adds packed derivatives, lane by lane.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "must take the instruction set of its caller"
)]
fn add<const L: usize>(sum: &mut Lanes<L>, more: &Lanes<L>) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum = sum.wrapping_add(*more);
    }
}

/// Adds the missing rows of each node to its sums.
fn add_missing<const L: usize>(missing: &[u32], table: &[Lanes<L>], sums: &mut [Lanes<L>]) {
    let mut sum = [0; L];
    for &entry in missing {
        add(&mut sum, &table[row_of(entry) as usize]);
    }
    for kept in sums {
        add(kept, &sum);
    }
}

/// Sets the bars of the open lanes, and closes the others.
#[inline(never)]
fn set_bars<const L: usize>(filter: &mut Filter, lanes: u8, best: &[Best]) {
    for l in 0..WIDTH {
        match best.get(l % L) {
            Some(best) if lanes >> (l % L) & 1 == 1 => filter.set_bar(l, best.score),
            _ => filter.close(l),
        }
    }
}
