//! A species name of any vocabulary → its place in the catalog, or what it can be rolled up to.

use super::How;
use super::catalog::Catalog;
use super::clade::common_clade;
use super::resolution::{Reading, Resolution, clade_named};
use super::spelling::{folded, sgb_in, spelled, without_gtdb_suffixes, without_prefix};
use crate::profile::Rank;

/// Places a species by its name: exact, another year's, GTDB's, several in one, a part of one.
pub(super) fn by_name(catalog: &Catalog, raw: &str, reading: Reading) -> Resolution {
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
    if rest == ["group"] {
        return Some(of_group(catalog, name, &format!("{genus}_{epithet}")));
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

/// `Streptococcus_anginosus_group` is several species, and SILVA's groups are genera.
fn of_group(catalog: &Catalog, name: &str, species: &str) -> Resolution {
    let listed = catalog.find_name(species).map(|(at, _)| at);
    let clade = catalog
        .rank_name(Rank::Genus, name)
        .and_then(|_| clade_named(name))
        .or_else(|| common_clade(catalog, &[listed?]))
        .or_else(|| clade_named(species.split('_').next()?));
    Resolution {
        candidates: listed
            .map(|at| catalog.species_at(at).key.clone())
            .into_iter()
            .collect(),
        ..Resolution::nameless(clade, How::Ambiguous)
    }
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
