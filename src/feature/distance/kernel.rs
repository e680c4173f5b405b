//! What each distance sums over the taxa that two samples share.

use super::cross::Kernel;
use crate::profile::CsrMatrix;

/// How a distance is made of the overlap o = Σ min(a, b) and the row sums.
#[derive(Clone, Copy)]
pub(super) enum OverlapForm {
    /// (A + B − 2o) / (A + B): Bray–Curtis; normalized weighted `UniFrac`.
    OverSum,
    /// (A + B − 2o) / (A + B − o): Jaccard, of zeros and ones.
    OverUnion,
    /// A + B − 2o = Σ |a − b|: weighted `UniFrac`.
    Difference,
}

/// Distances that need Σ min(a, b) only.
pub(super) struct Overlap {
    donor_sums: Vec<f64>,
    recipient_sums: Vec<f64>,
    form: OverlapForm,
}

impl Overlap {
    /// From the [`sum_in_order`] of every row.
    pub(super) fn new(donor_sums: Vec<f64>, recipient_sums: Vec<f64>, form: OverlapForm) -> Self {
        Self {
            donor_sums,
            recipient_sums,
            form,
        }
    }

    pub(super) fn of_matrices(
        donors: &CsrMatrix,
        recipients: &CsrMatrix,
        form: OverlapForm,
    ) -> Self {
        let sums = |rows: &CsrMatrix| rows.rows().map(|(_, row)| sum_in_order(row)).collect();
        Self::new(sums(donors), sums(recipients), form)
    }
}

/// The sum of a row in the very order in which overlaps are summed, so that a row's overlap with
/// itself is its sum to the bit, and its distance to itself 0.
pub(super) fn sum_in_order(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |sum, value| sum + value)
}

impl Kernel for Overlap {
    type Value = f64;
    type Cell = f64;
    const ZERO_IS_NEUTRAL: bool = true;

    #[inline]
    fn embed(value: f64) -> f64 {
        value
    }

    #[inline]
    fn add(&self, cell: &mut f64, donor: f64, recipient: f64) {
        // Not `f64::min`, whose rule for NaN costs more: there is none here.
        *cell += if donor < recipient { donor } else { recipient };
    }

    #[inline]
    fn finish(&self, i: usize, j: usize, overlap: f64) -> f64 {
        let total = self.donor_sums[i] + self.recipient_sums[j];
        // Rounding may leave the difference of near-equal rows below 0 by an ulp.
        let difference = (total - 2.0 * overlap).max(0.0);
        match self.form {
            OverlapForm::Difference => difference,
            OverlapForm::OverSum if total > 0.0 => difference / total,
            OverlapForm::OverUnion if total > 0.0 => difference / (total - overlap),
            OverlapForm::OverSum | OverlapForm::OverUnion => 0.0,
        }
    }
}

/// Euclidean distance from |a|² + |b|² − 2ab, less the common mean where rows are centered.
pub(super) struct Angles<'a> {
    donors: &'a CsrMatrix,
    recipients: &'a CsrMatrix,
    donor_squares: Vec<f64>,
    recipient_squares: Vec<f64>,
    donor_sums: Vec<f64>,
    recipient_sums: Vec<f64>,
    /// 1 / D where rows are to be centered over D columns, else 0.
    centering: f64,
}

impl<'a> Angles<'a> {
    pub(super) fn new(
        donors: &'a CsrMatrix,
        recipients: &'a CsrMatrix,
        centered_over: Option<usize>,
    ) -> Self {
        let squares = |rows: &CsrMatrix| -> Vec<f64> {
            let squares = rows
                .rows()
                .map(|(_, values)| values.iter().map(|x| x * x).sum());
            squares.collect()
        };
        Self {
            donor_squares: squares(donors),
            recipient_squares: squares(recipients),
            donor_sums: donors.row_sums(),
            recipient_sums: recipients.row_sums(),
            centering: centered_over.map_or(0.0, |n| 1.0 / n as f64),
            donors,
            recipients,
        }
    }

    /// The squared distance taken by taxon, without cancellation.
    fn squared(&self, i: usize, j: usize) -> f64 {
        let (mut sum, mut squares) = (0.0, 0.0);
        let mut visit = |a: f64, b: f64| {
            let difference = a - b;
            sum += difference;
            squares += difference * difference;
        };
        merge(self.donors.row(i), self.recipients.row(j), &mut visit);
        squares - sum * sum * self.centering
    }
}

/// Passes the two values of every column that either row has, in order.
fn merge(
    (a_columns, a_values): (&[u32], &[f64]),
    (b_columns, b_values): (&[u32], &[f64]),
    visit: &mut impl FnMut(f64, f64),
) {
    let mut a = a_columns.iter().zip(a_values).peekable();
    let mut b = b_columns.iter().zip(b_values).peekable();
    loop {
        let side = match (a.peek(), b.peek()) {
            (Some((x, _)), Some((y, _))) => x.cmp(y),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => return,
        };
        let left = if side.is_le() { a.next() } else { None };
        let right = if side.is_ge() { b.next() } else { None };
        visit(
            left.map_or(0.0, |(_, &v)| v),
            right.map_or(0.0, |(_, &v)| v),
        );
    }
}

/// Below this share of |a|² + |b|² the short form has lost more than three digits.
const NEAR: f64 = 1e-3;

impl Kernel for Angles<'_> {
    type Value = f64;
    type Cell = f64;
    const ZERO_IS_NEUTRAL: bool = true;

    #[inline]
    fn embed(value: f64) -> f64 {
        value
    }

    #[inline]
    fn add(&self, cell: &mut f64, donor: f64, recipient: f64) {
        *cell += donor * recipient;
    }

    #[inline]
    fn finish(&self, i: usize, j: usize, product: f64) -> f64 {
        let total = self.donor_squares[i] + self.recipient_squares[j];
        let shift = self.donor_sums[i] - self.recipient_sums[j];
        let squared = total - 2.0 * product - shift * shift * self.centering;
        let squared = if squared < NEAR * total {
            self.squared(i, j)
        } else {
            squared
        };
        squared.max(0.0).sqrt()
    }
}

/// Jensen–Shannon distance: a taxon of one sample only adds ln 2 / 2 times its fraction, and a
/// shared one needs a single logarithm beside p ln p and q ln q, which each row brings along:
/// 2 JSD = (P + Q) ln 2 + Σ shared (p ln p + q ln q − (p + q) ln(p + q)).
pub(super) struct SharedDivergence<'a> {
    donors: &'a CsrMatrix,
    recipients: &'a CsrMatrix,
    donor_sums: Vec<f64>,
    recipient_sums: Vec<f64>,
}

impl<'a> SharedDivergence<'a> {
    pub(super) fn new(donors: &'a CsrMatrix, recipients: &'a CsrMatrix) -> Self {
        Self {
            donor_sums: donors.row_sums(),
            recipient_sums: recipients.row_sums(),
            donors,
            recipients,
        }
    }

    /// The divergence taken by taxon, without cancellation.
    fn divergence(&self, i: usize, j: usize) -> f64 {
        let mut divergence = 0.0;
        let mut visit = |p: f64, q: f64| divergence += divergence_of(p, q);
        merge(self.donors.row(i), self.recipients.row(j), &mut visit);
        divergence
    }
}

/// ½ p ln(p/m) + ½ q ln(q/m). With d = (p − q) / (p + q) this is
/// ½ m [(1 + d) ln(1 + d) + (1 − d) ln(1 − d)], which is 0 where p = q and keeps its digits near it.
fn divergence_of(p: f64, q: f64) -> f64 {
    let d = (p - q) / (p + q);
    0.25 * (p + q) * (one_plus_times_log(d) + one_plus_times_log(-d))
}

/// (1 + d) ln(1 + d), 0 in the limit of −1, where a taxon is in one sample only.
fn one_plus_times_log(d: f64) -> f64 {
    if d > -1.0 {
        (1.0 + d) * libm::log1p(d)
    } else {
        0.0
    }
}

/// Below this divergence (a distance of 0.003) the short form has lost too many digits for 1e-12.
const NEAR_DIVERGENCE: f64 = 1e-5;

/// A fraction p with p ln p.
#[derive(Clone, Copy, Default)]
pub(super) struct WithEntropy {
    p: f64,
    p_ln_p: f64,
}

impl Kernel for SharedDivergence<'_> {
    type Value = WithEntropy;
    type Cell = f64;
    const ZERO_IS_NEUTRAL: bool = false;

    #[inline]
    fn embed(p: f64) -> WithEntropy {
        WithEntropy {
            p,
            p_ln_p: p * libm::log(p),
        }
    }

    #[inline]
    fn add(&self, cell: &mut f64, donor: WithEntropy, recipient: WithEntropy) {
        let sum = donor.p + recipient.p;
        *cell += donor.p_ln_p + recipient.p_ln_p - sum * libm::log(sum);
    }

    #[inline]
    fn finish(&self, i: usize, j: usize, shared: f64) -> f64 {
        let total = self.donor_sums[i] + self.recipient_sums[j];
        let divergence = 0.5 * (total * std::f64::consts::LN_2 + shared);
        let divergence = if divergence < NEAR_DIVERGENCE {
            self.divergence(i, j)
        } else {
            divergence
        };
        divergence.max(0.0).sqrt()
    }
}
