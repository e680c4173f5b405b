//! Values that travel between processes of one release, such as Python's pickles.
//!
//! Unlike a model file these bytes are for the release that wrote them alone: `DRMP`, the kind and the
//! release, the value by bincode, and a CRC-32 of everything before it. They are read as carefully as
//! a model file: no length is believed, nothing may be left over, and a value is given out only if it
//! passes the checks of its constructor.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bounded;
use crate::calibration::Calibrator;
use crate::evaluation::{JudgedCohort, JudgedStudy};
use crate::profile::ProfileTable;
use crate::ranking::{ChosenDonors, RankedPart, Ranking};
use crate::{Error, Result};

const MAGIC: [u8; 4] = *b"DRMP";
const CHECKSUM: usize = 4;

/// A value that can travel: [`ProfileTable`], [`Ranking`] and its parts, [`Calibrator`], and what was
/// judged of a cohort left out. Models travel as model files.
pub trait Transfer: Checked + Serialize + DeserializeOwned {}

/// What a value of this type must hold; only for the types named by [`Transfer`].
pub trait Checked: Sized {
    #[doc(hidden)]
    const KIND: &'static str;
    #[doc(hidden)]
    fn checked(self) -> Result<Self>;
}

impl Transfer for ProfileTable {}
impl Transfer for Ranking {}
impl Transfer for Calibrator {}
impl Transfer for RankedPart {}
impl Transfer for ChosenDonors {}
impl Transfer for JudgedCohort {}
impl Transfer for JudgedStudy {}

impl Checked for ProfileTable {
    const KIND: &'static str = "profile table";

    fn checked(self) -> Result<Self> {
        // Its own deserialization went through the checks of its constructor.
        Ok(self)
    }
}

impl Checked for Ranking {
    const KIND: &'static str = "ranking";

    fn checked(self) -> Result<Self> {
        self.check()?;
        Ok(self)
    }
}

impl Checked for Calibrator {
    const KIND: &'static str = "calibrator";

    fn checked(self) -> Result<Self> {
        self.check()?;
        Ok(self)
    }
}

impl Checked for RankedPart {
    const KIND: &'static str = "part of a ranking";

    fn checked(self) -> Result<Self> {
        self.check()?;
        Ok(self)
    }
}

impl Checked for ChosenDonors {
    const KIND: &'static str = "choice of donors";

    fn checked(self) -> Result<Self> {
        self.check()?;
        Ok(self)
    }
}

impl Checked for JudgedCohort {
    const KIND: &'static str = "cohort left out";

    fn checked(self) -> Result<Self> {
        // The report, which knows the patients, compares their number.
        Ok(self)
    }
}

impl Checked for JudgedStudy {
    const KIND: &'static str = "study left out";

    fn checked(self) -> Result<Self> {
        // The report, which knows the comparators, compares their number.
        Ok(self)
    }
}

/// Kind and release, as the bytes state them.
fn label<T: Checked>() -> String {
    format!("{} of donormatch {}\n", T::KIND, env!("CARGO_PKG_VERSION"))
}

/// A value as bytes, which [`from_transfer`] reads back.
///
/// # Errors
/// [`Error::ModelFile`] where it cannot be encoded.
///
/// # Examples
/// ```
/// use donormatch::persist::{from_transfer, to_transfer};
/// use donormatch::profile::{ProfileTable, Taxon, Unit};
/// let table = ProfileTable::builder(Unit::Count)
///     .taxa(["s__Blautia_obeum"].map(Taxon::new))
///     .sample("donor_1", vec![(0, 60.0)])
///     .build()?;
/// assert_eq!(from_transfer::<ProfileTable>(&to_transfer(&table)?)?, table);
/// assert!(from_transfer::<ProfileTable>(b"DRMP").is_err());
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn to_transfer<T: Transfer>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(label::<T>().as_bytes());
    bytes.extend(bounded::encode(value)?);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    Ok(bytes)
}

/// The value in the bytes of [`to_transfer`].
///
/// # Errors
/// [`Error::ModelFile`] where the bytes are foreign, damaged, of another release or another kind, or
/// hold a value that its constructor would refuse.
pub fn from_transfer<T: Transfer>(bytes: &[u8]) -> Result<T> {
    let refused = |message: String| Err(Error::model_file(format!("{}: {message}", T::KIND)));
    let Some((whole, stored)) = bytes.split_last_chunk::<CHECKSUM>() else {
        return refused(format!("truncated to {} bytes", bytes.len()));
    };
    let Some(rest) = whole.strip_prefix(&MAGIC) else {
        return refused("expected bytes that start with `DRMP`".to_owned());
    };
    if crc32fast::hash(whole) != u32::from_le_bytes(*stored) {
        return refused("damaged: the checksum does not fit the content".to_owned());
    }
    let expected = label::<T>();
    let Some(payload) = rest.strip_prefix(expected.as_bytes()) else {
        let found = rest.split(|&byte| byte == b'\n').next().unwrap_or(rest);
        let found: String = String::from_utf8_lossy(found).chars().take(80).collect();
        return refused(format!(
            "expected a {}, found a {}",
            expected.trim_end(),
            found.escape_debug()
        ));
    };
    bounded::decode::<T>(payload)?
        .checked()
        .map_err(|error| Error::model_file(format!("{}: {error}", T::KIND)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::calibration::{CalibrationMethod, CalibrationParams};
    use crate::numeric::random::derive;
    use crate::profile::{Taxon, Unit};
    use crate::ranking::RankingParams;
    use crate::ranking::synthetic::{numbers, pair};

    fn table() -> ProfileTable {
        ProfileTable::builder(Unit::Percent)
            .taxa(["k__Bacteria|s__Blautia_obeum", "s__Segatella_copri", "s__C"].map(Taxon::new))
            .sample("a", vec![(0, 60.0), (2, 40.0)])
            .sample("b", vec![(1, 100.0)])
            .unclassified(vec![0.1, 0.0])
            .note("a note")
            .build()
            .unwrap()
    }

    fn ranking() -> Ranking {
        let names = [
            ("d1", "r1"),
            ("d2", "r1"),
            ("d3", "r1"),
            ("d1", "r2"),
            ("d2", "r2"),
        ];
        let pairs: Vec<_> = (1..)
            .zip(names)
            .map(|(seed, (donor, recipient))| pair(donor, recipient, numbers(seed, 40)))
            .collect();
        RankingParams::default().rank(&pairs).unwrap()
    }

    fn calibrator(method: CalibrationMethod) -> Calibrator {
        let scores: Vec<f64> = (0..40).map(|row| f64::from(row) / 10.0 - 2.0).collect();
        let outcomes: Vec<f64> = (0..40).map(|row| f64::from(row * 7 % 40 / 20)).collect();
        let params = CalibrationParams {
            method,
            ..CalibrationParams::default()
        };
        params.fit(&scores, &outcomes, None, None).unwrap()
    }

    fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
        let end = bytes.len() - CHECKSUM;
        let checksum = crc32fast::hash(&bytes[..end]).to_le_bytes();
        bytes[end..].copy_from_slice(&checksum);
        bytes
    }

    /// Every byte changed, then bytes changed under a checksum that fits: a value or an error.
    fn withstands<T: Transfer + PartialEq + std::fmt::Debug>(value: &T, n_mutants: u64) {
        let bytes = to_transfer(value).unwrap();
        assert_eq!(from_transfer::<T>(&bytes).unwrap(), *value);
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] = if broken[at] == 0xFA { 0xFB } else { 0xFA };
            let error = from_transfer::<T>(&broken).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ModelFormat);
            assert!(from_transfer::<T>(&bytes[..at]).is_err());
        }
        let longer = with_checksum([&bytes[..], &[0; 4]].concat());
        assert!(from_transfer::<T>(&longer).is_err());
        let interesting = [0, 1, 0x7F, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF];
        let start = MAGIC.len() + label::<T>().len();
        for mutant in 0..n_mutants {
            let mut broken = bytes.clone();
            for change in 0..=mutant % 3 {
                let number = derive(mutant, change);
                let at = start + number as usize % (bytes.len() - start - CHECKSUM);
                broken[at] = match number >> 60 {
                    0..8 => interesting[(number >> 32) as usize % interesting.len()],
                    _ => (number >> 24) as u8,
                };
            }
            if let Ok(value) = from_transfer::<T>(&with_checksum(broken)) {
                value.checked().unwrap();
            }
        }
    }

    /// Mutants of each value; `make prove` asks for more.
    fn n_mutants() -> u64 {
        let text = std::env::var("DONORMATCH_MUTANTS").ok();
        text.and_then(|text| text.parse().ok()).unwrap_or(2_000)
    }

    #[test]
    fn a_changed_table_is_refused_or_valid() {
        withstands(&table(), n_mutants());
    }

    #[test]
    fn a_changed_ranking_is_refused_or_valid() {
        withstands(&ranking(), n_mutants());
    }

    #[test]
    fn a_changed_calibrator_is_refused_or_valid() {
        for method in [
            CalibrationMethod::Sigmoid,
            CalibrationMethod::Beta,
            CalibrationMethod::Isotonic,
            CalibrationMethod::VennAbers,
            CalibrationMethod::Auto,
        ] {
            withstands(&calibrator(method), n_mutants() / 4);
        }
    }

    #[test]
    fn a_claimed_length_is_refused_and_a_foreign_kind_named() {
        let claim = [&[1, 0xFD][..], &(1_u64 << 62).to_le_bytes()].concat();
        assert!(from_transfer::<ProfileTable>(&claim).is_err());
        let mut framed = [&MAGIC[..], label::<Ranking>().as_bytes(), &claim].concat();
        framed.extend_from_slice(&[0; CHECKSUM]);
        let framed = with_checksum(framed);
        assert!(from_transfer::<Ranking>(&framed).is_err());
        let error = from_transfer::<ProfileTable>(&framed)
            .unwrap_err()
            .to_string();
        assert!(error.contains("found a ranking of donormatch"), "{error}");
    }
}
