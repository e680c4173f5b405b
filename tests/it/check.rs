//! `donormatch check`, at the shell.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use crate::cli::run;

/// Writes a file and checks it; the table of decisions, or the error.
fn check(name: &str, text: &str, more: &[&str]) -> Result<Vec<[String; 3]>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    let done = run(&[&["check", &path], more].concat());
    if done.code != 0 {
        return Err(done.err);
    }
    let rows = done.out.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        [1, 2, 3].map(|at| fields[at].to_owned())
    });
    Ok(rows.collect())
}

fn answers<'a>(rows: &'a [[String; 3]], question: &str) -> Vec<&'a str> {
    let of = rows.iter().filter(|row| row[0] == question);
    of.map(|row| row[1].as_str()).collect()
}

#[test]
fn every_kind_of_table_is_told_by_its_columns() {
    let profiles = "taxon\td1\td2\ns__Blautia_obeum\t60.5\t50\ns__Dorea_longicatena\t39.5\t50\n";
    for (text, kind) in [
        (profiles, "profiles"),
        ("sample_id,response\nS1,R\n", "patients"),
        (
            "donor;donor_samples;recipient;baseline\nd;D1;r;R1\n",
            "transplants",
        ),
        (
            "donor_id\trecipient_id\tregimen\tresponse\nd\tr\tanti-pd-1\t1\n",
            "outcomes",
        ),
        ("sample_id\tdonor_id\nS1\td\n", "donors"),
        ("recipient_id\tregimen\nr\tanti-pd-1\n", "treatments"),
        (
            "donor_id\tdonor_type\tcollected_on\tesbl\nd\thealthy\t2026-10-01\tnegative\n",
            "screening",
        ),
    ] {
        let rows = check("file", text, &[]).unwrap();
        assert_eq!(answers(&rows, "content"), [kind], "{text}");
    }
}

#[test]
fn columns_are_named_with_the_role_they_play_and_those_without_one() {
    let text = "# exported\nsample_id;respons_orr;age;day\nS1;R;61;0\nS2;;70;-3,5\n";
    let rows = check("patients.csv", text, &[]).unwrap();
    assert_eq!(answers(&rows, "header"), ["line 2, fields divided by `;`"]);
    let columns = answers(&rows, "columns");
    assert!(
        columns.contains(&"`day` is the column `day`"),
        "{columns:?}"
    );
    assert!(columns.contains(&"`response` is not given"), "{columns:?}");
    let notes = answers(&rows, "note").join("\n");
    assert!(
        notes.contains("`respons_orr`, which was not used, looks like it"),
        "{notes}"
    );
    assert!(
        notes.contains("not used: the columns `respons_orr`, `age`"),
        "{notes}"
    );

    let named = ["--column", "response=respons_orr"];
    let rows = check("patients.csv", text, &named).unwrap();
    let columns = answers(&rows, "columns");
    assert!(
        columns.contains(&"`response` is the column `respons_orr`"),
        "{columns:?}"
    );
    assert_eq!(
        rows[0][2],
        "columns `sample_id`; 2 rows, 1 with a known response"
    );
    let wrong = check("patients.csv", text, &["--column", "respnse=respons_orr"]);
    assert!(wrong.unwrap_err().contains("is `response` meant?"));
}

#[test]
fn what_every_other_command_refuses_is_refused_here() {
    let misspelt = "donor_id\trecipent_id\tregimen\nd\tr\tanti-pd-1\n";
    let error = check("outcomes.tsv", misspelt, &[]).unwrap_err();
    assert!(error.contains("is `recipent_id` meant?"), "{error}");
    let drug = "recipient_id\tregimen\nr\taspirin\n";
    let error = check("metadata.tsv", drug, &[]).unwrap_err();
    assert!(
        error.contains("line 2") && error.contains("aspirin"),
        "{error}"
    );
    let error = check("x.tsv", drug, &["--content", "outcome"]).unwrap_err();
    assert!(error.contains("`outcomes`"), "{error}");
    let error = check("x.tsv", drug, &["--content", "donors"]).unwrap_err();
    assert!(error.contains("no column `sample_id`"), "{error}");
}

#[test]
fn profiles_with_columns_of_metadata_are_no_table_of_patients() {
    let text = "sample_id\tresponse\ts__Blautia_obeum\ts__Dorea_longicatena\ts__Dorea_a\n\
                S1\t1\t50\t30\t20\nS2\t0\t20\t30\t50\n";
    let error = check("profiles.tsv", text, &[]).unwrap_err();
    assert!(
        error.contains("`response`") && error.contains("ignore_columns"),
        "{error}"
    );
}
