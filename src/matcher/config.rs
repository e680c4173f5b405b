//! The file that says what a shipped matcher is made of, so that anyone can make it again.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::params::MatcherParams;
use crate::cohort::{Cohort, PatientCohort, PatientSource, TransplantSource, TreatmentContext};
use crate::digest::Digest;
use crate::profile::{StudyId, read_held};
use crate::taxonomy::Target;
use crate::{Error, Result};

/// Sources, settings and evaluation of a matcher, as a TOML file holds them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MatcherConfig {
    /// The name of the model.
    pub name: String,
    /// Patients to learn response and toxicity from.
    pub patients: Vec<PatientSource>,
    /// Transplants to learn engraftment from.
    pub transplants: Vec<TransplantSource>,
    /// Settings of the models.
    #[serde(default)]
    pub matcher: MatcherParams,
    /// What is judged.
    #[serde(default)]
    pub evaluation: EvaluationConfig,
}

/// What an evaluation judges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationConfig {
    /// A cohort of fewer patients is learned from and not judged. Default 20.
    pub min_patients: usize,
    /// Cohorts whose mean is given apart: those of an earlier comparison. Default none.
    pub cohorts: Vec<StudyId>,
    /// Trials of transplant with checkpoint inhibitor that are left out in turn.
    pub trials: Vec<TrialConfig>,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self {
            min_patients: 20,
            cohorts: Vec::new(),
            trials: Vec::new(),
        }
    }
}

/// A trial to judge the matcher on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialConfig {
    /// The name of the study in the transplants.
    pub study: String,
    /// How its recipients were treated.
    pub context: TreatmentContext,
    /// The name of the trial among the published arms, which are left out with it; none where it
    /// has no arm there.
    #[serde(default)]
    pub arms: Option<String>,
}

/// Bytes of a configuration at most; the shipped one has a few thousand.
const MAX_CONFIG: u64 = 1 << 20;

impl MatcherConfig {
    /// Reads a TOML file.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be read; [`Error::File`] where it is not such a file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = String::from_utf8(read_held(path, MAX_CONFIG)?)
            .map_err(|_| Error::file(path, "a configuration is text in UTF-8; this is not"))?;
        toml::from_str(&text).map_err(|source| Error::File {
            path: path.to_path_buf(),
            line: source
                .span()
                .map(|span| 1 + text[..span.start].matches('\n').count() as u64),
            message: "not a matcher's configuration".to_owned(),
            source: Some(Box::new(source)),
        })
    }

    /// SHA-256, in hexadecimal, of the files that a fit at this rank reads, in the order of the
    /// configuration.
    ///
    /// # Errors
    /// [`Error::Io`] where a file cannot be read.
    pub fn data_digest(&self, data: &Path, target: Target) -> Result<String> {
        let patients = self
            .patients
            .iter()
            .flat_map(|from| [&from.profiles, &from.metadata]);
        let transplants = self
            .transplants
            .iter()
            .filter(|source| target == Target::Genus || source.rank == Target::Species)
            .flat_map(|from| [&from.profiles, &from.metadata]);
        let mut digest = Digest::default();
        for file in patients.chain(transplants) {
            let path = data.join(file);
            add_file(&mut digest, &path).map_err(|source| Error::io(&path, source))?;
        }
        Ok(digest.finish())
    }

    /// Reads the patients; their paths are taken from `data`.
    ///
    /// # Errors
    /// Those of [`PatientSource::read`]; [`Error::Parameter`] where not exactly one table is named
    /// (join the tables first: their taxa must be one vocabulary and their samples unique).
    pub fn read_patients(&self, data: &Path) -> Result<PatientCohort> {
        if self.patients.is_empty() {
            return Err(Error::parameter(
                "patients",
                "expected a table of patients, found none",
            ));
        }
        let cohorts = self.patients.iter().map(|source| source.read(data));
        PatientCohort::join(&cohorts.collect::<Result<Vec<_>>>()?)
    }

    /// Reads the transplants at a rank; tables of genera are left out at species level.
    ///
    /// # Errors
    /// Those of [`TransplantSource::read`].
    pub fn read_transplants(&self, data: &Path, target: Target) -> Result<Vec<Cohort>> {
        self.transplants
            .iter()
            .filter(|source| target == Target::Genus || source.rank == Target::Species)
            .map(|source| source.read(data, target))
            .collect()
    }
}

/// Adds the length and the content of a file to a digest, as long as it was when it was opened.
fn add_file(digest: &mut Digest, path: &Path) -> std::io::Result<()> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    digest.add(&length.to_le_bytes());
    let mut content = BufReader::new(file.take(length));
    loop {
        let part = content.fill_buf()?;
        if part.is_empty() {
            return Ok(());
        }
        digest.add(part);
        let n = part.len();
        content.consume(n);
    }
}
