//! Results on their way to files: nothing is destroyed, and no text forges a cell or a line.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use donormatch::output::{Access, OutputFile, write_bytes};
use donormatch::trial::SimulationParams;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_named_pipe_is_written_through_and_stays_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            let mut received = String::new();
            let mut file = fs::File::open(pipe).unwrap();
            file.read_to_string(&mut received).unwrap();
            received
        }
    });
    write_bytes(&pipe, b"a report", Access::Private).unwrap();
    assert_eq!(reader.join().unwrap(), "a report");
    assert!(!fs::metadata(&pipe).unwrap().is_file());
    assert_eq!(names(folder.path()), ["pipe"]);
}

#[test]
fn a_link_is_followed_and_stays_also_where_it_leads_to_nothing_yet() {
    let folder = tempfile::tempdir().unwrap();
    let (link, target) = (folder.path().join("link"), folder.path().join("target"));
    symlink("target", &link).unwrap();
    for content in ["first", "second"] {
        write_bytes(&link, content.as_bytes(), Access::Shared).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), content);
    }
    let ring = folder.path().join("ring");
    symlink("ring", &ring).unwrap();
    assert!(write_bytes(&ring, b"x", Access::Shared).is_err());
}

#[test]
fn the_mode_of_a_file_stays_and_a_new_private_one_is_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    write_bytes(&path, b"old", Access::Private).unwrap();
    assert_eq!(mode(&path), 0o600);
    for kept in [0o640, 0o604, 0o600] {
        fs::set_permissions(&path, fs::Permissions::from_mode(kept)).unwrap();
        write_bytes(&path, b"new", Access::Shared).unwrap();
        assert_eq!(mode(&path), kept);
    }
    assert_eq!(names(folder.path()), ["report.html"]);
}

#[test]
fn an_unfinished_result_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.dmm");
    write_bytes(&path, b"old", Access::Shared).unwrap();
    let mut file = OutputFile::create(&path, Access::Shared).unwrap();
    file.write_all(&vec![b'x'; 1 << 20]).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    drop(file);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["model.dmm"]);
}

#[test]
fn a_folder_or_an_open_file_by_its_number_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(write_bytes(folder.path(), b"x", Access::Shared).is_err());
    let path = folder.path().join("open");
    let file = fs::File::create(&path).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&file);
    let by_number = format!("/proc/self/fd/{number}");
    if Path::new(&by_number).exists() {
        assert!(write_bytes(&by_number, b"x", Access::Shared).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"");
    }
}

#[test]
fn two_cohorts_simulated_into_one_folder_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let cohorts: Vec<_> = (0..2)
        .map(|seed| {
            let params = SimulationParams {
                n_donors: 2,
                n_recipients: 2,
                seed,
                ..Default::default()
            };
            params.simulate().unwrap()
        })
        .collect();
    let alone: Vec<_> = cohorts
        .iter()
        .map(|cohort| {
            let own = tempfile::tempdir().unwrap();
            contents(&cohort.write(own.path()).unwrap())
        })
        .collect();
    assert_ne!(alone[0], alone[1]);
    for _ in 0..20 {
        std::thread::scope(|scope| {
            for cohort in &cohorts {
                scope.spawn(|| cohort.write(folder.path()).unwrap());
            }
        });
        let paths: Vec<_> = names(folder.path())
            .iter()
            .map(|name| folder.path().join(name))
            .collect();
        assert!(alone.contains(&contents(&paths)), "{paths:?}");
    }
}

fn contents(paths: &[std::path::PathBuf]) -> Vec<Vec<u8>> {
    let mut paths = paths.to_vec();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// What a command says of a BIOM file with these ids: exit code, stdout, stderr.
fn diversity(ids: &[&str]) -> (u8, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ids.biom");
    let columns: Vec<_> = ids
        .iter()
        .map(|id| serde_json::json!({"id": id, "metadata": null}))
        .collect();
    let data: Vec<_> = (0..ids.len()).map(|column| [0, column, 200]).collect();
    let biom = serde_json::json!({
        "id": null, "format": "Biological Observation Matrix 1.0.0", "format_url": "",
        "type": "OTU table", "generated_by": "a test", "date": "2026-01-01T00:00:00",
        "matrix_type": "sparse", "matrix_element_type": "int", "shape": [1, ids.len()],
        "rows": [{"id": "s__Blautia_obeum", "metadata": null}], "columns": columns, "data": data,
    });
    fs::write(&path, biom.to_string()).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = [
        "donormatch".as_ref(),
        "diversity".as_ref(),
        path.as_os_str(),
    ];
    let code = donormatch::cli::run(args, &mut out, &mut err);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (code, text(out), text(err))
}

#[test]
fn no_id_shifts_a_column_adds_a_row_or_becomes_a_formula() {
    let ids = [
        "=x\ty",
        "=evil\nrow\t1\t2",
        "@a\rb",
        "plain\ttab",
        "+1\t2",
        "\"=1\t",
        "'q\n",
    ];
    let (code, out, err) = diversity(&ids);
    assert_eq!(code, 0, "{err}");
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b'\t')
        .from_reader(out.as_bytes());
    let width = reader.headers().unwrap().len();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), ids.len());
    for (row, id) in rows.iter().zip(ids) {
        assert_eq!(row.len(), width);
        let cell = row[0].strip_prefix('\'').unwrap_or(&row[0]);
        assert_eq!(cell, id);
        assert!(!row[0].starts_with(['=', '+', '-', '@']));
    }
}

#[test]
fn no_id_in_a_message_acts_on_the_terminal() {
    for id in [
        "a\u{1b}]0;PWNED\u{7}",
        "b\u{9b}31m",
        "c\u{202e}\u{2028}\nerror: forged",
    ] {
        let (code, _, err) = diversity(&[id, id]);
        assert_eq!(code, 1);
        assert_eq!(err.lines().count(), 1, "{err:?}");
        let acts = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{2028}".contains(c));
        assert!(!err.contains(acts), "{err:?}");
    }
}
