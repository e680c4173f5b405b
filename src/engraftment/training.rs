//! Transplants → rows to learn from. Everything counted over more than one row is counted here,
//! over the cohorts given and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::ArrayView2;

use super::departure::{Departure, covariates};
use super::feature::{CladeTable, FLOOR, StudySummary, TaxonFeatures, TaxonPrior};
use super::pair::{PairProfile, TransplantContext, above_limit};
use crate::cohort::{Cohort, Transplant};
use crate::numeric::decimal::rounded;
use crate::profile::{CsrMatrix, ProfileTable, Rank, SampleId};
use crate::{Error, Result};

/// One transplant with a follow-up: its pair and what was found after.
#[derive(Debug, Clone)]
pub(crate) struct Observation {
    pub cohort: usize,
    pub pair: PairProfile,
    pub after: Vec<f64>,
    pub context: TransplantContext,
    /// `study\trecipient`: rows of one recipient are drawn together.
    pub recipient: String,
    pub study: String,
}

/// Pairs of all transplants of a cohort, over the cohort's own columns; what lies below the limit
/// is not detected, before or after.
pub(crate) fn observations(
    cohort: &Cohort,
    number: usize,
    detection_limit: f64,
) -> Result<Vec<Observation>> {
    let rows: BTreeMap<&SampleId, usize> = cohort.profiles().samples().iter().zip(0..).collect();
    let fractions = cohort.profiles().closure();
    let abundance = fractions.abundance();
    let row = |sample: &SampleId| {
        rows.get(sample)
            .copied()
            .ok_or_else(|| Error::table(format!("no profile for `{sample}`")))
    };
    let observe = |transplant: &Transplant| -> Result<Option<Observation>> {
        let Some(follow_up) = &transplant.follow_up else {
            return Ok(None);
        };
        let donors = transplant
            .donor_samples
            .iter()
            .map(&row)
            .collect::<Result<Vec<_>>>()?;
        let pair = PairProfile::new(abundance, &donors, abundance, row(&transplant.baseline)?)?;
        let pair = pair.above(detection_limit);
        let after = values_at(abundance, row(&follow_up.sample)?, &pair.taxa);
        let after = after
            .into_iter()
            .map(|fraction| above_limit(fraction, detection_limit))
            .collect();
        let context = TransplantContext {
            day: follow_up
                .day
                .unwrap_or(TransplantContext::DEFAULT_DAY)
                .max(0.0),
            antibiotics: transplant.antibiotics,
        };
        let study = transplant.study.as_str().to_owned();
        let recipient = format!("{study}\t{}", transplant.recipient);
        Ok(Some(Observation {
            cohort: number,
            pair,
            after,
            context,
            recipient,
            study,
        }))
    };
    cohort
        .transplants()
        .iter()
        .filter_map(|transplant| observe(transplant).transpose())
        .collect()
}

/// What each observation says beyond the scores of its taxa.
pub(super) fn departures(
    observed: &[Observation],
    scores: &[Vec<f64>],
    last_day: f64,
) -> Vec<Departure> {
    let mut trials: BTreeMap<&str, usize> = BTreeMap::new();
    let mut recipients: BTreeMap<&str, usize> = BTreeMap::new();
    let sum_up = |(observation, scores): (&'_ Observation, &Vec<f64>)| {
        let taxa = scores.iter().zip(&observation.pair.recipient);
        let taxa = taxa.zip(&observation.after);
        taxa.map(|((&score, &before), &after)| (score, before > 0.0, after > 0.0))
            .collect::<Vec<_>>()
    };
    observed
        .iter()
        .zip(scores)
        .map(|(observation, scores)| {
            let next = trials.len();
            let trial = *trials.entry(&observation.study).or_insert(next);
            let next = recipients.len();
            let recipient = *recipients.entry(&observation.recipient).or_insert(next);
            let taxa = sum_up((observation, scores));
            let known = covariates(observation.context, last_day);
            Departure::of((trial, recipient), known, taxa.into_iter())
        })
        .collect()
}

fn values_at(matrix: &CsrMatrix, row: usize, taxa: &[u32]) -> Vec<f64> {
    taxa.iter()
        .map(|&taxon| matrix.value(row, taxon as usize))
        .collect()
}

/// Prevalence and mean abundance of each taxon in each study.
pub(super) fn taxon_prior(cohorts: &[Cohort], observations: &[Observation]) -> TaxonPrior {
    let mut studies = Vec::new();
    let mut by_taxon: BTreeMap<&str, Vec<StudySummary>> = BTreeMap::new();
    for (study, cohort, rows) in rows_by_study(cohorts, observations) {
        add_study(
            &mut by_taxon,
            studies.len() as u32,
            cohort.profiles(),
            &rows,
        );
        studies.push(study);
    }
    TaxonPrior::new(studies, by_taxon)
}

/// The profiles that transplants of each study name: donors, baselines and follow-ups.
fn rows_by_study<'a>(
    cohorts: &'a [Cohort],
    observations: &[Observation],
) -> Vec<(String, &'a Cohort, Vec<usize>)> {
    let mut studies: BTreeSet<(&str, usize)> = BTreeSet::new();
    for observation in observations {
        studies.insert((&observation.study, observation.cohort));
    }
    let rows_of = |study: &str, cohort: &Cohort| {
        let named = cohort
            .transplants()
            .iter()
            .filter(|transplant| transplant.study.as_str() == study)
            .flat_map(Transplant::samples);
        let named: BTreeSet<&SampleId> = named.collect();
        let samples = cohort.profiles().samples().iter().enumerate();
        samples
            .filter(|(_, sample)| named.contains(sample))
            .map(|(row, _)| row)
            .collect()
    };
    studies
        .into_iter()
        .map(|(study, number)| {
            (
                study.to_owned(),
                &cohorts[number],
                rows_of(study, &cohorts[number]),
            )
        })
        .collect()
}

/// Significant digits of the mean of a taxon in a study: where a single profile has the taxon, the
/// mean times the number of profiles is its abundance.
const SUMMARY_DIGITS: usize = 2;

fn add_study<'a>(
    by_taxon: &mut BTreeMap<&'a str, Vec<StudySummary>>,
    study: u32,
    profiles: &'a ProfileTable,
    rows: &[usize],
) {
    let fractions = profiles.abundance().select_rows(rows);
    let totals = fractions.row_sums();
    let columns = fractions.transpose();
    let n = rows.len() as f64;
    for (taxon, (samples, values)) in profiles.taxa().iter().zip(columns.rows()) {
        if samples.is_empty() {
            continue;
        }
        let closed = samples
            .iter()
            .zip(values)
            .map(|(&row, value)| value / totals[row as usize]);
        by_taxon
            .entry(taxon.label())
            .or_default()
            .push(StudySummary {
                study,
                prevalence: samples.len() as f64 / n,
                mean: rounded(closed.sum::<f64>() / n, SUMMARY_DIGITS),
            });
    }
}

/// Phyla to families with enough rows in at least two studies.
pub(super) fn clade_table(
    cohorts: &[Cohort],
    observations: &[Observation],
    min_rows: u32,
) -> CladeTable {
    let mut counts: BTreeMap<(Rank, &str), BTreeMap<&str, u32>> = BTreeMap::new();
    for observation in observations {
        let taxa = cohorts[observation.cohort].profiles().taxa();
        for &taxon in &observation.pair.taxa {
            for rank in [Rank::Phylum, Rank::Class, Rank::Order, Rank::Family] {
                if let Some(name) = taxa[taxon as usize].lineage().name(rank) {
                    let studies = counts.entry((rank, name)).or_default();
                    *studies.entry(&observation.study).or_default() += 1;
                }
            }
        }
    }
    let enough = |studies: &BTreeMap<&str, u32>| {
        studies.len() >= 2 && studies.values().sum::<u32>() >= min_rows
    };
    let kept = counts.into_iter().filter(|(_, studies)| enough(studies));
    CladeTable {
        clades: kept
            .map(|((rank, name), _)| (rank, name.to_owned()))
            .collect(),
    }
}

/// The matrix to learn from, row-major, with what belongs to each row.
#[derive(Debug, Clone, Default)]
pub(super) struct TrainingRows {
    pub n_features: usize,
    pub features: Vec<f64>,
    pub present: Vec<f64>,
    pub log_abundance: Vec<f64>,
    pub weights: Vec<f64>,
    /// Number of the recipient of each row.
    pub recipients: Vec<u32>,
    /// Study number of each recipient.
    pub study_of: Vec<u32>,
}

impl TrainingRows {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.present.len()
    }

    /// The features, rows × columns.
    pub fn view(&self) -> Result<ArrayView2<'_, f64>> {
        ArrayView2::from_shape((self.n_rows(), self.n_features), &self.features)
            .map_err(|_| Error::table("the engraftment features do not fill their matrix"))
    }

    /// Leaves only these columns.
    pub fn keep_columns(&mut self, columns: &[u32]) {
        let row = |row: &[f64]| {
            columns
                .iter()
                .map(|&at| row[at as usize])
                .collect::<Vec<_>>()
        };
        self.features = self
            .features
            .chunks(self.n_features)
            .flat_map(row)
            .collect();
        self.n_features = columns.len();
    }

    /// Weighted mean log loss of scores of presence.
    pub fn log_loss(&self, scores: &[f64]) -> f64 {
        let loss = |(score, present): (&f64, &f64)| {
            let signed = if *present > 0.5 { -score } else { *score };
            crate::numeric::logistic::softplus(signed)
        };
        let losses = scores.iter().zip(&self.present).map(loss);
        let sum: f64 = losses
            .zip(&self.weights)
            .map(|(loss, weight)| loss * weight)
            .sum();
        sum / self.weights.iter().sum::<f64>()
    }
}

/// Lays out the rows of all observations. A row weighs 1 / (rows of its recipient) / √(recipients
/// of its study), scaled to a mean of 1: a recipient with twelve follow-ups counts as one, and a
/// study of fifteen does not drown one of three.
pub(super) fn training_rows(
    cohorts: &[Cohort],
    observations: &[Observation],
    prior: &TaxonPrior,
    clades: &CladeTable,
) -> TrainingRows {
    // A row never sees what its own study says of the taxon: that is how a new study is met.
    let mut by_study: BTreeMap<(&str, usize), TaxonFeatures> = BTreeMap::new();
    for observation in observations {
        by_study
            .entry((&observation.study, observation.cohort))
            .or_insert_with(|| {
                let taxa = cohorts[observation.cohort].profiles().taxa();
                TaxonFeatures::new(taxa, prior, clades, Some(&observation.study))
            });
    }
    let mut rows = TrainingRows::default();
    let mut recipients: BTreeMap<&str, u32> = BTreeMap::new();
    let mut studies: BTreeMap<&str, u32> = BTreeMap::new();
    for observation in observations {
        let features = &by_study[&(observation.study.as_str(), observation.cohort)];
        rows.n_features = features.n_features();
        features.append(&observation.pair, observation.context, &mut rows.features);
        let next_study = studies.len() as u32;
        let study = *studies.entry(&observation.study).or_insert(next_study);
        let next_recipient = recipients.len() as u32;
        let recipient = *recipients.entry(&observation.recipient).or_insert_with(|| {
            rows.study_of.push(study);
            next_recipient
        });
        for &after in &observation.after {
            rows.present.push(f64::from(u8::from(after > 0.0)));
            rows.log_abundance.push(libm::log10(after + FLOOR));
            rows.recipients.push(recipient);
        }
    }
    rows.weights = row_weights(&rows);
    rows
}

fn row_weights(rows: &TrainingRows) -> Vec<f64> {
    let mut n_rows = vec![0.0; rows.study_of.len()];
    for &recipient in &rows.recipients {
        n_rows[recipient as usize] += 1.0;
    }
    let n_studies = rows
        .study_of
        .iter()
        .max()
        .map_or(0, |&last| last as usize + 1);
    let mut n_recipients = vec![0.0_f64; n_studies];
    for &study in &rows.study_of {
        n_recipients[study as usize] += 1.0;
    }
    let raw: Vec<f64> = rows
        .recipients
        .iter()
        .map(|&recipient| {
            let study = rows.study_of[recipient as usize] as usize;
            1.0 / n_rows[recipient as usize] / n_recipients[study].sqrt()
        })
        .collect();
    let mean = raw.iter().sum::<f64>() / raw.len() as f64;
    raw.into_iter().map(|weight| weight / mean).collect()
}
