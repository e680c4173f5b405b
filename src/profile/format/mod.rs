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

mod delimited;
mod draft;
mod grid;
mod leaf;
mod lines;
mod memory;
mod metaphlan;
mod number;
mod options;
mod orientation;
mod source;
mod units;

use std::path::Path;

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

fn read_source(source: Source<'_>) -> Result<ProfileTable> {
    let path = source.path().to_path_buf();
    let options = source.options();
    draft(source)
        .and_then(|draft| draft.finish(options))
        .map_err(|error| located(error, &path))
}

fn draft(source: Source<'_>) -> Result<Draft> {
    match source
        .options()
        .format
        .unwrap_or_else(|| sniff(source.head()))
    {
        Format::Metaphlan => metaphlan::read(source),
        Format::Delimited => delimited::read(source),
    }
}

fn sniff(head: &[u8]) -> Format {
    if metaphlan::is_metaphlan(head) {
        Format::Metaphlan
    } else {
        Format::Delimited
    }
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
