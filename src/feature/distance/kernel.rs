//! What each distance sums over the taxa that two samples share.

use super::cross::Kernel;
use crate::profile::CsrMatrix;

/// How a distance is made of the overlap o = Σ min(a, b) and the row sums.
#[derive(Clone, Copy)]
pub(super) enum OverlapForm {
    /// (A + B − 2o) / (A + B): Bray–Curtis; normalized weighted `UniFrac`.
    OverSum,
    /// (A + B − 2o) / (A + B − o): Jaccard; unweighted `UniFrac`.
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
    pub(super) fn new(donors: &CsrMatrix, recipients: &CsrMatrix, form: OverlapForm) -> Self {
        Self {
            donor_sums: sums_in_order(donors),
            recipient_sums: sums_in_order(recipients),
            form,
        }
    }
}

/// Row sums in the very order in which overlaps are summed, so that a row's overlap with itself is
/// its sum to the bit, and its distance to itself 0.
fn sums_in_order(rows: &CsrMatrix) -> Vec<f64> {
    rows.rows()
        .map(|(_, values)| values.iter().fold(0.0, |sum, value| sum + value))
        .collect()
}

impl Kernel for Overlap {
    type Cell = f64;
    const ZERO_IS_NEUTRAL: bool = true;

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
        let scale = match self.form {
            OverlapForm::OverSum => total,
            OverlapForm::OverUnion => total - overlap,
            OverlapForm::Difference => return difference,
        };
        // A tree may give two samples no branch length at all.
        if scale > 0.0 { difference / scale } else { 0.0 }
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
        let mut visit = |difference: f64| {
            sum += difference;
            squares += difference * difference;
        };
        merge(self.donors.row(i), self.recipients.row(j), &mut visit);
        squares - sum * sum * self.centering
    }
}

/// Passes a − b of every column that either row has, in order.
fn merge(
    (a_columns, a_values): (&[u32], &[f64]),
    (b_columns, b_values): (&[u32], &[f64]),
    visit: &mut impl FnMut(f64),
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
        visit(left.map_or(0.0, |(_, &v)| v) - right.map_or(0.0, |(_, &v)| v));
    }
}

/// Below this share of |a|² + |b|² the short form has lost more than three digits.
const NEAR: f64 = 1e-3;

impl Kernel for Angles<'_> {
    type Cell = f64;
    const ZERO_IS_NEUTRAL: bool = true;

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

/// Jensen–Shannon distance: a taxon of one sample only adds ln 2 / 2 times its fraction, so that
/// logarithms are needed for shared taxa only.
pub(super) struct SharedDivergence {
    donor_sums: Vec<f64>,
    recipient_sums: Vec<f64>,
    donor_richness: Vec<usize>,
    recipient_richness: Vec<usize>,
}

/// Sums over the shared taxa of one pair.
#[derive(Clone, Copy, Default)]
pub(super) struct SharedCell {
    divergence: f64,
    mass: f64,
    n_taxa: u32,
}

impl SharedDivergence {
    pub(super) fn new(donors: &CsrMatrix, recipients: &CsrMatrix) -> Self {
        let richness = |rows: &CsrMatrix| rows.rows().map(|(columns, _)| columns.len()).collect();
        Self {
            donor_sums: sums_in_order(donors),
            recipient_sums: sums_in_order(recipients),
            donor_richness: richness(donors),
            recipient_richness: richness(recipients),
        }
    }
}

/// (1 + d) ln(1 + d), 0 in the limit of −1, which d reaches where one fraction is below 1e-16 of the
/// other.
#[inline]
fn one_plus_times_log(d: f64) -> f64 {
    if d > -1.0 {
        (1.0 + d) * libm::log1p(d)
    } else {
        0.0
    }
}

impl Kernel for SharedDivergence {
    type Cell = SharedCell;
    const ZERO_IS_NEUTRAL: bool = false;

    #[inline]
    fn add(&self, cell: &mut SharedCell, p: f64, q: f64) {
        let sum = p + q;
        // With d = (p − q) / (p + q), p ln(p/m) + q ln(q/m) = m [(1+d) ln(1+d) + (1−d) ln(1−d)],
        // which is 0 where p = q and keeps its digits near it.
        let d = (p - q) / sum;
        let bracket = one_plus_times_log(d) + one_plus_times_log(-d);
        cell.divergence += 0.25 * sum * bracket;
        cell.mass += sum;
        cell.n_taxa += 1;
    }

    #[inline]
    fn finish(&self, i: usize, j: usize, cell: SharedCell) -> f64 {
        let n_taxa = cell.n_taxa as usize;
        let own = if n_taxa == self.donor_richness[i] && n_taxa == self.recipient_richness[j] {
            0.0 // no taxon of one sample only, whatever the sums say after rounding
        } else {
            (self.donor_sums[i] + self.recipient_sums[j] - cell.mass).max(0.0)
        };
        let divergence = cell.divergence + 0.5 * std::f64::consts::LN_2 * own;
        divergence.max(0.0).sqrt()
    }
}
