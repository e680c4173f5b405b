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
//!
//! Where a row is the reference, `z_j` is 0 or 1 and the integrand tᵃ(1 − t)ᵇ, with a the
//! conditions that only the explained row meets and b those that only the reference meets; where
//! neither meets a condition, all is 0.

use super::codes::full;

/// How the terms of a leaf are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// One term a feature.
    Single,
    /// One term a pair of features, as [`pair_at`] says; a feature with itself is what it does
    /// alone.
    Pair,
}

impl Order {
    /// Terms of `d` features.
    pub(super) fn n_terms(self, d: usize) -> usize {
        match self {
            Self::Single => d,
            Self::Pair => d * (d + 1) / 2,
        }
    }

    /// Where the terms of some features stand among those of all, each given by its place.
    pub(super) fn targets(self, places: &[usize]) -> Vec<usize> {
        match self {
            Self::Single => places.to_vec(),
            Self::Pair => (0..places.len())
                .flat_map(|high| (0..=high).map(move |low| pair_at(places[low], places[high])))
                .collect(),
        }
    }
}

/// Where the term of two features stands: (0, 0), (0, 1), (1, 1), (0, 2), ….
pub(super) fn pair_at(i: usize, j: usize) -> usize {
    let (low, high) = (i.min(j), i.max(j));
    high * (high + 1) / 2 + low
}

/// Nodes of a quadrature that are worked on together.
const LANES: usize = 4;

type Lanes = [f64; LANES];

/// Nodes and weights on [0, 1], filled up by nodes of no weight.
#[derive(Debug, Clone)]
pub(super) struct Quadrature {
    nodes: Vec<(Lanes, Lanes)>,
}

impl Quadrature {
    /// Exact for polynomials of degree `2 n_nodes − 1`.
    pub(super) fn new(n_nodes: usize) -> Self {
        let n = n_nodes as f64;
        let nodes: Vec<(f64, f64)> = (0..n_nodes)
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
        let lanes = nodes.chunks(LANES).map(|nodes| {
            let of = |lane: usize| nodes.get(lane).copied().unwrap_or((0.0, 0.0));
            (
                std::array::from_fn(|lane| of(lane).0),
                std::array::from_fn(|lane| of(lane).1),
            )
        });
        Self {
            nodes: lanes.collect(),
        }
    }
}

/// How the reference meets the conditions of a leaf.
#[derive(Debug, Clone)]
pub(super) enum Meeting {
    /// Each by its own chance.
    Chances(Vec<f64>),
    /// The number of conditions; patterns of them that reference rows meet, rising, with the
    /// share of each.
    Patterns(usize, Vec<(u64, f64)>),
}

impl Meeting {
    /// The share of the reference that meets all conditions.
    pub(super) fn share_of_all(&self) -> f64 {
        match self {
            Self::Chances(chances) => chances.iter().product(),
            Self::Patterns(d, patterns) => patterns
                .iter()
                .filter(|&&(pattern, _)| pattern == full(*d))
                .map(|&(_, share)| share)
                .sum(),
        }
    }
}

/// Works out the terms of leaves, row pattern by row pattern.
#[derive(Debug, Clone)]
pub(super) struct Shapley {
    order: Order,
    /// By number of conditions.
    quadratures: Vec<Quadrature>,
    /// ∫ tᵃ(1 − t)ᵇ, row a, column b.
    weights: Vec<Vec<f64>>,
}

/// Room for products of factors.
#[derive(Debug, Default)]
pub(super) struct Products {
    /// Of each condition what it multiplies by, and the product of those behind it.
    factors: Vec<(Lanes, Lanes)>,
    /// For each pattern of the conditions from each one on, the product of all these.
    behind: Vec<Lanes>,
    /// For each pattern of the conditions before the one at hand, the product of all these.
    before: Vec<Lanes>,
}

impl Shapley {
    /// For paths of up to `most` conditions.
    pub(super) fn new(order: Order, most: usize) -> Self {
        let weights = |a: usize| {
            // 1/(a + 1) for b = 0, then b/(a + b + 1) times the one before.
            let mut weight = 1.0 / (a as f64 + 1.0);
            let mut row = vec![weight];
            for b in 1..=most {
                weight *= b as f64 / (a + b + 1) as f64;
                row.push(weight);
            }
            row
        };
        Self {
            order,
            quadratures: (0..=most).map(|d| Quadrature::new(d.div_ceil(2))).collect(),
            weights: (0..=most).map(weights).collect(),
        }
    }

    /// The terms of a leaf for rows that meet its conditions by `pattern`.
    pub(super) fn terms(
        &self,
        value: f64,
        meeting: &Meeting,
        pattern: u64,
        products: &mut Products,
        terms: &mut [f64],
    ) {
        terms.fill(0.0);
        match meeting {
            Meeting::Chances(chances) => {
                self.add_integrals(value, chances, pattern, products, terms);
            }
            Meeting::Patterns(d, patterns) => {
                for &(reference, share) in patterns {
                    if pattern | reference == full(*d) {
                        self.add_weights(value * share, *d, pattern, reference, terms);
                    }
                }
            }
        }
    }

    /// The terms of a leaf with `d` conditions for all 2ᵈ patterns, term by term: the very same
    /// as of each pattern by itself, since the same numbers are multiplied in the same order.
    /// `all` must hold zeros.
    pub(super) fn all_terms(
        &self,
        value: f64,
        meeting: &Meeting,
        d: usize,
        products: &mut Products,
        all: &mut [f64],
    ) {
        if let (Order::Single, Meeting::Chances(chances)) = (self.order, meeting) {
            return self.all_integrals(value, chances, products, all);
        }
        let mut terms = vec![0.0; self.order.n_terms(d)];
        for pattern in 0..1 << d {
            self.terms(value, meeting, pattern as u64, products, &mut terms);
            for (all, term) in all.chunks_exact_mut(1 << d).zip(&terms) {
                all[pattern] = *term;
            }
        }
    }

    fn all_integrals(&self, value: f64, chances: &[f64], products: &mut Products, all: &mut [f64]) {
        let d = chances.len();
        let Products { before, behind, .. } = products;
        for (t, weight) in &self.quadratures[d].nodes {
            let factors = |j: usize| [factor(chances[j], 0.0, t), factor(chances[j], 1.0, t)];
            // The products of conditions j.. start at 2ᵈ⁻ʲ, those of none at 1.
            behind.resize(2 << d, [0.0; LANES]);
            behind[1] = *weight;
            for j in (0..d).rev() {
                let (fewer, more) = behind.split_at_mut(1 << (d - j));
                let fewer = &fewer[1 << (d - j - 1)..];
                for (two, product) in more.as_chunks_mut::<2>().0.iter_mut().zip(fewer) {
                    *two = factors(j).map(|factor| times(product, &factor));
                }
            }
            before.clear();
            before.push([1.0; LANES]);
            for (j, all) in all.chunks_exact_mut(1 << d).enumerate() {
                let gaps = [0.0, 1.0].map(|met| value * (met - chances[j]));
                let behind = &behind[1 << (d - j - 1)..1 << (d - j)];
                for (terms, behind) in all.chunks_exact_mut(2 << j).zip(behind) {
                    let (unmet, met) = terms.split_at_mut(1 << j);
                    for ((unmet, met), before) in unmet.iter_mut().zip(met).zip(&*before) {
                        let integral = sum(&times(before, behind));
                        *unmet += gaps[0] * integral;
                        *met += gaps[1] * integral;
                    }
                }
                let [unmet, met] = factors(j);
                before.extend_from_within(..);
                let (low, high) = before.split_at_mut(1 << j);
                for (low, high) in low.iter_mut().zip(high) {
                    (*low, *high) = (times(low, &unmet), times(high, &met));
                }
            }
        }
    }

    fn add_integrals(
        &self,
        value: f64,
        chances: &[f64],
        pattern: u64,
        products: &mut Products,
        terms: &mut [f64],
    ) {
        let d = chances.len();
        let met = |j: usize| ((pattern >> j) & 1) as f64;
        let gap = |j: usize| met(j) - chances[j];
        let Products { factors, .. } = products;
        factors.resize(d, ([0.0; LANES], [0.0; LANES]));
        for (t, weight) in &self.quadratures[d].nodes {
            let mut product = *weight;
            for (j, (factor, behind)) in factors.iter_mut().enumerate().rev() {
                *factor = self::factor(chances[j], met(j), t);
                *behind = product;
                product = times(&product, factor);
            }
            let mut before = [1.0; LANES];
            for (i, (factor, behind)) in factors.iter().enumerate() {
                let single = value * gap(i) * sum(&times(&before, behind));
                match self.order {
                    Order::Single => terms[i] += single,
                    Order::Pair => {
                        terms[pair_at(i, i)] += single;
                        let mut others = before;
                        for (j, (factor, behind)) in factors.iter().enumerate().skip(i + 1) {
                            let integral = sum(&times(&others, behind));
                            add_pair(terms, i, j, 0.5 * value * gap(i) * gap(j) * integral);
                            others = times(&others, factor);
                        }
                    }
                }
                before = times(&before, factor);
            }
        }
    }

    fn add_weights(&self, value: f64, d: usize, pattern: u64, reference: u64, terms: &mut [f64]) {
        let (own, others) = (pattern & !reference, reference & !pattern);
        let (a, b) = (own.count_ones() as usize, others.count_ones() as usize);
        // Of a condition: +1 where only the row meets it, −1 where only the reference does.
        let sign = |j: usize| ((own >> j) & 1) as f64 - ((others >> j) & 1) as f64;
        let weight = |n_own: usize, n_others: usize| -> f64 {
            match (a.checked_sub(n_own), b.checked_sub(n_others)) {
                (Some(a), Some(b)) => value * self.weights[a][b],
                _ => 0.0,
            }
        };
        match self.order {
            Order::Single => {
                let (plus, minus) = (weight(1, 0), -weight(0, 1));
                for (j, term) in terms.iter_mut().enumerate() {
                    let is_own = (own >> j) & 1 == 1;
                    let is_other = (others >> j) & 1 == 1;
                    *term += if is_own {
                        plus
                    } else if is_other {
                        minus
                    } else {
                        0.0
                    };
                }
            }
            Order::Pair => {
                for i in (0..d).filter(|&i| sign(i) != 0.0) {
                    let n_own = usize::from(sign(i) > 0.0);
                    terms[pair_at(i, i)] += sign(i) * weight(n_own, 1 - n_own);
                    for j in (i + 1..d).filter(|&j| sign(j) != 0.0) {
                        let n_own = n_own + usize::from(sign(j) > 0.0);
                        let pair = 0.5 * sign(i) * sign(j) * weight(n_own, 2 - n_own);
                        add_pair(terms, i, j, pair);
                    }
                }
            }
        }
    }
}

/// Adds an interaction, and takes it from what the two do alone.
fn add_pair(terms: &mut [f64], i: usize, j: usize, pair: f64) {
    terms[pair_at(i, j)] += pair;
    terms[pair_at(i, i)] -= pair;
    terms[pair_at(j, j)] -= pair;
}

/// What a condition multiplies by at each node.
fn factor(chance: f64, met: f64, t: &Lanes) -> Lanes {
    std::array::from_fn(|lane| chance * (1.0 - t[lane]) + met * t[lane])
}

fn times(a: &Lanes, b: &Lanes) -> Lanes {
    std::array::from_fn(|lane| a[lane] * b[lane])
}

fn sum(lanes: &Lanes) -> f64 {
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
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
                let nodes = quadrature.nodes.iter();
                let sum: f64 = nodes
                    .flat_map(|(t, w)| t.iter().zip(w))
                    .map(|(t, w)| w * t.powi(degree))
                    .sum();
                assert_abs_diff_eq!(sum, 1.0 / f64::from(degree + 1), epsilon = 1e-14);
            }
        }
    }
}
