//! What the engraftment model knows of one taxon of one pair.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pair::{PairProfile, TransplantContext};
use crate::profile::{Rank, Taxon};
use crate::taxonomy::{OxygenTolerance, traits_of};

/// Added to a fraction before its logarithm: below the detection limit of every training study.
pub(super) const FLOOR: f64 = 1e-6;

/// The features of a taxon of a pair, in the order of the columns; abundances are log10 of
/// fraction + 10⁻⁶. The clade indicators of [`CladeTable`] follow.
pub(crate) const FEATURES: [&str; 23] = [
    "donor_abundance",
    "recipient_abundance",
    "donor_recipient_log_ratio",
    "maximum_abundance",
    "mean_abundance",
    "in_donor",
    "in_recipient",
    "donor_percentile",
    "recipient_percentile",
    "prevalence",
    "training_mean_abundance",
    "donor_shannon",
    "recipient_shannon",
    "shannon_difference",
    "donor_richness",
    "recipient_richness",
    "richness_log_ratio",
    "bray_curtis",
    "donor_taxa_shared",
    "log10_day",
    "antibiotics",
    "oral",
    "oxygen_tolerant",
];

/// Features in which the probability of presence may only rise: abundances, percentiles and the
/// prevalence elsewhere.
pub(super) const RISING: [usize; 7] = [0, 1, 3, 4, 7, 8, 9];

/// The features of [`EngraftmentFeatures::Core`](super::EngraftmentFeatures::Core).
pub(super) const CORE: [u32; 9] = [0, 1, 3, 4, 7, 8, 9, 17, 18];

/// Day and antibiotics: read by the trees of models of format 3 and before only. They say nothing
/// of one taxon against another, and vary between trials more than within; since then they act in
/// [`Departures`](super::departure::Departures).
pub(super) const READ_NO_LONGER: [u32; 2] = [19, 20];

/// What the profiles of one study say of a taxon.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct StudySummary {
    pub study: u32,
    /// Fraction of the profiles with the taxon.
    pub prevalence: f64,
    /// Mean fraction of the taxon over all profiles.
    pub mean: f64,
}

/// What the training studies say of each taxon, kept apart by study so that a training row can be
/// shown what the others say.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct TaxonPrior {
    pub(crate) studies: Vec<String>,
    /// Taxa, sorted, with one entry a study that has the taxon.
    pub(crate) taxa: Vec<String>,
    pub(crate) summaries: Vec<Vec<StudySummary>>,
}

impl TaxonPrior {
    pub fn new(studies: Vec<String>, by_taxon: BTreeMap<&str, Vec<StudySummary>>) -> Self {
        let mut prior = Self {
            studies,
            ..Self::default()
        };
        for (taxon, summaries) in by_taxon {
            prior.taxa.push(taxon.to_owned());
            prior.summaries.push(summaries);
        }
        prior
    }

    /// Mean over studies, but for one, of prevalence, and log10 of that of abundance; 0 and the
    /// floor for a taxon that none of them has.
    fn of(&self, label: &str, without: Option<u32>) -> (f64, f64) {
        let n_studies = self.studies.len() - usize::from(without.is_some());
        let Ok(at) = self
            .taxa
            .binary_search_by(|taxon| taxon.as_str().cmp(label))
        else {
            return (0.0, log10(0.0));
        };
        let others = self.summaries[at]
            .iter()
            .filter(|summary| Some(summary.study) != without);
        let (mut prevalence, mut mean) = (0.0, 0.0);
        for summary in others {
            prevalence += summary.prevalence;
            mean += summary.mean;
        }
        let n = n_studies.max(1) as f64;
        (prevalence / n, log10(mean / n))
    }

    /// Whether the parts fit together, for a prior that was read from a file.
    pub fn is_consistent(&self) -> bool {
        let n_studies = self.studies.len() as u32;
        let sound = |summary: &StudySummary| {
            summary.study < n_studies
                && (0.0..=1.0).contains(&summary.prevalence)
                && summary.mean >= 0.0
                && summary.mean.is_finite()
        };
        self.taxa.len() == self.summaries.len()
            && self.taxa.is_sorted()
            && self.summaries.iter().flatten().all(sound)
    }

    fn number_of(&self, study: &str) -> Option<u32> {
        (0_u32..)
            .zip(&self.studies)
            .find(|(_, name)| *name == study)
            .map(|(number, _)| number)
    }
}

/// The clades that have an indicator column.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct CladeTable {
    pub clades: Vec<(Rank, String)>,
}

/// What does not change with the pair: worked out once for the columns of a table.
#[derive(Debug, Clone)]
pub(super) struct TaxonFeatures {
    prevalence: Vec<f64>,
    log_mean: Vec<f64>,
    traits: Vec<[f64; 2]>,
    clades: Vec<Vec<u32>>,
    n_clades: usize,
}

impl TaxonFeatures {
    /// `own_study`: for training rows, the study whose own word on a taxon is left out.
    pub fn new(
        taxa: &[Taxon],
        prior: &TaxonPrior,
        clades: &CladeTable,
        own_study: Option<&str>,
    ) -> Self {
        let without = own_study.and_then(|study| prior.number_of(study));
        let (prevalence, log_mean) = taxa
            .iter()
            .map(|taxon| prior.of(taxon.label(), without))
            .unzip();
        let member = |taxon: &Taxon| {
            let of = |(rank, name): &(Rank, String)| taxon.lineage().name(*rank) == Some(name);
            (0_u32..)
                .zip(&clades.clades)
                .filter(|(_, clade)| of(clade))
                .map(|(at, _)| at)
                .collect()
        };
        Self {
            prevalence,
            log_mean,
            traits: taxa.iter().map(trait_columns).collect(),
            clades: taxa.iter().map(member).collect(),
            n_clades: clades.clades.len(),
        }
    }

    /// Number of columns.
    pub fn n_features(&self) -> usize {
        FEATURES.len() + self.n_clades
    }

    /// Appends one row a taxon of the pair, row after row.
    pub fn append(&self, pair: &PairProfile, context: TransplantContext, rows: &mut Vec<f64>) {
        let community = Community::of(pair, context);
        let donor_percentile = percentiles(&pair.donor);
        let recipient_percentile = percentiles(&pair.recipient);
        for (at, &taxon) in pair.taxa.iter().enumerate() {
            let (donor, recipient) = (pair.donor[at], pair.recipient[at]);
            let taxon = taxon as usize;
            rows.extend([
                log10(donor),
                log10(recipient),
                log10(donor) - log10(recipient),
                log10(donor.max(recipient)),
                log10(f64::midpoint(donor, recipient)),
                f64::from(u8::from(donor > 0.0)),
                f64::from(u8::from(recipient > 0.0)),
                donor_percentile[at],
                recipient_percentile[at],
                self.prevalence[taxon],
                self.log_mean[taxon],
            ]);
            rows.extend(community.columns);
            rows.extend(self.traits[taxon]);
            let start = rows.len();
            rows.resize(start + self.n_clades, 0.0);
            for &clade in &self.clades[taxon] {
                rows[start + clade as usize] = 1.0;
            }
        }
    }
}

/// The columns shared by all taxa of a pair.
struct Community {
    columns: [f64; 10],
}

impl Community {
    fn of(pair: &PairProfile, context: TransplantContext) -> Self {
        let (shannon_d, richness_d) = shannon_and_richness(&pair.donor);
        let (shannon_r, richness_r) = shannon_and_richness(&pair.recipient);
        let both = pair.donor.iter().zip(&pair.recipient);
        let overlap: f64 = both
            .clone()
            .map(|(donor, recipient)| donor.min(*recipient))
            .sum();
        let n_shared = both
            .filter(|(donor, recipient)| **donor > 0.0 && **recipient > 0.0)
            .count();
        Self {
            columns: [
                shannon_d,
                shannon_r,
                shannon_d - shannon_r,
                richness_d,
                richness_r,
                libm::log(richness_d / richness_r),
                1.0 - overlap,
                n_shared as f64 / richness_d,
                libm::log10(context.day + 1.0),
                trait_value(context.antibiotics),
            ],
        }
    }
}

/// Oral and oxygen-tolerant, each 1, 0 or, where not known, missing.
fn trait_columns(taxon: &Taxon) -> [f64; 2] {
    let traits = traits_of(taxon.label(), taxon.lineage());
    let tolerant = traits
        .oxygen
        .map(|oxygen| oxygen.value == OxygenTolerance::Tolerant);
    [
        trait_value(traits.oral.map(|oral| oral.value)),
        trait_value(tolerant),
    ]
}

fn trait_value(known: Option<bool>) -> f64 {
    known.map_or(f64::NAN, |yes| f64::from(u8::from(yes)))
}

fn log10(fraction: f64) -> f64 {
    libm::log10(fraction + FLOOR)
}

fn shannon_and_richness(profile: &[f64]) -> (f64, f64) {
    let present = profile.iter().filter(|&&fraction| fraction > 0.0);
    let shannon: f64 = present
        .clone()
        .map(|&fraction| -fraction * libm::log(fraction))
        .sum();
    (shannon, present.count() as f64)
}

/// Rank of each abundance among those present, ties sharing their mean rank, divided by their
/// number; 0 for absent taxa.
fn percentiles(profile: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..profile.len()).filter(|&at| profile[at] > 0.0).collect();
    order.sort_by(|&a, &b| profile[a].total_cmp(&profile[b]));
    let n = order.len() as f64;
    let mut ranks = vec![0.0; profile.len()];
    let mut start = 0;
    for tie in order.chunk_by(|&a, &b| profile[a].total_cmp(&profile[b]).is_eq()) {
        let mean_rank = start as f64 + f64::midpoint(1.0, tie.len() as f64);
        for &at in tie {
            ranks[at] = mean_rank / n;
        }
        start += tie.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_share_ties_and_skip_absent_taxa() {
        let ranks = percentiles(&[0.2, 0.0, 0.2, 0.6]);
        assert_eq!(ranks, [0.5, 0.0, 0.5, 1.0]);
    }
}
