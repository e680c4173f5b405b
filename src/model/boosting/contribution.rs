//! Contributions: how much each feature, or pair of features, moves the score of each row.

use std::collections::BTreeMap;
use std::ops::Range;

use ndarray::{Array2, Array3, Axis};
use rayon::prelude::*;

use super::model::BoostingModel;
use super::predict::gather;
use super::shapley::{Order, Quadrature, add_terms};
use crate::model::MatrixView;
use crate::{Error, Result};

/// What a row is compared with: what the features that are "not known" are taken to be.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum ContributionReference<'a> {
    /// The training rows, by the share that took each branch (path-dependent `TreeSHAP`). Needs
    /// no data; follows correlations between features that the tree knows of.
    TrainingRows,
    /// These rows, one weight each (interventional `TreeSHAP`): features are exchanged for those
    /// of a reference row, whatever the correlations. Use it to explain a difference to a
    /// definite group.
    Background(MatrixView<'a>),
}

/// Contributions of features to scores: `base + values.row(i).sum()` is the score of row i.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// The mean score of the reference.
    pub base: f64,
    /// Rows × features, on the scale of the score.
    pub values: Array2<f64>,
}

/// Contributions of pairs of features: `base` and all pairs of a row sum to its score, and a row
/// of pairs to the contribution of its feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Interactions {
    /// The mean score of the reference.
    pub base: f64,
    /// The features that the model uses, rising; all others interact with none.
    pub features: Vec<u32>,
    /// Rows × `features` × `features`, symmetric; on the diagonal what a feature does alone.
    pub values: Array3<f64>,
}

/// Features on a path for which the terms of every pattern are worked out beforehand.
const TABLE_FEATURES: usize = 6;

/// Rows explained together.
const BLOCK_ROWS: usize = 32;

/// A feature on the path to a leaf.
#[derive(Debug, Clone, Copy)]
struct Condition {
    /// Place among the used features.
    place: u32,
    low: f64,
    high: f64,
    missing: bool,
    /// Chance that the training rows meet it, given those before.
    chance: f64,
}

impl Condition {
    #[expect(clippy::needless_bitwise_bool, reason = "asked of many rows at once")]
    fn is_met(&self, x: f64) -> bool {
        (x > self.low) & (x <= self.high) | (x.is_nan() & self.missing)
    }
}

/// One leaf of one tree.
#[derive(Debug, Clone)]
struct Leaf {
    value: f64,
    conditions: Range<usize>,
    /// Where its terms go in a row of results.
    targets: Range<usize>,
    /// Its terms for pattern 0, then 1, …; none where there are too many patterns.
    table: Option<usize>,
    /// How the reference meets the conditions: pattern and share.
    patterns: Vec<(u64, f64)>,
}

/// The leaves of a model with all that does not depend on the row.
struct Explainer {
    order: Order,
    used: Vec<u32>,
    leaves: Vec<Leaf>,
    conditions: Vec<Condition>,
    targets: Vec<u32>,
    tables: Vec<f64>,
    /// By number of features on the path.
    quadratures: Vec<Quadrature>,
    base: f64,
}

impl Explainer {
    fn new(model: &BoostingModel, reference: ContributionReference<'_>, order: Order) -> Self {
        let mut explainer = Self {
            order,
            used: model.used_features(),
            leaves: Vec::new(),
            conditions: Vec::new(),
            targets: Vec::new(),
            tables: Vec::new(),
            quadratures: Vec::new(),
            base: model.base_score,
        };
        for tree in 0..model.n_trees() {
            explainer.descend(model, model.nodes_of(tree).start, &mut Vec::new());
        }
        if let ContributionReference::Background(rows) = reference {
            explainer.meet_background(rows);
        }
        let most = explainer
            .leaves
            .iter()
            .map(|leaf| leaf.conditions.len())
            .max()
            .unwrap_or(0);
        explainer.quadratures = (0..=most).map(|d| Quadrature::new(d.div_ceil(2))).collect();
        for i in 0..explainer.leaves.len() {
            explainer.base += explainer.mean_of(&explainer.leaves[i]);
            explainer.tabulate(i);
        }
        explainer
    }

    /// Lists the leaves below a node.
    fn descend(&mut self, model: &BoostingModel, node: usize, path: &mut Vec<Condition>) {
        if model.is_leaf(node) {
            self.push_leaf(model.value[node], path);
            return;
        }
        let place = self
            .used
            .partition_point(|&used| used < model.feature[node]) as u32;
        for child in [model.left[node] as usize, model.right[node] as usize] {
            let is_left = child == model.left[node] as usize;
            let known = path.iter().position(|condition| condition.place == place);
            let old = known.map(|at| path[at]);
            let mut condition = old.unwrap_or(Condition {
                place,
                low: f64::NEG_INFINITY,
                high: f64::INFINITY,
                missing: true,
                chance: 1.0,
            });
            condition.chance *= model.cover[child] / model.cover[node];
            condition.missing &= model.missing_left[node] == is_left;
            if is_left {
                condition.high = condition.high.min(model.threshold[node]);
            } else {
                condition.low = condition.low.max(model.threshold[node]);
            }
            match known {
                Some(at) => path[at] = condition,
                None => path.push(condition),
            }
            self.descend(model, child, path);
            match (known, old) {
                (Some(at), Some(old)) => path[at] = old,
                _ => drop(path.pop()),
            }
        }
    }

    fn push_leaf(&mut self, value: f64, path: &[Condition]) {
        let (start, first) = (self.conditions.len(), self.targets.len());
        self.conditions.extend_from_slice(path);
        let places = || path.iter().map(|condition| condition.place);
        let n_used = self.used.len() as u32;
        match self.order {
            Order::Single => self.targets.extend(places()),
            Order::Pair => {
                self.targets
                    .extend(places().flat_map(|i| places().map(move |j| i * n_used + j)));
            }
        }
        self.leaves.push(Leaf {
            value,
            conditions: start..self.conditions.len(),
            targets: first..self.targets.len(),
            table: None,
            patterns: Vec::new(),
        });
    }

    /// Counts how the background rows meet each path.
    fn meet_background(&mut self, rows: MatrixView<'_>) {
        let width = self.used.len().max(1);
        let mut block = vec![0.0; rows.n_rows() * width];
        gather(rows, &self.used, 0, &mut block);
        let share = 1.0 / rows.n_rows() as f64;
        for leaf in &mut self.leaves {
            let conditions = &self.conditions[leaf.conditions.clone()];
            let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
            for row in block.chunks_exact(width) {
                *counts.entry(pattern(conditions, row)).or_default() += 1;
            }
            leaf.patterns = counts
                .into_iter()
                .map(|(pattern, n)| (pattern, f64::from(n) * share))
                .collect();
        }
    }

    /// Mean of the leaf over the reference.
    fn mean_of(&self, leaf: &Leaf) -> f64 {
        let conditions = &self.conditions[leaf.conditions.clone()];
        if leaf.patterns.is_empty() {
            return leaf.value
                * conditions
                    .iter()
                    .map(|condition| condition.chance)
                    .product::<f64>();
        }
        let all = full(conditions.len());
        let shares = leaf.patterns.iter().filter(|&&(pattern, _)| pattern == all);
        leaf.value * shares.map(|&(_, share)| share).sum::<f64>()
    }

    fn tabulate(&mut self, leaf: usize) {
        let d = self.leaves[leaf].conditions.len();
        if d > TABLE_FEATURES {
            return;
        }
        let start = self.tables.len();
        let n_terms = self.order.n_terms(d);
        self.tables.resize(start + (n_terms << d), 0.0);
        let mut tables = std::mem::take(&mut self.tables);
        for pattern in 0..1_u64 << d {
            let at = start + pattern as usize * n_terms;
            self.terms(&self.leaves[leaf], pattern, &mut tables[at..at + n_terms]);
        }
        self.tables = tables;
        self.leaves[leaf].table = Some(start);
    }

    /// Adds the terms of a leaf for rows that meet its conditions by `pattern`.
    fn terms(&self, leaf: &Leaf, pattern: u64, terms: &mut [f64]) {
        let conditions = &self.conditions[leaf.conditions.clone()];
        let d = conditions.len();
        let quadrature = &self.quadratures[d];
        let bits =
            |pattern: u64| -> Vec<f64> { (0..d).map(|j| ((pattern >> j) & 1) as f64).collect() };
        let meets = bits(pattern);
        if leaf.patterns.is_empty() {
            let chances: Vec<f64> = conditions
                .iter()
                .map(|condition| condition.chance)
                .collect();
            add_terms(self.order, leaf.value, &meets, &chances, quadrature, terms);
            return;
        }
        for &(reference, share) in &leaf.patterns {
            // A condition that neither meets makes every product 0, but for two features.
            if pattern | reference == full(d) {
                let value = leaf.value * share;
                add_terms(
                    self.order,
                    value,
                    &meets,
                    &bits(reference),
                    quadrature,
                    terms,
                );
            }
        }
    }

    /// Explains the rows `first..`, `results` holding one row of results after another.
    fn explain(&self, features: MatrixView<'_>, first: usize, results: &mut [f64], width: usize) {
        let n_used = self.used.len().max(1);
        let n_rows = results.len() / width.max(1);
        let mut rows = vec![0.0; n_rows * n_used];
        gather(features, &self.used, first, &mut rows);
        // Feature by feature, so that one condition is asked of all rows at once.
        let mut columns = vec![[0.0; BLOCK_ROWS]; n_used];
        for (r, row) in rows.chunks_exact(n_used).enumerate() {
            for (column, &x) in columns.iter_mut().zip(row) {
                column[r] = x.clamp(f64::MIN, f64::MAX);
            }
        }
        for leaf in &self.leaves {
            let conditions = &self.conditions[leaf.conditions.clone()];
            let mut patterns = [0_u64; BLOCK_ROWS];
            for (j, condition) in conditions.iter().enumerate() {
                let column = &columns[condition.place as usize];
                for (pattern, &x) in patterns.iter_mut().zip(column) {
                    *pattern |= u64::from(condition.is_met(x)) << j;
                }
            }
            let targets = &self.targets[leaf.targets.clone()];
            let n_terms = targets.len();
            let mut own = Vec::new();
            for (result, &pattern) in results.chunks_exact_mut(width.max(1)).zip(&patterns) {
                let terms = if let Some(table) = leaf.table {
                    let at = table + pattern as usize * n_terms;
                    &self.tables[at..at + n_terms]
                } else {
                    own.clear();
                    own.resize(n_terms, 0.0);
                    self.terms(leaf, pattern, &mut own);
                    &own[..]
                };
                for (&target, &term) in targets.iter().zip(terms) {
                    result[target as usize] += term;
                }
            }
        }
    }

    /// Explains all rows; results are rows × `width`.
    fn explain_all(&self, features: MatrixView<'_>, width: usize) -> Vec<f64> {
        let mut results = vec![0.0; features.n_rows() * width];
        if width > 0 {
            results
                .par_chunks_mut(BLOCK_ROWS * width)
                .enumerate()
                .for_each(|(block, results)| {
                    self.explain(features, block * BLOCK_ROWS, results, width);
                });
        }
        results
    }
}

/// Which conditions a row meets, condition j as bit j.
fn pattern(conditions: &[Condition], row: &[f64]) -> u64 {
    conditions
        .iter()
        .enumerate()
        .fold(0, |pattern, (j, condition)| {
            let x = row[condition.place as usize].clamp(f64::MIN, f64::MAX);
            pattern | u64::from(condition.is_met(x)) << j
        })
}

fn full(d: usize) -> u64 {
    if d >= 64 { u64::MAX } else { (1 << d) - 1 }
}

impl BoostingModel {
    /// How much each feature moves the score of each row away from the mean of the reference:
    /// exact Shapley values of the trees.
    ///
    /// A contribution says what the model did, not what would happen if the feature changed.
    ///
    /// # Errors
    /// [`Error::Table`] where a matrix has another width than [`BoostingModel::n_features`], or
    /// the background has no row.
    ///
    /// # Examples
    /// ```
    /// use donormatch::model::{BoostingParams, ContributionReference, TrainingData};
    /// use ndarray::Array2;
    ///
    /// let features = Array2::from_shape_fn((20, 2), |(row, column)| (row * (column + 1)) as f64);
    /// let outcomes: Vec<f64> = (0..20).map(|row| f64::from(row >= 10)).collect();
    /// let model = BoostingParams::default().fit(&TrainingData::new(features.view(), &outcomes)?)?;
    /// let scores = model.scores(features.view())?;
    /// let parts = model.contributions(features.view(), ContributionReference::TrainingRows)?;
    /// assert!((parts.base + parts.values.row(3).sum() - scores[3]).abs() < 1e-9);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    ///
    /// # References
    /// S. M. Lundberg et al., "From local explanations to global understanding with explainable
    /// AI for trees", Nature Machine Intelligence 2 (2020); J. Yang, "Fast `TreeSHAP`",
    /// arXiv 2109.09847, for tables by pattern of a leaf.
    pub fn contributions<'a>(
        &self,
        features: impl Into<MatrixView<'a>>,
        reference: ContributionReference<'_>,
    ) -> Result<Contributions> {
        let features = features.into();
        self.check_reference(features, reference)?;
        let explainer = Explainer::new(self, reference, Order::Single);
        let n_used = explainer.used.len();
        let results = explainer.explain_all(features, n_used);
        let mut values = Array2::zeros((features.n_rows(), self.n_features()));
        for (row, mut values) in values.rows_mut().into_iter().enumerate() {
            let result = &results[row * n_used..(row + 1) * n_used];
            for (&feature, &result) in explainer.used.iter().zip(result) {
                values[feature as usize] = result;
            }
        }
        Ok(Contributions {
            base: explainer.base,
            values,
        })
    }

    /// How much each pair of features moves the score of each row: exact Shapley interaction
    /// values of the trees, for the features that the model uses.
    ///
    /// # Errors
    /// As [`BoostingModel::contributions`].
    pub fn interactions<'a>(
        &self,
        features: impl Into<MatrixView<'a>>,
        reference: ContributionReference<'_>,
    ) -> Result<Interactions> {
        let features = features.into();
        self.check_reference(features, reference)?;
        let explainer = Explainer::new(self, reference, Order::Pair);
        let n_used = explainer.used.len();
        let results = explainer.explain_all(features, n_used * n_used);
        let mut values = Array3::zeros((features.n_rows(), n_used, n_used));
        for row in 0..features.n_rows() {
            let result = &results[row * n_used * n_used..(row + 1) * n_used * n_used];
            for (value, &result) in values.index_axis_mut(Axis(0), row).iter_mut().zip(result) {
                *value = result;
            }
        }
        Ok(Interactions {
            base: explainer.base,
            features: explainer.used,
            values,
        })
    }

    fn check_reference(
        &self,
        features: MatrixView<'_>,
        reference: ContributionReference<'_>,
    ) -> Result<()> {
        self.check_width(features)?;
        if let ContributionReference::Background(rows) = reference {
            self.check_width(rows)?;
            if rows.n_rows() == 0 {
                return Err(Error::table(
                    "expected at least one background row, found none",
                ));
            }
        }
        Ok(())
    }
}
