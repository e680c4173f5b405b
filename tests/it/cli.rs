//! The command line: what it writes, and that bad input ends in one message and exit 1.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use donormatch::cohort::{Cohort, PatientCohort};
use donormatch::matcher::MatcherParams;
use donormatch::persist::{self, ModelHeader};
use donormatch::ranking::COLUMNS;
use donormatch::taxonomy::{HarmonizeParams, Target, harmonize};
use donormatch::trial::SimulationParams;
use tempfile::TempDir;

/// A folder with a synthetic cohort and a matcher fitted in a moment: far too small to be good.
pub struct Scene {
    folder: TempDir,
}

pub static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let large = SimulationParams {
        n_donors: 8,
        n_recipients: 45,
        ..Default::default()
    };
    let (patients, transplants) = large.simulate().unwrap().to_cohorts().unwrap();
    let harmonized = |table| {
        harmonize(table, &HarmonizeParams::new(Target::Species))
            .unwrap()
            .0
    };
    let profiles = harmonized(patients.profiles());
    let patients = PatientCohort::new(patients.patients().to_vec(), &profiles).unwrap();
    let profiles = harmonized(transplants.profiles());
    let transplants: Cohort = transplants.with_profiles(profiles).unwrap();
    let mut params = MatcherParams::default();
    params.engraftment.n_members = 2;
    params.engraftment.presence.n_rounds = 5;
    params.engraftment.abundance.n_rounds = 5;
    params.response.n_members = 2;
    params.response.n_slope_members = 1;
    params.response.boosting.n_rounds = 5;
    let matcher = params.fit(&patients, &[transplants]).unwrap();
    let header = ModelHeader::of(&matcher).with_name("tiny");
    persist::write(folder.path().join("tiny.dmm"), &matcher, &header).unwrap();
    let small = SimulationParams {
        n_donors: 3,
        n_recipients: 2,
        ..Default::default()
    };
    small.simulate().unwrap().write(folder.path()).unwrap();
    Scene { folder }
});

impl Scene {
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

pub struct Done {
    pub code: u8,
    pub out: String,
    pub err: String,
}

pub fn run(args: &[&str]) -> Done {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = std::iter::once(&"donormatch").chain(args).copied();
    let code = donormatch::cli::run(args, &mut out, &mut err);
    Done {
        code,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

fn rank(donors: &str, more: &[&str]) -> Done {
    let (recipients, model) = (SCENE.path("recipients.tsv"), SCENE.path("tiny.dmm"));
    let mut args = vec![
        "rank",
        donors,
        &recipients,
        "--n-draws",
        "20",
        "--max-draws",
        "40",
    ];
    if !more.contains(&"--model") {
        args.extend(["--model", &model]);
    }
    args.extend(more);
    run(&args)
}

/// Ranks with these donors and asserts exit 1, one message with these words, and no result.
fn refused(donors: &str, words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("donors.tsv");
    fs::write(&path, donors).unwrap();
    refused_with(
        &path.display().to_string(),
        &["--regimen", "anti-pd-1"],
        words,
    );
}

fn refused_with(donors: &str, more: &[&str], words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.html").display().to_string();
    let done = rank(donors, &[more, &["--report", &report]].concat());
    assert_eq!(done.code, 1, "{}", done.err);
    assert_eq!(done.out, "", "nothing half-written");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing half-written"
    );
    assert_eq!(done.err.matches("error: ").count(), 1, "{}", done.err);
    for word in words {
        assert!(
            done.err.contains(word),
            "expected `{word}` in: {}",
            done.err
        );
    }
}

const HEADER: &str = "sample_id\ts__Bacteroides_uniformis\ts__Faecalibacterium_prausnitzii\n";

#[test]
fn a_ranking_has_every_column_and_every_pair() {
    let done = rank(&SCENE.path("donors.tsv"), &["--regimen", "anti-pd-1"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let lines: Vec<&str> = done.out.lines().collect();
    assert_eq!(lines[0], COLUMNS.join("\t"));
    assert_eq!(lines.len(), 1 + 2 * 3);
    assert!(
        lines
            .iter()
            .all(|line| line.split('\t').count() == COLUMNS.len())
    );
    assert!(done.err.contains("% of abundance mapped"), "{}", done.err);
}

#[test]
fn rows_go_into_a_file_and_the_first_donors_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.tsv").display().to_string();
    let donors = SCENE.path("donors.tsv");
    let regimen = ["--regimen", "anti-pd-1", "--top", "2"];
    let done = rank(&donors, &[&regimen[..], &["--output", &path]].concat());
    assert_eq!((done.code, done.out.as_str()), (0, ""), "{}", done.err);
    assert!(done.err.contains("4 rows of 2 recipients"), "{}", done.err);
    let shown = rank(&donors, &regimen);
    assert_eq!(fs::read_to_string(&path).unwrap(), shown.out);
    assert_eq!(shown.out.lines().count(), 1 + 2 * 2);
    let page = folder.path().join("report.html").display().to_string();
    let with_page = rank(&donors, &[&regimen[..], &["--report", &page]].concat());
    assert_eq!(with_page.code, 0, "{}", with_page.err);
    assert!(folder.path().join("pairs.summary.json").exists());
    for (more, code, words) in [
        (
            &["--output", "pairs.csv"][..],
            1,
            "`output`: expected a name",
        ),
        (&["--output", &path, "--json"], 2, "--json"),
        (&["--top", "0"], 1, "`top`"),
    ] {
        let refused = rank(&donors, &[&["--regimen", "anti-pd-1"], more].concat());
        assert_eq!(refused.code, code, "{}", refused.err);
        assert!(refused.err.contains(words), "{}", refused.err);
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let with = |seed: &str| {
        rank(
            &SCENE.path("donors.tsv"),
            &["--regimen", "anti-pd-1", "--seed", seed, "--json"],
        )
        .out
    };
    assert_eq!(with("1"), with("1"));
    assert_ne!(with("1"), with("2"));
}

#[test]
fn metadata_goes_before_the_flags() {
    let metadata = SCENE.path("metadata.tsv");
    let p = |more: &[&str]| {
        let done = rank(&SCENE.path("donors.tsv"), more);
        assert_eq!(done.code, 0, "{}", done.err);
        done.out
            .lines()
            .nth(1)
            .unwrap()
            .split('\t')
            .nth(6)
            .unwrap()
            .to_owned()
    };
    // The first synthetic recipient is refractory, the default line is the first.
    let flags = ["--regimen", "anti-pd-1", "--cancer", "melanoma"];
    let both = p(&[&flags[..], &["--metadata", &metadata]].concat());
    assert_eq!(both, p(&["--metadata", &metadata]));
    assert_ne!(both, p(&flags));
}

#[test]
fn a_report_is_one_file_of_html() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.html");
    let name = report.display().to_string();
    let done = rank(
        &SCENE.path("donors.tsv"),
        &["--regimen", "anti-pd-1", "--report", &name],
    );
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(
        fs::read_to_string(&report)
            .unwrap()
            .starts_with("<!doctype html>")
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn engraft_predict_and_inspect_write_their_tables() {
    let (donors, recipients) = (SCENE.path("donors.tsv"), SCENE.path("recipients.tsv"));
    let model = SCENE.path("tiny.dmm");
    let pair = [
        "--donor-id",
        "synthetic_donor_01",
        "--recipient-id",
        "synthetic_recipient_01",
    ];
    let files = ["engraft", &donors, &recipients, "--model", &model];
    let done = run(&[&files[..], &pair].concat());
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(
        done.out
            .starts_with("taxon\tdonor\trecipient\tp_present\texpected_fraction\tfate\n")
    );
    let sum: f64 = done
        .out
        .lines()
        .skip(1)
        .map(|l| l.split('\t').nth(4).unwrap().parse::<f64>().unwrap())
        .sum();
    approx::assert_abs_diff_eq!(sum, 1.0, epsilon = 1e-9);
    let several = run(&files);
    assert!(
        several.code == 1 && several.err.contains("`recipient-id`"),
        "{}",
        several.err
    );

    let regimen = ["--regimen", "anti-pd-1", "--model", &model];
    let done = run(&[&["predict", &recipients][..], &regimen].concat());
    assert_eq!(
        (done.code, done.out.lines().count()),
        (0, 3),
        "{}",
        done.err
    );

    let done = run(&["inspect", &model]);
    assert!(
        done.code == 0
            && done.out.contains("name\ttiny\tclaimed\n")
            && done.out.contains("kind\tmatcher\tchecked\n"),
        "{}",
        done.err
    );
    let done = run(&["inspect", "--json", &model]);
    let told: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(told["checked"]["kind"], "matcher");
    assert_eq!(told["claimed"]["name"], "tiny");
}

#[test]
fn outcomes_of_ones_own_move_response_and_toxicity() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (donors, recipients) = (SCENE.path("donors.tsv"), SCENE.path("recipients.tsv"));
    let ids = |file: &str| -> Vec<String> {
        let text = fs::read_to_string(file).unwrap();
        let rows = text.lines().filter(|line| !line.starts_with('#')).skip(1);
        rows.map(|line| line.split('\t').next().unwrap().to_owned())
            .collect()
    };
    let head = "donor_id\trecipient_id\tregimen\tresponse\tirae_grade\n";
    let (donor_ids, recipient_ids) = (ids(&donors), ids(&recipients));
    let row =
        |donor: &String, recipient: &String| format!("{donor}\t{recipient}\tanti-pd-1\tno\t3\n");
    let rows: String = donor_ids
        .iter()
        .flat_map(|donor| recipient_ids.iter().map(|recipient| row(donor, recipient)))
        .collect();
    fs::write(path("outcomes.tsv"), format!("{head}{rows}")).unwrap();
    let (outcomes, model, own) = (
        path("outcomes.tsv"),
        SCENE.path("tiny.dmm"),
        path("own.dmm"),
    );
    let mut update = vec!["update", &donors, &recipients, &outcomes];
    update.extend(["--model", &model, "--output", &own]);
    let done = run(&update);
    assert_eq!(done.code, 0, "{}", done.err);
    let n = donor_ids.len() * recipient_ids.len();
    let said = format!("{n} transplants of {} donors", donor_ids.len());
    assert!(done.err.contains(&said), "{}", done.err);
    assert!(
        done.out
            .starts_with("donor_id\tn_transplants\tn_response\tn_responders")
    );
    assert_eq!(done.out.lines().count(), 1 + donor_ids.len());
    assert!(run(&["inspect", &own]).out.contains("updated by outcomes"));
    assert_eq!(run(&["evidence", "donors", "--model", &own]).out, done.out);

    let mean = |model: &str, name: &str| -> f64 {
        let done = rank(&donors, &["--regimen", "anti-pd-1", "--model", model]);
        let place = COLUMNS.iter().position(|column| *column == name).unwrap();
        let cells = done
            .out
            .lines()
            .skip(1)
            .map(|line| line.split('\t').nth(place).unwrap());
        let values: Vec<f64> = cells.map(|cell| cell.parse().unwrap()).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    assert!(mean(&own, "p_severe_irae") > mean(&model, "p_severe_irae") + 0.1);
    assert!(mean(&own, "p_response") < mean(&model, "p_response") - 0.05);

    fs::write(
        &outcomes,
        format!("{head}nobody\t{}\tanti-pd-1\tyes\t\n", recipient_ids[0]),
    )
    .unwrap();
    fs::remove_file(&own).unwrap();
    let done = run(&update);
    assert_eq!(done.code, 1);
    assert!(
        done.err.contains("outcomes.tsv") && done.err.contains("`nobody`"),
        "{}",
        done.err
    );
    assert!(!std::path::Path::new(&own).exists());
}

#[test]
fn simulate_writes_the_same_cohort_for_the_same_seed() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for folder in &folders {
        let path = folder.path().display().to_string();
        assert_eq!(run(&["simulate", "--seed", "3", "--output", &path]).code, 0);
    }
    for name in [
        "donors.tsv",
        "recipients.tsv",
        "metadata.tsv",
        "transplants.tsv",
        "truth.tsv",
    ] {
        let [a, b] = folders
            .each_ref()
            .map(|folder| fs::read(folder.path().join(name)).unwrap());
        assert!(
            a == b && String::from_utf8(a).unwrap().contains("synthetic"),
            "{name}"
        );
    }
}

#[test]
fn wrong_usage_is_exit_2_and_help_is_exit_0() {
    assert_eq!(run(&["rank"]).code, 2);
    assert_eq!(run(&["rank", "--no-such-flag"]).code, 2);
    assert_eq!(run(&["juggle"]).code, 2);
    let help = run(&["rank", "--help"]);
    assert!(help.code == 0 && help.out.contains("rank [OPTIONS] <DONORS> <RECIPIENTS>"));
}

#[test]
fn a_missing_file_is_refused() {
    let flags = ["--regimen", "anti-pd-1"];
    refused_with(
        "no_such_donors.tsv",
        &flags,
        &["no_such_donors.tsv", "caused by"],
    );
}

#[test]
fn an_empty_file_is_refused() {
    refused("", &["donors.tsv"]);
    refused(HEADER, &["donors.tsv"]);
}

#[test]
fn a_duplicated_sample_is_refused() {
    refused(
        &format!("{HEADER}a\t60.5\t39.5\na\t50.5\t49.5\n"),
        &["donors.tsv", "`a`"],
    );
}

#[test]
fn a_negative_or_nan_abundance_is_refused() {
    refused(&format!("{HEADER}a\t-60.5\t39.5\n"), &["donors.tsv", "-60"]);
    refused(&format!("{HEADER}a\tNaN\t39.5\n"), &["donors.tsv", "NaN"]);
}

#[test]
fn a_row_that_sums_to_0_is_refused() {
    refused(
        &format!("{HEADER}a\t60.5\t39.5\nb\t0\t0\n"),
        &["donors.tsv", "`b`"],
    );
}

#[test]
fn percent_mixed_with_fractions_is_refused() {
    refused(
        &format!("{HEADER}a\t60.5\t39.5\nb\t0.6\t0.4\n"),
        &["donors.tsv", "percent and fractions", "`b`"],
    );
}

#[test]
fn no_taxon_in_common_with_the_model_is_refused() {
    refused(
        "sample_id\tfoo\tbar\na\t60.5\t39.5\n",
        &["donors.tsv", "no taxon"],
    );
    refused(
        "sample_id\ts__Thermus_aquaticus\ts__Pyrococcus_furiosus\na\t60.5\t39.5\n",
        &["donors.tsv"],
    );
}

#[test]
fn what_a_message_asks_for_can_be_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.tsv");
    let diversity = |text: &str, more: &[&str]| {
        fs::write(&path, text).unwrap();
        let path = path.display().to_string();
        run(&[&["diversity", &path, "--unit", "count"], more].concat())
    };
    let first_column = |done: &Done| -> Vec<String> {
        let lines = done.out.lines().skip(1);
        lines
            .map(|line| line.split('\t').next().unwrap().to_owned())
            .collect()
    };
    for (text, word, option) in [
        (
            "\ta\tb\nx\t3\t4\ny\t5\t6\n",
            "`orientation`",
            ["--orientation", "taxa_in_rows"],
        ),
        (
            "taxon\ta\tb\ns__A\t3\t4\ns__A\t5\t6\n",
            "`duplicates`",
            ["--duplicates", "sum"],
        ),
    ] {
        let asked = diversity(text, &[]);
        assert!(asked.code == 1 && asked.err.contains(word), "{}", asked.err);
        let done = diversity(text, &option);
        assert_eq!(first_column(&done), ["a", "b"], "{}", done.err);
    }
    let empty = "taxon\ta\tb\ns__A\t3\t0\n";
    assert_eq!(diversity(empty, &[]).code, 1);
    let done = diversity(empty, &["--empty-samples", "drop"]);
    assert_eq!(first_column(&done), ["a"], "{}", done.err);
}

#[test]
fn an_unknown_regimen_or_none_is_refused() {
    let donors = SCENE.path("donors.tsv");
    refused_with(
        &donors,
        &["--regimen", "anti-lag-3"],
        &["`regimen`", "`anti-lag-3`"],
    );
    refused_with(&donors, &[], &["give `regimen`", "`metadata`"]);
    refused_with(
        &donors,
        &["--regimen", "anti-pd-1", "--weights", "1,2"],
        &["`weights`", "`1,2`"],
    );
}

#[test]
fn a_truncated_or_foreign_model_is_refused() {
    let donors = SCENE.path("donors.tsv");
    let folder = tempfile::tempdir().unwrap();
    let bytes = fs::read(SCENE.path("tiny.dmm")).unwrap();
    let made = |name: &str, bytes: &[u8]| -> String {
        let path: PathBuf = Path::new(folder.path()).join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    for (name, bytes, word) in [
        ("truncated.dmm", &bytes[..bytes.len() / 2], "truncated"),
        (
            "foreign.dmm",
            b"\x89PNG\r\n\x1a\n".as_slice(),
            "another kind of file",
        ),
        ("empty.dmm", b"".as_slice(), "empty file"),
        ("flipped.dmm", flipped.as_slice(), "damaged"),
    ] {
        let model = made(name, bytes);
        let flags = ["--regimen", "anti-pd-1", "--model", &model];
        refused_with(&donors, &flags, &["model file", name, word]);
    }
}

#[test]
fn signatures_are_listed_with_version_and_source() {
    let done = run(&["signatures"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let rows: Vec<Vec<&str>> = done
        .out
        .lines()
        .map(|row| row.split('\t').collect())
        .collect();
    assert_eq!(
        rows[0],
        ["signature", "version", "n_members", "title", "source"]
    );
    let sig1 = rows.iter().find(|row| row[0] == "toposcore_sig1").unwrap();
    assert_eq!(sig1[1..3], ["1", "37"]);
    assert!(
        rows.iter()
            .all(|row| row.len() == 5 && row.iter().all(|cell| !cell.is_empty()))
    );
    let done = run(&["signatures", "--signature", "luminate_depletion", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(list["rows"][0]["members"].as_array().unwrap().len(), 3);
}

// By hand: 20 of 100 are *Bifidobacterium* in `a`, 30 of 40 in `b`; `Roseburia hominis` 0 and 10.
#[test]
fn signatures_are_measured_in_profiles_as_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let profiles = "sample_id\ts__Bifidobacterium_longum\ts__Roseburia_hominis\ts__Blautia_obeum\n\
                    a\t20\t0\t80\nb\t30\t10\t0\n";
    fs::write(at("profiles.tsv"), profiles).unwrap();
    fs::write(
        at("mine.tsv"),
        "taxon\nRoseburia hominis\nDorea longicatena\n",
    )
    .unwrap();
    let (profiles, mine) = (at("profiles.tsv"), at("mine.tsv"));
    let mut args = vec!["signatures", &profiles, "--unit", "count"];
    args.extend(["--signature", "bifidobacterium", "--signature-file", &mine]);
    let done = run(&args);
    assert_eq!(done.code, 0, "{}", done.err);
    let expected = "sample_id\tsignature\tversion\tn_members\tn_not_measurable\tn_present\t\
                    summed_fraction\n\
                    a\tbifidobacterium\t1\t1\t0\t1\t0.2\nb\tbifidobacterium\t1\t1\t0\t1\t0.75\n\
                    a\tmine\t1\t2\t0\t0\t0.0\nb\tmine\t1\t2\t0\t1\t0.25\n";
    assert_eq!(done.out, expected);
    let done = run(&["signatures", "--signature", "sig1"]);
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    assert!(done.err.contains("`toposcore_sig1`"), "{}", done.err);
}

// By hand: `a` has 2 of 4 and 2 of 4 reads, each seen twice (nothing seen once: Chao1 is 2), `b`
// one taxon, seen once; the tree gives 1 + 2 + 0.5 and 1 + 0.5.
#[test]
fn diversity_is_measured_as_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::write(
        at("profiles.tsv"),
        "sample_id\ts__A_a\ts__B_b\na\t2\t2\nb\t1\t0\n",
    )
    .unwrap();
    fs::write(at("tree.nwk"), "((s__A_a:1,s__B_b:2):0.5,s__C_c:4);").unwrap();
    let (profiles, tree) = (at("profiles.tsv"), at("tree.nwk"));
    let done = run(&["diversity", &profiles, "--unit", "count", "--tree", &tree]);
    assert_eq!(done.code, 0, "{}", done.err);
    let head = "sample_id\trichness\tshannon\tsimpson\tinverse_simpson\tpielou\tchao1\tfaith_pd\n";
    let ln_2 = std::f64::consts::LN_2;
    let expected = format!(
        "{head}a\t2.0\t{ln_2}\t0.5\t2.0\t1.0\t2.0\t3.5\nb\t1.0\t0.0\t0.0\t1.0\t1.0\t1.0\t1.5\n"
    );
    assert_eq!(done.out, expected);
    // Percent: no Chao1, and no tree, no PD.
    let done = run(&["diversity", &profiles, "--unit", "percent", "--json"]);
    let rows: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert!(rows["rows"][0]["chao1"].is_null() && rows["rows"][0]["faith_pd"].is_null());
    fs::write(at("other.nwk"), "(s__A_a:1,s__C_c:4);").unwrap();
    let other = at("other.nwk");
    let done = run(&["diversity", &profiles, "--unit", "count", "--tree", &other]);
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    assert!(done.err.contains("s__B_b"), "{}", done.err);
}

// One member of SIG2 in `a`: k = 37 + 1665 of 3330. In `b` none, and no species at all is known of
// the second table.
#[test]
fn toposcore_counts_members_as_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let text = "sample_id\ts__Blautia_wexlerae\ts__Escherichia_coli\na\t40\t60\nb\t0\t100\n";
    fs::write(at("profiles.tsv"), text).unwrap();
    let profiles = at("profiles.tsv");
    let done = run(&["toposcore", &profiles, "--unit", "percent", "--json"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let rows: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    let rows = &rows["rows"];
    assert_eq!(
        rows[0]["n_sig2"].as_u64().unwrap() + rows[0]["n_sig1"].as_u64().unwrap(),
        1
    );
    let score = rows[0]["score"].as_f64().unwrap();
    assert!((score - 1702.0 / 3330.0).abs() < 1e-15, "{score}");
    assert_eq!(rows[1]["n_sig2"], 0);
    let done = run(&["toposcore", &profiles, "--unit", "percent"]);
    let lines: Vec<&str> = done.out.lines().collect();
    assert!(
        lines[0].starts_with("sample_id\tn_sig1\tn_sig2\tscore\tscore_lo"),
        "{}",
        lines[0]
    );
    assert_eq!(lines.len(), 3);
    fs::write(at("none.tsv"), "sample_id\tnothing known\na\t1\n").unwrap();
    let done = run(&["toposcore", &at("none.tsv"), "--unit", "count"]);
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    assert!(
        done.err.contains("none.tsv") && done.err.contains("species"),
        "{}",
        done.err
    );
}
