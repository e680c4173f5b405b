//! The screening gate from the shell: a table of verdicts, and wrong usage.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

use donormatch::cli::run;

use crate::cli::SCENE;

const RECORDS: &str = "donor_id\tdonor_type\tcollected_on\tesbl\tvre\tvre_on\n\
                       D1\thealthy\t2026-10-20\tpositive\tnegative\t2026-10-02\n";

fn screened(records: &str, more: &[&str]) -> (u8, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.tsv");
    std::fs::write(&path, records).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let path = path.to_string_lossy().into_owned();
    let mut arguments = vec!["donormatch", "screen", &path];
    arguments.extend(more);
    let code = run(arguments, &mut out, &mut err);
    (
        code,
        String::from_utf8(out).unwrap(),
        String::from_utf8(err).unwrap(),
    )
}

#[test]
fn the_shell_tells_who_may_give_and_why_not() {
    let (code, out, err) = screened(RECORDS, &["--on", "2026-11-01"]);
    assert_eq!(code, 0, "{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("donor_id\tbatch_id\tdonor_type\teligible\treasons"));
    assert!(lines[1].contains("esbl: positive") && lines[1].contains("hcv: missing"));
    assert!(err.contains("0 of 1 eligible on 2026-11-01") && err.contains("research use only"));
    let (_, json, _) = screened(RECORDS, &["--on", "2026-11-01", "--json"]);
    let whole: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(whole["research_use_only"], true);
    assert_eq!(whole["donors"][0]["eligible"], false);
}

#[test]
fn a_ranking_shows_last_who_does_not_pass() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let panel = "name = 'one'\nversion = 1\ntitle = 't'\nsource = 's'\n[[entry]]\nname = 'esbl'\n\
                 title = 'ESBL'\ngroup = 'mdro'\nspecimen = 'stool'\nkind = 'result'\n\
                 rule = 'exclude'\nvalid_days = 60\nsource = 's'\nconfidence = 'high'\n";
    std::fs::write(path("panel.toml"), panel).unwrap();
    let records = "donor_id\tdonor_type\tesbl\tesbl_on\n\
                   synthetic_donor_01\thealthy\tpositive\t2026-10-20\n\
                   synthetic_donor_02\thealthy\tnegative\t2026-10-20\n";
    std::fs::write(path("records.tsv"), records).unwrap();
    let rank = |more: &[&str]| {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let files = ["tiny.dmm", "donors.tsv", "recipients.tsv"].map(|name| SCENE.path(name));
        let (records, panel) = (path("records.tsv"), path("panel.toml"));
        let fixed = [
            ["donormatch", "rank", &files[1], &files[2]],
            ["--model", &files[0], "--regimen", "anti-pd-1"],
            ["--n-draws", "20", "--screening", &records],
            ["--panel", &panel, "--max-draws", "0"],
        ];
        let arguments = fixed.concat().into_iter().chain(more.iter().copied());
        let code = run(arguments, &mut out, &mut err);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (code, text(out), text(err))
    };
    let (code, out, err) = rank(&["--on", "2026-11-01", "--json"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("1 of 2 eligible on 2026-11-01"), "{err}");
    let whole: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(whole["params"]["screening"]["panel"], "one");
    let rows = whole["rows"].as_array().unwrap();
    let of = |row: &serde_json::Value| {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        (text("donor_id"), text("verdict"), text("reason"))
    };
    for rows in rows.chunks(3) {
        let found: Vec<_> = rows.iter().map(of).collect();
        assert_eq!(found[0].0, "synthetic_donor_02");
        assert!(found[0].2.contains("a single donor cannot be compared"));
        for (donor, verdict, reason) in &found[1..] {
            assert_eq!(verdict, "abstain");
            let expected = match donor.as_str() {
                "synthetic_donor_01" => "this donor is not eligible: esbl: positive",
                _ => "this donor is not eligible: no screening record",
            };
            assert!(reason.starts_with(expected), "{reason}");
        }
    }
    assert_eq!(rank(&[]).0, 2, "the day is an argument");
}

#[test]
fn an_unknown_field_or_day_is_refused() {
    let (code, _, err) = screened("donor_id\tshoe\nD1\t43\n", &["--on", "2026-11-01"]);
    assert!(code == 1 && err.contains("`shoe`"), "{err}");
    let (code, _, err) = screened(RECORDS, &["--on", "1.11.2026"]);
    assert!(code != 0 && err.contains("YYYY-MM-DD"), "{err}");
    assert_eq!(screened(RECORDS, &[]).0, 2, "the day is an argument");
}
