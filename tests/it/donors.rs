//! Donors of several samples: at every door of Rust and the shell, and on real donors.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use donormatch::cohort::{
    Cancer, ColumnNames, Donors, Line, MetadataTable, Regimen, TreatmentContext, TrialOutcomes,
};
use donormatch::evidence::UpdateMethod;
use donormatch::matcher::{Matcher, PairPrediction, PredictParams, UpdateParams};
use donormatch::persist;
use donormatch::profile::{ProfileTable, ReadOptions, SampleId, SubjectId, read};
use donormatch::taxonomy::{HarmonizeParams, Target, harmonize};
use donormatch::trial::SimulationParams;

use crate::cli::{Done, SCENE, run};

fn context() -> TreatmentContext {
    TreatmentContext::new(Regimen::AntiPd1, Cancer::Melanoma, Line::Refractory)
}

fn harmonized(table: &ProfileTable) -> ProfileTable {
    let params = HarmonizeParams::new(Target::Species);
    harmonize(table, &params).unwrap().0
}

/// Four samples and two recipients of the simulation.
fn tables() -> (ProfileTable, ProfileTable) {
    let params = SimulationParams {
        n_donors: 4,
        n_recipients: 2,
        ..SimulationParams::default()
    };
    let cohort = params.simulate().unwrap();
    (harmonized(&cohort.donors), harmonized(&cohort.recipients))
}

fn predicted(donors: &Donors, recipients: &ProfileTable) -> Vec<PairPrediction> {
    let (matcher, _) = persist::read::<Matcher>(SCENE.path("tiny.dmm")).unwrap();
    let contexts = vec![context(); recipients.n_samples()];
    matcher
        .predict(donors, recipients, &contexts, &PredictParams::default())
        .unwrap()
}

/// The same table, every sample twice under another name.
fn twice(table: &ProfileTable) -> Donors {
    let rows: Vec<usize> = (0..table.n_samples()).chain(0..table.n_samples()).collect();
    let name = |at: usize, row: usize| SampleId::new(format!("{row}-{at}"));
    let names = rows.iter().enumerate().map(|(at, &row)| name(at, row));
    let donors: Vec<SubjectId> = rows
        .iter()
        .map(|&row| table.samples()[row].as_str().into())
        .collect();
    let doubled = ProfileTable::builder(table.unit())
        .taxa(table.taxa().iter().cloned())
        .vocabulary(table.vocabulary().clone())
        .matrix(names.collect(), table.abundance().select_rows(&rows))
        .build()
        .unwrap();
    Donors::new(doubled, &donors).unwrap()
}

#[test]
fn samples_that_are_their_own_donors_do_not_change_beside_one_of_several() {
    let (table, recipients) = tables();
    let alone = predicted(&table.clone().into(), &recipients);
    // The effect of a donor of whom no outcome is known is drawn by its name, so the two keep theirs.
    let own = |row: usize| SubjectId::from(table.samples()[row].as_str());
    let ids = [own(0), own(1), "c".into(), "c".into()];
    let together = predicted(&Donors::new(table, &ids).unwrap(), &recipients);
    let names: Vec<&SubjectId> = together.iter().map(|pair| &pair.donor_id).collect();
    let [a, b, c, _] = &ids;
    assert_eq!(names, [a, b, c, a, b, c]);
    for (own, shared) in [(0, 0), (1, 1), (4, 3), (5, 4)] {
        assert_eq!(alone[own].p_response, together[shared].p_response);
        assert_eq!(alone[own].n_gained, together[shared].n_gained);
    }
}

#[test]
fn a_second_sample_like_the_first_narrows_the_draws_and_leaves_the_expectation() {
    let (table, recipients) = tables();
    let once = predicted(&table.clone().into(), &recipients);
    let doubled = predicted(&twice(&table), &recipients);
    assert_eq!(once.len(), doubled.len());
    for (one, two) in once.iter().zip(&doubled) {
        assert_eq!(one.donor_id, two.donor_id);
        assert_eq!(one.n_gained, two.n_gained);
    }
    let draws = |pairs: &[PairPrediction]| -> Vec<Vec<f64>> {
        pairs.iter().map(|pair| pair.p_response.clone()).collect()
    };
    assert_ne!(draws(&once), draws(&doubled), "other draws of abundance");
    let (matcher, _) = persist::read::<Matcher>(SCENE.path("tiny.dmm")).unwrap();
    let spread = |donor: &ProfileTable| {
        let recipient = recipients.select(&[0]).unwrap();
        let params = PredictParams::default();
        let donor = Donors::one(donor.clone(), &"donor".into()).unwrap();
        let found = matcher.predict_transplant(&donor, &recipient, &params);
        found.unwrap().0.abundance_sd
    };
    let donors = twice(&table);
    let (one, two) = (
        spread(&table.select(&[0]).unwrap()),
        spread(&donors.samples_of(&donors.ids()[0]).unwrap()),
    );
    assert!(0.5 * one < two && two < one, "{two} of {one}");
}

#[test]
fn outcomes_are_of_donors_whatever_the_number_of_their_samples() {
    let (table, recipients) = tables();
    let (matcher, _) = persist::read::<Matcher>(SCENE.path("tiny.dmm")).unwrap();
    let head = "donor_id\trecipient_id\tregimen\tresponse\n";
    let pairs = recipients.samples().iter().zip(table.samples());
    let rows: Vec<String> = pairs
        .map(|(recipient, donor)| format!("{donor}\t{recipient}\tanti-pd-1\tyes\n"))
        .collect();
    let rows = rows.concat();
    let outcomes = MetadataTable::parse("<text>", &(head.to_owned() + &rows)).unwrap();
    let outcomes = TrialOutcomes::from_metadata(&outcomes).unwrap();
    let mut params = UpdateParams::default();
    params.method = UpdateMethod::Fast;
    let updated = matcher.with_outcomes(&twice(&table), &recipients, None, &outcomes, &params);
    let told = updated.unwrap().matcher.evidence().donors();
    let mut learned: Vec<&str> = told.iter().map(|one| one.donor_id.as_str()).collect();
    learned.sort_unstable();
    assert_eq!(learned, ["synthetic_donor_01", "synthetic_donor_02"]);
    let ids = ["a", "a", "b", "b"].map(SubjectId::from);
    let donors = Donors::new(table, &ids).unwrap();
    let error = matcher
        .with_outcomes(&donors, &recipients, None, &outcomes, &params)
        .unwrap_err();
    assert!(
        error.to_string().contains("is a sample of donor `a`"),
        "{error}"
    );
}

/// A folder with donors' metadata, and what the shell says of the scene with it.
fn shell(metadata: &str, args: &[&str]) -> Done {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("donor_metadata.tsv");
    fs::write(&path, metadata).unwrap();
    let (path, model) = (path.display().to_string(), SCENE.path("tiny.dmm"));
    let flags = ["--donor-metadata", &path, "--model", &model];
    run(&[args, &flags[..]].concat())
}

const TWO_DONORS: &str = "sample_id\tdonor_id\tday\nsynthetic_donor_01\tD1\t3\n\
    synthetic_donor_02\tD2\t5\nsynthetic_donor_03\tD2\t9\nsynthetic_donor_99\tD9\t9\n";

#[test]
fn the_shell_ranks_donors_and_says_what_it_made_of_their_samples() {
    let (donors, recipients) = (SCENE.path("donors.tsv"), SCENE.path("recipients.tsv"));
    let rank = ["rank", &donors, &recipients, "--regimen", "anti-pd-1"];
    let done = shell(TWO_DONORS, &rank);
    assert_eq!(done.code, 0, "{}", done.err);
    let mut found: Vec<&str> = done
        .out
        .lines()
        .skip(1)
        .map(|line| line.split('\t').nth(1).unwrap())
        .collect();
    found.sort_unstable();
    assert_eq!(found, ["D1", "D1", "D2", "D2"]);
    for told in ["2 donors of 3 samples", "`synthetic_donor_99`", "`day`"] {
        assert!(done.err.contains(told), "{told}: {}", done.err);
    }
    let done = shell("sample_id\tdonor\nsynthetic_donor_01\tD1\n", &rank);
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    assert!(done.err.contains("no column `donor_id`"), "{}", done.err);
}

#[test]
fn the_shell_takes_the_transplant_of_a_donor_from_all_of_its_samples() {
    let (donors, recipients) = (SCENE.path("donors.tsv"), SCENE.path("recipients.tsv"));
    let engraft = |donor: &[&str]| {
        let recipient = ["--recipient-id", "synthetic_recipient_01"];
        let args = ["engraft", &donors, &recipients];
        shell(TWO_DONORS, &[&args, donor, &recipient[..]].concat())
    };
    let two = engraft(&["--donor-id", "D2"]);
    assert_eq!(two.code, 0, "{}", two.err);
    assert!(two.out != engraft(&["--donor-id", "D1"]).out);
    let open = engraft(&[]);
    assert_eq!(open.code, 1);
    assert!(
        open.err.contains("2 donors, `D1` the first"),
        "{}",
        open.err
    );
    let sample = engraft(&["--donor-id", "synthetic_donor_03"]);
    assert!(
        sample.err.contains("it is a sample of donor `D2`"),
        "{}",
        sample.err
    );
}

#[test]
fn the_shell_updates_by_donor() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (outcomes, updated) = (path("outcomes.tsv"), path("updated.dmm"));
    let (donors, recipients) = (SCENE.path("donors.tsv"), SCENE.path("recipients.tsv"));
    let files = ["update", &donors, &recipients, &outcomes];
    let update = [&files[..], &["--output", &updated, "--method", "fast"]].concat();
    let head = "donor_id\trecipient_id\tregimen\tresponse\n";
    let row = "synthetic_recipient_01\tanti-pd-1\tyes\n";
    fs::write(&outcomes, format!("{head}D2\t{row}")).unwrap();
    let done = shell(TWO_DONORS, &update);
    assert_eq!(done.code, 0, "{}", done.err);
    fs::write(&outcomes, format!("{head}synthetic_donor_02\t{row}")).unwrap();
    let done = shell(TWO_DONORS, &update);
    assert_eq!(done.code, 1);
    assert!(done.err.contains("a sample of donor `D2`"), "{}", done.err);
}

/// How much of the spread of abundance after a transplant depends on which sample of a donor was
/// read: variance of the predicted log10 fraction between the samples of one donor, weighed by the
/// probability of presence, over the variance around the prediction.
fn sample_share(donors: &Donors, recipients: &ProfileTable) -> f64 {
    let matcher = Matcher::bundled().unwrap();
    let params = PredictParams::default();
    let (mut sum, mut total, mut spread) = (0.0, 0.0, 0.0);
    for (id, n_samples) in donors.ids().iter().zip(donors.n_samples()) {
        if n_samples < 2 {
            continue;
        }
        let samples = donors.samples_of(id).unwrap();
        for recipient in 0..recipients.n_samples() {
            let recipient = recipients.select(&[recipient]).unwrap();
            let mut by_taxon: BTreeMap<u32, Vec<(f64, f64)>> = BTreeMap::new();
            for row in 0..n_samples {
                let sample = samples.select(&[row]).unwrap();
                let found = matcher.predict_transplant(&sample.into(), &recipient, &params);
                let (found, _) = found.unwrap();
                spread = found.abundance_sd;
                let columns = found.log_abundance.iter().zip(found.mean_presence());
                for (&taxon, (&log, present)) in found.pair.taxa.iter().zip(columns) {
                    by_taxon.entry(taxon).or_default().push((log, present));
                }
            }
            for found in by_taxon.values().filter(|found| found.len() == n_samples) {
                let n = n_samples as f64;
                let mean = found.iter().map(|(log, _)| log).sum::<f64>() / n;
                let squares: f64 = found.iter().map(|(log, _)| (log - mean).powi(2)).sum();
                let weight = found.iter().map(|(_, present)| present).sum::<f64>() / n;
                sum += weight * squares / (n - 1.0);
                total += weight;
            }
        }
    }
    sum / total / (spread * spread)
}

#[test]
fn the_share_of_the_sample_is_what_real_donors_show() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/fmt-davar-baruch2021");
    if !folder.is_dir() || !Matcher::has_bundled() {
        eprintln!("skipped: no ../shared/data, or no bundled model");
        return;
    }
    let profiles = read(
        folder.join("profiles.metaphlan.tsv.gz"),
        &ReadOptions::default(),
    );
    let profiles = harmonized(&profiles.unwrap());
    let roles = MetadataTable::read(folder.join("metadata.tsv")).unwrap();
    let names = ColumnNames::from([("donor_id".to_owned(), "subject".to_owned())]);
    let with_role = |role: &str| {
        let metadata = roles.clone().keep("role", role).unwrap();
        let samples: Vec<SampleId> = (0..metadata.n_rows())
            .map(|row| metadata.required(row, "sample_id").unwrap().into())
            .collect();
        (metadata, profiles.select_samples(&samples).unwrap())
    };
    let (metadata, products) = with_role("donor_FMT_product");
    let donors = Donors::from_metadata(&metadata.with_names(names), products).unwrap();
    let (_, recipients) = with_role("recipient");
    let every_tenth: Vec<usize> = (0..recipients.n_samples()).step_by(10).collect();
    let share = sample_share(&donors, &recipients.select(&every_tenth).unwrap());
    let n_several = donors.n_samples().iter().filter(|&&n| n > 1).count();
    eprintln!("share of the sample in the variance: {share:.3} ({n_several} donors)");
    assert!(
        (0.02..0.2).contains(&share),
        "the engraftment model takes 0.06"
    );
}
