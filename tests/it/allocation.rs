//! Simulated trials under allocation policies: what is nominal stays nominal, what learns gains.
//! `DONORMATCH_DESIGNS=1000` simulates as many trials where a few stand by default (`make prove`).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use crate::cli::{SCENE, run};
use donormatch::evidence::{TrialPatient, UpdateMethod};
use donormatch::matcher::Matcher;
use donormatch::trial::allocation::{
    DesignParams, DesignReport, DesignRow, DonorEffects, Learner, Policy, Scenario, TrialView,
    TrueEffects,
};

fn n_trials(quick: u32) -> u32 {
    let asked = std::env::var("DONORMATCH_DESIGNS").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(quick)
}

fn design(donor_effects: DonorEffects, n: u32) -> DesignParams {
    let mut scenario = Scenario::default();
    scenario.donor_effects = donor_effects;
    let mut params = DesignParams::default();
    params.scenario = scenario;
    params.n_trials = n;
    params.n_permutations = 0;
    params
}

fn row<'a>(report: &'a DesignReport, policy: &str) -> &'a DesignRow {
    report.rows.iter().find(|row| row.policy == policy).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_bits_on_any_number_of_threads() {
    let mut params = design(DonorEffects::Normal(1.0), 40);
    params.n_permutations = 19;
    params.n_rerandomizations = 9;
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| params.compare(None).unwrap())
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(7));
    params.seed = 1;
    assert_ne!(one.rows, params.compare(None).unwrap().rows);
}

/// The randomization test keeps its level whatever the policy: with 1 + 19 arrangements and the
/// level 0.1 its size is 0.1 at most.
#[test]
fn where_no_donor_matters_the_randomization_test_keeps_its_level_for_every_policy() {
    let n = n_trials(300);
    let mut params = design(DonorEffects::Normal(0.0), n);
    params.n_permutations = 19;
    params.n_rerandomizations = 19;
    params.level = 0.1;
    // Every second recipient is enrolled before any outcome is known.
    params.scenario.recipients_per_week = 2.0;
    let report = params.compare(None).unwrap();
    for row in &report.rows {
        let size = row.power_donor_rerandomized.unwrap();
        let usual = row.power_donor.unwrap();
        println!(
            "{}: permutation {usual:.3}, randomization {size:.3}",
            row.policy
        );
        let slack = 3.0 * (0.1 * 0.9 / f64::from(n)).sqrt();
        assert!(size <= 0.1 + slack, "{}: {size}", row.policy);
    }
    // Even allocation has no memory: both tests are exact.
    assert!(row(&report, "even").power_donor.unwrap() <= 0.1 + 3.0 * (0.09 / f64::from(n)).sqrt());
}

/// Olesen, Gurry and Alm's setting: a donor is good with a probability, adaptive allocation finds
/// the good ones, and the fewer there are the more it gains.
#[test]
fn thompson_sampling_beats_even_allocation_where_good_donors_are_rare_in_spite_of_delay() {
    let rare = DonorEffects::Rare {
        share: 0.2,
        log_odds: 3.0,
    };
    let mut params = design(rare, n_trials(400));
    params.scenario.p_response = 0.1;
    params.scenario.n_recipients = 60;
    params.scenario.outcome_weeks = 8.0;
    let report = params.compare(None).unwrap();
    let (even, thompson) = (row(&report, "even"), row(&report, "thompson"));
    let error = even.responders_se.hypot(thompson.responders_se);
    assert!(
        thompson.responders > even.responders + 3.0 * error,
        "{even:?} {thompson:?}"
    );
    assert!(thompson.regret < 0.85 * even.regret);
    // The floor is kept: a tenth over six donors at least.
    assert!(thompson.least_probability.unwrap() >= 0.1 / 6.0 - 1e-12);
}

#[test]
fn where_donors_are_alike_no_policy_costs_a_responder() {
    let params = design(DonorEffects::Normal(0.0), 200);
    let report = params.compare(None).unwrap();
    for one in &report.rows {
        assert!(
            (one.responders - row(&report, "even").responders).abs() < 1e-9,
            "{one:?}"
        );
        assert!(one.regret.abs() < 1e-9);
    }
}

/// The shape of Olesen's power curves: of a transplant against control the power falls where few
/// donors are good, and adaptive allocation gives part of it back.
#[test]
fn power_against_control_falls_with_bad_donors_and_adaptive_allocation_gives_part_back() {
    let power = |share: f64| {
        let effects = DonorEffects::Rare {
            share,
            log_odds: 4.0,
        };
        let mut params = design(effects, n_trials(400));
        params.scenario.n_recipients = 80;
        params.scenario.p_response = 0.05;
        params.scenario.transplant_effect = 0.0;
        params.scenario.control_share = 0.5;
        params.scenario.outcome_weeks = 2.0;
        params.policies = Some(vec![
            Policy::Even,
            Policy::Blocked,
            Policy::Greedy {
                floor: 0.0,
                prefer_above: 0.8,
                learner: Learner::Beta,
            },
        ]);
        let report = params.compare(None).unwrap();
        ["even", "blocked", "greedy"].map(|one| row(&report, one).power_transplant.unwrap())
    };
    let (many, few) = (power(0.9), power(0.15));
    println!("good donors 0.9: {many:?}, 0.15: {few:?}");
    assert!(many[0] > 0.9 && few[0] < 0.65 * many[0]);
    assert!(few[2] > few[0] + 0.05);
    assert!(
        (few[1] - few[0]).abs() < 0.1,
        "blocks and chance are about alike"
    );
}

#[test]
fn a_policy_of_one_s_own_is_held_to_its_probabilities() {
    let params = design(DonorEffects::Normal(1.0), 20);
    let first = |view: &TrialView<'_>| {
        let mut left = 1.0;
        let of = |donor: &donormatch::trial::allocation::DonorView| {
            let p = if donor.is_available { left } else { 0.0 };
            left -= p;
            p
        };
        Ok(view.donors.iter().map(of).collect())
    };
    let report = params.compare_policy(None, "first", &first).unwrap();
    assert_eq!(report.rows[0].policy, "first");
    assert_eq!(report.rows[0].least_probability, Some(1.0));
    let half = |view: &TrialView<'_>| Ok(vec![0.5; view.donors.len()]);
    let error = params.compare_policy(None, "half", &half).unwrap_err();
    assert!(error.to_string().contains("sum to 1"), "{error}");
}

#[test]
fn few_donors_pass_a_screening_and_trials_without_any_are_counted() {
    let mut params = design(DonorEffects::Normal(0.5), 400);
    params.scenario.n_screened = Some(40);
    params.policies = Some(vec![Policy::Even]);
    let report = params.compare(None).unwrap();
    // 1 − (1 − 1/40)⁴⁰ of the trials have a donor.
    let expected = 1.0 - 0.975_f64.powi(40);
    assert!(
        (report.rows[0].p_run - expected).abs() < 0.075,
        "{}",
        report.rows[0].p_run
    );
}

#[test]
fn effects_from_the_joint_posterior_are_learned_by_it() {
    let matcher = Matcher::bundled().unwrap();
    let mut params = design(DonorEffects::Normal(0.0), n_trials(60));
    params.true_effects = TrueEffects::Posterior;
    params.learner = Learner::Posterior;
    params.scenario.outcome_weeks = 4.0;
    let report = params.compare(Some(matcher.evidence())).unwrap();
    let (even, thompson) = (row(&report, "even"), row(&report, "thompson"));
    let error = even.responders_se.hypot(thompson.responders_se);
    assert!(thompson.responders > even.responders - 2.0 * error);
    // Preferred at 0.8 by what the truth is drawn from: right at least as often, within error.
    let preferred = thompson.prefer_true.unwrap();
    assert!(preferred > 0.6, "{preferred}");
    assert!(
        params
            .compare(None)
            .unwrap_err()
            .to_string()
            .contains("needs a matcher")
    );
}

/// What draws weighted along the trial believe of the donors at its end, beside a new fit of the
/// joint model with the same outcomes.
#[test]
fn the_learning_policy_agrees_with_a_new_fit() {
    let evidence = Matcher::bundled().unwrap().evidence().clone();
    let mut params = design(DonorEffects::Normal(0.0), 1);
    params.true_effects = TrueEffects::Posterior;
    let policy = Policy::Thompson {
        floor: 0.1,
        learner: Learner::Posterior,
    };
    let n = if std::env::var("DONORMATCH_DESIGNS").is_ok() {
        10
    } else {
        1
    };
    for number in 0..n {
        let trial = params.trial(Some(&evidence), policy, number).unwrap();
        let fast = params.expected(Some(&evidence), &trial).unwrap();
        let patients: Vec<TrialPatient> = params.patients(&trial);
        let exact = evidence
            .with_patients(&patients, "", UpdateMethod::Exact)
            .unwrap();
        let refit = params.expected_by(&exact.evidence, &trial);
        for (donor, (fast, refit)) in fast.iter().zip(&refit).enumerate() {
            println!("trial {number}, donor {donor}: weighted {fast:.3}, fitted anew {refit:.3}");
            assert!(
                (fast - refit).abs() < 0.06,
                "{number} {donor}: {fast} {refit}"
            );
        }
    }
}

#[test]
fn the_shell_simulates_values_and_chooses() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (log, curves) = (path("log.tsv"), path("curves.tsv"));
    let flags = [
        "--n-trials",
        "20",
        "--n-permutations",
        "19",
        "--set",
        "n_rooms=2",
    ];
    let files = [
        "--log",
        &log,
        "--curves",
        &curves,
        "--policy",
        "thompson,even",
    ];
    let done = run(&[&["plan", "trial"], &flags[..], &files].concat());
    assert_eq!(done.code, 0, "{}", done.err);
    let policies: Vec<&str> = done
        .out
        .lines()
        .map(|row| row.split('\t').next().unwrap())
        .collect();
    assert_eq!(policies, ["policy", "thompson", "even"]);
    let rows = std::fs::read_to_string(&curves).unwrap();
    assert_eq!(rows.lines().count(), 1 + 2 * 40);

    // The target of the log is the trial's own policy: its value is what was observed.
    let done = run(&["plan", "value", &log]);
    assert_eq!(done.code, 0, "{}", done.err);
    let value = |name: &str| -> f64 {
        let row = done.out.lines().find(|row| row.starts_with(name)).unwrap();
        row.split('\t').nth(1).unwrap().parse().unwrap()
    };
    assert!((value("observed") - value("inverse_propensity")).abs() < 1e-12);

    let (donors, recipients) = (SCENE.path("donors.tsv"), SCENE.path("recipients.tsv"));
    let model = SCENE.path("tiny.dmm");
    let rank = [
        "rank",
        &donors,
        &recipients,
        "--regimen",
        "anti-pd-1",
        "--model",
        &model,
    ];
    let ranking = path("ranking.tsv");
    std::fs::write(&ranking, run(&rank).out).unwrap();
    let done = run(&["plan", "pool", &ranking, "--n-chosen", "1"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(
        done.out
            .lines()
            .filter(|row| row.contains("\ttrue\t"))
            .count(),
        1
    );
    let done = run(&["plan", "pool", &ranking, "--pool", "nobody"]);
    assert!(
        done.err.contains("there is no donor `nobody`"),
        "{}",
        done.err
    );
    for (setting, told) in [
        ("n_recipient=4", "unknown field `n_recipient`"),
        ("x", "NAME=VALUE"),
    ] {
        let done = run(&["plan", "trial", "--set", setting]);
        assert!(done.code == 1 && done.err.contains(told), "{}", done.err);
    }
}
