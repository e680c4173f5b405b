//! Scores of new rows.

mod shallow;

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use self::shallow::ShallowTrees;
use super::model::{BoostingModel, LEAF};
use crate::model::{ColumnView, MatrixView};
use crate::{Error, Result};

/// Rows scored together: their features and scores stay in the first-level cache.
const BLOCK_ROWS: usize = shallow::ROWS;

/// Rows that walk a tree side by side, to hide the time of each load.
const ABREAST: usize = 8;

/// A node as the walk wants it: one cache line holds four, children side by side.
#[derive(Debug, Clone, Copy)]
struct WalkNode {
    /// Not exceeded on the way left; +∞ in a leaf.
    threshold: f64,
    /// Place of the feature among those used, and whether a missing value goes left (top bit).
    feature: u32,
    /// Left child, the right one follows; a leaf leads to itself.
    left: u32,
}

const MISSING_LEFT: u32 = 1 << 31;

/// The trees laid out for walking.
#[derive(Debug)]
pub(super) struct Walker {
    nodes: Vec<WalkNode>,
    values: Vec<f64>,
    /// First node and depth of each tree.
    trees: Vec<(u32, u32)>,
    /// Features used, rising.
    pub(super) used: Vec<u32>,
    base_score: f64,
}

/// The walker of a model, laid out at its first score and kept, so that scores of a row at a time
/// cost a walk each. It follows from the trees and is no part of what a model is or says.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout(OnceLock<Arc<Walker>>);

impl PartialEq for Layout {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Layout {
    fn of<'a>(&'a self, model: &BoostingModel) -> &'a Walker {
        self.0.get_or_init(|| Arc::new(Walker::new(model)))
    }
}

impl Walker {
    pub(super) fn new(model: &BoostingModel) -> Self {
        let used = model.used_features();
        let mut walker = Self {
            nodes: Vec::with_capacity(model.feature.len()),
            values: Vec::with_capacity(model.feature.len()),
            trees: Vec::with_capacity(model.n_trees()),
            used,
            base_score: model.base_score,
        };
        for tree in 0..model.n_trees() {
            walker.push(model, model.nodes_of(tree).start);
        }
        walker
    }

    /// Appends the tree below `root`, level by level.
    fn push(&mut self, model: &BoostingModel, root: usize) {
        let start = self.nodes.len() as u32;
        let mut level = vec![root];
        let mut depth = 0;
        let mut n_placed = start + 1;
        loop {
            let mut next = Vec::new();
            for &node in &level {
                let this = self.nodes.len() as u32;
                self.values.push(model.value[node]);
                if model.feature[node] == LEAF {
                    self.nodes.push(WalkNode {
                        threshold: f64::INFINITY,
                        feature: MISSING_LEFT,
                        left: this,
                    });
                    continue;
                }
                let place = self
                    .used
                    .partition_point(|&used| used < model.feature[node])
                    as u32;
                let missing = if model.missing_left[node] {
                    MISSING_LEFT
                } else {
                    0
                };
                self.nodes.push(WalkNode {
                    threshold: model.threshold[node],
                    feature: place | missing,
                    left: n_placed,
                });
                n_placed += 2;
                next.extend([model.left[node] as usize, model.right[node] as usize]);
            }
            if next.is_empty() {
                break;
            }
            depth += 1;
            level = next;
        }
        self.trees.push((start, depth));
    }

    /// Adds the trees to the scores of the rows in `features` (row after row, `used.len()` each).
    pub(super) fn add(&self, features: &[f64], scores: &mut [f64]) {
        let width = self.used.len().max(1);
        for &(root, depth) in &self.trees {
            let mut rows = features.chunks_exact(width * ABREAST);
            let (groups, _) = scores.as_chunks_mut::<ABREAST>();
            for (rows, scores) in rows.by_ref().zip(groups) {
                let mut at = [root; ABREAST];
                for _ in 0..depth {
                    for (lane, at) in at.iter_mut().enumerate() {
                        *at = self.step(*at, &rows[lane * width..(lane + 1) * width]);
                    }
                }
                for (score, &at) in scores.iter_mut().zip(&at) {
                    *score += self.values[at as usize];
                }
            }
            let n_done = scores.len() / ABREAST * ABREAST;
            for (row, score) in rows
                .remainder()
                .chunks_exact(width)
                .zip(&mut scores[n_done..])
            {
                let at = (0..depth).fold(root, |at, _| self.step(at, row));
                *score += self.values[at as usize];
            }
        }
    }

    #[inline]
    #[expect(
        clippy::needless_bitwise_bool,
        reason = "a branch here would be mispredicted"
    )]
    fn step(&self, at: u32, row: &[f64]) -> u32 {
        let node = &self.nodes[at as usize];
        let x = row[(node.feature & !MISSING_LEFT) as usize];
        let is_missing_right = x.is_nan() & (node.feature < MISSING_LEFT);
        node.left + u32::from((x > node.threshold) | is_missing_right)
    }
}

/// Writes the used features of rows `first..` into `block`, row after row.
pub(super) fn gather(matrix: MatrixView<'_>, used: &[u32], first: usize, block: &mut [f64]) {
    let width = used.len().max(1);
    let n_rows = block.len() / width;
    if used.is_empty() {
        block.fill(0.0);
        return;
    }
    match matrix {
        MatrixView::Dense(array) => {
            for (row, block) in block.chunks_exact_mut(width).enumerate() {
                let row = array.row(first + row);
                for (value, &feature) in block.iter_mut().zip(used) {
                    *value = row[feature as usize];
                }
            }
        }
        MatrixView::Sparse(_) => {
            block.fill(0.0);
            for (place, &feature) in used.iter().enumerate() {
                if let ColumnView::Sparse { rows, values } = matrix.column(feature as usize) {
                    let start = rows.partition_point(|&row| (row as usize) < first);
                    let entries = rows[start..].iter().zip(&values[start..]);
                    for (&row, &value) in
                        entries.take_while(|&(&row, _)| (row as usize) < first + n_rows)
                    {
                        block[(row as usize - first) * width + place] = value;
                    }
                }
            }
        }
    }
}

impl BoostingModel {
    /// The score of each row: log-odds with a logistic loss, else the predicted outcome.
    ///
    /// NaN is a missing value. Offsets that the training rows had are not added: add those of the
    /// new rows. Runs on the current rayon pool; the scores do not depend on its size.
    ///
    /// # Errors
    /// [`Error::Table`] where the number of columns is not [`BoostingModel::n_features`].
    ///
    /// # Examples
    /// ```
    /// use donormatch::model::{BoostingParams, TrainingData};
    /// use ndarray::Array2;
    ///
    /// let features = Array2::from_shape_fn((20, 2), |(row, column)| (row * (column + 1)) as f64);
    /// let outcomes: Vec<f64> = (0..20).map(|row| f64::from(row >= 10)).collect();
    /// let data = TrainingData::new(features.view(), &outcomes)?;
    /// let model = BoostingParams::default().fit(&data)?;
    /// let scores = model.scores(features.view())?;
    /// assert!(scores[0] < 0.0 && scores[19] > 0.0);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn scores<'a>(&self, features: impl Into<MatrixView<'a>>) -> Result<Vec<f64>> {
        let features = features.into();
        self.check_width(features)?;
        let walker = self.layout.of(self);
        let width = walker.used.len().max(1);
        let shallow = if features.n_rows() < BLOCK_ROWS {
            None
        } else {
            ShallowTrees::new(self, &walker.used)
        };
        let mut scores = vec![walker.base_score; features.n_rows()];
        let score_task = |task: usize, scores: &mut [f64]| {
            let mut block = vec![0.0; BLOCK_ROWS * width];
            for (part, scores) in scores.chunks_mut(BLOCK_ROWS).enumerate() {
                let block = &mut block[..scores.len() * width];
                gather(
                    features,
                    &walker.used,
                    task * TASK_ROWS + part * BLOCK_ROWS,
                    block,
                );
                match &shallow {
                    Some(shallow) => shallow.add(block, scores),
                    None => walker.add(block, scores),
                }
            }
        };
        scores
            .par_chunks_mut(TASK_ROWS)
            .enumerate()
            .for_each(|(task, scores)| score_task(task, scores));
        Ok(scores)
    }

    /// Refuses a matrix of another width.
    pub(super) fn check_width(&self, features: MatrixView<'_>) -> Result<()> {
        if features.n_columns() == self.n_features() {
            return Ok(());
        }
        Err(Error::table(format!(
            "the model was fitted on {} features, found {} columns",
            self.n_features(),
            features.n_columns()
        )))
    }
}

/// Rows scored by one task.
const TASK_ROWS: usize = 64 * BLOCK_ROWS;
