//! A 500 MB merged table against a plain CSV reader; run by hand with
//! `cargo test --release --test it -- --ignored --nocapture half_the_speed`.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use donormatch::profile::{ReadOptions, read};

const N_SAMPLES: usize = 2_000;

/// Writes a merged table of MetaPhlAn 4's form: a species and its SGB a row pair, one value of
/// eleven not zero as in `icb-thomas2023`, each sample summing to 100 at rank `t__`.
fn write_table(path: &Path, n_bytes: u64) -> u64 {
    let mut out = BufWriter::new(File::create(path).unwrap());
    writeln!(out, "#mpa_vJan21_CHOCOPhlAnSGB_202103").unwrap();
    write!(out, "clade_name").unwrap();
    for sample in 0..N_SAMPLES {
        write!(out, "\tsample_{sample}").unwrap();
    }
    writeln!(out).unwrap();
    let mut state = 1_u64;
    let mut next = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    // The first row of each rank holds what is left to 100 in every sample.
    let mut written = 0_u64;
    let mut row = 0_u64;
    let mut cells = String::new();
    while written < n_bytes {
        cells.clear();
        for _ in 0..N_SAMPLES {
            if row == 0 {
                cells.push_str("\t99.99");
            } else if next() % 11 == 0 {
                cells.extend([format!("\t0.0000{}", next() % 10)]);
            } else {
                cells.push_str("\t0");
            }
        }
        let path = format!(
            "k__Bacteria|p__Firmicutes|c__Clostridia|o__Eubacteriales|f__Lachnospiraceae|g__GGB{row}|s__GGB{row}_SGB{row}"
        );
        for suffix in [String::new(), format!("|t__SGB{row}")] {
            writeln!(out, "{path}{suffix}{cells}").unwrap();
            written += (path.len() + suffix.len() + cells.len() + 1) as u64;
        }
        row += 1;
    }
    out.flush().unwrap();
    row
}

/// Fields seen by the `csv` crate in what a command writes, and the seconds that took.
fn csv_of(command: &str, arguments: &[&str], path: &Path) -> (usize, f64) {
    let start = Instant::now();
    let mut child = Command::new(command)
        .args(arguments)
        .arg(path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b'\t')
        .quoting(false)
        .flexible(true)
        .has_headers(false)
        .from_reader(child.stdout.take().unwrap());
    let mut record = csv::ByteRecord::new();
    let mut n_fields = 0;
    while reader.read_byte_record(&mut record).unwrap() {
        n_fields += record.len();
    }
    child.wait().unwrap();
    (n_fields, start.elapsed().as_secs_f64())
}

/// Peak resident bytes since the last call, where `/proc` tells.
fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    fs::write("/proc/self/clear_refs", "5").ok()?;
    Some(kilobytes * 1_024)
}

#[test]
#[ignore = "writes 500 MB; run by hand"]
fn a_table_of_500_mb_reads_at_no_less_than_half_the_speed_of_a_csv_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("merged.tsv");
    let n_rows = write_table(&path, 500_000_000);
    let packed = folder.path().join("merged.tsv.gz");
    let status = Command::new("gzip")
        .args(["-1", "-c"])
        .arg(&path)
        .stdout(File::create(&packed).unwrap())
        .status();
    assert!(status.unwrap().success());
    for (path, command, arguments) in [
        (&path, "cat", &[][..]),
        (&packed, "gzip", &["-d", "-c"][..]),
    ] {
        let mut best_csv = f64::INFINITY;
        let mut best_ours = f64::INFINITY;
        let mut n_nonzero = 0;
        peak_bytes();
        let before = peak_bytes().unwrap_or(0);
        let mut peak = 0;
        for _ in 0..3 {
            let (n_fields, seconds) = csv_of(command, arguments, path);
            assert!(n_fields > N_SAMPLES);
            best_csv = best_csv.min(seconds);
            peak_bytes();
            let start = Instant::now();
            let table = read(path, &ReadOptions::default()).unwrap();
            best_ours = best_ours.min(start.elapsed().as_secs_f64());
            peak = peak.max(peak_bytes().unwrap_or(0));
            assert_eq!(table.n_taxa() as u64, n_rows);
            n_nonzero = table.abundance().n_nonzero();
        }
        eprintln!(
            "`{command}` through the csv crate {best_csv:.2} s, our reader {best_ours:.2} s: {:.2} times \
             the speed of csv (0.5 or more asked); {n_nonzero} non-zeros, {:.0} bytes each at the peak",
            best_csv / best_ours,
            (peak.saturating_sub(before)) as f64 / n_nonzero as f64,
        );
        assert!(best_ours <= 2.0 * best_csv);
    }
}
