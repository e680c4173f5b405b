//! What is known of how a species lives: in the mouth, with oxygen.

use serde::{Deserialize, Serialize};

use super::catalog::catalog;
use crate::profile::{Lineage, Rank};

/// How sure a trait is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Species of the clade differ.
    Low,
    /// Textbook physiology or a habitat database, not checked for each strain.
    Medium,
    /// Named so by a source of the project.
    High,
}

/// Whether a species stands oxygen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OxygenTolerance {
    /// Aerobic, facultative or microaerophilic.
    Tolerant,
    /// Strict anaerobe.
    Anaerobe,
}

/// A known trait with its confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trait<T> {
    /// The trait.
    pub value: T,
    /// How sure it is.
    pub confidence: Confidence,
}

/// The traits of a taxon; `None` is unknown, never "no".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Traits {
    /// Lives mainly in the mouth.
    pub oral: Option<Trait<bool>>,
    /// Stands oxygen or not.
    pub oxygen: Option<Trait<OxygenTolerance>>,
}

impl Traits {
    fn or(self, wider: Self) -> Self {
        Self {
            oral: self.oral.or(wider.oral),
            oxygen: self.oxygen.or(wider.oxygen),
        }
    }
}

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
    use crate::taxonomy::lineage_of;

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
