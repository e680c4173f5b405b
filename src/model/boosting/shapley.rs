//! Shapley values of one leaf: what each feature on its path adds, for every way a row can meet
//! the path's conditions.
//!
//! A tree is the sum of its leaves, and a leaf is the product of the conditions on its path, one
//! a feature. With `o_j` = 1 where the row meets condition j, and `z_j` the chance that the
//! reference meets it, feature i contributes
//!
//! ```text
//! v (o_i − z_i) ∫₀¹ Π_{j≠i} (z_j (1 − t) + o_j t) dt
//! ```
//!
//! since the integral of tᵏ(1 − t)ᵈ⁻¹⁻ᵏ is the Shapley weight of a coalition of k among d. The
//! integrand is a polynomial of degree d − 1, so Gauss–Legendre nodes integrate it exactly; all
//! terms are of one sign, so nothing cancels. The interaction of i and j is
//! `v/2 (o_i − z_i)(o_j − z_j) ∫ Π_{k≠i,j}`.

/// How the terms of a leaf are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// One term a feature.
    Single,
    /// One term a pair of features, row after row; the diagonal is what a feature does alone.
    Pair,
}

impl Order {
    /// Terms of a path with `d` features.
    pub(super) fn n_terms(self, d: usize) -> usize {
        match self {
            Self::Single => d,
            Self::Pair => d * d,
        }
    }
}

/// Nodes and weights on [0, 1].
#[derive(Debug, Clone)]
pub(super) struct Quadrature {
    nodes: Vec<(f64, f64)>,
}

impl Quadrature {
    /// Exact for polynomials of degree `2 n_nodes − 1`.
    pub(super) fn new(n_nodes: usize) -> Self {
        let n = n_nodes as f64;
        let nodes = (0..n_nodes)
            .map(|i| {
                // Newton's method on the Legendre polynomial, from Tricomi's approximation.
                let angle = std::f64::consts::PI * (i as f64 + 0.75) / (n + 0.5);
                let mut x = libm::cos(angle);
                let mut slope = 1.0;
                for _ in 0..100 {
                    let (mut p, mut below) = (1.0, 0.0);
                    for k in 0..n_nodes {
                        let k = k as f64;
                        (p, below) = (((2.0 * k + 1.0) * x * p - k * below) / (k + 1.0), p);
                    }
                    slope = n * (x * p - below) / (x * x - 1.0);
                    let step = p / slope;
                    x -= step;
                    if step.abs() < 1e-16 {
                        break;
                    }
                }
                (f64::midpoint(1.0, x), 1.0 / ((1.0 - x * x) * slope * slope))
            })
            .collect();
        Self { nodes }
    }
}

/// Adds the terms of one leaf to `terms`: `meets[j]` is `o_j`, `chances[j]` is `z_j`.
pub(super) fn add_terms(
    order: Order,
    value: f64,
    meets: &[f64],
    chances: &[f64],
    quadrature: &Quadrature,
    terms: &mut [f64],
) {
    let d = meets.len();
    let gap = |i: usize| meets[i] - chances[i];
    for &(t, weight) in &quadrature.nodes {
        let factor = |j: usize| chances[j] * (1.0 - t) + meets[j] * t;
        let mut before = 1.0;
        for i in 0..d {
            if gap(i) != 0.0 {
                let alone = before * (i + 1..d).map(factor).product::<f64>();
                let single = value * gap(i) * weight * alone;
                match order {
                    Order::Single => terms[i] += single,
                    Order::Pair => {
                        terms[i * d + i] += single;
                        for j in i + 1..d {
                            let others = before
                                * (i + 1..d).filter(|&k| k != j).map(factor).product::<f64>();
                            let pair = 0.5 * value * gap(i) * gap(j) * weight * others;
                            terms[i * d + j] += pair;
                            terms[j * d + i] += pair;
                            terms[i * d + i] -= pair;
                            terms[j * d + j] -= pair;
                        }
                    }
                }
            }
            before *= factor(i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn quadrature_integrates_polynomials_exactly() {
        for n in 1..12 {
            let quadrature = Quadrature::new(n);
            for degree in 0..2 * i32::try_from(n).unwrap() {
                let sum: f64 = quadrature
                    .nodes
                    .iter()
                    .map(|(t, w)| w * t.powi(degree))
                    .sum();
                assert_abs_diff_eq!(sum, 1.0 / f64::from(degree + 1), epsilon = 1e-14);
            }
        }
    }
}
