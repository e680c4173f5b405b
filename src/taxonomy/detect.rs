//! Which naming system a table uses, from what its reader stated or from its labels.

use crate::profile::{ProfileTable, Rank, Taxon, Vocabulary};

/// The vocabulary of a table: what the file stated, in short form, else what its labels look like.
///
/// Gives one of `mpa_vJan21`, `mpa_vOct22`, `mpa_vJun23` (or another `mpa_v…` that a header stated),
/// `mpa_sgb` (SGBs of unknown version), `ncbi`, `gtdb_r207`, `gtdb_r220`, `silva`, `greengenes`,
/// `motus`, `donormatch_species_1`, `donormatch_genus_1`, or `unknown`. A stated vocabulary that is
/// none of these is given back as stated.
///
/// GTDB's release is told by its phyla: `Firmicutes` until r207, `Bacillota` from r214 on.
pub fn detect_vocabulary(table: &ProfileTable) -> Vocabulary {
    let stated = table.vocabulary();
    if !stated.is_unknown() {
        return short_form(stated);
    }
    let found = LABEL_TESTS
        .iter()
        .find(|(_, looks_like)| looks_like(table.taxa()))
        .map_or(Vocabulary::UNKNOWN, |(name, _)| name);
    Vocabulary::new(found)
}

/// Whether names of this vocabulary have GTDB's meaning.
pub(super) fn is_gtdb(vocabulary: &Vocabulary) -> bool {
    vocabulary.as_str().to_lowercase().contains("gtdb")
}

fn short_form(stated: &Vocabulary) -> Vocabulary {
    let name = stated.as_str().trim_start_matches('#');
    match name.strip_prefix("mpa_") {
        Some(rest) => {
            let version = rest.split('_').next().unwrap_or(rest);
            Vocabulary::new(format!("mpa_{version}"))
        }
        None => stated.clone(),
    }
}

type LabelTest = fn(&[Taxon]) -> bool;

const LABEL_TESTS: [(&str, LabelTest); 7] = [
    ("motus", |taxa| any(taxa, |label| label.contains("mOTU"))),
    ("mpa_sgb", |taxa| {
        any(taxa, |label| {
            label.contains("t__SGB") || label.contains("_SGB")
        })
    }),
    ("gtdb_r220", |taxa| {
        has_gtdb_form(taxa) && any(taxa, |label| label.contains("p__Bacillota"))
    }),
    ("gtdb_r207", has_gtdb_form),
    ("silva", |taxa| {
        any(taxa, |label| {
            label.starts_with("D_0__")
                || (label.starts_with("d__") && label.contains(';'))
                || label.contains("Escherichia-Shigella")
        })
    }),
    ("greengenes", |taxa| {
        any(taxa, |label| {
            label.starts_with("k__") && label.contains(';')
        })
    }),
    ("ncbi", |taxa| {
        any(taxa, |label| {
            label.starts_with("k__") || label.starts_with("s__")
        }) || taxa.iter().any(|taxon| is_binomial(taxon.label()))
    }),
];

fn any(taxa: &[Taxon], test: impl Fn(&str) -> bool) -> bool {
    taxa.iter().any(|taxon| test(taxon.label()))
}

/// Most species have a prefix and a space, as GTDB writes them: `s__Blautia_A wexlerae`.
fn has_gtdb_form(taxa: &[Taxon]) -> bool {
    let species = taxa.iter().filter_map(|taxon| {
        let is_prefixed = taxon.label().starts_with("d__") || taxon.label().starts_with("s__");
        let name = taxon.lineage().name(Rank::Species)?;
        Some(is_prefixed && name.contains(' '))
    });
    let (mut n_species, mut n_spaced) = (0_usize, 0_usize);
    for is_spaced in species {
        n_species += 1;
        n_spaced += usize::from(is_spaced);
    }
    2 * n_spaced > n_species
}

fn is_binomial(label: &str) -> bool {
    let mut words = label.split([' ', '_']);
    let (Some(genus), Some(epithet)) = (words.next(), words.next()) else {
        return false;
    };
    genus
        .trim_matches(['[', ']'])
        .starts_with(|letter: char| letter.is_ascii_uppercase())
        && epithet.bytes().all(|byte| byte.is_ascii_lowercase())
        && epithet.len() > 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Unit;

    fn of(label: &str) -> String {
        let table = ProfileTable::builder(Unit::Fraction)
            .taxa([Taxon::new(label)])
            .sample("a", vec![(0, 1.0)])
            .build()
            .unwrap();
        detect_vocabulary(&table).as_str().to_owned()
    }

    #[test]
    fn labels_tell_their_vocabulary() {
        for (label, expected) in [
            (
                "k__Bacteria|p__Firmicutes|s__Blautia_obeum|t__SGB4811_group",
                "mpa_sgb",
            ),
            ("k__Bacteria|p__Firmicutes|s__Blautia_obeum", "ncbi"),
            (
                "d__Bacteria;p__Firmicutes_A;s__Blautia_A obeum",
                "gtdb_r207",
            ),
            ("d__Bacteria;p__Bacillota_A;s__Blautia_A obeum", "gtdb_r220"),
            ("D_0__Bacteria;D_1__Firmicutes", "silva"),
            ("k__Bacteria;p__Firmicutes;g__[Ruminococcus]", "greengenes"),
            ("k__Bacteria|s__X|m__ref_mOTU_v2_0004", "motus"),
            ("f3fc3c1992d8118d", "unknown"),
        ] {
            assert_eq!(of(label), expected, "{label}");
        }
    }

    #[test]
    fn a_stated_vocabulary_is_believed() {
        let table = ProfileTable::builder(Unit::Percent)
            .vocabulary(Vocabulary::new("mpa_vJan21_CHOCOPhlAnSGB_202103"))
            .taxa([Taxon::new("s__X_y")])
            .sample("a", vec![(0, 1.0)])
            .build()
            .unwrap();
        assert_eq!(detect_vocabulary(&table).as_str(), "mpa_vJan21");
    }
}
