//! Limits from the command line, and a standard output that is closed before all was written.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fs;
use std::io::{Error, ErrorKind, Write};

const TABLE: &str = "sample_id\ts__A_b\ts__C_d\nx\t25\t75\ny\t40\t60\n";

fn run(args: &[&str], out: &mut dyn Write) -> (u8, String) {
    let mut err = Vec::new();
    let args = std::iter::once(&"donormatch").chain(args).copied();
    let code = donormatch::cli::run(args, out, &mut err);
    (code, String::from_utf8(err).unwrap())
}

fn check(more: &[&str]) -> (u8, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.tsv");
    fs::write(&path, TABLE).unwrap();
    let path = path.display().to_string();
    run(
        &[&["check", &path, "--unit", "percent"], more].concat(),
        &mut Vec::new(),
    )
}

#[test]
fn a_limit_is_set_by_its_name_and_its_message_says_how() {
    let (code, err) = check(&[]);
    assert_eq!(code, 0, "{err}");
    for (setting, named) in [
        ("axis=1", "`--limit axis`"),
        ("nonzeros=3", "`--limit nonzeros`"),
        ("line_bytes=9", "`--limit line_bytes`"),
        ("text_bytes=9", "`--limit text_bytes`"),
        ("label_bytes=3", "`--limit label_bytes`"),
    ] {
        let (code, err) = check(&["--limit", setting]);
        assert!(code == 1 && err.contains(named), "{setting}: {err}");
        assert!(!err.contains("`limits."), "{err}");
    }
    let (code, err) = check(&["--limit", "axis=1", "--limit", "axis=1000"]);
    assert_eq!(code, 0, "the last one holds: {err}");
}

#[test]
fn what_is_no_limit_is_refused() {
    for (setting, words) in [
        ("rows=1", "unknown field `rows`"),
        ("axis", "NAME=VALUE"),
        ("axis=many", "whole number"),
        ("axis=-1", "whole number"),
    ] {
        let (code, err) = check(&["--limit", setting]);
        assert!(
            code == 1 && err.contains("`limit`") && err.contains(words),
            "{setting}: {err}"
        );
    }
}

#[test]
fn a_limit_of_the_tree_holds() {
    let folder = tempfile::tempdir().unwrap();
    let [table, tree] = ["table.tsv", "tree.nwk"].map(|name| folder.path().join(name));
    fs::write(&table, TABLE).unwrap();
    fs::write(&tree, "((s__A_b:1,s__C_d:2):0.5,s__E_f:3);").unwrap();
    let [table, tree] = [table, tree].map(|path| path.display().to_string());
    let with = |limit: &str| {
        let args = [
            "diversity",
            &table,
            "--unit",
            "percent",
            "--tree",
            &tree,
            "--limit",
            limit,
        ];
        run(&args, &mut Vec::new())
    };
    assert_eq!(with("nodes=5").0, 0);
    let (code, err) = with("nodes=3");
    assert!(code == 1 && err.contains("`--limit nodes`"), "{err}");
}

/// Takes so many bytes, then fails in this way.
struct Closed(usize, ErrorKind);

impl Write for Closed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0 == 0 {
            return Err(Error::from(self.1));
        }
        let n = bytes.len().min(self.0);
        self.0 -= n;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_result_that_is_lost_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.tsv");
    fs::write(&path, TABLE).unwrap();
    let path = path.display().to_string();
    let command = ["diversity", path.as_str(), "--unit", "percent"];
    assert_eq!(run(&command, &mut Closed(1 << 20, ErrorKind::Other)).0, 0);
    for (n_bytes, kind) in [
        (0, ErrorKind::BrokenPipe),
        (20, ErrorKind::BrokenPipe),
        (20, ErrorKind::StorageFull),
    ] {
        let (code, err) = run(&command, &mut Closed(n_bytes, kind));
        assert_eq!(code, 1, "{err}");
        assert!(err.contains("stdout"), "{err}");
    }
}
