//! Every example that the help of a command ends with runs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use donormatch::ranking::RESEARCH_USE;
use donormatch::trial::SimulationParams;
use serde_json::Value;

use crate::cli::SCENE;

/// Every command, in an order in which each finds what those before it wrote.
const COMMANDS: [&str; 22] = [
    "simulate",
    "evaluate",
    "fit",
    "inspect",
    "screen",
    "plan",
    "rank",
    "explain",
    "assign",
    "follow-up",
    "engraft",
    "predict",
    "update",
    "site-summary",
    "merge-sites",
    "evidence",
    "signatures",
    "check",
    "diversity",
    "toposcore",
    "completions",
    "manual",
];

fn run(args: &[String]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = std::iter::once("donormatch".to_owned()).chain(args.iter().cloned());
    let code = donormatch::cli::run(args, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (code, text(out), text(err))
}

/// The words after `donormatch` of the example in the help of a command.
fn example_of(command: &str) -> Vec<String> {
    let (code, help, _) = run(&[command.to_owned(), "--help".to_owned()]);
    assert_eq!(code, 0, "{command}");
    let (_, example) = help.split_once("Example:").unwrap_or_else(|| {
        panic!("the help of `{command}` has no example");
    });
    let mut words = example.split_whitespace().map(str::to_owned);
    assert_eq!(words.next().as_deref(), Some("donormatch"));
    words.collect()
}

/// Whatever a command writes says that it is for research use: a table by a note beside it, JSON,
/// where the command has it, by its first field.
fn assert_notice(words: &[String], out: &str, err: &str) {
    let command = words.join(" ");
    if out.is_empty() {
        return;
    }
    assert!(!out.contains(RESEARCH_USE), "{command}");
    assert_eq!(err.matches(RESEARCH_USE).count(), 1, "{command}: {err}");
    let n_names = if words[0] == "plan" { 2 } else { 1 };
    let (_, help, _) = run(&[&words[..n_names], &["--help".to_owned()]].concat());
    if !help.contains("--json") {
        return;
    }
    let (code, json, err) = run(&[words, &["--json".to_owned()]].concat());
    assert_eq!(code, 0, "{command} --json: {err}");
    let whole: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(whole["research_use"], RESEARCH_USE, "{command}");
    assert!(json.starts_with("{\n  \"research_use\""), "{command}");
    assert!(!err.contains(RESEARCH_USE), "{command}: {err}");
}

#[test]
fn files_say_that_they_are_for_research_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let mut words = ["rank", "--regimen", "anti-pd-1", "--n-draws", "20"]
        .map(str::to_owned)
        .to_vec();
    words.extend([SCENE.path("donors.tsv"), SCENE.path("recipients.tsv")]);
    words.extend(["--model".to_owned(), SCENE.path("tiny.dmm")]);
    let with = |more: [String; 2]| run(&[&words[..], &more].concat());
    let (code, _, err) = with(["--output".to_owned(), path("pairs.tsv")]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(err.matches(RESEARCH_USE).count(), 1, "{err}");
    let summary = fs::read_to_string(path("pairs.summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["research_use"], RESEARCH_USE);
    let (code, _, err) = with(["--report".to_owned(), path("report.html")]);
    assert_eq!(code, 0, "{err}");
    let page = fs::read_to_string(path("report.html")).unwrap();
    assert!(page.contains("<strong>Research use only.</strong> Not a medical device"));
}

/// Tables to fit on and a configuration of models that are fitted in a moment.
fn write_training_data(data: &Path, config: &Path) {
    let params = SimulationParams {
        n_donors: 8,
        n_recipients: 45,
        ..Default::default()
    };
    params.simulate().unwrap().write(data).unwrap();
    let read = |name: &str| fs::read_to_string(data.join(name)).unwrap();
    let mut profiles = read("donors.tsv");
    for other in ["recipients.tsv", "follow_ups.tsv"] {
        for line in read(other).lines().skip(2) {
            writeln!(profiles, "{line}").unwrap();
        }
    }
    fs::write(data.join("profiles.tsv"), profiles).unwrap();
    let mut patients = "sample_id\tstudy\tresponse\n".to_owned();
    let mut transplants = String::new();
    for (row, line) in read("transplants.tsv").lines().enumerate() {
        let cells: Vec<&str> = line.split('\t').collect();
        let study = ["study", "one", "other"][if row == 0 { 0 } else { 1 + row % 2 }];
        writeln!(transplants, "{study}\t{}", cells[1..].join("\t")).unwrap();
        if row > 0 {
            writeln!(patients, "{}\t{study}\t{}", cells[4], cells[7]).unwrap();
        }
    }
    fs::write(data.join("patients.tsv"), patients).unwrap();
    fs::write(data.join("transplants.tsv"), transplants).unwrap();
    fs::write(
        config,
        r#"
name = "tiny"
patients = [{ profiles = "recipients.tsv", metadata = "patients.tsv" }]
transplants = [{ profiles = "profiles.tsv", metadata = "transplants.tsv" }]
[matcher.engraftment]
n_members = 2
presence = { n_rounds = 5 }
abundance = { loss = "squared_error", n_rounds = 5 }
[matcher.response]
n_members = 2
n_slope_members = 1
boosting = { n_rounds = 5 }
"#,
    )
    .unwrap();
}

/// A ranking, the batches of its donor and the days of its recipient.
fn write_ranking(folder: &Path) {
    for (name, text) in [
        (
            "ranking.tsv",
            "recipient_id\tdonor_id\tutility\nr\td\t0.1\n",
        ),
        (
            "batches.tsv",
            "donor_id\tbatch_id\tdoses\tmade_on\nd\tb\t1\t2026-11-02\n",
        ),
        ("windows.tsv", "recipient_id\tnot_after\nr\t2026-11-06\n"),
    ] {
        fs::write(folder.join("cohort").join(name), text).unwrap();
    }
}

#[test]
fn the_example_of_every_command_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("data")).unwrap();
    write_training_data(&path("data"), &path("config.toml"));
    // What a user has besides the cohort: a model, and outcomes of donors.
    fs::copy(SCENE.path("tiny.dmm"), path("model.dmm")).unwrap();
    fs::create_dir(path("cohort")).unwrap();
    fs::write(
        path("cohort/outcomes.tsv"),
        "donor_id\trecipient_id\tregimen\tresponse\n\
         synthetic_donor_01\tsynthetic_recipient_01\tanti-pd-1\tyes\n",
    )
    .unwrap();
    fs::write(
        path("cohort/records.tsv"),
        "donor_id\tdonor_type\tcollected_on\tesbl\nsynthetic_donor_01\thealthy\t2026-10-20\tnegative\n",
    )
    .unwrap();
    write_ranking(folder.path());
    let ours = ["cohort", "data", "model.dmm", "updated.dmm", "man1"];
    for command in COMMANDS {
        let words: Vec<String> = example_of(command)
            .into_iter()
            .map(|word| match word.as_str() {
                "models/default/config.toml" => path("config.toml").display().to_string(),
                word if ours.iter().any(|name| word.starts_with(name)) => {
                    path(word).display().to_string()
                }
                _ => word,
            })
            .collect();
        let (code, out, err) = run(&words);
        assert_eq!(code, 0, "{}: {err}", words.join(" "));
        assert_notice(&words, &out, &err);
    }
    assert!(path("updated.dmm").is_file() && path("model.dmm").is_file());
}

#[test]
fn the_example_of_every_plan_runs() {
    for plan in ["sample-size", "donors", "safety"] {
        let (_, help, _) = run(&["plan", plan, "--help"].map(str::to_owned));
        let (_, example) = help.split_once("Example:").unwrap();
        let words: Vec<String> = example.split_whitespace().map(str::to_owned).collect();
        let (code, out, err) = run(&words[1..]);
        assert_eq!(code, 0, "{plan}: {err}");
        assert!(out.lines().count() >= 2);
        assert_notice(&words[1..], &out, &err);
    }
}

#[test]
fn every_command_has_an_example() {
    let (_, help, _) = run(&["--help".to_owned()]);
    let listed: Vec<&str> = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        // A summary that is too long goes on below, deeper in.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help")
        .collect();
    assert_eq!(listed.len(), COMMANDS.len());
    for command in listed {
        assert!(COMMANDS.contains(&command), "`{command}` is not tried");
    }
}
