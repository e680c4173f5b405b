//! Kraken 1 and 2 and KrakenUniq reports: a tree written by indentation.
//!
//! Only the reads assigned directly to a node are trusted; clades are summed again from them.
//! Columns are species (with the reads of strains below them); reads that stopped above the
//! species are counted as unclassified at that level, so no read is lost. A report without a
//! species, as custom databases give, has its leaves as columns.

use std::collections::HashSet;

use super::draft::Draft;
use super::leaf::Hierarchy;
use super::lines::{Blocks, label};
use super::number;
use super::source::{Source, sample_name};
use super::units::UnitRule;
use crate::profile::{CsrMatrix, Lineage, Rank, Taxon, Unit, Vocabulary};
use crate::{Error, Result};

const UNIQ_HEADER: &[u8] = b"%\treads\ttaxReads";

/// Whether the text begins as a report does.
pub(super) fn is_report(head: &[u8]) -> bool {
    let has_uniq_header = head
        .split(|&byte| byte == b'\n')
        .take(10)
        .any(|line| line.starts_with(UNIQ_HEADER));
    has_uniq_header
        || head
            .split(|&byte| byte == b'\n')
            .find(|line| !line.is_empty())
            .is_some_and(|line| {
                let fields: Vec<&[u8]> = line.split(|&byte| byte == b'\t').collect();
                let number =
                    |at: usize| fields.get(at).is_some_and(|f| number::abundance(f).is_ok());
                matches!(fields.len(), 6 | 8)
                    && number(0)
                    && number(1)
                    && number(2)
                    && number(fields.len() - 2)
            })
}

/// Whether the text is Kraken's output read by read, given by mistake.
pub(super) fn is_read_by_read(head: &[u8]) -> bool {
    let first = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    (first.starts_with(b"C\t") || first.starts_with(b"U\t"))
        && first.split(|&byte| byte == b'\t').count() == 5
}

/// One line of a report.
struct Node {
    depth: usize,
    rank: Option<Rank>,
    name: String,
    taxid: String,
    line: u64,
    clade: f64,
    direct: f64,
    parent: Option<usize>,
}

/// Reads a report, the profile of one sample.
pub(super) fn read(source: Source<'_>) -> Result<Draft> {
    let path = source.path().to_path_buf();
    let options = source.options();
    let mut nodes: Vec<Node> = Vec::new();
    let mut unclassified = 0.0;
    let mut open: Vec<usize> = Vec::new();
    Blocks::new(source)?.for_each_line(|line, bytes| {
        if bytes.starts_with(b"#") || bytes.starts_with(b"%") {
            return Ok(());
        }
        let at_line = |message| Error::line(&path, line, message);
        let Some(mut node) = parse_line(bytes, line, &options.limits).map_err(at_line)? else {
            unclassified += direct_of(bytes).map_err(at_line)?;
            return Ok(());
        };
        while open
            .last()
            .and_then(|&at| nodes.get(at))
            .is_some_and(|n| n.depth >= node.depth)
        {
            open.pop();
        }
        node.parent = open.last().copied();
        open.push(nodes.len());
        if nodes.len() >= options.limits.axis {
            return Err(at_line(format!(
                "more than the {} rows allowed",
                options.limits.axis
            )));
        }
        nodes.push(node);
        Ok(())
    })?;
    let sample = options.sample.clone().unwrap_or_else(|| sample_name(&path));
    to_draft(&nodes, unclassified, sample)
}

/// The node of a line; `None` for the line of unclassified reads.
fn parse_line(bytes: &[u8], line: u64, limits: &super::ReadLimits) -> Result<Option<Node>, String> {
    let fields: Vec<&[u8]> = bytes.split(|&byte| byte == b'\t').collect();
    let n = fields.len();
    if !matches!(n, 6 | 8 | 9) {
        return Err(format!("expected a report of 6, 8 or 9 fields, found {n}"));
    }
    let field = |at: usize| fields.get(at).copied().unwrap_or_default();
    let (rank, taxid) = if n == 9 {
        (field(7), field(6))
    } else {
        (field(n - 3), field(n - 2))
    };
    let written = field(n - 1);
    let indent = written.iter().take_while(|&&byte| byte == b' ').count();
    let name = label(written, limits)?;
    let rank_text = String::from_utf8_lossy(rank).trim().to_owned();
    if rank_text == "U" || (name == "unclassified" && indent == 0) {
        return Ok(None);
    }
    Ok(Some(Node {
        depth: indent / 2,
        rank: rank_of(&rank_text),
        name,
        taxid: label(taxid, limits)?,
        line,
        clade: whole_number(field(1))?,
        direct: whole_number(field(2))?,
        parent: None,
    }))
}

fn direct_of(bytes: &[u8]) -> Result<f64, String> {
    whole_number(
        bytes
            .split(|&byte| byte == b'\t')
            .nth(2)
            .unwrap_or_default(),
    )
}

fn whole_number(field: &[u8]) -> Result<f64, String> {
    let value = number::abundance(field.trim_ascii())?;
    if value.fract() == 0.0 {
        Ok(value)
    } else {
        Err(format!(
            "expected a number of reads, found `{}`",
            number::shown(field)
        ))
    }
}

/// The rank of a code (`S`) or a word (`species`); `S1`, `R2`, `-` and empty codes have none.
fn rank_of(code: &str) -> Option<Rank> {
    match code {
        "D" | "superkingdom" | "domain" => Some(Rank::Kingdom),
        "P" | "phylum" => Some(Rank::Phylum),
        "C" | "class" => Some(Rank::Class),
        "O" | "order" => Some(Rank::Order),
        "F" | "family" => Some(Rank::Family),
        "G" | "genus" => Some(Rank::Genus),
        "S" | "species" => Some(Rank::Species),
        _ => None,
    }
}

fn to_draft(nodes: &[Node], unclassified: f64, sample: String) -> Result<Draft> {
    let has_species = nodes.iter().any(|node| node.rank == Some(Rank::Species));
    let parents: HashSet<usize> = nodes.iter().filter_map(|node| node.parent).collect();
    let is_column = |at: usize| {
        nodes.get(at).is_some_and(|node| {
            if has_species {
                node.rank == Some(Rank::Species)
            } else {
                !parents.contains(&at)
            }
        })
    };
    let mut column_of: Vec<Option<usize>> = Vec::with_capacity(nodes.len());
    let mut columns: Vec<usize> = Vec::new();
    let mut sums: Vec<f64> = Vec::new();
    let mut unresolved = 0.0;
    for (at, node) in nodes.iter().enumerate() {
        // Parents stand before their children, so their column is known.
        let above = node
            .parent
            .and_then(|parent| column_of.get(parent).copied().flatten());
        let column = above.or_else(|| {
            is_column(at).then(|| {
                columns.push(at);
                sums.push(0.0);
                columns.len() - 1
            })
        });
        match column.and_then(|column| sums.get_mut(column)) {
            Some(sum) => *sum += node.direct,
            None => unresolved += node.direct,
        }
        column_of.push(column);
    }
    let taxa = taxa(nodes, &columns);
    let rows = sums.into_iter().map(|sum| vec![(0, sum)]).collect();
    let mut draft = Draft::new(vec![sample], taxa, CsrMatrix::from_rows(1, rows)?);
    draft.lines = columns
        .iter()
        .filter_map(|&at| nodes.get(at))
        .map(|node| node.line)
        .collect();
    draft.unit = UnitRule::Fixed(Unit::Count);
    draft.hierarchy = Hierarchy::Leaves;
    draft.unresolved = vec![unclassified + unresolved];
    draft.vocabulary = vocabulary(nodes);
    draft.notes.push(format!(
        "{unclassified} unclassified reads and {unresolved} reads classified above the rank of the \
         columns are in the unclassified fractions"
    ));
    draft.notes.extend(inconsistency(nodes));
    Ok(draft)
}

/// The lineages of the columns, by the ranks on their path; equal ones are told apart by tax id.
fn taxa(nodes: &[Node], columns: &[usize]) -> Vec<Taxon> {
    let mut seen = HashSet::new();
    let path_of = |column: usize| {
        let mut lineage = Lineage::default();
        let mut at = Some(column);
        while let Some(node) = at.and_then(|at| nodes.get(at)) {
            if let Some(rank) = node.rank {
                lineage.set(rank, &node.name);
            }
            at = node.parent;
        }
        lineage
    };
    columns
        .iter()
        .filter_map(|&column| Some((column, nodes.get(column)?)))
        .map(|(column, node)| {
            let lineage = path_of(column);
            let mut label = match node.rank {
                Some(_) => lineage.to_string(),
                None => node.name.clone(),
            };
            if !seen.insert(label.clone()) {
                label = format!("{label} (taxid {})", node.taxid);
            }
            Taxon::with_lineage(label, lineage)
        })
        .collect()
}

/// NCBI's ids of the domains under NCBI's names prove NCBI's taxonomy.
fn vocabulary(nodes: &[Node]) -> Vocabulary {
    let ncbi = [
        ("2", "Bacteria"),
        ("2157", "Archaea"),
        ("2759", "Eukaryota"),
        ("10239", "Viruses"),
    ];
    let is_ncbi = |node: &Node| ncbi.contains(&(node.taxid.as_str(), node.name.as_str()));
    if nodes.iter().any(is_ncbi) {
        Vocabulary::new("ncbi")
    } else {
        Vocabulary::unknown()
    }
}

/// A sentence where a clade does not hold the sum of what is in it.
fn inconsistency(nodes: &[Node]) -> Option<String> {
    let mut sums: Vec<f64> = nodes.iter().map(|node| node.direct).collect();
    for (at, node) in nodes.iter().enumerate().rev() {
        let sum = sums.get(at).copied().unwrap_or_default();
        if let Some(above) = node.parent.and_then(|parent| sums.get_mut(parent)) {
            *above += sum;
        }
    }
    let (node, sum) = nodes
        .iter()
        .zip(sums)
        .find(|(node, sum)| (node.clade - sum).abs() > 0.5)?;
    Some(format!(
        "line {}: the report says {} reads in the clade `{}`, its rows add up to {sum}; the rows \
         were used",
        node.line, node.clade, node.name
    ))
}
