//! Those of a trial who had no stool of a donor: what changes in them changes without a transplant.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::cohort::{MetadataTable, UNNAMED_STUDY};
use crate::profile::{SampleId, StudyId, SubjectId};

/// Arms whose recipients had no stool of a donor.
const ARMS: [&str; 2] = ["placebo", "autologous"];

/// One follow-up of somebody who had placebo or stool of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Untransplanted {
    /// The trial.
    pub study: StudyId,
    /// The subject.
    pub recipient: SubjectId,
    /// The sample before.
    pub baseline: SampleId,
    /// The sample after.
    pub follow_up: SampleId,
}

/// Rows of a table of transplants whose `arm` is `placebo` or `autologous`, with `recipient`,
/// `baseline` and `follow_up`, and `study` where there are several.
///
/// # Errors
/// [`Error::File`](crate::Error::File) where such a row lacks one of them.
pub fn read_untransplanted(table: &MetadataTable) -> Result<Vec<Untransplanted>> {
    let is_one = |row: &usize| {
        table
            .text(*row, "arm")
            .is_some_and(|arm| ARMS.contains(&arm))
    };
    (0..table.n_rows())
        .filter(is_one)
        .map(|row| {
            Ok(Untransplanted {
                study: table.text(row, "study").unwrap_or(UNNAMED_STUDY).into(),
                recipient: table.required(row, "recipient")?.into(),
                baseline: table.required(row, "baseline")?.into(),
                follow_up: table.required(row, "follow_up")?.into(),
            })
        })
        .collect()
}
