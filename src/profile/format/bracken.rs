//! Bracken: re-estimated reads at one rank, of one sample or of several combined.
//!
//! The reads are used; the fractions beside them have five decimals and print real taxa as 0.

use std::collections::HashSet;

use super::draft::Draft;
use super::grid::{self, Grid, Layout, Quotes, Trail};
use super::leaf::Hierarchy;
use super::lines::Blocks;
use super::options::{Decimal, Orientation};
use super::preamble::Preamble;
use super::source::{Source, sample_name};
use super::units::UnitRule;
use crate::profile::{CsrMatrix, Lineage, Rank, Taxon, Unit};
use crate::{Error, Result};

const START: &[u8] = b"name\ttaxonomy_id\ttaxonomy_lvl\t";
const SINGLE: [&str; 4] = [
    "kraken_assigned_reads",
    "added_reads",
    "new_est_reads",
    "fraction_total_reads",
];

/// Whether the text begins as Bracken's output does.
pub(super) fn is_bracken(head: &[u8]) -> bool {
    head.starts_with(START)
}

/// Reads the output of one sample, or of several combined.
pub(super) fn read(source: Source<'_>) -> Result<Draft> {
    let path = source.path().to_path_buf();
    let options = source.options();
    let mut blocks = Blocks::new(source)?;
    let first = blocks.next_block(2)?;
    let first = first.ok_or_else(|| Error::file(&path, "the file is empty"))?;
    let preamble = Preamble::read(&first, options.decimal == Decimal::Comma)
        .ok_or_else(|| Error::file(&path, "the file holds comments only"))?;
    let header = String::from_utf8_lossy(&preamble.header).into_owned();
    let columns: Vec<String> = header
        .split('\t')
        .skip(3)
        .map(|s| s.trim().to_owned())
        .collect();
    let layout = Layout {
        delimiter: b'\t',
        quotes: Quotes::Ordinary,
        lead: 3,
        columns,
        trail: Trail::Exactly(0),
        keep: vec![Some(1)],
        orientation: Some(Orientation::TaxaInRows),
        decimal: options.decimal,
        pick: None,
    };
    let body = preamble.body(&first);
    let levels = grid::Layout {
        keep: vec![Some(2)],
        ..layout.clone()
    };
    let level = first_field(&body.bytes, &levels);
    let grid = grid::read(blocks, body, &layout)?;
    let mut notes = Vec::new();
    let (samples, picked) = if layout.columns == SINGLE {
        check(&grid, &path, &mut notes)?;
        let sample = options.sample.clone().unwrap_or_else(|| sample_name(&path));
        (vec![sample], vec![2])
    } else {
        combined(&layout.columns).ok_or_else(|| {
            Error::line(
                &path,
                preamble.header_line,
                "expected Bracken's columns, or pairs of `…_num` and `…_frac`",
            )
        })?
    };
    let taxa = taxa(&grid, rank_of(&level));
    let by_taxon = pick(&grid, &picked)?;
    let mut draft = Draft::new(samples, taxa, by_taxon);
    draft.lines = grid.row_lines;
    draft.unit = UnitRule::Fixed(Unit::Count);
    draft.hierarchy = Hierarchy::Leaves;
    draft.notes = notes;
    Ok(draft)
}

fn first_field(bytes: &[u8], layout: &Layout) -> String {
    let line = bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let field = line
        .split(|&byte| byte == layout.delimiter)
        .nth(layout.keep.first().copied().flatten().unwrap_or(0));
    String::from_utf8_lossy(field.unwrap_or_default())
        .trim()
        .to_owned()
}

fn rank_of(level: &str) -> Option<Rank> {
    match level {
        "D" | "K" => Some(Rank::Kingdom),
        "P" => Some(Rank::Phylum),
        "C" => Some(Rank::Class),
        "O" => Some(Rank::Order),
        "F" => Some(Rank::Family),
        "G" => Some(Rank::Genus),
        "S" => Some(Rank::Species),
        "S1" => Some(Rank::Strain),
        _ => None,
    }
}

/// The samples of `A_num A_frac B_num B_frac`, and the columns of their reads.
fn combined(columns: &[String]) -> Option<(Vec<String>, Vec<usize>)> {
    let mut samples = Vec::new();
    let mut picked = Vec::new();
    for (pair, at) in columns.chunks(2).zip((0..).step_by(2)) {
        let [reads, fraction] = pair else { return None };
        let sample = reads.strip_suffix("_num")?;
        if fraction.strip_suffix("_frac") != Some(sample) {
            return None;
        }
        samples.push(sample.strip_suffix(".bracken").unwrap_or(sample).to_owned());
        picked.push(at);
    }
    Some((samples, picked))
}

/// `assigned + added = estimated` in every row, or the line is named; fractions that do not sum
/// to 1 are noted, since they are not used.
fn check(grid: &Grid, path: &std::path::Path, notes: &mut Vec<String>) -> Result<()> {
    let mut fractions = 0.0;
    for (row, line) in grid.row_lines.iter().enumerate() {
        let [assigned, added, estimated, fraction] =
            [0, 1, 2, 3].map(|column| value(grid, row, column));
        fractions += fraction;
        if (assigned + added - estimated).abs() > 0.5 {
            return Err(Error::line(
                path,
                *line,
                format!("{assigned} assigned and {added} added reads are not {estimated}"),
            ));
        }
    }
    if (fractions - 1.0_f64).abs() > 0.01 {
        notes.push(format!(
            "the fractions sum to {fractions} and not to 1; the reads were used"
        ));
    }
    Ok(())
}

fn value(grid: &Grid, row: usize, column: u32) -> f64 {
    let bounds = grid
        .indptr
        .get(row)
        .copied()
        .zip(grid.indptr.get(row + 1).copied());
    let Some((start, end)) = bounds else {
        return 0.0;
    };
    let columns = grid.indices.get(start..end).unwrap_or_default();
    let values = grid.values.get(start..end).unwrap_or_default();
    columns
        .iter()
        .zip(values)
        .find(|(c, _)| **c == column)
        .map_or(0.0, |(_, v)| *v)
}

fn pick(grid: &Grid, columns: &[usize]) -> Result<CsrMatrix> {
    let rows = (0..grid.rows.len()).map(|row| {
        let picked = columns.iter().zip(0_u32..);
        picked
            .map(|(&column, sample)| (sample, value(grid, row, column as u32)))
            .collect()
    });
    CsrMatrix::from_rows(columns.len(), rows.collect())
}

/// Names as Bracken writes them; a name with two tax ids is told apart by them.
fn taxa(grid: &Grid, rank: Option<Rank>) -> Vec<Taxon> {
    let mut seen = HashSet::new();
    let rows = grid.rows.iter().zip(&grid.kept);
    rows.map(|(name, taxid)| {
        let mut lineage = Lineage::default();
        if let Some(rank) = rank {
            lineage.set(rank, name);
        }
        if seen.insert(name.as_str()) {
            Taxon::with_lineage(name.clone(), lineage)
        } else {
            Taxon::with_lineage(format!("{name} (taxid {taxid})"), lineage)
        }
    })
    .collect()
}
