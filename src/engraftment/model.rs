//! The fitted engraftment model and what it predicts of a pair.

use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::feature::{CladeTable, FEATURES, FLOOR, TaxonFeatures, TaxonPrior};
use super::pair::{PairProfile, TransplantContext};
use crate::model::{BoostingModel, Ensemble};
use crate::profile::{Rank, Taxon, Vocabulary};
use crate::{Error, Result};

/// Which part of the variance of log10 abundance after a transplant comes from which of the
/// donor's samples was read: measured by `cargo test --release --test it real_donors -- --nocapture`
/// on the donors of several samples in `../shared/data/fmt-davar-baruch2021`.
const DONOR_SAMPLE_SHARE: f64 = 0.06;

/// Predicts which taxa are present after a transplant, and how abundant: gained, kept, lost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngraftmentModel {
    pub(crate) rank: Rank,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) prior: TaxonPrior,
    pub(crate) clades: CladeTable,
    /// The features in use, rising.
    pub(crate) columns: Vec<u32>,
    pub(crate) presence: Vec<BoostingModel>,
    pub(crate) abundance: Vec<BoostingModel>,
    pub(crate) abundance_sd: f64,
    pub(crate) n_transplants: u32,
    pub(crate) n_recipients: u32,
    pub(crate) studies: Vec<String>,
}

impl EngraftmentModel {
    /// Checks a model that was read from a file: members that fit the features, a sound prior.
    ///
    /// # Errors
    /// [`Error::ModelFile`] naming what does not fit.
    pub fn validate(&self) -> Result<()> {
        let n_known = (FEATURES.len() + self.clades.clades.len()) as u32;
        let rising = self.columns.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || self.columns.last().is_none_or(|&last| last >= n_known) {
            return Err(Error::model_file(format!(
                "the columns of the engraftment model do not rise below {n_known}"
            )));
        }
        let n_features = self.columns.len();
        if self.presence.is_empty() || self.abundance.is_empty() {
            return Err(Error::model_file("the engraftment model has no members"));
        }
        for member in self.presence.iter().chain(&self.abundance) {
            member.validate()?;
            if member.n_features() != n_features {
                return Err(Error::model_file(format!(
                    "an engraftment member reads {} features of {n_features}",
                    member.n_features()
                )));
            }
        }
        if !(self.abundance_sd >= 0.0 && self.abundance_sd.is_finite()) {
            return Err(Error::model_file(format!(
                "the spread of the abundance is {}",
                self.abundance_sd
            )));
        }
        if !self.prior.is_consistent() {
            return Err(Error::model_file(
                "what the engraftment model knows of its taxa disagrees",
            ));
        }
        Ok(())
    }

    /// The rank of the taxa it speaks of.
    pub fn rank(&self) -> Rank {
        self.rank
    }

    /// The vocabulary that profiles must be harmonized to.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Number of members: fits on bootstrap draws of the recipients.
    pub fn n_members(&self) -> usize {
        self.presence.len()
    }

    /// The studies it learned from; it must not be judged on these.
    pub fn studies(&self) -> &[String] {
        &self.studies
    }

    /// Follow-ups and recipients it learned from.
    pub fn n_training(&self) -> (u32, u32) {
        (self.n_transplants, self.n_recipients)
    }

    /// Names of the features in use, in the order of the columns.
    pub fn feature_names(&self) -> Vec<String> {
        let clades = self
            .clades
            .clades
            .iter()
            .map(|(rank, name)| format!("{rank}:{name}"));
        let all: Vec<String> = FEATURES
            .iter()
            .map(|&name| name.to_owned())
            .chain(clades)
            .collect();
        self.columns
            .iter()
            .filter_map(|&column| all.get(column as usize).cloned())
            .collect()
    }

    /// Spread of log10 fraction around what is expected, where so many samples of the donor were
    /// averaged: the spread of one sample holds how that sample differs from the donor's others
    /// ([`DONOR_SAMPLE_SHARE`] of its variance), of which the mean of n keeps one n-th.
    pub(crate) fn abundance_sd(&self, n_donor_samples: usize) -> f64 {
        let averaged_out = 1.0 - 1.0 / n_donor_samples.max(1) as f64;
        self.abundance_sd * (1.0 - DONOR_SAMPLE_SHARE * averaged_out).sqrt()
    }

    /// A predictor for tables with these columns: what does not change with the pair is worked out
    /// once.
    pub fn predictor(&self, taxa: &[Taxon]) -> EngraftmentPredictor<'_> {
        EngraftmentPredictor {
            model: self,
            ensemble: Ensemble::new(self.presence.iter().chain(&self.abundance)),
            features: TaxonFeatures::new(taxa, &self.prior, &self.clades, None),
        }
    }
}

/// An [`EngraftmentModel`] bound to the columns of a table.
#[derive(Debug, Clone)]
pub struct EngraftmentPredictor<'a> {
    model: &'a EngraftmentModel,
    /// The members of presence, then those of abundance.
    ensemble: Ensemble<'a>,
    features: TaxonFeatures,
}

impl EngraftmentPredictor<'_> {
    /// What a transplant between this donor and recipient is expected to leave.
    ///
    /// # Errors
    /// [`Error::Table`] where the pair has no taxon.
    pub fn predict(
        &self,
        pair: &PairProfile,
        context: TransplantContext,
    ) -> Result<TransplantPrediction> {
        let mut rows = Vec::with_capacity(pair.n_taxa() * self.features.n_features());
        self.features.append(pair, context, &mut rows);
        let view = ArrayView2::from_shape((pair.n_taxa(), self.features.n_features()), &rows)
            .map_err(|_| Error::table("the engraftment features do not fill their matrix"))?;
        let columns: Vec<usize> = self.model.columns.iter().map(|&c| c as usize).collect();
        let used = view.select(Axis(1), &columns);
        let scores = self.ensemble.scores(used.view())?;
        let (presence, abundance) = scores.view().split_at(Axis(0), self.model.n_members());
        Ok(TransplantPrediction {
            pair: pair.clone(),
            p_present: presence.mapv(crate::numeric::logistic::plain_sigmoid),
            log_abundance: mean_over_members(abundance),
            abundance_sd: self.model.abundance_sd(pair.n_donor_samples),
        })
    }
}

/// What a transplant is expected to leave of the taxa of donor and recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct TransplantPrediction {
    /// The taxa, and what donor and recipient had before.
    pub pair: PairProfile,
    /// Probability of presence after, members × taxa.
    pub p_present: Array2<f64>,
    /// Expected log10 fraction where present.
    pub log_abundance: Vec<f64>,
    /// Spread of log10 fraction around it.
    pub abundance_sd: f64,
}

/// What is expected to happen to a taxon of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Absent in the recipient before, expected after.
    Gained,
    /// Absent in the recipient before, not expected after.
    NotGained,
    /// Present in the recipient before and expected after.
    Kept,
    /// Present in the recipient before, not expected after.
    Lost,
}

impl TransplantPrediction {
    /// Mean over members of the probability that each taxon is present after.
    pub fn mean_presence(&self) -> Vec<f64> {
        let n = self.p_present.nrows() as f64;
        self.p_present
            .columns()
            .into_iter()
            .map(|column| column.sum() / n)
            .collect()
    }

    /// The more likely fate of each taxon.
    pub fn fates(&self) -> Vec<Fate> {
        let fate = |(present, recipient): (f64, &f64)| match (*recipient > 0.0, present >= 0.5) {
            (false, true) => Fate::Gained,
            (false, false) => Fate::NotGained,
            (true, true) => Fate::Kept,
            (true, false) => Fate::Lost,
        };
        self.mean_presence()
            .into_iter()
            .zip(&self.pair.recipient)
            .map(fate)
            .collect()
    }

    /// Expected numbers of taxa gained, kept and lost: sums of probabilities.
    pub fn expected_counts(&self) -> (f64, f64, f64) {
        let (mut gained, mut kept, mut lost) = (0.0, 0.0, 0.0);
        for (present, &recipient) in self.mean_presence().into_iter().zip(&self.pair.recipient) {
            if recipient > 0.0 {
                kept += present;
                lost += 1.0 - present;
            } else {
                gained += present;
            }
        }
        (gained, kept, lost)
    }

    /// The expected profile, closed to 1: P(present) times the mean of the log-normal abundance.
    pub fn expected_profile(&self) -> Vec<f64> {
        let ln10 = std::f64::consts::LN_10;
        let shift = (self.abundance_sd * ln10).powi(2) / 2.0;
        let raw: Vec<f64> = self
            .mean_presence()
            .into_iter()
            .zip(&self.log_abundance)
            .map(|(present, log)| present * libm::exp(log * ln10 + shift))
            .collect();
        let sum: f64 = raw.iter().sum();
        raw.into_iter().map(|fraction| fraction / sum).collect()
    }

    /// One record a taxon of the pair, the most abundant afterwards first, of equals by name.
    /// `taxa` are those of the tables that the pair was taken from.
    ///
    /// # Panics
    /// Where `taxa` has fewer entries than these tables.
    pub fn records<'t>(&self, taxa: &'t [Taxon]) -> Vec<TaxonRecord<'t>> {
        let columns = self
            .mean_presence()
            .into_iter()
            .zip(self.expected_profile());
        let mut records: Vec<TaxonRecord<'_>> = columns
            .zip(self.fates())
            .enumerate()
            .map(|(at, ((p_present, expected_fraction), fate))| TaxonRecord {
                taxon: taxa[self.pair.taxa[at] as usize].label(),
                donor: self.pair.donor[at],
                recipient: self.pair.recipient[at],
                p_present,
                expected_fraction,
                fate,
            })
            .collect();
        records.sort_by(|a, b| {
            let by_fraction = b.expected_fraction.total_cmp(&a.expected_fraction);
            by_fraction.then_with(|| a.taxon.cmp(b.taxon))
        });
        records
    }

    /// What draws profiles that may come of the transplant.
    pub fn outcomes(&self) -> TransplantOutcomes<'_> {
        let median = |&log: &f64| libm::pow(10.0, log);
        TransplantOutcomes {
            prediction: self,
            medians: self.log_abundance.iter().map(median).collect(),
        }
    }
}

/// Draws profiles that may come of a transplant; made once a pair, see
/// [`TransplantPrediction::outcomes`].
#[derive(Debug, Clone)]
pub struct TransplantOutcomes<'a> {
    prediction: &'a TransplantPrediction,
    /// Median fraction of each taxon where present, the floor included.
    medians: Vec<f64>,
}

impl TransplantOutcomes<'_> {
    /// One profile that may come of the transplant, closed to 1, written into `out`.
    ///
    /// By column of the tables, `uniforms` decide the presence of a taxon and `factors` multiply
    /// its median abundance: 10 to the power of [`TransplantPrediction::abundance_sd`] times a
    /// standard normal number. The same numbers for two donors make their outcomes comparable draw
    /// by draw.
    ///
    /// # Panics
    /// Where there are fewer numbers than columns.
    pub fn realize(
        &self,
        member: usize,
        uniforms: &[f64],
        factors: &[f64],
        out: &mut RealizedProfile,
    ) {
        let TransplantPrediction {
            pair, p_present, ..
        } = self.prediction;
        let p_present = p_present.row(member % p_present.nrows());
        out.taxa.clear();
        out.taxa.resize(pair.n_taxa(), 0);
        out.fractions.clear();
        out.fractions.resize(pair.n_taxa(), 0.0);
        let mut n_present = 0;
        let columns = pair.taxa.iter().zip(p_present).zip(&self.medians);
        for ((&taxon, &p_present), median) in columns {
            // Written in any case and kept only where present: a branch would be mispredicted.
            out.taxa[n_present] = taxon;
            out.fractions[n_present] = (median * factors[taxon as usize] - FLOOR).max(FLOOR);
            n_present += usize::from(uniforms[taxon as usize] < p_present);
        }
        out.taxa.truncate(n_present);
        out.fractions.truncate(n_present);
        let sum: f64 = out.fractions.iter().sum();
        for fraction in &mut out.fractions {
            *fraction /= sum;
        }
    }
}

/// A profile drawn by [`TransplantOutcomes::realize`]: the taxa present, rising, and their
/// fractions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RealizedProfile {
    /// Columns of the tables.
    pub taxa: Vec<u32>,
    /// Fractions, closed to 1.
    pub fractions: Vec<f64>,
}

/// What is expected of one taxon of a pair; abundances are fractions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaxonRecord<'t> {
    /// Its name in the table.
    pub taxon: &'t str,
    /// Abundance in the donor.
    pub donor: f64,
    /// Abundance in the recipient before the transplant.
    pub recipient: f64,
    /// Probability that it is present afterwards.
    pub p_present: f64,
    /// Abundance expected afterwards.
    pub expected_fraction: f64,
    /// What becomes of it most likely.
    pub fate: Fate,
}

/// The mean of scores (members × rows) over the members, row by row.
pub(super) fn mean_over_members(scores: ArrayView2<'_, f64>) -> Vec<f64> {
    let n = scores.nrows() as f64;
    let sums = scores.fold_axis(Axis(0), 0.0, |sum, score| sum + score);
    sums.iter().map(|sum| sum / n).collect()
}
