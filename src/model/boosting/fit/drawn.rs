//! The bins of a run at which the nodes of a level may split, if thresholds are drawn.

use super::filter::WIDTH;
use super::node::SearchNode;
use super::runs::{Run, Side};

/// The bins of a run that end at the cuts which the nodes of a level have drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct DrawnBins {
    of_lane: [u32; WIDTH],
    /// Bins from the start of the run to the last of them.
    pub(super) n_bins: usize,
}

/// A lane whose node drew no cut in the run, or one that cannot leave enough on both sides.
const NONE: u32 = u32::MAX;

impl DrawnBins {
    /// Those of the nodes whose `lanes` are open.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "must take the instruction set of its caller"
    )]
    pub(super) fn new(run: &Run, lanes: u8, nodes: &[SearchNode]) -> Self {
        let n_cuts = run.cuts.len();
        let has_missing = run.side == Side::Missing || !run.missing.is_empty();
        let n_drawn_from = n_cuts + usize::from(has_missing);
        let mut drawn = Self {
            of_lane: [NONE; WIDTH],
            n_bins: 0,
        };
        let places = drawn.of_lane.iter_mut().zip(nodes).enumerate();
        for (lane, (place, node)) in places {
            let Some(cut) = node.cuts.drawn(run.feature, n_drawn_from) else {
                continue;
            };
            // A cut on the other side of the run wraps, beyond any bin.
            let bin = match run.side {
                Side::Low => cut,
                Side::High => n_cuts.wrapping_sub(cut + 1),
                Side::Missing => cut.wrapping_sub(n_cuts),
            };
            let may_split = (run.n_light as usize..run.n_bins as usize).contains(&bin);
            if lanes >> lane & 1 == 1 && may_split {
                *place = bin as u32;
                drawn.n_bins = drawn.n_bins.max(bin + 1);
            }
        }
        drawn
    }

    /// Lane and bin of each node that has one.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, usize)> {
        let places = self.of_lane.iter().enumerate();
        places
            .filter(|&(_, &bin)| bin != NONE)
            .map(|(lane, &bin)| (lane, bin as usize))
    }

    /// The sums at the end of each lane's bin, 0 where it has none.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "must take the instruction set of its caller"
    )]
    pub(super) fn sums<const L: usize>(&self, sums: &[[u64; L]]) -> [u64; WIDTH] {
        let mut drawn = [0; WIDTH];
        for lane in 0..L {
            if let Some(sums) = sums.get(self.of_lane[lane] as usize) {
                drawn[lane] = sums[lane];
            }
        }
        drawn
    }
}
