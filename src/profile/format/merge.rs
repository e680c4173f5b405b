//! Tables of several files → one, where they speak of the same thing.

use std::collections::HashMap;
use std::path::Path;

use crate::profile::{Completeness, CsrMatrix, ProfileTable, SampleId, Taxon};
use crate::{Error, Result};

/// Joins tables over the union of their taxa, matched by label.
///
/// # Errors
/// [`Error::Parameter`] for no tables; [`Error::Unit`] or [`Error::Vocabulary`] naming two files
/// that differ; [`Error::Table`] for a sample in two files.
pub(super) fn merge(paths: &[&Path], tables: &[&ProfileTable]) -> Result<ProfileTable> {
    let (Some(first), Some(first_path)) = (tables.first(), paths.first()) else {
        return Err(Error::parameter("tables", "expected at least one"));
    };
    for (table, path) in tables.iter().zip(paths) {
        agree(first, first_path, table, path)?;
    }
    let mut columns: HashMap<&str, u32> = HashMap::new();
    let mut taxa: Vec<Taxon> = Vec::new();
    let mut samples: Vec<SampleId> = Vec::new();
    let mut rows = Vec::new();
    for table in tables {
        let targets: Vec<u32> = table
            .taxa()
            .iter()
            .map(|taxon| {
                *columns.entry(taxon.label()).or_insert_with(|| {
                    taxa.push(taxon.clone());
                    taxa.len() as u32 - 1
                })
            })
            .collect();
        samples.extend_from_slice(table.samples());
        rows.extend(table.abundance().rows().map(|(indices, values)| {
            let targets = indices
                .iter()
                .filter_map(|&index| targets.get(index as usize));
            targets
                .copied()
                .zip(values.iter().copied())
                .collect::<Vec<_>>()
        }));
    }
    let filtered = tables
        .iter()
        .any(|t| t.completeness() == Completeness::Filtered);
    let mut builder = ProfileTable::builder(first.unit())
        .matrix(samples, CsrMatrix::from_rows(taxa.len(), rows)?)
        .taxa(taxa)
        .vocabulary(first.vocabulary().clone())
        .completeness(if filtered {
            Completeness::Filtered
        } else {
            Completeness::Complete
        })
        .unclassified(
            tables
                .iter()
                .flat_map(|t| t.unclassified().to_vec())
                .collect(),
        );
    for (table, path) in tables.iter().zip(paths) {
        for note in table.notes() {
            builder = builder.note(format!("`{}`: {note}", path.display()));
        }
    }
    builder.build()
}

fn agree(
    one: &ProfileTable,
    one_path: &Path,
    other: &ProfileTable,
    other_path: &Path,
) -> Result<()> {
    if one.vocabulary() != other.vocabulary() {
        return Err(Error::vocabulary(format!(
            "`{}` is in the vocabulary {}, `{}` in {}: harmonize them before joining",
            one_path.display(),
            one.vocabulary(),
            other_path.display(),
            other.vocabulary()
        )));
    }
    if one.unit() != other.unit() {
        return Err(Error::unit(format!(
            "`{}` is in {}, `{}` in {}: bring them to one unit before joining",
            one_path.display(),
            one.unit(),
            other_path.display(),
            other.unit()
        )));
    }
    Ok(())
}
