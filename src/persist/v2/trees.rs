//! Boosted trees over the same features, with one table of their thresholds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::numbers::{Decimals, Planes};
use crate::model::{BoostingLoss, BoostingModel, NodeKind, NodeParts, SplitParts};
use crate::{Error, Result};

/// Several boosted models.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::persist) struct Forest {
    n_features: u32,
    /// The features that some tree splits on, rising.
    used: Vec<u32>,
    /// How many thresholds each of them has.
    n_thresholds: Vec<u32>,
    /// The thresholds of the first used feature, rising, then those of the next.
    thresholds: Decimals,
    models: Vec<Trees>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Loss {
    Logistic,
    SquaredError,
}

/// One boosted model: the nodes of its trees, tree after tree.
#[derive(Debug, Serialize, Deserialize)]
struct Trees {
    loss: Loss,
    base_score: f64,
    /// Nodes of each tree.
    n_nodes: Vec<u32>,
    /// Of each node, 0 for a leaf, else 1 + the place of its feature among those used.
    feature: Vec<u32>,
    /// Of each split, the place of its threshold among those of the feature.
    rank: Vec<u32>,
    /// Of each split, its left child minus the one it has where trees are written level by level.
    left: Vec<i64>,
    /// Of each split, its right child minus the node after the left one.
    right: Vec<i64>,
    /// Of each split, whether a missing value goes left.
    missing_left: Vec<bool>,
    /// Of each leaf, what it adds to the score.
    value: Planes,
    /// Of each node, the weight of the training rows that came there.
    cover: Planes,
    /// Of each split, the fall of the loss.
    gain: Planes,
}

impl Forest {
    /// Of models over the same features; of none, with 1 feature.
    pub fn of(models: &[&BoostingModel]) -> Result<Self> {
        let n_features = models.first().map_or(1, |model| model.n_features());
        if models.iter().any(|model| model.n_features() != n_features) {
            return Err(wrong(
                "the models of one list read different numbers of features",
            ));
        }
        let trees: Vec<Vec<Vec<NodeParts>>> = models
            .iter()
            .map(|model| model.to_trees().collect())
            .collect();
        let mut table: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        for split in trees
            .iter()
            .flatten()
            .flatten()
            .filter_map(NodeParts::split)
        {
            let of_feature = table.entry(split.feature).or_default();
            of_feature.push(positive_zero(split.threshold));
        }
        for thresholds in table.values_mut() {
            thresholds.sort_unstable_by(f64::total_cmp);
            thresholds.dedup();
        }
        let models = models
            .iter()
            .zip(&trees)
            .map(|(model, trees)| Trees::of(model, trees, &table))
            .collect();
        Ok(Self {
            n_features: n_features as u32,
            used: table.keys().copied().collect(),
            n_thresholds: table.values().map(|of| of.len() as u32).collect(),
            thresholds: Decimals::of(table.into_values().flatten())?,
            models,
        })
    }

    pub fn into_models(self) -> Result<Vec<BoostingModel>> {
        let thresholds = self.thresholds.into_numbers()?;
        if self.used.len() != self.n_thresholds.len() {
            return Err(wrong("a used feature has no number of thresholds"));
        }
        let mut rest = thresholds.as_slice();
        let mut table = Vec::with_capacity(self.used.len());
        for (&feature, &n) in self.used.iter().zip(&self.n_thresholds) {
            let (own, after) = rest
                .split_at_checked(n as usize)
                .ok_or_else(|| wrong("thresholds are missing"))?;
            table.push((feature, own));
            rest = after;
        }
        if !rest.is_empty() {
            return Err(wrong("thresholds belong to no feature"));
        }
        self.models
            .into_iter()
            .map(|trees| trees.into_model(self.n_features as usize, &table))
            .collect()
    }
}

/// `-0.0` parts the same values as `0.0` and is written as it.
fn positive_zero(threshold: f64) -> f64 {
    threshold + 0.0
}

fn wrong(message: &str) -> Error {
    Error::model_file(format!("boosted trees: {message}"))
}

impl Trees {
    fn of(
        model: &BoostingModel,
        trees: &[Vec<NodeParts>],
        table: &BTreeMap<u32, Vec<f64>>,
    ) -> Self {
        let places: BTreeMap<u32, u32> = table.keys().copied().zip(1..).collect();
        let splits: Vec<SplitParts> = trees
            .iter()
            .flatten()
            .filter_map(NodeParts::split)
            .collect();
        let rank = |split: &SplitParts| {
            let threshold = positive_zero(split.threshold);
            table[&split.feature].partition_point(|&other| other < threshold) as u32
        };
        let by_level = trees.iter().flat_map(|nodes| {
            let splits = nodes.iter().filter_map(NodeParts::split);
            (1_i64..).step_by(2).zip(splits)
        });
        let leaves: Vec<f64> = trees
            .iter()
            .flatten()
            .filter_map(NodeParts::value)
            .collect();
        let covers: Vec<f64> = trees.iter().flatten().map(|node| node.cover).collect();
        Self {
            loss: match model.loss() {
                BoostingLoss::Logistic => Loss::Logistic,
                BoostingLoss::SquaredError => Loss::SquaredError,
            },
            base_score: model.base_score(),
            n_nodes: trees.iter().map(|nodes| nodes.len() as u32).collect(),
            feature: trees
                .iter()
                .flatten()
                .map(|node| node.split().map_or(0, |split| places[&split.feature]))
                .collect(),
            rank: splits.iter().map(rank).collect(),
            left: by_level
                .map(|(expected, split)| i64::from(split.left) - expected)
                .collect(),
            right: splits
                .iter()
                .map(|split| i64::from(split.right) - i64::from(split.left) - 1)
                .collect(),
            missing_left: splits.iter().map(|split| split.missing_left).collect(),
            value: Planes::of(leaves.into_iter()),
            cover: Planes::of(covers.into_iter()),
            gain: Planes::of(splits.iter().map(|split| split.gain)),
        }
    }

    fn into_model(self, n_features: usize, table: &[(u32, &[f64])]) -> Result<BoostingModel> {
        let n_nodes = self.feature.len();
        let in_all: u64 = self.n_nodes.iter().map(|&n| u64::from(n)).sum();
        let n_splits = self.feature.iter().filter(|&&place| place > 0).count();
        let per_split = [
            self.rank.len(),
            self.left.len(),
            self.right.len(),
            self.missing_left.len(),
        ];
        let (value, cover, gain) = (
            self.value.into_numbers()?,
            self.cover.into_numbers()?,
            self.gain.into_numbers()?,
        );
        let fit = in_all == n_nodes as u64
            && per_split.iter().all(|&n| n == n_splits)
            && gain.len() == n_splits
            && cover.len() == n_nodes
            && value.len() == n_nodes - n_splits;
        if !fit {
            return Err(wrong("the lists of nodes differ in length"));
        }
        let (mut node, mut split, mut leaf) = (0, 0, 0);
        let mut trees = Vec::with_capacity(self.n_nodes.len());
        for &n in &self.n_nodes {
            let mut nodes = Vec::with_capacity(n as usize);
            let mut expected = 1_i64;
            for _ in 0..n {
                let kind = match self.feature[node].checked_sub(1) {
                    None => {
                        leaf += 1;
                        NodeKind::Leaf(value[leaf - 1])
                    }
                    Some(place) => {
                        let (feature, thresholds) = table
                            .get(place as usize)
                            .ok_or_else(|| wrong("a split is on no feature"))?;
                        let threshold = thresholds
                            .get(self.rank[split] as usize)
                            .ok_or_else(|| wrong("a split has no threshold"))?;
                        let left = child(expected, self.left[split])?;
                        let right = child(i64::from(left) + 1, self.right[split])?;
                        expected += 2;
                        split += 1;
                        NodeKind::Split(SplitParts {
                            feature: *feature,
                            threshold: *threshold,
                            left,
                            right,
                            missing_left: self.missing_left[split - 1],
                            gain: gain[split - 1],
                        })
                    }
                };
                nodes.push(NodeParts {
                    cover: cover[node],
                    kind,
                });
                node += 1;
            }
            trees.push(nodes);
        }
        let loss = match self.loss {
            Loss::Logistic => BoostingLoss::Logistic,
            Loss::SquaredError => BoostingLoss::SquaredError,
        };
        BoostingModel::from_trees(loss, n_features, self.base_score, trees)
    }
}

/// The child at `expected + shift`.
fn child(expected: i64, shift: i64) -> Result<u32> {
    expected
        .checked_add(shift)
        .and_then(|child| u32::try_from(child).ok())
        .ok_or_else(|| wrong("a split has no child"))
}
