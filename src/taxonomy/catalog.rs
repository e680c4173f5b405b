//! The compiled-in asset: canonical species, their other names, lineages and traits.

use std::collections::HashMap;
use std::io::Read;
use std::sync::OnceLock;

use super::How;
use super::spelling::{folded, spelled};
use super::traits::{Confidence, OxygenTolerance, Trait, Traits};
use crate::profile::{Lineage, Rank};

static ASSET: &[u8] = include_bytes!("../../assets/taxonomy-1.tsv.gz");

/// One species of the vocabulary of the models.
#[derive(Debug, Clone)]
pub(super) struct Species {
    pub key: String,
    pub genus: String,
    pub family: String,
    pub sgbs: Vec<String>,
    pub gtdb: Vec<String>,
}

/// A name above the species and what it is called here.
#[derive(Debug, Clone)]
pub(super) struct RankName {
    pub rank: Rank,
    pub name: String,
    pub how: How,
}

/// Everything the asset holds, indexed.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    species: Vec<Species>,
    by_key: HashMap<String, usize>,
    by_name: HashMap<String, (usize, How)>,
    by_sgb: HashMap<String, usize>,
    by_gtdb: HashMap<String, Vec<usize>>,
    genera: HashMap<String, (String, String)>,
    families: HashMap<String, [String; 4]>,
    ranks: HashMap<(Rank, String), RankName>,
    traits: HashMap<String, Traits>,
}

/// The asset, read at first use.
pub(super) fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| {
        let mut text = String::new();
        let read = flate2::read::GzDecoder::new(ASSET).read_to_string(&mut text);
        debug_assert!(read.is_ok(), "the compiled-in asset is a gzip file");
        Catalog::parse(&text)
    })
}

impl Catalog {
    fn parse(text: &str) -> Self {
        let mut catalog = Self::default();
        let mut names = Vec::new();
        let mut sgbs = Vec::new();
        for line in text.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            match fields.as_slice() {
                ["family", family, order, class, phylum, kingdom] => {
                    let ranks = [order, class, phylum, kingdom].map(|name| {
                        if name.ends_with("_unclassified") {
                            String::new()
                        } else {
                            (*name).to_owned()
                        }
                    });
                    catalog.families.insert((*family).to_owned(), ranks);
                }
                ["species", key, genus, family, sgbs, gtdb] => {
                    catalog.add_species(key, genus, family, sgbs, gtdb);
                }
                ["name", variant, key, how] => names.push((*variant, *key, *how)),
                ["sgb", sgb, key] => sgbs.push((*sgb, *key)),
                ["rank", rank, variant, target, how] => {
                    catalog.add_rank_name(rank, variant, target, how);
                }
                ["trait", name, taxon, value, confidence] => {
                    catalog.add_trait(name, taxon, value, confidence);
                }
                _ => {}
            }
        }
        for (variant, key, how) in names {
            if let Some(&at) = catalog.by_key.get(key) {
                let how = match how {
                    "split" => How::Split,
                    "merged" => How::Merged,
                    _ => How::Synonym,
                };
                catalog.by_name.entry(folded(variant)).or_insert((at, how));
            }
        }
        for (sgb, key) in sgbs {
            if let Some(&at) = catalog.by_key.get(key) {
                catalog.by_sgb.entry(sgb.to_owned()).or_insert(at);
            }
        }
        catalog
    }

    fn add_species(&mut self, key: &str, genus: &str, family: &str, sgbs: &str, gtdb: &str) {
        let at = self.species.len();
        let list = |text: &str, separator: char| -> Vec<String> {
            text.split(separator)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let species = Species {
            key: key.to_owned(),
            genus: genus.to_owned(),
            family: family.to_owned(),
            sgbs: list(sgbs, ','),
            gtdb: list(gtdb, ';'),
        };
        self.by_key.insert(key.to_owned(), at);
        self.by_name
            .insert(folded(key), (at, How::CaseOrPunctuation));
        for sgb in &species.sgbs {
            self.by_sgb.insert(sgb.clone(), at);
        }
        for name in &species.gtdb {
            self.by_gtdb.entry(spelled(name)).or_default().push(at);
        }
        if !genus.is_empty() {
            let entry = self
                .genera
                .entry(folded(genus))
                .or_insert_with(|| (genus.to_owned(), String::new()));
            if entry.1.is_empty() {
                family.clone_into(&mut entry.1);
            }
        }
        self.species.push(species);
    }

    fn add_rank_name(&mut self, rank: &str, variant: &str, target: &str, how: &str) {
        let Some(rank) = Rank::ALL.into_iter().find(|known| known.as_str() == rank) else {
            return;
        };
        let (target_rank, name) = match target.split_once("__") {
            Some((letter, name)) => (
                letter
                    .chars()
                    .next()
                    .and_then(Rank::from_letter)
                    .unwrap_or(rank),
                name,
            ),
            None => (rank, target),
        };
        let how = match how {
            "merged" => How::Merged,
            "ambiguous" => How::Ambiguous,
            _ => How::Synonym,
        };
        let name = name.to_owned();
        self.ranks.insert(
            (rank, folded(variant)),
            RankName {
                rank: target_rank,
                name,
                how,
            },
        );
    }

    fn add_trait(&mut self, name: &str, taxon: &str, value: &str, confidence: &str) {
        let confidence = match confidence {
            "high" => Confidence::High,
            "medium" => Confidence::Medium,
            _ => Confidence::Low,
        };
        let traits = self.traits.entry(taxon.to_owned()).or_default();
        if name == "oral" {
            traits.oral = Some(Trait {
                value: value == "yes",
                confidence,
            });
        } else {
            let value = if value == "tolerant" {
                OxygenTolerance::Tolerant
            } else {
                OxygenTolerance::Anaerobe
            };
            traits.oxygen = Some(Trait { value, confidence });
        }
    }

    pub fn species(&self) -> &[Species] {
        &self.species
    }

    pub fn species_at(&self, at: usize) -> &Species {
        &self.species[at]
    }

    pub fn find_key(&self, key: &str) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    pub fn find_sgb(&self, sgb: &str) -> Option<usize> {
        self.by_sgb.get(sgb).copied()
    }

    /// By the name of any year but GTDB's, whatever its case and punctuation.
    pub fn find_name(&self, name: &str) -> Option<(usize, How)> {
        self.by_name.get(&folded(name)).copied()
    }

    /// By GTDB's name, suffixes and all.
    pub fn find_gtdb(&self, name: &str) -> &[usize] {
        self.by_gtdb.get(&spelled(name)).map_or(&[], Vec::as_slice)
    }

    pub fn rank_name(&self, rank: Rank, name: &str) -> Option<&RankName> {
        self.ranks.get(&(rank, folded(name)))
    }

    /// The spelling and the family of a known genus.
    pub fn genus(&self, name: &str) -> Option<(&str, &str)> {
        self.genera
            .get(&folded(name))
            .map(|(genus, family)| (genus.as_str(), family.as_str()))
    }

    /// The path down to a family; empty where the family is not known.
    pub fn family_lineage(&self, family: &str) -> Lineage {
        let mut lineage = Lineage::default();
        if let Some([order, class, phylum, kingdom]) = self.families.get(family) {
            lineage.set(Rank::Kingdom, kingdom);
            lineage.set(Rank::Phylum, phylum);
            lineage.set(Rank::Class, class);
            lineage.set(Rank::Order, order);
        }
        lineage.set(Rank::Family, family);
        lineage
    }

    pub fn is_family(&self, family: &str) -> bool {
        self.families.contains_key(family)
    }

    /// The path down to a species of the vocabulary.
    pub fn species_lineage(&self, at: usize) -> Lineage {
        let species = &self.species[at];
        let mut lineage = self.family_lineage(&species.family);
        lineage.set(Rank::Genus, &species.genus);
        lineage.set(Rank::Species, &species.key);
        lineage
    }

    pub fn traits_of(&self, taxon: &str) -> Option<&Traits> {
        self.traits.get(taxon)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_asset_is_whole() {
        let catalog = catalog();
        assert!(catalog.species().len() > 2000);
        let sgbs: usize = catalog.species().iter().map(|one| one.sgbs.len()).sum();
        // rows of crosswalk_mpaJan21_sgb_gtdb.tsv
        assert_eq!(sgbs, 2641);
        assert!(catalog.is_family("Lachnospiraceae"));
    }

    #[test]
    fn every_target_of_a_rank_name_is_its_own_target() {
        let catalog = catalog();
        for entry in catalog.ranks.values() {
            assert!(
                catalog.rank_name(entry.rank, &entry.name).is_none(),
                "{} is renamed again",
                entry.name
            );
        }
    }

    #[test]
    fn every_species_key_finds_itself_by_name() {
        let catalog = catalog();
        for (at, species) in catalog.species().iter().enumerate() {
            assert_eq!(catalog.find_key(&species.key), Some(at));
        }
    }
}
