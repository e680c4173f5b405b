//! Tests of the ranking over synthetic predictions.

use approx::assert_abs_diff_eq;
use proptest::prelude::*;

use super::synthetic::{cohort, numbers, pair};
use super::*;
use crate::cohort::MetadataTable;
use crate::cohort::screening::{DonorRecords, Panel};
use crate::matcher::PairPrediction;
use crate::profile::SubjectId;

fn rank(pairs: &[PairPrediction]) -> Ranking {
    RankingParams::default().rank(pairs).unwrap()
}

fn refused(pairs: &[PairPrediction]) -> String {
    RankingParams::default()
        .rank(pairs)
        .unwrap_err()
        .to_string()
}

fn donors(ranking: &Ranking) -> Vec<&str> {
    ranking
        .rows
        .iter()
        .map(|row| row.donor_id.as_str())
        .collect()
}

#[test]
fn every_column_equals_the_formula_by_hand() {
    // Two donors, four draws. Mean response of both: 0.3, 0.4, 0.5, 0.4.
    let mut a = pair("a", "r", vec![0.4, 0.5, 0.6, 0.3]);
    a.p_severe_irae = vec![0.1, 0.2, 0.3, 0.2];
    let b = pair("b", "r", vec![0.2, 0.3, 0.4, 0.5]);
    let params = RankingParams {
        min_draws: 1,
        ..RankingParams::default()
    };
    let ranking = params.rank(&[b, a]).unwrap();
    let (first, second) = (&ranking.rows[0], &ranking.rows[1]);
    assert_eq!(donors(&ranking), ["a", "b"]);
    assert_abs_diff_eq!(first.p_response, 0.45, epsilon = 1e-12);
    // numpy: np.quantile([.3, .4, .5, .6], [.05, .95]) = .315, .585
    assert_abs_diff_eq!(first.p_response_lo, 0.315, epsilon = 1e-12);
    assert_abs_diff_eq!(first.p_response_hi, 0.585, epsilon = 1e-12);
    // Δ of a: 0.1, 0.1, 0.1, −0.1.
    assert_abs_diff_eq!(first.delta_response, 0.05, epsilon = 1e-12);
    // Mean severe toxicity of both 0.1, 0.15, 0.2, 0.15, so that Δ of a is 0, 0.05, 0.1, 0.05.
    assert_abs_diff_eq!(first.delta_severe_irae, 0.05, epsilon = 1e-12);
    assert_abs_diff_eq!(first.delta_myocarditis, 0.0, epsilon = 1e-15);
    // U of a by draw: 0.1, 0.075, 0.05, −0.125; of b the opposite.
    assert_abs_diff_eq!(first.utility, 0.025, epsilon = 1e-12);
    assert_abs_diff_eq!(second.utility, -0.025, epsilon = 1e-12);
    assert_abs_diff_eq!(first.p_best, 0.75, epsilon = 1e-12);
    assert_abs_diff_eq!(first.p_better_than_random, 0.75, epsilon = 1e-12);
    // One change in three steps, and the one that is added for each way: (1 + ½) / (4 · 3).
    let se = 0.125_f64.sqrt();
    assert_abs_diff_eq!(first.p_better_than_random_se, se, epsilon = 1e-12);
    let summary = &ranking.summaries[0];
    assert_abs_diff_eq!(summary.p_first_beats_second.unwrap(), 0.75, epsilon = 1e-12);
    assert_eq!(first.verdict, Verdict::NoPreference);
    // Regret of a: only in the last draw, 0.125 − (−0.125) = 0.25.
    assert_abs_diff_eq!(
        summary.standings[0].expected_regret,
        0.0625,
        epsilon = 1e-12
    );
    // The best of each draw: 0.1, 0.075, 0.05, 0.125; a random donor has 0.
    let (of_first, of_random) = (summary.regret_of_first, summary.regret_of_random);
    assert_abs_diff_eq!(of_first.unwrap().utility, 0.0625, epsilon = 1e-12);
    assert_abs_diff_eq!(of_random.unwrap().utility, 0.0875, epsilon = 1e-12);
    // Highest response 0.4, 0.5, 0.6, 0.5: mean 0.5; of a 0.45, of a random donor 0.4.
    let responses = of_first.unwrap().responses_per_100;
    assert_abs_diff_eq!(responses, 5.0, epsilon = 1e-10);
    let responses = of_random.unwrap().responses_per_100;
    assert_abs_diff_eq!(responses, 10.0, epsilon = 1e-10);
    // Without weight on severe toxicity a gains more; by the means both lie on the front.
    assert!(summary.standings.iter().all(|standing| standing.on_front));
    assert_abs_diff_eq!(summary.standings[0].p_on_front, 0.75, epsilon = 1e-12);
}

#[test]
fn donors_that_cannot_be_told_apart_get_no_preference() {
    let ranking = rank(&[
        pair("a", "r", numbers(1, 400)),
        pair("b", "r", numbers(2, 400)),
    ]);
    for row in &ranking.rows {
        assert_eq!(row.verdict, Verdict::NoPreference);
        assert_eq!((row.carried_by, row.reason.as_str()), (None, ""));
    }
    let summary = &ranking.summaries[0];
    assert_eq!(summary.no_preference.len(), 2);
    assert!(!summary.has_verdict() && summary.reason.is_empty());
    assert!(summary.standings.iter().all(|standing| standing.tier == 1));
}

/// Donor a, better than b in this many of the draws, spread evenly over them.
fn better_in(n_better: usize, n_draws: usize) -> RankingRow {
    let draws = (0..n_draws).map(|draw| {
        let is_better = draw * n_better / n_draws != (draw + 1) * n_better / n_draws;
        if is_better { 0.6 } else { 0.2 }
    });
    let ranking = rank(&[
        pair("a", "r", draws.collect()),
        pair("b", "r", vec![0.4; n_draws]),
    ]);
    let mut rows = ranking.rows.into_iter();
    rows.find(|row| row.donor_id.as_str() == "a").unwrap()
}

#[test]
fn verdicts_follow_the_share_of_draws_beyond_its_error() {
    for (n_better, verdict) in [
        (390, Verdict::Prefer),
        (330, Verdict::NoPreference),
        (200, Verdict::NoPreference),
        (70, Verdict::NoPreference),
        (10, Verdict::Avoid),
    ] {
        let row = better_in(n_better, 400);
        assert_eq!(row.verdict, verdict, "{n_better}");
        assert_abs_diff_eq!(row.p_better_than_random, n_better as f64 / 400.0);
        let carries = (verdict != Verdict::NoPreference).then_some(Term::Response);
        assert_eq!(row.carried_by, carries);
    }
    // Beyond the threshold, but within the error: the row says so.
    assert_eq!(
        better_in(330, 400).reason,
        "better than a random donor in 82.5 % of 400 draws, which is within their error of 80 %"
    );
    let worse = better_in(70, 400).reason;
    assert!(
        worse.starts_with("worse than a random donor in 82.5 %"),
        "{worse}"
    );
    assert!(better_in(200, 400).reason.is_empty());
}

#[test]
fn the_term_that_carries_a_verdict_is_named() {
    let mut toxic = pair("toxic", "r", vec![0.42; 40]);
    toxic.p_severe_irae = vec![0.4; 40];
    let mut heart = pair("heart", "r", vec![0.42; 40]);
    heart.p_myocarditis = vec![0.09; 40];
    let ranking = rank(&[toxic, heart, pair("mild", "r", vec![0.4; 40])]);
    let found: Vec<_> = ranking
        .rows
        .iter()
        .map(|row| (row.donor_id.as_str(), row.verdict, row.carried_by))
        .collect();
    // Means 0.2 of severe toxicity and 0.0367 of myocarditis: toxic −0.5·0.2 + 3·0.0267, heart
    // 0.5·0.1 − 3·0.0533, mild 0.5·0.1 + 3·0.0267, beside at most 0.0134 of response.
    assert_eq!(
        found,
        [
            ("mild", Verdict::Prefer, Some(Term::Myocarditis)),
            ("toxic", Verdict::Avoid, Some(Term::SevereIrae)),
            ("heart", Verdict::Avoid, Some(Term::Myocarditis)),
        ]
    );
}

#[test]
fn a_single_donor_cannot_be_compared() {
    let row = &rank(&[pair("a", "r", vec![0.5; 40])]).rows[0];
    assert_eq!(row.verdict, Verdict::NoPreference);
    assert_eq!(row.reason, "a single donor cannot be compared");
    assert_abs_diff_eq!(row.utility, 0.0, epsilon = 1e-15);
    assert_abs_diff_eq!(row.delta_response, 0.0, epsilon = 1e-15);
    assert_abs_diff_eq!(row.p_best, 1.0, epsilon = 1e-15);
    assert_abs_diff_eq!(row.p_better_than_random, 0.5, epsilon = 1e-15);
}

#[test]
fn copies_of_one_donor_share_everything() {
    let copies = ["a", "b", "c"].map(|donor| pair(donor, "r", numbers(3, 50)));
    let ranking = rank(&copies);
    assert_eq!(donors(&ranking), ["a", "b", "c"]);
    for row in &ranking.rows {
        assert_abs_diff_eq!(row.p_best, 1.0 / 3.0, epsilon = 1e-12);
        assert_abs_diff_eq!(row.p_better_than_random, 0.5, epsilon = 1e-12);
        assert_eq!(row.verdict, Verdict::NoPreference);
    }
}

#[test]
fn a_donor_that_is_not_eligible_comes_last_and_moves_nothing() {
    let mut banned = pair("a", "r", vec![0.9; 40]);
    banned.eligible = false;
    let allowed = [pair("b", "r", vec![0.3; 40]), pair("c", "r", vec![0.4; 40])];
    let without = rank(&allowed);
    let with = rank(&[banned.clone(), allowed[0].clone(), allowed[1].clone()]);
    assert_eq!(donors(&with), ["c", "b", "a"]);
    assert_eq!(with.rows[..2], without.rows[..]);
    let last = &with.rows[2];
    assert!(!last.is_eligible() && last.p_best == 0.0);
    assert_eq!(last.verdict, Verdict::Abstain);
    assert_eq!(with.summaries[0].abstain, ["a".into()]);
    assert_eq!(last.flags, [NOT_ELIGIBLE]);
    assert!(last.reason.starts_with("this donor is not eligible"));
    let alone = &rank(&[banned]).rows[0];
    assert_eq!(alone.verdict, Verdict::Abstain);
    assert_eq!(
        alone.reason,
        "this donor is not eligible; no donor is eligible"
    );
}

#[test]
fn a_donor_that_screening_does_not_let_through_is_shown_last_with_its_reasons() {
    let panel = Panel::parse(
        "name = 'two'\nversion = 1\ntitle = 't'\nsource = 's'\n[[entry]]\nname = 'esbl'\n\
         title = 'ESBL'\ngroup = 'mdro'\nspecimen = 'stool'\nkind = 'result'\nrule = 'exclude'\n\
         valid_days = 60\nsource = 's'\nconfidence = 'high'\n",
    )
    .unwrap();
    let table = "donor_id\tdonor_type\tesbl\tesbl_on\n\
                 b\thealthy\tnegative\t2026-10-20\n\
                 c\thealthy\tnegative\t2026-10-20\n\
                 d\thealthy\tpositive\t2026-10-20\n";
    let table = MetadataTable::parse("records", table).unwrap();
    let records = DonorRecords::from_table(&table, &panel).unwrap();
    let screening = panel.screen(&records, "2026-11-01".parse().unwrap());
    let params = RankingParams {
        screening: Some(screening.unwrap()),
        ..RankingParams::default()
    };
    let pairs = [("a", 0.9), ("b", 0.3), ("c", 0.4), ("d", 0.8)]
        .map(|(donor, p)| pair(donor, "r", vec![p; 40]));
    let screened = params.rank(&pairs).unwrap();
    assert_eq!(donors(&screened), ["c", "b", "a", "d"]);
    // The two that passed stand as if the others were not there.
    let passed = rank(&pairs[1..3]);
    assert_eq!(screened.rows[..2], passed.rows[..]);
    let summary = &screened.summaries[0];
    assert_eq!((summary.n_donors, summary.n_eligible), (4, 2));
    assert_eq!(summary.abstain, ["a".into(), "d".into()]);
    let reasons: Vec<&str> = screened.rows[2..]
        .iter()
        .map(|row| row.reason.as_str())
        .collect();
    assert_eq!(
        reasons,
        [
            "this donor is not eligible: no screening record",
            "this donor is not eligible: esbl: positive (`positive` excludes)"
        ]
    );
    assert!(screened.rows[2..].iter().all(|row| !row.is_eligible()));
    let text = serde_json::to_string(&screened).unwrap();
    assert_eq!(serde_json::from_str::<Ranking>(&text).unwrap(), screened);
    let bytes = crate::persist::to_transfer(&screened).unwrap();
    let again: Ranking = crate::persist::from_transfer(&bytes).unwrap();
    assert_eq!(again, screened);
}

#[test]
fn a_pair_outside_the_domain_abstains_alone_and_says_why() {
    let mut far = pair("a", "r", vec![0.6; 40]);
    far.in_domain = false;
    far.domain_reason = Some("the donor shares 3 % of its taxa with the models".into());
    let ranking = rank(&[far, pair("b", "r", vec![0.4; 40])]);
    assert_eq!(
        (ranking.rows[0].verdict, ranking.rows[0].reason.as_str()),
        (
            Verdict::Abstain,
            "the donor shares 3 % of its taxa with the models"
        )
    );
    assert_eq!(ranking.rows[1].verdict, Verdict::Avoid);
    assert!(ranking.rows[1].reason.is_empty());
}

#[test]
fn too_few_draws_give_no_preference() {
    let ranking = rank(&[pair("a", "r", vec![0.6; 3]), pair("b", "r", vec![0.4; 3])]);
    assert_eq!(ranking.rows[0].verdict, Verdict::NoPreference);
    assert_eq!(
        ranking.rows[0].reason,
        "too few draws to say how sure the order is: 3 of at least 20"
    );
}

#[test]
fn clearly_different_donors_stand_in_tiers_of_their_own() {
    let ranking = rank(&[
        pair("a", "r", vec![0.5; 40]),
        pair("b", "r", vec![0.3; 40]),
        pair("c", "r", vec![0.3; 40]),
    ]);
    let tiers: Vec<usize> = ranking.summaries[0]
        .standings
        .iter()
        .map(|s| s.tier)
        .collect();
    assert_eq!(tiers, [1, 2, 2]);
    let places: Vec<_> = ranking.summaries[0]
        .standings
        .iter()
        .map(|s| (s.rank_lo, s.rank_hi))
        .collect();
    assert_eq!(places, [(1, 1), (2, 3), (2, 3)]);
}

#[test]
fn other_weights_show_who_would_come_first() {
    let mut strong = pair("strong", "r", vec![0.6; 40]);
    strong.p_severe_irae = vec![0.5; 40];
    let mild = pair("mild", "r", vec![0.45; 40]);
    let summary = rank(&[strong, mild]).summaries.remove(0);
    assert_eq!(summary.weight_cases.len(), 16);
    // 0.15 more response for 0.4 more toxicity: strong wins below weight 0.375, that is 0 and ¼.
    for case in &summary.weight_cases {
        let expected = if case.weights.severe_irae < 0.375 {
            "strong"
        } else {
            "mild"
        };
        assert_eq!(case.first_donor.as_str(), expected, "{}", case.weights);
    }
    assert_abs_diff_eq!(summary.first_donor_stability.unwrap(), 0.5, epsilon = 1e-15);
}

#[test]
fn an_order_that_is_the_same_for_everyone_is_seen() {
    let everyone = |recipient: &str| {
        [("a", 0.5), ("b", 0.4), ("c", 0.3)].map(|(d, p)| pair(d, recipient, vec![p; 40]))
    };
    let pairs = [everyone("r1"), everyone("r2")].concat();
    assert_eq!(rank(&pairs).donor_order_agreement, Some(1.0));
    assert_eq!(rank(&everyone("r1")).donor_order_agreement, None);
}

#[test]
fn recipients_come_in_the_order_first_met() {
    let ranking = rank(&[
        pair("a", "z", vec![0.4; 40]),
        pair("a", "b", vec![0.4; 40]),
        pair("b", "z", vec![0.5; 40]),
    ]);
    let ids: Vec<_> = ranking
        .summaries
        .iter()
        .map(|s| s.recipient_id.as_str())
        .collect();
    assert_eq!(ids, ["z", "b"]);
    let sizes: Vec<usize> = ranking.by_recipient().map(|(_, rows)| rows.len()).collect();
    assert_eq!(sizes, [2, 1]);
    assert_eq!(ranking.rows_of(&"z".into()).len(), 2);
}

#[test]
fn a_verdict_is_carried_by_the_record_or_the_evidence_where_these_part_the_donors() {
    let donors = |change: &dyn Fn(&mut PairPrediction)| {
        let mut best = pair("a", "r", vec![0.5; 40]);
        change(&mut best);
        let ranking = RankingParams::default().rank(&[best, pair("b", "r", vec![0.2; 40])]);
        ranking.unwrap().rows[0].carried_by
    };
    assert_eq!(donors(&|_| ()), Some(Term::Response));
    // 0.2 to 0.5 is 1.39 in log-odds, nearly all of it the record's.
    assert_eq!(donors(&|pair| pair.record.effect = 1.3), Some(Term::Record));
    assert_eq!(
        donors(&|pair| pair.evidence_log_odds = 1.3),
        Some(Term::Evidence)
    );
    assert_eq!(
        donors(&|pair| pair.record.effect = 0.3),
        Some(Term::Response)
    );
}

#[test]
fn unusable_predictions_are_refused_by_name() {
    let good = pair("a", "r", vec![0.5; 40]);
    assert!(refused(&[]).contains("nothing to rank"));
    assert_eq!(
        refused(&[good.clone(), good.clone()]),
        "donor `a` for recipient `r` was predicted more than once"
    );
    let shorter = pair("b", "r", vec![0.5; 39]);
    assert!(refused(&[good.clone(), shorter]).contains("has 39 draws"));
    let uneven = PairPrediction {
        p_myocarditis: vec![0.1; 39],
        ..good.clone()
    };
    assert!(refused(&[uneven]).contains("`p_myocarditis`"));
    assert!(refused(&[pair("a", "r", vec![])]).contains("at least one draw"));
    for bad in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
        let mut draws = vec![0.5; 40];
        draws[7] = bad;
        let message = refused(&[pair("a", "r", draws)]);
        assert!(message.contains("`p_response` from 0 to 1"), "{message}");
        let baseline = PairPrediction {
            p_response_baseline: vec![bad],
            ..good.clone()
        };
        assert!(refused(&[baseline]).contains("`p_response_baseline`"));
    }
    for bad in [f32::NAN, -1.0, f32::INFINITY] {
        let pair = PairPrediction {
            n_lost: vec![bad],
            ..good.clone()
        };
        assert!(refused(&[pair]).contains("`n_lost`"));
    }
}

/// Standard normal numbers (Box and Muller 1958).
fn normals(seed: u64, n: usize) -> Vec<f64> {
    let uniform = numbers(seed, 2 * n);
    let pairs = uniform.chunks_exact(2);
    pairs
        .map(|u| (-2.0 * (1.0 - u[0]).ln()).sqrt() * (std::f64::consts::TAU * u[1]).cos())
        .collect()
}

/// Donors whose truth is θ ~ N(0, 1), seen as y = θ + N(0, 1), so that the posterior is
/// N(y / 2, 1 / 2): draws that are honest, whatever is made of them.
fn honest(trial: usize, n_donors: usize, n_draws: usize) -> (Vec<f64>, Ranking) {
    let seed = |of: usize| ((of * 10_000 + trial) * n_donors) as u64 * 7_919;
    let (truth, noise) = (normals(seed(1), n_donors), normals(seed(2), n_donors));
    let pairs: Vec<PairPrediction> = (0..n_donors)
        .map(|d| {
            let mean = f64::midpoint(truth[d], noise[d]);
            let draws = normals(seed(3) + d as u64, n_draws);
            let logit = draws.iter().map(|z| mean + z * 0.5_f64.sqrt());
            let response = logit.map(|x| 1.0 / (1.0 + (-x).exp())).collect();
            pair(&format!("d{d}"), "r", response)
        })
        .collect();
    (truth, rank(&pairs))
}

fn number_of(donor: &crate::profile::SubjectId) -> usize {
    donor.as_str()[1..].parse().unwrap()
}

#[test]
fn all_ranks_lie_in_their_intervals_as_often_as_they_say() {
    // Places are whole numbers, so that all intervals hold a little more often than their level.
    const N_TRIALS: usize = 400;
    let (mut held, mut tiers_held, mut truly_best, mut said_best) = (0, 0, 0, 0.0);
    for trial in 0..N_TRIALS {
        let (truth, ranking) = honest(trial, 6, 400);
        let true_rank = |donor: usize| 1 + truth.iter().filter(|&&t| t > truth[donor]).count();
        let standings = &ranking.summaries[0].standings;
        let is_held = standings.iter().all(|standing| {
            let rank = true_rank(number_of(&standing.donor_id));
            (standing.rank_lo..=standing.rank_hi).contains(&rank)
        });
        held += u32::from(is_held);
        let tiers = standings
            .iter()
            .map(|standing| (true_rank(number_of(&standing.donor_id)), standing.tier));
        let mut tiers: Vec<(usize, usize)> = tiers.collect();
        tiers.sort_unstable();
        tiers_held += u32::from(tiers.is_sorted_by_key(|(_, tier)| *tier));
        truly_best += u32::from(true_rank(number_of(&standings[0].donor_id)) == 1);
        said_best += ranking.rows[0].p_best;
    }
    let share = |n: u32| f64::from(n) / N_TRIALS as f64;
    println!("ranks {}, tiers {}", share(held), share(tiers_held));
    // Standard error of 400 trials at 0.9: 0.015.
    assert!((0.87..0.99).contains(&share(held)), "{}", share(held));
    assert!(tiers_held >= held);
    // The first donor is truly best as often as p_best says: standard error 0.025.
    let difference = share(truly_best) - said_best / N_TRIALS as f64;
    assert!(difference.abs() < 0.075, "{difference}");
}

#[test]
fn of_preferred_donors_the_stated_share_is_truly_better_than_a_random_one() {
    let (mut preferred, mut better, mut avoided, mut worse) = (0, 0, 0, 0);
    for trial in 0..300 {
        let (truth, ranking) = honest(1_000 + trial, 8, 400);
        let response: Vec<f64> = truth.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect();
        let random = response.iter().sum::<f64>() / response.len() as f64;
        for row in &ranking.rows {
            let truly = response[number_of(&row.donor_id)] > random;
            match row.verdict {
                Verdict::Prefer => (preferred, better) = (preferred + 1, better + i32::from(truly)),
                Verdict::Avoid => (avoided, worse) = (avoided + 1, worse + i32::from(!truly)),
                _ => {}
            }
        }
    }
    println!("prefer {better} of {preferred}, avoid {worse} of {avoided}");
    assert!(preferred > 200 && avoided > 200, "{preferred} {avoided}");
    // Above 0.8: a verdict needs a share that lies beyond it by its error, often by more.
    assert!(f64::from(better) / f64::from(preferred) > 0.85);
    assert!(f64::from(worse) / f64::from(avoided) > 0.85);
}

#[test]
fn one_thread_and_eight_give_the_same_bits() {
    let pairs = cohort(7, 9, 60, 5);
    let on = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build()
            .unwrap();
        pool.install(|| rank(&pairs))
    };
    assert_eq!(on(1), on(8));
}

#[test]
fn a_ranking_survives_json() {
    let ranking = rank(&cohort(4, 3, 30, 1));
    let text = serde_json::to_string(&ranking).unwrap();
    assert_eq!(serde_json::from_str::<Ranking>(&text).unwrap(), ranking);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_ranking_is_a_permutation_and_utilities_agree(
        n_donors in 1_usize..9, n_recipients in 1_usize..4, seed in 0_u64..1000,
    ) {
        let pairs = cohort(n_donors, n_recipients, 25, seed);
        let ranking = rank(&pairs);
        for (summary, rows) in ranking.by_recipient() {
            let places: Vec<usize> = rows.iter().map(|row| row.rank).collect();
            prop_assert_eq!(places, (1..=n_donors).collect::<Vec<_>>());
            let mut ids: Vec<_> = rows.iter().map(|row| row.donor_id.clone()).collect();
            ids.sort();
            ids.dedup();
            prop_assert_eq!(ids.len(), n_donors);
            prop_assert!(rows.windows(2).all(|pair| pair[0].utility >= pair[1].utility));
            let p_best: f64 = rows.iter().map(|row| row.p_best).sum();
            prop_assert!((p_best - 1.0).abs() < 1e-9);
            for of in [
                |row: &RankingRow| row.delta_response,
                |row: &RankingRow| row.delta_severe_irae,
                |row: &RankingRow| row.delta_myocarditis,
                |row: &RankingRow| row.utility,
            ] {
                prop_assert!(rows.iter().map(of).sum::<f64>().abs() < 1e-9);
            }
            let by_verdict = summary.by_verdict();
            prop_assert_eq!(by_verdict.iter().map(|(_, ids)| ids.len()).sum::<usize>(), n_donors);
            let random = summary.regret_of_random.unwrap();
            let first = summary.regret_of_first.unwrap();
            prop_assert!(random.utility >= first.utility);
            for row in rows {
                let expected = Weights::default().utility(
                    row.delta_response, row.delta_severe_irae, row.delta_myocarditis,
                );
                prop_assert!((row.utility - expected).abs() < 1e-12);
                prop_assert!(row.p_response_lo <= row.p_response_hi);
                prop_assert!((0.0..=1.0).contains(&row.p_better_than_random));
            }
            for standing in &summary.standings {
                prop_assert!(1 <= standing.rank_lo && standing.rank_lo <= standing.rank_hi);
                prop_assert!(standing.rank_hi <= n_donors && standing.expected_regret >= 0.0);
            }
            let tiers: Vec<usize> = summary.standings.iter().map(|one| one.tier).collect();
            prop_assert!(tiers[0] == 1 && tiers.windows(2).all(|two| two[1] - two[0] <= 1));
        }
    }

    #[test]
    fn the_order_of_the_predictions_does_not_matter(seed in 0_u64..1000, turn in 0_usize..24) {
        let pairs = cohort(6, 4, 25, seed);
        let mut turned = pairs.clone();
        turned.rotate_left(turn);
        turned.swap(0, 7);
        let (a, b) = (rank(&pairs), rank(&turned));
        for summary in &a.summaries {
            prop_assert_eq!(a.rows_of(&summary.recipient_id), b.rows_of(&summary.recipient_id));
            prop_assert!(b.summaries.contains(summary));
        }
    }

    #[test]
    fn more_response_never_lowers_a_donor(seed in 0_u64..1000, lift in 0.0_f64..0.1) {
        let mut pairs = cohort(6, 1, 25, seed);
        let place = |pairs: &[PairPrediction]| {
            rank(pairs).rows.iter().find(|row| row.donor_id.as_str() == "donor_03").unwrap().rank
        };
        let before = place(&pairs);
        pairs[2].p_response.iter_mut().for_each(|p| *p += lift);
        prop_assert!(place(&pairs) <= before);
    }
}

#[test]
fn what_else_the_order_hangs_on_is_told() {
    // By utility a, b, c: 0.5, 0.4, 0.3. The counts turn that round in part.
    let with = |donor: &str, p: f64, gained: f32, kept: f32, lost: f64, evidence: f64| {
        let mut pair = pair(donor, "r", vec![p; 40]);
        (pair.n_gained, pair.n_kept) = (vec![gained], vec![kept]);
        (pair.deleterious_lost, pair.evidence_log_odds) = (lost, evidence);
        pair
    };
    let summary = rank(&[
        with("a", 0.5, 10.0, 50.0, 1.0, 0.9),
        with("b", 0.4, 20.0, 70.0, 1.0, 0.0),
        with("c", 0.3, 30.0, 20.0, 1.0, 0.0),
    ])
    .summaries
    .remove(0);
    let told: Vec<_> = summary
        .order_cases
        .iter()
        .map(|case| {
            (
                case.by,
                case.first_donor.as_ref().map(SubjectId::as_str),
                case.agreement,
            )
        })
        .collect();
    // Kendall τ by hand, by how many of the three pairs of donors agree.
    let tau = |agree: f64| Some(1.0 - 2.0 * (3.0 - agree) / 3.0);
    assert_eq!(told[0], (OrderBy::Depletion, None, None));
    // c, b, a: no pair agrees.
    assert_eq!(told[1], (OrderBy::Engraftment, Some("c"), tau(0.0)));
    // b 90, a 60, c 50: two pairs agree.
    assert_eq!(told[2].1, Some("b"));
    assert_abs_diff_eq!(told[2].2.unwrap(), tau(2.0).unwrap(), epsilon = 1e-15);
    // Evidence gives a 0.25 · (0.9 − 0.3) = 0.15 of response and takes 0.24 · 0.3 = 0.072 from b
    // and 0.21 · 0.3 = 0.063 from c; without it a has −0.05, b 0.072, c −0.037.
    assert_eq!((told[3].0, told[3].1), (OrderBy::FlatEvidence, Some("b")));
    // b, c, a: only b before c agrees.
    assert_abs_diff_eq!(told[3].2.unwrap(), tau(1.0).unwrap(), epsilon = 1e-15);
}
