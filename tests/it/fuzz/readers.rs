//! Bytes as each reader takes them.

use std::io::{Read, Write};
use std::sync::LazyLock;

use donormatch::cohort::screening::{DonorRecords, Panel};
use donormatch::cohort::{Cohort, MetadataTable, PatientCohort};
use donormatch::feature::Phylogeny;
use donormatch::matcher::{Matcher, MatcherConfig, MatcherParams};
use donormatch::persist::{self, ModelHeader};
use donormatch::profile::{
    Format, ProfileTable, ReadLimits, ReadOptions, Taxon, Taxonomy, Tree, Unit, read_bytes,
};
use donormatch::taxonomy::{
    HarmonizeParams, Signature, Target, detect_vocabulary, harmonize, memberships,
};
use donormatch::trial::SimulationParams;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// Reads bytes as one reader would; whether they were taken.
pub(super) fn read(reader: &str, bytes: &[u8]) -> bool {
    let format = match reader {
        "metaphlan" => Format::Metaphlan,
        "motus" => Format::Motus,
        "kraken_report" => Format::KrakenReport,
        "bracken" => Format::Bracken,
        "mpa" => Format::Mpa,
        "kraken_combined" => Format::KrakenCombined,
        "taxpasta" => Format::Taxpasta,
        "kaiju" => Format::Kaiju,
        "singlem" => Format::Singlem,
        "sylph" => Format::Sylph,
        "cami" => Format::Cami,
        "kmcp" => Format::Kmcp,
        "centrifuge" => Format::Centrifuge,
        "workbook" => Format::Workbook,
        "delimited" => Format::Delimited,
        "biom_json" => Format::BiomJson,
        "biom_hdf5" => Format::BiomHdf5,
        "anndata" => Format::AnnData,
        "qiime2_artifact" => Format::Qiime2Artifact,
        "parquet" => Format::Parquet,
        "arrow_ipc" => Format::ArrowIpc,
        "newick" => {
            let tree = Tree::parse(bytes, &ReadLimits::default());
            return tree.is_ok_and(|tree| Phylogeny::from_tree(&tree).is_ok());
        }
        "taxonomy" => return Taxonomy::parse(bytes, &ReadLimits::default()).is_ok(),
        "recognized" => return read_bytes(bytes, &ReadOptions::default()).is_ok(),
        _ => return read_text(reader, bytes),
    };
    let options = ReadOptions::default().with_format(format);
    let is_read = read_bytes(bytes, &options).is_ok();
    // The recognizer meets the same bytes, but need not inflate them twice.
    let head = bytes.get(..2_048).unwrap_or(bytes);
    drop(read_bytes(head, &ReadOptions::default()));
    is_read
}

fn read_text(reader: &str, bytes: &[u8]) -> bool {
    let text = &String::from_utf8_lossy(bytes);
    match reader {
        "signature" => Signature::parse(text).is_ok_and(|found| {
            drop(memberships(&[found], &TABLE));
            true
        }),
        "lineage" => is_harmonized(text),
        "metadata" => {
            let Ok(metadata) = MetadataTable::parse("<bytes>", text) else {
                return false;
            };
            let patients = PatientCohort::from_metadata(&metadata, &TABLE);
            patients.is_ok() | Cohort::from_metadata(&metadata, TABLE.clone()).is_ok()
        }
        "screening" => is_screened(text),
        "config" => toml::from_str::<MatcherConfig>(text).is_ok(),
        "model" => persist::from_bytes::<Matcher>(&framed(bytes)).is_ok(),
        other => panic!("no reader `{other}`"),
    }
}

/// Records of donors, from a table or TOML, through the panel that ships; nobody passes, since most
/// entries are missing whatever a mutation does.
fn is_screened(text: &str) -> bool {
    static PANEL: LazyLock<Panel> = LazyLock::new(|| Panel::bundled().unwrap());
    let table = MetadataTable::parse("<bytes>", text);
    let of_table = table.and_then(|table| DonorRecords::from_table(&table, &PANEL));
    let Ok(records) = of_table.or_else(|_| DonorRecords::parse_toml(text, &PANEL)) else {
        return false;
    };
    let screening = PANEL.screen(&records, "2026-11-01".parse().unwrap());
    screening.is_ok_and(|screening| {
        assert_eq!(screening.n_eligible(), 0, "{text}");
        true
    })
}

/// Each line a taxon.
fn is_harmonized(text: &str) -> bool {
    let labels: Vec<&str> = text.lines().collect();
    let row = (0..labels.len() as u32).map(|taxon| (taxon, 1.0));
    let table = ProfileTable::builder(Unit::Count)
        .taxa(labels.iter().copied().map(Taxon::new))
        .sample("a", row.collect())
        .build();
    table.is_ok_and(|table| {
        drop(detect_vocabulary(&table));
        let of = |target| harmonize(&table, &HarmonizeParams::new(target));
        of(Target::Species).is_ok() | of(Target::Genus).is_ok()
    })
}

static TABLE: LazyLock<ProfileTable> = LazyLock::new(|| {
    ProfileTable::builder(Unit::Fraction)
        .taxa(["Blautia_obeum", "Segatella_copri"].map(Taxon::new))
        .sample("D", vec![(0, 1.0)])
        .sample("R", vec![(1, 1.0)])
        .sample("F", vec![(0, 0.5), (1, 0.5)])
        .build()
        .unwrap()
});

/// A model file around a payload, its lengths and its checksum right: what is behind them is what
/// a mutation must reach. The payload is stored, not compressed.
fn framed(payload: &[u8]) -> Vec<u8> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::none());
    packed.write_all(payload).unwrap();
    let packed = packed.finish().unwrap();
    let mut header = ModelHeader::default();
    ModelHeader::MATCHER.clone_into(&mut header.kind);
    header.payload_length = packed.len() as u64;
    header.expanded_length = payload.len() as u64;
    let header = serde_json::to_vec(&header).unwrap();
    let mut bytes = b"DRMM".to_vec();
    bytes.extend(persist::FORMAT.to_le_bytes());
    bytes.extend((header.len() as u32).to_le_bytes());
    bytes.extend(header);
    bytes.extend(packed);
    let mut checksum = flate2::Crc::new();
    checksum.update(&bytes);
    bytes.extend(checksum.sum().to_le_bytes());
    bytes
}

/// The payload of a matcher fitted in a moment, far too small to be good.
pub(super) fn payload() -> Vec<u8> {
    let simulation = SimulationParams {
        n_donors: 4,
        n_recipients: 30,
        ..SimulationParams::default()
    };
    let (patients, transplants) = simulation.simulate().unwrap().to_cohorts().unwrap();
    let species = HarmonizeParams::new(Target::Species);
    let (profiles, _) = harmonize(patients.profiles(), &species).unwrap();
    let patients = PatientCohort::new(patients.patients().to_vec(), &profiles).unwrap();
    let (profiles, _) = harmonize(transplants.profiles(), &species).unwrap();
    let transplants = transplants.with_profiles(profiles).unwrap();
    let mut params = MatcherParams::default();
    params.engraftment.n_members = 1;
    params.engraftment.presence.n_rounds = 1;
    params.engraftment.abundance.n_rounds = 1;
    params.response.n_members = 1;
    params.response.n_slope_members = 1;
    params.response.boosting.n_rounds = 1;
    let matcher: Matcher = params.fit(&patients, &[transplants]).unwrap();
    let header = ModelHeader::of(&matcher);
    let bytes = persist::to_bytes(&matcher, &header).unwrap();
    let length = persist::header_from_bytes(&bytes).unwrap().payload_length as usize;
    let mut payload = Vec::new();
    DeflateDecoder::new(&bytes[bytes.len() - 4 - length..bytes.len() - 4])
        .read_to_end(&mut payload)
        .unwrap();
    payload
}
