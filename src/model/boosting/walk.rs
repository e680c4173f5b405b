//! The walk over the runs of one level: sums of all its nodes at once, and what passes the filter.

use rayon::prelude::*;

use super::filter::{Filter, WIDTH};
use super::runs::{BIN_END, Run, Runs, Side};
use super::split::{Best, Gradients, MissingSide, Rules, SearchNode, Split};

/// Runs searched by one task, so that what is found does not depend on the number of threads.
const RUNS_PER_TASK: usize = 256;

/// The derivatives of one row in the lane of its node, zero in the others: g of `D / 2` lanes,
/// then h.
pub(super) type Lanes<const D: usize> = [i32; D];

/// Sums at the cuts of a run, lane by lane.
struct Sums<const L: usize> {
    g: Vec<[i32; L]>,
    h: Vec<[i32; L]>,
    passing: Vec<u32>,
}

/// What the search of one level shares.
pub(super) struct Level<'a> {
    pub(super) runs: &'a Runs,
    pub(super) gradients: &'a Gradients,
    pub(super) rules: &'a Rules,
    pub(super) active: Option<&'a [bool]>,
    pub(super) is_parallel: bool,
}

/// No lane.
const NO_LANE: u8 = u8::MAX;

impl Level<'_> {
    pub(super) fn search<const L: usize, const D: usize>(
        &self,
        nodes: &[SearchNode],
        partition: &[u32],
    ) -> Vec<Option<Split>> {
        let (table, lane_of) = self.lanes::<L, D>(nodes, partition);
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

    /// The derivatives of each row in the lane of its node, and, where rows of leaves are counted,
    /// that lane.
    pub(super) fn lanes<const L: usize, const D: usize>(
        &self,
        nodes: &[SearchNode],
        partition: &[u32],
    ) -> (Vec<Lanes<D>>, Vec<u8>) {
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
        (table, lane_of)
    }

    pub(super) fn search_runs<const L: usize, const D: usize>(
        &self,
        runs: &[Run],
        nodes: &[SearchNode],
        table: &[Lanes<D>],
        lane_of: &[u8],
    ) -> Vec<Best> {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, asked just above.
            #[expect(
                unsafe_code,
                reason = "same bits as the portable kernel in 0.85 to 0.93 of the time of a fit"
            )]
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
    pub(super) fn search_runs_with<const L: usize, const D: usize>(
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
            for takes_missing in [false, true] {
                if takes_missing {
                    if run.missing.is_empty() {
                        break;
                    }
                    add_missing(self.runs.slice(&run.missing), table, &mut sums, n_bins);
                }
                let place = Place {
                    first: run.n_light as usize * L / WIDTH * WIDTH,
                    end: (n_bins * L).next_multiple_of(WIDTH),
                    missing: missing_side(run, takes_missing),
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

/// Where missing rows stand, walked with the bins of a run or not.
fn missing_side(run: &Run, takes_missing: bool) -> MissingSide {
    match (run.side, run.missing.is_empty(), takes_missing) {
        (Side::Low, false, true) | (Side::High, false, false) => MissingSide::Left,
        (Side::Low, false, false) | (Side::High, false, true) | (Side::Missing, ..) => {
            MissingSide::Right
        }
        (Side::Low | Side::High, true, _) => MissingSide::Unseen,
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
            // features takes 0.9 of the time.
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
