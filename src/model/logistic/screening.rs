//! Gradients of all columns, computed only where they may have changed the answer.
//!
//! Along a path the residuals move little from one λ to the next, and the gradient of a column by
//! no more than its size times their movement. A column whose last gradient and all movement since
//! stay under the threshold needs no look; unlike the strong rule's, this verdict is never wrong.
//!
//! # References
//! The inequalities are Hölder's. For screening along a path see Tibshirani et al., "Strong rules
//! for discarding predictors in lasso-type problems", J. R. Stat. Soc. B 74 (2012).

use super::design::Design;

/// Minus the derivative of the loss by each column, as last computed, and how far it may be now.
#[derive(Debug)]
pub(super) struct Gradients {
    values: Vec<f64>,
    /// The residuals last seen.
    residuals: Vec<f64>,
    /// By the largest change of a residual: a column moves by at most Σ |zᵢ| of it.
    by_largest: Reach,
    /// By the Euclidean length of the change: a column moves by at most √Σ zᵢ² of it.
    by_length: Reach,
}

/// One inequality: |gradient| ≤ `offset` + `size` × `travel`.
#[derive(Debug)]
struct Reach {
    sizes: Vec<f64>,
    /// |gradient| − size × travel, as they were when the gradient was computed.
    offsets: Vec<f64>,
    /// All movements of the residuals so far, summed.
    travel: f64,
}

impl Reach {
    fn new(sizes: Vec<f64>) -> Self {
        Self {
            offsets: vec![0.0; sizes.len()],
            sizes,
            travel: 0.0,
        }
    }

    fn set(&mut self, column: usize, gradient: f64) {
        self.offsets[column] = gradient.abs() - self.sizes[column] * self.travel;
    }
}

impl Gradients {
    /// Of all columns, at these residuals.
    pub(super) fn new(design: &Design, residuals: &[f64]) -> Self {
        let n_columns = design.n_columns();
        let (sums, roots) = (0..n_columns).map(|column| design.size(column)).unzip();
        let mut gradients = Self {
            values: vec![0.0; n_columns],
            residuals: residuals.to_vec(),
            by_largest: Reach::new(sums),
            by_length: Reach::new(roots),
        };
        let all: Vec<usize> = (0..n_columns).collect();
        gradients.refresh(design, &all, residuals);
        gradients
    }

    /// Computes those of `columns` at `residuals`.
    pub(super) fn refresh(&mut self, design: &Design, columns: &[usize], residuals: &[f64]) {
        let (mut largest, mut squares) = (0.0_f64, 0.0);
        for (seen, &residual) in self.residuals.iter_mut().zip(residuals) {
            let step = residual - *seen;
            largest = largest.max(step.abs());
            squares += step * step;
            *seen = residual;
        }
        self.by_largest.travel += largest;
        self.by_length.travel += squares.sqrt();
        design.dots(columns, residuals, &mut self.values);
        for &column in columns {
            self.by_largest.set(column, self.values[column]);
            self.by_length.set(column, self.values[column]);
        }
    }

    /// As last computed.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Columns whose gradient may exceed `threshold` × `l1` at the residuals last seen, rising.
    pub(super) fn suspects(&self, threshold: f64, l1: &[f64]) -> Vec<usize> {
        let (largest, length) = (&self.by_largest, &self.by_length);
        let n_columns = l1.len();
        // A flag for each column first, then their places: neither loop has a branch to guess.
        let mut flags = vec![0_u8; n_columns];
        let one = largest.offsets.iter().zip(&largest.sizes);
        let other = length.offsets.iter().zip(&length.sizes);
        for (((flag, one), other), l1) in flags.iter_mut().zip(one).zip(other).zip(l1) {
            let one = one.0 + one.1 * largest.travel;
            let other = other.0 + other.1 * length.travel;
            let bound = if one < other { one } else { other };
            *flag = u8::from(bound > threshold * l1);
        }
        let mut columns = vec![0; n_columns];
        let mut n_found = 0;
        for (column, flag) in flags.into_iter().enumerate() {
            columns[n_found] = column;
            n_found += usize::from(flag);
        }
        columns.truncate(n_found);
        columns
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "bit-for-bit claims")]

    use ndarray::Array2;
    use proptest::prelude::*;

    use super::*;
    use crate::model::logistic::design::RawColumns;

    proptest! {
        #[test]
        fn a_column_that_is_no_suspect_has_a_gradient_under_the_threshold(
            values in prop::collection::vec(prop_oneof![Just(0.0), -2.0..2.0_f64], 60),
            steps in prop::collection::vec(prop::collection::vec(-0.1..0.1_f64, 12), 1..5),
            threshold in 0.0..0.5_f64,
        ) {
            let raw = Array2::from_shape_vec((12, 5), values).unwrap();
            let raw = RawColumns::new(raw.view().into()).unwrap();
            let design = Design::new(&raw, &[1.0 / 12.0; 12], false);
            let mut residuals = vec![0.0; 12];
            let mut gradients = Gradients::new(&design, &residuals);
            for step in steps {
                residuals.iter_mut().zip(&step).for_each(|(r, step)| *r += step);
                gradients.refresh(&design, &[2], &residuals);
            }
            let mut exact = vec![0.0; 5];
            design.dots(&[0, 1, 2, 3, 4], &residuals, &mut exact);
            prop_assert_eq!(gradients.values()[2], exact[2]);
            let suspects = gradients.suspects(threshold, &[1.0; 5]);
            for (column, gradient) in exact.iter().enumerate() {
                let is_under = gradient.abs() <= threshold + 1e-12;
                prop_assert!(is_under || suspects.contains(&column));
            }
        }
    }
}
