//! `donormatch plan`

mod pool;
mod trial;
mod value;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Streams, json, json_or_tsv};
use crate::trial::design::{
    DonorYield, PredictionSampleSizeParams, SafetyParams, SafetyRule, TwoGroupsParams,
    cox_snell_of_c_statistic,
};
use crate::{Error, Result};

/// Say before a trial starts what it can show, and after it ends what another policy was worth
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch plan donors --n-eligible 3")]
pub(super) struct PlanArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    SampleSize(SampleSizeArguments),
    Donors(DonorArguments),
    TwoGroups(TwoGroupsArguments),
    Safety(SafetyArguments),
    Trial(Box<trial::TrialArguments>),
    Value(value::ValueArguments),
    Pool(pool::PoolArguments),
}

/// How many patients a prediction model of a binary outcome needs (Riley's criteria)
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch plan sample-size --n-parameters 24 --prevalence 0.174 --cox-snell 0.288")]
struct SampleSizeArguments {
    /// Candidate parameters, all that the data may choose from
    #[arg(long)]
    n_parameters: u32,
    /// Share of patients with the outcome
    #[arg(long)]
    prevalence: f64,
    /// The R² of Cox and Snell expected of the model
    #[arg(
        long,
        required_unless_present = "c_statistic",
        conflicts_with = "c_statistic"
    )]
    cox_snell: Option<f64>,
    /// The ROC AUC expected of the model, in place of R²
    #[arg(long)]
    c_statistic: Option<f64>,
    /// Shrinkage aimed at
    #[arg(long, default_value_t = 0.9)]
    shrinkage: f64,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// How many donors to screen for enough eligible ones
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch plan donors --n-eligible 3 --pass-rate 0.025 --certainty 0.9")]
struct DonorArguments {
    /// Eligible donors wanted
    #[arg(long)]
    n_eligible: u32,
    /// Share of screened donors that pass; published programmes lie between 0.016 and 0.2
    #[arg(long, default_value_t = DonorYield::PASS_RATE)]
    pass_rate: f64,
    /// Certainty wanted
    #[arg(long, default_value_t = 0.9)]
    certainty: f64,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// How many patients tell two rates apart by Fisher's exact test
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch plan two-groups --rates 0.6,0.1")]
struct TwoGroupsArguments {
    /// The rates of the first and the second group
    #[arg(long, value_delimiter = ',', required = true, value_name = "RATE")]
    rates: Vec<f64>,
    /// Patients of the second group for each of the first
    #[arg(long, default_value_t = 1.0)]
    ratio: f64,
    /// Level of the two-sided test
    #[arg(long, default_value_t = 0.05)]
    level: f64,
    /// Power wanted
    #[arg(long, default_value_t = 0.8)]
    power: f64,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// After each patient, the number of events at which to stop
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch plan safety --n 20 --acceptable-rate 0.003 --rate 0.003,0.05,0.15")]
struct SafetyArguments {
    /// Patients of the whole trial
    #[arg(long)]
    n: u32,
    /// The rate of events that is acceptable
    #[arg(long)]
    acceptable_rate: f64,
    /// Probability of stopping at the acceptable rate over the whole trial (a Pocock boundary)
    #[arg(long, default_value_t = 0.05, conflicts_with = "threshold")]
    type_one_error: f64,
    /// Posterior probability of an unacceptable rate from which on to stop (a Bayesian boundary)
    #[arg(long)]
    threshold: Option<f64>,
    /// Events of the Beta prior
    #[arg(long, default_value_t = 1.0, requires = "threshold")]
    prior_events: f64,
    /// Patients without event of the Beta prior
    #[arg(long, default_value_t = 1.0, requires = "threshold")]
    prior_others: f64,
    /// True rates at which to say how often the trial stops
    #[arg(long, value_delimiter = ',', value_name = "RATE")]
    rate: Vec<f64>,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// A look at the data, after one more patient.
#[derive(Debug, Serialize)]
struct LookRow {
    n_patients: usize,
    stop_at: Option<u32>,
}

/// What a boundary does at a true rate.
#[derive(Debug, Serialize)]
struct RateRow {
    rate: f64,
    p_stop: f64,
    expected_patients: f64,
}

impl PlanArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        match &self.what {
            What::SampleSize(arguments) => arguments.run(streams),
            What::Donors(arguments) => arguments.run(streams),
            What::TwoGroups(arguments) => arguments.run(streams),
            What::Safety(arguments) => arguments.run(streams),
            What::Trial(arguments) => arguments.run(streams),
            What::Value(arguments) => arguments.run(streams),
            What::Pool(arguments) => arguments.run(streams),
        }
    }
}

impl SampleSizeArguments {
    fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let cox_snell = match (self.cox_snell, self.c_statistic) {
            (Some(r2), _) => r2,
            (None, Some(auc)) => cox_snell_of_c_statistic(auc, self.prevalence)?,
            (None, None) => return Err(Error::parameter("cox_snell", "expected a number")),
        };
        let mut params =
            PredictionSampleSizeParams::new(self.n_parameters, self.prevalence, cox_snell);
        params.shrinkage = self.shrinkage;
        let columns = [
            "n",
            "n_shrinkage",
            "n_optimism",
            "n_overall_risk",
            "n_events",
            "events_per_parameter",
            "max_cox_snell",
        ];
        streams.data(&json_or_tsv(self.json, &columns, &[params.plan()?])?)
    }
}

impl DonorArguments {
    fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let plan = DonorYield::plan(self.n_eligible, self.pass_rate, self.certainty)?;
        let columns = [
            "n_donors",
            "pass_rate",
            "n_eligible",
            "certainty",
            "reached",
            "expected",
        ];
        streams.data(&json_or_tsv(self.json, &columns, &[plan])?)
    }
}

impl TwoGroupsArguments {
    fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let [first, second] = self.rates[..] else {
            let message = format!("expected two, found {}", self.rates.len());
            return Err(Error::parameter("rates", message));
        };
        let params = TwoGroupsParams {
            rates: (first, second),
            ratio: self.ratio,
            level: self.level,
            power: self.power,
        };
        let columns = ["n", "n_first", "n_second", "power", "type_one_error"];
        streams.data(&json_or_tsv(self.json, &columns, &[params.plan()?])?)
    }
}

impl SafetyArguments {
    fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let rule = match self.threshold {
            None => SafetyRule::Pocock {
                type_one_error: self.type_one_error,
            },
            Some(threshold) => SafetyRule::Bayesian {
                prior_events: self.prior_events,
                prior_others: self.prior_others,
                threshold,
            },
        };
        let params = SafetyParams {
            n: self.n,
            acceptable_rate: self.acceptable_rate,
            rule,
        };
        let boundary = params.boundary()?;
        let at_rates = self.rate.iter().map(|&rate| {
            let (p_stop, expected_patients) = boundary.at_rate(rate)?;
            Ok(RateRow {
                rate,
                p_stop,
                expected_patients,
            })
        });
        let at_rates: Vec<RateRow> = at_rates.collect::<Result<_>>()?;
        if self.json {
            let whole = serde_json::json!({ "boundary": boundary, "at_rates": at_rates });
            return streams.data(&json(&whole)?);
        }
        streams.note(&format!(
            "stops with probability {:.4} at the acceptable rate",
            boundary.p_stop_if_acceptable
        ));
        for row in &at_rates {
            streams.note(&format!(
                "at a true rate of {}: stops with probability {:.4}, after {:.1} patients on average",
                row.rate, row.p_stop, row.expected_patients
            ));
        }
        let looks = boundary.stop_at.iter().enumerate();
        let rows: Vec<LookRow> = looks
            .map(|(i, &stop_at)| LookRow {
                n_patients: i + 1,
                stop_at,
            })
            .collect();
        streams.data(&json_or_tsv(false, &["n_patients", "stop_at"], &rows)?)
    }
}
