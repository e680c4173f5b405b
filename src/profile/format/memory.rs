//! Labelled matrices in memory → [`ProfileTable`], by the same rules as files.

use super::draft::{Draft, with_lineage};
use super::options::{Orientation, ReadOptions};
use super::orientation;
use crate::profile::{CsrMatrix, ProfileTable, Taxon};
use crate::{Error, Result};

/// A matrix with the labels of its two sides, as a data frame holds it.
///
/// # Examples
/// ```
/// use donormatch::profile::{CsrMatrix, LabelledMatrix, ReadOptions, Unit};
///
/// let frame = LabelledMatrix {
///     rows: vec!["s__Blautia_obeum".into(), "s__Segatella_copri".into()],
///     columns: vec!["donor_1".into()],
///     values: CsrMatrix::from_rows(1, vec![vec![(0, 60.0)], vec![(0, 40.0)]])?,
///     corner: None,
///     lineages: None,
/// };
/// let table = frame.to_profiles(&ReadOptions::default().with_unit(Unit::Percent))?;
/// assert_eq!((table.n_samples(), table.n_taxa()), (1, 2));
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledMatrix {
    /// The label of each row.
    pub rows: Vec<String>,
    /// The label of each column.
    pub columns: Vec<String>,
    /// The abundances.
    pub values: CsrMatrix,
    /// The name of the row labels, such as `sample_id`; evidence of the orientation.
    pub corner: Option<String>,
    /// The lineage of each taxon, where labels do not hold it; empty where unknown.
    pub lineages: Option<Vec<String>>,
}

impl LabelledMatrix {
    /// The checked table: orientation, unclassified rows, interior ranks and unit are settled as
    /// for a file of the same content.
    ///
    /// # Errors
    /// [`Error::Table`] where labels or lineages and matrix differ in number, the orientation is
    /// not clear, or the table breaks a rule; [`Error::Unit`] where the unit is ambiguous.
    pub fn to_profiles(self, options: &ReadOptions) -> Result<ProfileTable> {
        self.check_lengths()?;
        let found = match options.orientation {
            Some(declared) => declared,
            None => orientation::find(self.corner.as_deref(), &self.columns, &self.rows)
                .map_err(Error::table)?,
        };
        let (samples, labels, by_taxon) = match found {
            Orientation::SamplesInRows => (self.rows, self.columns, self.values.transpose()),
            Orientation::TaxaInRows => (self.columns, self.rows, self.values),
        };
        Draft::new(samples, taxa(labels, self.lineages)?, by_taxon)
            .finish(options)?
            .into_table()
    }

    fn check_lengths(&self) -> Result<()> {
        let (rows, columns) = (self.values.n_rows(), self.values.n_cols());
        if (self.rows.len(), self.columns.len()) == (rows, columns) {
            return Ok(());
        }
        Err(Error::table(format!(
            "{} row labels and {} column labels for a matrix of {rows} × {columns}",
            self.rows.len(),
            self.columns.len()
        )))
    }
}

fn taxa(labels: Vec<String>, lineages: Option<Vec<String>>) -> Result<Vec<Taxon>> {
    let Some(lineages) = lineages else {
        return Ok(labels.into_iter().map(Taxon::new).collect());
    };
    if lineages.len() != labels.len() {
        return Err(Error::table(format!(
            "{} lineages for {} taxa",
            lineages.len(),
            labels.len()
        )));
    }
    let both = labels.into_iter().zip(&lineages);
    Ok(both
        .map(|(label, lineage)| with_lineage(label, lineage))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Unit, read_bytes};

    fn frame() -> LabelledMatrix {
        LabelledMatrix {
            rows: vec!["d1".into(), "d2".into()],
            columns: vec!["s__Blautia_obeum".into(), "UNCLASSIFIED".into()],
            values: CsrMatrix::from_rows(2, vec![vec![(0, 60.0), (1, 40.0)], vec![(0, 100.0)]])
                .unwrap(),
            corner: Some("sample_id".into()),
            lineages: None,
        }
    }

    #[test]
    fn a_frame_and_a_file_of_the_same_content_give_the_same_table() {
        let options = ReadOptions::default().with_unit(Unit::Percent);
        let text = b"sample_id\ts__Blautia_obeum\tUNCLASSIFIED\nd1\t60\t40\nd2\t100\t0\n";
        let file = read_bytes(text, &options).unwrap();
        assert_eq!(frame().to_profiles(&options).unwrap(), file);
    }

    #[test]
    fn labels_and_lineages_that_do_not_fit_are_refused() {
        let options = ReadOptions::default();
        let mut short = frame();
        short.rows.pop();
        assert!(short.to_profiles(&options).is_err());
        let lineages = Some(vec![String::new()]);
        let few = LabelledMatrix {
            lineages,
            ..frame()
        };
        assert!(few.to_profiles(&options).is_err());
    }
}
