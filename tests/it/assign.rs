//! `donormatch assign`: plain capacities and calendars from files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fs;
use std::path::Path;

const RANKING: &str = "recipient_id\tdonor_id\tutility\tflags\n\
r1\td1\t0.3\t\nr1\td2\t0.2\t\nr2\td1\t0.3\t\nr2\td2\t0.0\t\nr1\td3\t9\tnot_eligible\n";
const BATCHES: &str = "donor_id\tbatch_id\tdoses\tmade_on\texpires_on\troom\tdose_cost\n\
d1\tb1\t1\t2026-03-02\t2026-03-03\tA\t10\nd2\tb2\t2\t2026-03-02\t2026-03-03\tA\t10\n\
d1\tb3\t1\t2026-03-09\t2026-03-10\tA\t10\n";

fn run(folder: &Path, args: &[&str]) -> (u8, String, String) {
    let files = ["ranking.tsv", "batches.tsv", "windows.tsv", "calendar.svg"];
    let placed = args.iter().map(|word| {
        if files.contains(word) {
            folder.join(word).display().to_string()
        } else {
            (*word).to_owned()
        }
    });
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let words = ["donormatch", "assign"].map(str::to_owned);
    let code = donormatch::cli::run(words.into_iter().chain(placed), &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (code, text(out), text(err))
}

fn scene(windows: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ranking.tsv"), RANKING).unwrap();
    fs::write(folder.path().join("batches.tsv"), BATCHES).unwrap();
    let windows = format!("recipient_id\tnot_after\n{windows}");
    fs::write(folder.path().join("windows.tsv"), windows).unwrap();
    folder
}

#[test]
fn plain_capacities_are_kept_and_the_ineligible_give_nothing() {
    let folder = scene("");
    let (code, out, err) = run(folder.path(), &["ranking.tsv"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(
        out,
        "donor_id\trecipient_id\tutility\tlocked\nd2\tr1\t0.2\tfalse\nd1\tr2\t0.3\tfalse\n"
    );
    assert!(
        err.contains("2 of 2 recipients, utility 0.5000: proven best"),
        "{err}"
    );
    assert!(err.contains("Research use only"), "{err}");
}

#[test]
fn a_calendar_takes_the_room_of_one_day_once() {
    // By hand: r1 cannot wait for the 9th. b1 and b2 share a room and a day: b1 for r1 and b3 for
    // r2 give 0.6, the most that two transplants can.
    let folder = scene("r1\t2026-03-05\n");
    let args = [
        "ranking.tsv",
        "--batches",
        "batches.tsv",
        "--recipients",
        "windows.tsv",
    ];
    let (code, out, err) = run(folder.path(), &args);
    assert_eq!(code, 0, "{err}");
    let rows: Vec<&str> = out.lines().skip(1).collect();
    assert!(
        rows[0].starts_with("2026-03-02\td1\tb1\tA\tr1\t0.3\tfalse\t2026-03-03"),
        "{out}"
    );
    assert!(
        rows[1].starts_with("2026-03-09\td1\tb3\tA\tr2\t0.3\tfalse\t2026-03-10"),
        "{out}"
    );
    assert!(
        err.contains("utility 0.6000, cost 20.00: proven best"),
        "{err}"
    );
    let more = [
        "--json",
        "--prices",
        "--n-alternatives",
        "1",
        "--figure",
        "calendar.svg",
    ];
    let (code, out, err) = run(folder.path(), &[&args[..], &more].concat());
    assert_eq!(code, 0, "{err}");
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found["is_optimal"], true);
    assert_eq!(found["research_use"], donormatch::ranking::RESEARCH_USE);
    // b2 instead of b1 for r1, b3 for r2: 0.2 + 0.3.
    let next = found["alternatives"][0]["total_utility"].as_f64().unwrap();
    assert!((next - 0.5).abs() < 1e-9);
    assert_eq!(found["batches"][0]["price"].as_f64(), Some(0.0));
    let picture = fs::read_to_string(folder.path().join("calendar.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains("b3, room A"));
}

#[test]
fn what_conflicts_is_named() {
    let folder = scene("r1\t2026-03-01\n");
    let args = [
        "ranking.tsv",
        "--batches",
        "batches.tsv",
        "--recipients",
        "windows.tsv",
    ];
    let (code, _, err) = run(folder.path(), &args);
    assert_eq!(code, 1);
    for name in [
        "recipient `r1` is served",
        "the days of recipient `r1`",
        "the dates of batch",
    ] {
        assert!(err.contains(name), "{err}");
    }
    let (code, _, err) = run(
        folder.path(),
        &[&args[..], &["--coverage", "most"]].concat(),
    );
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("1 of 2 recipients"), "{err}");
    let (code, _, err) = run(folder.path(), &["ranking.tsv", "--locked", "d1"]);
    assert_eq!(code, 1);
    assert!(
        err.contains("`locked`: expected `DONOR=RECIPIENT`, found `d1`"),
        "{err}"
    );
    let (code, _, _) = run(folder.path(), &["ranking.tsv", "--max-cost", "3"]);
    assert_eq!(code, 2);
}
