//! The joint posterior: arms, slopes, draws, counts of one's own outcomes.

use serde::{Deserialize, Serialize};

use crate::cohort::MetadataTable;
use crate::evidence::{
    CohortSlope, Column, DonorRecord, Draws, Evidence, EvidenceParams, Registry, TrialRecord,
};
use crate::{Error, Result};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct StoredEvidence {
    /// The arms as a table with a header, divided by tabs.
    arms: String,
    slopes: Vec<StoredSlope>,
    n_chains: u32,
    n_tune: u32,
    n_draws: u32,
    n_kept: u32,
    prior_scale: f64,
    seed: u64,
    leave_out: Vec<String>,
    response: StoredDraws,
    severe_irae: StoredDraws,
    myocarditis: StoredDraws,
    trial: String,
    digest: String,
    donors: Vec<StoredDonor>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredSlope {
    cohort: String,
    estimate: f64,
    error: f64,
    n_patients: u32,
}

/// Columns of draws; a value is low + step × code.
#[derive(Debug, Serialize, Deserialize)]
struct StoredDraws {
    names: Vec<String>,
    low: Vec<f64>,
    step: Vec<f64>,
    r_hat: Vec<f64>,
    size: Vec<f64>,
    mean_error: Vec<f64>,
    /// All columns one after another: the lower bytes of a column, then its upper bytes.
    codes: Vec<u8>,
    n_draws: u32,
    n_divergences: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredDonor {
    donor_id: String,
    counts: [u32; 7],
}

impl StoredEvidence {
    pub fn of(evidence: &Evidence) -> Self {
        let params = evidence.params();
        let record = evidence.record();
        Self {
            arms: evidence.registry().to_tsv(),
            slopes: evidence.slopes().iter().map(StoredSlope::of).collect(),
            n_chains: params.n_chains,
            n_tune: params.n_tune,
            n_draws: params.n_draws,
            n_kept: params.n_kept,
            prior_scale: params.prior_scale,
            seed: params.seed,
            leave_out: params.without.clone(),
            response: StoredDraws::of(&evidence.response),
            severe_irae: StoredDraws::of(&evidence.severe_irae),
            myocarditis: StoredDraws::of(&evidence.myocarditis),
            trial: record.trial.clone(),
            digest: record.digest.clone(),
            donors: record.donors.iter().map(StoredDonor::of).collect(),
        }
    }

    pub fn into_evidence(self) -> Result<Evidence> {
        let damaged = |error: Error| Error::model_file(format!("the arms: {error}"));
        let table = MetadataTable::parse("arms", &self.arms).map_err(damaged)?;
        let params = EvidenceParams {
            n_chains: self.n_chains,
            n_tune: self.n_tune,
            n_draws: self.n_draws,
            n_kept: self.n_kept,
            prior_scale: self.prior_scale,
            seed: self.seed,
            without: self.leave_out,
        };
        let evidence = Evidence {
            registry: Registry::from_metadata(&table).map_err(damaged)?,
            slopes: self
                .slopes
                .into_iter()
                .map(StoredSlope::into_slope)
                .collect(),
            params,
            response: self.response.into_draws()?,
            severe_irae: self.severe_irae.into_draws()?,
            myocarditis: self.myocarditis.into_draws()?,
            record: TrialRecord {
                trial: self.trial,
                digest: self.digest,
                donors: self
                    .donors
                    .into_iter()
                    .map(StoredDonor::into_record)
                    .collect(),
            },
        };
        evidence.validate()?;
        Ok(evidence)
    }
}

impl StoredSlope {
    fn of(slope: &CohortSlope) -> Self {
        Self {
            cohort: slope.cohort.clone(),
            estimate: slope.estimate,
            error: slope.error,
            n_patients: slope.n_patients,
        }
    }

    fn into_slope(self) -> CohortSlope {
        CohortSlope {
            cohort: self.cohort,
            estimate: self.estimate,
            error: self.error,
            n_patients: self.n_patients,
        }
    }
}

impl StoredDraws {
    fn of(draws: &Draws) -> Self {
        let columns = draws.columns();
        let numbers = |of: fn(&Column) -> f64| columns.iter().map(of).collect::<Vec<f64>>();
        let halves = |column: &Column| {
            let lower = column.codes.iter().map(|code| code.to_le_bytes()[0]);
            let upper = column.codes.iter().map(|code| code.to_le_bytes()[1]);
            lower.chain(upper).collect::<Vec<u8>>()
        };
        Self {
            names: columns.iter().map(|column| column.name.clone()).collect(),
            low: numbers(|column| column.low),
            step: numbers(|column| column.step),
            r_hat: numbers(|column| column.r_hat),
            size: numbers(|column| column.size),
            mean_error: numbers(|column| column.mean_error),
            codes: columns.iter().flat_map(halves).collect(),
            n_draws: draws.n_draws() as u32,
            n_divergences: draws.n_divergences(),
        }
    }

    fn into_draws(self) -> Result<Draws> {
        let damaged = || Error::model_file("the draws of the evidence do not fit together");
        let (n, n_draws) = (self.names.len(), self.n_draws as usize);
        let lengths = [
            &self.low,
            &self.step,
            &self.r_hat,
            &self.size,
            &self.mean_error,
        ];
        let n_codes = n_draws
            .checked_mul(2)
            .and_then(|bytes| bytes.checked_mul(n));
        if lengths.iter().any(|one| one.len() != n)
            || n_codes != Some(self.codes.len())
            || n_draws == 0
        {
            return Err(damaged());
        }
        let columns = self
            .names
            .into_iter()
            .zip(self.codes.chunks_exact(2 * n_draws))
            .enumerate();
        let columns = columns.map(|(at, (name, bytes))| {
            let (lower, upper) = bytes.split_at(n_draws);
            Column {
                name,
                low: self.low[at],
                step: self.step[at],
                codes: lower
                    .iter()
                    .zip(upper)
                    .map(|(&a, &b)| u16::from_le_bytes([a, b]))
                    .collect(),
                r_hat: self.r_hat[at],
                size: self.size[at],
                mean_error: self.mean_error[at],
            }
        });
        Draws::new(columns.collect(), self.n_divergences).ok_or_else(damaged)
    }
}

impl StoredDonor {
    fn of(donor: &DonorRecord) -> Self {
        Self {
            donor_id: donor.donor_id.clone(),
            counts: [
                donor.n_transplants,
                donor.n_response,
                donor.n_responders,
                donor.n_severe_known,
                donor.n_severe,
                donor.n_myocarditis_known,
                donor.n_myocarditis,
            ],
        }
    }

    fn into_record(self) -> DonorRecord {
        let [
            n_transplants,
            n_response,
            n_responders,
            n_severe_known,
            n_severe,
            n_myocarditis_known,
            n_myocarditis,
        ] = self.counts;
        DonorRecord {
            donor_id: self.donor_id,
            n_transplants,
            n_response,
            n_responders,
            n_severe_known,
            n_severe,
            n_myocarditis_known,
            n_myocarditis,
        }
    }
}
