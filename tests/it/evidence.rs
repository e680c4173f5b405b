//! The joint posterior: beside `PyMC`, calibrated on its own simulations, updated by outcomes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::path::Path;

use donormatch::cohort::{Cancer, Line, Regimen, TreatmentContext};
use donormatch::evidence::{
    CohortSlope, Endpoint, Evidence, EvidenceParams, Registry, TrialPatient, UpdateMethod,
};
use serde_json::Value;

fn registry() -> Registry {
    Registry::bundled().unwrap()
}

fn params(n_draws: u32) -> EvidenceParams {
    let mut params = EvidenceParams::default();
    params.n_draws = n_draws;
    params
}

fn slope(cohort: &str, estimate: f64, error: f64) -> CohortSlope {
    CohortSlope {
        cohort: cohort.to_owned(),
        estimate,
        error,
        n_patients: 100,
    }
}

/// The trial's recipients of one donor, the first `responders` of whom respond.
fn patients(donor: &str, n: u32, responders: u32) -> Vec<TrialPatient> {
    (0..n)
        .map(|number| TrialPatient {
            trial: "own".to_owned(),
            donor: Some(donor.to_owned()),
            donor_type: None,
            context: TreatmentContext::new(Regimen::AntiPd1, Cancer::Melanoma, Line::Refractory),
            score: 0.0,
            richness: 0.0,
            response: Some(number < responders),
            severe_irae: Some(false),
            myocarditis: Some(false),
        })
        .collect()
}

#[test]
fn means_and_spreads_agree_with_pymc() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/evidence/reference.json");
    let reference: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let slopes = [
        slope("a", 0.5, 0.2),
        slope("b", 0.1, 0.15),
        slope("c", -0.2, 0.4),
    ];
    let mut params = params(5000);
    params.n_kept = 10_000;
    let evidence = params.fit(&registry(), &slopes).unwrap();
    let mut n = 0;
    for row in evidence.parameters() {
        let expected = &reference[row.endpoint.as_str()][&row.parameter];
        let Some(numbers) = expected.as_array() else {
            // What no arm informs and PyMC's model has not: drawn from its prior.
            assert!(
                row.parameter.starts_with("prevotellaceae"),
                "{}",
                row.parameter
            );
            continue;
        };
        let [mean, sd, error] = [0, 1, 2].map(|at| numbers[at].as_f64().unwrap());
        // Ours: the kept draws, half of the chains.
        let ours = row.sd / row.effective_size.min(10_000.0).sqrt();
        let tolerance = 4.0 * error.hypot(ours);
        assert!(
            (row.mean - mean).abs() <= tolerance,
            "{} {}: {} against {mean} (tolerance {tolerance})",
            row.endpoint,
            row.parameter,
            row.mean
        );
        assert!(
            (row.sd / sd - 1.0).abs() < 0.15,
            "{}: sd {} against {sd}",
            row.parameter,
            row.sd
        );
        n += 1;
    }
    assert!(n > 90, "{n} parameters compared");
}

#[test]
fn outcomes_of_a_donor_move_that_donor_and_little_else() {
    let evidence = params(1000).fit(&registry(), &[]).unwrap();
    let mut outcomes = patients("good", 8, 7);
    outcomes.extend(patients("poor", 8, 0));
    let updated = evidence
        .with_patients(&outcomes, "digest", UpdateMethod::Exact)
        .unwrap();
    assert_eq!(updated.method, UpdateMethod::Exact);
    let donors = updated.evidence.donors();
    assert_eq!(donors.len(), 2);
    let of = |id: &str| donors.iter().find(|one| one.donor_id == id).unwrap();
    assert_eq!((of("good").n_transplants, of("good").n_responders), (8, 7));
    assert!(of("good").donor_effect > 0.3 && of("poor").donor_effect < -0.3);
    assert!(of("good").donor_effect_lo > of("poor").donor_effect_lo);
    assert_eq!(updated.evidence.record().digest, "digest");
}

#[test]
fn fast_and_exact_updates_agree() {
    let evidence = params(1000).fit(&registry(), &[]).unwrap();
    let mut outcomes = patients("a", 6, 3);
    outcomes.extend(patients("b", 6, 1));
    let update = |method| evidence.with_patients(&outcomes, "", method).unwrap();
    let (fast, exact) = (update(UpdateMethod::Fast), update(UpdateMethod::Exact));
    assert!(fast.pareto_k.unwrap() < 0.7, "{:?}", fast.pareto_k);
    for (fast, exact) in fast.evidence.donors().iter().zip(exact.evidence.donors()) {
        let gap = (fast.donor_effect - exact.donor_effect).abs();
        assert!(gap < 0.12, "{}: {gap}", fast.donor_id);
    }
    let cell = |evidence: &Evidence, endpoint| {
        let context = TreatmentContext::new(Regimen::AntiPd1, Cancer::Melanoma, Line::Refractory);
        evidence.cell(endpoint, context, true).probability
    };
    for endpoint in Endpoint::ALL {
        let gap = cell(&fast.evidence, endpoint) - cell(&exact.evidence, endpoint);
        assert!(gap.abs() < 0.02, "{endpoint}: {gap}");
    }
    let auto = evidence
        .with_patients(&outcomes, "", UpdateMethod::Auto)
        .unwrap();
    assert_eq!(auto, fast, "weights that can be trusted are taken");
}

#[test]
fn the_whole_table_replaces_what_was_learned_before() {
    let evidence = params(1000).fit(&registry(), &[]).unwrap();
    let first = patients("a", 4, 4);
    let mut whole = first.clone();
    whole.extend(patients("b", 4, 0));
    let once = evidence
        .with_patients(&whole, "", UpdateMethod::Exact)
        .unwrap();
    let twice = evidence
        .with_patients(&first, "", UpdateMethod::Exact)
        .unwrap()
        .evidence
        .with_patients(&whole, "", UpdateMethod::Auto)
        .unwrap();
    assert_eq!(once.evidence, twice.evidence);
    let fast = twice.evidence.with_patients(&whole, "", UpdateMethod::Fast);
    assert!(fast.unwrap_err().to_string().contains("`method`"));
}

#[test]
fn patients_of_a_trial_that_is_among_the_arms_would_count_twice() {
    let evidence = params(300).fit(&registry(), &[]).unwrap();
    let mut outcomes = patients("a", 2, 1);
    for patient in &mut outcomes {
        "Baruch".clone_into(&mut patient.trial);
    }
    let refused = evidence
        .with_patients(&outcomes, "", UpdateMethod::Auto)
        .unwrap_err();
    assert!(refused.to_string().contains("twice"), "{refused}");
}

#[test]
fn a_trial_left_out_widens_its_own_cell() {
    let evidence = params(1000).fit(&registry(), &[]).unwrap();
    let without = evidence.without_trial("FMT-LUMINate").unwrap();
    let context = TreatmentContext::new(Regimen::Dual, Cancer::Melanoma, Line::First);
    let width = |evidence: &Evidence| {
        let cell = evidence.cell(Endpoint::Myocarditis, context, true);
        cell.probability
    };
    // Three in twenty are what makes myocarditis more than the 0.3 % of the inhibitors alone.
    assert!(width(&evidence) > 0.015 && width(&without) < 0.012);
}
