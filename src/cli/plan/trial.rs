//! `donormatch plan trial`

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::cli::input::ModelArguments;
use crate::cli::{Streams, json, json_or_tsv};
use crate::output::{Access, write_bytes};
use crate::trial::allocation::{
    DEFAULT_FLOOR, DESIGN_COLUMNS, DesignParams, DesignReport, DonorEffects, Learner, Policy,
    SimulatedTrial, TrueEffects,
};
use crate::{Error, Result};

/// Simulate a trial under allocation policies: power, responders, regret, severe events
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch plan trial --n-trials 200 --n-recipients 40 --good-share 0.2 --good-effect 2")]
pub(super) struct TrialArguments {
    /// TOML file of the design, with a table `[scenario]`; flags stand before it
    #[arg(long, value_name = "FILE")]
    design: Option<PathBuf>,
    /// Recipients of the whole trial
    #[arg(long)]
    n_recipients: Option<u32>,
    /// Eligible donors
    #[arg(long)]
    n_donors: Option<u32>,
    /// Probability of response after the transplant of an average donor
    #[arg(long)]
    p_response: Option<f64>,
    /// Standard deviation of the donors' effects, in log-odds
    #[arg(long, conflicts_with_all = ["donor_effects", "good_share"])]
    donor_sd: Option<f64>,
    /// Effect of each donor, in log-odds
    #[arg(
        long,
        value_delimiter = ',',
        allow_hyphen_values = true,
        conflicts_with = "good_share"
    )]
    donor_effects: Option<Vec<f64>>,
    /// Probability that a donor is good
    #[arg(long, requires = "good_effect")]
    good_share: Option<f64>,
    /// What a good donor adds, in log-odds
    #[arg(long, requires = "good_share")]
    good_effect: Option<f64>,
    /// Any other number of the scenario, such as `control_share=0.5`; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// Policies to compare; all where absent
    #[arg(long, value_enum, value_delimiter = ',')]
    policy: Vec<PolicyName>,
    /// Share that learning policies allocate evenly
    #[arg(long, default_value_t = DEFAULT_FLOOR)]
    floor: f64,
    /// What policies and verdicts learn by: a Beta posterior a donor, or the joint posterior
    #[arg(long, value_enum)]
    learner: Option<Learner>,
    /// Where true effects come from: the scenario, or draws of the joint posterior (assurance)
    #[arg(long, value_enum)]
    true_effects: Option<TrueEffects>,
    /// Simulated trials
    #[arg(long)]
    n_trials: Option<u32>,
    /// Permutations of each test; 0 leaves the tests out
    #[arg(long)]
    n_permutations: Option<u32>,
    /// New allocations for the randomization test of donors
    #[arg(long)]
    n_rerandomizations: Option<u32>,
    /// Level of the tests
    #[arg(long)]
    level: Option<f64>,
    /// Rate of severe events that is acceptable, for a stopping rule
    #[arg(long)]
    acceptable_severe: Option<f64>,
    /// Seed of everything drawn
    #[arg(long)]
    seed: Option<u64>,
    /// Write the regret after each recipient to a table
    #[arg(long, value_name = "FILE")]
    curves: Option<PathBuf>,
    /// Write the first simulated trial of the first policy as a log that `plan value` reads
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelArguments,
}

/// A policy by its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PolicyName {
    /// Every donor equally likely
    Even,
    /// Blocks of one transplant from each donor
    Blocked,
    /// The donor of whom most was predicted
    Prior,
    /// By the probability to be the best
    Thompson,
    /// The best of the preferred donors
    Greedy,
}

/// A row of the curves.
#[derive(Debug, Serialize)]
struct CurveRow<'a> {
    policy: &'a str,
    n_recipients: usize,
    regret: f64,
}

impl TrialArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let params = self.params()?;
        let matcher = params.needs_evidence().then(|| self.model.load());
        let matcher = matcher.transpose()?;
        let evidence = matcher.as_ref().map(|(matcher, _)| matcher.evidence());
        let report = params.compare(evidence)?;
        if let Some(path) = &self.curves {
            write_bytes(path, curves(&report)?.as_bytes(), Access::Shared)?;
        }
        if let Some(path) = &self.log {
            let policies = params.policies.clone();
            let first = policies.and_then(|all| all.first().copied());
            let trial = params.trial(evidence, first.unwrap_or(Policy::Even), 0)?;
            write_bytes(path, log(&trial).as_bytes(), Access::Shared)?;
        }
        if self.json {
            return streams.data(&json(&report)?);
        }
        streams.note(&format!(
            "{} simulated trials a policy; figures of a design, not of a treatment",
            params.n_trials
        ));
        streams.data(&json_or_tsv(false, &DESIGN_COLUMNS, &report.rows)?)
    }

    /// The design of the file, with what the flags say.
    fn params(&self) -> Result<DesignParams> {
        let mut table = match &self.design {
            Some(path) => toml::from_str::<toml::Table>(&crate::profile::read_text(path)?)
                .map_err(|error| Error::file(path, error.message().to_owned()))?,
            None => toml::Table::new(),
        };
        let scenario = table
            .entry("scenario")
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        if let toml::Value::Table(scenario) = scenario {
            for setting in &self.settings {
                let (name, value) = parse_setting(setting)?;
                scenario.insert(name, value);
            }
        }
        let mut params: DesignParams = table
            .try_into()
            .map_err(|error: toml::de::Error| Error::parameter("design", error.message()))?;
        self.override_scenario(&mut params);
        self.override_design(&mut params);
        Ok(params)
    }

    fn override_scenario(&self, params: &mut DesignParams) {
        let scenario = &mut params.scenario;
        replace(&mut scenario.n_recipients, self.n_recipients);
        replace(&mut scenario.n_donors, self.n_donors);
        replace(&mut scenario.p_response, self.p_response);
        if let Some(sd) = self.donor_sd {
            scenario.donor_effects = DonorEffects::Normal(sd);
        }
        if let Some(effects) = &self.donor_effects {
            scenario.n_donors = self.n_donors.unwrap_or(effects.len() as u32);
            scenario.donor_effects = DonorEffects::Fixed(effects.clone());
        }
        if let (Some(share), Some(log_odds)) = (self.good_share, self.good_effect) {
            scenario.donor_effects = DonorEffects::Rare { share, log_odds };
        }
    }

    fn override_design(&self, params: &mut DesignParams) {
        replace(&mut params.learner, self.learner);
        replace(&mut params.true_effects, self.true_effects);
        replace(&mut params.n_trials, self.n_trials);
        replace(&mut params.n_permutations, self.n_permutations);
        replace(&mut params.n_rerandomizations, self.n_rerandomizations);
        replace(&mut params.level, self.level);
        replace(&mut params.seed, self.seed);
        params.acceptable_severe = self.acceptable_severe.or(params.acceptable_severe);
        let (floor, learner) = (self.floor, params.learner);
        let prefer_above = params.prefer_above;
        let policy = |name: &PolicyName| match name {
            PolicyName::Even => Policy::Even,
            PolicyName::Blocked => Policy::Blocked,
            PolicyName::Prior => Policy::Prior { match_weight: 1.0 },
            PolicyName::Thompson => Policy::Thompson { floor, learner },
            PolicyName::Greedy => Policy::Greedy {
                floor,
                prefer_above,
                learner,
            },
        };
        if !self.policy.is_empty() {
            params.policies = Some(self.policy.iter().map(policy).collect());
        } else if params.policies.is_none() {
            let all = PolicyName::value_variants();
            params.policies = Some(all.iter().map(policy).collect());
        }
    }
}

fn replace<T>(value: &mut T, by: Option<T>) {
    if let Some(by) = by {
        *value = by;
    }
}

/// A setting as a value of TOML.
fn parse_setting(text: &str) -> Result<(String, toml::Value)> {
    let wrong = || {
        let message = format!("expected NAME=VALUE with a number, found `{text}`");
        Error::parameter("set", message)
    };
    let (name, _) = text.split_once('=').ok_or_else(wrong)?;
    let table = toml::from_str::<toml::Table>(text).map_err(|_| wrong())?;
    let value = table.into_iter().next().map(|(_, value)| value);
    Ok((name.trim().to_owned(), value.ok_or_else(wrong)?))
}

fn curves(report: &DesignReport) -> Result<String> {
    let rows = report.curves.iter().flat_map(|curve| {
        let along = curve.regret.iter().zip(1..);
        along.map(|(&regret, n_recipients)| CurveRow {
            policy: &curve.policy,
            n_recipients,
            regret,
        })
    });
    let rows: Vec<CurveRow<'_>> = rows.collect();
    json_or_tsv(false, &["policy", "n_recipients", "regret"], &rows)
}

/// One row a recipient and donor; the target is the trial's own policy, to be replaced.
fn log(trial: &SimulatedTrial) -> String {
    let mut text = String::from("recipient_id\tdonor_id\tprobability\tgiven\toutcome\ttarget\n");
    for (number, one) in trial.allocations.iter().enumerate() {
        let Some(given) = one.donor else { continue };
        for (donor, probability) in one.probabilities.iter().enumerate() {
            let is_given = donor == given;
            let outcome = one.response.filter(|_| is_given).map(u8::from);
            let outcome = outcome.map(|one| one.to_string()).unwrap_or_default();
            let said = u8::from(is_given);
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "recipient_{:03}\tdonor_{:02}\t{probability}\t{said}\t{outcome}\t{probability}",
                number + 1,
                donor + 1,
            );
        }
    }
    text
}
