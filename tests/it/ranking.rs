//! Predictions of many pairs → ranking, table, page and assignment, by the public door alone.

use donormatch::cohort::Donors;
use donormatch::explanation::report::{self, ReportContext};
use donormatch::matcher::{Matcher, PairPrediction, PredictParams};
use donormatch::ranking::{
    AssignmentParams, COLUMNS, RESEARCH_USE, RankingParams, Verdict, rank_harmonized,
};
use donormatch::taxonomy::{HarmonizeParams, Target, harmonize};
use donormatch::trial::SimulationParams;
use donormatch::{Error, ErrorKind, persist};

use crate::cli::SCENE;

/// Response by donor and recipient so that r1 does best with d1 and r2 with d2.
fn predictions() -> Vec<PairPrediction> {
    let response = [
        ("d1", "r1", 0.5),
        ("d2", "r1", 0.3),
        ("d1", "r2", 0.4),
        ("d2", "r2", 0.6),
    ];
    response
        .into_iter()
        .map(|(donor, recipient, mean)| PairPrediction {
            donor_id: donor.into(),
            recipient_id: recipient.into(),
            p_response: (0..40).map(|draw| mean + 0.001 * f64::from(draw)).collect(),
            p_response_baseline: vec![0.2],
            evidence_log_odds: 0.0,
            p_severe_irae: vec![0.1; 40],
            p_myocarditis: vec![0.01; 40],
            p_severe_irae_exploratory: Some(0.12),
            n_gained: vec![10.0],
            n_kept: vec![50.0],
            n_lost: vec![5.0],
            deleterious_lost: 1.0,
            donor_prevotellaceae: None,
            flags: vec![],
            in_domain: true,
            domain_reason: None,
            record: donormatch::matcher::OwnRecord::default(),
            eligible: true,
        })
        .collect()
}

#[test]
fn recipients_some_at_a_time_give_the_ranking_of_all_at_once() {
    let (matcher, _) = persist::read::<Matcher>(SCENE.path("tiny.dmm")).unwrap();
    let cohort = SimulationParams {
        n_donors: 20,
        n_recipients: 60,
        ..SimulationParams::default()
    };
    let cohort = cohort.simulate().unwrap();
    let harmonized = |table| {
        let params = HarmonizeParams::new(Target::Species);
        harmonize(table, &params).unwrap().0
    };
    let (donors, recipients) = (harmonized(&cohort.donors), harmonized(&cohort.recipients));
    let donors = Donors::from(donors);
    let contexts = &cohort.contexts;
    let params = RankingParams {
        max_draws: 0,
        ..RankingParams::default()
    };
    let mut predict = PredictParams::default();
    predict.n_draws = 20;
    let all = matcher
        .predict(&donors, &recipients, contexts, &predict)
        .unwrap();
    let (mut parts, mut n_seen) = (0, 0);
    matcher
        .predict_by_recipient(&donors, &recipients, contexts, &predict, |pairs| {
            assert_eq!(pairs.len() % 20, 0, "whole recipients");
            assert_eq!(pairs, all[n_seen..n_seen + pairs.len()]);
            (parts, n_seen) = (parts + 1, n_seen + pairs.len());
            Ok(())
        })
        .unwrap();
    assert!(parts > 1);
    assert_eq!(n_seen, 1200);
    let ranking = rank_harmonized(&matcher, &donors, &recipients, contexts, &predict, &params);
    assert_eq!(ranking.unwrap(), params.rank(&all).unwrap());
    let stops = matcher.predict_by_recipient(&donors, &recipients, contexts, &predict, |_| {
        Err(Error::table("enough"))
    });
    assert!(stops.unwrap_err().to_string().contains("enough"));
}

#[test]
fn each_recipient_has_its_own_order() {
    let ranking = RankingParams::default().rank(&predictions()).unwrap();
    let order: Vec<_> = ranking
        .rows
        .iter()
        .map(|row| row.donor_id.as_str())
        .collect();
    assert_eq!(order, ["d1", "d2", "d2", "d1"]);
    assert_eq!(ranking.donor_order_agreement, Some(-1.0));
    let verdicts: Vec<_> = ranking.rows.iter().map(|row| row.verdict).collect();
    let (prefer, avoid) = (Verdict::Prefer, Verdict::Avoid);
    assert_eq!(verdicts, [prefer, avoid, prefer, avoid]);
}

#[test]
fn table_text_and_page_tell_of_the_same_rows() {
    let ranking = RankingParams::default().rank(&predictions()).unwrap();
    let tsv = ranking.to_tsv().unwrap();
    assert_eq!(tsv.lines().next().unwrap(), COLUMNS.join("\t"));
    assert_eq!(tsv.lines().count(), 5);
    assert!(
        tsv.lines()
            .all(|line| line.split('\t').count() == COLUMNS.len())
    );
    assert!(ranking.to_text().starts_with(RESEARCH_USE));
    let page = report::html(&ranking, &ReportContext::default());
    assert_eq!(page.matches("<section id=").count(), 2);
    assert!(
        ranking
            .to_json()
            .unwrap()
            .contains("\"p_better_than_random\"")
    );
}

#[test]
fn donors_are_shared_out_and_refusals_have_a_kind() {
    let ranking = RankingParams::default().rank(&predictions()).unwrap();
    let assignment = AssignmentParams::default().assign(&ranking).unwrap();
    assert_eq!(assignment.donor_of(&"r1".into()).unwrap().as_str(), "d1");
    assert_eq!(assignment.donor_of(&"r2".into()).unwrap().as_str(), "d2");
    let none = AssignmentParams {
        default_capacity: 0,
        ..AssignmentParams::default()
    };
    assert_eq!(
        none.assign(&ranking).unwrap_err().kind(),
        ErrorKind::Parameter
    );
    assert_eq!(
        RankingParams::default().rank(&[]).unwrap_err().kind(),
        ErrorKind::Input
    );
}
