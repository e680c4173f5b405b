//! Names above the species: which clade a label that reaches no species belongs to.

use super::How;
use super::catalog::{Catalog, catalog};
use super::spelling::{is_nameless, spelled, without_gtdb_suffixes};
use crate::profile::{Lineage, Rank};

/// Anything else at the root is an identifier, or a word for "none".
const KINGDOMS: [&str; 7] = [
    "Archaea",
    "Bacteria",
    "Eukarya",
    "Eukaryota",
    "Fungi",
    "Viroids",
    "Viruses",
];

/// A named clade in the vocabulary of the models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clade {
    pub rank: Rank,
    pub name: String,
    pub how: How,
    /// The path down to it.
    pub lineage: Lineage,
    /// Whether the catalog knows it, rather than only the label.
    pub is_listed: bool,
}

impl Clade {
    /// The key of what is known no deeper than this clade: `f__Lachnospiraceae`.
    pub fn key(&self) -> String {
        format!("{}__{}", self.rank.letter(), self.name)
    }
}

/// The smallest named clade of a lineage, at `deepest` or above, under its name here.
pub(super) fn clade_of(lineage: &Lineage, deepest: Rank) -> Option<Clade> {
    Rank::ALL
        .into_iter()
        .rev()
        .skip_while(|&rank| rank > deepest)
        .find_map(|rank| clade_at(lineage, rank))
}

/// The name at a rank, without the identifier that mothur puts before the path (`Otu1|Bacteria`).
fn name_at(lineage: &Lineage, rank: Rank) -> Option<&str> {
    let raw = lineage.name(rank)?;
    let name = raw.rsplit('|').next().unwrap_or(raw);
    (rank != Rank::Kingdom || KINGDOMS.contains(&name)).then_some(name)
}

fn clade_at(lineage: &Lineage, rank: Rank) -> Option<Clade> {
    let raw = name_at(lineage, rank)?;
    if is_nameless(raw) && catalog().rank_name(rank, raw).is_none() {
        return None;
    }
    let (found, name, how) = named(lineage, rank, raw)?;
    Some(placed(lineage, found, name, how))
}

fn named(lineage: &Lineage, rank: Rank, raw: &str) -> Option<(Rank, String, How)> {
    let catalog = catalog();
    if let Some(entry) = catalog.rank_name(rank, raw) {
        return Some((entry.rank, entry.name.clone(), entry.how));
    }
    if rank == Rank::Genus && raw.starts_with('[') && !raw.ends_with("_group") {
        return misplaced_genus(lineage, raw);
    }
    if rank == Rank::Genus && is_group_label(raw) {
        return within_family(lineage);
    }
    let name = if raw.contains(['[', '"', ' ']) {
        spelled(raw)
    } else {
        raw.to_owned()
    };
    if rank == Rank::Genus {
        if let Some((genus, _)) = catalog.genus(&name) {
            let how = if genus == raw {
                How::Exact
            } else {
                How::CaseOrPunctuation
            };
            return Some((rank, genus.to_owned(), how));
        }
        // GTDB's `Blautia_A` belongs to the wider genus that other vocabularies know
        if let Some(shorter) = without_gtdb_suffixes(&name) {
            if let Some(entry) = catalog.rank_name(rank, &shorter) {
                return Some((entry.rank, entry.name.clone(), How::Merged));
            }
            if let Some((genus, _)) = catalog.genus(&shorter) {
                return Some((rank, genus.to_owned(), How::Merged));
            }
        }
    }
    Some((rank, name, How::Exact))
}

/// Greengenes brackets a genus that its own tree contradicts: `[Ruminococcus]` among the
/// Lachnospiraceae is *Mediterraneibacter*; most others hold several genera, and roll up.
fn misplaced_genus(lineage: &Lineage, raw: &str) -> Option<(Rank, String, How)> {
    let name = spelled(raw);
    let family = lineage.name(Rank::Family).map(spelled).unwrap_or_default();
    match (name.as_str(), family.as_str()) {
        ("Ruminococcus", "Lachnospiraceae") => {
            Some((Rank::Genus, "Mediterraneibacter".to_owned(), How::Synonym))
        }
        ("Prevotella", _) => Some((Rank::Genus, name, How::CaseOrPunctuation)),
        _ => within_family(lineage),
    }
}

/// SILVA's labels inside a family, which are no genera: `Lachnospiraceae_UCG-004`,
/// `Christensenellaceae_R-7_group`, `UCG-002`, `[Eubacterium]_nodatum_group`.
fn is_group_label(raw: &str) -> bool {
    let name = spelled(raw);
    let in_family = name
        .split_once('_')
        .is_some_and(|(family, rest)| family.ends_with("aceae") && !rest.is_empty());
    in_family || name.starts_with("UCG_") || name.ends_with("_group")
}

fn within_family(lineage: &Lineage) -> Option<(Rank, String, How)> {
    let family = spelled(name_at(lineage, Rank::Family)?);
    if is_nameless(&family) {
        return None;
    }
    let family = catalog()
        .rank_name(Rank::Family, &family)
        .map_or(family, |entry| entry.name.clone());
    Some((Rank::Family, family, How::Ambiguous))
}

fn placed(source: &Lineage, rank: Rank, name: String, how: How) -> Clade {
    let catalog = catalog();
    let known_genus = (rank == Rank::Genus)
        .then(|| catalog.genus(&name))
        .flatten()
        .map(|(_, family)| family.to_owned());
    let is_listed = known_genus.is_some() || (rank == Rank::Family && catalog.is_family(&name));
    let mut lineage = match known_genus {
        Some(family) if !family.is_empty() => catalog.family_lineage(&family),
        _ if rank == Rank::Family && is_listed => catalog.family_lineage(&name),
        _ => canonical_path(source, rank),
    };
    lineage.set(rank, &name);
    Clade {
        rank,
        name,
        how,
        lineage,
        is_listed,
    }
}

/// The ranks above `rank`, each under its name here.
pub(super) fn canonical_path(source: &Lineage, rank: Rank) -> Lineage {
    let catalog = catalog();
    let mut path = Lineage::default();
    for above in Rank::ALL.into_iter().filter(|&above| above < rank) {
        let Some(raw) = name_at(source, above).filter(|raw| !is_nameless(raw)) else {
            continue;
        };
        match catalog.rank_name(above, raw) {
            Some(entry) if entry.rank == above => path.set(above, &entry.name),
            Some(_) => {}
            None => path.set(above, &spelled(raw)),
        }
    }
    if let Some(family) = path
        .name(Rank::Family)
        .filter(|family| catalog.is_family(family))
    {
        let mut known = catalog.family_lineage(family);
        if let Some(genus) = path.name(Rank::Genus) {
            known.set(Rank::Genus, genus);
        }
        return known;
    }
    path
}

/// The smallest clade that holds all of some species.
pub(super) fn common_clade(catalog: &Catalog, places: &[usize]) -> Option<Clade> {
    let lineages: Vec<Lineage> = places
        .iter()
        .map(|&at| catalog.species_lineage(at))
        .collect();
    let genera: Vec<Option<Clade>> = lineages
        .iter()
        .map(|lineage| clade_at(lineage, Rank::Genus))
        .collect();
    if let Some(Some(first)) = genera.first()
        && genera
            .iter()
            .all(|clade| clade.as_ref().is_some_and(|clade| clade.name == first.name))
    {
        return Some(first.clone());
    }
    let first = lineages.first()?;
    Rank::ALL
        .into_iter()
        .rev()
        .skip_while(|&rank| rank > Rank::Family)
        .find(|&rank| {
            first.name(rank).is_some()
                && lineages
                    .iter()
                    .all(|lineage| lineage.name(rank) == first.name(rank))
        })
        .and_then(|rank| clade_at(first, rank))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clade(label: &str) -> Clade {
        clade_of(&Lineage::parse(label), Rank::Genus).unwrap()
    }

    #[test]
    fn genera_of_16s_and_shotgun_tables_meet() {
        for (label, key) in [
            (
                "k__Bacteria;f__Lachnospiraceae;g__[Ruminococcus]",
                "g__Mediterraneibacter",
            ),
            (
                "k__Bacteria|f__Lachnospiraceae|g__Ruminococcus2",
                "g__Mediterraneibacter",
            ),
            ("d__Bacteria;f__Lachnospiraceae;g__Blautia_A", "g__Blautia"),
            (
                "k__Bacteria|f__Enterobacteriaceae|g__Escherichia/Shigella",
                "g__Escherichia",
            ),
            (
                "k__Bacteria|f__Bacteroidaceae|g__Phocaeicola",
                "g__Bacteroides",
            ),
            (
                "k__Bacteria|f__Lachnospiraceae|g__Clostridium_XlVa",
                "f__Lachnospiraceae",
            ),
            (
                "D_0__Bacteria;D_4__Lachnospiraceae;D_5__Lachnoclostridium",
                "f__Lachnospiraceae",
            ),
            (
                "d__Bacteria;f__Oscillospiraceae;g__UCG-002",
                "f__Ruminococcaceae",
            ),
            (
                "d__Bacteria;f__Lachnospiraceae;g__Lachnospiraceae_UCG-004",
                "f__Lachnospiraceae",
            ),
            (
                "d__Bacteria;f__Lachnospiraceae;g__[Ruminococcus]_torques_group",
                "g__Mediterraneibacter",
            ),
            (
                "d__Bacteria;f__Lachnospiraceae;g__Agathobacter",
                "f__Lachnospiraceae",
            ),
            (
                "k__Bacteria;f__[Paraprevotellaceae];g__[Prevotella]",
                "g__Prevotella",
            ),
            (
                "k__Bacteria;f__Erysipelotrichaceae;g__[Eubacterium]",
                "f__Erysipelotrichaceae",
            ),
            (
                "k__Bacteria|p__Firmicutes|f__Oscillospiraceae|g__GGB9615",
                "f__Ruminococcaceae",
            ),
        ] {
            assert_eq!(clade(label).key(), key, "{label}");
        }
    }

    #[test]
    fn a_known_genus_brings_its_whole_path() {
        let lineage = clade("g__Akkermansia;s__").lineage;
        assert_eq!(lineage.name(Rank::Phylum), Some("Verrucomicrobia"));
        assert_eq!(lineage.name(Rank::Family), Some("Akkermansiaceae"));
    }

    #[test]
    fn new_names_of_phyla_are_the_old_ones_here() {
        assert_eq!(
            clade("d__Bacteria;p__Bacillota_A;c__;g__").key(),
            "p__Firmicutes"
        );
    }
}
