//! What every reader fills, and the one way from there to a [`ProfileTable`].

use std::collections::HashMap;

use super::leaf;
use super::units::{self, UnitRule};
use super::{DuplicatedTaxa, EmptySamples, ReadOptions, UnclassifiedTaxa};
use crate::profile::write::Statement;
use crate::profile::{Completeness, CsrMatrix, ProfileTable, SampleId, Taxon, Unit, Vocabulary};
use crate::{Error, Result};

/// Whether the rows may hold interior ranks, whose abundance the rows below them hold again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hierarchy {
    /// Every row holds abundance of its own.
    Leaves,
    /// Kingdom to species (and SGB) in one table, as profilers write it.
    AllRanks,
    /// Not known: decided from labels and sums, see [`leaf`].
    Unknown,
}

/// A table as a file held it: taxa × samples, nothing taken out yet.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) samples: Vec<String>,
    pub(super) taxa: Vec<Taxon>,
    /// Line (or other number) of each taxon in the file, where taxa are rows.
    pub(super) lines: Vec<u64>,
    /// Taxa × samples.
    pub(super) by_taxon: CsrMatrix,
    pub(super) unit: UnitRule,
    pub(super) hierarchy: Hierarchy,
    pub(super) vocabulary: Vocabulary,
    /// What a zero means, where the file says so itself.
    pub(super) completeness: Option<Completeness>,
    pub(super) notes: Vec<String>,
    /// Abundance of each sample that was classified above the rank of the rows; empty for none.
    pub(super) unresolved: Vec<f64>,
}

impl Draft {
    /// A draft of taxa × samples with nothing known beside.
    pub(super) fn new(samples: Vec<String>, taxa: Vec<Taxon>, by_taxon: CsrMatrix) -> Self {
        Self {
            samples,
            taxa,
            lines: Vec::new(),
            by_taxon,
            unit: UnitRule::FromSums,
            hierarchy: Hierarchy::Unknown,
            vocabulary: Vocabulary::unknown(),
            completeness: None,
            notes: Vec::new(),
            unresolved: Vec::new(),
        }
    }

    /// Takes over what our own writer stated about the table.
    pub(super) fn apply(&mut self, statement: Statement) {
        self.unit = UnitRule::Stated(statement.unit);
        self.hierarchy = Hierarchy::Leaves;
        self.completeness = statement.completeness;
        if let Some(vocabulary) = statement.vocabulary {
            self.vocabulary = Vocabulary::new(vocabulary);
        }
    }

    /// Takes out unclassified rows and interior ranks, settles the unit, and checks the table.
    ///
    /// # Errors
    /// [`Error::Unit`] where the unit is ambiguous, [`Error::Table`] where a rule of the table is
    /// broken.
    pub(super) fn finish(mut self, options: &ReadOptions) -> Result<ProfileTable> {
        self.refuse_unnamed()?;
        self.refuse_negative()?;
        let mut unknown = self.take_unclassified(options)?;
        for (unknown, unresolved) in unknown.iter_mut().zip(&self.unresolved) {
            *unknown += unresolved;
        }
        self.keep_leaves()?;
        self.join_duplicates(options)?;
        let samples_by_taxa = self.by_taxon.transpose();
        let known = samples_by_taxa.row_sums();
        let unit = units::settle(&self, &samples_by_taxa, &known, &unknown, options)?;
        self.notes.extend(unit.note);
        let unit = unit.unit;
        let completeness = options
            .completeness
            .or(self.completeness)
            .unwrap_or_else(|| completeness(unit, &known, &unknown));
        let unclassified = fractions(unit, &known, &unknown);
        let rows = self.kept_samples(&known, options)?;
        let table = self.build(samples_by_taxa, unit, &unclassified, &rows, options)?;
        Ok(table.with_completeness(completeness))
    }

    fn build(
        self,
        abundance: CsrMatrix,
        unit: Unit,
        unclassified: &[f64],
        rows: &[usize],
        options: &ReadOptions,
    ) -> Result<ProfileTable> {
        let all = rows.len() == self.samples.len();
        let pick = |row: &usize| self.samples.get(*row).cloned().unwrap_or_default();
        let samples = rows.iter().map(pick).map(SampleId::new).collect();
        let abundance = if all {
            abundance
        } else {
            abundance.select_rows(rows)
        };
        let unclassified = rows
            .iter()
            .map(|&row| unclassified.get(row).copied().unwrap_or(0.0))
            .collect();
        let vocabulary = match &options.vocabulary {
            Some(declared) if self.vocabulary.is_unknown() => declared.clone(),
            Some(declared) if *declared != self.vocabulary => {
                return Err(Error::vocabulary(format!(
                    "the file is in the vocabulary {}, `vocabulary` says {declared}",
                    self.vocabulary
                )));
            }
            _ => self.vocabulary,
        };
        let mut builder = ProfileTable::builder(unit)
            .taxa(self.taxa)
            .matrix(samples, abundance)
            .vocabulary(vocabulary)
            .unclassified(unclassified);
        for note in self.notes {
            builder = builder.note(note);
        }
        builder.build()
    }

    fn refuse_unnamed(&self) -> Result<()> {
        if let Some(row) = self.taxa.iter().position(|taxon| taxon.label().is_empty()) {
            return Err(Error::table(format!(
                "taxon number {} has no label",
                row + 1
            )));
        }
        if let Some(row) = self.samples.iter().position(String::is_empty) {
            return Err(Error::table(format!("sample number {} has no id", row + 1)));
        }
        Ok(())
    }

    /// Texts are checked line by line; numbers of containers here.
    fn refuse_negative(&self) -> Result<()> {
        if self.by_taxon.values().iter().all(|&value| value >= 0.0) {
            return Ok(());
        }
        for (row, (samples, values)) in self.by_taxon.rows().enumerate() {
            if let Some((&sample, value)) = samples.iter().zip(values).find(|(_, v)| **v < 0.0) {
                return Err(Error::table(format!(
                    "sample `{}`, taxon `{}`: expected an abundance of 0 or more, found {value}",
                    self.samples.get(sample as usize).map_or("", String::as_str),
                    self.label(row)
                )));
            }
        }
        Ok(())
    }

    /// Removes the unclassified rows and gives their sum per sample.
    fn take_unclassified(&mut self, options: &ReadOptions) -> Result<Vec<f64>> {
        let mut unknown = vec![0.0; self.samples.len()];
        let is_unknown: Vec<bool> = self
            .taxa
            .iter()
            .map(|taxon| is_unclassified(taxon.label()))
            .collect();
        let Some(first) = is_unknown.iter().position(|&found| found) else {
            return Ok(unknown);
        };
        let label = self.label(first).to_owned();
        match options.unclassified {
            UnclassifiedTaxa::Keep => return Ok(unknown),
            UnclassifiedTaxa::Reject => {
                return Err(Error::table(format!(
                    "the table holds the unclassified row `{label}`, and `unclassified` is `reject`"
                )));
            }
            UnclassifiedTaxa::TakeOut => {}
        }
        for (row, _) in is_unknown.iter().enumerate().filter(|(_, found)| **found) {
            let (samples, values) = self.by_taxon.row(row);
            for (&sample, &value) in samples.iter().zip(values) {
                if let Some(sum) = unknown.get_mut(sample as usize) {
                    *sum += value;
                }
            }
        }
        let kept: Vec<usize> = (0..self.taxa.len())
            .filter(|&row| is_unknown.get(row) == Some(&false))
            .collect();
        self.select(&kept);
        self.notes.push(format!(
            "`{label}` was taken out of the columns into the unclassified fractions"
        ));
        Ok(unknown)
    }

    fn keep_leaves(&mut self) -> Result<()> {
        let leaves = leaf::leaves(&self.taxa, &self.by_taxon, self.hierarchy);
        // Unclassified rows that are still here were asked to be kept.
        let mut rows = leaves.rows;
        rows.extend((0..self.taxa.len()).filter(|&row| is_unclassified(self.label(row))));
        rows.sort_unstable();
        rows.dedup();
        if rows.is_empty() && !self.taxa.is_empty() {
            return Err(Error::table(
                "no row is a leaf: the table holds interior ranks only",
            ));
        }
        if rows.len() < self.taxa.len() {
            self.notes.extend(leaves.note);
            self.select(&rows);
        }
        Ok(())
    }

    fn join_duplicates(&mut self, options: &ReadOptions) -> Result<()> {
        let mut target_of: HashMap<&str, usize> = HashMap::new();
        let mut targets = Vec::with_capacity(self.taxa.len());
        let mut firsts = Vec::new();
        for (row, taxon) in self.taxa.iter().enumerate() {
            let n_targets = firsts.len();
            let target = *target_of.entry(taxon.label()).or_insert(n_targets);
            if target == n_targets {
                firsts.push(row);
            } else if options.duplicates == DuplicatedTaxa::Reject {
                let first = firsts.get(target).copied().unwrap_or(0);
                return Err(Error::table(format!(
                    "taxon `{}` occurs more than once{}; set `duplicates` to `sum` to add them up",
                    taxon.label(),
                    self.both_lines(first, row)
                )));
            }
            targets.push(target);
        }
        if firsts.len() == self.taxa.len() {
            return Ok(());
        }
        let mut rows: Vec<HashMap<u32, f64>> = vec![HashMap::new(); firsts.len()];
        for (row, &target) in targets.iter().enumerate() {
            let (samples, values) = self.by_taxon.row(row);
            if let Some(sums) = rows.get_mut(target) {
                for (&sample, &value) in samples.iter().zip(values) {
                    *sums.entry(sample).or_insert(0.0) += value;
                }
            }
        }
        self.notes.push(format!(
            "{} rows with a label seen before were added to it",
            self.taxa.len() - firsts.len()
        ));
        self.select(&firsts);
        let rows = rows.into_iter().map(|row| row.into_iter().collect());
        self.by_taxon = CsrMatrix::from_rows(self.samples.len(), rows.collect())?;
        Ok(())
    }

    fn both_lines(&self, first: usize, second: usize) -> String {
        match (self.lines.get(first), self.lines.get(second)) {
            (Some(first), Some(second)) => format!(", in lines {first} and {second}"),
            _ => String::new(),
        }
    }

    /// The samples that stay: all, or those with abundance.
    fn kept_samples(&mut self, known: &[f64], options: &ReadOptions) -> Result<Vec<usize>> {
        let (kept, empty): (Vec<usize>, Vec<usize>) =
            (0..self.samples.len()).partition(|&row| known.get(row).is_some_and(|&sum| sum > 0.0));
        let Some(first) = empty.first().and_then(|&row| self.samples.get(row)) else {
            return Ok(kept);
        };
        if options.empty_samples == EmptySamples::Reject {
            return Err(Error::table(format!(
                "sample `{first}` sums to 0: it holds no classified abundance; set \
                 `empty_samples` to `drop` to leave such samples out"
            )));
        }
        self.notes.push(format!(
            "{} samples without classified abundance were left out, the first is `{first}`",
            empty.len()
        ));
        Ok(kept)
    }

    fn select(&mut self, rows: &[usize]) {
        if rows.len() == self.taxa.len() {
            return;
        }
        self.by_taxon = self.by_taxon.select_rows(rows);
        self.lines = rows
            .iter()
            .filter_map(|&row| self.lines.get(row).copied())
            .collect();
        let mut taxa: Vec<Option<Taxon>> = std::mem::take(&mut self.taxa)
            .into_iter()
            .map(Some)
            .collect();
        self.taxa = rows
            .iter()
            .filter_map(|&row| taxa.get_mut(row).and_then(Option::take))
            .collect();
    }

    fn label(&self, row: usize) -> &str {
        self.taxa.get(row).map_or("", Taxon::label)
    }
}

/// Whether a label stands for reads that the profiler could not name: `UNKNOWN`, `UNCLASSIFIED`,
/// `unassigned`, `-1`, alone or followed by empty ranks.
pub(super) fn is_unclassified(label: &str) -> bool {
    const WORDS: [&str; 5] = ["unknown", "unclassified", "unassigned", "-1", "unmapped"];
    let is_word = |part: &str| {
        WORDS.iter().any(|word| part.eq_ignore_ascii_case(word))
            || (part.starts_with("mOTUv") && part.ends_with("_unassigned"))
    };
    let mut parts = label.split(['|', ';']).map(|part| {
        let part = part.trim().trim_matches('"').trim();
        match part.split_once("__") {
            Some((prefix, name)) if prefix.len() <= 1 => name,
            _ => part,
        }
    });
    parts.next().is_some_and(is_word)
        && parts.all(|part| part.is_empty() || part == "Other" || is_word(part))
}

fn fractions(unit: Unit, known: &[f64], unknown: &[f64]) -> Vec<f64> {
    known
        .iter()
        .zip(unknown)
        .map(|(&known, &unknown)| {
            let whole = unit.total().unwrap_or(known + unknown);
            if unknown > 0.0 {
                (unknown / whole).min(1.0)
            } else {
                0.0
            }
        })
        .collect()
}

fn completeness(unit: Unit, known: &[f64], unknown: &[f64]) -> Completeness {
    let Some(total) = unit.total() else {
        return Completeness::Complete;
    };
    let short = |(&known, &unknown): (&f64, &f64)| known > 0.0 && known + unknown < 0.98 * total;
    if known.iter().zip(unknown).any(short) {
        Completeness::Filtered
    } else {
        Completeness::Complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unclassified_labels_are_known_in_every_dialect() {
        for label in [
            "UNKNOWN",
            "UNCLASSIFIED",
            "-1",
            "unassigned",
            "mOTUv4.0_unassigned",
            "-1|m__-1",
            "Unassigned;Other;Other;Other",
            "Unassigned; __; __",
            "k__unclassified",
        ] {
            assert!(is_unclassified(label), "{label}");
        }
        for label in [
            "k__Bacteria_unclassified",
            "k__Bacteria|p__unclassified",
            "k__Bacteria;Other",
            "s__unclassified_Blautia",
            "-10",
        ] {
            assert!(!is_unclassified(label), "{label}");
        }
    }
}
