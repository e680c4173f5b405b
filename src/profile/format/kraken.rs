//! Kraken 1 and 2 and KrakenUniq reports: a tree written by indentation.
//!
//! Only the reads assigned directly to a node are trusted; clades are summed again from them.
//! Columns are species (with the reads of strains below them); reads that stopped above the
//! species are counted as unclassified at that level, so no read is lost. A report without a
//! species, as custom databases give, has its leaves as columns.

use super::draft::Draft;
use super::kraken_tree::{Node, Nodes, rank_of};
use super::lines::{Blocks, label};
use super::number;
use super::source::{Source, sample_name};
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

/// Reads a report, the profile of one sample.
pub(super) fn read(source: Source<'_>) -> Result<Draft> {
    let path = source.path().to_path_buf();
    let options = source.options();
    let mut nodes = Nodes::default();
    let mut unclassified = 0.0;
    Blocks::new(source)?.for_each_line(|line, bytes| {
        if bytes.starts_with(b"#") || bytes.starts_with(b"%") {
            return Ok(());
        }
        let at_line = |message| Error::line(&path, line, message);
        let Some(node) = parse_line(bytes, line, &options.limits).map_err(at_line)? else {
            unclassified += direct_of(bytes).map_err(at_line)?;
            return Ok(());
        };
        if nodes.len() >= options.limits.axis {
            return Err(at_line(format!(
                "more than the {} rows allowed by `limits.axis`",
                options.limits.axis
            )));
        }
        nodes.push(node);
        Ok(())
    })?;
    let sample = options.sample.clone().unwrap_or_else(|| sample_name(&path));
    nodes.into_draft(vec![unclassified], vec![sample])
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
    Ok(Some(Node::new(
        indent / 2,
        rank_of(&rank_text),
        [name, label(taxid, limits)?],
        line,
        whole_number(field(1))?,
        vec![whole_number(field(2))?],
    )))
}

fn direct_of(bytes: &[u8]) -> Result<f64, String> {
    whole_number(
        bytes
            .split(|&byte| byte == b'\t')
            .nth(2)
            .unwrap_or_default(),
    )
}

/// Reads, which are whole.
pub(super) fn whole_number(field: &[u8]) -> Result<f64, String> {
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
