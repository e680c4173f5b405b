//! Tables of one sample by genome or clade with taxonomy ids: KMCP, and Centrifuge's own report.

use super::decisions::Question;
use super::draft::Draft;
use super::entries::Entries;
use super::naming::{Said, is_no_id};
use super::records::{self, Header};
use super::source::{Source, sample_name};
use super::units::UnitRule;
use crate::profile::{Unit, Vocabulary};
use crate::{Error, Result};

const KMCP: [&str; 3] = ["ref", "percentage", "score"];
const KMCP_COVERAGE: [&str; 4] = ["ref", "percentage", "coverage", "score"];
const CENTRIFUGE: [&str; 7] = [
    "name",
    "taxID",
    "taxRank",
    "genomeSize",
    "numReads",
    "numUniqueReads",
    "abundance",
];

/// Whether the text begins as a profile of KMCP does.
pub(super) fn is_kmcp(head: &[u8]) -> bool {
    Header::of(head)
        .is_some_and(|header| header.starts_with(&KMCP) || header.starts_with(&KMCP_COVERAGE))
}

/// Whether the text begins as a report of Centrifuge does.
pub(super) fn is_centrifuge(head: &[u8]) -> bool {
    Header::of(head).is_some_and(|header| header.starts_with(&CENTRIFUGE))
}

/// Reads a profile of KMCP: percent of the genomes of each taxon, or their reads where counts are
/// asked for.
pub(super) fn read_kmcp(source: Source<'_>) -> Result<Draft> {
    let path = source.path().to_path_buf();
    let options = source.options();
    let mut entries = Entries::new(options);
    let name = options.sample.clone().unwrap_or_else(|| sample_name(&path));
    let sample = entries.sample(&name);
    let unit = options.unit.unwrap_or(Unit::Percent);
    let column = if unit == Unit::Count {
        "reads"
    } else {
        "percentage"
    };
    let mut of_taxon: std::collections::BTreeMap<String, ([String; 4], f64)> =
        std::collections::BTreeMap::new();
    let mut order = super::entries::Names::default();
    records::for_each(source, |header, record| {
        let text = |name| record.maybe_text(header.column(name));
        let value = record.number(header.needed(column)?)?;
        let (genome, id) = (record.text(0)?, text("taxid")?);
        let [first, second] = [text("taxpath")?, text("taxpathsn")?];
        // One holds names, the other ids.
        let is_ids = |path: &str| {
            path.bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b';')
        };
        let path = if is_ids(&first) { second } else { first };
        let key = if is_no_id(&id) { genome.clone() } else { id };
        let shown = match text("taxname")? {
            name if name.is_empty() => genome,
            name => name,
        };
        order.number(&key);
        if order.names.len() > record.limits().axis {
            return Err("more taxa than `limits.axis` allows".to_owned());
        }
        let said = [key.clone(), shown, text("rank")?, path];
        of_taxon.entry(key).or_insert((said, 0.0)).1 += value;
        Ok(())
    })?;
    for key in &order.names {
        let Some(([id, name, rank, lineage], value)) = of_taxon.get(key) else {
            continue;
        };
        let said = Said {
            id,
            name,
            rank,
            lineage,
            ranks: "",
        };
        let added = entries.add(sample, key, || said.reported(), *value);
        added.map_err(|message| Error::file(&path, message))?;
    }
    let mut draft = entries.into_disjoint()?;
    draft.unit = UnitRule::Fixed(if unit == Unit::Count {
        Unit::Count
    } else {
        Unit::Percent
    });
    draft.vocabulary = Vocabulary::new("ncbi");
    draft
        .decisions
        .add(Question::Format, "profile of KMCP", "its columns");
    Ok(draft)
}

/// Reads a report of Centrifuge: the estimated fractions, or reads where counts are asked for or
/// no fraction was estimated.
pub(super) fn read_centrifuge(source: Source<'_>) -> Result<Draft> {
    let path = source.path().to_path_buf();
    let options = source.options();
    let name = options.sample.clone().unwrap_or_else(|| sample_name(&path));
    let mut rows: Vec<([String; 3], f64, f64)> = Vec::new();
    records::for_each(source, |_, record| {
        let (reads, fraction) = (record.count(4)?, record.number(6)?);
        if rows.len() >= record.limits().axis {
            return Err("more taxa than `limits.axis` allows".to_owned());
        }
        rows.push((
            [record.text(1)?, record.text(0)?, record.text(2)?],
            reads,
            fraction,
        ));
        Ok(())
    })?;
    let is_estimated = rows.iter().any(|&(_, _, fraction)| fraction > 0.0);
    let counts = options.unit == Some(Unit::Count) || (options.unit.is_none() && !is_estimated);
    let mut entries = Entries::new(options);
    let sample = entries.sample(&name);
    for ([id, name, rank], reads, fraction) in &rows {
        let value = if counts { *reads } else { *fraction };
        if is_no_id(id) {
            entries.add_unclassified(sample, value);
            continue;
        }
        let said = Said {
            id,
            name,
            rank,
            ..Said::default()
        };
        let added = entries.add(sample, id, || said.reported(), value);
        added.map_err(|message| Error::file(&path, message))?;
    }
    let mut draft = entries.into_disjoint()?;
    draft.unit = UnitRule::Fixed(if counts { Unit::Count } else { Unit::Fraction });
    draft.vocabulary = Vocabulary::new("ncbi");
    draft.notes.push(if counts {
        "Centrifuge counts a read for each taxon that it fits; its report in the form of Kraken \
         (`centrifuge-kreport`) counts it once"
            .to_owned()
    } else {
        "the column `abundance` was read; set `unit` to `count` for `numReads`".to_owned()
    });
    draft
        .decisions
        .add(Question::Format, "report of Centrifuge", "its columns");
    Ok(draft)
}
