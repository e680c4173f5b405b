//! Files of profiles → [`ProfileTable`], one file a format, each recognized from its content.
//!
//! Six rules hold for every reader:
//!
//! 1. The format is told by bytes, never by the file's name; `.gz` is undone wherever it occurs.
//! 2. The unit is fixed by the format, or declared, or told by the sums of the samples; where
//!    these are silent the reader asks for `unit`.
//! 3. Interior ranks are never columns, nor trusted.
//! 4. What a profiler could not name is no column: it goes to the unclassified fractions.
//! 5. The database that named the taxa stays with the table as its vocabulary.
//! 6. Which way round a plain table stands is told by its labels, or asked for.

#![expect(
    clippy::doc_markdown,
    reason = "names of profilers and formats are no code"
)]

mod bracken;
mod delimited;
mod draft;
mod grid;
mod kraken;
mod leaf;
mod lines;
mod memory;
mod merge;
mod metaphlan;
mod motus;
mod mpa;
mod number;
mod options;
mod orientation;
mod source;
mod units;

use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use memory::LabelledMatrix;
pub use options::{
    DuplicatedTaxa, EmptySamples, Orientation, ReadLimits, ReadOptions, UnclassifiedTaxa,
};

use self::draft::Draft;
use self::source::Source;
use super::ProfileTable;
use crate::{Error, Result};

/// A format that [`read`] knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Format {
    /// MetaPhlAn 2, 3 or 4, one sample or merged.
    Metaphlan,
    /// mOTUs 2, 3 or 4, one sample or merged.
    Motus,
    /// A report of Kraken 1, Kraken 2 or KrakenUniq.
    KrakenReport,
    /// Bracken, one sample or combined.
    Bracken,
    /// MPA-style output of Kraken tools.
    Mpa,
    /// TSV or CSV, either way round.
    Delimited,
}

/// Reads the profiles of a file, whose format is recognized from its content.
///
/// Interior ranks are left out, unclassified abundance is taken out of the columns, and what was
/// decided stands in [`ProfileTable::notes`].
///
/// # Errors
/// [`Error::Io`] where the file cannot be opened; [`Error::File`] naming the line, sample and
/// taxon that cannot be used; [`Error::Unit`] where the unit is ambiguous.
///
/// # Examples
/// ```
/// use donormatch::profile::{ReadOptions, Unit, read};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("donors.tsv");
/// std::fs::write(&path, "#mpa_vJan21\nclade_name\td1\td2\ns__Blautia_obeum\t100\t100\n")?;
/// let table = read(&path, &ReadOptions::default())?;
/// assert_eq!(table.unit(), Unit::Percent);
/// assert_eq!(table.vocabulary().as_str(), "mpa_vJan21");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read(path: impl AsRef<Path>, options: &ReadOptions) -> Result<ProfileTable> {
    let path = path.as_ref();
    read_source(Source::open(path, options)?)
}

/// Reads the profiles of a file whose bytes are in memory, such as an upload.
///
/// # Errors
/// As [`read`]; messages call the bytes `<bytes>`.
pub fn read_bytes(bytes: &[u8], options: &ReadOptions) -> Result<ProfileTable> {
    read_source(Source::from_bytes(Path::new("<bytes>"), bytes, options)?)
}

/// Reads several files, each of one sample or more, into one table over the union of their taxa.
///
/// Files are read side by side; samples come in the order of the paths, taxa in the order in
/// which they first occur.
///
/// # Errors
/// As [`read`]; [`Error::Parameter`] without paths; [`Error::Unit`] and [`Error::Vocabulary`]
/// naming two files that do not agree; [`Error::Table`] for a sample that occurs in two of them.
pub fn read_many<P: AsRef<Path> + Sync>(
    paths: &[P],
    options: &ReadOptions,
) -> Result<ProfileTable> {
    let tables: Vec<ProfileTable> = paths
        .par_iter()
        .map(|path| read(path, options))
        .collect::<Vec<_>>()
        .into_iter()
        .collect::<Result<_>>()?;
    let names: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
    merge::merge(&names, &tables)
}

fn read_source(source: Source<'_>) -> Result<ProfileTable> {
    let path = source.path().to_path_buf();
    let options = source.options();
    draft(source)
        .and_then(|draft| draft.finish(options))
        .map_err(|error| located(error, &path))
}

fn draft(source: Source<'_>) -> Result<Draft> {
    let format = match source.options().format {
        Some(stated) => stated,
        None => sniff(source.head()).map_err(|message| Error::file(source.path(), message))?,
    };
    match format {
        Format::Metaphlan => metaphlan::read(source),
        Format::Motus => motus::read(source),
        Format::KrakenReport => kraken::read(source),
        Format::Bracken => bracken::read(source),
        Format::Mpa => mpa::read(source),
        Format::Delimited => delimited::read(source),
    }
}

/// Recognizes the format from the first bytes.
///
/// # Errors
/// What the content is instead, and what to do.
fn sniff(head: &[u8]) -> Result<Format, String> {
    const UNREADABLE: [(&[u8], &str); 7] = [
        (b"BZh", "bzip2 is not undone: unpack it first"),
        (
            b"\xfd7zXZ\0",
            "xz is not undone: unpack it first (R objects: write a table from R)",
        ),
        (b"\x28\xb5\x2f\xfd", "zstd is not undone: unpack it first"),
        (
            b"RDX",
            "an R workspace: write its tables from R with `write.table`",
        ),
        (
            b"X\n",
            "an R object: write its table from R with `write.table`",
        ),
        (b"# Gene Family", "gene families of HUMAnN are no taxa"),
        (b"# Pathway", "pathways of HUMAnN are no taxa"),
    ];
    if let Some((_, message)) = UNREADABLE.iter().find(|(start, _)| head.starts_with(start)) {
        return Err((*message).to_owned());
    }
    if kraken::is_read_by_read(head) {
        return Err("Kraken's output read by read: give its report (`--report`)".to_owned());
    }
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let known: [(fn(&[u8]) -> bool, Format); 5] = [
        (motus::is_motus, Format::Motus),
        (bracken::is_bracken, Format::Bracken),
        (metaphlan::is_metaphlan, Format::Metaphlan),
        (mpa::is_mpa, Format::Mpa),
        (kraken::is_report, Format::KrakenReport),
    ];
    let found = known.iter().find(|(is_it, _)| is_it(head));
    Ok(found.map_or(Format::Delimited, |(_, format)| *format))
}

/// The error with its file; a question about the unit stays one.
fn located(error: Error, path: &Path) -> Error {
    match error {
        Error::Unit { message } => Error::unit(format!("`{}`: {message}", path.display())),
        other => other.at_path(path),
    }
}

/// The sample id that a file name stands for: the name without the endings of profilers.
fn sample_name(path: &Path) -> String {
    const ENDINGS: [&str; 16] = [
        ".gz",
        ".txt",
        ".tsv",
        ".csv",
        ".out",
        ".report",
        ".kreport",
        ".kreport2",
        ".kraken2",
        ".bracken",
        ".kraken",
        ".mpa",
        ".biom",
        ".metaphlan",
        "_profile",
        "_metaphlan",
    ];
    let name = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut rest = name.as_str();
    while let Some(shorter) = ENDINGS
        .iter()
        .find_map(|ending| rest.strip_suffix(ending))
        .filter(|shorter| !shorter.is_empty())
    {
        rest = shorter;
    }
    if rest.is_empty() || rest == "<bytes>" {
        "sample".to_owned()
    } else {
        rest.to_owned()
    }
}
