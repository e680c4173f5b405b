//! taxpasta: taxonomy ids with whole numbers, of one sample, of several side by side, or long.
//!
//! The id 0 is what was not classified. Names, ranks and lineages are columns that the user asked
//! for; without names the ids are looked up.

use super::decisions::Question;
use super::draft::Draft;
use super::entries::Entries;
use super::naming::{Said, is_no_id};
use super::records::{self, Header, Record};
use super::source::{Source, sample_name};
use super::units::UnitRule;
use crate::profile::{Unit, Vocabulary};
use crate::{Error, Result};

const ID: &str = "taxonomy_id";
const SAID: [&str; 6] = ["name", "rank", "lineage", "id_lineage", "rank_lineage", ID];

/// Whether the text begins as a table of taxpasta does.
pub(super) fn is_taxpasta(head: &[u8]) -> bool {
    Header::of(head).is_some_and(|header| {
        let is_said = |name: &String| SAID.iter().any(|said| name == said);
        header
            .column(ID)
            .is_some_and(|at| at == 0 || header.names.iter().take(at).any(|name| name == "sample"))
            && !header.names.iter().all(is_said)
    })
}

/// Where the values of a table stand.
enum Values {
    /// A column a sample.
    Wide(Vec<usize>),
    /// A row a sample and taxon.
    Long { sample: usize, count: usize },
    /// One sample, which the table does not name.
    Single(usize),
}

impl Values {
    fn of(header: &Header) -> Self {
        let count = header.column("count");
        if let (Some(sample), Some(count)) = (header.column("sample"), count) {
            return Self::Long { sample, count };
        }
        let is_value = |&at: &usize| {
            let name = header.names.get(at).map_or("", String::as_str);
            !name.is_empty() && !SAID.contains(&name)
        };
        let columns: Vec<usize> = (0..header.names.len()).filter(is_value).collect();
        match (count, columns.as_slice()) {
            (Some(count), [_]) => Self::Single(count),
            _ => Self::Wide(columns),
        }
    }
}

/// Reads a table of taxpasta.
pub(super) fn read(source: Source<'_>) -> Result<Draft> {
    let path = source.path().to_path_buf();
    let options = source.options();
    let mut entries = Entries::new(options);
    let single = options.sample.clone().unwrap_or_else(|| sample_name(&path));
    let mut values = None;
    let (mut n_taxa, mut nameless) = (0_u64, Vec::new());
    records::for_each(source, |header, record| {
        let values = values.get_or_insert_with(|| Values::of(header));
        let id = record.text(header.needed(ID)?)?;
        let texts = texts(header, record)?;
        let said = said(&id, &texts);
        n_taxa += 1;
        if !is_no_id(&id) && said.is_nameless() {
            nameless.push(id.clone());
        }
        let mut add = |sample: &str, value: f64| {
            let sample = entries.sample(sample);
            if is_no_id(&id) {
                entries.add_unclassified(sample, value);
                return Ok(());
            }
            entries.add(sample, &id, || said.reported(), value)
        };
        match values {
            Values::Single(count) => add(&single, record.count(*count)?),
            Values::Long { sample, count } => add(&record.text(*sample)?, record.count(*count)?),
            Values::Wide(columns) => columns.iter().try_for_each(|&at| {
                let name = header.names.get(at).map_or("", String::as_str);
                let value = record.count(at);
                add(
                    name,
                    value.map_err(|message| format!("sample `{name}`: {message}"))?,
                )
            }),
        }
    })?;
    if !nameless.is_empty() && nameless.len() as u64 + 1 >= n_taxa {
        return Err(Error::file(
            &path,
            "the table of taxpasta holds taxonomy ids without names, and none of them is known: \
             let taxpasta add the names (`--add-name --add-rank --add-lineage`, with `--taxonomy`)",
        ));
    }
    let mut draft = entries.into_disjoint()?;
    draft.unit = UnitRule::Fixed(Unit::Count);
    draft.vocabulary = Vocabulary::new("ncbi");
    draft
        .decisions
        .add(Question::Format, "taxpasta", "its columns");
    if let Some(first) = nameless.first() {
        draft.notes.push(format!(
            "{} taxonomy ids have no name here, the first is {first}: taxpasta adds names by \
             `--add-name`",
            nameless.len()
        ));
    }
    Ok(draft)
}

fn texts(header: &Header, record: &Record<'_>) -> Result<[String; 4], String> {
    let text = |name| record.maybe_text(header.column(name));
    Ok([
        text("name")?,
        text("rank")?,
        text("lineage")?,
        text("rank_lineage")?,
    ])
}

fn said<'a>(id: &'a str, [name, rank, lineage, ranks]: &'a [String; 4]) -> Said<'a> {
    Said {
        id,
        name,
        rank,
        lineage,
        ranks,
    }
}
