//! Tables of what is known: cells, parameters, quality of the draws, conflicts between sources.

use serde::{Deserialize, Serialize};

use super::arm::Events;
use super::density::Scale;
use super::draws::summary;
use super::endpoint::Endpoint;
use super::layout::{self, Given, Setting};
use super::posterior::{DrawNumbers, Evidence};
use crate::Result;
use crate::cohort::{Cancer, Line, MetadataTable, Partner, Regimen, TreatmentContext};
use crate::numeric::logistic::plain_sigmoid;

/// The posterior of a cell, with or without a transplant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellRow {
    /// What is predicted.
    pub endpoint: Endpoint,
    /// The cancer.
    pub cancer: Cancer,
    /// The checkpoint inhibitors.
    pub regimen: Regimen,
    /// The line of treatment.
    pub line: Line,
    /// What is given beside the inhibitors.
    pub partner: Partner,
    /// Whether with a transplant, of a source that is not stated.
    pub transplant: bool,
    /// Mean probability in a new trial.
    pub probability: f64,
    /// Lower end of its 90 % interval.
    pub probability_lo: f64,
    /// Upper end of its 90 % interval.
    pub probability_hi: f64,
    /// Arms of the very cell, with or without a transplant as this row.
    pub n_arms: u32,
    /// Patients of these arms.
    pub n_patients: u32,
    /// How much of the answer is borrowed from other cells and from the priors, 0 to 1: by how
    /// much the variance of the cell's mean log-odds is below what its own arms alone would give
    /// (each binomial, with the spread between trials). 1 where the cell has no patient.
    pub borrowed: f64,
}

/// A parameter: prior beside posterior.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterRow {
    /// What is predicted.
    pub endpoint: Endpoint,
    /// The parameter.
    pub parameter: String,
    /// Mean of its prior; for a standard deviation that of the half-normal.
    pub prior_mean: f64,
    /// Standard deviation of its prior; that of a group member as of the middle of its group.
    pub prior_sd: f64,
    /// Mean of the draws.
    pub mean: f64,
    /// Standard deviation of the draws.
    pub sd: f64,
    /// Lower end of the 90 % interval.
    pub lo: f64,
    /// Upper end of the 90 % interval.
    pub hi: f64,
    /// Agreement of the chains; 1 is best.
    pub r_hat: f64,
    /// Effective number of draws.
    pub effective_size: f64,
}

/// How well the sampler did for an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualityRow {
    /// What is predicted.
    pub endpoint: Endpoint,
    /// The largest R-hat.
    pub max_r_hat: f64,
    /// The smallest effective number of draws.
    pub min_effective_size: f64,
    /// Divergent transitions after tuning.
    pub n_divergences: u32,
}

/// What a donor's own record adds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DonorRow {
    /// The donor.
    pub donor_id: String,
    /// Transplants so far.
    pub n_transplants: u32,
    /// Those whose response is known.
    pub n_response: u32,
    /// Responders.
    pub n_responders: u32,
    /// Severe events.
    pub n_severe: u32,
    /// Myocarditis.
    pub n_myocarditis: u32,
    /// Mean of what the donor adds to the log-odds of response.
    pub donor_effect: f64,
    /// Lower end of its 90 % interval.
    pub donor_effect_lo: f64,
    /// Upper end of its 90 % interval.
    pub donor_effect_hi: f64,
}

/// What sources say against each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// What they speak of.
    pub subject: String,
    /// Sources that say so.
    pub evidence_for: String,
    /// Sources that say otherwise.
    pub evidence_against: String,
    /// How it stands.
    pub grade: String,
}

const CONFLICTS: &str = include_str!("../../assets/evidence/conflicts-1.tsv");

/// The conflicts between sources that are known: `assets/evidence/conflicts-1.tsv`.
///
/// # Errors
/// Those of [`MetadataTable::parse`]; never, by a test.
pub fn conflicts() -> Result<Vec<Conflict>> {
    let table = MetadataTable::parse("conflicts-1.tsv", CONFLICTS)?;
    let read = |row| {
        let field = |role: &str| table.required(row, role).map(str::to_owned);
        Ok(Conflict {
            subject: field("subject")?,
            evidence_for: field("for")?,
            evidence_against: field("against")?,
            grade: field("grade")?,
        })
    };
    (0..table.n_rows()).map(read).collect()
}

impl Evidence {
    /// The posterior of every cell of the arms, in a new trial, for every endpoint that the cell's
    /// parameters speak of, without and with a transplant.
    pub fn cells(&self) -> Vec<CellRow> {
        let mut cells: Vec<TreatmentContext> = self
            .registry
            .arms()
            .iter()
            .filter_map(super::Arm::cell)
            .collect();
        cells.sort();
        cells.dedup();
        let each = |cell: TreatmentContext| {
            let rows = Endpoint::ALL
                .into_iter()
                .flat_map(move |endpoint| [false, true].map(|transplant| (endpoint, transplant)));
            rows.map(move |(endpoint, transplant)| self.cell(endpoint, cell, transplant))
        };
        cells.into_iter().flat_map(each).collect()
    }

    /// The posterior of one cell in a new trial.
    pub fn cell(&self, endpoint: Endpoint, cell: TreatmentContext, transplant: bool) -> CellRow {
        let TreatmentContext {
            regimen,
            cancer,
            line,
            partner,
        } = cell;
        let setting = Setting {
            cancer,
            regimen,
            line: Some(line),
            partner,
            trial: "",
            transplant: transplant.then_some(Given {
                donor_type: None,
                donor: None,
                is_uncontrolled: false,
                score: 0.0,
                richness: 0.0,
            }),
            any_ae: false,
        };
        let numbers = DrawNumbers {
            n: self.n_kept(),
            seed: self.params.seed,
        };
        let log_odds = self.log_odds(endpoint, &setting, numbers);
        let trial = self.effect(endpoint, "trial[]", numbers);
        let mean_log_odds: Vec<f64> = log_odds.iter().zip(&trial).map(|(a, b)| a - b).collect();
        let (_, sd, ..) = summary(&mean_log_odds, 0.9);
        let between = trial.iter().map(|effect| effect * effect).sum::<f64>() / trial.len() as f64;
        let probabilities: Vec<f64> = log_odds.iter().map(|&one| plain_sigmoid(one)).collect();
        let (probability, _, probability_lo, probability_hi) = summary(&probabilities, 0.9);
        let arms = self.registry.arms().iter();
        let own = arms.filter(|arm| arm.cell() == Some(cell) && arm.is_transplant() == transplant);
        let own: Vec<_> = own.filter_map(|arm| arm.events(endpoint)).collect();
        let n_patients: u32 = own.iter().map(|one| one.n).sum();
        let precision = |one: &Events| {
            // Half a patient on either side (Haldane and Anscombe).
            let (yes, no) = (
                f64::from(one.events) + 0.5,
                f64::from(one.n - one.events) + 0.5,
            );
            (yes.recip() + no.recip() + between).recip()
        };
        let precision: f64 = own.iter().map(precision).sum();
        CellRow {
            endpoint,
            cancer,
            regimen,
            line,
            partner,
            transplant,
            probability,
            probability_lo,
            probability_hi,
            n_arms: own.len() as u32,
            n_patients,
            borrowed: if n_patients == 0 {
                1.0
            } else {
                (1.0 - sd * sd * precision).clamp(0.0, 1.0)
            },
        }
    }

    /// Every parameter: prior beside posterior.
    pub fn parameters(&self) -> Vec<ParameterRow> {
        Endpoint::ALL
            .into_iter()
            .flat_map(|endpoint| {
                let draws = self.draws(endpoint);
                draws.columns().iter().map(move |column| {
                    let (mean, sd, lo, hi) = summary(&column.values(), 0.9);
                    let (prior_mean, prior_sd) = self.prior_of(endpoint, &column.name);
                    ParameterRow {
                        endpoint,
                        parameter: column.name.clone(),
                        prior_mean,
                        prior_sd,
                        mean,
                        sd,
                        lo,
                        hi,
                        r_hat: column.r_hat,
                        effective_size: column.size,
                    }
                })
            })
            .collect()
    }

    fn prior_of(&self, endpoint: Endpoint, name: &str) -> (f64, f64) {
        // Mean and standard deviation of |x|, x ~ N(0, 1).
        const HALF: (f64, f64) = (0.797_884_560_802_865_4, 0.602_810_275_001_034_8);
        let by = self.params.prior_scale;
        let groups = layout::groups(endpoint);
        if let Some(name) = name
            .strip_prefix("sd[")
            .and_then(|name| name.strip_suffix(']'))
        {
            let scale = groups
                .iter()
                .find(|group| group.0 == name)
                .map_or(0.0, |group| group.1);
            return (HALF.0 * scale * by, HALF.1 * scale * by);
        }
        let (mean, scale) = layout::prior(endpoint, name);
        match scale {
            Scale::Fixed(sd) => (mean, sd * by),
            // The variance of σ·z is the mean of σ², the square of the scale.
            Scale::Group(group) => (mean, groups[group].1 * by),
        }
    }

    /// The donors of one's own trial, and what the record of each adds.
    pub fn donors(&self) -> Vec<DonorRow> {
        let record = self.record();
        let numbers = DrawNumbers {
            n: self.n_kept(),
            seed: self.params.seed,
        };
        let row = |donor: &super::DonorRecord| {
            let id = &donor.donor_id;
            let draws = self.donor_effect(Endpoint::Response, &record.trial, id, numbers);
            let (donor_effect, _, donor_effect_lo, donor_effect_hi) = summary(&draws, 0.9);
            DonorRow {
                donor_id: id.clone(),
                n_transplants: donor.n_transplants,
                n_response: donor.n_response,
                n_responders: donor.n_responders,
                n_severe: donor.n_severe,
                n_myocarditis: donor.n_myocarditis,
                donor_effect,
                donor_effect_lo,
                donor_effect_hi,
            }
        };
        record.donors.iter().map(row).collect()
    }

    /// How well the sampler did.
    pub fn quality(&self) -> Vec<QualityRow> {
        Endpoint::ALL
            .into_iter()
            .map(|endpoint| {
                let draws = self.draws(endpoint);
                let columns = draws.columns().iter();
                QualityRow {
                    endpoint,
                    max_r_hat: columns.clone().map(|one| one.r_hat).fold(1.0, f64::max),
                    min_effective_size: columns.map(|one| one.size).fold(f64::INFINITY, f64::min),
                    n_divergences: draws.n_divergences(),
                }
            })
            .collect()
    }
}
