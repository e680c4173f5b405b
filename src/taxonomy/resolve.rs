//! One taxon of any vocabulary → where it belongs in the vocabulary of the models.

use super::How;
use super::catalog::{Catalog, catalog};
use super::clade::{Clade, clade_of, common_clade};
use super::spelling::{
    clade_of_nameless, folded, is_nameless, sgb_in, spelled, without_gtdb_suffixes, without_prefix,
};
use crate::profile::{Rank, Taxon};

/// Where a taxon could go; which of these is taken is the caller's policy.
#[derive(Debug, Clone, Default)]
pub(super) struct Resolution {
    /// The species of the vocabulary, by its place in the catalog.
    pub listed: Option<usize>,
    /// The name it would keep if kept; none where the source gave no name of its own.
    pub own: Option<String>,
    /// The smallest named clade around it.
    pub clade: Option<Clade>,
    pub how: How,
    /// What else the name may mean.
    pub candidates: Vec<String>,
}

impl Resolution {
    fn listed(at: usize, how: How) -> Self {
        Self {
            listed: Some(at),
            how,
            ..Self::default()
        }
    }

    fn unlisted(own: String) -> Self {
        Self {
            own: Some(own),
            how: How::Kept,
            ..Self::default()
        }
    }

    fn nameless(clade: Option<Clade>, how: How) -> Self {
        Self {
            clade,
            how,
            ..Self::default()
        }
    }
}

/// Which of two meanings comes first where NCBI and GTDB use one name for two organisms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Ncbi,
    Gtdb,
}

/// Places a taxon at species level.
pub(super) fn resolve(taxon: &Taxon, reading: Reading) -> Resolution {
    let catalog = catalog();
    let lineage = taxon.lineage();
    let around = || clade_of(lineage, Rank::Genus);
    let name = match (lineage.name(Rank::Species), lineage.is_empty()) {
        (Some(name), _) => name,
        (None, true) => taxon.label(),
        (None, false) => {
            if let Some(found) = lineage
                .name(Rank::Strain)
                .and_then(|name| by_sgb(catalog, name, None))
            {
                return found;
            }
            return of_higher_rank(taxon);
        }
    };
    let strain = lineage.name(Rank::Strain);
    if let Some(found) = strain.and_then(|strain| by_sgb(catalog, strain, Some(name))) {
        return found;
    }
    if let Some(sgb) = sgb_in(name) {
        return by_sgb(catalog, name, Some(name)).unwrap_or_else(|| Resolution {
            clade: around(),
            ..Resolution::unlisted(sgb)
        });
    }
    if lineage.is_empty() && !spelled(name).contains('_') {
        return of_bare_word(name);
    }
    if is_nameless(name) || clade_of_nameless(name).is_some() {
        let clade = clade_of_nameless(name)
            .and_then(|inner| clade_named(&inner))
            .filter(|_| lineage.name(Rank::Genus).is_none())
            .or_else(around);
        let mut found = Resolution::nameless(clade, How::RolledUp);
        found.own = strain.filter(|id| !is_nameless(id)).map(spelled);
        return found;
    }
    let mut found = by_name(catalog, name, reading);
    if found.listed.is_none() && found.clade.is_none() {
        found.clade = around().or_else(|| clade_named(spelled(name).split('_').next()?));
    }
    found
}

fn by_sgb(catalog: &Catalog, label: &str, name: Option<&str>) -> Option<Resolution> {
    let sgb = sgb_in(label)?;
    let at = catalog.find_sgb(&sgb)?;
    let agrees = name.is_none_or(|name| {
        sgb_in(name).as_ref() == Some(&sgb) || without_prefix(name) == catalog.species_at(at).key
    });
    let how = if agrees { How::Exact } else { How::Synonym };
    Some(Resolution::listed(at, how))
}

fn of_higher_rank(taxon: &Taxon) -> Resolution {
    let clade = clade_of(taxon.lineage(), Rank::Genus);
    let how = match &clade {
        Some(clade) if clade.how == How::Ambiguous => How::Ambiguous,
        _ => How::RolledUp,
    };
    Resolution::nameless(clade, how)
}

/// A label of one word without lineage: a genus, a family, or an opaque identifier.
fn of_bare_word(name: &str) -> Resolution {
    match clade_named(name) {
        Some(clade) => Resolution::nameless(Some(clade), How::RolledUp),
        None if is_nameless(name) => Resolution::nameless(None, How::Dropped),
        None => Resolution::unlisted(spelled(name)),
    }
}

/// The clade that a single word names, by what the catalog knows and by its ending.
pub(super) fn clade_named(word: &str) -> Option<Clade> {
    let rank = match word.split_once("__") {
        Some((letter, _)) if letter.len() == 1 => {
            letter.chars().next().and_then(Rank::from_letter)?
        }
        _ if word.ends_with("aceae") => Rank::Family,
        _ if word.ends_with("ales") => Rank::Order,
        _ if catalog().genus(word).is_some()
            || catalog().rank_name(Rank::Genus, word).is_some() =>
        {
            Rank::Genus
        }
        _ => Rank::ALL
            .into_iter()
            .find(|&rank| catalog().rank_name(rank, word).is_some())?,
    };
    let mut lineage = crate::profile::Lineage::default();
    lineage.set(rank, without_prefix(word));
    clade_of(&lineage, Rank::Genus)
}

fn by_name(catalog: &Catalog, raw: &str, reading: Reading) -> Resolution {
    let raw = without_prefix(raw);
    // mOTUs marks corrected names with `[C]`
    let raw = raw.strip_suffix("_[C]").unwrap_or(raw);
    if let Some(parts) = several_names(raw) {
        return of_several(catalog, &parts, raw);
    }
    let name = spelled(raw);
    let found = match reading {
        Reading::Gtdb => by_gtdb(catalog, &name).or_else(|| listed_name(catalog, raw, &name)),
        Reading::Ncbi => listed_name(catalog, raw, &name).or_else(|| by_gtdb(catalog, &name)),
    };
    found
        .or_else(|| without_suffix(catalog, &name))
        .or_else(|| below_species(catalog, &name))
        .unwrap_or_else(|| Resolution::unlisted(name))
}

fn listed_name(catalog: &Catalog, raw: &str, name: &str) -> Option<Resolution> {
    let candidate = |variant: &str| catalog.find_name(variant);
    let (at, how) = candidate(name)
        .or_else(|| candidate(&format!("Candidatus_{name}")))
        .or_else(|| {
            candidate(
                name.strip_prefix("Candidatus_")
                    .or(name.strip_prefix("candidatus_"))?,
            )
        })?;
    let key = &catalog.species_at(at).key;
    let how = if raw == key { How::Exact } else { how };
    let mut found = Resolution::listed(at, how);
    if how == How::Split {
        let stem = format!("{}_clade_", folded(name));
        found.candidates = catalog
            .species()
            .iter()
            .filter(|species| folded(&species.key).starts_with(&stem))
            .map(|species| species.key.clone())
            .collect();
    }
    Some(found)
}

fn by_gtdb(catalog: &Catalog, name: &str) -> Option<Resolution> {
    let places = catalog.find_gtdb(name);
    let (&first, others) = places.split_first()?;
    let keys: Vec<String> = places
        .iter()
        .map(|&at| catalog.species_at(at).key.clone())
        .collect();
    if others.is_empty() {
        let how = if keys[0] == name {
            How::Exact
        } else {
            How::Synonym
        };
        return Some(Resolution::listed(first, how));
    }
    let same_name = keys.iter().position(|key| folded(key) == folded(name));
    let mut named = keys
        .iter()
        .enumerate()
        .filter(|(_, key)| sgb_in(key).is_none());
    let only_named = named.next().filter(|_| named.next().is_none());
    let found = match same_name.or(only_named.map(|(at, _)| at)) {
        Some(at) => Resolution::listed(places[at], How::Split),
        None => Resolution::nameless(common_clade(catalog, places), How::Ambiguous),
    };
    Some(Resolution {
        candidates: keys,
        ..found
    })
}

/// GTDB's suffixed genera that the crosswalk does not list: the species without the suffix, reported
/// as split, never silently. A suffixed species (`Akkermansia muciniphila_C`) is another species.
fn without_suffix(catalog: &Catalog, name: &str) -> Option<Resolution> {
    let shorter = without_gtdb_suffixes(name)?;
    if !name.ends_with(shorter.rsplit('_').next()?) {
        return None;
    }
    let (at, _) = catalog.find_name(&shorter)?;
    Some(Resolution {
        candidates: vec![catalog.species_at(at).key.clone()],
        ..Resolution::listed(at, How::Split)
    })
}

/// `Bifidobacterium_longum_subsp_infantis`, `Bacteroides_fragilis_CAG_47`: rolled up to the species.
/// `Lactobacillus_casei_paracasei`: two species in one label.
fn below_species(catalog: &Catalog, name: &str) -> Option<Resolution> {
    const NOT_EPITHETS: [&str; 8] = [
        "sp",
        "bacterium",
        "archaeon",
        "cf",
        "aff",
        "genomosp",
        "oral",
        "symbiont",
    ];
    let words: Vec<&str> = name.split('_').collect();
    let [genus, epithet, rest @ ..] = words.as_slice() else {
        return None;
    };
    if rest.is_empty() || NOT_EPITHETS.contains(epithet) || *genus == "Candidatus" {
        return None;
    }
    // GTDB's `muciniphila_C` is another species, not a part of this one
    if without_gtdb_suffixes(name).is_some_and(|shorter| shorter == format!("{genus}_{epithet}")) {
        return None;
    }
    let lower = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    if rest.iter().all(|word| lower(word)) {
        let parts: Vec<String> = words[1..]
            .iter()
            .map(|word| format!("{genus}_{word}"))
            .collect();
        if parts.iter().all(|part| catalog.find_name(part).is_some()) {
            return Some(of_several(catalog, &parts, name));
        }
    }
    let (at, _) = catalog.find_name(&format!("{genus}_{epithet}"))?;
    Some(Resolution::listed(at, How::Merged))
}

/// The species in `Bacteroides vulgatus/dorei` or mOTUs' `Bacteroides_sp._[C_dorei/vulgatus]`.
fn several_names(raw: &str) -> Option<Vec<String>> {
    let (before, list) = match raw.split_once("[C_") {
        Some((before, list)) => (before, list.trim_end_matches(']')),
        None if raw.contains('/') => ("", raw),
        None => return None,
    };
    let mut genus = spelled(before)
        .split('_')
        .next()
        .unwrap_or_default()
        .to_owned();
    let mut parts = Vec::new();
    for part in list.split('/') {
        let part = spelled(part);
        let starts_upper = part.starts_with(|letter: char| letter.is_ascii_uppercase());
        if starts_upper && part.contains('_') {
            part.split('_')
                .next()
                .unwrap_or_default()
                .clone_into(&mut genus);
            parts.push(part);
        } else if starts_upper || genus.is_empty() {
            parts.push(part);
        } else {
            parts.push(format!("{genus}_{part}"));
        }
    }
    Some(parts)
}

fn of_several(catalog: &Catalog, parts: &[String], raw: &str) -> Resolution {
    let places: Vec<Option<usize>> = parts
        .iter()
        .map(|part| {
            catalog
                .find_name(part)
                .map(|(at, _)| at)
                .or_else(|| catalog.find_gtdb(part).first().copied())
        })
        .collect();
    let candidates = parts
        .iter()
        .zip(&places)
        .map(|(part, place)| {
            place.map_or_else(|| part.clone(), |at| catalog.species_at(at).key.clone())
        })
        .collect::<Vec<_>>();
    if let Some(Some(first)) = places.first()
        && places.iter().all(|place| *place == Some(*first))
    {
        return Resolution::listed(*first, How::Merged);
    }
    let known: Option<Vec<usize>> = places.into_iter().collect();
    let clade = known
        .and_then(|known| common_clade(catalog, &known))
        .or_else(|| one_genus(parts).and_then(|genus| clade_named(&genus)))
        .or_else(|| clade_named(spelled(raw).split('_').next()?));
    Resolution {
        candidates,
        ..Resolution::nameless(clade, How::Ambiguous)
    }
}

fn one_genus(parts: &[String]) -> Option<String> {
    let mut genera = parts.iter().filter_map(|part| part.split('_').next());
    let first = genera.next()?;
    genera.all(|genus| genus == first).then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(label: &str) -> (String, How) {
        let found = resolve(&Taxon::new(label), Reading::Ncbi);
        let key = match (found.listed, &found.clade, &found.own) {
            (Some(at), _, _) => catalog().species_at(at).key.clone(),
            (None, _, Some(own)) => own.clone(),
            (None, Some(clade), None) => clade.key(),
            (None, None, None) => String::new(),
        };
        (key, found.how)
    }

    #[test]
    fn names_of_all_years_land_on_one_key() {
        for label in [
            "s__Eubacterium_rectale",
            "k__Bacteria|p__Firmicutes|g__Lachnospira|s__Lachnospira_rectalis",
            "[Eubacterium] rectale",
            "d__Bacteria;p__Firmicutes_A;g__Agathobacter;s__Agathobacter rectalis",
            "k__B|s__Some_new_name|t__SGB4933_group",
        ] {
            assert_eq!(key_of(label).0, "Eubacterium_rectale", "{label}");
        }
        assert_eq!(key_of("s__Blautia_A wexlerae").0, "Blautia_wexlerae");
        assert_eq!(
            key_of("Bacteroides vulgatus"),
            ("Phocaeicola_vulgatus".into(), How::Synonym)
        );
    }

    #[test]
    fn prevotella_copri_and_segatella_copri_are_one_and_clades_stay_apart() {
        let (old, how) = key_of("s__Prevotella_copri");
        assert_eq!(
            (old.as_str(), how),
            ("Prevotella_copri_clade_A", How::Split)
        );
        assert_eq!(key_of("Segatella copri").0, old);
        assert_eq!(key_of("k__B|s__Prevotella_copri_clade_A|t__SGB1626").0, old);
        assert_eq!(key_of("Segatella_sinensis").0, "Prevotella_copri_clade_C");
        let found = resolve(&Taxon::new("s__Prevotella_copri"), Reading::Ncbi);
        assert_eq!(found.candidates.len(), 4);
    }

    #[test]
    fn placeholders_go_by_their_number() {
        assert_eq!(key_of("GGB1215_SGB1581"), ("SGB1581".into(), How::Exact));
        assert_eq!(
            key_of("k__B|s__GGB1_SGB999999|t__SGB999999"),
            ("SGB999999".into(), How::Kept)
        );
    }

    #[test]
    fn one_name_for_two_organisms_is_read_in_its_own_vocabulary() {
        let taxon = Taxon::new("s__Bacteroides massiliensis");
        let key = |reading| {
            catalog()
                .species_at(resolve(&taxon, reading).listed.unwrap())
                .key
                .clone()
        };
        assert_eq!(key(Reading::Ncbi), "Phocaeicola_massiliensis");
        assert_eq!(key(Reading::Gtdb), "Mediterranea_massiliensis");
    }

    #[test]
    fn several_species_in_one_label_roll_up_and_say_so() {
        assert_eq!(
            key_of("s__Bacteroides_sp._[C_dorei/vulgatus]"),
            ("g__Bacteroides".into(), How::Ambiguous)
        );
        assert_eq!(
            key_of("Bacteroides vulgatus/dorei"),
            ("g__Bacteroides".into(), How::Ambiguous)
        );
        assert_eq!(
            key_of("s__Lactobacillus_casei_paracasei"),
            ("g__Lactobacillus".into(), How::Ambiguous)
        );
    }

    #[test]
    fn subspecies_and_nameless_tails_roll_up() {
        assert_eq!(
            key_of("Bifidobacterium longum subsp. infantis"),
            ("Bifidobacterium_longum".into(), How::Merged)
        );
        assert_eq!(
            key_of("s__Subdoligranulum_unclassified"),
            ("g__Subdoligranulum".into(), How::RolledUp)
        );
        assert_eq!(
            key_of("s__Enterococcus_faecium_[C]").0,
            "Enterococcus_faecium"
        );
        assert_eq!(
            key_of(
                "k__Bacteria;p__Firmicutes;c__Clostridia;o__Clostridiales;f__Lachnospiraceae;g__"
            )
            .0,
            "f__Lachnospiraceae"
        );
    }
}
