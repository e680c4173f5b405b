//! What a file is, told by its first bytes.

use super::{Format, biom_json, bracken, kraken, metaphlan, motus, mpa};

pub(super) const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";
pub(super) const ZIP: &[u8] = b"PK\x03\x04";

/// Content that no reader takes, with what to do about it.
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

/// How containers begin.
const CONTAINERS: [(&[u8], Container); 5] = [
    (HDF5, Container::Hdf5),
    (ZIP, Container::Zip),
    (b"PK\x05\x06", Container::Zip),
    (b"PAR1", Container::Parquet),
    (b"ARROW1", Container::ArrowIpc),
];

type Recognizer = fn(&[u8]) -> bool;

/// How each text format begins; whatever begins otherwise is a plain table.
const TEXTS: [(Recognizer, Format); 6] = [
    (biom_json::is_biom_json, Format::BiomJson),
    (motus::is_motus, Format::Motus),
    (bracken::is_bracken, Format::Bracken),
    (metaphlan::is_metaphlan, Format::Metaphlan),
    (mpa::is_mpa, Format::Mpa),
    (kraken::is_report, Format::KrakenReport),
];

/// What the first bytes tell: HDF5 holds BIOM or AnnData, which its inside decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Text(Format),
    Container(Container),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Hdf5,
    Zip,
    Parquet,
    ArrowIpc,
}

impl From<Format> for Content {
    fn from(format: Format) -> Self {
        match format {
            Format::BiomHdf5 | Format::AnnData => Self::Container(Container::Hdf5),
            Format::Qiime2Artifact => Self::Container(Container::Zip),
            Format::Parquet => Self::Container(Container::Parquet),
            Format::ArrowIpc => Self::Container(Container::ArrowIpc),
            text => Self::Text(text),
        }
    }
}

/// Recognizes the format from the first bytes.
///
/// # Errors
/// What the content is instead, and what to do.
pub(super) fn sniff(head: &[u8]) -> Result<Content, String> {
    if let Some((_, message)) = UNREADABLE.iter().find(|(start, _)| head.starts_with(start)) {
        return Err((*message).to_owned());
    }
    if let Some((_, container)) = CONTAINERS.iter().find(|(start, _)| head.starts_with(start)) {
        return Ok(Content::Container(*container));
    }
    if kraken::is_read_by_read(head) {
        return Err("Kraken's output read by read: give its report (`--report`)".to_owned());
    }
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if head.trim_ascii_start().starts_with(b"(") {
        return Err("a tree, not a table of profiles".to_owned());
    }
    let found = TEXTS.iter().find(|(is_it, _)| is_it(head));
    Ok(Content::Text(
        found.map_or(Format::Delimited, |(_, format)| *format),
    ))
}
