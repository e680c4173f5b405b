//! Donors of a bank chosen by a few recipients: the figures of those drawn stay what they were.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::sync::LazyLock;

use donormatch::matcher::{Matcher, PredictParams};
use donormatch::output::Access;
use donormatch::persist;
use donormatch::ranking::{DonorOrders, PrefilterParams, Ranking, RankingJob, RankingParams};
use donormatch::taxonomy::{HarmonizeParams, Target, harmonize};
use donormatch::trial::SimulationParams;

use crate::cli::SCENE;
use crate::ranking_files::Bank;

const N_DONORS: usize = 150;
const N_RECIPIENTS: usize = 24;

static BANK: LazyLock<Bank> = LazyLock::new(|| {
    let cohort = SimulationParams {
        n_donors: N_DONORS as u32,
        n_recipients: N_RECIPIENTS as u32,
        ..SimulationParams::default()
    };
    let cohort = cohort.simulate().unwrap();
    let harmonized = |table| {
        let params = HarmonizeParams::new(Target::Species);
        harmonize(table, &params).unwrap().0
    };
    let mut predict = PredictParams::default();
    predict.n_draws = 20;
    Bank {
        matcher: persist::read::<Matcher>(SCENE.path("tiny.dmm")).unwrap().0,
        donors: harmonized(&cohort.donors).into(),
        recipients: harmonized(&cohort.recipients),
        contexts: cohort.contexts,
        predict,
    }
});

fn params(top: Option<usize>, prefilter: Option<PrefilterParams>) -> RankingParams {
    RankingParams {
        top,
        prefilter,
        max_draws: 0,
        ..RankingParams::default()
    }
}

fn few() -> PrefilterParams {
    PrefilterParams {
        n_pilots: 5,
        margin: 2.0,
        n_sampled: 20,
    }
}

fn rank(params: &RankingParams) -> Ranking {
    BANK.job(params).rank().unwrap()
}

#[test]
fn donors_that_are_drawn_keep_their_figures_and_the_others_are_named() {
    let all = rank(&params(None, None));
    let found = rank(&params(Some(3), Some(few())));
    let told = found.prefilter.as_ref().unwrap();
    assert_eq!((told.pilots.len(), told.depths.len()), (5, 5));
    let deepest = *told.depths.iter().max().unwrap();
    assert_eq!(told.n_kept, N_DONORS.min((2 * deepest).max(12)));
    assert_eq!(
        told.n_kept + told.n_sampled + told.not_drawn.len(),
        N_DONORS
    );
    assert!(!told.not_drawn.is_empty(), "{told:?}");
    let not_drawn: HashSet<_> = told.not_drawn.iter().collect();
    let expected: HashMap<_, _> = all
        .rows
        .iter()
        .map(|row| ((&row.donor_id, &row.recipient_id), row))
        .collect();
    let mut n_same = 0;
    for ((summary, rows), (_, whole)) in found.by_recipient().zip(all.by_recipient()) {
        assert_eq!(rows.len(), 3);
        let same = rows
            .iter()
            .zip(whole)
            .all(|(row, all)| row.donor_id == all.donor_id);
        n_same += usize::from(same);
        if told.pilots.contains(&summary.recipient_id) {
            assert_eq!(rows, &whole[..3]);
            assert_eq!(summary.n_donors, N_DONORS);
            continue;
        }
        assert_eq!(summary.n_donors, told.n_kept + told.n_sampled);
        for row in rows {
            assert!(!not_drawn.contains(&row.donor_id));
            let whole = expected[&(&row.donor_id, &row.recipient_id)];
            let figures = |row: &donormatch::ranking::RankingRow| {
                [
                    row.p_response,
                    row.p_severe_irae,
                    row.p_myocarditis,
                    row.n_gained,
                ]
            };
            assert_eq!(
                figures(row).map(f64::to_bits),
                figures(whole).map(f64::to_bits)
            );
            // The mean of all donors is that of a sample: within a few of its standard errors.
            let difference = (row.utility - whole.utility).abs();
            assert!(difference < 0.02, "{difference}");
        }
    }
    assert!(n_same >= N_RECIPIENTS - 1, "{n_same} of {N_RECIPIENTS}");
}

#[test]
fn files_and_any_number_of_threads_give_the_same() {
    let params = params(Some(3), Some(few()));
    let job = BANK.job(&params);
    let expected = rank(&params);
    for n_threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads);
        let found = pool.build().unwrap().install(|| rank(&params));
        assert_eq!(found, expected);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.tsv");
    let written = job.write(&path, Access::Shared, |_| Ok(())).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        expected.to_tsv().unwrap()
    );
    let told = expected.prefilter.as_ref().unwrap();
    assert_eq!(written.n_not_drawn, told.not_drawn.len());
    let summary = fs::read_to_string(written.summary_path).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["prefilter"], serde_json::to_value(told).unwrap());
    let bytes = persist::to_transfer(&expected).unwrap();
    assert_eq!(persist::from_transfer::<Ranking>(&bytes).unwrap(), expected);
}

#[test]
fn a_few_recipients_are_drawn_with_every_donor() {
    let many_pilots = PrefilterParams {
        n_pilots: 12,
        ..few()
    };
    let found = rank(&params(Some(3), Some(many_pilots)));
    let told = found.prefilter.as_ref().unwrap();
    assert!(told.pilots.is_empty() && told.not_drawn.is_empty());
    assert_eq!(found.rows, rank(&params(Some(3), None)).rows);
}

#[test]
fn settings_that_cannot_be_are_refused_by_name() {
    for (top, prefilter) in [
        (None, few()),
        (
            Some(3),
            PrefilterParams {
                n_pilots: 2,
                ..few()
            },
        ),
        (
            Some(3),
            PrefilterParams {
                margin: 0.5,
                ..few()
            },
        ),
        (
            Some(3),
            PrefilterParams {
                margin: f64::NAN,
                ..few()
            },
        ),
        (
            Some(3),
            PrefilterParams {
                n_sampled: 19,
                ..few()
            },
        ),
    ] {
        let error = params(top, Some(prefilter))
            .check()
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("`prefilter`"), "{error}");
    }
    let params = params(Some(3), Some(few()));
    let job: RankingJob<'_> = BANK.job(&params);
    let part = job.rank_rows(0..3, &mut DonorOrders::default(), |_| Ok(()));
    assert!(part.unwrap_err().to_string().starts_with("`prefilter`"));
}
