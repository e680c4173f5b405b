//! How much worse a model does when it cannot use a feature.

use rayon::prelude::*;

use super::loss::mean_loss;
use super::model::BoostingModel;
use super::predict::gather;
use super::random::{draw, shuffled};
use crate::model::TrainingData;
use crate::{Error, Result};

impl BoostingModel {
    /// The rise of the mean loss when a feature's values are dealt out anew among the rows, the
    /// mean of `n_repeats` shuffles (n features; 0 for features that the model does not use).
    ///
    /// Give held-out rows: on training rows it shows what was memorized. Of two features that say
    /// the same, each may look unimportant. Weights and offsets of `data` count, groups do not.
    ///
    /// # Errors
    /// [`Error::Table`] where the width differs from [`BoostingModel::n_features`];
    /// [`Error::Parameter`] where `n_repeats` is 0.
    ///
    /// # References
    /// L. Breiman, "Random forests", Machine Learning 45 (2001), section 10.
    pub fn permutation_importance(
        &self,
        data: &TrainingData<'_>,
        n_repeats: u32,
        seed: u64,
    ) -> Result<Vec<f64>> {
        let features = data.features();
        self.check_width(features)?;
        if n_repeats == 0 {
            return Err(Error::parameter(
                "n_repeats",
                "expected at least 1, found 0",
            ));
        }
        let walker = self.walker();
        let width = walker.used.len().max(1);
        let n_rows = data.n_rows();
        let mut rows = vec![0.0; n_rows * width];
        gather(features, &walker.used, 0, &mut rows);
        let start: Vec<f64> = match data.offsets() {
            Some(offsets) => offsets
                .iter()
                .map(|offset| offset + self.base_score)
                .collect(),
            None => vec![self.base_score; n_rows],
        };
        let ones = vec![1.0; n_rows];
        let weights = data.weights().unwrap_or(&ones);
        let loss_of = |rows: &[f64]| {
            let mut scores = start.clone();
            walker.add(rows, &mut scores);
            mean_loss(self.loss, &scores, data.outcomes(), weights)
        };
        let intact = loss_of(&rows);
        let rise = |place: usize| -> f64 {
            let feature_seed = draw(seed, 0, u64::from(walker.used[place]));
            let mut dealt = rows.clone();
            let sum: f64 = (0..n_repeats)
                .map(|repeat| {
                    let order = shuffled(n_rows, feature_seed, u64::from(repeat));
                    for (row, &from) in order.iter().enumerate() {
                        dealt[row * width + place] = rows[from as usize * width + place];
                    }
                    loss_of(&dealt) - intact
                })
                .sum();
            sum / f64::from(n_repeats)
        };
        let rises: Vec<f64> = (0..walker.used.len()).into_par_iter().map(rise).collect();
        let mut importance = vec![0.0; self.n_features()];
        for (&feature, rise) in walker.used.iter().zip(rises) {
            importance[feature as usize] = rise;
        }
        Ok(importance)
    }
}
