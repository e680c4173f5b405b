//! Taxonomic profiles of SingleM (`pipe`, `condense`): sample, coverage, taxonomy.
//!
//! The coverage of a row was given to its clade and to none below, so that the rows of a sample
//! add up.

use std::collections::HashMap;

use super::decisions::Question;
use super::draft::Draft;
use super::entries::{Entries, Reported};
use super::records::{self, Header};
use super::source::Source;
use super::units::UnitRule;
use crate::profile::{Lineage, Taxon, Unit};
use crate::{Error, Result};

const COLUMNS: [&str; 3] = ["sample", "coverage", "taxonomy"];

/// Whether the text begins as a profile of SingleM does.
pub(super) fn is_singlem(head: &[u8]) -> bool {
    Header::of(head).is_some_and(|header| header.names.len() == 3 && header.starts_with(&COLUMNS))
}

/// Reads a profile: the fraction of a clade is its coverage over that of the sample.
pub(super) fn read(source: Source<'_>) -> Result<Draft> {
    let options = source.options();
    if options.unit == Some(Unit::Count) {
        return Err(Error::unit(
            "`unit` is `count`, but SingleM measures coverage, not reads: leave `unit` out",
        ));
    }
    let mut entries = Entries::new(options);
    records::for_each(source, |_, record| {
        let (sample, coverage, path) = (record.text(0)?, record.number(1)?, record.text(2)?);
        let sample = entries.sample(&sample);
        let path = clades(&path);
        if path.is_empty() {
            entries.add_unclassified(sample, coverage);
            return Ok(());
        }
        entries.add(sample, &path, || reported(&path), coverage)
    })?;
    let mut draft = entries.into_disjoint()?;
    close(&mut draft);
    draft.unit = match options.unit {
        Some(Unit::Percent) => {
            return Err(Error::unit(
                "`unit` is `percent`, but coverage is brought to fractions: leave `unit` out",
            ));
        }
        _ => UnitRule::Stated(Unit::Fraction),
    };
    draft
        .notes
        .push("coverage was divided by that of the whole sample, which gives fractions".to_owned());
    draft
        .decisions
        .add(Question::Format, "profile of SingleM", "its columns");
    Ok(draft)
}

/// The path without the root.
fn clades(path: &str) -> String {
    let clades = path.split(';').map(str::trim);
    let clades = clades.filter(|clade| !clade.is_empty() && *clade != "Root");
    clades.collect::<Vec<_>>().join(";")
}

fn reported(path: &str) -> Reported {
    let lineage = Lineage::parse(path);
    Reported {
        rank: lineage.deepest().map(|(rank, _)| rank),
        taxon: Taxon::with_lineage(path.to_owned(), lineage),
    }
}

/// Divides what each sample has by the sum of it.
fn close(draft: &mut Draft) {
    let by_sample = draft.by_taxon.transpose();
    let known = by_sample.row_sums();
    let totals: HashMap<usize, f64> = known
        .iter()
        .zip(&draft.unresolved)
        .map(|(known, unresolved)| known + unresolved)
        .enumerate()
        .filter(|&(_, total)| total > 0.0)
        .collect();
    let total = |sample: usize| totals.get(&sample).copied().unwrap_or(1.0);
    let closed = by_sample.map_rows(|sample, value| value / total(sample));
    draft.by_taxon = closed.transpose();
    for (sample, unresolved) in draft.unresolved.iter_mut().enumerate() {
        *unresolved /= total(sample);
    }
}
