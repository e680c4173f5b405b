//! [`ProfileTable`] → files that users hand on, written whole or not at all.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ProfileTable;
pub(super) use super::statement::Statement;
use super::statement::{UNCLASSIFIED, statement, unclassified};
use crate::output::{Access, OutputFile, write_whole};
use crate::{Error, Result};

/// A format that [`write()`] knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WriteFormat {
    /// Tab-separated text, one sample a row. The first line is
    /// `#donormatch unit=… completeness=… vocabulary=…`, the second the header `sample_id` and the
    /// labels of the taxa; a last column `UNCLASSIFIED`, in the unit of the table, where any
    /// sample has unclassified abundance. A lineage that the label does not show is not written.
    Tsv,
    /// Parquet, one sample a row: `sample_id`, then a column of doubles per taxon; unit,
    /// completeness and vocabulary in the metadata of the file, lineages in that of the columns.
    Parquet,
}

/// Writes a table to a file, which [`read`](super::read) reads back with the same samples, taxa,
/// unit, vocabulary and, bit for bit, abundances.
///
/// Written as every result is (see [`output`](crate::output)): a reader never sees half a table, and
/// a failed write leaves what was there before.
///
/// # Errors
/// [`Error::Io`] from the operating system; [`Error::Table`] for a label with a line break, which
/// TSV cannot hold; [`Error::Parameter`] for Parquet without the feature `containers`.
///
/// # Examples
/// ```
/// use donormatch::profile::{ProfileTable, ReadOptions, Taxon, Unit, WriteFormat, read, write};
///
/// let table = ProfileTable::builder(Unit::Percent)
///     .taxa(["s__Segatella_copri", "s__Blautia_obeum"].map(Taxon::new))
///     .sample("donor_1", vec![(0, 60.0), (1, 12.5)])
///     .build()?;
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("donors.tsv");
/// write(&path, &table, WriteFormat::Tsv)?;
/// let again = read(&path, &ReadOptions::default())?;
/// assert_eq!(again.abundance(), table.abundance());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write(path: impl AsRef<Path>, table: &ProfileTable, format: WriteFormat) -> Result<()> {
    let path = path.as_ref();
    match format {
        WriteFormat::Tsv => write_whole(path, Access::Shared, |file| write_tsv(file, table)),
        #[cfg(feature = "containers")]
        WriteFormat::Parquet => write_whole(path, Access::Shared, |file| {
            super::parquet::write(file, path, table)
        }),
        #[cfg(not(feature = "containers"))]
        WriteFormat::Parquet => Err(Error::parameter(
            "format",
            "writing Parquet needs the feature `containers`, which was left out",
        )),
    }
}

/// The table as [`WriteFormat::Tsv`] into a file.
pub(crate) fn write_tsv(out: &mut OutputFile, table: &ProfileTable) -> Result<()> {
    let unclassified = unclassified(table);
    let mut text = String::from("#donormatch");
    for (key, value) in statement(table) {
        text.extend([" ", key, "=", &value.replace(['\n', '\r', '\t'], " ")]);
    }
    text.push_str("\nsample_id");
    for taxon in table.taxa() {
        text.push('\t');
        text.push_str(&field(taxon.label())?);
    }
    if unclassified.is_some() {
        text.push('\t');
        text.push_str(UNCLASSIFIED);
    }
    text.push('\n');
    out.put(text.as_bytes())?;
    for (row, (sample, (columns, values))) in table
        .samples()
        .iter()
        .zip(table.abundance().rows())
        .enumerate()
    {
        text.clear();
        text.push_str(&field(sample.as_str())?);
        let mut next = 0;
        for (&column, &value) in columns.iter().zip(values) {
            text.push_str(&"\t0".repeat(column as usize - next));
            text.push('\t');
            push_number(&mut text, value);
            next = column as usize + 1;
        }
        text.push_str(&"\t0".repeat(table.n_taxa() - next));
        if let Some(&amount) = unclassified.as_ref().and_then(|amounts| amounts.get(row)) {
            text.push('\t');
            push_number(&mut text, amount);
        }
        text.push('\n');
        out.put(text.as_bytes())?;
    }
    Ok(())
}

/// The shortest text that reads back to the same bits.
fn push_number(text: &mut String, value: f64) {
    if value == 0.0 || (1e-5..1e15).contains(&value) {
        text.push_str(&value.to_string());
    } else {
        text.extend([format!("{value:e}")]);
    }
}

/// A label as a field: quoted where it holds a tab or a quote, or would pass for a comment.
fn field(label: &str) -> Result<String> {
    if label.contains(['\n', '\r', '\0']) {
        return Err(Error::table(format!(
            "the label `{}` holds a line break, which TSV cannot hold",
            label.escape_debug()
        )));
    }
    if label.contains(['\t', '"']) || label.starts_with('#') {
        return Ok(format!("\"{}\"", label.replace('"', "\"\"")));
    }
    Ok(label.to_owned())
}
