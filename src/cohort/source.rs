//! Where cohorts come from: files, the roles of their columns, and what the files leave unsaid.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Cohort, ColumnNames, MetadataTable, PatientCohort};
use crate::profile::{ProfileTable, ReadOptions, read};
use crate::taxonomy::{HarmonizeParams, Target, harmonize};
use crate::{Error, Result};

/// Patients of one or several cohorts: a table of profiles and one of metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatientSource {
    /// The profiles, in any format that [`read`] knows.
    pub profiles: PathBuf,
    /// The metadata.
    pub metadata: PathBuf,
    /// Columns that play a role under another name.
    #[serde(default)]
    pub columns: ColumnNames,
    /// Where a cohort was gathered, for cohorts of which the table does not tell it.
    #[serde(default)]
    pub institutions: BTreeMap<String, String>,
}

/// Transplants of one or several studies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransplantSource {
    /// The profiles of donors, baselines and follow-ups.
    pub profiles: PathBuf,
    /// The table of transplants.
    pub metadata: PathBuf,
    /// Columns that play a role under another name.
    #[serde(default)]
    pub columns: ColumnNames,
    /// The study, where the table has no such column.
    #[serde(default)]
    pub study: Option<String>,
    /// Whether a study gave antibiotics before; a study that is not listed is unknown.
    #[serde(default)]
    pub antibiotics: BTreeMap<String, bool>,
    /// Keep only rows with these values in these columns.
    #[serde(default)]
    pub only: BTreeMap<String, String>,
    /// The deepest rank of the table: genus tables cannot serve a species model.
    #[serde(default)]
    pub rank: Target,
}

impl PatientSource {
    /// Reads, harmonizes to species and joins; paths are taken from `root`.
    ///
    /// # Errors
    /// Those of [`read`], [`harmonize`] and [`PatientCohort::from_metadata`].
    pub fn read(&self, root: &Path) -> Result<PatientCohort> {
        let metadata =
            MetadataTable::read(root.join(&self.metadata))?.with_names(self.columns.clone());
        let profiles = read_harmonized(&root.join(&self.profiles), Target::Species)?;
        let cohort = PatientCohort::from_metadata(&metadata, &profiles)?;
        Ok(cohort.map(|patient| {
            if patient.institution.is_none() {
                patient.institution = self.institutions.get(patient.cohort.as_str()).cloned();
            }
        }))
    }
}

impl TransplantSource {
    /// Reads, harmonizes to `target` and joins; paths are taken from `root`.
    ///
    /// # Errors
    /// Those of [`read`], [`harmonize`] and [`Cohort::from_metadata`]; [`Error::Vocabulary`] where
    /// species are asked of a genus table.
    pub fn read(&self, root: &Path, target: Target) -> Result<Cohort> {
        let path = root.join(&self.profiles);
        if target == Target::Species && self.rank == Target::Genus {
            return Err(
                Error::vocabulary("a genus table cannot be read at species level").at_path(path),
            );
        }
        let mut metadata =
            MetadataTable::read(root.join(&self.metadata))?.with_names(self.columns.clone());
        for (column, value) in &self.only {
            metadata = metadata.keep(column, value)?;
        }
        let cohort = Cohort::from_metadata(&metadata, read_harmonized(&path, target)?)?;
        Ok(cohort.map(|transplant| {
            if let Some(study) = &self.study {
                transplant.study = study.as_str().into();
            }
            if transplant.antibiotics.is_none() {
                transplant.antibiotics = self.antibiotics.get(transplant.study.as_str()).copied();
            }
        }))
    }
}

/// Reads a table and brings it into the vocabulary of the models.
///
/// # Errors
/// Those of [`read`] and [`harmonize`].
pub fn read_harmonized(path: &Path, target: Target) -> Result<ProfileTable> {
    let table = read(path, &ReadOptions::default())?;
    let (table, _) =
        harmonize(&table, &HarmonizeParams::new(target)).map_err(|error| error.at_path(path))?;
    Ok(table)
}
