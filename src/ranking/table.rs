//! A ranking as TSV and JSON, for machines.

use std::borrow::Cow;
use std::io::{self, Write};

use super::text::json_with_notice;
use super::{Ranking, RankingRow, Term};
use crate::text::TsvWriter;
use crate::{Error, Result};

/// The columns of the table, in order, as every door returns them.
pub const COLUMNS: [&str; 43] = [
    "recipient_id",
    "donor_id",
    "rank",
    "verdict",
    "carried_by",
    "p_response",
    "p_response_lo",
    "p_response_hi",
    "p_response_baseline",
    "p_response_baseline_lo",
    "p_response_baseline_hi",
    "p_severe_irae",
    "p_severe_irae_lo",
    "p_severe_irae_hi",
    "p_myocarditis",
    "p_myocarditis_lo",
    "p_myocarditis_hi",
    "delta_response",
    "delta_severe_irae",
    "delta_myocarditis",
    "utility",
    "p_best",
    "p_better_than_random",
    "p_better_than_random_se",
    "n_transplants",
    "n_responders",
    "donor_effect",
    "donor_effect_lo",
    "donor_effect_hi",
    "n_gained",
    "n_gained_lo",
    "n_gained_hi",
    "n_kept",
    "n_kept_lo",
    "n_kept_hi",
    "n_lost",
    "n_lost_lo",
    "n_lost_hi",
    "deleterious_lost",
    "donor_prevotellaceae",
    "flags",
    "in_domain",
    "reason",
];

impl Ranking {
    /// Writes the table: a header of [`COLUMNS`], one line a row, tabs between, `\n` at the end.
    ///
    /// Numbers are the shortest text that reads back to the same bits, booleans `true` or `false`,
    /// flags joined by `;`, an absent term, fraction or reason
    /// an empty cell. Text that a spreadsheet could take for
    /// a formula (it begins with `=`, `+`, `-`, `@`, tab, return or NUL) is prefixed with `'`, and
    /// so is text that begins with `'`, so that one `'` can be taken off again without loss; cells
    /// with tabs, quotes or line ends are quoted as in CSV.
    ///
    /// # Errors
    /// What the writer said; the caller knows the path to put it to ([`Error::io`]).
    pub fn write_tsv(&self, writer: impl Write) -> io::Result<()> {
        let mut table = TsvWriter::new(writer, COLUMNS)?;
        for row in &self.rows {
            row.write(&mut table)?;
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
    ///     prefilter: None,
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

    /// The notice on research use, rows, summaries and params as indented JSON; numbers read back
    /// to the same bits.
    ///
    /// # Errors
    /// [`Error::Table`] where the ranking was built by hand with a number JSON cannot hold.
    pub fn to_json(&self) -> Result<String> {
        json_with_notice(self)
    }
}

/// A cell of the table.
enum Cell<'a> {
    Text(Cow<'a, str>),
    Whole(usize),
    Number(f64),
    Truth(bool),
}

impl<'a> Cell<'a> {
    fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl RankingRow {
    /// What stands under each of [`COLUMNS`].
    fn cells(&self) -> [Cell<'_>; COLUMNS.len()] {
        [
            Cell::text(self.recipient_id.as_str()),
            Cell::text(self.donor_id.as_str()),
            Cell::Whole(self.rank),
            Cell::text(self.verdict.as_str()),
            Cell::text(self.carried_by.map_or("", Term::as_str)),
            Cell::Number(self.p_response),
            Cell::Number(self.p_response_lo),
            Cell::Number(self.p_response_hi),
            Cell::Number(self.p_response_baseline),
            Cell::Number(self.p_response_baseline_lo),
            Cell::Number(self.p_response_baseline_hi),
            Cell::Number(self.p_severe_irae),
            Cell::Number(self.p_severe_irae_lo),
            Cell::Number(self.p_severe_irae_hi),
            Cell::Number(self.p_myocarditis),
            Cell::Number(self.p_myocarditis_lo),
            Cell::Number(self.p_myocarditis_hi),
            Cell::Number(self.delta_response),
            Cell::Number(self.delta_severe_irae),
            Cell::Number(self.delta_myocarditis),
            Cell::Number(self.utility),
            Cell::Number(self.p_best),
            Cell::Number(self.p_better_than_random),
            Cell::Number(self.p_better_than_random_se),
            Cell::Whole(self.n_transplants as usize),
            Cell::Whole(self.n_responders as usize),
            Cell::Number(self.donor_effect),
            Cell::Number(self.donor_effect_lo),
            Cell::Number(self.donor_effect_hi),
            Cell::Number(self.n_gained),
            Cell::Number(self.n_gained_lo),
            Cell::Number(self.n_gained_hi),
            Cell::Number(self.n_kept),
            Cell::Number(self.n_kept_lo),
            Cell::Number(self.n_kept_hi),
            Cell::Number(self.n_lost),
            Cell::Number(self.n_lost_lo),
            Cell::Number(self.n_lost_hi),
            Cell::Number(self.deleterious_lost),
            Cell::Number(self.donor_prevotellaceae.unwrap_or(f64::NAN)),
            Cell::Text(Cow::Owned(self.flags.join(";"))),
            Cell::Truth(self.in_domain),
            Cell::text(&self.reason),
        ]
    }

    /// Writes the row into a table of [`COLUMNS`].
    pub(super) fn write(&self, table: &mut TsvWriter<impl Write>) -> io::Result<()> {
        for cell in self.cells() {
            match cell {
                Cell::Text(text) => table.text(&text)?,
                Cell::Whole(number) => table.plain(&number.to_string())?,
                Cell::Number(number) => table.number(number)?,
                Cell::Truth(truth) => table.plain(&truth.to_string())?,
            }
        }
        table.end_row()
    }
}

/// A column of the table, for formats that go by columns; a new kind must be known to each.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Ids, flags joined by `;`, reasons.
    Text(Vec<String>),
    /// Places.
    Whole(Vec<i64>),
    /// Probabilities and expected numbers.
    Number(Vec<f64>),
    /// Yes or no.
    Truth(Vec<bool>),
}

/// Rows as columns, in the order of [`COLUMNS`]; no column where there is no row.
pub fn columns(rows: &[RankingRow]) -> Vec<Column> {
    let mut columns = Vec::with_capacity(COLUMNS.len());
    for row in rows {
        for (at, cell) in row.cells().into_iter().enumerate() {
            if at == columns.len() {
                columns.push(Column::empty(&cell, rows.len()));
            }
            match (&mut columns[at], cell) {
                (Column::Text(texts), Cell::Text(text)) => texts.push(text.into_owned()),
                (Column::Whole(numbers), Cell::Whole(number)) => {
                    numbers.push(i64::try_from(number).unwrap_or(i64::MAX));
                }
                (Column::Number(numbers), Cell::Number(number)) => numbers.push(number + 0.0),
                (Column::Truth(truths), Cell::Truth(truth)) => truths.push(truth),
                // The cells of a column are of one kind.
                _ => {}
            }
        }
    }
    columns
}

impl Column {
    fn empty(cell: &Cell<'_>, n_rows: usize) -> Self {
        match cell {
            Cell::Text(_) => Self::Text(Vec::with_capacity(n_rows)),
            Cell::Whole(_) => Self::Whole(Vec::with_capacity(n_rows)),
            Cell::Number(_) => Self::Number(Vec::with_capacity(n_rows)),
            Cell::Truth(_) => Self::Truth(Vec::with_capacity(n_rows)),
        }
    }
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

    fn place(name: &str) -> usize {
        COLUMNS.iter().position(|column| *column == name).unwrap()
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
            let bits = |name: &str| cells[place(name)].parse::<f64>().unwrap().to_bits();
            assert_eq!(bits("p_response"), row.p_response.to_bits());
            assert_eq!(bits("utility"), row.utility.to_bits());
            assert_eq!(cells[place("verdict")], row.verdict.as_str());
            assert_eq!(cells[place("reason")], row.reason);
        }
    }

    #[test]
    fn formulas_are_disarmed_and_numbers_are_left_alone() {
        let ids = [
            "=1+1", "+1", "-x", "@SUM(A1)", "\t=1", "\r=1", "\0=1", "'q", "a=b",
        ];
        let pairs: Vec<_> = ids.iter().map(|id| pair(id, "=r", vec![0.4; 20])).collect();
        let pairs = [pairs, vec![pair("poor", "=r", vec![0.1; 20])]].concat();
        let ranking = rank(&pairs);
        let table = cells_of(&ranking.to_tsv().unwrap());
        for (cells, row) in table.iter().zip(&ranking.rows) {
            let id = row.donor_id.as_str();
            let expected = if ["a=b", "poor"].contains(&id) {
                id.to_owned()
            } else {
                format!("'{id}")
            };
            assert_eq!((cells[0].as_str(), &cells[1]), ("'=r", &expected));
            assert_eq!(cells[place("utility")].starts_with('-'), id == "poor");
        }
    }

    #[test]
    fn flags_are_joined() {
        let mut flagged = pair("d", "r", vec![0.4; 20]);
        flagged.flags = vec!["one".into(), "two".into()];
        flagged.eligible = false;
        let table = cells_of(&rank(&[flagged]).to_tsv().unwrap());
        assert_eq!(table[0][place("flags")], "not_eligible;one;two");
        assert_eq!(table[0][place("in_domain")], "true");
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
