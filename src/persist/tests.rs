use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::*;
use crate::matcher::{Matcher, MatcherParams, PredictParams};
use crate::numeric::random::derive;
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
    LazyLock::new(|| to_bytes(&*TINY, &ModelHeader::of(&TINY).with_name("tiny")).unwrap());

fn refusal(bytes: &[u8]) -> String {
    match from_bytes::<Matcher>(bytes) {
        Ok(_) => panic!("the bytes were taken"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ModelFormat, "{error}");
            error.to_string()
        }
    }
}

#[test]
fn decoding_gives_back_the_very_matcher_and_its_header() {
    let (matcher, header): (Matcher, _) = from_bytes(&BYTES).unwrap();
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
    let (matcher, _): (Matcher, _) = from_bytes(&BYTES).unwrap();
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
            .predict(
                &donors.clone().into(),
                &recipients,
                &cohort.contexts,
                &params,
            )
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
    assert!(refusal(&longer).contains("more bytes follow"));
}

#[test]
fn an_unknown_format_names_both_versions() {
    let mut bytes = BYTES.clone();
    for format in [0_u16, 1, 5, 7, u16::MAX] {
        bytes[4..6].copy_from_slice(&format.to_le_bytes());
        let message = refusal(&bytes);
        let named = [
            format!("format {format},"),
            "reads formats 2 to 4;".to_owned(),
        ];
        assert!(
            named.iter().all(|named| message.contains(named)),
            "{message}"
        );
    }
}

#[test]
fn a_huge_claimed_length_is_refused_before_anything_is_allocated() {
    let mut bytes = BYTES.clone();
    bytes[6..10].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(refusal(&bytes).contains("beyond the bound"));
}

fn tiny_header() -> ModelHeader {
    let length = u32::from_le_bytes(BYTES[6..10].try_into().unwrap()) as usize;
    serde_json::from_slice(&BYTES[10..10 + length]).unwrap()
}

/// The frame with any payload and a checksum that fits, as a forger would make it.
fn framed(payload: &[u8]) -> Vec<u8> {
    framed_as(&tiny_header(), payload)
}

fn framed_as(header: &ModelHeader, payload: &[u8]) -> Vec<u8> {
    let packed = bounded::compress(payload).unwrap();
    let header = ModelHeader {
        payload_length: packed.len() as u64,
        expanded_length: payload.len() as u64,
        ..header.clone()
    };
    let json = serde_json::to_vec(&header).unwrap();
    let mut bytes = BYTES[..6].to_vec();
    bytes.extend_from_slice(&(json.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&json);
    bytes.extend_from_slice(&packed);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

#[test]
fn a_header_that_contradicts_its_model_is_refused_by_its_entry() {
    let payload = v4::encode_matcher(&TINY).unwrap();
    let refused = |entry: &str, change: &dyn Fn(&mut ModelHeader)| {
        let mut header = tiny_header();
        change(&mut header);
        let bytes = framed_as(&header, &payload);
        let message = refusal(&bytes);
        assert!(message.contains(entry), "{entry}: {message}");
        assert!(header_from_bytes(&bytes).is_err(), "{entry}");
    };
    refused("`vocabulary`", &|header| {
        header.vocabulary = "gtdb_r220".to_owned();
    });
    refused("`units`", &|header| header.units = "percent".to_owned());
    refused("`feature_names`", &|header| header.feature_names.reverse());
    refused("`feature_names`", &|header| header.feature_names.clear());
    refused("`training`", &|header| header.training[0].1 = 1_000_000_000);
    refused("`training`", &|header| header.training.clear());
    refused("`warnings`", &|header| header.warnings.clear());
    refused("`boosting`", &|header| header.kind = "boosting".to_owned());
}

#[test]
fn a_metric_out_of_its_range_is_refused() {
    let payload = v4::encode_matcher(&TINY).unwrap();
    let with = |metric: ModelMetric| {
        let header = tiny_header().with_metrics(vec![metric]);
        from_bytes::<Matcher>(&framed_as(&header, &payload)).map(|_| ())
    };
    let metric = |name: &str, value, lo, hi| ModelMetric {
        model: "response".to_owned(),
        metric: name.to_owned(),
        value: Some(value),
        lo: Some(lo),
        hi: Some(hi),
        n_rows: 20,
        n_groups: 10,
        ..ModelMetric::default()
    };
    with(metric("roc_auc", 0.6, 0.5, 0.7)).unwrap();
    // Student's interval of a mean over few cohorts.
    with(metric("roc_auc", 0.9, 0.7, 1.1)).unwrap();
    with(metric("brier_skill", -3.0, -5.0, 0.1)).unwrap();
    for wrong in [
        metric("roc_auc", 99.0, 0.5, 0.7),
        metric("roc_auc", -0.1, -0.2, 0.7),
        metric("average_precision", 0.5, 0.4, 70.0),
        metric("roc_auc", 0.6, 0.7, 0.5),
        metric("log_loss", -1.0, -2.0, 0.0),
        metric("brier_skill", 1.5, 0.0, 1.0),
    ] {
        let error = with(wrong.clone()).unwrap_err().to_string();
        assert!(error.contains(&wrong.metric), "{error}");
    }
    let groups = ModelMetric {
        n_groups: 30,
        ..metric("roc_auc", 0.6, 0.5, 0.7)
    };
    assert!(with(groups).is_err());
}

#[test]
fn what_follows_from_the_model_is_written_whatever_the_header_says() {
    let mut header = tiny_header();
    header.vocabulary = "another".to_owned();
    header.training.clear();
    let bytes = to_bytes(&*TINY, &header).unwrap();
    assert_eq!(bytes, *BYTES);
}

#[test]
fn a_model_of_few_patients_says_so() {
    let header = ModelHeader::of(&TINY);
    assert!(header.training[0].1 < 50, "{:?}", header.training);
    assert!(
        header.warnings[0].contains("learned from"),
        "{:?}",
        header.warnings
    );
}

#[test]
fn a_file_without_end_is_refused_at_its_first_bytes() {
    let mut n_read = 0_u64;
    let endless = std::io::Read::take(std::io::repeat(0), 1 << 30);
    let mut counted = Counted(endless, &mut n_read);
    assert!(frame::Framed::read(&mut counted, std::path::Path::new("zero")).is_err());
    assert!(n_read < 100, "{n_read}");
}

/// Counts what is read.
struct Counted<'a, R>(R, &'a mut u64);

impl<R: std::io::Read> std::io::Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.0.read(buffer)?;
        *self.1 += n as u64;
        Ok(n)
    }
}

#[test]
fn a_forged_payload_is_refused_or_valid_but_never_a_panic() {
    let payload = v4::encode_matcher(&TINY).unwrap();
    assert!(from_bytes::<Matcher>(&framed(&payload)).is_ok());
    for at in (0..payload.len()).step_by(1 + payload.len() / 400) {
        let mut forged = payload.clone();
        forged[at] = 0xfd;
        if let Ok((matcher, _)) = from_bytes::<Matcher>(&framed(&forged)) {
            matcher.validate().unwrap();
        }
    }
    refusal(&framed(&[&payload[..], &[0]].concat()));
}

/// Mutants of a file; `make prove` asks for more.
fn n_mutants() -> u64 {
    let text = std::env::var("DONORMATCH_MUTANTS").ok();
    text.and_then(|text| text.parse::<u64>().ok())
        .map_or(300, |n| n / 5)
}

/// Bytes of the payload, and of the file as it stands, changed under a checksum that fits.
#[test]
fn mutants_with_mended_checksums_are_refused_or_valid_and_quickly() {
    let payload = v4::encode_matcher(&TINY).unwrap();
    let interesting = [0, 1, 0x7F, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF];
    let change = |bytes: &mut [u8], mutant: u64| {
        for change in 0..=mutant % 4 {
            let number = derive(mutant, change);
            let at = number as usize % bytes.len();
            bytes[at] = match number >> 60 {
                0..8 => interesting[(number >> 32) as usize % interesting.len()],
                _ => (number >> 24) as u8,
            };
        }
    };
    for mutant in 0..n_mutants() {
        let bytes = if mutant % 2 == 0 {
            let mut payload = payload.clone();
            change(&mut payload, mutant);
            framed(&payload)
        } else {
            let mut bytes = BYTES.clone();
            let end = bytes.len() - 4;
            change(&mut bytes[6..end], mutant);
            let checksum = crc32fast::hash(&bytes[..end]).to_le_bytes();
            bytes[end..].copy_from_slice(&checksum);
            bytes
        };
        let start = Instant::now();
        if let Ok((matcher, header)) = from_bytes::<Matcher>(&bytes) {
            matcher.validate().unwrap();
            assert_eq!(header.training, ModelHeader::of(&matcher).training);
        }
        assert!(start.elapsed() < Duration::from_secs(1), "mutant {mutant}");
    }
}

#[test]
fn a_file_is_written_whole_and_an_absent_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.dmm");
    write(&path, &*TINY, &ModelHeader::of(&TINY)).unwrap();
    assert_eq!(read::<Matcher>(&path).unwrap().0, *TINY);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let absent = read::<Matcher>(folder.path().join("absent.dmm")).unwrap_err();
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
