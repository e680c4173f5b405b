//! What every reader fills, and the one way from there to a [`ProfileTable`].

use std::collections::HashMap;

use super::completeness;
use super::decisions::{Decision, Decisions, Question};
use super::grid::Grid;
use super::host;
use super::leaf::{self, Hierarchy};
use super::options::{
    DuplicatedTaxa, EmptySamples, Orientation, Ranks, ReadOptions, UnclassifiedTaxa,
};
use super::renamed;
use super::stranger;
use super::units::{self, Evidence, UnitRule};
use crate::profile::write::Statement;
use crate::profile::{
    Completeness, CsrMatrix, Lineage, ProfileTable, SampleId, Taxon, Unit, Vocabulary,
};
use crate::{Error, Result};

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
    /// What was decided so far.
    pub(super) decisions: Decisions,
    /// Columns of `ignore_columns` that were left out while the file was read.
    pub(super) ignored: Vec<String>,
}

/// What came out of a file.
#[derive(Debug)]
pub(super) struct Reading {
    /// The table; absent where no sample has any abundance and such samples are dropped.
    pub(super) table: Option<ProfileTable>,
    pub(super) notes: Vec<String>,
    pub(super) decisions: Vec<Decision>,
}

impl Reading {
    /// The table, where there is one.
    ///
    /// # Errors
    /// [`Error::Table`] where every sample was dropped.
    pub(super) fn into_table(self) -> Result<ProfileTable> {
        self.table
            .ok_or_else(|| Error::table("no sample is left: none holds any classified abundance"))
    }
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
            decisions: Decisions::default(),
            ignored: Vec::new(),
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

    /// Calls an only sample by this name; of several, keeps the one of this name, and the taxa
    /// that it has.
    ///
    /// # Errors
    /// [`Error::Table`] naming the samples where none of several has this name.
    pub(super) fn keep_or_name(&mut self, name: &str) -> Result<()> {
        if let [only] = self.samples.as_mut_slice() {
            name.clone_into(only);
            return Ok(());
        }
        let n_samples = self.samples.len();
        let Some(at) = self.samples.iter().position(|sample| sample == name) else {
            return Err(Error::table(format!(
                "no sample `{name}`, as `sample` says, among the {n_samples} samples {}",
                quoted(&self.samples)
            )));
        };
        self.by_taxon = self.by_taxon.transpose().select_rows(&[at]).transpose();
        self.samples = vec![name.to_owned()];
        self.unresolved = self.unresolved.get(at).copied().into_iter().collect();
        let found: Vec<usize> = (0..self.taxa.len())
            .filter(|&taxon| !self.by_taxon.row(taxon).0.is_empty())
            .collect();
        self.select(&found);
        self.notes.push(format!(
            "of {n_samples} samples only `{name}` was read, as `sample` says"
        ));
        Ok(())
    }

    /// Takes out unclassified rows and interior ranks, settles the unit, and checks the table.
    ///
    /// # Errors
    /// [`Error::Unit`] where the unit is ambiguous, [`Error::Table`] where a rule of the table is
    /// broken.
    pub(super) fn finish(mut self, options: &ReadOptions) -> Result<Reading> {
        self.leave_out(options)?;
        self.undo_renaming();
        self.refuse_unnamed()?;
        self.refuse_negative()?;
        self.refuse_strangers(options)?;
        let mut unknown = self.take_unclassified(options)?;
        for (unknown, unresolved) in unknown.iter_mut().zip(&self.unresolved) {
            *unknown += unresolved;
        }
        let unresolved = self.keep_leaves(&unknown, options)?;
        for (unknown, unresolved) in unknown.iter_mut().zip(unresolved) {
            *unknown += unresolved;
        }
        let host = self.take_host()?;
        self.join_duplicates(options)?;
        let mut samples_by_taxa = self.by_taxon.transpose();
        let mut known = samples_by_taxa.row_sums();
        let beside: Vec<f64> = unknown.iter().zip(&host).map(|(a, b)| a + b).collect();
        let unit = self.settle_unit(&samples_by_taxa, [&known, &beside], options)?;
        if let Some(total) = unit.total().filter(|_| host.iter().any(|&host| host > 0.0)) {
            // What is not the host's makes up the whole.
            let factor = |sample: usize| {
                let host = host.get(sample).copied().unwrap_or(0.0);
                if host < total {
                    total / (total - host)
                } else {
                    1.0
                }
            };
            samples_by_taxa = samples_by_taxa.map_rows(|sample, value| value * factor(sample));
            known = samples_by_taxa.row_sums();
            for (sample, unknown) in unknown.iter_mut().enumerate() {
                *unknown *= factor(sample);
            }
        }
        let completeness =
            self.settle_completeness(unit, &samples_by_taxa, [&known, &unknown], options);
        let unclassified = fractions(unit, &known, &unknown);
        let rows = self.kept_samples(&known, options)?;
        let notes = self.notes.clone();
        let decisions = std::mem::take(&mut self.decisions).into_made();
        let table = if rows.is_empty() && !self.samples.is_empty() {
            None
        } else {
            let table = self.build(samples_by_taxa, unit, &unclassified, &rows, options)?;
            Some(table.with_completeness(completeness))
        };
        Ok(Reading {
            table,
            notes,
            decisions,
        })
    }

    /// Leaves out the taxa and samples that `ignore_columns` names.
    fn leave_out(&mut self, options: &ReadOptions) -> Result<()> {
        let Some(names) = &options.ignore_columns else {
            return Ok(());
        };
        let is_ignored = |label: &str| names.iter().any(|name| name == label);
        let unused = names.iter().find(|&name| {
            !self.ignored.contains(name)
                && !self.samples.contains(name)
                && !self.taxa.iter().any(|taxon| taxon.label() == name)
        });
        if let Some(name) = unused {
            return Err(Error::table(format!(
                "`ignore_columns` names `{name}`, which the table has not got"
            )));
        }
        let taxa: Vec<usize> = (0..self.taxa.len())
            .filter(|&row| !is_ignored(self.label(row)))
            .collect();
        self.select(&taxa);
        if self.samples.iter().any(|sample| is_ignored(sample)) {
            let kept: Vec<usize> = (0..self.samples.len())
                .filter(|&row| {
                    self.samples
                        .get(row)
                        .is_some_and(|sample| !is_ignored(sample))
                })
                .collect();
            let by_sample = self.by_taxon.transpose().select_rows(&kept);
            self.by_taxon = by_sample.transpose();
            self.samples.retain(|sample| !is_ignored(sample));
        }
        if !names.is_empty() {
            let left_out = format!("left out as `ignore_columns` says: {}", quoted(names));
            self.decisions
                .add(Question::Annotations, quoted(names), "as declared");
            self.notes.push(left_out);
        }
        Ok(())
    }

    /// Refuses taxa that look like what describes a patient or a sample.
    fn refuse_strangers(&self, options: &ReadOptions) -> Result<()> {
        if options.ignore_columns.is_some()
            || self.hierarchy != Hierarchy::Unknown
            || matches!(self.unit, UnitRule::Stated(_))
        {
            return Ok(());
        }
        let strangers = stranger::among_samples(&self.samples);
        if !strangers.is_empty() {
            return Err(Error::table(format!(
                "{} do not look like samples: leave them out by `ignore_columns`; an \
                 `ignore_columns` that does not name them keeps them as samples",
                quoted(&strangers)
            )));
        }
        let labels: Vec<&str> = self.taxa.iter().map(Taxon::label).collect();
        let strangers = stranger::among_taxa(&labels);
        if strangers.is_empty() {
            return Ok(());
        }
        Err(Error::table(format!(
            "{} do not look like taxa: leave them out by `ignore_columns`; an `ignore_columns` \
             that does not name them keeps them as taxa",
            quoted(&strangers)
        )))
    }

    fn settle_unit(
        &mut self,
        samples_by_taxa: &CsrMatrix,
        [known, unknown]: [&[f64]; 2],
        options: &ReadOptions,
    ) -> Result<Unit> {
        let evidence = Evidence {
            samples: &self.samples,
            rule: self.unit,
            abundance: samples_by_taxa,
            known,
            unknown,
        };
        let settled = units::settle(&evidence, options.unit)?;
        let reason = match (&settled.note, options.unit, self.unit) {
            (Some(note), _, _) => note.clone(),
            (None, Some(_), _) => "as declared".to_owned(),
            (None, None, UnitRule::Stated(_)) => "the file says so".to_owned(),
            (None, None, _) => "the format fixes it".to_owned(),
        };
        self.decisions
            .add(Question::Unit, settled.unit.to_string(), reason);
        self.notes.extend(settled.note);
        Ok(settled.unit)
    }

    fn settle_completeness(
        &mut self,
        unit: Unit,
        samples_by_taxa: &CsrMatrix,
        [known, unknown]: [&[f64]; 2],
        options: &ReadOptions,
    ) -> Completeness {
        let (completeness, reason) = match (options.completeness, self.completeness) {
            (Some(declared), _) => (declared, "as declared".to_owned()),
            (None, Some(stated)) => (stated, "the file says so".to_owned()),
            (None, None) => {
                let (found, reason) = completeness::find(unit, samples_by_taxa, known, unknown);
                if found == Completeness::Filtered {
                    self.notes.push(format!(
                        "the table is taken for filtered, so that a zero may be a taxon that was \
                         cut off: {reason}; set `completeness` if it is complete"
                    ));
                }
                (found, reason)
            }
        };
        let answer = match completeness {
            Completeness::Complete => "complete",
            Completeness::Filtered => "filtered",
        };
        self.decisions.add(Question::Completeness, answer, reason);
        completeness
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

    /// Undoes what R did to lineages.
    fn undo_renaming(&mut self) {
        let n_changed = renamed::undo(&mut self.taxa);
        if n_changed > 0 {
            self.notes.push(format!(
                "{n_changed} lineages have points for bars, as R writes them: the bars were put back"
            ));
        }
    }

    /// Removes the columns of the host and gives their sum per sample.
    fn take_host(&mut self) -> Result<Vec<f64>> {
        let Some(found) = host::find(&self.taxa, &self.by_taxon) else {
            return Ok(vec![0.0; self.samples.len()]);
        };
        if found.others.is_empty() {
            return Err(Error::table("the table holds reads of the host only"));
        }
        self.select(&found.others);
        self.notes.push(format!(
            "`Homo sapiens` is no taxon of the gut and was left out: {}",
            found.share
        ));
        self.decisions
            .add(Question::Host, found.share, "reads of `Homo sapiens`");
        Ok(found.sums)
    }

    /// Keeps the leaves; gives what each sample has above them and in none of them.
    fn keep_leaves(&mut self, unknown: &[f64], options: &ReadOptions) -> Result<Vec<f64>> {
        let leaves = leaf::leaves(
            &self.taxa,
            &self.by_taxon,
            unknown,
            self.hierarchy,
            options.ranks,
        )
        .map_err(Error::table)?;
        // Unclassified rows that are still here were asked to be kept.
        let mut rows = leaves.rows;
        rows.extend((0..self.taxa.len()).filter(|&row| is_unclassified(self.label(row))));
        rows.sort_unstable();
        rows.dedup();
        let answer = match leaves.ranks {
            Ranks::Repeated => "repeated",
            Ranks::Disjoint => "disjoint",
        };
        if rows.len() < self.taxa.len() {
            self.notes.push(format!(
                "{} of {} rows are interior ranks and were not read: {}",
                self.taxa.len() - rows.len(),
                self.taxa.len(),
                leaves.reason
            ));
            self.select(&rows);
        }
        if !leaves.unresolved.is_empty() {
            self.notes.push(
                "abundance above the rank of the columns is in the unclassified fractions"
                    .to_owned(),
            );
        }
        self.decisions.add(Question::Ranks, answer, leaves.reason);
        Ok(leaves.unresolved)
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

/// A grid with its meaning: which of rows and columns are taxa.
pub(super) fn to_draft(
    mut grid: Grid,
    columns: Vec<String>,
    orientation: Orientation,
) -> Result<Draft> {
    let lines = std::mem::take(&mut grid.row_lines);
    let latin_1 = grid.has_latin_1;
    let matrix = CsrMatrix::new(columns.len(), grid.indptr, grid.indices, grid.values)?;
    let mut draft = match orientation {
        Orientation::TaxaInRows => {
            let taxa = if grid.kept.len() == grid.rows.len() {
                let both = grid.rows.into_iter().zip(&grid.kept);
                both.map(|(label, lineage)| with_lineage(label, lineage))
                    .collect()
            } else {
                grid.rows.into_iter().map(Taxon::new).collect()
            };
            let mut draft = Draft::new(columns, taxa, matrix);
            draft.lines = lines;
            draft
        }
        Orientation::SamplesInRows => {
            let taxa = columns.into_iter().map(Taxon::new).collect();
            Draft::new(grid.rows, taxa, matrix.transpose())
        }
    };
    if latin_1 {
        draft
            .notes
            .push("labels that are not UTF-8 were read as Latin-1".to_owned());
    }
    Ok(draft)
}

/// A taxon whose lineage stands beside its id; an unreadable lineage leaves it with the id alone.
pub(super) fn with_lineage(label: String, lineage: &str) -> Taxon {
    let lineage = Lineage::parse(lineage);
    if lineage.is_empty() {
        Taxon::new(label)
    } else {
        Taxon::with_lineage(label, lineage)
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

/// Names for a message, at most ten of them.
fn quoted<T: AsRef<str>>(names: &[T]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(10)
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    let rest = names.len() - shown.len();
    let more = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    shown.join(", ") + &more
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
