//! The screening gate from the shell: a table of verdicts, and wrong usage.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

use donormatch::cli::run;

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
fn an_unknown_field_or_day_is_refused() {
    let (code, _, err) = screened("donor_id\tshoe\nD1\t43\n", &["--on", "2026-11-01"]);
    assert!(code == 1 && err.contains("`shoe`"), "{err}");
    let (code, _, err) = screened(RECORDS, &["--on", "1.11.2026"]);
    assert!(code != 0 && err.contains("YYYY-MM-DD"), "{err}");
    assert_eq!(screened(RECORDS, &[]).0, 2, "the day is an argument");
}
