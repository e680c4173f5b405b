//! The summary table of Kaiju (`kaiju2table`): file, percent, reads, taxonomy id, name.

use std::path::Path;

use super::decisions::Question;
use super::draft::Draft;
use super::entries::{Entries, Reported};
use super::naming::{Said, is_no_id};
use super::records::{self, Header};
use super::source::{Source, sample_name};
use super::units::UnitRule;
use crate::Result;
use crate::profile::{Taxon, Unit, Vocabulary};

const COLUMNS: [&str; 5] = ["file", "percent", "reads", "taxon_id", "taxon_name"];

/// Whether the text begins as a summary of Kaiju does.
pub(super) fn is_kaiju(head: &[u8]) -> bool {
    Header::of(head).is_some_and(|header| header.starts_with(&COLUMNS))
}

/// Reads a summary.
pub(super) fn read(source: Source<'_>) -> Result<Draft> {
    let options = source.options();
    let mut entries = Entries::new(options);
    records::for_each(source, |_, record| {
        let file = record.text(0)?;
        let sample = entries.sample(&sample_name(Path::new(&file)));
        let reads = record.count(2)?;
        let (id, name) = (record.text(3)?, record.text(4)?);
        // Unclassified reads, and those that belong to no clade of the rank, or to a rare one.
        if is_no_id(&id) {
            entries.add_unclassified(sample, reads);
            return Ok(());
        }
        entries.add(sample, &id, || reported(&id, &name), reads)
    })?;
    let mut draft = entries.into_disjoint()?;
    draft.unit = UnitRule::Fixed(Unit::Count);
    draft.vocabulary = Vocabulary::new("ncbi");
    draft
        .decisions
        .add(Question::Format, "summary of Kaiju", "its columns");
    Ok(draft)
}

/// Kaiju ends a path with `;`, and writes the name alone where no path was asked for.
fn reported(id: &str, name: &str) -> Reported {
    let path = name.trim_end_matches(';');
    let mut said = Said {
        id,
        name: path,
        ..Said::default()
    };
    if let Some((_, last)) = path.rsplit_once(';') {
        said.name = last.trim();
        said.lineage = path;
    }
    let found = said.reported();
    Reported {
        taxon: Taxon::with_lineage(path.to_owned(), found.taxon.lineage().clone()),
        rank: found.rank,
    }
}
