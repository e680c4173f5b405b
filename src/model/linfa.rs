//! linfa's `Fit` and `Predict` for our estimators, behind the feature `linfa`.
//!
//! linfa takes ndarray 0.16 (named `nd016` here): records of `f64`, targets of `bool`; predictions
//! are probabilities (`Pr`), which linfa's own `roc` takes.

use linfa_crate::DatasetBase;
use linfa_crate::dataset::{AsSingleTargets, Pr};
use linfa_crate::traits::{Fit, PredictInplace};
use nd016::{Array1, ArrayBase, Data, Ix2};
use ndarray::Array2;

use super::{
    BoostingModel, BoostingParams, LogisticModel, LogisticParams, Model, ModelParams, TrainingData,
    probability_of_score,
};
use crate::Error;

impl From<linfa_crate::Error> for Error {
    fn from(error: linfa_crate::Error) -> Self {
        Self::table(error.to_string())
    }
}

/// The same values in the other ndarray, through slice and shape.
fn records<D: Data<Elem = f64>>(array: &ArrayBase<D, Ix2>) -> Result<Array2<f64>, Error> {
    Array2::from_shape_vec(array.dim(), array.iter().copied().collect())
        .map_err(|error| Error::table(error.to_string()))
}

/// One line makes an estimator of ours one of linfa's.
macro_rules! linfa_estimator {
    ($params:ty, $model:ty) => {
        impl<D, T> Fit<ArrayBase<D, Ix2>, T, Error> for $params
        where
            D: Data<Elem = f64>,
            T: AsSingleTargets<Elem = bool>,
        {
            type Object = $model;

            fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<$model, Error> {
                let features = records(dataset.records())?;
                let outcomes: Vec<f64> = dataset
                    .as_single_targets()
                    .iter()
                    .map(|&positive| f64::from(positive))
                    .collect();
                let weights: Option<Vec<f64>> = dataset
                    .weights()
                    .map(|weights| weights.iter().copied().map(f64::from).collect());
                let data = TrainingData::new(features.view(), &outcomes)?;
                match &weights {
                    Some(weights) => self.fit(&data.with_weights(weights)?),
                    None => self.fit(&data),
                }
            }
        }

        impl<D: Data<Elem = f64>> PredictInplace<ArrayBase<D, Ix2>, Array1<Pr>> for $model {
            /// Probabilities, not calibrated.
            ///
            /// # Panics
            /// Where the number of features differs or one is not finite: linfa's predictions
            /// have no error to return.
            fn predict_inplace(&self, x: &ArrayBase<D, Ix2>, y: &mut Array1<Pr>) {
                let scores = records(x).and_then(|features| self.scores(features.view()));
                match scores {
                    Ok(scores) => {
                        for (out, score) in y.iter_mut().zip(scores) {
                            *out = Pr::new(probability_of_score(score) as f32);
                        }
                    }
                    Err(error) => panic!("{error}"),
                }
            }

            fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<Pr> {
                Array1::from_elem(x.nrows(), Pr::new(0.5))
            }
        }
    };
}

linfa_estimator!(BoostingParams, BoostingModel);
linfa_estimator!(LogisticParams, LogisticModel);
linfa_estimator!(ModelParams, Model);

#[cfg(test)]
mod tests {
    use linfa_crate::Dataset;
    use linfa_crate::prelude::*;

    use super::*;

    #[test]
    fn a_linfa_pipeline_fits_and_predicts() {
        let x = nd016::Array2::from_shape_fn((20, 2), |(i, j)| ((i * (j + 2)) % 7) as f64);
        let y = nd016::Array1::from_shape_fn(20, |i| (i * 2) % 7 + i % 3 > 4);
        let dataset = Dataset::new(x.clone(), y);
        let model = Fit::fit(&LogisticParams::default(), &dataset).unwrap();
        let predicted: Array1<Pr> = model.predict(&x);
        let features = records(&x).unwrap();
        let scores = model.scores(features.view()).unwrap();
        for (pr, score) in predicted.iter().zip(scores) {
            assert!((f64::from(**pr) - probability_of_score(score)).abs() < 1e-6);
        }
        let area = predicted.roc(dataset.targets.as_slice().unwrap()).unwrap();
        assert!(area.area_under_curve() > 0.7);
    }
}
