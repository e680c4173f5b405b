//! Long tables in text: a sample, a taxon and an abundance in each row.

use super::decisions::Question;
use super::draft::{Draft, with_lineage};
use super::entries::Names;
use super::grid::{Quotes, kept_texts, split};
use super::lines::{Block, Blocks, is_blank, label, lines};
use super::number;
use super::options::{Decimal, DuplicatedTaxa};
use super::units::UnitRule;
use crate::profile::{CsrMatrix, Taxon, Unit};
use crate::{Error, Result};

/// Names of columns of samples.
pub(super) const SAMPLES: [&str; 10] = [
    "sample",
    "sample_id",
    "sampleid",
    "sample_name",
    "samples",
    "run",
    "run_id",
    "subject_id",
    "sample name",
    "obs",
];

/// Names of columns of taxa.
pub(super) const TAXA: [&str; 15] = [
    "taxon",
    "taxa",
    "clade_name",
    "clade",
    "feature",
    "feature_id",
    "featureid",
    "otu",
    "asv",
    "taxonomy",
    "lineage",
    "species",
    "genus",
    "organism",
    "name",
];

const COUNTS: [&str; 8] = [
    "count",
    "counts",
    "reads",
    "n_reads",
    "num_reads",
    "read_count",
    "new_est_reads",
    "frequency",
];

const PARTS: [&str; 8] = [
    "abundance",
    "relative_abundance",
    "rel_abundance",
    "percent",
    "percentage",
    "fraction",
    "proportion",
    "value",
];

/// Whether the name is one of a column of abundances.
pub(super) fn is_value(name: &str) -> bool {
    is_in(&COUNTS, name) || is_in(&PARTS, name)
}

/// Whether the name is one of a column of abundances in this unit.
pub(super) fn is_value_of(name: &str, unit: Unit) -> bool {
    is_in(if unit == Unit::Count { &COUNTS } else { &PARTS }, name)
}

fn is_in(known: &[&str], name: &str) -> bool {
    known.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Where sample, taxon and abundance stand.
#[derive(Debug)]
pub(super) struct Long {
    pub(super) delimiter: u8,
    pub(super) quotes: Quotes,
    pub(super) sample: usize,
    pub(super) taxon: usize,
    pub(super) value: usize,
    pub(super) lineage: Vec<Option<usize>>,
    pub(super) names: Vec<String>,
    /// The columns that `ignore_columns` names.
    pub(super) ignored: Vec<String>,
}

/// What was read so far.
#[derive(Debug, Default)]
struct Entries {
    samples: Names,
    taxa: Names,
    lineages: Vec<String>,
    /// By taxon: sample, abundance, line.
    values: Vec<Vec<(u32, f64, u64)>>,
}

/// Memory of an entry with its share of the labels.
const ENTRY_BYTES: u64 = 128;

/// Reads all rows after the header.
///
/// # Errors
/// [`Error::File`] naming the line of a row that cannot be used, or of a second value of one sample
/// and taxon.
pub(super) fn read(mut blocks: Blocks<'_>, first: Block, long: &Long) -> Result<Draft> {
    let path = blocks.path().to_path_buf();
    let options = blocks.options();
    let mut entries = Entries::default();
    let mut current = Some(first);
    let mut n_rows = 0;
    while let Some(block) = current.take() {
        for (line, number) in lines(&block.bytes).zip(block.first_line..) {
            if is_blank(line, long.delimiter) {
                continue;
            }
            entries
                .add(line, number, long, options)
                .map_err(|message| Error::line(&path, number, message))?;
            n_rows += 1;
        }
        blocks.check_held(n_rows * ENTRY_BYTES)?;
        current = blocks.next_block(1)?;
    }
    let sums = options.duplicates == DuplicatedTaxa::Sum;
    let mut draft = entries
        .into_draft(sums)
        .map_err(|(line, message)| Error::line(&path, line, message))?;
    let [sample, taxon, value] = [long.sample, long.taxon, long.value]
        .map(|at| long.names.get(at).map_or("", String::as_str));
    if is_in(&COUNTS, value) {
        draft.unit = UnitRule::CountIfWhole;
    }
    draft.ignored.clone_from(&long.ignored);
    let shape = format!("a row for each sample and taxon: `{sample}`, `{taxon}`, `{value}`");
    draft.notes.push(format!("the table is long, {shape}"));
    draft.decisions.add(Question::Shape, "long", shape);
    Ok(draft)
}

impl Entries {
    fn add(
        &mut self,
        line: &[u8],
        number: u64,
        long: &Long,
        options: &super::options::ReadOptions,
    ) -> Result<(), String> {
        let limits = &options.limits;
        let fields = split(line, long.delimiter, long.quotes)?;
        let last = long.sample.max(long.taxon).max(long.value);
        if fields.len() <= last || fields.len() > long.names.len() && has_more(&fields, long) {
            return Err(format!(
                "expected {} fields as in the header, found {}",
                long.names.len(),
                fields.len()
            ));
        }
        let text = |at: usize| match fields.get(at) {
            Some(field) => label(field, limits),
            None => Ok(String::new()),
        };
        let (sample, taxon) = (text(long.sample)?, text(long.taxon)?);
        if sample.is_empty() || taxon.is_empty() {
            return Err("the row has no sample or no taxon".to_owned());
        }
        let field = fields.get(long.value).map_or(&[][..], |field| &field[..]);
        let value = match options.decimal {
            Decimal::Point => number::abundance(field),
            Decimal::Comma => number::abundance_with_comma(field),
        };
        let value =
            value.map_err(|message| format!("sample `{sample}`, taxon `{taxon}`: {message}"))?;
        let (sample, taxon) = (self.samples.number(&sample), self.taxa.number(&taxon));
        if self.taxa.names.len() > limits.axis || self.samples.names.len() > limits.axis {
            return Err("more samples or taxa than `limits.axis` allows".to_owned());
        }
        if self.taxa.names.len() > self.values.len() {
            self.values.push(Vec::new());
            let lineage = kept_texts(&long.lineage, |at| fields.get(at).map(|field| &field[..]));
            self.lineages.push(lineage);
        }
        if let Some(row) = self.values.get_mut(taxon as usize) {
            row.push((sample, value, number));
        }
        Ok(())
    }

    fn into_draft(self, sums: bool) -> Result<Draft, (u64, String)> {
        let mut rows = Vec::with_capacity(self.values.len());
        for (mut row, taxon) in self.values.into_iter().zip(&self.taxa.names) {
            row.sort_by_key(|&(sample, _, line)| (sample, line));
            let mut joined: Vec<(u32, f64)> = Vec::with_capacity(row.len());
            for (sample, value, line) in row {
                match joined.last_mut() {
                    Some((last, sum)) if *last == sample => {
                        if !sums {
                            let name = self.samples.names.get(sample as usize);
                            return Err((
                                line,
                                format!(
                                    "sample `{}`, taxon `{taxon}`: a second value; set \
                                     `duplicates` to `sum` to add them up",
                                    name.map_or("", String::as_str)
                                ),
                            ));
                        }
                        *sum += value;
                    }
                    _ => joined.push((sample, value)),
                }
            }
            joined.retain(|&(_, value)| value != 0.0);
            rows.push(joined);
        }
        let matrix = CsrMatrix::from_rows(self.samples.names.len(), rows)
            .map_err(|error| (0, error.to_string()))?;
        let taxa = self.taxa.names.into_iter().zip(&self.lineages);
        let taxa: Vec<Taxon> = taxa
            .map(|(name, lineage)| {
                if lineage.is_empty() {
                    Taxon::new(name)
                } else {
                    with_lineage(name, lineage)
                }
            })
            .collect();
        Ok(Draft::new(self.samples.names, taxa, matrix))
    }
}

/// Whether a row has text beyond the columns of the header.
fn has_more(fields: &[std::borrow::Cow<'_, [u8]>], long: &Long) -> bool {
    let beyond = fields.iter().skip(long.names.len());
    beyond
        .into_iter()
        .any(|field| !field.trim_ascii().is_empty())
}
