//! One tree: nodes searched level by level, or the best leaf first, and rows parted between them.

use std::ops::Range;

use rayon::prelude::*;

use super::columns::TrainingRows;
use super::histogram::Histograms;
use super::node::{Bounds, Cuts, Family, SearchNode};
use super::open::OpenFeatures;
use super::runs::Runs;
use super::split::{Gradients, MissingSide, Rules, Split, TASK_ROWS};
use crate::cancel;
use crate::model::boosting::layout::Layout;
use crate::model::boosting::model::BoostingModel;
use crate::model::boosting::params::BoostingParams;
use crate::model::boosting::walker::LEAF;
use crate::numeric::decimal::single;

/// The two ways to find splits; both find the same.
#[derive(Debug)]
pub(super) enum Engine {
    Runs(Runs),
    Histograms(Histograms),
}

impl Engine {
    /// Additions to search the root, roughly.
    pub(super) fn level_cost(&self) -> f64 {
        match self {
            Self::Runs(runs) => runs.cost(),
            Self::Histograms(histograms) => histograms.cost(),
        }
    }
}

/// A node of a tree being grown; children stand next to each other.
#[derive(Debug, Clone)]
pub(super) struct GrownNode {
    search: SearchNode,
    depth: u32,
    path: Vec<u32>,
    /// The split and the number of the left child.
    pub(super) split: Option<(Split, usize)>,
    /// Leaf, already shrunken by the learning rate.
    pub(super) value: f64,
    /// Weight of the training rows.
    pub(super) cover: f64,
    /// Fall of the penalized loss by the split.
    pub(super) gain: f64,
}

impl GrownNode {
    pub(super) fn rows(&self) -> Range<usize> {
        self.search.start..self.search.end
    }
}

/// What grows the trees of one fit.
#[derive(Debug)]
pub(super) struct Grower<'a> {
    pub(super) params: &'a BoostingParams,
    pub(super) rows: &'a TrainingRows,
    pub(super) engine: Engine,
    pub(super) n_features: usize,
    pub(super) is_parallel: bool,
    /// Training rows, those of a node side by side.
    pub(super) partition: Vec<u32>,
    scratch: Vec<u32>,
    /// Where rows go, of the runs' last split.
    is_left: Vec<bool>,
}

/// The derivatives that a tree is fitted to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) g: &'a [f64],
    pub(super) h: &'a [f64],
    pub(super) gradients: &'a Gradients,
    pub(super) open: &'a OpenFeatures<'a>,
}

impl<'a> Grower<'a> {
    pub(super) fn new(
        params: &'a BoostingParams,
        rows: &'a TrainingRows,
        engine: Engine,
        n_features: usize,
        is_parallel: bool,
    ) -> Self {
        Self {
            params,
            rows,
            engine,
            n_features,
            is_parallel,
            partition: Vec::new(),
            scratch: Vec::new(),
            is_left: vec![false; rows.len()],
        }
    }

    /// Grows one tree; its rows are then in [`Grower::partition`].
    pub(super) fn grow(&mut self, target: Target<'_>) -> Vec<GrownNode> {
        let rules = Rules::new(self.params, target.gradients);
        if let Engine::Histograms(histograms) = &mut self.engine {
            histograms.reset();
        }
        self.partition.clear();
        self.partition.extend(0..self.rows.len() as u32);
        let mut nodes = vec![self.root(&target)];
        match self.params.max_leaves {
            None => self.by_level(&mut nodes, &rules, target),
            Some(limit) => self.best_first(&mut nodes, &rules, target, limit as usize),
        }
        self.finish(&mut nodes, &rules, target);
        nodes
    }

    fn root(&self, target: &Target<'_>) -> GrownNode {
        let (g, h) = target.gradients.total();
        let search = SearchNode {
            id: 0,
            g,
            h,
            n_rows: target.gradients.copies.iter().sum(),
            start: 0,
            end: self.rows.len(),
            bounds: Bounds::default(),
            open: None,
            cuts: Cuts::All,
            family: None,
        };
        GrownNode {
            search,
            depth: 0,
            path: Vec::new(),
            split: None,
            value: 0.0,
            cover: 0.0,
            gain: 0.0,
        }
    }

    fn by_level(&mut self, nodes: &mut Vec<GrownNode>, rules: &Rules, target: Target<'_>) {
        let mut level = vec![0];
        while !level.is_empty() {
            level.retain(|&node| self.may_split(&nodes[node], rules));
            let splits = self.search(nodes, &level, rules, target);
            let mut next = Vec::new();
            for (node, split) in level.into_iter().zip(splits) {
                if let Some(split) = split {
                    let left = self.apply(nodes, node, split, rules, target);
                    next.extend([left, left + 1]);
                }
            }
            level = next;
        }
    }

    fn best_first(
        &mut self,
        nodes: &mut Vec<GrownNode>,
        rules: &Rules,
        target: Target<'_>,
        limit: usize,
    ) {
        let mut candidates: Vec<(usize, Split)> = Vec::new();
        let mut fresh = vec![0];
        let mut n_leaves = 1;
        while n_leaves < limit {
            fresh.retain(|&node| self.may_split(&nodes[node], rules));
            let splits = self.search(nodes, &fresh, rules, target);
            candidates.extend(
                fresh
                    .iter()
                    .zip(splits)
                    .filter_map(|(&node, split)| Some((node, split?))),
            );
            let gain = |&(node, split): &(usize, Split)| split.score - bar(&nodes[node], rules);
            // The largest gain; of equals, the oldest node.
            let best = (0..candidates.len()).max_by(|&a, &b| {
                gain(&candidates[a])
                    .total_cmp(&gain(&candidates[b]))
                    .then(candidates[b].0.cmp(&candidates[a].0))
            });
            let Some(best) = best else { break };
            let (node, split) = candidates.swap_remove(best);
            let left = self.apply(nodes, node, split, rules, target);
            fresh = vec![left, left + 1];
            n_leaves += 1;
        }
    }

    fn may_split(&self, node: &GrownNode, rules: &Rules) -> bool {
        node.depth < self.params.max_depth
            && i64::from(node.search.h) >= 2 * i64::from(rules.least_h)
            && u64::from(node.search.n_rows) >= 2 * u64::from(rules.least_rows)
    }

    fn search(
        &mut self,
        nodes: &mut [GrownNode],
        wanted: &[usize],
        rules: &Rules,
        target: Target<'_>,
    ) -> Vec<Option<Split>> {
        let draw = |&id: &usize| {
            let node = &mut nodes[id];
            node.search.open = target.open.of_node(id, &node.path);
            node.search.cuts = target.open.cuts_of_node(id);
            node.search.clone()
        };
        let searched: Vec<SearchNode> = wanted.iter().map(draw).collect();
        let (partition, gradients) = (&self.partition, target.gradients);
        if cancel::is_cancelled() {
            return vec![None; wanted.len()];
        }
        match &mut self.engine {
            Engine::Runs(runs) => {
                runs.search(&searched, partition, gradients, rules, self.is_parallel)
            }
            Engine::Histograms(histograms) => {
                histograms.search(&searched, partition, gradients, rules, self.is_parallel)
            }
        }
    }

    /// Parts the rows of a node and adds its two children; gives the number of the left one.
    fn apply(
        &mut self,
        nodes: &mut Vec<GrownNode>,
        parent: usize,
        split: Split,
        rules: &Rules,
        target: Target<'_>,
    ) -> usize {
        let range = nodes[parent].rows();
        let rows = &mut self.partition[range.clone()];
        let (scratch, is_parallel) = (&mut self.scratch, self.is_parallel);
        let n_left = match &self.engine {
            Engine::Runs(runs) => {
                runs.mark_left(&split, &mut self.is_left);
                part(rows, scratch, is_parallel, |row| self.is_left[row as usize])
            }
            Engine::Histograms(histograms) => {
                part(rows, scratch, is_parallel, histograms.goes_left(&split))
            }
        };
        let middle = range.start + n_left;
        let left = nodes.len();
        let node = &nodes[parent];
        let (low, high) = rules.child_bounds(&node.search, &split);
        let mut path = node.path.clone();
        if !path.contains(&split.feature) {
            path.push(split.feature);
        }
        let copies = |range: Range<usize>| -> u32 {
            if target.gradients.are_single {
                return range.len() as u32;
            }
            self.partition[range]
                .iter()
                .map(|&row| target.gradients.copies[row as usize])
                .sum()
        };
        let child = |id, start, end, g, h, bounds| GrownNode {
            search: SearchNode {
                id,
                g,
                h,
                n_rows: copies(start..end),
                start,
                end,
                bounds,
                open: None,
                cuts: Cuts::All,
                family: Some(Family {
                    parent,
                    sibling: if id == left { left + 1 } else { left },
                    sibling_start: if id == left { middle } else { range.start },
                    sibling_end: if id == left { range.end } else { middle },
                }),
            },
            depth: node.depth + 1,
            path: path.clone(),
            split: None,
            value: 0.0,
            cover: 0.0,
            gain: 0.0,
        };
        let (right_g, right_h) = (node.search.g - split.left_g, node.search.h - split.left_h);
        let children = [
            child(left, range.start, middle, split.left_g, split.left_h, low),
            child(left + 1, middle, range.end, right_g, right_h, high),
        ];
        let gain = (split.score - bar(node, rules)) * rules.gain_unit + self.params.min_gain;
        nodes[parent].split = Some((split, left));
        nodes[parent].gain = gain;
        nodes.extend(children);
        left
    }

    /// Leaf values by the exact derivatives of their rows; covers from the leaves up.
    fn finish(&self, nodes: &mut [GrownNode], rules: &Rules, target: Target<'_>) {
        let mut leaves: Vec<&mut GrownNode> = nodes
            .iter_mut()
            .filter(|node| node.split.is_none())
            .collect();
        if self.is_parallel {
            let leaves = leaves.par_iter_mut();
            leaves.for_each(|leaf| self.finish_leaf(leaf, rules, target));
        } else {
            let leaves = leaves.iter_mut();
            leaves.for_each(|leaf| self.finish_leaf(leaf, rules, target));
        }
        for i in (0..nodes.len()).rev() {
            if let Some((_, left)) = nodes[i].split {
                nodes[i].cover = nodes[left].cover + nodes[left + 1].cover;
            }
        }
    }

    fn finish_leaf(&self, leaf: &mut GrownNode, rules: &Rules, target: Target<'_>) {
        let (mut g, mut h, mut cover) = (0.0, 0.0, 0.0);
        for &row in &self.partition[leaf.rows()] {
            let row = row as usize;
            cover += self.rows.weights[row];
            if target.gradients.copies[row] > 0 {
                g += target.g[row];
                h += target.h[row];
            }
        }
        let bounds = leaf.search.bounds;
        let shrunk = if g > 0.0 {
            (g - self.params.l1).max(0.0)
        } else {
            (g + self.params.l1).min(0.0)
        };
        let curvature = h + self.params.l2;
        let step = if curvature > 0.0 {
            -shrunk / curvature
        } else {
            0.0
        };
        let unit = rules.leaf_unit.recip();
        leaf.value = step.clamp(bounds.low * unit, bounds.high * unit) * self.params.learning_rate;
        leaf.cover = cover;
    }
}

/// Moves the rows that go left to the front, both sides in their old order; gives how many.
fn part(
    rows: &mut [u32],
    scratch: &mut Vec<u32>,
    is_parallel: bool,
    goes_left: impl Fn(u32) -> bool + Sync,
) -> usize {
    scratch.resize(rows.len().max(scratch.len()), 0);
    let scratch = &mut scratch[..rows.len()];
    let sides = |(rows, right): (&mut [u32], &mut [u32])| {
        let (mut n_left, mut n_right) = (0, 0);
        for i in 0..rows.len() {
            let row = rows[i];
            let is_left = usize::from(goes_left(row));
            rows[n_left] = row;
            right[n_right] = row;
            n_left += is_left;
            n_right += 1 - is_left;
        }
        (n_left, n_right)
    };
    let sizes: Vec<(usize, usize)> = if is_parallel {
        let tasks = rows.par_chunks_mut(TASK_ROWS);
        tasks
            .zip(scratch.par_chunks_mut(TASK_ROWS))
            .map(sides)
            .collect()
    } else {
        let tasks = rows.chunks_mut(TASK_ROWS);
        tasks
            .zip(scratch.chunks_mut(TASK_ROWS))
            .map(sides)
            .collect()
    };
    let mut end = 0;
    for (task, &(n_left, _)) in sizes.iter().enumerate() {
        rows.copy_within(task * TASK_ROWS..task * TASK_ROWS + n_left, end);
        end += n_left;
    }
    let n_left = end;
    for (&(_, n_right), right) in sizes.iter().zip(scratch.chunks(TASK_ROWS)) {
        rows[end..end + n_right].copy_from_slice(&right[..n_right]);
        end += n_right;
    }
    n_left
}

/// The score that a split of the node had to exceed.
fn bar(node: &GrownNode, rules: &Rules) -> f64 {
    rules.bar(&node.search)
}

impl BoostingModel {
    /// Appends a tree.
    pub(super) fn push_tree(&mut self, nodes: &[GrownNode]) {
        self.layout = Layout::default();
        let start = self.feature.len() as u32;
        for node in nodes {
            if let Some((split, left)) = &node.split {
                self.feature.push(split.feature);
                self.threshold.push(split.threshold);
                self.left.push(start + *left as u32);
                self.right.push(start + *left as u32 + 1);
                self.missing_left.push(sends_missing_left(
                    split,
                    nodes[*left].cover,
                    nodes[*left + 1].cover,
                ));
            } else {
                self.feature.push(LEAF);
                self.threshold.push(0.0);
                self.left.push(0);
                self.right.push(0);
                self.missing_left.push(false);
            }
            self.value.push(node.value);
            self.cover.push(single(node.cover));
            self.gain.push(single(node.gain));
        }
        self.tree_starts.push(self.feature.len() as u32);
    }
}

/// Whether missing values go left at a split: as learned, or to the heavier child.
fn sends_missing_left(split: &Split, left_cover: f64, right_cover: f64) -> bool {
    match split.missing {
        MissingSide::Left => true,
        MissingSide::Right => false,
        MissingSide::Unseen => left_cover >= right_cover,
    }
}
