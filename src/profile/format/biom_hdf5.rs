//! BIOM 2.0 and 2.1: HDF5, observations × samples, stored both ways round.
//!
//! The sample side is read; the observation side must have as many values. Neither `type` nor the
//! metadata groups are needed.

use super::draft::{Draft, with_lineage};
use super::hdf5::Hdf5;
use super::leaf::Hierarchy;
use super::units::UnitRule;
use crate::profile::Taxon;
use crate::{Error, Result};

/// Whether the file is laid out as BIOM.
pub(super) fn is_biom(file: &Hdf5) -> bool {
    file.group("observation").is_some() && file.group("sample").is_some()
}

/// Reads a BIOM table.
pub(super) fn read(file: &Hdf5) -> Result<Draft> {
    let samples = file.texts("sample/ids")?;
    let ids = file.texts("observation/ids")?;
    if samples.is_empty() || ids.is_empty() {
        return Err(Error::file(
            file.path(),
            format!(
                "the table is empty: {} samples, {} taxa",
                samples.len(),
                ids.len()
            ),
        ));
    }
    let matrix = file.compressed("sample/matrix", samples.len(), ids.len())?;
    let [n_sample, n_observation] = ["sample/matrix/data", "observation/matrix/data"]
        .map(|path| file.shape(path).map(|shape| shape.iter().product::<u64>()));
    if n_observation.is_some() && n_observation != n_sample {
        return Err(Error::file(
            file.path(),
            format!(
                "the two sides of the table disagree: {} values by sample, {} by observation; \
                 write it anew with the tool that subset it",
                n_sample.unwrap_or(0),
                n_observation.unwrap_or(0)
            ),
        ));
    }
    let taxa = taxa(file, ids)?;
    let mut draft = Draft::new(samples, taxa, matrix.transpose());
    draft.unit = UnitRule::CountIfWhole;
    draft.hierarchy = Hierarchy::Leaves;
    Ok(draft)
}

/// Ids with the lineages of `observation/metadata/taxonomy`, a text each or one per rank.
fn taxa(file: &Hdf5, ids: Vec<String>) -> Result<Vec<Taxon>> {
    const TAXONOMY: &str = "observation/metadata/taxonomy";
    let Some(shape) = file.shape(TAXONOMY) else {
        return Ok(ids.into_iter().map(Taxon::new).collect());
    };
    let texts = file.texts(TAXONOMY)?;
    let n_ranks = shape.get(1).copied().unwrap_or(1) as usize;
    if n_ranks == 0 || texts.len() != ids.len() * n_ranks {
        return Err(Error::file(
            file.path(),
            format!(
                "`{TAXONOMY}` has {} texts for {} taxa",
                texts.len(),
                ids.len()
            ),
        ));
    }
    let lineages = texts.chunks(n_ranks).map(|names| names.join(";"));
    Ok(ids
        .into_iter()
        .zip(lineages)
        .map(|(id, lineage)| with_lineage(id, lineage.trim_end_matches(';')))
        .collect())
}
