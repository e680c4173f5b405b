//! Explains rows by looking up, for each group of leaves, the terms of the pattern that a row has.

mod codes;
mod contribution;
#[cfg(test)]
mod contribution_tests;
mod groups;
mod reference;
mod shapley;
mod tables;

pub use contribution::{Contributions, Interactions};
pub use reference::ContributionReference;

use rayon::prelude::*;

use self::codes::{Borders, Codes, LANES};
use self::groups::{Grouping, Leaf, LeafGroup, TABLE_BITS};
use self::shapley::{Meeting, Order, Products, Shapley};
use self::tables::Tables;
use super::model::BoostingModel;
use crate::model::MatrixView;

/// Sums that a block of rows keeps at most, so that they stay in the cache.
const BLOCK_SUMS: usize = 1 << 14;

/// Rows of a block at most.
const BLOCK_ROWS: usize = 512;

/// Entries of the tables that stand at the same time, so that they stay in the cache.
const BATCH_ENTRIES: usize = 1 << 16;

/// Entries that a group without tables counts as.
const LEAST_ENTRIES: usize = 64;

/// The terms of all rows, summed over the trees.
#[derive(Debug)]
pub(super) struct Explained {
    /// The mean score of the reference.
    pub(super) base: f64,
    /// The features that the model uses, rising.
    pub(super) used: Vec<u32>,
    /// Rows in each block but the last.
    pub(super) block_rows: usize,
    pub(super) blocks: Vec<Block>,
}

/// Explains all rows by all trees.
///
/// Groups go in batches whose tables fit into the cache, and each batch over all rows. A row's
/// sums are the same, to the last bit, whatever rows and threads there are.
fn explain(
    model: &BoostingModel,
    features: MatrixView<'_>,
    reference: ContributionReference<'_>,
    order: Order,
) -> Explained {
    let used = model.used_features();
    let borders = Borders::new(model, &used);
    let grouping = Grouping::new(model, &used, &borders);
    let n_rows = features.n_rows();
    let n_terms = order.n_terms(used.len());
    let block_rows = block_rows(n_rows, n_terms);
    let blocks = (0..n_rows.div_ceil(block_rows))
        .into_par_iter()
        .map(|block| {
            let first = block * block_rows;
            let codes = borders.encode(features, &used, first, block_rows.min(n_rows - first));
            let sums = vec![0.0; n_terms * codes.stride];
            Block { codes, sums }
        });
    let mut blocks: Vec<Block> = blocks.collect();
    let preparation = Preparation {
        order,
        n_rows,
        shapley: Shapley::new(order, grouping.most_conditions()),
        background: match reference {
            ContributionReference::TrainingRows => None,
            ContributionReference::Background(rows) => {
                Some(borders.encode(rows, &used, 0, rows.n_rows()))
            }
        },
    };
    let mut base = model.base_score;
    let mut run = |batch: &mut Vec<LeafGroup>| {
        let ready = batch.par_drain(..).map(|group| preparation.ready(group));
        let ready: Vec<Ready> = ready.collect();
        for group in &ready {
            base += group.mean;
        }
        blocks
            .par_iter_mut()
            .for_each_init(Scratch::default, |scratch, block| {
                for group in &ready {
                    block.add(group, &preparation.shapley, scratch);
                }
            });
    };
    let (mut batch, mut n_entries) = (Vec::new(), 0);
    for group in (0..model.n_trees()).flat_map(|tree| grouping.of_tree(tree)) {
        n_entries += preparation.n_entries(&group).max(LEAST_ENTRIES);
        batch.push(group);
        if n_entries >= BATCH_ENTRIES {
            run(&mut batch);
            n_entries = 0;
        }
    }
    run(&mut batch);
    Explained {
        base,
        used,
        block_rows,
        blocks,
    }
}

/// Rows of a block: few enough for the cache, and for some blocks a thread.
fn block_rows(n_rows: usize, n_terms: usize) -> usize {
    let share = n_rows.div_ceil(4 * rayon::current_num_threads());
    let rows = share.min(BLOCK_SUMS / n_terms.max(1)).clamp(1, BLOCK_ROWS);
    rows.next_multiple_of(LANES)
}

/// What groups of leaves are made ready with.
struct Preparation {
    order: Order,
    /// Rows to explain.
    n_rows: usize,
    shapley: Shapley,
    background: Option<Codes>,
}

/// A group of leaves with all that does not depend on the row.
struct Ready {
    group: LeafGroup,
    /// By leaf, how the reference meets it and where its terms stand among those of the group.
    leaves: Vec<(Meeting, Vec<usize>)>,
    /// Where the terms stand among those of the model.
    targets: Vec<usize>,
    /// None where rows are too few or bits too many.
    tables: Option<Tables>,
    /// Mean over the reference.
    mean: f64,
}

impl Preparation {
    /// Entries of the tables of a group, 0 where it is not worth while to make them.
    fn n_entries(&self, group: &LeafGroup) -> usize {
        if group.n_bits <= TABLE_BITS && 1 << group.n_bits <= 2 * self.n_rows {
            self.order.n_terms(group.places.len()) << group.n_bits
        } else {
            0
        }
    }

    fn ready(&self, group: LeafGroup) -> Ready {
        let shares = self.background.as_ref().map(|rows| group.shares(rows));
        let leaf = |leaf: &Leaf| {
            let targets = self.order.targets(&leaf.slots);
            (leaf.meeting(shares.as_ref()), targets)
        };
        let leaves: Vec<_> = group.leaves.iter().map(leaf).collect();
        let shares = leaves.iter().map(|(meeting, _)| meeting.share_of_all());
        let mean = shares
            .zip(&group.leaves)
            .map(|(share, leaf)| share * leaf.value)
            .sum();
        let targets = self.order.targets(&group.places);
        let tables = (self.n_entries(&group) > 0).then(|| self.tables(&group, &leaves));
        Ready {
            group,
            leaves,
            targets,
            tables,
            mean,
        }
    }

    /// The tables of the leaves, each by the patterns of its own conditions, added up.
    fn tables(&self, group: &LeafGroup, leaves: &[(Meeting, Vec<usize>)]) -> Tables {
        let mut sums = Tables::new(group.n_bits, self.order.n_terms(group.places.len()));
        let mut products = Products::default();
        for (leaf, (meeting, targets)) in group.leaves.iter().zip(leaves) {
            let d = leaf.slots.len();
            let mut own = Tables::new(d, targets.len());
            let terms = own.entries_mut();
            self.shapley
                .all_terms(leaf.value, meeting, d, &mut products, terms);
            own.add(&leaf.patterns(group.n_bits), targets, sums.entries_mut());
        }
        sums
    }
}

/// Room to work in.
#[derive(Default)]
struct Scratch {
    patterns: Vec<u8>,
    products: Products,
    own: Vec<f64>,
    terms: Vec<f64>,
}

/// Some rows: their codes, and the sums so far.
#[derive(Debug)]
pub(super) struct Block {
    codes: Codes,
    /// Term by term, a row each.
    sums: Vec<f64>,
}

impl Block {
    /// The sums of one term, row by row, with some more behind the last.
    pub(super) fn sums(&self, term: usize) -> &[f64] {
        &self.sums[term * self.codes.stride..][..self.codes.stride]
    }

    fn add(&mut self, ready: &Ready, shapley: &Shapley, scratch: &mut Scratch) {
        let group = &ready.group;
        self.codes
            .patterns(&group.tests, group.n_bits, &mut scratch.patterns);
        match &ready.tables {
            Some(tables) => tables.add(&scratch.patterns, &ready.targets, &mut self.sums),
            None => self.work_out(ready, shapley, scratch),
        }
    }

    /// Adds the terms of a group where there are no tables.
    fn work_out(&mut self, ready: &Ready, shapley: &Shapley, scratch: &mut Scratch) {
        let Scratch {
            patterns,
            products,
            own,
            terms,
        } = scratch;
        for row in 0..self.codes.n_rows {
            let group_pattern = self.codes.pattern_of(patterns, row);
            terms.clear();
            terms.resize(ready.targets.len(), 0.0);
            for (leaf, (meeting, targets)) in ready.group.leaves.iter().zip(&ready.leaves) {
                own.resize(targets.len(), 0.0);
                let pattern = leaf.pattern(group_pattern);
                shapley.terms(leaf.value, meeting, pattern, products, own);
                targets
                    .iter()
                    .zip(&*own)
                    .for_each(|(&target, term)| terms[target] += term);
            }
            for (&target, term) in ready.targets.iter().zip(&*terms) {
                self.sums[target * self.codes.stride + row] += term;
            }
        }
    }
}
