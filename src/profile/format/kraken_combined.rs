//! Kraken reports of several samples in one table (`combine_kreports.py` of KrakenTools).
//!
//! The names of the samples stand in the comments above (`#S1`), the first three columns are sums
//! over all of them.

use super::decisions::Question;
use super::draft::Draft;
use super::kraken::whole_number;
use super::kraken_tree::{Node, Nodes, rank_of};
use super::lines::{Blocks, label};
use super::source::{Source, sample_name};
use crate::{Error, Result};

const START: &[u8] = b"perc\ttot_all\ttot_lvl";

/// Whether the text begins as a combined report does.
pub(super) fn is_combined(head: &[u8]) -> bool {
    let lines = head.split(|&byte| byte == b'\n').take(2_000);
    let mut lines = lines.take_while(|line| line.starts_with(b"#") || line.starts_with(START));
    lines.any(|line| line.strip_prefix(b"#").unwrap_or(line).starts_with(START))
}

/// Reads a combined report: the reads of each sample at each node.
pub(super) fn read(source: Source<'_>) -> Result<Draft> {
    let path = source.path().to_path_buf();
    let limits = &source.options().limits;
    let mut named: Vec<(String, String)> = Vec::new();
    let mut numbers: Option<Vec<String>> = None;
    let mut nodes = Nodes::default();
    let mut unclassified = Vec::new();
    Blocks::new(source)?.for_each_line(|line, bytes| {
        let at_line = |message: String| Error::line(&path, line, message);
        let text = bytes.strip_prefix(b"#").unwrap_or(bytes);
        let fields: Vec<&[u8]> = text.split(|&byte| byte == b'\t').collect();
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        let Some(numbers) = &numbers else {
            if text.starts_with(START) {
                let found = columns(&fields).map_err(at_line)?;
                unclassified = vec![0.0; found.len()];
                numbers = Some(found);
            } else if field(0).starts_with(b"S") && fields.len() > 2 {
                let [number, file] = [field(0), field(2)].map(|field| label(field, limits));
                named.push((number.map_err(at_line)?, file.map_err(at_line)?));
            }
            return Ok(());
        };
        let n = numbers.len();
        if fields.len() != 6 + 2 * n {
            return Err(at_line(format!(
                "expected {} fields as in the header, found {}",
                6 + 2 * n,
                fields.len()
            )));
        }
        let direct: Vec<f64> = (0..n)
            .map(|at| whole_number(field(4 + 2 * at)))
            .collect::<Result<_, _>>()
            .map_err(at_line)?;
        let clade = whole_number(field(1)).map_err(at_line)?;
        let [code, id] = [field(3 + 2 * n), field(4 + 2 * n)].map(|field| label(field, limits));
        let (code, id) = (code.map_err(at_line)?, id.map_err(at_line)?);
        let written = field(5 + 2 * n);
        let indent = written.iter().take_while(|&&byte| byte == b' ').count();
        let name = label(written, limits).map_err(at_line)?;
        if code == "U" || (name == "unclassified" && indent == 0) {
            for (sum, direct) in unclassified.iter_mut().zip(&direct) {
                *sum += direct;
            }
            return Ok(());
        }
        if nodes.len() >= limits.axis || (nodes.len() * n) as u64 > limits.nonzeros {
            return Err(at_line(format!(
                "more than the {} rows allowed by `limits.axis`",
                limits.axis
            )));
        }
        let names = [name, id];
        nodes.push(Node::new(
            indent / 2,
            rank_of(&code),
            names,
            line,
            clade,
            direct,
        ));
        Ok(())
    })?;
    let Some(numbers) = numbers else {
        return Err(Error::file(
            path,
            "expected the header `#perc`, `tot_all`, `tot_lvl`",
        ));
    };
    let samples = numbers.into_iter().map(|number| {
        let file = named.iter().find(|(name, _)| *name == format!("S{number}"));
        match file {
            Some((_, file)) => sample_name(std::path::Path::new(file)),
            None => number,
        }
    });
    let mut draft = nodes.into_draft(unclassified, samples.collect())?;
    draft.decisions.add(
        Question::Format,
        "combined Kraken reports",
        "the columns `perc`, `tot_all`, `tot_lvl`",
    );
    Ok(draft)
}

/// The numbers (or names) of the samples in `…_all`, `…_lvl`.
fn columns(fields: &[&[u8]]) -> Result<Vec<String>, String> {
    let inner = fields
        .get(3..fields.len().saturating_sub(3))
        .unwrap_or_default();
    let mut samples = Vec::new();
    for pair in inner.chunks(2) {
        let [all, own] = pair else {
            return Err("expected two columns a sample, `…_all` and `…_lvl`".to_owned());
        };
        let [all, own] = [all, own].map(|name| String::from_utf8_lossy(name).trim().to_owned());
        match (all.strip_suffix("_all"), own.strip_suffix("_lvl")) {
            (Some(one), Some(other)) if one == other => samples.push(one.to_owned()),
            _ => {
                return Err(format!(
                    "expected two columns a sample, `…_all` and `…_lvl`, found `{all}` and `{own}`"
                ));
            }
        }
    }
    if samples.is_empty() {
        return Err(
            "the combined reports hold sums over all samples only: combine them without \
             `--only-combined`, or give the single reports"
                .to_owned(),
        );
    }
    Ok(samples)
}
