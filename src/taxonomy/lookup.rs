//! Questions about single names.

use super::catalog::catalog;
use super::clade::clade_of;
use super::place::place;
use super::resolution::{Reading, clade_named};
use super::{Target, UnknownTaxa};
use crate::profile::{Lineage, Rank, Taxon};

/// The path from the root of a key of the vocabulary of the models, at species or genus level or of
/// a remainder (`f__Lachnospiraceae`); `None` for a name that the vocabulary lacks. Ranks that are
/// not known are absent.
///
/// # Examples
/// ```
/// use donormatch::profile::Rank;
/// use donormatch::taxonomy::lineage_of;
///
/// let lineage = lineage_of("Akkermansia_muciniphila").unwrap_or_default();
/// assert_eq!(lineage.name(Rank::Phylum), Some("Verrucomicrobia"));
/// ```
pub fn lineage_of(key: &str) -> Option<Lineage> {
    let catalog = catalog();
    if let Some(at) = catalog.find_key(key) {
        return Some(catalog.species_lineage(at));
    }
    clade_named(key)
        .filter(|clade| clade.is_listed)
        .map(|clade| clade.lineage)
}

/// The key of the vocabulary of the models for a species named in any way, or `None` where the
/// vocabulary lacks it.
///
/// # Examples
/// ```
/// use donormatch::taxonomy::harmonize_species;
///
/// assert_eq!(harmonize_species("[Clostridium] bolteae").as_deref(), Some("Enterocloster_bolteae"));
/// ```
pub fn harmonize_species(name: &str) -> Option<String> {
    let placed = place(
        &Taxon::new(name),
        Target::Species,
        UnknownTaxa::Drop,
        Reading::Ncbi,
    );
    placed.key.filter(|_| placed.is_listed)
}

/// The genus of the vocabulary of the models for a genus, species or lineage named in any way, or
/// `None` where the label reaches no genus that the vocabulary knows.
///
/// # Examples
/// ```
/// use donormatch::taxonomy::harmonize_genus;
///
/// assert_eq!(harmonize_genus("g__Phocaeicola").as_deref(), Some("Bacteroides"));
/// assert_eq!(harmonize_genus("g__Lachnoclostridium"), None);
/// ```
pub fn harmonize_genus(name: &str) -> Option<String> {
    let placed = place(
        &Taxon::new(name),
        Target::Genus,
        UnknownTaxa::Drop,
        Reading::Ncbi,
    );
    placed.key.filter(|_| placed.is_listed)
}

/// The SGBs of `MetaPhlAn` `vJan21` that a species of the vocabulary holds; empty where none is known.
pub fn sgbs_of(key: &str) -> &'static [String] {
    let catalog = catalog();
    catalog
        .find_key(key)
        .map_or(&[], |at| catalog.species_at(at).sgbs.as_slice())
}

/// All species keys of the vocabulary, sorted.
pub fn species_keys() -> impl Iterator<Item = &'static str> {
    catalog()
        .species()
        .iter()
        .map(|species| species.key.as_str())
}

/// The genus key of a harmonized species table's taxon, or the remainder it falls under.
pub fn genus_of(lineage: &Lineage) -> Option<String> {
    clade_of(lineage, Rank::Genus).map(|clade| {
        if clade.rank == Rank::Genus {
            clade.name
        } else {
            clade.key()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_remainders_and_unknown_names_are_told_apart() {
        let family = |key: &str| {
            lineage_of(key).and_then(|lineage| lineage.name(Rank::Family).map(str::to_owned))
        };
        assert_eq!(
            family("Eubacterium_rectale").as_deref(),
            Some("Lachnospiraceae")
        );
        assert_eq!(family("SGB1581").as_deref(), Some("Prevotellaceae"));
        assert_eq!(family("Blautia").as_deref(), Some("Lachnospiraceae"));
        assert_eq!(family("f__Rikenellaceae").as_deref(), Some("Rikenellaceae"));
        assert_eq!(lineage_of("Nobody_knows"), None);
        assert_eq!(lineage_of(""), None);
    }

    #[test]
    fn names_that_reach_nothing_give_none() {
        for name in [
            "",
            "Otu0001",
            "unknown_Clostridiales",
            "s__",
            "Nobody_knows",
        ] {
            assert_eq!(harmonize_species(name), None, "{name}");
        }
        assert_eq!(harmonize_genus("g__[Clostridium]"), None);
        assert_eq!(
            harmonize_genus("Escherichia-Shigella").as_deref(),
            Some("Escherichia")
        );
        assert_eq!(
            harmonize_genus("s__Phocaeicola_dorei").as_deref(),
            Some("Bacteroides")
        );
    }

    #[test]
    fn a_species_lists_its_sgbs_and_keys_are_sorted() {
        // crosswalk_mpaJan21_sgb_gtdb.tsv
        assert_eq!(sgbs_of("Dorea_longicatena"), ["SGB4581", "SGB4582"]);
        assert!(sgbs_of("Nobody_knows").is_empty());
        assert!(species_keys().is_sorted());
    }

    #[test]
    fn the_genus_of_a_lineage_is_the_wider_one() {
        let genus = |key: &str| lineage_of(key).as_ref().and_then(genus_of);
        assert_eq!(genus("Phocaeicola_dorei").as_deref(), Some("Bacteroides"));
        assert_eq!(
            genus("Eubacterium_rectale").as_deref(),
            Some("f__Lachnospiraceae")
        );
    }
}
