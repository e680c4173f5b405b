//! Files of profiles → [`ProfileTable`], one file a format, each recognized from its content.
//!
//! Seven rules hold for every reader:
//!
//! 1. The format is told by bytes, never by the file's name; `.gz` is undone wherever it occurs.
//! 2. The unit is fixed by the format, or declared, or told by the sums of the samples; where
//!    these are silent the reader asks for `unit`.
//! 3. Interior ranks are never columns, nor trusted.
//! 4. What a profiler could not name is no column: it goes to the unclassified fractions.
//! 5. The database that named the taxa stays with the table as its vocabulary.
//! 6. Reads of the host are no part of the whole.
//! 7. Which way round a plain table stands is told by its labels, or asked for.

#![expect(
    clippy::doc_markdown,
    reason = "names of profilers and formats are no code"
)]

#[cfg(feature = "containers")]
mod biom;
#[cfg(feature = "containers")]
mod biom_hdf5;
mod biom_json;
mod bracken;
mod cami;
#[cfg(feature = "containers")]
mod columnar;
mod columns;
mod completeness;
mod decisions;
mod delimited;
mod draft;
mod entries;
mod genomes;
mod grid;
#[cfg(feature = "containers")]
mod h5ad;
#[cfg(feature = "containers")]
mod hdf5;
mod host;
#[cfg(feature = "containers")]
mod ipc;
mod kaiju;
mod known;
mod kraken;
mod kraken_combined;
mod kraken_tree;
mod leaf;
mod limits;
mod lines;
mod long;
mod memory;
mod merge;
mod metaphlan;
mod motus;
mod mpa;
mod naming;
mod number;
mod options;
mod orientation;
mod preamble;
#[cfg(feature = "containers")]
mod qza;
mod records;
mod renamed;
mod singlem;
mod sniff;
mod source;
mod stranger;
mod sylph;
#[cfg(feature = "containers")]
mod tabbed;
mod taxonomy_tsv;
mod taxpasta;
mod tree;
mod units;
mod unusable;
#[cfg(feature = "containers")]
mod workbook;
#[cfg(feature = "containers")]
mod zipped;

use std::path::Path;

use rayon::prelude::*;

pub use decisions::{Decision, Question};
pub use known::Format;
pub use limits::ReadLimits;
pub use memory::LabelledMatrix;
pub use options::{
    Decimal, DuplicatedTaxa, EmptySamples, Orientation, Ranks, ReadOptions, UnclassifiedTaxa,
};
pub use taxonomy_tsv::Taxonomy;

use self::draft::{Draft, Reading};
#[cfg(feature = "containers")]
use self::sniff::ZIP;
use self::sniff::{Container, Content, sniff};
use self::source::{Held, Limited, Source};
use super::ProfileTable;
#[cfg(feature = "containers")]
use crate::barrier;
use crate::{Error, Result};

/// Reads the profiles of a file, whose format is recognized from its content.
///
/// Interior ranks are left out, unclassified abundance is taken out of the columns, and what was
/// decided stands in [`ProfileTable::notes`]. `.gz` is undone by content, whatever the name. Reads
/// of *Homo sapiens* are no taxon of the gut: they are left out, and their share is noted.
///
/// | content | unit | columns |
/// |---|---|---|
/// | MetaPhlAn with a `#mpa_…` line | percent; reads of a profile where `unit` is `count` | `t__`, else `s__` rows |
/// | mOTUs | counts or fractions, by its first line | mOTUs |
/// | Kraken report, one or combined | counts | species, summed from direct reads; else leaves |
/// | Bracken, MPA-style | counts | its taxa; species |
/// | taxpasta, summary of Kaiju | counts | species and below; else the deepest rank |
/// | SingleM | fractions of coverage | species; else the deepest rank |
/// | sylph, sylph-tax, CAMI | percent | genomes; leaves |
/// | KMCP | percent; reads where `unit` is `count` | taxa of its genomes |
/// | Centrifuge | fractions; reads where `unit` is `count` | species and below |
/// | BIOM, QIIME 2 table | by the artifact's type; whole numbers are counts; else by sums | its features |
/// | AnnData | by sums | `var`, lineages from its column `lineage`, `taxonomy`, `taxon` or `tax` |
/// | workbook (`.xlsx`, `.ods`) | as its first sheet | as its first sheet |
/// | TSV, CSV, Parquet, Arrow | by sums, unless [`write()`](super::write()) wrote it | leaves |
///
/// By sums: whole numbers of which a sample has more than 100 are counts; samples that sum to
/// 1 ± 0.02 are fractions, to 100 ± 2 percent; anything else must be said by `unit`.
///
/// # Errors
/// [`Error::Io`] where the file cannot be opened; [`Error::File`] naming the line, sample and
/// taxon that cannot be used; [`Error::Unit`] where the unit is ambiguous.
///
/// The decoders of Parquet, Arrow and HDF5 panic on some damaged files. Such a panic is caught and
/// returned as [`Error::File`], and a hook before the one of the process keeps it from being
/// printed; built with `panic = "abort"` or for wasm32 it cannot be caught.
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
    let readings: Vec<Reading> = paths
        .par_iter()
        .map(|path| reading(Source::open(path.as_ref(), options)?))
        .collect::<Vec<_>>()
        .into_iter()
        .collect::<Result<_>>()?;
    if readings.is_empty() {
        return Err(Error::parameter("paths", "expected at least one file"));
    }
    let (mut names, mut tables, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for (path, reading) in paths.iter().map(AsRef::as_ref).zip(readings) {
        if let Some(table) = reading.table {
            names.push(path);
            tables.push(table);
        } else {
            let of_file = |note| format!("`{}`: {note}", path.display());
            notes.extend(reading.notes.into_iter().map(of_file));
        }
    }
    if tables.is_empty() {
        return Err(Error::table(
            "no sample is left: no file holds any classified abundance",
        ));
    }
    let table = merge::merge(&names, &tables.iter().collect::<Vec<_>>())?;
    Ok(notes.into_iter().fold(table, ProfileTable::with_note))
}

/// Reads the profiles of a file and gives what was decided about it, with the reasons.
///
/// # Errors
/// As [`read`].
///
/// # Examples
/// ```
/// use donormatch::profile::{Question, ReadOptions, inspect};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("donors.csv");
/// std::fs::write(&path, "taxon,d1\ns__Blautia_obeum,60.5\ns__Dorea_longicatena,39.5\n")?;
/// let (table, decisions) = inspect(&path, &ReadOptions::default())?;
/// assert_eq!(table.n_taxa(), 2);
/// let unit = decisions.iter().find(|decision| decision.question == Question::Unit);
/// assert_eq!(unit.map(|decision| decision.answer.as_str()), Some("percent"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn inspect(
    path: impl AsRef<Path>,
    options: &ReadOptions,
) -> Result<(ProfileTable, Vec<Decision>)> {
    let path = path.as_ref();
    inspected(Source::open(path, options)?)
}

/// The same of bytes in memory, which messages call `name`.
///
/// # Errors
/// As [`read`].
pub fn inspect_bytes(
    name: impl AsRef<Path>,
    bytes: &[u8],
    options: &ReadOptions,
) -> Result<(ProfileTable, Vec<Decision>)> {
    inspected(Source::from_bytes(name.as_ref(), bytes, options)?)
}

fn inspected(source: Source<'_>) -> Result<(ProfileTable, Vec<Decision>)> {
    let path = source.path().to_path_buf();
    let reading = reading(source)?;
    let decisions = reading.decisions.clone();
    let table = reading
        .into_table()
        .map_err(|error| located(error, &path))?;
    Ok((table, decisions))
}

/// Joins tables over the union of their taxa, matched by label: the donors, baselines and
/// follow-ups of one trial, for what looks at all three.
///
/// # Errors
/// [`Error::Parameter`] for no tables; [`Error::Unit`] or [`Error::Vocabulary`] naming two tables,
/// by their place, that differ; [`Error::Table`] for a sample in two tables.
///
/// # Examples
/// ```
/// use donormatch::profile::{ProfileTable, Taxon, Unit, merge};
///
/// let donors = ProfileTable::builder(Unit::Percent)
///     .taxa(["s__A", "s__B"].map(Taxon::new))
///     .sample("donor_1", vec![(0, 60.0), (1, 40.0)])
///     .build()?;
/// let recipients = ProfileTable::builder(Unit::Percent)
///     .taxa(["s__C", "s__A"].map(Taxon::new))
///     .sample("recipient_1", vec![(0, 70.0), (1, 30.0)])
///     .build()?;
/// let both = merge(&[&donors, &recipients])?;
/// assert_eq!((both.n_samples(), both.n_taxa()), (2, 3));
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn merge(tables: &[&ProfileTable]) -> Result<ProfileTable> {
    let names: Vec<String> = (1..=tables.len()).map(|at| format!("table {at}")).collect();
    let names: Vec<&Path> = names.iter().map(Path::new).collect();
    merge::merge(&names, tables)
}

fn read_source(source: Source<'_>) -> Result<ProfileTable> {
    let path = source.path().to_path_buf();
    reading(source)?
        .into_table()
        .map_err(|error| located(error, &path))
}

fn reading(source: Source<'_>) -> Result<Reading> {
    let path = source.path().to_path_buf();
    let options = source.options();
    draft(source)
        .and_then(|draft| draft.finish(options))
        .map_err(|error| located(error, &path))
}

fn draft(source: Source<'_>) -> Result<Draft> {
    let options = source.options();
    let content = match options.format {
        Some(stated) => stated.into(),
        None => sniff(source.head()).map_err(|message| Error::file(source.path(), message))?,
    };
    let mut draft = match content {
        Content::Text(format) => read_text_of(source, format),
        Content::Container(container) => read_container(source, container),
    }?;
    if let Some(n_unknown) = naming::name_ids(&mut draft.taxa) {
        draft.notes.push(format!(
            "the labels are taxonomy ids of NCBI and were replaced by names; {n_unknown} of {} are \
             not known here",
            draft.taxa.len()
        ));
    }
    if let Some(path) = &options.taxonomy {
        taxonomy_tsv::apply(&mut draft, &taxonomy_tsv::open(path, options)?);
    }
    Ok(draft)
}

fn read_text_of(source: Source<'_>, format: Format) -> Result<Draft> {
    match format {
        Format::Metaphlan => metaphlan::read(source),
        Format::Motus => motus::read(source),
        Format::KrakenReport => kraken::read(source),
        Format::KrakenCombined => kraken_combined::read(source),
        Format::Bracken => bracken::read(source),
        Format::Mpa => mpa::read(source),
        Format::Taxpasta => taxpasta::read(source),
        Format::Kaiju => kaiju::read(source),
        Format::Singlem => singlem::read(source),
        Format::Sylph => sylph::read(source),
        Format::Cami => cami::read(source),
        Format::Kmcp => genomes::read_kmcp(source),
        Format::Centrifuge => genomes::read_centrifuge(source),
        Format::BiomJson => biom_json::read(source),
        _ => delimited::read(source),
    }
}

/// Reads content that another file holds as text.
#[cfg(feature = "containers")]
fn read_inner_text(
    path: &Path,
    text: &[u8],
    n_packed: u64,
    options: &ReadOptions,
) -> Result<Draft> {
    let source = Source::from_packed(path, text, n_packed, options)?;
    match sniff(source.head()).map_err(|message| Error::file(path, message))? {
        Content::Text(format) => read_text_of(source, format),
        Content::Container(_) => delimited::read(source),
    }
}

/// The first sheet of a workbook, or the table of a QIIME 2 artifact.
#[cfg(feature = "containers")]
fn read_archive(source: Source<'_>) -> Result<Draft> {
    let (path, options) = (source.path().to_path_buf(), source.options());
    let held = source.hold()?;
    let n_packed = held.n_packed;
    let Some(found) = workbook::read(&held.bytes, n_packed, &options.limits, &path)? else {
        let whole = Source::from_packed(&path, &held.bytes, n_packed, options)?;
        return qza::read(whole);
    };
    let mut draft = read_inner_text(&path, &found.text, n_packed, options)?;
    draft.notes.push(found.note);
    Ok(draft)
}

/// A table of columns, or the text of one that holds more than labels and numbers.
#[cfg(feature = "containers")]
fn read_columns(
    source: Source<'_>,
    read: fn(Source<'_>) -> Result<columnar::Columnar>,
) -> Result<Draft> {
    let (path, options) = (source.path().to_path_buf(), source.options());
    match read(source)? {
        columnar::Columnar::Table(draft) => Ok(*draft),
        columnar::Columnar::Text(text, n_packed) => {
            read_inner_text(&path, &text, n_packed, options)
        }
    }
}

/// Reads a container behind a barrier: the decoder of Parquet panics on a damaged file in places
/// that cannot be seen beforehand (a page that names a dictionary its column has not got, found
/// while it is decoded), and what a file can cause must be an error here. Nothing of the panic is
/// printed. Arrow IPC is checked before it is decoded (`ipc`), which leaves 6
/// panics in 100,000 mutated files: a misplaced buffer, a wrong count of buffers.
#[cfg(feature = "containers")]
fn read_container(source: Source<'_>, container: Container) -> Result<Draft> {
    let path = source.path().to_path_buf();
    barrier::caught(|| decode_container(source, container)).unwrap_or_else(|| {
        Err(Error::file(
            path,
            format!("the {container:?} content is damaged or not supported"),
        ))
    })
}

#[cfg(feature = "containers")]
fn decode_container(source: Source<'_>, container: Container) -> Result<Draft> {
    match container {
        Container::Hdf5 => {
            let options = source.options();
            let file = hdf5::Hdf5::open(source)?;
            if biom_hdf5::is_biom(&file) {
                biom_hdf5::read(&file)
            } else if h5ad::is_anndata(&file) {
                h5ad::read(&file, options)
            } else {
                Err(Error::file(
                    file.path(),
                    "an HDF5 file that is neither BIOM (`observation`, `sample`) nor AnnData \
                     (`obs`, `var`)",
                ))
            }
        }
        Container::Zip => read_archive(source),
        Container::Parquet => read_columns(source, columnar::read_parquet),
        Container::ArrowIpc => read_columns(source, columnar::read_ipc),
    }
}

#[cfg(not(feature = "containers"))]
#[expect(
    clippy::needless_pass_by_value,
    reason = "the same signature with and without"
)]
fn read_container(source: Source<'_>, container: Container) -> Result<Draft> {
    Err(Error::file(
        source.path(),
        format!("reading {container:?} needs the feature `containers`, which was left out"),
    ))
}

/// The text of a file, `.gz` undone by content; of at most the default `limits.held_bytes`.
///
/// # Errors
/// [`Error::Io`] where it cannot be read; [`Error::File`] where it is empty, damaged, or not UTF-8.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    let options = ReadOptions::default();
    utf8(path, Source::open(path, &options)?.hold_as(Limited::Fixed)?)
}

/// The text of bytes in memory, as [`read_text`].
pub(crate) fn text_of_bytes(path: &Path, bytes: &[u8]) -> Result<String> {
    let options = ReadOptions::default();
    let source = Source::from_bytes(path, bytes, &options)?;
    utf8(path, source.hold_as(Limited::Fixed)?)
}

/// The text, whose rows and fields a table is made of.
fn utf8(path: &Path, held: Held) -> Result<String> {
    const FIELD_BYTES: u64 = 64;
    #[cfg(feature = "containers")]
    if held.bytes.starts_with(ZIP) {
        let limits = ReadLimits::default();
        if let Some(found) = workbook::read(&held.bytes, held.n_packed, &limits, path)? {
            let bytes = found.text;
            return utf8(path, Held { bytes, ..held });
        }
    }
    held.allowance
        .check_parts(&held.bytes, b"\n\t,;|", FIELD_BYTES)
        .map_err(|_| Error::file(path, "unpacks to far more than a table can: unpack it"))?;
    String::from_utf8(held.bytes).map_err(|source| Error::File {
        path: path.to_path_buf(),
        line: None,
        message: "expected text in UTF-8".to_owned(),
        source: Some(Box::new(source)),
    })
}

/// The error with its file; a question about the unit stays one.
fn located(error: Error, path: &Path) -> Error {
    match error {
        Error::Unit { message } => Error::unit(format!("`{}`: {message}", path.display())),
        other => other.at_path(path),
    }
}
