//! Any model on a plain matrix, as a procedure.

use ndarray::{Array2, Axis};

use super::audit::SplitAudit;
use super::procedure::{FoldTask, Procedure};
use crate::model::{CscMatrix, MatrixView, Model, ModelParams, TrainingData};
use crate::numeric::outcomes::check_length;
use crate::{Error, Result};

/// A model's settings and the matrix that holds all rows: fitted afresh on the training rows of
/// each split.
///
/// For features that learn nothing from other rows (abundances, logarithms); whatever does learn,
/// a filter by prevalence for one, belongs in a [`Procedure`] of its own, before the fit. The model
/// draws by the seed of its own settings, the same in every split; [`FoldTask::seed`] is not used.
///
/// # Examples
/// Two models and the choice between them, made inside the training rows. Trees stand first: where
/// the folds cannot tell the two apart, they are taken.
/// ```
/// use donormatch::evaluation::{
///     CrossValidationParams, GroupedKFold, Metric, ModelProcedure, NestedSelection,
///     SelectionRule, cross_validate,
/// };
/// use donormatch::model::{BoostingParams, LogisticParams, ModelParams};
///
/// let features = ndarray::Array2::from_shape_fn((40, 3), |(i, j)| ((i * (j + 3)) % 7) as f64);
/// let outcomes: Vec<f64> = (0..40).map(|i| f64::from((i * 3) % 7 > 3)).collect();
/// let subjects: Vec<u32> = (0..40).map(|i| i / 2).collect();
/// let model = |params| ModelProcedure::new(params, features.view(), &subjects);
/// let boosting = model(ModelParams::Boosting(BoostingParams::default()))?;
/// let logistic = model(ModelParams::Logistic(LogisticParams::default()))?;
/// let better = NestedSelection::new(&subjects, GroupedKFold::new(3), Metric::RocAuc)
///     .with_rule(SelectionRule::OneStandardError)
///     .with_candidate("boosting", &boosting)
///     .with_candidate("logistic", &logistic);
/// let splits = GroupedKFold::new(4).splits(&subjects, Some(&outcomes), 0)?;
/// let params = CrossValidationParams::default();
/// let result = cross_validate(&better, &outcomes, &splits, &[], &params)?;
/// assert_eq!(result.fold_values(Metric::RocAuc).len(), 4);
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ModelProcedure<'a> {
    params: ModelParams,
    features: MatrixView<'a>,
    groups: &'a [u32],
}

impl<'a> ModelProcedure<'a> {
    /// Features of all rows (rows × features) and one group a row, which the model's own folds
    /// keep together.
    ///
    /// # Errors
    /// [`Error::Table`] where there is not one group a row.
    pub fn new(
        params: ModelParams,
        features: impl Into<MatrixView<'a>>,
        groups: &'a [u32],
    ) -> Result<Self> {
        let features = features.into();
        check_length("groups", groups.len(), features.n_rows())?;
        Ok(Self {
            params,
            features,
            groups,
        })
    }

    /// The model of some rows, `outcomes` in their order.
    ///
    /// # Errors
    /// [`Error::Table`] where a row does not exist; those of the model's own fit.
    pub fn fit(&self, rows: &[usize], outcomes: &[f64]) -> Result<Model> {
        self.fit_on(&self.select(rows)?, rows, outcomes)
    }

    fn fit_on(&self, matrix: &Selected, rows: &[usize], outcomes: &[f64]) -> Result<Model> {
        check_length("outcomes", outcomes.len(), rows.len())?;
        let groups: Vec<u32> = rows.iter().map(|&row| self.groups[row]).collect();
        let data = TrainingData::new(matrix.view(), outcomes)?.with_groups(&groups)?;
        self.params.fit(&data)
    }

    /// The matrix of the rows named, in their order.
    fn select(&self, rows: &[usize]) -> Result<Selected> {
        let n_rows = self.features.n_rows();
        if let Some(row) = rows.iter().find(|&&row| row >= n_rows) {
            return Err(Error::table(format!("row {row} of a matrix of {n_rows}")));
        }
        Ok(match self.features {
            MatrixView::Dense(array) => Selected::Dense(array.select(Axis(0), rows)),
            MatrixView::Sparse(matrix) => Selected::Sparse(select_rows(matrix, rows)?),
        })
    }
}

/// Some rows of a matrix, of its kind.
enum Selected {
    Dense(Array2<f64>),
    Sparse(CscMatrix),
}

impl Selected {
    fn view(&self) -> MatrixView<'_> {
        match self {
            Self::Dense(array) => array.view().into(),
            Self::Sparse(matrix) => matrix.into(),
        }
    }
}

impl Procedure for ModelProcedure<'_> {
    fn fit_predict(&self, task: &FoldTask<'_>, audit: &mut SplitAudit<'_>) -> Result<Vec<f64>> {
        let matrix = self.select(task.training)?;
        let model = self.fit_on(&matrix, task.training, task.outcomes)?;
        // What it makes of the rows that it learned from stands for the model.
        audit.record_values("model", task.training, &model.scores(matrix.view())?)?;
        model.scores(self.select(task.test)?.view())
    }
}

/// Some rows of a sparse matrix, in the order given.
fn select_rows(matrix: &CscMatrix, rows: &[usize]) -> Result<CscMatrix> {
    let mut places: Vec<Vec<u32>> = vec![Vec::new(); matrix.n_rows()];
    for (place, &row) in rows.iter().enumerate() {
        places[row].push(place as u32);
    }
    let (mut indptr, mut kept, mut values) = (vec![0], Vec::new(), Vec::new());
    for column in 0..matrix.n_columns() {
        let (of_column, its_values) = matrix.column(column);
        let mut entries: Vec<(u32, f64)> = of_column
            .iter()
            .zip(its_values)
            .flat_map(|(&row, &value)| places[row as usize].iter().map(move |&at| (at, value)))
            .collect();
        entries.sort_unstable_by_key(|&(place, _)| place);
        kept.extend(entries.iter().map(|&(place, _)| place));
        values.extend(entries.iter().map(|&(_, value)| value));
        indptr.push(kept.len());
    }
    CscMatrix::new(rows.len(), indptr, kept, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{CrossValidationParams, GroupColumn, GroupedKFold, cross_validate};
    use crate::model::{BoostingParams, LogisticCvParams};

    fn rows() -> (Array2<f64>, Vec<f64>, Vec<u32>) {
        let features =
            Array2::from_shape_fn((60, 5), |(i, j)| (((i + 2) * (j + 3)) % 11 / 4) as f64);
        let outcomes = (0..60)
            .map(|i| f64::from(features[(i, 0)] + features[(i, 3)] > 2.0 || i % 9 == 0))
            .collect();
        (features, outcomes, (0..60).map(|i| i / 3).collect())
    }

    fn sparse(features: &Array2<f64>) -> CscMatrix {
        let (mut indptr, mut kept, mut values) = (vec![0], Vec::new(), Vec::new());
        for column in features.columns() {
            for (row, &value) in column
                .iter()
                .enumerate()
                .filter(|&(_, &value)| value != 0.0)
            {
                kept.push(row as u32);
                values.push(value);
            }
            indptr.push(kept.len());
        }
        CscMatrix::new(features.nrows(), indptr, kept, values).unwrap()
    }

    #[test]
    fn sparse_and_dense_rows_give_the_same_scores_and_no_leak() {
        let (features, outcomes, subjects) = rows();
        let columns = sparse(&features);
        let splits = GroupedKFold::new(4)
            .splits(&subjects, Some(&outcomes), 0)
            .unwrap();
        let boosting = ModelParams::Boosting(BoostingParams::default());
        let logistic = LogisticCvParams {
            n_folds: 3,
            ..LogisticCvParams::default()
        };
        for params in [boosting, ModelParams::LogisticCv(logistic)] {
            let views: [MatrixView<'_>; 2] = [features.view().into(), (&columns).into()];
            let [dense, sparse] = views.map(|features| {
                let model = ModelProcedure::new(params.clone(), features, &subjects).unwrap();
                let apart = [GroupColumn::new("subject", &subjects)];
                let how = CrossValidationParams::default();
                cross_validate(&model, &outcomes, &splits, &apart, &how).unwrap()
            });
            assert_eq!(dense.mean_scores(), sparse.mean_scores());
            assert_eq!(dense.audit.entries().len(), 4);
        }
    }

    #[test]
    fn rows_that_do_not_exist_are_refused() {
        let (features, _, subjects) = rows();
        let params = ModelParams::Boosting(BoostingParams::default());
        let few = ModelProcedure::new(params.clone(), features.view(), &subjects[1..]);
        assert!(few.unwrap_err().to_string().contains("groups"));
        let model = ModelProcedure::new(params, features.view(), &subjects).unwrap();
        let error = model.fit(&[1, 60], &[0.0, 1.0]).unwrap_err();
        assert_eq!(error.to_string(), "row 60 of a matrix of 60");
    }
}
