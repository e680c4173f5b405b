//! Scores of new rows.

use rayon::prelude::*;

use super::block::{ColumnBlock, ROWS};
use super::layout::Laid;
use super::model::BoostingModel;
use super::shallow::ShallowTrees;
use super::walker::{TreeArrays, Walker};
use crate::cancel;
use crate::model::{ColumnView, MatrixView};
use crate::{Error, Result};

/// From this many rows on, a block is coded: fewer are walked in less time.
const LEAST_CODED_ROWS: usize = 24;

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
        let walker = &self.laid().walker;
        let width = walker.used.len().max(1);
        let shallow = self.coded_for(features.n_rows());
        let mut scores = vec![walker.base_score; features.n_rows()];
        let score_task = |task: usize, scores: &mut [f64]| {
            if cancel::is_cancelled() {
                return;
            }
            let mut block = vec![0.0; ROWS * width];
            for (part, scores) in scores.chunks_mut(ROWS).enumerate() {
                let block = &mut block[..scores.len() * width];
                gather(
                    features,
                    &walker.used,
                    task * TASK_ROWS + part * ROWS,
                    block,
                );
                match shallow {
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

    /// The score of each row of a block: to the bit that of [`BoostingModel::scores`].
    ///
    /// # Errors
    /// [`Error::Table`] where the number of columns is not [`BoostingModel::n_features`].
    pub(crate) fn block_scores(&self, block: &ColumnBlock) -> Result<Vec<f64>> {
        self.check_n_columns(block.n_columns())?;
        let walker = &self.laid().walker;
        let mut scores = vec![walker.base_score; block.n_rows()];
        if let Some(shallow) = self.coded_for(block.n_rows()) {
            shallow.add_block(&walker.used, block, &mut scores);
        } else {
            let mut rows = Vec::new();
            block.gather(&walker.used, &mut rows);
            walker.add(&rows, &mut scores);
        }
        Ok(scores)
    }

    /// What is kept to score by.
    fn laid(&self) -> &Laid {
        self.layout.get_or_make(|| self.walker())
    }

    /// The features that some tree splits on, rising, as they are kept to score by.
    pub(crate) fn used(&self) -> &[u32] {
        &self.laid().walker.used
    }

    /// The trees by codes where that pays for this many rows; they are laid out only then.
    fn coded_for(&self, n_rows: usize) -> Option<&ShallowTrees> {
        if n_rows < LEAST_CODED_ROWS {
            return None;
        }
        self.coded()
    }

    /// The trees by codes; `None` where they cannot be coded.
    pub(super) fn coded(&self) -> Option<&ShallowTrees> {
        let laid = self.laid();
        laid.coded(|| ShallowTrees::new(&self.trees(), self.thresholds_of(&laid.walker.used)))
    }

    /// The trees laid out for walking.
    pub(super) fn walker(&self) -> Walker {
        Walker::new(&self.trees())
    }

    /// The arrays that a layout is made from.
    pub(super) fn trees(&self) -> TreeArrays<'_> {
        TreeArrays {
            starts: &self.tree_starts,
            feature: &self.feature,
            threshold: &self.threshold,
            left: &self.left,
            right: &self.right,
            missing_left: &self.missing_left,
            value: &self.value,
            used: self.used_features(),
            base_score: self.base_score,
        }
    }

    /// Refuses a matrix of another width.
    pub(super) fn check_width(&self, features: MatrixView<'_>) -> Result<()> {
        self.check_n_columns(features.n_columns())
    }

    fn check_n_columns(&self, n_columns: usize) -> Result<()> {
        if n_columns == self.n_features() {
            return Ok(());
        }
        Err(Error::table(format!(
            "the model was fitted on {} features, found {n_columns} columns",
            self.n_features(),
        )))
    }
}

/// Rows scored by one task.
const TASK_ROWS: usize = 64 * ROWS;
