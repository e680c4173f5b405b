//! From a question, why this donor for this recipient, to its answer.

use ndarray::Array2;

use super::counterfactual::Counterfactual;
use super::groups::{Group, known_of};
use super::result::{
    Contribution, EndpointExplanation, Explanation, FeatureContribution, Measure, TermKind,
};
use crate::matcher::{Attribution, PairPrediction, Part, TermDraws};
use crate::numeric::summary::{mean, quantile};
use crate::profile::{SampleId, SubjectId};
use crate::ranking::{RESEARCH_USE, RankingJob};
use crate::{Error, Result};

/// Why a donor for a recipient: what each part of the prediction adds to the mean log-odds of response
/// and of a severe event, over the mean of all eligible donors of the pool or, with `against`, over
/// another donor.
///
/// The contributions of an endpoint sum to the difference of the mean log-odds, without a
/// remainder. In each draw the donors are compared under the same members of the models, the same
/// evidence and the same random numbers, so that what they share cancels. What the community adds
/// is parted among the columns of the response model by exact Shapley values, the other donor's
/// community in the same draw being the reference (the mean over the references where there are
/// several), times the slope of the draw; the columns are then summed by signature and genus. A
/// column that is the same for both donors has none. Contributions say what the models did: they are
/// associations, not what would happen were a taxon given or taken.
///
/// # Errors
/// [`Error::Table`] where the donor or the recipient is not in its table, or a donor is compared with
/// itself; those of [`Matcher::predict`](crate::matcher::Matcher::predict) and
/// [`RankingParams::check`](crate::ranking::RankingParams::check).
///
/// # Examples
/// ```
/// use donormatch::explanation::explain;
/// use donormatch::matcher::{Matcher, PredictParams};
/// use donormatch::ranking::{RankingJob, RankingParams};
/// use donormatch::taxonomy::{HarmonizeParams, harmonize};
/// use donormatch::trial::SimulationParams;
///
/// # if !Matcher::has_bundled() { return Ok(()); }
/// let cohort = SimulationParams::default().simulate()?;
/// let job = RankingJob {
///     matcher: &Matcher::bundled()?,
///     donors: &harmonize(&cohort.donors, &HarmonizeParams::default())?.0.into(),
///     recipients: &harmonize(&cohort.recipients, &HarmonizeParams::default())?.0,
///     contexts: &cohort.contexts,
///     predict: &PredictParams::default(),
///     params: &RankingParams::default(),
/// };
/// let (one, other) = (&job.donors.ids()[0], &job.donors.ids()[1]);
/// let why = explain(&job, one, Some(other), &job.recipients.samples()[0])?;
/// let parts = why.response.contributions.iter().map(|one| one.contribution);
/// assert!((parts.sum::<f64>() - why.response.difference).abs() < 1e-9);
/// # Ok::<(), donormatch::Error>(())
/// ```
///
/// # References
/// S. M. Lundberg et al., "From local explanations to global understanding with explainable AI for
/// trees", Nature Machine Intelligence 2 (2020), for Shapley values with references.
pub fn explain(
    job: &RankingJob<'_>,
    donor: &SubjectId,
    against: Option<&SubjectId>,
    recipient: &SampleId,
) -> Result<Explanation> {
    job.params.check()?;
    let place = job.donors.place_of(donor)?;
    let eligible = job.eligible_donors();
    let others = match against {
        // As a ranking: where nobody may be ranked, all are shown against all.
        None if eligible.is_empty() => (0..job.donors.n_donors()).collect(),
        None => eligible.clone(),
        Some(other) if other == donor => {
            return Err(Error::table(format!(
                "`{donor}` cannot be compared with itself; leave `against` out to compare it with all"
            )));
        }
        Some(other) => vec![job.donors.place_of(other)?],
    };
    let row = job
        .recipients
        .row_of(recipient)
        .ok_or_else(|| Error::table(format!("recipient `{recipient}` is not in the table")))?;
    let context = *job
        .contexts
        .get(row)
        .ok_or_else(|| Error::table(format!("recipient `{recipient}` has no treatment context")))?;
    let profile = job.recipients.select(&[row])?;
    let predict = job.predict;
    let parts = job
        .matcher
        .attribute(job.donors, &profile, context, (place, &others), predict)?;
    let answer = Answer::new(job, &parts)?;
    let counterfactual = if against.is_some() {
        let two = job.donors.select(&[place, others[0]])?;
        let pairs = job.matcher.predict(&two, &profile, &[context], predict)?;
        answer.counterfactual(&pairs, job)
    } else {
        None
    };
    Ok(Explanation {
        research_use: RESEARCH_USE,
        donor_id: donor.clone(),
        against: against.cloned(),
        recipient_id: recipient.clone(),
        eligible: eligible.contains(&place),
        n_eligible: eligible.len(),
        n_draws: predict.n_draws,
        seed: predict.seed,
        response: answer.response,
        severe_irae: answer.severe_irae,
        counterfactual,
    })
}

/// The two endpoints, and what each of their terms adds draw by draw.
struct Answer {
    response: EndpointExplanation,
    severe_irae: EndpointExplanation,
    response_draws: Vec<Vec<f64>>,
    severe_draws: Vec<Vec<f64>>,
}

impl Answer {
    fn new(job: &RankingJob<'_>, parts: &Attribution) -> Result<Self> {
        let schema = job.matcher.response().schema();
        let names = schema.feature_names();
        let mut of_community = Vec::new();
        for group in Group::all(schema, &parts.taxa)? {
            of_community.push(of_group(&group, &names, parts));
        }
        of_community.sort_by(|(a, _), (b, _)| {
            let by_size = b.contribution.abs().total_cmp(&a.contribution.abs());
            by_size.then_with(|| a.term.cmp(&b.term))
        });
        let response: Vec<_> = parts
            .response
            .iter()
            .map(|term| of_part(job, term, parts))
            .chain(of_community.into_iter().map(Ok))
            .collect::<Result<_>>()?;
        let severe: Vec<_> = parts
            .severe_irae
            .iter()
            .map(|term| of_part(job, term, parts))
            .collect::<Result<_>>()?;
        let (response, response_draws): (Vec<_>, Vec<_>) = response.into_iter().unzip();
        let (severe, severe_draws): (Vec<_>, Vec<_>) = severe.into_iter().unzip();
        Ok(Self {
            response: endpoint(&parts.response_log_odds, &parts.response_against, response),
            severe_irae: endpoint(&parts.severe_log_odds, &parts.severe_against, severe),
            response_draws,
            severe_draws,
        })
    }

    fn counterfactual(
        &self,
        pairs: &[PairPrediction],
        job: &RankingJob<'_>,
    ) -> Option<Counterfactual> {
        let terms = |explained: &EndpointExplanation, draws: &[Vec<f64>]| {
            let names = explained.contributions.iter().map(|one| one.term.clone());
            names.zip(draws.iter().cloned()).collect::<Vec<_>>()
        };
        let [donor, against] = pairs else { return None };
        Some(Counterfactual::new(
            [donor, against],
            &terms(&self.response, &self.response_draws),
            &terms(&self.severe_irae, &self.severe_draws),
            &job.params.weights,
        ))
    }
}

fn endpoint(
    log_odds: &[f64],
    against: &[f64],
    contributions: Vec<Contribution>,
) -> EndpointExplanation {
    let (log_odds, against) = (mean(log_odds), mean(against));
    EndpointExplanation {
        log_odds,
        log_odds_against: against,
        difference: log_odds - against,
        contributions,
    }
}

/// A term of evidence, record or richness, and what it adds draw by draw.
fn of_part(
    job: &RankingJob<'_>,
    term: &TermDraws,
    parts: &Attribution,
) -> Result<(Contribution, Vec<f64>)> {
    let draws: Vec<f64> = term
        .donor
        .iter()
        .zip(&term.against)
        .map(|(a, b)| a - b)
        .collect();
    let (name, kind) = match term.part {
        Part::Cell => ("cell", TermKind::Evidence),
        Part::Trial => ("trial", TermKind::Evidence),
        Part::Transplant => ("transplant", TermKind::Evidence),
        Part::DonorType => ("donor_type", TermKind::Evidence),
        Part::Record => ("record", TermKind::Record),
        Part::Richness => ("prevotellaceae", TermKind::Signature),
    };
    let mut one = Contribution {
        log_odds: Some(mean(&term.donor)),
        log_odds_against: Some(mean(&term.against)),
        evidence: match kind {
            TermKind::Evidence => {
                let n_arms = job.matcher.evidence().registry().arms().len();
                format!("{n_arms} published trial arms")
            }
            _ if job.matcher.evidence().record().donors.is_empty() => {
                "no outcome yet: how far donors may differ, 0 but for the draws".to_owned()
            }
            _ => "outcomes of this donor's transplants in the trial".to_owned(),
        },
        ..of_draws(name.to_owned(), kind, &draws)
    };
    if term.part == Part::Richness {
        let known = known_of(&["prevotellaceae"])?;
        let [donor, against] = parts.prevotellaceae;
        one = Contribution {
            measure: Some(Measure::Fraction),
            expected: Some(donor),
            expected_against: Some(against),
            grade: Some(known.grade),
            evidence: known.evidence,
            source: known.source,
            ..one
        };
    }
    Ok((one, draws))
}

/// A term of the community, and what it adds draw by draw.
fn of_group(group: &Group, names: &[String], parts: &Attribution) -> (Contribution, Vec<f64>) {
    let draws = sums(&parts.features, &group.columns);
    let mut features: Vec<FeatureContribution> = group
        .columns
        .iter()
        .map(|&column| FeatureContribution {
            feature: names[column].clone(),
            contribution: mean(&parts.features.column(column).to_vec()),
        })
        .collect();
    features.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
    let one = Contribution {
        measure: Some(group.measure),
        baseline: Some(group.count(&parts.baseline)),
        expected: Some(group.count(&parts.donor)),
        expected_against: Some(group.count(&parts.against)),
        grade: Some(group.known.grade),
        heterogeneity: group.heterogeneity,
        evidence: group.known.evidence.clone(),
        source: group.known.source.clone(),
        features,
        ..of_draws(group.term.clone(), group.kind, &draws)
    };
    (one, draws)
}

/// The sum of some columns, row by row.
fn sums(features: &Array2<f64>, columns: &[usize]) -> Vec<f64> {
    let rows = features.rows().into_iter();
    rows.map(|row| columns.iter().map(|&column| row[column]).sum())
        .collect()
}

/// A term with nothing but what it adds.
fn of_draws(term: String, kind: TermKind, draws: &[f64]) -> Contribution {
    let mut rising = draws.to_vec();
    rising.sort_by(f64::total_cmp);
    Contribution {
        term,
        kind,
        contribution: mean(draws),
        contribution_lo: quantile(&rising, 0.05),
        contribution_hi: quantile(&rising, 0.95),
        log_odds: None,
        log_odds_against: None,
        measure: None,
        baseline: None,
        expected: None,
        expected_against: None,
        grade: None,
        heterogeneity: None,
        evidence: String::new(),
        source: String::new(),
        features: Vec::new(),
    }
}
