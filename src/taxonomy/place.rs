//! The policy: of all places a taxon could go, the one it goes to.

use super::catalog::catalog;
use super::clade::{Clade, canonical_path, clade_of};
use super::params::{Target, UnknownTaxa};
use super::report::How;
use super::resolution::{Reading, Resolution};
use super::resolve::resolve;
use crate::profile::{Lineage, Rank, Taxon};

/// Where a taxon goes.
#[derive(Debug, Clone)]
pub(super) struct Placement {
    /// The key of the column; `None` where it is dropped.
    pub key: Option<String>,
    pub lineage: Lineage,
    pub how: How,
    pub candidates: Vec<String>,
    /// Whether the key is an entry of the vocabulary at the rank asked for.
    pub is_listed: bool,
    /// Whether the catalog knew any name of it, at any rank.
    pub is_recognized: bool,
}

/// Places a taxon in the vocabulary of `target`.
pub(super) fn place(
    taxon: &Taxon,
    target: Target,
    unknown: UnknownTaxa,
    reading: Reading,
) -> Placement {
    let found = resolve(taxon, reading);
    match target {
        Target::Species => place_species(taxon, found, unknown),
        Target::Genus => place_genus(taxon, found, unknown),
    }
}

fn place_species(taxon: &Taxon, found: Resolution, unknown: UnknownTaxa) -> Placement {
    if let Some(at) = found.listed {
        let species = catalog().species_at(at);
        return Placement {
            key: Some(species.key.clone()),
            lineage: species_lineage(at, taxon),
            how: found.how,
            candidates: found.candidates,
            is_listed: true,
            is_recognized: true,
        };
    }
    let is_recognized = found.clade.as_ref().is_some_and(|clade| clade.is_listed);
    match (found.own, unknown) {
        (Some(own), UnknownTaxa::Keep | UnknownTaxa::Reject) => {
            let mut lineage = match found.clade {
                Some(clade) if clade.rank == Rank::Genus => clade.lineage,
                _ => canonical_path(taxon.lineage(), Rank::Species),
            };
            lineage.set(Rank::Species, &own);
            Placement {
                key: Some(own),
                lineage,
                how: How::Kept,
                candidates: found.candidates,
                is_listed: false,
                is_recognized,
            }
        }
        (Some(_), UnknownTaxa::Drop) => dropped(found.candidates, is_recognized),
        (Some(_), UnknownTaxa::RollUp) => {
            remainder(found.clade, How::RolledUp, found.candidates, is_recognized)
        }
        (None, _) => remainder(found.clade, found.how, found.candidates, is_recognized),
    }
}

fn species_lineage(at: usize, taxon: &Taxon) -> Lineage {
    let known = catalog().species_lineage(at);
    if known.name(Rank::Kingdom).is_some() {
        return known;
    }
    let mut lineage = canonical_path(taxon.lineage(), Rank::Genus);
    for rank in [Rank::Family, Rank::Genus, Rank::Species] {
        if let Some(name) = known.name(rank) {
            lineage.set(rank, name);
        }
    }
    lineage
}

fn place_genus(taxon: &Taxon, found: Resolution, unknown: UnknownTaxa) -> Placement {
    let (clade, how) = match found.listed {
        Some(at) => {
            let lineage = species_lineage(at, taxon);
            let clade = clade_of(&lineage, Rank::Genus);
            (clade, found.how)
        }
        None => (found.clade, found.how),
    };
    let is_recognized =
        found.listed.is_some() || clade.as_ref().is_some_and(|clade| clade.is_listed);
    let Some(clade) = clade else {
        return match (found.own, unknown) {
            (Some(own), UnknownTaxa::Keep | UnknownTaxa::Reject) => kept_genus(own, taxon),
            _ => dropped(found.candidates, is_recognized),
        };
    };
    if clade.rank != Rank::Genus {
        let how = if clade.how == How::Ambiguous {
            How::Ambiguous
        } else {
            above_genus(how)
        };
        return remainder(Some(clade), how, found.candidates, is_recognized);
    }
    if !clade.is_listed {
        return match unknown {
            UnknownTaxa::Keep | UnknownTaxa::Reject => kept_genus(clade.name, taxon),
            UnknownTaxa::Drop => dropped(found.candidates, is_recognized),
            UnknownTaxa::RollUp => {
                let wider = clade_of(&clade.lineage, Rank::Family);
                remainder(wider, How::RolledUp, found.candidates, is_recognized)
            }
        };
    }
    Placement {
        key: Some(clade.name),
        lineage: clade.lineage,
        how: genus_how(how, clade.how),
        candidates: found.candidates,
        is_listed: true,
        is_recognized,
    }
}

/// A species within its genus is not a finding of its own: the name of the genus decides, but for
/// what a reader should see.
fn genus_how(species: How, genus: How) -> How {
    match species {
        How::Ambiguous | How::Split => species,
        _ => genus,
    }
}

fn above_genus(how: How) -> How {
    match how {
        How::Ambiguous => How::Ambiguous,
        _ => How::RolledUp,
    }
}

fn kept_genus(name: String, taxon: &Taxon) -> Placement {
    let mut lineage = canonical_path(taxon.lineage(), Rank::Genus);
    lineage.set(Rank::Genus, &name);
    Placement {
        key: Some(name),
        lineage,
        how: How::Kept,
        candidates: Vec::new(),
        is_listed: false,
        is_recognized: false,
    }
}

fn remainder(
    clade: Option<Clade>,
    how: How,
    candidates: Vec<String>,
    is_recognized: bool,
) -> Placement {
    let Some(clade) = clade else {
        return dropped(candidates, is_recognized);
    };
    Placement {
        key: Some(clade.key()),
        lineage: clade.lineage,
        how,
        candidates,
        is_listed: false,
        is_recognized,
    }
}

fn dropped(candidates: Vec<String>, is_recognized: bool) -> Placement {
    Placement {
        key: None,
        lineage: Lineage::default(),
        how: How::Dropped,
        candidates,
        is_listed: false,
        is_recognized,
    }
}
