//! Contributions: how much each feature, or pair of features, moves the score of each row.

use ndarray::{Array2, Array3, Axis};
use rayon::prelude::*;

use super::reference::ContributionReference;
use super::shapley::{Order, pair_at};
use super::{Explained, explain};
use crate::model::MatrixView;
use crate::model::boosting::model::BoostingModel;
use crate::{Error, Result};

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
        let explained = explain(self, features, reference, Order::Single);
        let mut values = Array2::zeros((features.n_rows(), self.n_features()));
        let parts = values.axis_chunks_iter_mut(Axis(0), explained.block_rows);
        let parts: Vec<_> = parts.zip(&explained.blocks).collect();
        parts.into_par_iter().for_each(|(mut values, block)| {
            for (place, &feature) in explained.used.iter().enumerate() {
                let mut column = values.column_mut(feature as usize);
                column
                    .iter_mut()
                    .zip(block.sums(place))
                    .for_each(|(value, &sum)| *value = sum);
            }
        });
        let Explained { base, .. } = explained;
        Ok(Contributions { base, values })
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
        let explained = explain(self, features, reference, Order::Pair);
        let n_used = explained.used.len();
        let mut values = Array3::zeros((features.n_rows(), n_used, n_used));
        let parts = values.axis_chunks_iter_mut(Axis(0), explained.block_rows);
        let parts: Vec<_> = parts.zip(&explained.blocks).collect();
        parts.into_par_iter().for_each(|(mut values, block)| {
            for ((row, i, j), value) in values.indexed_iter_mut() {
                *value = block.sums(pair_at(i, j))[row];
            }
        });
        let Explained {
            base,
            used: features,
            ..
        } = explained;
        Ok(Interactions {
            base,
            features,
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
