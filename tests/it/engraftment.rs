//! What a transplant leaves: stool of one's own, depth of sequencing, and a trial's own follow-ups.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::path::Path;

use approx::assert_abs_diff_eq;
use donormatch::cohort::screening::DonorType;
use donormatch::cohort::{
    Cancer, Donors, Line, MetadataTable, Regimen, TreatmentContext, TrialOutcomes,
};
use donormatch::evidence::UpdateMethod;
use donormatch::matcher::{Matcher, PairPrediction, PredictParams, UpdateParams};
use donormatch::persist;
use donormatch::profile::{ProfileTable, ReadOptions, SampleId, Taxon, Unit, read};
use donormatch::taxonomy::{HarmonizeParams, Target, harmonize};
use donormatch::trial::SimulationParams;

use crate::cli::SCENE;

fn matcher() -> Matcher {
    persist::read(SCENE.path("tiny.dmm")).unwrap().0
}

fn harmonized(table: &ProfileTable) -> ProfileTable {
    harmonize(table, &HarmonizeParams::new(Target::Species))
        .unwrap()
        .0
}

fn tables() -> (ProfileTable, ProfileTable) {
    let params = SimulationParams {
        n_donors: 3,
        n_recipients: 4,
        ..SimulationParams::default()
    };
    let cohort = params.simulate().unwrap();
    (harmonized(&cohort.donors), harmonized(&cohort.recipients))
}

fn predicted(matcher: &Matcher, donors: &Donors, recipients: &ProfileTable) -> Vec<PairPrediction> {
    let context = TreatmentContext::new(Regimen::AntiPd1, Cancer::Melanoma, Line::Refractory);
    let contexts = vec![context; recipients.n_samples()];
    let params = PredictParams::default();
    matcher
        .predict(donors, recipients, &contexts, &params)
        .unwrap()
}

fn mean(draws: &[f32]) -> f64 {
    draws.iter().copied().map(f64::from).sum::<f64>() / draws.len() as f64
}

/// The recipient as it was, whatever the draw.
fn assert_unchanged(pair: &PairPrediction) {
    assert_eq!(pair.p_response, pair.p_response_baseline);
    assert!(pair.n_gained.iter().all(|&n| n == 0.0));
    assert!(pair.n_lost.iter().all(|&n| n == 0.0));
    assert!(mean(&pair.n_kept) > 0.0);
    assert_abs_diff_eq!(pair.deleterious_lost, 0.0);
}

#[test]
fn placebo_and_stool_of_ones_own_leave_the_recipient_as_it_is() {
    let (donors, recipients) = tables();
    let types = [Some(DonorType::Autologous), None, Some(DonorType::Placebo)];
    let donors = Donors::from(donors).with_donor_types(&types).unwrap();
    for pairs in predicted(&matcher(), &donors, &recipients).chunks(3) {
        assert_unchanged(&pairs[0]);
        assert_unchanged(&pairs[2]);
        assert_eq!(pairs[0].p_severe_irae, pairs[2].p_severe_irae);
        assert!(mean(&pairs[1].n_gained) > 0.0);
        assert_ne!(pairs[1].p_response, pairs[1].p_response_baseline);
    }
    let one = donors.select(&[0]).unwrap();
    let recipient = recipients.select(&[0]).unwrap();
    let params = PredictParams::default();
    let (found, _) = matcher()
        .predict_transplant(&one, &recipient, &params)
        .unwrap();
    let (gained, _, lost) = found.expected_counts();
    assert_abs_diff_eq!(gained, 0.0);
    assert_abs_diff_eq!(lost, 0.0);
}

#[test]
fn the_type_of_a_donor_moves_response_as_the_evidence_says() {
    let (donors, recipients) = tables();
    let donors = Donors::from(donors);
    let of = |donor_type| {
        let typed = donors.clone().with_donor_types(&[donor_type; 3]).unwrap();
        let pairs = predicted(&matcher(), &typed, &recipients);
        let draws = pairs[0].p_response.clone();
        draws.iter().sum::<f64>() / draws.len() as f64
    };
    let (unknown, responder) = (of(None), of(Some(DonorType::IciResponderCr)));
    assert!((unknown - responder).abs() > 1e-6, "{unknown} {responder}");
}

/// The donor with 200 further taxa at a fraction each, as a deeper look would show them.
fn deeper(donor: &ProfileTable, recipients: &ProfileTable, fraction: f64) -> ProfileTable {
    let mut taxa: Vec<Taxon> = donor.taxa().to_vec();
    let known = |label: &str| taxa.iter().any(|taxon| taxon.label() == label);
    let foreign: Vec<Taxon> = recipients
        .taxa()
        .iter()
        .filter(|taxon| !known(taxon.label()))
        .cloned()
        .collect();
    let (present, values) = donor.abundance().row(0);
    let mut row: Vec<(u32, f64)> = present
        .iter()
        .copied()
        .zip(values.iter().copied())
        .collect();
    let absent = (0..taxa.len() as u32).filter(|column| !present.contains(column));
    row.extend(absent.map(|column| (column, fraction)));
    row.extend(
        (taxa.len()..)
            .take(foreign.len())
            .map(|at| (at as u32, fraction)),
    );
    taxa.extend(foreign);
    row.sort_by_key(|&(column, _)| column);
    ProfileTable::builder(Unit::Fraction)
        .taxa(taxa)
        .vocabulary(donor.vocabulary().clone())
        .sample("deeper", row)
        .build()
        .unwrap()
}

#[test]
fn a_donor_sequenced_deeper_has_no_more_to_give() {
    let (donors, recipients) = tables();
    let donor = donors.closure().select(&[0]).unwrap();
    let matcher = matcher();
    let gained = |donor: &ProfileTable| {
        let pairs = predicted(&matcher, &donor.clone().into(), &recipients);
        pairs.iter().map(|pair| mean(&pair.n_gained)).sum::<f64>()
    };
    let limit = matcher.engraftment().detection_limit();
    let as_it_is = gained(&donor);
    let below = gained(&deeper(&donor, &recipients, 0.3 * limit));
    let above = gained(&deeper(&donor, &recipients, 30.0 * limit));
    assert_abs_diff_eq!(below, as_it_is, epsilon = 0.02 * as_it_is);
    assert!(above > 1.2 * as_it_is, "{as_it_is} {above}");
}

fn outcomes(donors: &ProfileTable, recipients: &ProfileTable) -> TrialOutcomes {
    let rows: Vec<String> = recipients
        .samples()
        .iter()
        .map(|id| {
            format!(
                "{}\t{id}\tanti-pd-1\t{id};{id}\t14;60\n",
                donors.samples()[0]
            )
        })
        .collect();
    let text = "donor_id\trecipient_id\tregimen\tfollow_up\tday\n".to_owned() + &rows.concat();
    TrialOutcomes::from_metadata(&MetadataTable::parse("outcomes.tsv", &text).unwrap()).unwrap()
}

#[test]
fn a_trial_in_which_nothing_engrafts_expects_less_of_the_next_transplant() {
    let (donors, recipients) = tables();
    let matcher = matcher();
    let mut params = UpdateParams::default();
    params.method = UpdateMethod::Fast;
    let outcomes = outcomes(&donors, &recipients);
    // Every follow-up is the baseline once more.
    let learn = |from: &Matcher, follow_ups: Option<&ProfileTable>| {
        from.with_outcomes(
            &donors.clone().into(),
            &recipients,
            follow_ups,
            &outcomes,
            &params,
        )
        .unwrap()
    };
    let learned = learn(&matcher, Some(&recipients));
    assert_eq!(learned.n_follow_ups, 8);
    let counts = |matcher: &Matcher| {
        let pairs = predicted(matcher, &donors.clone().into(), &recipients);
        let of = |draws: fn(&PairPrediction) -> &Vec<f32>| {
            pairs.iter().map(|pair| mean(draws(pair))).sum::<f64>()
        };
        (of(|pair| &pair.n_gained), of(|pair| &pair.n_kept))
    };
    let (before, after) = (counts(&matcher), counts(&learned.matcher));
    assert!(after.0 < 0.5 * before.0, "{before:?} {after:?}");
    assert!(after.1 > before.1, "{before:?} {after:?}");
    // Written and read again.
    let header = persist::ModelHeader::of(&learned.matcher);
    let bytes = persist::to_bytes(&learned.matcher, &header).unwrap();
    let (read, _) = persist::from_bytes::<Matcher>(&bytes).unwrap();
    assert_eq!(counts(&read), after);
    // A table without them takes back what they taught.
    let taken_back = learn(&matcher, None);
    assert_eq!(counts(&taken_back.matcher), before);
}

#[test]
fn follow_ups_without_a_profile_or_with_other_days_are_refused() {
    let (donors, recipients) = tables();
    let outcomes = outcomes(&donors, &recipients);
    let error = matcher()
        .with_outcomes(
            &donors.clone().into(),
            &recipients,
            Some(&donors),
            &outcomes,
            &UpdateParams::default(),
        )
        .unwrap_err()
        .to_string();
    assert!(error.contains("no profile for follow-up"), "{error}");
    for (cells, told) in [
        ("a;b\t14", "1 in `day` for 2 in `follow_up`"),
        ("a\tsoon", "expected days after the transplant"),
        ("a\t-3", "expected days after the transplant"),
    ] {
        let text =
            format!("donor_id\trecipient_id\tregimen\tfollow_up\tday\nd\tr\tanti-pd-1\t{cells}\n");
        let table = MetadataTable::parse("outcomes.tsv", &text).unwrap();
        let error = TrialOutcomes::from_metadata(&table)
            .unwrap_err()
            .to_string();
        assert!(error.contains(told), "{error}");
    }
}

/// The recipients of RECAST's data who were given their own stool back.
#[test]
fn the_autologous_arm_of_a_real_trial_is_predicted_no_gain() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/fmt-recast");
    if !folder.is_dir() || !Matcher::has_bundled() {
        eprintln!("skipped: no ../shared/data, or no bundled model");
        return;
    }
    let profiles = read(folder.join("profiles.tsv.gz"), &ReadOptions::default()).unwrap();
    let profiles = harmonized(&profiles);
    let table = MetadataTable::read(folder.join("transplants.tsv")).unwrap();
    let table = table.keep("fmt_type", "autologous").unwrap();
    let matcher = Matcher::bundled().unwrap();
    let mut n = 0;
    for row in 0..table.n_rows() {
        let sample = |role: &str| table.required(row, role).unwrap().into();
        let one = |id: SampleId| profiles.select_samples(&[id]).unwrap();
        let donor = Donors::from(one(sample("donor_samples")));
        let donor = donor
            .with_donor_types(&[Some(DonorType::Autologous)])
            .unwrap();
        let recipient = one(sample("pre_sample"));
        for found in predicted(&matcher, &donor, &recipient) {
            assert_unchanged(&found);
            n += 1;
        }
    }
    assert!(n >= 5, "{n} autologous transplants");
}
