//! The order of the rooms: a room imports from earlier rooms only.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fs;
use std::path::{Path, PathBuf};

/// Base modules first, then the rooms in the order in which data flow through them.
const ORDER: [&str; 19] = [
    "error",
    "digest",
    "numeric",
    "profile",
    "taxonomy",
    "cohort",
    "feature",
    "metric",
    "split",
    "model",
    "calibration",
    "engraftment",
    "matcher",
    "evaluation",
    "ranking",
    "trial",
    "explanation",
    "persist",
    "cli",
];

fn place(room: &str) -> Option<usize> {
    ORDER.iter().position(|name| *name == room)
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The rooms that a line of code names after `crate::`, comments left out.
fn rooms_named(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or_default();
    code.split("crate::")
        .skip(1)
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect()
        })
        .collect()
}

#[test]
fn a_room_imports_from_earlier_rooms_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut wrong = Vec::new();
    let mut n_imports = 0;
    for file in files {
        let inner = file.strip_prefix(&src).unwrap();
        let first = inner
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .into_owned();
        let Some(own) = place(first.trim_end_matches(".rs")) else {
            continue;
        };
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            for room in rooms_named(line) {
                n_imports += 1;
                if place(&room).is_some_and(|other| other > own) {
                    wrong.push(format!(
                        "{}:{}: {}",
                        inner.display(),
                        number + 1,
                        line.trim()
                    ));
                }
            }
        }
    }
    assert!(n_imports > 100, "only {n_imports} imports were found");
    assert!(wrong.is_empty(), "against the flow:\n{}", wrong.join("\n"));
}

#[test]
fn every_room_of_the_crate_has_its_place() {
    let lib = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    let text = fs::read_to_string(lib).unwrap();
    let declared = text.lines().filter_map(|line| {
        let line = line.trim_start_matches("pub ");
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    for room in declared {
        assert!(
            place(room).is_some(),
            "`{room}` has no place in the order of the rooms"
        );
    }
}
