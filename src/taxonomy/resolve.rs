//! One taxon of any vocabulary → where it belongs in the vocabulary of the models.

use super::How;
use super::by_name::by_name;
use super::catalog::{Catalog, catalog};
use super::clade::clade_of;
use super::resolution::{Reading, Resolution, clade_named};
use super::spelling::{clade_of_nameless, is_nameless, sgb_in, spelled, without_prefix};
use crate::profile::{Rank, Taxon};

/// Places a taxon at species level.
pub(super) fn resolve(taxon: &Taxon, reading: Reading) -> Resolution {
    let catalog = catalog();
    let lineage = taxon.lineage();
    // a table that was harmonized before
    if reading == Reading::Ncbi
        && let Some(at) = catalog.find_key(taxon.label())
    {
        return Resolution::listed(at, How::Exact);
    }
    let around = || clade_of(lineage, Rank::Genus);
    let joined = epithet_with_genus(taxon);
    let name = match (lineage.name(Rank::Species), lineage.is_empty()) {
        (Some(name), _) => joined.as_deref().unwrap_or(name),
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

/// Greengenes writes the epithet alone: `g__[Ruminococcus];s__gnavus` → `Ruminococcus_gnavus`. A
/// taxon whose whole label is that word has it for a name.
fn epithet_with_genus(taxon: &Taxon) -> Option<String> {
    let lineage = taxon.lineage();
    let epithet = lineage
        .name(Rank::Species)
        .filter(|epithet| *epithet != taxon.label())?;
    let genus = lineage
        .name(Rank::Genus)
        .filter(|genus| !is_nameless(genus))?;
    let letters = spelled(&epithet.replace('-', ""));
    let is_epithet = !is_nameless(epithet)
        && !letters.is_empty()
        && letters.bytes().all(|byte| byte.is_ascii_lowercase());
    is_epithet.then(|| format!("{}_{}", spelled(genus), spelled(epithet)))
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
    fn an_epithet_alone_takes_its_genus() {
        let label = |genus, epithet| {
            format!("k__Bacteria;p__Firmicutes;f__Lachnospiraceae;g__{genus};s__{epithet}")
        };
        assert_eq!(
            key_of(&label("[Ruminococcus]", "gnavus")).0,
            "Ruminococcus_gnavus"
        );
        assert_eq!(key_of(&label("Blautia", "obeum")).0, "Blautia_obeum");
        assert_eq!(key_of(&label("Blautia", "[obeum].")).0, "Blautia_obeum");
        assert_eq!(key_of(&label("a", "_b")).0, "a_b");
        assert_eq!(
            key_of(&label("Blautia", "human_gut_metagenome")).0,
            "g__Blautia"
        );
        assert_eq!(key_of(&label("Blautia", "")).0, "g__Blautia");
    }

    #[test]
    fn a_group_label_is_no_species() {
        assert_eq!(
            key_of("s__Streptococcus_anginosus_group"),
            ("g__Streptococcus".into(), How::Ambiguous)
        );
        assert_eq!(
            key_of("Ruminococcus_gnavus_group").0,
            "g__Mediterraneibacter"
        );
        assert_eq!(key_of("[Eubacterium]_hallii_group").0, "g__Anaerobutyricum");
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
