//! Models by other crates, as comparators and for users who want them: smartcore's random forest
//! and linfa's L2 logistic regression.
//!
//! They take what our own engines take, or say what they cannot: no missing values, no offsets,
//! and no weights in linfa's.

mod forest;
mod ridge;

pub use forest::{ForestModel, ForestParams};
pub use ridge::{RidgeModel, RidgeParams};

use crate::model::{ColumnView, MatrixView, TrainingData};
use crate::{Error, Result};

/// Every value, row-major.
fn to_rows(features: MatrixView<'_>) -> Result<Vec<f64>> {
    let (n_rows, n_columns) = (features.n_rows(), features.n_columns());
    let mut rows = vec![0.0; n_rows * n_columns];
    for column in 0..n_columns {
        match features.column(column) {
            ColumnView::Dense(values) => {
                for (row, &value) in values.iter().enumerate() {
                    rows[row * n_columns + column] = value;
                }
            }
            ColumnView::Sparse {
                rows: numbers,
                values,
            } => {
                for (&row, &value) in numbers.iter().zip(values) {
                    rows[row as usize * n_columns + column] = value;
                }
            }
        }
    }
    match rows.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(Error::table(format!(
            "feature {} is not finite in row {}; this model has no place for missing values",
            at % n_columns,
            at / n_columns
        ))),
        None => Ok(rows),
    }
}

fn refuse_offsets(data: &TrainingData<'_>, model: &str) -> Result<()> {
    match data.offsets() {
        Some(_) => Err(Error::table(format!("{model} knows no offsets"))),
        None => Ok(()),
    }
}
