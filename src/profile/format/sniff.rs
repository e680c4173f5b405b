//! What a file is, told by its first bytes.

use super::{
    Format, biom_json, bracken, cami, genomes, kaiju, kraken, kraken_combined, metaphlan, motus,
    mpa, singlem, sylph, taxpasta, unusable,
};

pub(super) const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";
pub(super) const ZIP: &[u8] = b"PK\x03\x04";

/// How containers begin.
const CONTAINERS: [(&[u8], Container); 6] = [
    (HDF5, Container::Hdf5),
    (ZIP, Container::Zip),
    (b"PK\x05\x06", Container::Zip),
    (b"PAR1", Container::Parquet),
    (b"ARROW1", Container::ArrowIpc),
    (b"\xff\xff\xff\xff", Container::ArrowIpc),
];

type Recognizer = fn(&[u8]) -> bool;

/// How each text format begins; whatever begins otherwise is a plain table.
const TEXTS: [(Recognizer, Format); 14] = [
    (biom_json::is_biom_json, Format::BiomJson),
    (motus::is_motus, Format::Motus),
    (bracken::is_bracken, Format::Bracken),
    (cami::is_cami, Format::Cami),
    (kraken_combined::is_combined, Format::KrakenCombined),
    (taxpasta::is_taxpasta, Format::Taxpasta),
    (kaiju::is_kaiju, Format::Kaiju),
    (singlem::is_singlem, Format::Singlem),
    (sylph::is_sylph, Format::Sylph),
    (genomes::is_kmcp, Format::Kmcp),
    (genomes::is_centrifuge, Format::Centrifuge),
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
            Format::Qiime2Artifact | Format::Workbook => Self::Container(Container::Zip),
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
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if let Some((_, container)) = CONTAINERS.iter().find(|(start, _)| head.starts_with(start)) {
        return Ok(Content::Container(*container));
    }
    if let Some(message) = unusable::what(head) {
        return Err(message);
    }
    let found = TEXTS.iter().find(|(is_it, _)| is_it(head));
    Ok(Content::Text(
        found.map_or(Format::Delimited, |(_, format)| *format),
    ))
}
