//! The fitted trees, as plain arrays that a loader can check entry by entry.

use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::params::BoostingLoss;
use super::walker::LEAF;
use crate::stored::checked_serde;
use crate::{Error, Result};

/// Splits above a leaf at most.
const MAX_DEPTH: u32 = 64;

/// Gradient-boosted trees, fitted.
///
/// All nodes of all trees stand in parallel arrays; a child has a higher number than its parent
/// and lies in the same tree. A row goes left where its feature is at most the threshold; a
/// missing value (NaN) goes where the training rows that missed it fared better, or to the
/// heavier child where none did. Thresholds are on the features as given, not on bins.
///
/// A model that is deserialized has passed [`BoostingModel::validate`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct BoostingModel {
    pub(super) loss: BoostingLoss,
    pub(super) n_features: u32,
    /// Score before any tree.
    pub(super) base_score: f64,
    /// First node of each tree, then the number of nodes.
    pub(super) tree_starts: Vec<u32>,
    /// Feature split on, or [`LEAF`].
    pub(super) feature: Vec<u32>,
    /// Left where `x <= threshold`; 0 for a leaf.
    pub(super) threshold: Vec<f64>,
    /// Children; 0 for a leaf.
    pub(super) left: Vec<u32>,
    pub(super) right: Vec<u32>,
    /// Whether a missing value goes left.
    pub(super) missing_left: Vec<bool>,
    /// What a leaf adds to the score; 0 for a split.
    pub(super) value: Vec<f64>,
    /// Weight of the training rows that came here.
    pub(super) cover: Vec<f64>,
    /// Fall of the penalized training loss by the split; 0 for a leaf.
    pub(super) gain: Vec<f64>,
    #[serde(skip)]
    pub(super) layout: Layout,
}

checked_serde!(BoostingModel);

impl BoostingModel {
    fn check_stored(&self) -> Result<()> {
        self.validate()
    }

    pub(super) fn new(loss: BoostingLoss, n_features: usize, base_score: f64) -> Self {
        Self {
            loss,
            n_features: n_features as u32,
            base_score,
            tree_starts: vec![0],
            feature: Vec::new(),
            threshold: Vec::new(),
            left: Vec::new(),
            right: Vec::new(),
            missing_left: Vec::new(),
            value: Vec::new(),
            cover: Vec::new(),
            gain: Vec::new(),
            layout: Layout::default(),
        }
    }

    /// The thresholds of each of the features, which must be all that are used, rising.
    pub(super) fn thresholds_of(&self, used: &[u32]) -> Vec<Vec<f64>> {
        let mut thresholds = vec![Vec::new(); used.len()];
        for node in (0..self.feature.len()).filter(|&node| !self.is_leaf(node)) {
            let place = used.partition_point(|&used| used < self.feature[node]);
            thresholds[place].push(self.threshold[node]);
        }
        for thresholds in &mut thresholds {
            thresholds.sort_unstable_by(f64::total_cmp);
            thresholds.dedup();
        }
        thresholds
    }

    /// Appends the last tree of another model.
    pub(super) fn copy_last_tree(&mut self, other: &Self) {
        let Some(last) = other.n_trees().checked_sub(1) else {
            return;
        };
        self.layout = Layout::default();
        let range = other.nodes_of(last);
        let shift = range.start as u32 - self.feature.len() as u32;
        let moved = |children: &[u32]| -> Vec<u32> {
            children
                .iter()
                .map(|&child| child.saturating_sub(shift))
                .collect()
        };
        self.left.extend(moved(&other.left[range.clone()]));
        self.right.extend(moved(&other.right[range.clone()]));
        self.feature
            .extend_from_slice(&other.feature[range.clone()]);
        self.threshold
            .extend_from_slice(&other.threshold[range.clone()]);
        self.missing_left
            .extend_from_slice(&other.missing_left[range.clone()]);
        self.value.extend_from_slice(&other.value[range.clone()]);
        self.cover.extend_from_slice(&other.cover[range.clone()]);
        self.gain.extend_from_slice(&other.gain[range]);
        self.tree_starts.push(self.feature.len() as u32);
    }

    /// Drops all trees but the first `n_trees`.
    pub(super) fn truncate(&mut self, n_trees: usize) {
        self.layout = Layout::default();
        self.tree_starts.truncate(n_trees + 1);
        let n_nodes = self.tree_starts.last().map_or(0, |&n| n as usize);
        self.feature.truncate(n_nodes);
        self.threshold.truncate(n_nodes);
        self.left.truncate(n_nodes);
        self.right.truncate(n_nodes);
        self.missing_left.truncate(n_nodes);
        self.value.truncate(n_nodes);
        self.cover.truncate(n_nodes);
        self.gain.truncate(n_nodes);
    }

    /// Number of features that the model was fitted on.
    pub fn n_features(&self) -> usize {
        self.n_features as usize
    }

    /// Number of trees.
    pub fn n_trees(&self) -> usize {
        self.tree_starts.len().saturating_sub(1)
    }

    /// Score before any tree: the log-odds of the training outcomes (logistic loss) or their mean.
    pub fn base_score(&self) -> f64 {
        self.base_score
    }

    /// The loss that was minimized.
    pub fn loss(&self) -> BoostingLoss {
        self.loss
    }

    /// The features that some tree splits on, rising.
    pub fn used_features(&self) -> Vec<u32> {
        let mut used: Vec<u32> = self
            .feature
            .iter()
            .copied()
            .filter(|&feature| feature != LEAF)
            .collect();
        used.sort_unstable();
        used.dedup();
        used
    }

    /// The sum of the gains of each feature's splits (n features): how much of the training loss
    /// fell by it. It favors features with many values; see
    /// [`BoostingModel::permutation_importance`] for one that can be measured on held-out rows.
    pub fn gain_importance(&self) -> Vec<f64> {
        let mut importance = vec![0.0; self.n_features()];
        for (&feature, gain) in self.feature.iter().zip(&self.gain) {
            if let Some(sum) = importance.get_mut(feature as usize) {
                *sum += gain;
            }
        }
        importance
    }

    pub(super) fn nodes_of(&self, tree: usize) -> std::ops::Range<usize> {
        self.tree_starts[tree] as usize..self.tree_starts[tree + 1] as usize
    }

    pub(super) fn is_leaf(&self, node: usize) -> bool {
        self.feature[node] == LEAF
    }

    /// Checks every child, feature, threshold and value, so that no file can make scoring loop,
    /// read out of bounds or give NaN.
    ///
    /// # Errors
    /// [`Error::ModelFile`] naming the first array or node that is wrong.
    pub fn validate(&self) -> Result<()> {
        let n_nodes = self.feature.len();
        let lengths = [
            ("threshold", self.threshold.len()),
            ("left", self.left.len()),
            ("right", self.right.len()),
            ("missing_left", self.missing_left.len()),
            ("value", self.value.len()),
            ("cover", self.cover.len()),
            ("gain", self.gain.len()),
        ];
        if let Some((name, found)) = lengths.into_iter().find(|&(_, found)| found != n_nodes) {
            return Err(Error::model_file(format!(
                "`{name}` has {found} entries for {n_nodes} nodes of boosted trees"
            )));
        }
        let starts_fit = self.tree_starts.first() == Some(&0)
            && self.tree_starts.last().map(|&n| n as usize) == Some(n_nodes)
            && self.tree_starts.windows(2).all(|pair| pair[0] < pair[1]);
        if !starts_fit || n_nodes >= LEAF as usize {
            return Err(Error::model_file(format!(
                "the trees do not part {n_nodes} nodes, each tree having at least one"
            )));
        }
        if !self.base_score.is_finite() || self.n_features == 0 {
            return Err(Error::model_file(format!(
                "expected a finite base score and at least one feature, found {} and {}",
                self.base_score, self.n_features
            )));
        }
        (0..self.n_trees()).try_for_each(|tree| self.validate_tree(tree))
    }

    fn validate_tree(&self, tree: usize) -> Result<()> {
        let range = self.nodes_of(tree);
        let mut n_parents = vec![0_u32; range.len()];
        let mut depth = vec![0_u32; range.len()];
        for node in range.clone() {
            let wrong = |message: String| {
                Err(Error::model_file(format!(
                    "node {node} of tree {tree}: {message}"
                )))
            };
            for (name, value) in [
                ("threshold", self.threshold[node]),
                ("value", self.value[node]),
                ("gain", self.gain[node]),
            ] {
                if !value.is_finite() {
                    return wrong(format!("`{name}` is {value}"));
                }
            }
            if !(self.cover[node] > 0.0 && self.cover[node].is_finite()) {
                return wrong(format!(
                    "expected a cover of more than 0, found {}",
                    self.cover[node]
                ));
            }
            if self.is_leaf(node) {
                continue;
            }
            if self.feature[node] >= self.n_features {
                return wrong(format!(
                    "splits on feature {} of {}",
                    self.feature[node], self.n_features
                ));
            }
            for child in [self.left[node] as usize, self.right[node] as usize] {
                if child <= node || child >= range.end {
                    return wrong(format!(
                        "child {child} is outside the tree or above its parent"
                    ));
                }
                n_parents[child - range.start] += 1;
                depth[child - range.start] = depth[node - range.start] + 1;
                if depth[child - range.start] > MAX_DEPTH {
                    return wrong(format!("lies more than {MAX_DEPTH} splits below the root"));
                }
            }
        }
        match n_parents.iter().skip(1).position(|&n| n != 1) {
            Some(node) => Err(Error::model_file(format!(
                "node {} of tree {tree} has {} parents",
                range.start + node + 1,
                n_parents[node + 1]
            ))),
            None => Ok(()),
        }
    }
}
