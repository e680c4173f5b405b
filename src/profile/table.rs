//! The table that every later room starts from.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{CsrMatrix, Lineage, SampleId, Unit, Vocabulary};
use crate::stored::checked_serde;
use crate::{Error, Result};

/// One column of a [`ProfileTable`]: the label as the file wrote it, and the lineage read from it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Taxon {
    label: String,
    lineage: Lineage,
}

impl Taxon {
    /// A taxon from its label; the lineage is parsed from the label.
    pub fn new(label: impl Into<String>) -> Self {
        let label = label.into();
        let lineage = Lineage::parse(&label);
        Self { label, lineage }
    }

    /// A taxon whose lineage came from elsewhere, such as a taxonomy artifact.
    pub fn with_lineage(label: impl Into<String>, lineage: Lineage) -> Self {
        Self {
            label: label.into(),
            lineage,
        }
    }

    /// The label, exactly as the source wrote it.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The path from the root, empty where the source gave none.
    pub fn lineage(&self) -> &Lineage {
        &self.lineage
    }

    /// The shortest name a reader knows it by: the deepest name of the lineage, else the label.
    pub fn name(&self) -> &str {
        self.lineage.deepest().map_or(&self.label, |(_, name)| name)
    }
}

/// What a zero means in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// Every taxon that the profiler can name is a column or was not detected: 0 is "not detected".
    Complete,
    /// Taxa were removed before: one without a column may have been present.
    Filtered,
}

/// Samples × taxa, sparse, with unit and vocabulary. A table that exists is valid: ids are unique,
/// abundances are finite and not negative, every sample has some abundance, lengths agree.
///
/// Rows are samples, columns are taxa of one rank (or leaves); interior ranks are not columns.
///
/// # Examples
/// ```
/// use donormatch::profile::{ProfileTable, Taxon, Unit};
///
/// let table = ProfileTable::builder(Unit::Percent)
///     .taxa(["s__Segatella_copri", "s__Blautia_obeum"].map(Taxon::new))
///     .sample("donor_1", vec![(0, 60.0), (1, 40.0)])
///     .build()?;
/// assert_eq!(table.n_samples(), 1);
/// assert_eq!(table.closure().unit(), Unit::Fraction);
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ProfileTable {
    samples: Vec<SampleId>,
    taxa: Vec<Taxon>,
    abundance: CsrMatrix,
    unit: Unit,
    vocabulary: Vocabulary,
    completeness: Completeness,
    unclassified: Vec<f64>,
    notes: Vec<String>,
}

checked_serde!(ProfileTable);

impl ProfileTable {
    /// Starts a table whose abundances have this unit.
    pub fn builder(unit: Unit) -> ProfileTableBuilder {
        ProfileTableBuilder::new(unit)
    }

    /// The samples, one per row.
    pub fn samples(&self) -> &[SampleId] {
        &self.samples
    }

    /// The taxa, one per column.
    pub fn taxa(&self) -> &[Taxon] {
        &self.taxa
    }

    /// The abundances, samples × taxa, in [`ProfileTable::unit`].
    pub fn abundance(&self) -> &CsrMatrix {
        &self.abundance
    }

    /// The unit of the abundances.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The naming system of the taxa.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// What a zero means.
    pub fn completeness(&self) -> Completeness {
        self.completeness
    }

    /// Fraction of each sample that the profiler could not name, 0 where it did not say. This mass
    /// is not among the columns.
    pub fn unclassified(&self) -> &[f64] {
        &self.unclassified
    }

    /// What the reader noticed or decided, one sentence each, for the user to see.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Number of samples.
    pub fn n_samples(&self) -> usize {
        self.samples.len()
    }

    /// Number of taxa.
    pub fn n_taxa(&self) -> usize {
        self.taxa.len()
    }

    /// Reads per sample for counts, else `None`.
    pub fn depth(&self) -> Option<Vec<f64>> {
        (self.unit == Unit::Count).then(|| self.abundance.row_sums())
    }

    /// The row of a sample.
    pub fn row_of(&self, sample: &SampleId) -> Option<usize> {
        self.samples.iter().position(|other| other == sample)
    }

    /// The same table as fractions, each sample closed to 1 over its columns.
    #[must_use]
    pub fn closure(&self) -> Self {
        let sums = self.abundance.row_sums();
        Self {
            abundance: self.abundance.map_rows(|row, value| value / sums[row]),
            unit: Unit::Fraction,
            ..self.clone()
        }
    }

    /// The samples with these row numbers, in this order.
    ///
    /// # Errors
    /// [`Error::Table`] where a number lies beyond the rows or occurs twice.
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        let mut seen = HashSet::new();
        if let Some(row) = rows
            .iter()
            .find(|&&row| row >= self.n_samples() || !seen.insert(row))
        {
            return Err(Error::table(format!(
                "row {row} was asked for twice or lies beyond the {} samples",
                self.n_samples()
            )));
        }
        Ok(Self {
            samples: rows.iter().map(|&row| self.samples[row].clone()).collect(),
            abundance: self.abundance.select_rows(rows),
            unclassified: rows.iter().map(|&row| self.unclassified[row]).collect(),
            taxa: self.taxa.clone(),
            vocabulary: self.vocabulary.clone(),
            notes: self.notes.clone(),
            unit: self.unit,
            completeness: self.completeness,
        })
    }

    /// The samples with these ids, in this order.
    ///
    /// # Errors
    /// [`Error::Table`] naming the first id that the table does not hold, or that occurs twice.
    pub fn select_samples(&self, ids: &[SampleId]) -> Result<Self> {
        let rows: HashMap<&SampleId, usize> = self.samples.iter().zip(0..).collect();
        let rows = ids
            .iter()
            .map(|id| {
                rows.get(id)
                    .copied()
                    .ok_or_else(|| Error::table(format!("no profile for sample `{id}`")))
            })
            .collect::<Result<Vec<_>>>()?;
        self.select(&rows)
    }

    /// The same samples over other columns: `columns[j]` says which new column the old column `j`
    /// is added to, or `None` to leave it out. Used by harmonization and by the roll-up to a rank;
    /// the caller reports the mass left out.
    ///
    /// # Errors
    /// [`Error::Table`] where lengths disagree or a sample keeps no abundance.
    pub fn regroup(&self, taxa: Vec<Taxon>, columns: &[Option<u32>]) -> Result<Self> {
        if columns.len() != self.n_taxa() {
            return Err(Error::table(format!(
                "{} target columns for {} taxa",
                columns.len(),
                self.n_taxa()
            )));
        }
        let rows = self.abundance.rows().map(|(indices, values)| {
            let mut sums: BTreeMap<u32, f64> = BTreeMap::new();
            for (&index, &value) in indices.iter().zip(values) {
                if let Some(target) = columns[index as usize] {
                    *sums.entry(target).or_insert(0.0) += value;
                }
            }
            sums.into_iter().collect()
        });
        let abundance = CsrMatrix::from_rows(taxa.len(), rows.collect())?;
        Self {
            taxa,
            abundance,
            ..self.clone()
        }
        .checked()
    }

    /// The same table under another vocabulary's name.
    #[must_use]
    pub fn with_vocabulary(self, vocabulary: Vocabulary) -> Self {
        Self { vocabulary, ..self }
    }

    /// The same table, declared complete or filtered.
    #[must_use]
    pub fn with_completeness(self, completeness: Completeness) -> Self {
        Self {
            completeness,
            ..self
        }
    }

    /// The same table with one more note for the user.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    fn checked(self) -> Result<Self> {
        self.check_stored()?;
        Ok(self)
    }

    fn check_stored(&self) -> Result<()> {
        let n_samples = self.samples.len();
        if n_samples == 0 || self.taxa.is_empty() {
            return Err(Error::table(format!(
                "the table is empty: {n_samples} samples, {} taxa",
                self.taxa.len()
            )));
        }
        if self.abundance.n_rows() != n_samples || self.abundance.n_cols() != self.taxa.len() {
            return Err(Error::table(format!(
                "{} × {} abundances for {n_samples} samples and {} taxa",
                self.abundance.n_rows(),
                self.abundance.n_cols(),
                self.taxa.len()
            )));
        }
        let is_fraction = |fraction: &f64| (0.0..=1.0).contains(fraction);
        if self.unclassified.len() != n_samples || !self.unclassified.iter().all(is_fraction) {
            return Err(Error::table(
                "the unclassified fractions must be one number from 0 to 1 per sample",
            ));
        }
        if let Some(id) = first_repeated(self.samples.iter().map(SampleId::as_str)) {
            return Err(Error::table(format!("sample `{id}` occurs more than once")));
        }
        if let Some(label) = first_repeated(self.taxa.iter().map(Taxon::label)) {
            return Err(Error::table(format!(
                "taxon `{label}` occurs more than once"
            )));
        }
        for (sample, (columns, values)) in self.samples.iter().zip(self.abundance.rows()) {
            if let Some(at) = values.iter().position(|&value| value < 0.0) {
                return Err(Error::table(format!(
                    "sample `{sample}`, taxon `{}`: expected an abundance of 0 or more, found {}",
                    self.taxa[columns[at] as usize].label(),
                    values[at]
                )));
            }
            if values.is_empty() {
                return Err(Error::table(format!(
                    "sample `{sample}` sums to 0: it holds no abundance to work with"
                )));
            }
        }
        Ok(())
    }
}

fn first_repeated<'a>(ids: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = HashSet::new();
    ids.into_iter().find(|id| !seen.insert(*id))
}

/// Collects the parts of a [`ProfileTable`] and checks them once, in [`ProfileTableBuilder::build`].
#[derive(Debug, Clone)]
pub struct ProfileTableBuilder {
    unit: Unit,
    vocabulary: Vocabulary,
    completeness: Completeness,
    samples: Vec<SampleId>,
    taxa: Vec<Taxon>,
    rows: Vec<Vec<(u32, f64)>>,
    matrix: Option<CsrMatrix>,
    unclassified: Vec<f64>,
    notes: Vec<String>,
}

impl ProfileTableBuilder {
    fn new(unit: Unit) -> Self {
        Self {
            unit,
            vocabulary: Vocabulary::unknown(),
            completeness: Completeness::Complete,
            samples: Vec::new(),
            taxa: Vec::new(),
            rows: Vec::new(),
            matrix: None,
            unclassified: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Sets the columns.
    #[must_use]
    pub fn taxa(mut self, taxa: impl IntoIterator<Item = Taxon>) -> Self {
        self.taxa = taxa.into_iter().collect();
        self
    }

    /// Adds one sample as `(column, abundance)` pairs in any order.
    #[must_use]
    pub fn sample(mut self, id: impl Into<SampleId>, abundances: Vec<(u32, f64)>) -> Self {
        self.samples.push(id.into());
        self.rows.push(abundances);
        self
    }

    /// Sets all samples at once, for readers that already hold compressed sparse rows.
    #[must_use]
    pub fn matrix(mut self, samples: Vec<SampleId>, abundance: CsrMatrix) -> Self {
        self.samples = samples;
        self.matrix = Some(abundance);
        self
    }

    /// Sets the naming system; unknown without this call.
    #[must_use]
    pub fn vocabulary(mut self, vocabulary: Vocabulary) -> Self {
        self.vocabulary = vocabulary;
        self
    }

    /// Says what a zero means; complete without this call.
    #[must_use]
    pub fn completeness(mut self, completeness: Completeness) -> Self {
        self.completeness = completeness;
        self
    }

    /// Sets the fraction of each sample that the profiler could not name.
    #[must_use]
    pub fn unclassified(mut self, fractions: Vec<f64>) -> Self {
        self.unclassified = fractions;
        self
    }

    /// Adds a sentence for the user to see.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Checks everything and gives the table.
    ///
    /// # Errors
    /// [`Error::Table`] naming the offender: no samples or taxa, a repeated id, a negative or
    /// non-finite abundance, a sample that sums to 0, lengths that disagree.
    pub fn build(self) -> Result<ProfileTable> {
        let abundance = match self.matrix {
            Some(matrix) => matrix,
            None => CsrMatrix::from_rows(self.taxa.len(), self.rows)?,
        };
        let n_samples = self.samples.len();
        let unclassified = if self.unclassified.is_empty() {
            vec![0.0; n_samples]
        } else {
            self.unclassified
        };
        ProfileTable {
            samples: self.samples,
            taxa: self.taxa,
            abundance,
            unit: self.unit,
            vocabulary: self.vocabulary,
            completeness: self.completeness,
            unclassified,
            notes: self.notes,
        }
        .checked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_taxa() -> ProfileTableBuilder {
        ProfileTable::builder(Unit::Percent).taxa(["s__A", "s__B"].map(Taxon::new))
    }

    #[test]
    fn closure_sums_every_sample_to_one() {
        let table = two_taxa()
            .sample("a", vec![(0, 30.0), (1, 30.0)])
            .sample("b", vec![(1, 7.0)])
            .build()
            .unwrap();
        for sum in table.closure().abundance().row_sums() {
            approx::assert_abs_diff_eq!(sum, 1.0, epsilon = 1e-15);
        }
    }

    #[test]
    fn a_repeated_sample_is_named() {
        let error = two_taxa()
            .sample("a", vec![(0, 1.0)])
            .sample("a", vec![(0, 1.0)])
            .build()
            .unwrap_err();
        assert_eq!(error.to_string(), "sample `a` occurs more than once");
    }

    #[test]
    fn an_empty_sample_and_a_negative_abundance_are_refused() {
        assert!(two_taxa().sample("a", vec![]).build().is_err());
        let error = two_taxa().sample("a", vec![(1, -1.0)]).build().unwrap_err();
        assert!(error.to_string().contains("`s__B`"), "{error}");
        assert!(two_taxa().sample("a", vec![(1, f64::NAN)]).build().is_err());
        assert!(two_taxa().build().is_err());
    }

    #[test]
    fn regrouping_adds_abundances_and_keeps_samples() {
        let table = two_taxa()
            .sample("a", vec![(0, 30.0), (1, 70.0)])
            .build()
            .unwrap();
        let rolled = table
            .regroup(vec![Taxon::new("g__G")], &[Some(0), Some(0)])
            .unwrap();
        assert!((rolled.abundance().value(0, 0) - 100.0).abs() < 1e-12);
        assert!(
            table
                .regroup(vec![Taxon::new("g__G")], &[None, None])
                .is_err()
        );
    }

    #[test]
    fn a_broken_table_is_not_deserialized() {
        let table = ProfileTable::builder(Unit::Percent)
            .taxa(["A", "B"].map(Taxon::new))
            .sample("a", vec![(0, 60.0), (1, 40.0)])
            .sample("b", vec![(1, 100.0)])
            .build()
            .unwrap();
        let text = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<ProfileTable>(&text).unwrap(), table);
        for (from, to, reason) in [
            ("[60.0,", "[-60.0,", "found -60"),
            (r#""b""#, r#""a""#, "sample `a` occurs more than once"),
            (
                r#""unclassified":[0.0,"#,
                r#""unclassified":["#,
                "unclassified",
            ),
            (r#""n_cols":2"#, r#""n_cols":3"#, "2 × 3"),
        ] {
            let broken = text.replacen(from, to, 1);
            assert_ne!(broken, text, "{from}");
            let error = serde_json::from_str::<ProfileTable>(&broken).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
