//! Just enough reading for the tests of this room: gzipped tables of `../shared/data`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot read its table should stop"
)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use donormatch::profile::{ProfileTable, Taxon, Unit, Vocabulary};

/// The folder of the real tables, or `None`, saying so, where it is absent.
pub fn data_folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if folder.is_dir() {
        Some(folder)
    } else {
        println!("skipped: no folder ../shared/data");
        None
    }
}

/// A table of `../shared/data`, samples in rows or taxa in rows by its first word.
pub fn read(path: &str, unit: Unit) -> Option<ProfileTable> {
    let file = std::fs::File::open(data_folder()?.join(path)).unwrap();
    let lines = BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines();
    let mut lines = lines.map(Result::unwrap).peekable();
    let mut vocabulary = Vocabulary::unknown();
    if lines.peek().unwrap().starts_with("#mpa") {
        vocabulary = Vocabulary::new(lines.next().unwrap().trim_start_matches('#'));
    }
    let header: Vec<String> = lines
        .next()
        .unwrap()
        .split('\t')
        .map(str::to_owned)
        .collect();
    let body: Vec<(String, Vec<f64>)> = lines
        .map(|line| {
            let mut fields = line.split('\t');
            let name = fields.next().unwrap().to_owned();
            (name, fields.map(|field| field.parse().unwrap()).collect())
        })
        .collect();
    let names: Vec<String> = body.iter().map(|(name, _)| name.clone()).collect();
    let samples_in_rows = header[0] == "sample_id";
    let (samples, taxa) = if samples_in_rows {
        (names, header[1..].to_vec())
    } else {
        (header[1..].to_vec(), names)
    };
    let value = |sample: usize, taxon: usize| {
        if samples_in_rows {
            body[sample].1[taxon]
        } else {
            body[taxon].1[sample]
        }
    };
    let mut builder = ProfileTable::builder(unit)
        .vocabulary(vocabulary)
        .taxa(taxa.iter().map(Taxon::new));
    for (at, sample) in samples.iter().enumerate() {
        let row: Vec<(u32, f64)> = (0..taxa.len())
            .map(|taxon| (taxon as u32, value(at, taxon)))
            .filter(|&(_, value)| value > 0.0)
            .collect();
        if !row.is_empty() {
            builder = builder.sample(sample.as_str(), row);
        }
    }
    Some(builder.build().unwrap())
}

/// Columns of a metadata table, by sample.
pub fn metadata(path: &str, columns: &[&str]) -> Option<HashMap<String, Vec<String>>> {
    let text = std::fs::read_to_string(data_folder()?.join(path)).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let at: Vec<usize> = columns
        .iter()
        .map(|column| header.iter().position(|name| name == column).unwrap())
        .collect();
    let rows = lines.map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        (
            fields[0].to_owned(),
            at.iter().map(|&at| fields[at].to_owned()).collect(),
        )
    });
    Some(rows.collect())
}
