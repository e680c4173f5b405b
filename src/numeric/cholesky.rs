//! Cholesky's factor of a small positive definite matrix, row-major.

/// The lower triangle L with L Lᵀ = the matrix.
#[derive(Debug, Clone)]
pub(crate) struct Cholesky {
    n: usize,
    lower: Vec<f64>,
}

impl Cholesky {
    /// None where the matrix is not positive definite.
    pub(crate) fn new(n: usize, matrix: &[f64]) -> Option<Self> {
        let mut lower = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let (above, row) = lower.split_at(i * n);
                let other = if i == j { row } else { &above[j * n..] };
                let known: f64 = row[..j].iter().zip(&other[..j]).map(|(a, b)| a * b).sum();
                let rest = matrix[i * n + j] - known;
                lower[i * n + j] = if i == j {
                    if rest.is_nan() || rest <= 0.0 {
                        return None;
                    }
                    rest.sqrt()
                } else {
                    rest / lower[j * n + j]
                };
            }
        }
        Some(Self { n, lower })
    }

    /// x with matrix × x = `right`.
    pub(crate) fn solve(&self, right: &[f64]) -> Vec<f64> {
        let n = self.n;
        let mut x = right.to_vec();
        for i in 0..n {
            let row = &self.lower[i * n..i * n + i];
            let known: f64 = row.iter().zip(&x).map(|(l, x)| l * x).sum();
            x[i] = (x[i] - known) / self.lower[i * n + i];
        }
        for i in (0..n).rev() {
            x[i] /= self.lower[i * n + i];
            for j in 0..i {
                x[j] -= self.lower[i * n + j] * x[i];
            }
        }
        x
    }

    /// The inverse of the matrix, symmetric to the last bit.
    pub(crate) fn inverse(&self) -> Vec<f64> {
        let n = self.n;
        let mut inverse = vec![0.0; n * n];
        let mut unit = vec![0.0; n];
        for column in 0..n {
            unit[column] = 1.0;
            for (row, value) in self.solve(&unit).into_iter().enumerate().skip(column) {
                inverse[row * n + column] = value;
                inverse[column * n + row] = value;
            }
            unit[column] = 0.0;
        }
        inverse
    }

    /// L × `vector`.
    pub(crate) fn lower_times(&self, vector: &[f64]) -> Vec<f64> {
        (0..self.n)
            .map(|i| {
                let row = &self.lower[i * self.n..=i * self.n + i];
                row.iter().zip(vector).map(|(l, v)| l * v).sum()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_worked_by_hand() {
        // [[4, 2], [2, 5]] = L Lᵀ with L = [[2, 0], [1, 2]]; its inverse is [[5, −2], [−2, 4]] / 16.
        let factor = Cholesky::new(2, &[4.0, 2.0, 2.0, 5.0]).unwrap();
        assert_eq!(factor.lower_times(&[1.0, 1.0]), [2.0, 3.0]);
        assert_eq!(factor.inverse(), [0.3125, -0.125, -0.125, 0.25]);
        assert_eq!(factor.solve(&[8.0, 12.0]), [1.0, 2.0]);
    }

    #[test]
    fn an_indefinite_matrix_has_none() {
        assert!(Cholesky::new(2, &[1.0, 2.0, 2.0, 1.0]).is_none());
        assert!(Cholesky::new(1, &[f64::NAN]).is_none());
    }
}
