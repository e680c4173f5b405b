//! Explanations by the public door: they sum, they agree with what is predicted, and they answer
//! what they are asked.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::sync::LazyLock;

use approx::assert_abs_diff_eq;
use donormatch::cohort::screening::DonorType;
use donormatch::cohort::{Cohort, Donors, PatientCohort, TreatmentContext};
use donormatch::explanation::{EndpointExplanation, Explanation, explain};
use donormatch::matcher::{Matcher, MatcherParams, PredictParams, ResponseEngine};
use donormatch::profile::{ProfileTable, SampleId, SubjectId};
use donormatch::ranking::{RESEARCH_USE, RankingJob, RankingParams};
use donormatch::taxonomy::{HarmonizeParams, Target, harmonize};
use donormatch::trial::SimulationParams;

use crate::cli::{SCENE, run};

const N_DONORS: usize = 6;
const N_RECIPIENTS: usize = 28;

/// A small matcher whose score comes from both engines, a placebo among its donors.
struct Small {
    matcher: Matcher,
    donors: Donors,
    recipients: ProfileTable,
    contexts: Vec<TreatmentContext>,
    predict: PredictParams,
    params: RankingParams,
}

static SMALL: LazyLock<Small> = LazyLock::new(|| {
    let harmonized = |table| {
        let params = HarmonizeParams::new(Target::Species);
        harmonize(table, &params).unwrap().0
    };
    let cohort = |n_donors, n_recipients| SimulationParams {
        n_donors,
        n_recipients,
        ..Default::default()
    };
    let (patients, transplants) = cohort(8, 45).simulate().unwrap().to_cohorts().unwrap();
    let profiles = harmonized(patients.profiles());
    let patients = PatientCohort::new(patients.patients().to_vec(), &profiles).unwrap();
    let profiles = harmonized(transplants.profiles());
    let transplants: Cohort = transplants.with_profiles(profiles).unwrap();
    let mut params = MatcherParams::default();
    params.engraftment.n_members = 2;
    params.engraftment.presence.n_rounds = 5;
    params.engraftment.abundance.n_rounds = 5;
    params.response.n_members = 3;
    params.response.n_slope_members = 1;
    params.response.boosting.n_rounds = 12;
    params.response.engine = ResponseEngine::Both;
    let matcher = params.fit(&patients, &[transplants]).unwrap();
    let asked = cohort(N_DONORS as _, N_RECIPIENTS as _).simulate().unwrap();
    let mut types = vec![Some(DonorType::Healthy); N_DONORS];
    types[1] = Some(DonorType::IciResponderCr);
    types[4] = Some(DonorType::Placebo);
    types[5] = None;
    let mut predict = PredictParams::default();
    predict.n_draws = 20;
    Small {
        matcher,
        donors: Donors::from(harmonized(&asked.donors))
            .with_donor_types(&types)
            .unwrap(),
        recipients: harmonized(&asked.recipients),
        contexts: asked.contexts,
        predict,
        params: RankingParams::default(),
    }
});

impl Small {
    fn job(&self) -> RankingJob<'_> {
        RankingJob {
            matcher: &self.matcher,
            donors: &self.donors,
            recipients: &self.recipients,
            contexts: &self.contexts,
            predict: &self.predict,
            params: &self.params,
        }
    }

    fn explain(&self, donor: usize, against: Option<usize>, recipient: usize) -> Explanation {
        let ids = self.donors.ids();
        let recipient = &self.recipients.samples()[recipient];
        explain(
            &self.job(),
            &ids[donor],
            against.map(|at| &ids[at]),
            recipient,
        )
        .unwrap()
    }
}

fn sum(explained: &EndpointExplanation) -> f64 {
    explained
        .contributions
        .iter()
        .map(|one| one.contribution)
        .sum()
}

/// Mean of the log-odds of probabilities.
fn mean_log_odds(draws: &[f64]) -> f64 {
    let log_odds = draws.iter().map(|p| (p / (1.0 - p)).ln());
    log_odds.sum::<f64>() / draws.len() as f64
}

#[test]
fn contributions_sum_to_the_predicted_difference_on_1000_pairs() {
    let small = &*SMALL;
    // The prediction takes another way: blocks of rows, no contributions.
    let pairs = small
        .matcher
        .predict(
            &small.donors,
            &small.recipients,
            &small.contexts,
            &small.predict,
        )
        .unwrap();
    let mut n_pairs = 0;
    for recipient in 0..N_RECIPIENTS {
        let of = &pairs[recipient * N_DONORS..][..N_DONORS];
        let response: Vec<f64> = of.iter().map(|p| mean_log_odds(&p.p_response)).collect();
        let severe: Vec<f64> = of.iter().map(|p| mean_log_odds(&p.p_severe_irae)).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / N_DONORS as f64;
        for donor in 0..N_DONORS {
            let others = (0..N_DONORS).filter(|other| *other != donor).map(Some);
            for against in others.chain([None]) {
                let why = small.explain(donor, against, recipient);
                for (explained, predicted) in
                    [(&why.response, &response), (&why.severe_irae, &severe)]
                {
                    let against = against.map_or(mean(predicted), |other| predicted[other]);
                    let difference = predicted[donor] - against;
                    assert_abs_diff_eq!(sum(explained), difference, epsilon = 1e-9);
                    assert_abs_diff_eq!(explained.difference, difference, epsilon = 1e-9);
                }
                n_pairs += 1;
            }
        }
    }
    assert!(n_pairs >= 1000, "{n_pairs}");
}

#[test]
fn columns_of_a_term_sum_to_it_and_every_column_has_a_term() {
    let why = SMALL.explain(0, Some(1), 0);
    let mut n_features = 0;
    for one in &why.response.contributions {
        n_features += one.features.len();
        if !one.features.is_empty() {
            let sum: f64 = one
                .features
                .iter()
                .map(|feature| feature.contribution)
                .sum();
            assert_abs_diff_eq!(sum, one.contribution, epsilon = 1e-12);
        }
        assert!(one.contribution_lo <= one.contribution_hi, "{}", one.term);
    }
    assert_eq!(n_features, SMALL.matcher.response().schema().n_features());
}

#[test]
fn turned_round_the_contributions_change_their_sign() {
    let (one, other) = (SMALL.explain(0, Some(2), 3), SMALL.explain(2, Some(0), 3));
    for (one, other) in [
        (&one.response, &other.response),
        (&one.severe_irae, &other.severe_irae),
    ] {
        for of in &one.contributions {
            let turned = other
                .contributions
                .iter()
                .find(|other| other.term == of.term)
                .unwrap();
            assert_abs_diff_eq!(of.contribution, -turned.contribution, epsilon = 1e-12);
            assert_eq!(of.expected, turned.expected_against);
        }
    }
}

#[test]
fn against_the_pool_is_the_mean_of_against_each_of_its_donors() {
    let pool = SMALL.explain(3, None, 5);
    let each: Vec<Explanation> = (0..N_DONORS)
        .filter(|other| *other != 3)
        .map(|other| SMALL.explain(3, Some(other), 5))
        .collect();
    for term in &pool.response.contributions {
        let parts = each.iter().flat_map(|one| &one.response.contributions);
        let parts = parts.filter(|one| one.term == term.term);
        // Against itself nothing.
        let mean = parts.map(|one| one.contribution).sum::<f64>() / N_DONORS as f64;
        assert_abs_diff_eq!(mean, term.contribution, epsilon = 1e-9);
    }
}

#[test]
fn what_is_the_same_for_two_donors_has_no_part() {
    // Both healthy, so that all evidence is shared.
    let why = SMALL.explain(0, Some(2), 1);
    for term in ["cell", "trial", "transplant", "donor_type"] {
        let one = why
            .response
            .contributions
            .iter()
            .find(|one| one.term == term)
            .unwrap();
        assert_abs_diff_eq!(one.contribution, 0.0, epsilon = 1e-12);
        assert_eq!(one.log_odds, one.log_odds_against);
    }
    // A placebo is no transplant and leaves the recipient as it is.
    let why = SMALL.explain(4, Some(0), 1);
    let of = |term: &str| {
        why.response
            .contributions
            .iter()
            .find(|one| one.term == term)
            .unwrap()
    };
    assert_eq!(of("transplant").log_odds, Some(0.0));
    assert_ne!(of("transplant").contribution.to_bits(), 0.0_f64.to_bits());
    for one in &why.response.contributions {
        if let (Some(before), Some(after)) = (one.baseline, one.expected) {
            assert_abs_diff_eq!(before, after, epsilon = 1e-12);
        }
    }
}

#[test]
fn a_tie_is_one_when_it_is_put_to_the_ranking() {
    let why = SMALL.explain(0, Some(1), 2);
    let counterfactual = why.counterfactual.unwrap();
    let select = |id: &SubjectId| SMALL.donors.place_of(id).unwrap();
    let two = [
        select(&counterfactual.first),
        select(&counterfactual.second),
    ];
    let recipient = SMALL.recipients.select(&[2]).unwrap();
    let donors = SMALL.donors.select(&two).unwrap();
    let pairs = SMALL
        .matcher
        .predict(&donors, &recipient, &SMALL.contexts[2..3], &SMALL.predict)
        .unwrap();
    let gap = |pairs: &[donormatch::matcher::PairPrediction], params: &RankingParams| {
        let ranking = params.rank(pairs).unwrap();
        let of = |id: &SubjectId| {
            let row = ranking.rows.iter().find(|row| row.donor_id == *id).unwrap();
            row.utility
        };
        of(&counterfactual.first) - of(&counterfactual.second)
    };
    let params = RankingParams::default();
    assert_abs_diff_eq!(
        gap(&pairs, &params),
        counterfactual.utility_gap,
        epsilon = 1e-12
    );
    let mut changed = pairs.clone();
    let change = counterfactual.response_change.unwrap();
    for p in &mut changed[1].p_response {
        *p = 1.0 / (1.0 + (-((*p / (1.0 - *p)).ln() + change)).exp());
    }
    assert_abs_diff_eq!(gap(&changed, &params), 0.0, epsilon = 1e-9);
    assert!(change > 0.0);
    for one in &counterfactual.weights {
        let mut params = RankingParams::default();
        match one.weight {
            "response" => params.weights.response = one.value_at_tie,
            "severe_irae" => params.weights.severe_irae = one.value_at_tie,
            _ => params.weights.myocarditis = one.value_at_tie,
        }
        assert_abs_diff_eq!(gap(&pairs, &params), 0.0, epsilon = 1e-9);
    }
}

#[test]
fn a_term_made_the_same_leaves_the_gap_that_the_swap_says() {
    // Healthy against responder: all that differs in evidence is the type of the donor.
    let why = SMALL.explain(0, Some(1), 2);
    let all = &why.counterfactual.unwrap().swaps;
    assert!(
        all.windows(2)
            .all(|two| two[0].utility_gap <= two[1].utility_gap)
    );
    assert!(
        all.iter()
            .all(|one| one.overtakes == (one.utility_gap <= 0.0))
    );
    assert!(all.iter().any(|one| one.term == "donor_type"));
    assert!(!all.iter().any(|one| one.term == "cell"));
}

#[test]
fn a_donor_that_is_not_there_or_oneself_is_refused() {
    let job = SMALL.job();
    let (donor, recipient) = (&SMALL.donors.ids()[0], &SMALL.recipients.samples()[0]);
    let nobody: SubjectId = "nobody".into();
    let told = |error: donormatch::Error| error.to_string();
    let error = told(explain(&job, &nobody, None, recipient).unwrap_err());
    assert!(error.contains("`nobody`"), "{error}");
    let error = told(explain(&job, donor, Some(&nobody), recipient).unwrap_err());
    assert!(error.contains("`nobody`"), "{error}");
    let error = told(explain(&job, donor, None, &SampleId::new("nobody")).unwrap_err());
    assert!(error.contains("recipient `nobody`"), "{error}");
    let error = told(explain(&job, donor, Some(donor), recipient).unwrap_err());
    assert!(error.contains("itself"), "{error}");
}

#[test]
fn the_command_says_what_the_library_does() {
    let (donors, recipients) = (SCENE.path("donors.tsv"), SCENE.path("recipients.tsv"));
    let model = SCENE.path("tiny.dmm");
    let args = [
        "explain",
        &donors,
        &recipients,
        "--model",
        &model,
        "--regimen",
        "anti-pd-1",
        "--recipient",
        "synthetic_recipient_01",
        "--donor",
        "synthetic_donor_01",
        "--n-draws",
        "40",
    ];
    let json = run(&[&args[..], &["--against", "synthetic_donor_02", "--json"]].concat());
    assert_eq!(json.code, 0, "{}", json.err);
    let why: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(why["research_use"], RESEARCH_USE);
    assert_eq!(why["against"], "synthetic_donor_02");
    let terms = why["response"]["contributions"].as_array().unwrap();
    let sum: f64 = terms
        .iter()
        .map(|one| one["contribution"].as_f64().unwrap())
        .sum();
    let difference = why["response"]["difference"].as_f64().unwrap();
    assert_abs_diff_eq!(sum, difference, epsilon = 1e-9);
    let table = run(&args);
    assert!(table.err.contains(RESEARCH_USE), "{}", table.err);
    assert_eq!(
        table.out.lines().next().unwrap(),
        Explanation::COLUMNS.join("\t")
    );
    assert!(table.out.contains("\tluminate_depletion\tsignature\t"));
    let unknown = run(&[&args[..], &["--against", "D9"]].concat());
    assert_eq!(unknown.code, 1);
    assert!(unknown.err.contains("`D9`"), "{}", unknown.err);
}

#[test]
fn a_page_to_read_names_both_donors_and_what_would_have_to_differ() {
    let why = SMALL.explain(0, Some(1), 0);
    let text = why.to_text();
    assert!(text.starts_with(RESEARCH_USE));
    for words in [
        why.donor_id.as_str(),
        "against",
        "response: mean log-odds",
        "severe irAE: mean log-odds",
        "for",
        "to come first:",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let pool = SMALL.explain(0, None, 0).to_text();
    assert!(pool.contains("the mean of 6 eligible donors"), "{pool}");
}
