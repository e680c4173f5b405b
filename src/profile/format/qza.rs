//! QIIME 2 artifacts: a zip archive with one root folder, the payload in its `data/`.
//!
//! Nothing is ever extracted to disk.

use std::path::Path;

use super::draft::Draft;
use super::leaf::Hierarchy;
use super::options::ReadOptions;
use super::source::Source;
use super::units::UnitRule;
use super::{biom, zipped};
use crate::profile::Unit;
use crate::{Error, Result};

/// The payload of an artifact.
pub(super) struct Artifact {
    /// The semantic type, such as `FeatureTable[Frequency]`.
    pub(super) kind: String,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
    /// How many they were in the archive, or all of it where the archive itself was packed.
    pub(super) n_packed: u64,
}

impl Artifact {
    /// The unit that a feature table's type states.
    ///
    /// # Errors
    /// [`Error::File`] for presence and absence, which are no abundances.
    pub(super) fn unit(&self, path: &Path) -> Result<Option<Unit>> {
        match self.kind.as_str() {
            "FeatureTable[Frequency]" => Ok(Some(Unit::Count)),
            "FeatureTable[RelativeFrequency]" => Ok(Some(Unit::Fraction)),
            "FeatureTable[PresenceAbsence]" => Err(Error::file(
                path,
                "expected abundances, found presence and absence (`FeatureTable[PresenceAbsence]`)",
            )),
            _ => Ok(None),
        }
    }
}

/// Opens an artifact whose payload is one of `names`.
pub(super) fn open(source: Source<'_>, names: &[&str]) -> Result<Artifact> {
    let path = source.path().to_path_buf();
    let limits = &source.options().limits;
    let held = source.hold()?;
    let whole = held.n_packed;
    let mut archive = zipped::open(held.bytes, limits, &path)?;
    let members = zipped::members(&archive, &path)?;
    let root = members
        .iter()
        .find_map(|name| {
            name.strip_suffix("/VERSION")
                .filter(|root| !root.contains('/'))
        })
        .ok_or_else(|| Error::file(&path, "no QIIME 2 artifact: it has no `<uuid>/VERSION`"))?;
    let (metadata, _) = zipped::member(
        &mut archive,
        &format!("{root}/metadata.yaml"),
        limits,
        whole,
        &path,
    )?;
    let kind = field(&metadata, "type").unwrap_or_default();
    let found = names
        .iter()
        .find(|name| members.contains(&format!("{root}/data/{name}")));
    let Some(name) = found else {
        return Err(Error::file(
            &path,
            format!(
                "the artifact is a `{kind}`, expected one that holds {}",
                names.join(" or ")
            ),
        ));
    };
    let name = format!("{root}/data/{name}");
    let (bytes, n_packed) = zipped::member(&mut archive, &name, limits, whole, &path)?;
    Ok(Artifact {
        kind,
        bytes,
        n_packed,
    })
}

/// The value of a line `key: value`.
fn field(yaml: &[u8], key: &str) -> Option<String> {
    String::from_utf8_lossy(yaml).lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == key).then(|| value.trim().trim_matches(['\'', '"']).to_owned())
    })
}

/// Reads a feature table.
pub(super) fn read(source: Source<'_>) -> Result<Draft> {
    let path = source.path().to_path_buf();
    let options: &ReadOptions = source.options();
    let artifact = open(source, &["feature-table.biom"])?;
    let unit = artifact.unit(&path)?;
    let payload = Source::from_packed(&path, &artifact.bytes, artifact.n_packed, options)?;
    let mut draft = biom::read(payload)?;
    if let Some(unit) = unit {
        draft.unit = UnitRule::Fixed(unit);
    }
    draft.hierarchy = Hierarchy::Leaves;
    Ok(draft)
}
