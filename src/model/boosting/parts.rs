//! Trees as plain lists, for files that outlive the types here.

use super::model::BoostingModel;
use super::params::BoostingLoss;
use super::walker::LEAF;
use crate::{Error, Result};

/// One node: a split, or a leaf.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NodeParts {
    /// Weight of the training rows that came here.
    pub cover: f64,
    pub kind: NodeKind,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum NodeKind {
    /// What it adds to the score.
    Leaf(f64),
    Split(SplitParts),
}

/// Left where `feature <= threshold`; children are numbered within the tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SplitParts {
    pub feature: u32,
    pub threshold: f64,
    pub left: u32,
    pub right: u32,
    pub missing_left: bool,
    pub gain: f64,
}

impl NodeParts {
    pub(crate) fn split(&self) -> Option<SplitParts> {
        match self.kind {
            NodeKind::Split(split) => Some(split),
            NodeKind::Leaf(_) => None,
        }
    }

    /// What a leaf adds to the score.
    pub(crate) fn value(&self) -> Option<f64> {
        match self.kind {
            NodeKind::Leaf(value) => Some(value),
            NodeKind::Split(_) => None,
        }
    }
}

impl BoostingModel {
    /// The trees, each as its nodes.
    pub(crate) fn to_trees(&self) -> impl Iterator<Item = Vec<NodeParts>> {
        (0..self.n_trees()).map(|tree| {
            let nodes = self.nodes_of(tree);
            let start = nodes.start as u32;
            let part = |node: usize| NodeParts {
                cover: self.cover[node],
                kind: if self.is_leaf(node) {
                    NodeKind::Leaf(self.value[node])
                } else {
                    NodeKind::Split(SplitParts {
                        feature: self.feature[node],
                        threshold: self.threshold[node],
                        left: self.left[node] - start,
                        right: self.right[node] - start,
                        missing_left: self.missing_left[node],
                        gain: self.gain[node],
                    })
                },
            };
            nodes.map(part).collect()
        })
    }

    /// The model of these trees, checked node by node.
    ///
    /// # Errors
    /// [`Error::ModelFile`] naming the node that is wrong.
    pub(crate) fn from_trees(
        loss: BoostingLoss,
        n_features: usize,
        base_score: f64,
        trees: impl IntoIterator<Item = Vec<NodeParts>>,
    ) -> Result<Self> {
        let mut model = Self::new(loss, n_features, base_score);
        for nodes in trees {
            let start = model.feature.len() as u32;
            let child = |number: u32| {
                start
                    .checked_add(number)
                    .ok_or_else(|| Error::model_file(format!("no tree has a child {number}")))
            };
            for node in nodes {
                let (value, split) = match node.kind {
                    NodeKind::Leaf(value) => (value, None),
                    NodeKind::Split(split) => (0.0, Some(split)),
                };
                model.value.push(value);
                model.cover.push(node.cover);
                model
                    .feature
                    .push(split.map_or(LEAF, |split| split.feature));
                model
                    .threshold
                    .push(split.map_or(0.0, |split| split.threshold));
                model.gain.push(split.map_or(0.0, |split| split.gain));
                model
                    .missing_left
                    .push(split.is_some_and(|split| split.missing_left));
                model
                    .left
                    .push(split.map_or(Ok(0), |split| child(split.left))?);
                model
                    .right
                    .push(split.map_or(Ok(0), |split| child(split.right))?);
            }
            model.tree_starts.push(model.feature.len() as u32);
        }
        model.validate()?;
        Ok(model)
    }
}
