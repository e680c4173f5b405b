//! Mutated files, one stretch of inputs per reader: a table or an error, never a panic.
//!
//! `DONORMATCH_FUZZ` sets the inputs per reader (2,000 here; `make prove` runs a million). The
//! seeds are small files of our own making, and the genuine ones of `../shared/formats` under
//! 64 kB where that folder is; mutations come from a counter, so that a failure is found again.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use donormatch::profile::{Format, ReadLimits, ReadOptions, Tree, read_bytes};

/// A small generator of numbers (`SplitMix64`), so that a run is the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }
}

const TOKENS: [&[u8]; 24] = [
    b"\t",
    b"\n",
    b"\r",
    b"#",
    b"|",
    b";",
    b",",
    b"\"",
    b"'",
    b"(",
    b")",
    b"[",
    b"{",
    b"-1",
    b"1e400",
    b"NaN",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"0",
    b"18446744073709551616",
    b"k__",
    b"t__",
    b"UNKNOWN",
];

fn mutate(seed: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=numbers.below(6) {
        let at = numbers.below(bytes.len() + 1);
        match numbers.below(8) {
            0 if !bytes.is_empty() => {
                let at = at.min(bytes.len() - 1);
                bytes[at] ^= 1 << numbers.below(8);
            }
            1 if !bytes.is_empty() => {
                let at = at.min(bytes.len() - 1);
                bytes[at] = numbers.next().to_le_bytes()[0];
            }
            2 => drop(bytes.splice(at..at, TOKENS[numbers.below(TOKENS.len())].iter().copied())),
            3 => {
                let end = (at + numbers.below(40)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let end = (at + numbers.below(200)).min(bytes.len());
                let copied = bytes[at..end].to_vec();
                bytes.splice(at..at, copied);
            }
            5 => bytes.truncate(at),
            6 if bytes.len() >= 8 => {
                // A number of a container, made wild.
                let at = at.min(bytes.len() - 8);
                let wild = [0, 1, 255, u64::MAX, 1 << 60, 1 << 31, 65_536][numbers.below(7)];
                let width = [1, 2, 4, 8][numbers.below(4)];
                bytes[at..at + width].copy_from_slice(&wild.to_le_bytes()[..width]);
            }
            _ => {
                let from = numbers.below(other.len() + 1);
                let end = (from + numbers.below(100)).min(other.len());
                bytes.splice(at..at, other[from..end].iter().copied());
            }
        }
    }
    bytes
}

/// Small files of our own making, by reader.
fn seeds() -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let texts: [(&str, &[&str]); 9] = [
        (
            "metaphlan",
            &[
                "#mpa_v\nclade_name\ta\tb\nk__B\t100\t60\nk__B|s__X\t40\t60\nk__B|s__X|t__SGB1\t40\t60\nUNCLASSIFIED\t0\t40\n",
                "#mpa_v\n#x reads processed\n#SampleID\tMetaphlan_Analysis\n#clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species\nk__B|s__X\t1|2\t100.0\t\n",
            ],
        ),
        (
            "motus",
            &[
                "# git tag version 3.0.3 | motus version 3.0.3 | calc_motu 3.0.3 -c\n# call: x\n#consensus_taxonomy\tNCBI_tax_id\ts\nLeptospira x [ref_mOTU_v3_00001]\tNA\t3\nunassigned\tNA\t17\n",
            ],
        ),
        (
            "kraken_report",
            &[
                " 10.00\t1\t1\tU\t0\tunclassified\n 90.00\t9\t0\tR\t1\troot\n 90.00\t9\t1\tD\t2\t  Bacteria\n 80.00\t8\t8\tS\t5\t    X y\n",
            ],
        ),
        (
            "bracken",
            &[
                "name\ttaxonomy_id\ttaxonomy_lvl\tkraken_assigned_reads\tadded_reads\tnew_est_reads\tfraction_total_reads\nX y\t1\tS\t5\t1\t6\t0.6\nX z\t2\tS\t4\t0\t4\t0.4\n",
                "name\ttaxonomy_id\ttaxonomy_lvl\ta_num\ta_frac\tb_num\tb_frac\nX y\t1\tS\t5\t1.0\t6\t1.0\n",
            ],
        ),
        ("mpa", &["d_B\t9\nd_B|p_P\t9\nd_B|p_P|s_X y\t8\n"]),
        (
            "delimited",
            &[
                "sample_id,s__A_b,s__C_d\nx,0.25,0.75\n\"y\",1,0\n",
                "\"s__A\"\t\"s__B\"\n\"x\"\t3\t200\n\"y\"\t1\t500\n",
                "# Constructed from biom file\n#OTU ID\ta\tb\ttaxonomy\n1\t3\t200\tk__B; p__C\n",
            ],
        ),
        (
            "biom_json",
            &[
                "{\"type\":\"OTU table\",\"matrix_type\":\"sparse\",\"shape\":[1,1],\"rows\":[{\"id\":\"t\",\"metadata\":{\"taxonomy\":[\"k__B\"]}}],\"columns\":[{\"id\":\"s\"}],\"data\":[[0,0,5]]}",
            ],
        ),
        ("newick", &["((a:1,'b c':2e-3)0.9.1:0.5,c[x]);"]),
        (
            "taxonomy",
            &["Feature ID\tTaxon\tConfidence\n1\tk__B; p__C\t0.9\n"],
        ),
    ];
    let mut seeds: BTreeMap<&'static str, Vec<Vec<u8>>> = texts
        .into_iter()
        .map(|(name, texts)| {
            (
                name,
                texts.iter().map(|text| text.as_bytes().to_vec()).collect(),
            )
        })
        .collect();
    containers(&mut seeds);
    genuine(&mut seeds);
    seeds
}

#[cfg(not(feature = "containers"))]
fn containers(_: &mut BTreeMap<&'static str, Vec<Vec<u8>>>) {}

/// A Parquet file by our writer, and an artifact around the JSON seed.
#[cfg(feature = "containers")]
fn containers(seeds: &mut BTreeMap<&'static str, Vec<Vec<u8>>>) {
    use std::io::{Cursor, Write};

    use donormatch::profile::{WriteFormat, write};

    hdf5(seeds);
    let table = read_bytes(&seeds["delimited"][0], &ReadOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    write(&path, &table, WriteFormat::Parquet).unwrap();
    seeds.insert("parquet", vec![std::fs::read(&path).unwrap()]);
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let members: [(&str, &[u8]); 3] = [
        ("u/VERSION", b"QIIME 2\narchive: 5\n"),
        (
            "u/metadata.yaml",
            b"uuid: u\ntype: FeatureTable[Frequency]\n",
        ),
        ("u/data/feature-table.biom", &seeds["biom_json"][0]),
    ];
    for (name, bytes) in members {
        zip.start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    seeds.insert("qiime2_artifact", vec![zip.finish().unwrap().into_inner()]);
}

/// The HDF5 files of `tests/data/readers`.
#[cfg(feature = "containers")]
fn hdf5(seeds: &mut BTreeMap<&'static str, Vec<Vec<u8>>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/readers");
    for (reader, name) in [("biom_hdf5", "small.biom"), ("anndata", "small.h5ad")] {
        seeds
            .entry(reader)
            .or_default()
            .push(std::fs::read(folder.join(name)).unwrap());
    }
}

fn genuine(seeds: &mut BTreeMap<&'static str, Vec<Vec<u8>>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/formats");
    for (name, inside) in [
        ("metaphlan", "metaphlan"),
        ("kraken_report", "kraken2"),
        ("bracken", "bracken"),
        ("delimited", "tsv_csv"),
        ("biom_json", "biom_json"),
        ("biom_hdf5", "biom_hdf5"),
        ("anndata", "h5ad"),
        ("qiime2_artifact", "qza"),
        ("parquet", "arrow_parquet"),
        ("arrow_ipc", "arrow_parquet"),
        ("newick", "newick"),
    ] {
        let Ok(entries) = std::fs::read_dir(folder.join(inside)) else {
            eprintln!(
                "skipped: genuine seeds of {name}, `{}` is absent",
                folder.display()
            );
            continue;
        };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let is_arrow = path.extension().is_some_and(|ending| ending == "arrow");
            let bytes = std::fs::read(&path).unwrap();
            if bytes.len() < 65_536
                && (inside != "arrow_parquet" || is_arrow == (name == "arrow_ipc"))
            {
                seeds.entry(name).or_default().push(bytes);
            }
        }
    }
}

/// Reads bytes as one reader would; `scratch` is the file for the one that needs a path.
fn run(reader: &str, bytes: &[u8], scratch: &Path) {
    let format = match reader {
        "metaphlan" => Format::Metaphlan,
        "motus" => Format::Motus,
        "kraken_report" => Format::KrakenReport,
        "bracken" => Format::Bracken,
        "mpa" => Format::Mpa,
        "biom_json" => Format::BiomJson,
        "biom_hdf5" => Format::BiomHdf5,
        "anndata" => Format::AnnData,
        "qiime2_artifact" => Format::Qiime2Artifact,
        "parquet" => Format::Parquet,
        "arrow_ipc" => Format::ArrowIpc,
        "newick" => {
            drop(Tree::parse(bytes, &ReadLimits::default()));
            return;
        }
        "taxonomy" => {
            let table = b"#OTU ID\ta\n1\t300\n2\t5\n";
            std::fs::write(scratch, bytes).unwrap();
            drop(read_bytes(
                table,
                &ReadOptions::default().with_taxonomy(scratch),
            ));
            return;
        }
        _ => Format::Delimited,
    };
    drop(read_bytes(
        bytes,
        &ReadOptions::default().with_format(format),
    ));
    // The recognizer meets the same bytes, but need not inflate them twice.
    drop(read_bytes(
        bytes.get(..2_048).unwrap_or(bytes),
        &ReadOptions::default(),
    ));
}

/// The decoders of Arrow panic on damaged files; our reader turns that into an error, and the
/// backtraces of thousands would only cost time.
fn silence_decoders() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or("", |place| place.file());
        if !["arrow-", "parquet-", "flatbuffers-"]
            .iter()
            .any(|krate| place.contains(krate))
        {
            print(panic);
        }
    }));
}

#[test]
fn no_mutated_file_makes_a_reader_panic() {
    let n_inputs: u64 = std::env::var("DONORMATCH_FUZZ")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(2_000);
    silence_decoders();
    let folder = tempfile::tempdir().unwrap();
    let scratch = folder.path().join("scratch");
    let seeds = seeds();
    // One reader, and one input of it, to look at what was found.
    let only = std::env::var("DONORMATCH_FUZZ_READER").ok();
    let first: u64 = std::env::var("DONORMATCH_FUZZ_FROM")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    for (reader, seeds) in &seeds {
        if only.as_ref().is_some_and(|only| only != reader) {
            continue;
        }
        let start = Instant::now();
        let mut slowest = (Duration::ZERO, 0);
        for input in first..n_inputs {
            let mut numbers = Numbers(input);
            let seed = &seeds[numbers.below(seeds.len())];
            let other = &seeds[numbers.below(seeds.len())];
            let bytes = mutate(seed, other, &mut numbers);
            let begin = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| run(reader, &bytes, &scratch)));
            slowest = slowest.max((begin.elapsed(), input));
            assert!(outcome.is_ok(), "input {input} of {reader} made it panic");
        }
        eprintln!(
            "{reader}: {n_inputs} inputs, {} seeds, {:.1} s, slowest {:.3} s (input {})",
            seeds.len(),
            start.elapsed().as_secs_f64(),
            slowest.0.as_secs_f64(),
            slowest.1
        );
    }
}
