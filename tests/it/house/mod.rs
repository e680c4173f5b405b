//! The order of the rooms, and that no files import each other in a ring.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use self::source::{Module, Source, ungrouped};

/// Base modules first, then the rooms in the order in which data flow through them.
const ORDER: [&str; 26] = [
    "text",
    "error",
    "barrier",
    "cancel",
    "memory",
    "stored",
    "digest",
    "numeric",
    "output",
    "profile",
    "taxonomy",
    "cohort",
    "evidence",
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

fn source() -> Source {
    Source::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

#[test]
fn a_room_imports_from_earlier_rooms_only() {
    let source = source();
    let mut wrong = Vec::new();
    let mut n_imports = 0;
    for module in source.modules() {
        let Some(own) = module.first().and_then(|room| place(room)) else {
            continue;
        };
        for path in source.paths_named(module) {
            n_imports += 1;
            let room = path.first().and_then(|room| place(room));
            if room.is_some_and(|other| other > own) {
                wrong.push(format!("{}: {}", module.join("/"), path.join("::")));
            }
        }
    }
    assert!(n_imports > 1000, "only {n_imports} imports were found");
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

fn told(ring: &BTreeSet<Module>) -> String {
    let files: Vec<String> = ring.iter().map(|module| module.join("/")).collect();
    files.join(", ")
}

#[test]
fn no_files_import_each_other_in_a_ring() {
    let rings = source().rings();
    let told: Vec<String> = rings.iter().map(told).collect();
    assert!(
        told.is_empty(),
        "files that import each other (put what both need into a third):\n{}",
        told.join("\n")
    );
}

/// A crate of three files, in a folder of its own.
fn rings_of(files: [(&str, &str); 4]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Source::read(folder.path())
        .rings()
        .iter()
        .map(told)
        .collect()
}

#[test]
fn a_ring_is_found_through_groups_reexports_and_written_paths() {
    let lib = ("lib.rs", "mod room;\nmod other;\n");
    let room = ("room/mod.rs", "mod a;\npub use a::{A, Other};\n");
    let a = (
        "room/a.rs",
        "use crate::{other::{self, B}, Error};\npub struct A;\n",
    );
    for back in [
        "use super::room::{Other, A as Renamed};\n",
        "fn f() -> crate::room::A { loop {} }\n",
        "pub(crate) use crate::room::a::A;\nfn f(_: A) {}\n",
    ] {
        let other = ("other.rs", back);
        assert_eq!(rings_of([lib, room, a, other]), ["other, room/a"], "{back}");
    }
    for free in [
        "// use crate::room::A;\n",
        "pub use crate::room::A;\n",
        "use std::fmt;\n#[cfg(test)]\nmod tests {\n    use crate::room::A;\n}\n",
    ] {
        let other = ("other.rs", free);
        assert!(rings_of([lib, room, a, other]).is_empty(), "{free}");
    }
}

#[test]
fn groups_of_imports_are_taken_apart() {
    let paths = ungrouped("crate::{a::{self, B as C}, d::E,\n    f::*}");
    assert_eq!(
        paths,
        ["crate::a", "crate::a::B", "crate::d::E", "crate::f"]
    );
}
