//! Three sites that send no patient, beside one fit of all their patients.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use approx::assert_abs_diff_eq;
use donormatch::cohort::{Cancer, Line, Regimen, TreatmentContext};
use donormatch::evidence::{
    Endpoint, Evidence, EvidenceParams, Registry, SiteSummary, TrialPatient, UpdateMethod,
};

const DIGEST: &str = "model";

/// Patients of a site: six donors, scores from −1 to 1, one in `rare` responds but more often where
/// the score is high.
fn site(name: &str, n: u32, rare: u32) -> Vec<TrialPatient> {
    (0..n)
        .map(|number| {
            let score = f64::from(number % 5) / 2.0 - 1.0;
            TrialPatient {
                trial: name.to_owned(),
                donor: Some(format!("donor_{}", number % 6)),
                donor_type: None,
                context: TreatmentContext::new(Regimen::AntiPd1, Cancer::Melanoma, Line::First),
                score,
                richness: 0.0,
                response: Some(number % rare == 0 || (score > 0.0 && number % 2 == 0)),
                severe_irae: Some(number % 4 == 0),
                myocarditis: None,
            }
        })
        .collect()
}

fn sites() -> [Vec<TrialPatient>; 3] {
    [
        site("north", 20, 3),
        site("south", 14, 2),
        site("west", 9, 4),
    ]
}

fn evidence() -> Evidence {
    let mut params = EvidenceParams::default();
    (params.n_draws, params.n_kept) = (2000, 4000);
    params.fit(&Registry::bundled().unwrap(), &[]).unwrap()
}

fn summaries(evidence: &Evidence) -> Vec<SiteSummary> {
    sites()
        .iter()
        .map(|patients| evidence.site_summary(patients, DIGEST, 5).unwrap())
        .collect()
}

fn moments(evidence: &Evidence, endpoint: Endpoint, name: &str) -> (f64, f64) {
    let values = evidence.parameter(endpoint, name).unwrap();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    (mean, (squares.sum::<f64>() / n).sqrt())
}

#[test]
fn the_merge_of_three_sites_is_the_fit_of_their_pooled_patients() {
    // Minutes of sampling: `make prove` runs it.
    if std::env::var("DONORMATCH_SITES").is_err() {
        println!("skipped: set `DONORMATCH_SITES` to fit the pooled patients");
        return;
    }
    let before = evidence();
    let told = summaries(&before);
    let merged = before
        .with_sites(&told, DIGEST, UpdateMethod::Auto)
        .unwrap();
    // The reference is another method on the rows themselves: the sampler, which draws every effect
    // of every site.
    let patients = sites().concat();
    let pooled = before
        .params()
        .fit_with_patients(before.registry(), &[], &patients, "")
        .unwrap();
    let learned = [
        (Endpoint::Response, "intercept"),
        (Endpoint::Response, "transplant"),
        (Endpoint::Response, "slope"),
        (Endpoint::Response, "cancer[melanoma]"),
        (Endpoint::Response, "sd[trial]"),
        (Endpoint::Response, "sd[donor]"),
        (Endpoint::SevereIrae, "intercept"),
        (Endpoint::SevereIrae, "transplant"),
    ];
    let mut moved = 0.0_f64;
    for (endpoint, name) in learned {
        let (mean, sd) = moments(&pooled, endpoint, name);
        let (found, found_sd) = moments(&merged.evidence, endpoint, name);
        let of = merged.endpoints.iter().find(|one| one.endpoint == endpoint);
        let of = of.unwrap();
        // Four standard errors of the mean of as many draws as the weights are worth, and of the
        // sampler's.
        let error = 4.0 * sd * (of.n_effective.recip() + 1000_f64.recip()).sqrt();
        assert_abs_diff_eq!(found, mean, epsilon = error);
        assert_abs_diff_eq!(found_sd, sd, epsilon = 0.15 * sd);
        let (prior, _) = moments(&before, endpoint, name);
        moved = moved.max((mean - prior).abs() / error);
    }
    // What the patients say is not within the error of saying nothing.
    assert!(moved > 1.0, "{moved}");
    for one in &merged.endpoints {
        assert_eq!((one.n_sites, one.n_patients), (3, 43));
        assert!(one.error < 0.2 && one.n_effective > 300.0, "{one:?}");
    }
}

#[test]
fn sites_add_up_in_any_order_and_a_site_alone_is_its_own_update() {
    let before = evidence();
    let mut told = summaries(&before);
    let merged = before
        .with_sites(&told, DIGEST, UpdateMethod::Auto)
        .unwrap();
    told.reverse();
    assert_eq!(
        before
            .with_sites(&told, DIGEST, UpdateMethod::Auto)
            .unwrap(),
        merged
    );
    // The fast update of one site draws the effects of its donors instead of integrating them out.
    let alone = before
        .with_sites(&told[..1], DIGEST, UpdateMethod::Auto)
        .unwrap();
    let fast = before
        .with_patients(&sites()[2], "", UpdateMethod::Fast)
        .unwrap();
    for name in ["intercept", "transplant", "slope"] {
        let (mean, sd) = moments(&fast.evidence, Endpoint::Response, name);
        let (found, _) = moments(&alone.evidence, Endpoint::Response, name);
        assert_abs_diff_eq!(found, mean, epsilon = 0.15 * sd);
    }
}

#[test]
fn no_row_leaves_a_site() {
    let told = evidence().site_summary(&sites()[0], DIGEST, 5).unwrap();
    let json = told.to_json().unwrap();
    assert!(!json.contains("donor_") && !json.contains("score"));
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    let expected = ["endpoints", "format", "model_digest", "site", "withheld"];
    assert!(
        expected
            .iter()
            .all(|key| keys.iter().any(|found| found == key))
    );
    assert_eq!(keys.len(), expected.len());
    for endpoint in value["endpoints"].as_array().unwrap() {
        assert_eq!(endpoint.as_object().unwrap().len(), 4);
    }
    assert_eq!(SiteSummary::from_json(&json).unwrap(), told);
    let highest = told.endpoints.iter().map(|one| {
        let values = one.log_likelihood.iter();
        values.copied().fold(f64::NEG_INFINITY, f64::max)
    });
    assert!(highest.clone().all(|value| value == 0.0));
    // The order of the patients says nothing.
    let mut other_order = sites()[0].clone();
    other_order.reverse();
    let again = evidence().site_summary(&other_order, DIGEST, 5).unwrap();
    for (one, other) in told.endpoints.iter().zip(&again.endpoints) {
        for (a, b) in one.log_likelihood.iter().zip(&other.log_likelihood) {
            assert_abs_diff_eq!(a, b, epsilon = 1.1e-4);
        }
    }
}

#[test]
fn of_few_patients_nothing_is_told() {
    let before = evidence();
    let mut patients = sites()[2].clone();
    let refused = before.site_summary(&patients, DIGEST, 10).unwrap_err();
    assert!(refused.to_string().contains("`min_patients`"), "{refused}");
    for patient in patients.iter_mut().skip(4) {
        patient.severe_irae = None;
    }
    let told = before.site_summary(&patients, DIGEST, 5).unwrap();
    assert_eq!(told.withheld, [Endpoint::SevereIrae]);
    assert_eq!(told.endpoints.len(), 1);
    assert_eq!(told.endpoints[0].endpoint, Endpoint::Response);
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let before = evidence();
    let told = summaries(&before);
    let refusal = |sites: &[SiteSummary], digest, method| {
        before
            .with_sites(sites, digest, method)
            .unwrap_err()
            .to_string()
    };
    let auto = UpdateMethod::Auto;
    let twice = [told[0].clone(), told[0].clone()];
    assert!(refusal(&twice, DIGEST, auto).contains("`north` is there twice"));
    assert!(refusal(&told, "other", auto).contains("`north` is of another model"));
    assert!(refusal(&[], DIGEST, auto).contains("no summary"));
    assert!(refusal(&told, DIGEST, UpdateMethod::Exact).contains("`method`"));
    let mut short = told.clone();
    short[1].endpoints[0].log_likelihood.pop();
    assert!(refusal(&short, DIGEST, auto).contains("`south` has 3999 numbers"));
    // A vector as peaked as that of far too many patients.
    let mut heavy = told.clone();
    for value in &mut heavy[0].endpoints[0].log_likelihood {
        *value *= 40.0;
    }
    assert!(refusal(&heavy, DIGEST, auto).contains("say too much"));
    assert!(
        before
            .with_sites(&heavy, DIGEST, UpdateMethod::Fast)
            .is_ok()
    );
    for broken in ["{}", "[]", "{\"format\": \"other\"}"] {
        assert!(SiteSummary::from_json(broken).is_err());
    }
    let other_format = told[0].to_json().unwrap().replace("summary 1", "summary 2");
    let refused = SiteSummary::from_json(&other_format)
        .unwrap_err()
        .to_string();
    assert!(refused.contains("site summary 2"), "{refused}");
}

#[test]
fn a_site_learns_from_the_others_and_then_from_its_own_table() {
    let before = evidence();
    let others = &summaries(&before)[1..];
    let merged = before
        .with_sites(others, DIGEST, UpdateMethod::Auto)
        .unwrap()
        .evidence;
    assert!(merged.record().has_sites() && merged.record().donors.is_empty());
    let own = sites()[0].clone();
    let updated = merged
        .with_patients(&own, "own", UpdateMethod::Fast)
        .unwrap()
        .evidence;
    assert_eq!(updated.record().donors.len(), 6);
    assert!(updated.record().has_sites());
    let pooled = before
        .params()
        .fit_with_patients(before.registry(), &[], &sites().concat(), "")
        .unwrap();
    let (mean, sd) = moments(&pooled, Endpoint::Response, "transplant");
    let (found, _) = moments(&updated, Endpoint::Response, "transplant");
    assert_abs_diff_eq!(found, mean, epsilon = 0.25 * sd);
    // A new fit would forget the others, and so would a second merge.
    for evidence in [&merged, &updated] {
        let refused = evidence
            .with_patients(&own, "own", UpdateMethod::Exact)
            .unwrap_err();
        assert!(refused.to_string().contains("other sites"), "{refused}");
        let again = evidence
            .with_sites(others, DIGEST, UpdateMethod::Auto)
            .unwrap_err();
        assert!(
            again.to_string().contains("learned from outcomes already"),
            "{again}"
        );
    }
}
