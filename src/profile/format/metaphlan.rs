//! MetaPhlAn 2, 3 and 4: profiles of one sample, and merged tables.
//!
//! One to six lines begin with `#`; the first names the database, the last is the header in a
//! profile, and a merged table's header has no `#` at all. The command line among them may hold
//! paths and names of people, and is never kept.

use super::delimited::{self, Dialect};
use super::draft::{Draft, to_draft};
use super::grid::{self, Layout, Quotes, Trail};
use super::leaf::Hierarchy;
use super::lines::Blocks;
use super::options::{Decimal, Orientation, ReadOptions};
use super::preamble::Preamble;
use super::source::{Source, sample_name};
use super::units::UnitRule;
use crate::profile::Unit;
use crate::{Error, Result};

const READS: &str = "estimated_number_of_reads_from_the_clade";

/// Whether the text begins as MetaPhlAn's output does.
pub(super) fn is_metaphlan(head: &[u8]) -> bool {
    head.starts_with(b"#mpa_")
        || head.starts_with(b"#SampleID\tMetaphlan")
        || starts_line(head, b"#clade_name")
        || is_merged_header(head)
}

fn is_merged_header(head: &[u8]) -> bool {
    starts_line(head, b"clade_name\t") || (head.starts_with(b"ID\t") && starts_line(head, b"k__"))
}

fn starts_line(head: &[u8], start: &[u8]) -> bool {
    head.starts_with(start)
        || memchr::memmem::find_iter(head, start)
            .take(1_000)
            .any(|at| at > 0 && head.get(at - 1) == Some(&b'\n'))
}

/// Reads a profile or a merged table.
pub(super) fn read(source: Source<'_>) -> Result<Draft> {
    let head = source.head();
    let single = starts_line(head, b"#clade_name")
        || starts_line(head, b"#SampleID\tMeta") && !is_merged_header(head);
    if single {
        return read_profile(source);
    }
    let has_database = head.starts_with(b"#mpa_");
    delimited::read_as(
        source,
        Dialect {
            unit: if has_database {
                UnitRule::Fixed(Unit::Percent)
            } else {
                UnitRule::FromSums
            },
            hierarchy: if has_database {
                Hierarchy::AllRanks
            } else {
                Hierarchy::Unknown
            },
            quotes: Quotes::Ordinary,
            orientation: None,
        },
    )
}

fn read_profile(source: Source<'_>) -> Result<Draft> {
    let path = source.path().to_path_buf();
    let options = source.options();
    let mut blocks = Blocks::new(source)?;
    let first = blocks.next_block(8)?;
    let first = first.ok_or_else(|| Error::file(&path, "the file is empty"))?;
    let preamble = Preamble::read(&first, options.decimal == Decimal::Comma)
        .ok_or_else(|| Error::file(&path, "the profile has no rows: the header stands alone"))?;
    let names = names_of(&preamble);
    let (lead, unit) = value_column(&names, options.unit)
        .map_err(|message| Error::unit(format!("line {}: {message}", preamble.header_line)))?;
    let sample = options
        .sample
        .clone()
        .or_else(|| sample_of_header(&preamble.comments))
        .unwrap_or_else(|| sample_name(&path));
    let layout = layout_of_one(&preamble, names.len(), lead, sample, options);
    let body = preamble.body(&first);
    let grid = grid::read(blocks, body, &layout)?;
    let mut draft = to_draft(grid, layout.columns, Orientation::TaxaInRows)?;
    draft.unit = UnitRule::Fixed(unit);
    draft.hierarchy = Hierarchy::AllRanks;
    draft.vocabulary = preamble.vocabulary();
    Ok(draft)
}

/// The names in the header of a profile of one sample.
pub(super) fn names_of(preamble: &Preamble) -> Vec<String> {
    String::from_utf8_lossy(&preamble.header)
        .split(char::from(preamble.delimiter))
        .map(|name| name.trim_matches(['"', ' ', '\r']).to_owned())
        .collect()
}

/// The layout of a profile of one sample, a row a clade, whose abundance comes after `lead` fields.
pub(super) fn layout_of_one(
    preamble: &Preamble,
    n_names: usize,
    lead: usize,
    sample: String,
    options: &ReadOptions,
) -> Layout {
    Layout {
        delimiter: preamble.delimiter,
        quotes: preamble.quotes(Quotes::Ordinary),
        lead,
        columns: vec![sample],
        trail: Trail::AtMost(n_names.saturating_sub(lead + 1)),
        keep: Vec::new(),
        orientation: Some(Orientation::TaxaInRows),
        decimal: options.decimal,
        pick: None,
    }
}

/// The fields before the abundance, and its unit: estimated reads where counts are asked for and
/// the profile holds them, else percent.
fn value_column(names: &[String], wanted: Option<Unit>) -> Result<(usize, Unit), String> {
    let column = |known: &str| names.iter().position(|name| *name == known);
    if wanted == Some(Unit::Count) {
        if let Some(at) = column(READS) {
            return Ok((at, Unit::Count));
        }
        let of_bases = names.iter().find(|name| name.contains("bases"));
        return Err(match of_bases {
            Some(name) => format!("`unit` is `count`, but `{name}` counts bases, not reads"),
            None => "`unit` is `count`, but the profile holds percent and no column of reads: \
                     reads come with MetaPhlAn's analysis type `rel_ab_w_read_stats`"
                .to_owned(),
        });
    }
    let at = column("relative_abundance").unwrap_or(match names.len() {
        0..=2 => 1,
        _ => 2,
    });
    Ok((at, Unit::Percent))
}

/// The sample of `#SampleID<TAB>id`, or of `#id<TAB>Metaphlan_Analysis`; the default of both says
/// nothing.
fn sample_of_header(comments: &[String]) -> Option<String> {
    let line = comments
        .iter()
        .find(|line| line.starts_with("SampleID") || line.contains("Metaphlan_"))?;
    let (left, right) = line.split_once(['\t', ',', ';'])?;
    [left, right]
        .map(str::trim)
        .into_iter()
        .find(|word| !word.is_empty() && *word != "SampleID" && !word.starts_with("Metaphlan"))
        .map(str::to_owned)
}
