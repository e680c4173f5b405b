//! The settings of a boosted fit, and the one place that checks them.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Features that a tree may split on at least, where the share is left open.
const LEAST_COLUMNS: f64 = 20.0;

/// What is minimized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BoostingLoss {
    /// Minus the log-likelihood of outcomes 0 and 1; scores are log-odds.
    #[default]
    Logistic,
    /// Half the squared difference; scores are on the scale of the outcomes.
    SquaredError,
}

/// How the score may move with one feature, all others held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monotone {
    /// Any way.
    #[default]
    Free,
    /// Never down as the feature rises.
    Increasing,
    /// Never up as the feature rises.
    Decreasing,
}

/// When to stop adding trees, judged on rows that the trees do not see.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EarlyStopping {
    /// Share of the rows held out, by whole groups where the data have groups. Default 0.2.
    pub held_out_fraction: f64,
    /// Rounds without a lower held-out loss after which the fit stops. Default 50.
    pub patience: u32,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self {
            held_out_fraction: 0.2,
            patience: 50,
        }
    }
}

/// Settings of gradient-boosted trees; `fit` checks them.
///
/// The defaults are for tens to thousands of rows and hundreds to thousands of features, most of
/// them zero, and learn from 20 rows: a leaf needs two rows, not the twenty of libraries made for
/// tall data. Many shallow trees, each of a small step and seeing other rows and a tenth of the
/// features, share the credit among the many taxa that say almost the same, which here predicts
/// new rows better than few trees that see everything ([`BoostingParams::unsampled`]).
///
/// # Examples
/// ```
/// use donormatch::model::BoostingParams;
///
/// let mut params = BoostingParams::default();
/// params.n_rounds = 100;
/// params.seed = 7;
/// assert_eq!(params.max_depth, 3);
/// ```
///
/// # References
/// J. H. Friedman, "Stochastic gradient boosting", Computational Statistics & Data Analysis 38
/// (2002), for trees that see a share of the rows; P. Geurts, D. Ernst and L. Wehenkel, "Extremely
/// randomized trees", Machine Learning 63 (2006), for thresholds drawn at random (here each cut as
/// likely, as with `LightGBM`'s `extra_trees`; theirs are even over the range of the values).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct BoostingParams {
    /// What is minimized. Default [`BoostingLoss::Logistic`].
    pub loss: BoostingLoss,
    /// Trees, at least 1. Default 1000.
    pub n_rounds: u32,
    /// Factor on every leaf, in (0, 1]. Default 0.01.
    pub learning_rate: f64,
    /// Splits from the root to a leaf at most, 1 to 16. Default 3.
    pub max_depth: u32,
    /// Leaves of a tree at most (2 or more); where given, the leaf with the largest gain is split
    /// first. Default: no limit, trees grow level by level.
    pub max_leaves: Option<u32>,
    /// Bins a feature at most, 2 to 255. A feature with no more distinct training values than
    /// that is split exactly. Default 255.
    pub max_bins: u32,
    /// Rows in a bin at least, but for that of the most common value; 1 tries every cut. Default:
    /// a row for each 64 rows, from 1 to 4.
    pub min_bin_rows: Option<u32>,
    /// λ of the penalty λ/2·w² on a leaf w. Default 1.
    pub l2: f64,
    /// α of the penalty α·|w| on a leaf w. Default 0.
    pub l1: f64,
    /// Fall of the penalized loss below which a split is not made. Default 0.
    pub min_gain: f64,
    /// Sum of second derivatives in a leaf at least (a row of weight 1 has at most 0.25 with a
    /// logistic loss, 1 with squared error). Default 0.
    pub min_leaf_weight: f64,
    /// Rows in a leaf at least. Default 2.
    pub min_leaf_rows: u32,
    /// Share of the rows that a tree learns from, drawn anew for each, in (0, 1]. Default 0.7.
    pub row_fraction: f64,
    /// Share of the features that a tree may split on, drawn anew for each, in (0, 1]. Default: a
    /// tenth, but 20 features at least.
    pub column_fraction: Option<f64>,
    /// Share of the features open to a tree that each of its nodes may split on, drawn anew for
    /// each node, in (0, 1]; at least one. It is a share of what `column_fraction` leaves: with 0.1
    /// and the default of that, a node sees a hundredth; `column_fraction: Some(1.0)` draws by node
    /// only. A node that draws nothing but features that cannot part its rows is a leaf. Default 1:
    /// all of them.
    pub node_column_fraction: f64,
    /// Whether a node tries one cut of each feature that it may split on, drawn anew for each node
    /// and feature from all cuts of the feature as the training rows place them, instead of every
    /// cut. Trees then differ more, and no taxon wins for having many values to be cut at. A draw
    /// that cannot part the node's rows is not drawn again. Default false.
    pub random_thresholds: bool,
    /// Stop on held-out rows. Default: never.
    pub early_stopping: Option<EarlyStopping>,
    /// One entry a feature, or empty for no constraint. Default empty.
    pub monotone: Vec<Monotone>,
    /// Sets of features that may stand together on one path. A feature in no set stands only
    /// with itself. Empty: all may. Default empty.
    pub interactions: Vec<Vec<u32>>,
    /// Seed of the draws of rows, features, thresholds and held-out groups. Default 0.
    pub seed: u64,
}

impl Default for BoostingParams {
    fn default() -> Self {
        Self {
            loss: BoostingLoss::Logistic,
            n_rounds: 1000,
            learning_rate: 0.01,
            max_depth: 3,
            max_leaves: None,
            max_bins: 255,
            min_bin_rows: None,
            l2: 1.0,
            l1: 0.0,
            min_gain: 0.0,
            min_leaf_weight: 0.0,
            min_leaf_rows: 2,
            row_fraction: 0.7,
            column_fraction: None,
            node_column_fraction: 1.0,
            random_thresholds: false,
            early_stopping: None,
            monotone: Vec::new(),
            interactions: Vec::new(),
            seed: 0,
        }
    }
}

impl BoostingParams {
    /// Fewer, steeper trees that each see every row and feature: 200 rounds, rate 0.1, 0.5 in a
    /// leaf; nothing is drawn, so the order of rows and copies of them cannot matter.
    pub fn unsampled() -> Self {
        Self {
            n_rounds: 200,
            learning_rate: 0.1,
            min_leaf_weight: 0.5,
            row_fraction: 1.0,
            column_fraction: Some(1.0),
            ..Self::default()
        }
    }

    /// Refuses what no fit on `n_features` features could honor.
    pub(super) fn check(&self, n_features: usize) -> Result<()> {
        at_least("n_rounds", self.n_rounds, 1)?;
        at_least("max_depth", self.max_depth, 1)?;
        if self.max_depth > 16 {
            return Err(out_of_range("max_depth", "1 to 16", self.max_depth));
        }
        if let Some(rows) = self.min_bin_rows {
            at_least("min_bin_rows", rows, 1)?;
        }
        if let Some(leaves) = self.max_leaves {
            at_least("max_leaves", leaves, 2)?;
        }
        if !(2..=255).contains(&self.max_bins) {
            return Err(out_of_range("max_bins", "2 to 255", self.max_bins));
        }
        for (name, value) in [
            ("learning_rate", self.learning_rate),
            ("row_fraction", self.row_fraction),
            ("column_fraction", self.column_fraction.unwrap_or(1.0)),
            ("node_column_fraction", self.node_column_fraction),
        ] {
            if !(value > 0.0 && value <= 1.0) {
                return Err(out_of_range(name, "more than 0, at most 1", value));
            }
        }
        for (name, value) in [
            ("l2", self.l2),
            ("l1", self.l1),
            ("min_gain", self.min_gain),
            ("min_leaf_weight", self.min_leaf_weight),
        ] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(out_of_range(name, "a finite number of 0 or more", value));
            }
        }
        if let Some(stopping) = self.early_stopping {
            let share = stopping.held_out_fraction;
            if !(share > 0.0 && share < 1.0) {
                return Err(out_of_range("held_out_fraction", "between 0 and 1", share));
            }
            at_least("patience", stopping.patience, 1)?;
        }
        if !self.monotone.is_empty() && self.monotone.len() != n_features {
            return Err(Error::parameter(
                "monotone",
                format!(
                    "expected one entry for each of {n_features} features, or none, found {}",
                    self.monotone.len()
                ),
            ));
        }
        match self
            .interactions
            .iter()
            .flatten()
            .find(|&&f| f as usize >= n_features)
        {
            Some(feature) => Err(Error::parameter(
                "interactions",
                format!("feature {feature} does not exist, there are {n_features}"),
            )),
            None => Ok(()),
        }
    }
}

impl BoostingParams {
    /// Share of the features that a tree may split on.
    pub(super) fn column_share(&self, n_features: usize) -> f64 {
        let least = LEAST_COLUMNS / n_features.max(1) as f64;
        self.column_fraction.unwrap_or(least.clamp(0.1, 1.0))
    }

    /// Share of the features that some node of a level may split on, on average, of eight nodes
    /// at most.
    pub(super) fn open_share(&self, n_features: usize) -> f64 {
        let n_nodes = 1 << (self.max_depth - 1).min(3);
        let closed = (1.0 - self.node_column_fraction).powi(n_nodes);
        self.column_share(n_features) * (1.0 - closed)
    }

    /// Rows in a bin at least, of so many, copies counted.
    pub(super) fn bin_rows(&self, total_copies: u32) -> u32 {
        let automatic = (total_copies / 64).clamp(1, 4);
        self.min_bin_rows.unwrap_or(automatic)
    }
}

fn at_least(name: &str, value: u32, least: u32) -> Result<()> {
    if value < least {
        return Err(out_of_range(name, &format!("at least {least}"), value));
    }
    Ok(())
}

fn out_of_range(name: &str, expected: &str, found: impl std::fmt::Display) -> Error {
    Error::parameter(name, format!("expected {expected}, found {found}"))
}
