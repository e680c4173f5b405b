//! Presence of common columns told by absence.
//!
//! The branches near the root are below nearly every sample. Whether two samples differ in a
//! column does not change when presence and absence trade places in it, so that every column can
//! be kept by its rarer side: what was the densest becomes the sparsest.

use crate::profile::CsrMatrix;

/// Two matrices in which all stored values of a column are equal, their common columns turned.
pub(super) struct Flipped {
    pub(super) donors: CsrMatrix,
    pub(super) recipients: CsrMatrix,
    /// Row sums before the turn.
    pub(super) donor_totals: Vec<f64>,
    pub(super) recipient_totals: Vec<f64>,
}

impl Flipped {
    /// Turns the columns that more than half of all rows have.
    pub(super) fn new(donors: &CsrMatrix, recipients: &CsrMatrix) -> crate::Result<Self> {
        let mut counts = vec![0_usize; donors.n_cols()];
        let mut weights = vec![0.0; donors.n_cols()];
        for rows in [donors, recipients] {
            for (&column, &value) in rows.indices().iter().zip(rows.values()) {
                counts[column as usize] += 1;
                weights[column as usize] = value;
            }
        }
        let n_rows = donors.n_rows() + recipients.n_rows();
        let common: Vec<(u32, f64)> = (0..)
            .zip(counts.iter().zip(&weights))
            .filter(|(_, (count, _))| 2 * **count > n_rows)
            .map(|(column, (_, &weight))| (column, weight))
            .collect();
        let is_common = |column: u32| 2 * counts[column as usize] > n_rows;
        let flip = |rows: &CsrMatrix| {
            let flipped = rows.rows().map(|(columns, values)| {
                let stored = columns.iter().copied().zip(values.iter().copied());
                let rare = stored.filter(|&(column, _)| !is_common(column));
                let has = |column: u32| columns.binary_search(&column).is_ok();
                let absent = common.iter().copied().filter(|&(column, _)| !has(column));
                rare.chain(absent).collect()
            });
            CsrMatrix::from_rows(rows.n_cols(), flipped.collect())
        };
        Ok(Self {
            donors: flip(donors)?,
            recipients: flip(recipients)?,
            donor_totals: donors.row_sums(),
            recipient_totals: recipients.row_sums(),
        })
    }
}
