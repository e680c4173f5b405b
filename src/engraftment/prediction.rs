//! What the engraftment model predicts of a pair: presence and abundance of each taxon after the
//! transplant, and draws of whole profiles.

use std::sync::Arc;

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::effect::{EffectDistribution, Shift};
use super::feature::FLOOR;
use super::pair::PairProfile;
use crate::numeric::logistic::{logit, plain_sigmoid};
use crate::numeric::random::{derive, uniform};
use crate::numeric::summary::quantile;
use crate::profile::Taxon;

/// What a transplant is expected to leave of the taxa of donor and recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct TransplantPrediction {
    /// The taxa, and what donor and recipient had before.
    pub pair: PairProfile,
    /// Log-odds of presence after, members × taxa, before the effects of trial and recipient.
    pub log_odds: Array2<f64>,
    /// Expected log10 fraction where present.
    pub log_abundance: Vec<f64>,
    /// Spread of log10 fraction around it.
    pub abundance_sd: f64,
    /// What trial and recipient add; none where nothing of it was learned.
    pub(crate) effects: Option<Arc<EffectDistribution>>,
}

/// How many taxa are gained and how many of the recipient's are kept: mean and 90 % interval over
/// what may come of one transplant, trials, recipients and chance included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TaxonCounts {
    /// Absent in the recipient before, present after.
    pub n_gained: f64,
    /// Lower end of its interval.
    pub n_gained_lo: f64,
    /// Upper end of its interval.
    pub n_gained_hi: f64,
    /// The recipient's own, present after.
    pub n_kept: f64,
    /// Lower end of its interval.
    pub n_kept_lo: f64,
    /// Upper end of its interval.
    pub n_kept_hi: f64,
    /// The recipient's own, absent after: those of before less those kept.
    pub n_lost: f64,
    /// Lower end of its interval.
    pub n_lost_lo: f64,
    /// Upper end of its interval.
    pub n_lost_hi: f64,
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
    /// No transplant at all, or one of the recipient's own stool: everything stays.
    pub fn unchanged(pair: PairProfile) -> Self {
        let stays = |&fraction: &f64| {
            if fraction > 0.0 {
                f64::INFINITY
            } else {
                f64::NEG_INFINITY
            }
        };
        let log_odds: Vec<f64> = pair.recipient.iter().map(stays).collect();
        Self {
            log_odds: ndarray::Array1::from(log_odds).insert_axis(Axis(0)),
            log_abundance: pair
                .recipient
                .iter()
                .map(|&fraction| libm::log10(fraction.max(FLOOR)))
                .collect(),
            abundance_sd: 0.0,
            effects: None,
            pair,
        }
    }

    /// Probability that each taxon is present after: the mean over members and over what trial and
    /// recipient may add.
    pub fn mean_presence(&self) -> Vec<f64> {
        (0..self.pair.n_taxa())
            .map(|at| self.presence(at))
            .collect()
    }

    /// The same of one taxon, by its place in the pair.
    ///
    /// # Panics
    /// Where the pair has no such place.
    pub fn presence(&self, at: usize) -> f64 {
        let scores = self.log_odds.column(at);
        let Some(effects) = &self.effects else {
            let sum: f64 = scores.iter().map(|&score| plain_sigmoid(score)).sum();
            return sum / scores.len() as f64;
        };
        let before = self.pair.recipient[at] > 0.0;
        let shifts = effects.equally_likely();
        let over_shifts = |&score: &f64| {
            let shifted = shifts
                .iter()
                .map(|shift| plain_sigmoid(score + shift.of(before)));
            shifted.sum::<f64>()
        };
        scores.iter().map(over_shifts).sum::<f64>() / (scores.len() * shifts.len()) as f64
    }

    /// Numbers of taxa gained and kept with their intervals, over `n_draws` draws of the members,
    /// the trial, the recipient and each taxon.
    pub fn counts(&self, n_draws: usize, seed: u64) -> TaxonCounts {
        let outcomes = self.outcomes();
        let factors = vec![1.0; self.last_column() + 1];
        let mut thresholds = factors.clone();
        let mut drawn = RealizedProfile::default();
        let counts = (0..n_draws as u64).map(|draw| {
            let seed = derive(seed, draw);
            for (taxon, threshold) in thresholds.iter_mut().enumerate() {
                *threshold = logit(uniform(derive(seed, taxon as u64)));
            }
            let shift = self
                .effects
                .as_deref()
                .map_or_else(Shift::default, |effects| {
                    let recipient = effects.draw_recipient(derive(seed, u64::MAX - 1));
                    effects.draw_trial(derive(seed, u64::MAX)).plus(recipient)
                });
            outcomes.realize(draw as usize, &thresholds, &factors, shift, &mut drawn);
            (drawn.n_gained, drawn.n_kept)
        });
        self.counts_of(&counts.collect::<Vec<_>>())
    }

    /// The same from numbers gained and kept that were drawn already.
    pub(crate) fn counts_of(&self, drawn: &[(u32, u32)]) -> TaxonCounts {
        let (n_gained, n_kept, n_lost) = self.expected_counts();
        let interval = |count: fn(&(u32, u32)) -> u32| {
            let mut counts: Vec<f64> = drawn.iter().map(|draw| f64::from(count(draw))).collect();
            counts.sort_by(f64::total_cmp);
            if counts.is_empty() {
                (f64::NAN, f64::NAN)
            } else {
                (quantile(&counts, 0.05), quantile(&counts, 0.95))
            }
        };
        let (n_gained_lo, n_gained_hi) = interval(|draw| draw.0);
        let (n_kept_lo, n_kept_hi) = interval(|draw| draw.1);
        TaxonCounts {
            n_gained,
            n_gained_lo,
            n_gained_hi,
            n_kept,
            n_kept_lo,
            n_kept_hi,
            n_lost,
            n_lost_lo: self.n_before() as f64 - n_kept_hi,
            n_lost_hi: self.n_before() as f64 - n_kept_lo,
        }
    }

    /// How many taxa the recipient had before.
    pub fn n_before(&self) -> usize {
        let before = self.pair.recipient.iter();
        before.filter(|&&fraction| fraction > 0.0).count()
    }

    fn last_column(&self) -> usize {
        self.pair.taxa.last().map_or(0, |&column| column as usize)
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
            before: self
                .pair
                .recipient
                .iter()
                .map(|&fraction| fraction > 0.0)
                .collect(),
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
    /// Whether the recipient had the taxon.
    before: Vec<bool>,
}

impl TransplantOutcomes<'_> {
    /// One profile that may come of the transplant, closed to 1, written into `out`.
    ///
    /// By column of the tables, a taxon is present where its log-odds exceed its number among
    /// `thresholds` (the log-odds of a uniform number), and `factors` multiply its median
    /// abundance: 10 to the power of [`TransplantPrediction::abundance_sd`] times a standard normal
    /// number. The same numbers for two donors make their outcomes comparable draw by draw.
    ///
    /// # Panics
    /// Where there are fewer numbers than columns.
    pub(crate) fn realize(
        &self,
        member: usize,
        thresholds: &[f64],
        factors: &[f64],
        shift: Shift,
        out: &mut RealizedProfile,
    ) {
        let TransplantPrediction { pair, log_odds, .. } = self.prediction;
        let log_odds = log_odds.row(member % log_odds.nrows());
        out.taxa.clear();
        out.taxa.resize(pair.n_taxa(), 0);
        out.fractions.clear();
        out.fractions.resize(pair.n_taxa(), 0.0);
        let (mut n_present, mut n_kept) = (0, 0);
        let taxa = pair.taxa.iter().zip(&self.before);
        let columns = taxa.zip(log_odds).zip(&self.medians);
        for (((&taxon, &before), &log_odds), median) in columns {
            // Written in any case and kept only where present: a branch would be mispredicted.
            out.taxa[n_present] = taxon;
            out.fractions[n_present] = (median * factors[taxon as usize] - FLOOR).max(FLOOR);
            let is_present = thresholds[taxon as usize] < log_odds + shift.of(before);
            n_present += usize::from(is_present);
            n_kept += u32::from(is_present & before);
        }
        out.n_kept = n_kept;
        out.n_gained = n_present as u32 - n_kept;
        out.taxa.truncate(n_present);
        out.fractions.truncate(n_present);
        let sum: f64 = out.fractions.iter().sum();
        for fraction in &mut out.fractions {
            *fraction /= sum;
        }
    }
}

/// A profile drawn by `TransplantOutcomes::realize`: the taxa present, rising, and their
/// fractions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RealizedProfile {
    /// Columns of the tables.
    pub taxa: Vec<u32>,
    /// Fractions, closed to 1.
    pub fractions: Vec<f64>,
    /// How many of the taxa the recipient did not have before.
    pub n_gained: u32,
    /// How many it had.
    pub n_kept: u32,
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
