//! A ranking as TSV and JSON, for machines.

use std::io::{self, Write};

use super::{Ranking, RankingRow};
use crate::text::TsvWriter;
use crate::{Error, Result};

/// The columns of the table, in order, as every door returns them.
pub const COLUMNS: [&str; 23] = [
    "recipient_id",
    "donor_id",
    "rank",
    "p_response",
    "p_response_lo",
    "p_response_hi",
    "p_response_baseline",
    "p_severe_irae",
    "p_severe_irae_lo",
    "p_severe_irae_hi",
    "p_myocarditis",
    "delta_response",
    "utility",
    "p_best",
    "p_better_than_random",
    "n_gained",
    "n_kept",
    "n_lost",
    "deleterious_lost",
    "flags",
    "in_domain",
    "abstain",
    "reason",
];

impl Ranking {
    /// Writes the table: a header of [`COLUMNS`], one line a row, tabs between, `\n` at the end.
    ///
    /// Numbers are the shortest text that reads back to the same bits, booleans `true` or `false`,
    /// flags joined by `;`, an empty reason an empty cell. Text that a spreadsheet could take for
    /// a formula (it begins with `=`, `+`, `-`, `@`, tab, return or NUL) is prefixed with `'`, and
    /// so is text that begins with `'`, so that one `'` can be taken off again without loss; cells
    /// with tabs, quotes or line ends are quoted as in CSV.
    ///
    /// # Errors
    /// What the writer said; the caller knows the path to put it to ([`Error::io`]).
    pub fn write_tsv(&self, writer: impl Write) -> io::Result<()> {
        let mut table = TsvWriter::new(writer, COLUMNS)?;
        for row in &self.rows {
            write_row(&mut table, row)?;
        }
        table.flush()
    }

    /// The table of [`Ranking::write_tsv`] as text.
    ///
    /// # Errors
    /// None in practice: memory does not refuse bytes.
    ///
    /// # Examples
    /// ```
    /// # use donormatch::ranking::{COLUMNS, Ranking, RankingParams};
    /// let empty = Ranking {
    ///     rows: vec![],
    ///     summaries: vec![],
    ///     donor_order_agreement: None,
    ///     params: RankingParams::default(),
    /// };
    /// assert_eq!(empty.to_tsv()?, COLUMNS.join("\t") + "\n");
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn to_tsv(&self) -> Result<String> {
        let mut bytes = Vec::new();
        self.write_tsv(&mut bytes)
            .map_err(|error| Error::table(error.to_string()))?;
        String::from_utf8(bytes).map_err(|error| Error::table(error.to_string()))
    }

    /// Rows, summaries and params as indented JSON; numbers read back to the same bits.
    ///
    /// # Errors
    /// [`Error::Table`] where the ranking was built by hand with a number JSON cannot hold.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|error| Error::table(error.to_string()))
    }
}

fn write_row(table: &mut TsvWriter<impl Write>, row: &RankingRow) -> io::Result<()> {
    table.text(row.recipient_id.as_str())?;
    table.text(row.donor_id.as_str())?;
    table.plain(&row.rank.to_string())?;
    for value in [
        row.p_response,
        row.p_response_lo,
        row.p_response_hi,
        row.p_response_baseline,
        row.p_severe_irae,
        row.p_severe_irae_lo,
        row.p_severe_irae_hi,
        row.p_myocarditis,
        row.delta_response,
        row.utility,
        row.p_best,
        row.p_better_than_random,
        row.n_gained,
        row.n_kept,
        row.n_lost,
        row.deleterious_lost,
    ] {
        table.number(value)?;
    }
    table.text(&row.flags.join(";"))?;
    table.plain(&row.in_domain.to_string())?;
    table.plain(&row.abstain.to_string())?;
    table.text(&row.reason)?;
    table.end_row()
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{cohort, pair};
    use super::super::{Ranking, RankingParams};
    use super::*;
    use crate::text::cells_of;
    use proptest::prelude::*;

    fn rank(pairs: &[crate::matcher::PairPrediction]) -> Ranking {
        RankingParams::default().rank(pairs).unwrap()
    }

    #[test]
    fn the_columns_are_the_fields_of_a_row() {
        let row = &rank(&cohort(1, 1, 20, 1)).rows[0];
        let json = serde_json::to_string(row).unwrap();
        let places: Vec<_> = COLUMNS
            .iter()
            .map(|c| json.find(&format!("\"{c}\":")))
            .collect();
        assert!(places.iter().all(Option::is_some));
        assert!(places.is_sorted());
        assert_eq!(json.matches("\":").count(), COLUMNS.len());
    }

    #[test]
    fn numbers_read_back_to_the_same_bits() {
        let ranking = rank(&cohort(5, 3, 40, 2));
        let table = cells_of(&ranking.to_tsv().unwrap());
        assert_eq!(table.len(), 15);
        for (cells, row) in table.iter().zip(&ranking.rows) {
            assert_eq!(
                cells[3].parse::<f64>().unwrap().to_bits(),
                row.p_response.to_bits()
            );
            assert_eq!(
                cells[12].parse::<f64>().unwrap().to_bits(),
                row.utility.to_bits()
            );
            assert_eq!(cells[21], row.abstain.to_string());
            assert_eq!(cells[22], row.reason);
        }
    }

    #[test]
    fn formulas_are_disarmed_and_numbers_are_left_alone() {
        let ids = [
            "=1+1", "+1", "-x", "@SUM(A1)", "\t=1", "\r=1", "\0=1", "'q", "a=b",
        ];
        let pairs: Vec<_> = ids.iter().map(|id| pair(id, "=r", vec![0.4; 20])).collect();
        let ranking = rank(&pairs);
        let table = cells_of(&ranking.to_tsv().unwrap());
        for (cells, row) in table.iter().zip(&ranking.rows) {
            let id = row.donor_id.as_str();
            let expected = if id == "a=b" {
                id.to_owned()
            } else {
                format!("'{id}")
            };
            assert_eq!((cells[0].as_str(), &cells[1]), ("'=r", &expected));
            assert!(
                cells[12].starts_with('-'),
                "a negative utility stays a number: {}",
                cells[12]
            );
        }
    }

    #[test]
    fn flags_are_joined() {
        let mut flagged = pair("d", "r", vec![0.4; 20]);
        flagged.flags = vec!["one".into(), "two".into()];
        flagged.eligible = false;
        let table = cells_of(&rank(&[flagged]).to_tsv().unwrap());
        assert_eq!(table[0][19], "not_eligible;one;two");
        assert_eq!(table[0][20], "true");
    }

    proptest! {
        #[test]
        fn any_id_survives_the_table(id in "\\PC{1,12}|[\"'=\t\r\n,a-c]{1,6}") {
            let ranking = rank(&[pair(&id, "r", vec![0.4; 20])]);
            let cell = &cells_of(&ranking.to_tsv().unwrap())[0][1];
            prop_assert_eq!(cell.strip_prefix('\'').unwrap_or(cell), id.as_str());
        }
    }
}
