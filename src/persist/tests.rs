use std::sync::LazyLock;

use super::*;
use crate::matcher::{Matcher, MatcherParams, PredictParams};
use crate::taxonomy::{HarmonizeParams, Target, harmonize};
use crate::trial::SimulationParams;
use crate::{Error, ErrorKind, Result};

/// A matcher fitted in a moment on a synthetic cohort; far too small to be good.
fn tiny() -> Result<Matcher> {
    let cohort = SimulationParams {
        n_donors: 8,
        n_recipients: 45,
        ..Default::default()
    }
    .simulate()?;
    let (patients, transplants) = cohort.to_cohorts()?;
    let params = HarmonizeParams::new(Target::Species);
    let (profiles, _) = harmonize(patients.profiles(), &params)?;
    let patients = crate::cohort::PatientCohort::new(patients.patients().to_vec(), &profiles)?;
    let (profiles, _) = harmonize(transplants.profiles(), &params)?;
    let transplants = transplants.with_profiles(profiles)?;
    let mut params = MatcherParams::default();
    params.engraftment.n_members = 2;
    params.engraftment.presence.n_rounds = 5;
    params.engraftment.abundance.n_rounds = 5;
    params.response.n_members = 2;
    params.response.n_slope_members = 1;
    params.response.boosting.n_rounds = 5;
    params.fit(&patients, &[transplants])
}

static TINY: LazyLock<Matcher> = LazyLock::new(|| tiny().unwrap());
static BYTES: LazyLock<Vec<u8>> =
    LazyLock::new(|| to_bytes(&TINY, &ModelHeader::of(&TINY).with_name("tiny")).unwrap());

fn refusal(bytes: &[u8]) -> String {
    match from_bytes(bytes) {
        Ok(_) => panic!("the bytes were taken"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ModelFormat, "{error}");
            error.to_string()
        }
    }
}

#[test]
fn decoding_gives_back_the_very_matcher_and_its_header() {
    let (matcher, header) = from_bytes(&BYTES).unwrap();
    assert_eq!(matcher, *TINY);
    assert_eq!(
        (header.name.as_str(), header.kind.as_str()),
        ("tiny", "matcher")
    );
    assert_eq!(
        header.feature_names,
        TINY.response().schema().feature_names()
    );
    assert_eq!(header, header_from_bytes(&BYTES).unwrap());
    assert_eq!(to_bytes(&matcher, &header).unwrap(), *BYTES);
}

#[test]
fn a_decoded_matcher_predicts_the_same_bits() {
    let (matcher, _) = from_bytes(&BYTES).unwrap();
    let cohort = SimulationParams::default().simulate().unwrap();
    let params = HarmonizeParams::new(Target::Species);
    let (donors, _) = harmonize(&cohort.donors, &params).unwrap();
    let (recipients, _) = harmonize(&cohort.recipients, &params).unwrap();
    let predict = |matcher: &Matcher| {
        let params = PredictParams {
            n_draws: 20,
            ..PredictParams::default()
        };
        matcher
            .predict(&donors, &recipients, &cohort.contexts, &params)
            .unwrap()
    };
    assert_eq!(predict(&matcher), predict(&TINY));
}

#[test]
fn every_truncation_is_refused() {
    let n = BYTES.len();
    for end in (0..64).chain((64..n).step_by(1 + n / 300)).chain(n - 8..n) {
        refusal(&BYTES[..end]);
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let n = BYTES.len();
    for at in (0..64).chain((64..n).step_by(1 + n / 300)).chain(n - 8..n) {
        let mut bytes = BYTES.clone();
        bytes[at] ^= 1 << (at % 8);
        refusal(&bytes);
    }
}

#[test]
fn foreign_empty_and_longer_files_are_told_apart() {
    assert!(refusal(b"").contains("empty file"));
    assert!(refusal(b"PK\x03\x04 a zip").contains("another kind of file"));
    let mut longer = BYTES.clone();
    longer.extend_from_slice(b"more");
    assert!(refusal(&longer).contains("4 bytes follow"));
}

#[test]
fn an_unknown_format_names_both_versions() {
    let mut bytes = BYTES.clone();
    bytes[4..6].copy_from_slice(&7_u16.to_le_bytes());
    let message = refusal(&bytes);
    assert!(
        message.contains("format 7") && message.contains("format 1"),
        "{message}"
    );
}

#[test]
fn a_huge_claimed_length_is_refused_before_anything_is_allocated() {
    let mut bytes = BYTES.clone();
    bytes[6..10].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(refusal(&bytes).contains("beyond the bound"));
}

/// The frame with any payload and a checksum that fits, as a forger would make it.
fn framed(payload: &[u8]) -> Vec<u8> {
    let length = u32::from_le_bytes(BYTES[6..10].try_into().unwrap()) as usize;
    let mut header: ModelHeader = serde_json::from_slice(&BYTES[10..10 + length]).unwrap();
    header.payload_length = payload.len() as u64;
    let json = serde_json::to_vec(&header).unwrap();
    let mut bytes = BYTES[..6].to_vec();
    bytes.extend_from_slice(&(json.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&json);
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

#[test]
fn a_forged_payload_is_refused_or_valid_but_never_a_panic() {
    let length = u32::from_le_bytes(BYTES[6..10].try_into().unwrap()) as usize;
    let payload = &BYTES[10 + length..BYTES.len() - 4];
    assert!(from_bytes(&framed(payload)).is_ok());
    for at in (0..payload.len()).step_by(1 + payload.len() / 400) {
        let mut forged = payload.to_vec();
        forged[at] = 0xfd;
        if let Ok((matcher, _)) = from_bytes(&framed(&forged)) {
            matcher.validate().unwrap();
        }
    }
    refusal(&framed(&[payload, &[0]].concat()));
}

#[test]
fn a_file_is_written_whole_and_an_absent_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.dmm");
    write(&path, &TINY, &ModelHeader::of(&TINY)).unwrap();
    assert_eq!(read(&path).unwrap().0, *TINY);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let absent = read(folder.path().join("absent.dmm")).unwrap_err();
    assert!(matches!(absent, Error::Io { .. }) && absent.to_string().contains("absent.dmm"));
    std::fs::write(&path, b"PK").unwrap();
    assert!(
        read_header(&path)
            .unwrap_err()
            .to_string()
            .contains("tiny.dmm")
    );
}

#[test]
fn the_bundled_matcher_loads_or_says_what_to_do() {
    match Matcher::bundled() {
        Ok(matcher) => matcher.validate().unwrap(),
        Err(error) => assert!(error.to_string().contains("make models"), "{error}"),
    }
}
