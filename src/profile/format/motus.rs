//! mOTUs 2, 3 and 4: a profile, or several merged.
//!
//! The id in the last brackets of a label tells mOTUs apart: among 33,570 of them there are only
//! 11,038 names.

use super::Orientation;
use super::delimited::{self, Dialect};
use super::draft::Draft;
use super::grid::Quotes;
use super::leaf::Hierarchy;
use super::source::Source;
use super::units::UnitRule;
use crate::Result;
use crate::profile::{Lineage, Rank, Taxon, Unit, Vocabulary};

/// Whether the text begins as mOTUs' output does.
pub(super) fn is_motus(head: &[u8]) -> bool {
    let first = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    [
        &b"# git tag version"[..],
        b"# motus version",
        b"#tool_version=",
        b"#consensus_taxonomy\t",
        b"#mOTU\t",
    ]
    .iter()
    .any(|start| first.starts_with(start))
}

/// Reads a profile or a merged table.
pub(super) fn read(source: Source<'_>) -> Result<Draft> {
    let top = top_line(source.head());
    let mut draft = delimited::read_as(
        source,
        Dialect {
            unit: unit(&top),
            hierarchy: Hierarchy::Leaves,
            quotes: Quotes::Ordinary,
            orientation: Some(Orientation::TaxaInRows),
        },
    )?;
    for taxon in &mut draft.taxa {
        if let Some(named) = named(taxon.label()) {
            *taxon = named;
        }
    }
    draft.vocabulary = vocabulary(&top, &draft.taxa);
    Ok(draft)
}

fn top_line(head: &[u8]) -> String {
    let first = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let first = first.get(..4_096).unwrap_or(first);
    String::from_utf8_lossy(first).trim().to_owned()
}

/// `calc_motu … -c` writes counts, without `-c` fractions; version 4 says which.
fn unit(top: &str) -> UnitRule {
    if let Some((_, value)) = top.split_once("value_type=") {
        return match value.split_whitespace().next() {
            Some("counts") => UnitRule::Fixed(Unit::Count),
            _ => UnitRule::FromSums,
        };
    }
    match top.split('|').find(|part| part.contains("calc_motu")) {
        Some(call) if call.split_whitespace().any(|word| word == "-c") => {
            UnitRule::Fixed(Unit::Count)
        }
        Some(_) => UnitRule::Fixed(Unit::Fraction),
        None => UnitRule::FromSums,
    }
}

/// `Leptospira weilii [ref_mOTU_v3_00002]` → species and id.
fn named(label: &str) -> Option<Taxon> {
    let (name, id) = label.strip_suffix(']')?.rsplit_once('[')?;
    if !id.contains("mOTU") {
        return None;
    }
    let mut lineage = Lineage::parse(name.trim());
    if lineage.is_empty() {
        lineage.set(Rank::Species, name.trim());
    }
    lineage.set(Rank::Strain, id);
    Some(Taxon::with_lineage(label, lineage))
}

/// The database: stated in the first line, else told by the ids (`ref_mOTU_v2_0004`).
fn vocabulary(top: &str, taxa: &[Taxon]) -> Vocabulary {
    let stated = [
        ("database_version=", "mOTUs_"),
        ("motus version ", "mOTUs_"),
    ]
    .iter()
    .find_map(|(key, prefix)| {
        let (_, rest) = top.split_once(key)?;
        let version = rest.split_whitespace().next()?;
        Some(format!("{prefix}{version}"))
    });
    let told = || {
        let id = taxa
            .iter()
            .find_map(|taxon| taxon.lineage().name(Rank::Strain))?;
        let (_, rest) = id.split_once("mOTU_v")?;
        let version = rest
            .split('_')
            .next()
            .filter(|version| !version.is_empty())?;
        Some(format!("mOTUs_v{version}"))
    };
    stated
        .or_else(told)
        .map_or_else(Vocabulary::unknown, Vocabulary::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_told_by_the_call() {
        let line =
            "# git tag version 3.0.3 |  motus version 3.0.3 | calc_motu 3.0.3 -k mOTU -c -p | x";
        assert_eq!(unit(line), UnitRule::Fixed(Unit::Count));
        assert_eq!(
            unit(&line.replace("-c ", "")),
            UnitRule::Fixed(Unit::Fraction)
        );
        assert_eq!(unit("#consensus_taxonomy\ta"), UnitRule::FromSums);
    }

    #[test]
    fn the_last_brackets_hold_the_id() {
        let taxon = named("[Clostridium] x [meta_mOTU_v3_12]").unwrap();
        assert_eq!(taxon.lineage().name(Rank::Strain), Some("meta_mOTU_v3_12"));
        assert_eq!(taxon.lineage().name(Rank::Species), Some("[Clostridium] x"));
        assert!(named("unassigned").is_none());
    }
}
