//! MPA-style tables of Kraken tools: lineages of every rank with the reads of the whole clade.
//!
//! Prefixes have one underscore (`d_Bacteria|p_…`, KrakenTools) or two (Kraken 2); intermediate
//! ranks (`x_…`, `r_root`) are passed over. Leaves are kept; reads that stopped above them are
//! counted as unclassified.

use super::delimited;
use super::draft::{Draft, to_draft};
use super::grid::{self, Layout, Quotes, Trail};
use super::leaf::Hierarchy;
use super::lines::Blocks;
use super::options::Orientation;
use super::source::{Source, sample_name};
use super::units::UnitRule;
use crate::profile::{Lineage, Rank, Taxon};
use crate::{Error, Result};

const HEADER: &[u8] = b"#Classification\t";

/// Whether the text begins as an MPA-style table does.
pub(super) fn is_mpa(head: &[u8]) -> bool {
    let first = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    if head.starts_with(HEADER) {
        return true;
    }
    let fields: Vec<&[u8]> = first.split(|&byte| byte == b'\t').collect();
    let starts = [&b"d_"[..], b"k_", b"r_", b"u_", b"x_"];
    fields.len() == 2
        && starts.iter().any(|start| first.starts_with(start))
        && fields
            .get(1)
            .is_some_and(|field| super::number::abundance(field.trim_ascii()).is_ok())
}

/// Reads a table without header (one sample) or with `#Classification` (several).
pub(super) fn read(source: Source<'_>) -> Result<Draft> {
    let path = source.path().to_path_buf();
    let options = source.options();
    let has_header = source.head().starts_with(HEADER);
    let mut draft = if has_header {
        delimited::read_as(
            source,
            delimited::Dialect {
                unit: UnitRule::CountIfWhole,
                hierarchy: Hierarchy::AllRanks,
                quotes: Quotes::Ordinary,
                orientation: Some(Orientation::TaxaInRows),
            },
        )?
    } else {
        let sample = options.sample.clone().unwrap_or_else(|| sample_name(&path));
        let layout = Layout {
            delimiter: b'\t',
            quotes: Quotes::Ordinary,
            lead: 1,
            columns: vec![sample],
            trail: Trail::Exactly(0),
            keep: Vec::new(),
            orientation: Some(Orientation::TaxaInRows),
            decimal: options.decimal,
            pick: None,
        };
        let mut blocks = Blocks::new(source)?;
        let first = blocks.next_block(1)?;
        let first = first.ok_or_else(|| Error::file(&path, "the file is empty"))?;
        let grid = grid::read(blocks, first, &layout)?;
        to_draft(grid, layout.columns, Orientation::TaxaInRows)?
    };
    draft.unit = UnitRule::CountIfWhole;
    name_ranks(&mut draft);
    // Without a header and without a root it may be any table of lineages.
    let has_root = draft.taxa.iter().any(|taxon| !taxon.label().contains('|'));
    draft.hierarchy = if has_header || has_root {
        Hierarchy::AllRanks
    } else {
        Hierarchy::Unknown
    };
    Ok(draft)
}

/// Rewrites labels to `k__…|p__…` and drops rows of intermediate ranks.
fn name_ranks(draft: &mut Draft) {
    let named: Vec<Option<Taxon>> = draft
        .taxa
        .iter()
        .map(|taxon| named(taxon.label()))
        .collect();
    let kept: Vec<usize> = (0..named.len())
        .filter(|&row| named.get(row).is_some_and(Option::is_some))
        .collect();
    draft.by_taxon = draft.by_taxon.select_rows(&kept);
    draft.lines = kept
        .iter()
        .filter_map(|&row| draft.lines.get(row).copied())
        .collect();
    draft.taxa = named.into_iter().flatten().collect();
}

fn named(label: &str) -> Option<Taxon> {
    let mut lineage = Lineage::default();
    let mut last = None;
    for part in label.split('|') {
        let (letter, name) = part.split_once('_')?;
        let mut letters = letter.chars();
        let rank = letters
            .next()
            .filter(|_| letters.as_str().is_empty())
            .and_then(Rank::from_letter);
        if let Some(rank) = rank {
            lineage.set(rank, name.trim_start_matches('_'));
        }
        last = rank;
    }
    last.map(|_| Taxon::new(lineage.to_string()))
}
