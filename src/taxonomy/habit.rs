//! How the species of a table live, from their keys and lineages.

use super::catalog::catalog;
use super::traits::Traits;
use crate::profile::{Lineage, Rank};

/// The traits of a taxon of a harmonized table, from its key and lineage: the row of the species,
/// else of its genus, else of its family.
///
/// # Examples
/// ```
/// use donormatch::taxonomy::{lineage_of, traits_of};
///
/// let key = "Veillonella_parvula";
/// let traits = traits_of(key, &lineage_of(key).unwrap_or_default());
/// assert!(traits.oral.is_some_and(|oral| oral.value));
/// ```
pub fn traits_of(key: &str, lineage: &Lineage) -> Traits {
    let catalog = catalog();
    let of = |taxon: String| catalog.traits_of(&taxon).copied().unwrap_or_default();
    let at_rank = |rank: Rank| {
        lineage
            .name(rank)
            .map(|name| of(format!("{}__{name}", rank.letter())))
            .unwrap_or_default()
    };
    of(key.to_owned())
        .or(at_rank(Rank::Genus))
        .or(at_rank(Rank::Family))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::taxonomy::{OxygenTolerance, lineage_of};

    #[test]
    fn the_most_specific_row_holds_and_unknown_stays_unknown() {
        let of = |key: &str| traits_of(key, &lineage_of(key).unwrap_or_default());
        assert!(!of("Blautia_wexlerae").oral.unwrap().value);
        assert_eq!(
            of("Blautia_wexlerae").oxygen.unwrap().value,
            OxygenTolerance::Anaerobe
        );
        assert_eq!(
            of("Escherichia_coli").oxygen.unwrap().value,
            OxygenTolerance::Tolerant
        );
        assert_eq!(of("Nobody_knows"), Traits::default());
    }
}
