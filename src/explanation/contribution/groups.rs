//! Which columns of the response model belong to which term, and what is known of the term.

use std::collections::BTreeMap;

use super::heterogeneity::Heterogeneity;
use super::result::{Measure, TermKind};
use crate::Result;
use crate::feature::{COMMUNITY_FEATURES, ProfileSchema};
use crate::matcher::Expected;
use crate::profile::ProfileTable;
use crate::taxonomy::{Grade, genus_of, lineage_of, signature};

/// What taxa without a genus are called.
const NO_GENUS: &str = "no_genus";

/// A term that sums up the community: its name, what it counts, its columns, and the signatures that
/// say what is known of it.
struct Summary {
    term: &'static str,
    measure: Measure,
    features: &'static [&'static str],
    signatures: &'static [&'static str],
}

const fn burden(
    term: &'static str,
    features: &'static [&'static str],
    signatures: &'static [&'static str],
) -> Summary {
    Summary {
        term,
        measure: Measure::Fraction,
        features,
        signatures,
    }
}

/// The community features by term; each stands in one.
const SUMMARIES: [Summary; 10] = [
    Summary {
        term: "diversity",
        measure: Measure::Shannon,
        features: &["shannon", "ln_richness"],
        signatures: &[],
    },
    Summary {
        term: "toposcore",
        measure: Measure::Toposcore,
        features: &[
            "toposcore",
            "sig1_burden",
            "sig2_burden",
            "sig2_sig1_log_ratio",
        ],
        signatures: &["toposcore_sig1", "toposcore_sig2"],
    },
    burden(
        "akkermansia_muciniphila",
        &["akkermansia_absent", "akkermansia_high"],
        &["akkermansia_muciniphila"],
    ),
    burden(
        "prevotellaceae",
        &["prevotellaceae_burden"],
        &["prevotellaceae"],
    ),
    burden(
        "scfa_producers",
        &["scfa_producer_burden"],
        &["scfa_producers"],
    ),
    burden("oral", &["oral_burden"], &["oral"]),
    burden(
        "proteobacteria",
        &["proteobacteria_burden"],
        &["proteobacteria"],
    ),
    burden(
        "bifidobacterium",
        &["bifidobacterium_burden"],
        &["bifidobacterium"],
    ),
    burden(
        "luminate_depletion",
        &["luminate_depletion_burden"],
        &["luminate_depletion"],
    ),
    Summary {
        term: "scfa_producers_over_oral_and_proteobacteria",
        measure: Measure::LogRatio,
        features: &["scfa_oral_log_ratio", "scfa_proteobacteria_log_ratio"],
        signatures: &["scfa_producers", "oral", "proteobacteria"],
    },
];

/// What is known of the diversity, which is no signature.
const DIVERSITY: (&str, &str) = (
    "higher in responders of most cohorts; AUC 0.58 ± 0.02 alone over ten",
    "Gopalakrishnan 2018, Science, and the ten cohorts of the domain tables",
);

/// A term of the community: its columns and what is known of it.
pub(super) struct Group {
    pub(super) term: String,
    pub(super) kind: TermKind,
    /// Columns of the response model.
    pub(super) columns: Vec<usize>,
    pub(super) known: Known,
    pub(super) heterogeneity: Option<Heterogeneity>,
    pub(super) measure: Measure,
    counts: Counts,
}

/// What speaks for and against a term.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) grade: Grade,
    pub(super) evidence: String,
    pub(super) source: String,
}

/// What the numbers of a term are read from.
enum Counts {
    /// A community feature.
    Feature(usize),
    /// Columns of the table.
    Taxa(Vec<u32>),
}

impl Group {
    /// The terms that the columns of a schema make, summaries before genera.
    pub(super) fn all(schema: &ProfileSchema, taxa: &ProfileTable) -> Result<Vec<Self>> {
        let mut groups = SUMMARIES
            .iter()
            .map(|summary| Self::of_summary(summary, taxa))
            .collect::<Result<Vec<_>>>()?;
        let mut genera: BTreeMap<String, (Vec<usize>, Vec<u32>)> = BTreeMap::new();
        for (column, taxon) in (COMMUNITY_FEATURES.len()..).zip(schema.taxa()) {
            let genus = lineage_of(taxon).and_then(|lineage| genus_of(&lineage));
            let genus = genus.unwrap_or_else(|| NO_GENUS.to_owned());
            genera.entry(genus).or_default().0.push(column);
        }
        for (column, taxon) in (0..).zip(taxa.taxa()) {
            let genus = genus_of(taxon.lineage()).unwrap_or_else(|| NO_GENUS.to_owned());
            if let Some((_, columns)) = genera.get_mut(&genus) {
                columns.push(column);
            }
        }
        let genera = genera.into_iter().map(|(term, (columns, taxa))| Self {
            term,
            kind: TermKind::Genus,
            columns,
            heterogeneity: None,
            known: Known {
                grade: Grade::Unrated,
                evidence: "learned from the training patients alone".to_owned(),
                source: String::new(),
            },
            measure: Measure::Fraction,
            counts: Counts::Taxa(taxa),
        });
        groups.extend(genera);
        let told = Heterogeneity::bundled()?;
        for group in &mut groups {
            group.heterogeneity = told.get(&group.term).copied();
        }
        Ok(groups)
    }

    fn of_summary(summary: &Summary, taxa: &ProfileTable) -> Result<Self> {
        let place = |name: &str| COMMUNITY_FEATURES.iter().position(|&one| one == name);
        let columns: Vec<usize> = summary
            .features
            .iter()
            .filter_map(|name| place(name))
            .collect();
        let counts = match (summary.measure, summary.signatures) {
            (Measure::Fraction, [name, ..]) => {
                Counts::Taxa(signature(name)?.membership(taxa).all_columns())
            }
            _ => Counts::Feature(columns.first().copied().unwrap_or(0)),
        };
        let kind = match summary.signatures {
            [] => TermKind::Diversity,
            _ => TermKind::Signature,
        };
        Ok(Self {
            term: summary.term.to_owned(),
            kind,
            columns,
            known: known_of(summary.signatures)?,
            heterogeneity: None,
            measure: summary.measure,
            counts,
        })
    }

    /// What the term counts in a community.
    pub(super) fn count(&self, community: &Expected) -> f64 {
        match &self.counts {
            Counts::Feature(column) => community.community[*column],
            Counts::Taxa(columns) => {
                let fractions = columns
                    .iter()
                    .map(|&taxon| community.fractions[taxon as usize]);
                fractions.fold(0.0, |sum, fraction| sum + fraction)
            }
        }
    }
}

/// What is known of some signatures together: the grade of the weakest, and the words of each.
pub(super) fn known_of(signatures: &[&str]) -> Result<Known> {
    if signatures.is_empty() {
        return Ok(Known {
            grade: Grade::Replicated,
            evidence: DIVERSITY.0.to_owned(),
            source: DIVERSITY.1.to_owned(),
        });
    }
    let all = signatures
        .iter()
        .map(|name| signature(name))
        .collect::<Result<Vec<_>>>()?;
    let joined = |word: fn(&crate::taxonomy::Signature) -> &str| {
        let mut words: Vec<&str> = all.iter().map(word).collect();
        words.dedup();
        words.join("; ")
    };
    let place = |grade: &Grade| Grade::ALL.iter().position(|one| one == grade);
    Ok(Known {
        grade: all
            .iter()
            .map(|one| one.grade)
            .max_by_key(place)
            .unwrap_or_default(),
        evidence: joined(|one| &one.evidence),
        source: joined(|one| &one.source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::taxonomy::species_keys;

    #[test]
    fn every_community_feature_stands_in_one_term() {
        let mut found: Vec<&str> = SUMMARIES
            .iter()
            .flat_map(|one| one.features)
            .copied()
            .collect();
        found.sort_unstable();
        let mut all = COMMUNITY_FEATURES.to_vec();
        all.sort_unstable();
        assert_eq!(found, all);
    }

    #[test]
    fn of_every_summary_it_is_told_how_far_cohorts_agree() {
        let told = Heterogeneity::bundled().unwrap();
        for summary in &SUMMARIES {
            assert!(told.contains_key(summary.term), "{}", summary.term);
        }
    }

    #[test]
    fn the_genera_of_the_table_are_named_as_terms_are() {
        let names: std::collections::BTreeSet<String> = species_keys()
            .filter_map(|key| lineage_of(key).as_ref().and_then(genus_of))
            .collect();
        let told = Heterogeneity::bundled().unwrap();
        let unknown = told
            .keys()
            .filter(|term| !SUMMARIES.iter().any(|summary| summary.term == **term))
            .filter(|term| !names.contains(*term));
        // What is known to no genus stands under its family or higher.
        let misnamed: Vec<_> = unknown.filter(|term| !term.contains("__")).collect();
        assert!(misnamed.is_empty(), "{misnamed:?}");
    }

    #[test]
    fn several_signatures_are_as_good_as_the_weakest() {
        let ratio = known_of(&["scfa_producers", "oral", "proteobacteria"]).unwrap();
        assert_eq!(ratio.grade, Grade::Marker);
        let toposcore = known_of(&["toposcore_sig1", "toposcore_sig2"]).unwrap();
        assert_eq!(
            toposcore.evidence,
            "modest in lung cancer, none shown in melanoma"
        );
    }
}
