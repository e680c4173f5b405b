//! What an explanation holds.

use std::io::{self, Write};

use serde::Serialize;

use super::counterfactual::Counterfactual;
use super::heterogeneity::Heterogeneity;
use crate::profile::{SampleId, SubjectId};
use crate::taxonomy::Grade;
use crate::text::{TsvWriter, tsv_in_memory};
use crate::{Error, Result};

/// What a term of an explanation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TermKind {
    /// What trials say of such patients, transplants and donors.
    Evidence,
    /// The donor's own record in the trial; before any outcome, that donors differ.
    Record,
    /// The diversity of the community.
    Diversity,
    /// A signature: the columns that are summaries of its taxa.
    Signature,
    /// The species of a genus, each by its own column.
    Genus,
}

impl TermKind {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Record => "record",
            Self::Diversity => "diversity",
            Self::Signature => "signature",
            Self::Genus => "genus",
        }
    }
}

/// What `baseline`, `expected` and `expected_against` of a term count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measure {
    /// Summed relative abundance of the taxa, from 0 to 1.
    Fraction,
    /// Shannon diversity in nats.
    Shannon,
    /// The TOPOSCORE from 0 to 1.
    Toposcore,
    /// Natural logarithm of the ratio of two sums.
    LogRatio,
}

impl Measure {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fraction => "fraction",
            Self::Shannon => "shannon",
            Self::Toposcore => "toposcore",
            Self::LogRatio => "log_ratio",
        }
    }
}

/// What one column of the model adds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureContribution {
    /// The column.
    pub feature: String,
    /// What it adds to the mean log-odds.
    pub contribution: f64,
}

/// What one term adds to the mean log-odds of an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contribution {
    /// The term: `cell`, `trial`, `transplant`, `donor_type`, `record`, `diversity`, a signature or a
    /// genus; `no_genus` for taxa without one.
    pub term: String,
    /// What kind of term it is.
    pub kind: TermKind,
    /// What it adds to the mean log-odds over what it is compared with.
    pub contribution: f64,
    /// Lower end of its 90 % interval over the draws.
    pub contribution_lo: f64,
    /// Upper end of its 90 % interval.
    pub contribution_hi: f64,
    /// Log-odds of the term itself, where it has them: for the donor …
    pub log_odds: Option<f64>,
    /// … and for what it is compared with.
    pub log_odds_against: Option<f64>,
    /// What the next three count; absent for evidence and record.
    pub measure: Option<Measure>,
    /// Before the transplant; for the Prevotellaceae of a severe event, which the donor is judged
    /// by, absent.
    pub baseline: Option<f64>,
    /// Expected after the donor's transplant: the mean over the draws. For the Prevotellaceae of a
    /// severe event, in the donor.
    pub expected: Option<f64>,
    /// The same of what it is compared with.
    pub expected_against: Option<f64>,
    /// How good the evidence is that the term goes with the outcome; absent for evidence and record.
    pub grade: Option<Grade>,
    /// How far cohorts agree that the term goes with response; absent where they cannot speak of it.
    pub heterogeneity: Option<Heterogeneity>,
    /// What speaks for and against it.
    pub evidence: String,
    /// Where that comes from; blank where there is no reference.
    pub source: String,
    /// The columns of the model behind the term, what adds or takes most first.
    pub features: Vec<FeatureContribution>,
}

/// What the log-odds of one endpoint are made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EndpointExplanation {
    /// Mean log-odds over the draws.
    pub log_odds: f64,
    /// The same of what it is compared with: the mean of all eligible donors, or the other donor.
    pub log_odds_against: f64,
    /// The one less the other: the sum of the contributions.
    pub difference: f64,
    /// All terms: evidence and record first, then the community, what adds or takes most first.
    pub contributions: Vec<Contribution>,
}

/// Why one donor rather than another, see [`explain`](super::explain).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The notice that stands over every result.
    pub research_use: &'static str,
    /// The donor explained.
    pub donor_id: SubjectId,
    /// The donor it is compared with; absent for the mean of the eligible donors.
    pub against: Option<SubjectId>,
    /// The recipient.
    pub recipient_id: SampleId,
    /// Whether screening lets the donor through.
    pub eligible: bool,
    /// Eligible donors of the pool.
    pub n_eligible: usize,
    /// Draws from the posterior.
    pub n_draws: u32,
    /// Seed of the draws.
    pub seed: u64,
    /// Objective response.
    pub response: EndpointExplanation,
    /// Severe (grade 3 or more) immune-related adverse events.
    pub severe_irae: EndpointExplanation,
    /// What would have to differ for the other to come first; only between two donors.
    pub counterfactual: Option<Counterfactual>,
}

impl Explanation {
    /// The columns of the table, in order, as every door returns them.
    pub const COLUMNS: [&'static str; 23] = [
        "recipient_id",
        "donor_id",
        "against",
        "endpoint",
        "term",
        "kind",
        "contribution",
        "contribution_lo",
        "contribution_hi",
        "measure",
        "baseline",
        "expected",
        "expected_against",
        "log_odds",
        "log_odds_against",
        "grade",
        "source",
        "n_cohorts",
        "n_same_sign",
        "ln_or",
        "ln_or_se",
        "tau",
        "i2",
    ];

    /// The two endpoints by the words of the columns.
    pub fn endpoints(&self) -> [(&'static str, &EndpointExplanation); 2] {
        [
            ("response", &self.response),
            ("severe_irae", &self.severe_irae),
        ]
    }

    /// Everything as indented JSON; numbers read back to the same bits.
    ///
    /// # Errors
    /// None in practice: every number is finite.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|error| Error::table(error.to_string()))
    }

    /// One line a term of each endpoint, by [`Explanation::COLUMNS`]; `against` is blank for the mean
    /// of the eligible donors.
    ///
    /// # Errors
    /// None in practice: memory does not refuse bytes.
    pub fn to_tsv(&self) -> Result<String> {
        tsv_in_memory(Self::COLUMNS, |table| {
            for (endpoint, explained) in self.endpoints() {
                for one in &explained.contributions {
                    self.write_row(endpoint, one, table)?;
                }
            }
            Ok(())
        })
        .map_err(|error| Error::table(error.to_string()))
    }

    fn write_row(
        &self,
        endpoint: &str,
        one: &Contribution,
        table: &mut TsvWriter<impl Write>,
    ) -> io::Result<()> {
        table.text(self.recipient_id.as_str())?;
        table.text(self.donor_id.as_str())?;
        table.text(self.against.as_ref().map_or("", SubjectId::as_str))?;
        for word in [endpoint, &one.term, one.kind.as_str()] {
            table.text(word)?;
        }
        for number in [one.contribution, one.contribution_lo, one.contribution_hi] {
            table.number(number)?;
        }
        table.text(one.measure.map_or("", Measure::as_str))?;
        for number in [
            one.baseline,
            one.expected,
            one.expected_against,
            one.log_odds,
            one.log_odds_against,
        ] {
            table.number(number.unwrap_or(f64::NAN))?;
        }
        table.text(one.grade.map_or("", Grade::as_str))?;
        table.text(&one.source)?;
        for number in told_by_cohorts(one.heterogeneity.as_ref()) {
            table.number(number)?;
        }
        table.end_row()
    }
}

/// The last columns of a row: blank where cohorts cannot speak of the term.
fn told_by_cohorts(of: Option<&Heterogeneity>) -> [f64; 6] {
    of.map_or([f64::NAN; 6], |of| {
        let n = [of.n_cohorts, of.n_same_sign].map(f64::from);
        [n[0], n[1], of.ln_or, of.ln_or_se, of.tau, of.i2]
    })
}
