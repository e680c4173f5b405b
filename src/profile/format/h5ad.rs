//! AnnData from 0.5 to 0.13: samples in `obs`, taxa in `var`, abundances in `X`, a layer, or
//! `raw/X`.

use hdf5_reader::Datatype;

use super::ReadOptions;
use super::draft::{Draft, with_lineage};
use super::hdf5::Hdf5;
use super::units::UnitRule;
use crate::profile::{CsrMatrix, Taxon};
use crate::{Error, Result};

/// Columns of `var` that hold a lineage, in the order in which they are looked for.
const LINEAGES: [&str; 6] = ["lineage", "taxonomy", "Taxon", "taxon", "tax", "clade_name"];

/// Whether the file is laid out as AnnData.
pub(super) fn is_anndata(file: &Hdf5) -> bool {
    ["obs", "var"]
        .iter()
        .all(|name| file.group(name).is_some() || file.dataset(name).is_some())
}

/// Reads the matrix that `options.layer` names.
pub(super) fn read(file: &Hdf5, options: &ReadOptions) -> Result<Draft> {
    let layer = options.layer.as_deref().unwrap_or("X");
    let (matrix, var) = match layer {
        "X" => ("X".to_owned(), "var"),
        "raw/X" | "raw" if file.group("raw.X").is_some() => ("raw.X".to_owned(), "raw.var"),
        "raw/X" | "raw" => ("raw/X".to_owned(), "raw/var"),
        name => (format!("layers/{name}"), "var"),
    };
    let samples = index(file, "obs")?;
    let ids = index(file, var)?;
    let abundance = abundance(file, &matrix, samples.len(), ids.len())?;
    let mut draft = Draft::new(samples, taxa(file, var, ids), abundance.transpose());
    draft.unit = UnitRule::FromSumsOrWord;
    Ok(draft)
}

/// The names of the rows of `obs` or `var`.
fn index(file: &Hdf5, table: &str) -> Result<Vec<String>> {
    if file.dataset(table).is_some() {
        return file
            .texts_of_field(table, "index")
            .or_else(|_| file.texts_of_field(table, "_index"));
    }
    let group = file
        .group(table)
        .ok_or_else(|| Error::file(file.path(), format!("the file has no table `{table}`")))?;
    let named = Hdf5::attribute_texts(&group, "_index");
    let name = named.first().map_or("_index", String::as_str);
    file.texts(&format!("{table}/{name}"))
}

fn taxa(file: &Hdf5, var: &str, ids: Vec<String>) -> Vec<Taxon> {
    let lineages = LINEAGES
        .iter()
        .filter(|_| file.group(var).is_some())
        .find_map(|name| column(file, &format!("{var}/{name}")))
        .filter(|lineages| lineages.len() == ids.len());
    match lineages {
        Some(lineages) => ids
            .into_iter()
            .zip(lineages)
            .map(|(id, lineage)| with_lineage(id, &lineage))
            .collect(),
        None => ids.into_iter().map(Taxon::new).collect(),
    }
}

/// A column of texts, plain or categorical.
fn column(file: &Hdf5, path: &str) -> Option<Vec<String>> {
    let codes = format!("{path}/codes");
    if file.dataset(&codes).is_none() {
        return file.texts(path).ok();
    }
    let categories = file.texts(&format!("{path}/categories")).ok()?;
    let codes = file.numbers(&codes).ok()?;
    let text = |code: f64| {
        let known = (code >= 0.0)
            .then(|| categories.get(code as usize))
            .flatten();
        known.cloned().unwrap_or_default()
    };
    Some(codes.into_iter().map(text).collect())
}

fn abundance(file: &Hdf5, path: &str, n_samples: usize, n_taxa: usize) -> Result<CsrMatrix> {
    if let Some(dataset) = file.dataset(path) {
        if !matches!(
            dataset.dtype(),
            Datatype::FloatingPoint { .. } | Datatype::FixedPoint { .. }
        ) {
            return Err(Error::file(
                file.path(),
                format!("`{path}` does not hold numbers"),
            ));
        }
        return dense(file, path, n_samples, n_taxa);
    }
    let group = file.group(path).ok_or_else(|| {
        let others = layers(file);
        Error::file(
            file.path(),
            format!("the file has no matrix `{path}`; set `layer` to one of: {others}"),
        )
    })?;
    let kinds = ["encoding-type", "h5sparse_format"];
    let kind = kinds
        .iter()
        .find_map(|name| Hdf5::attribute_texts(&group, name).pop());
    if kind.is_some_and(|kind| kind.starts_with("csc")) {
        Ok(file.compressed(path, n_taxa, n_samples)?.transpose())
    } else {
        file.compressed(path, n_samples, n_taxa)
    }
}

fn layers(file: &Hdf5) -> String {
    let names = file
        .group("layers")
        .and_then(|group| group.member_names().ok());
    let (groups, datasets) = names.unwrap_or_default();
    let mut names: Vec<String> = groups
        .into_iter()
        .chain(datasets)
        .map(|n| format!("`{n}`"))
        .collect();
    if ["raw/X", "raw.X"]
        .iter()
        .any(|path| file.group(path).is_some())
    {
        names.push("`raw/X`".to_owned());
    }
    if names.is_empty() {
        "none there are".to_owned()
    } else {
        names.join(", ")
    }
}

fn dense(file: &Hdf5, path: &str, n_samples: usize, n_taxa: usize) -> Result<CsrMatrix> {
    let shape = file.shape(path).unwrap_or_default();
    if shape != [n_samples as u64, n_taxa as u64] {
        return Err(Error::file(
            file.path(),
            format!("`{path}` has the shape {shape:?} for {n_samples} samples and {n_taxa} taxa"),
        ));
    }
    let values = file.numbers(path)?;
    let rows = values.chunks(n_taxa.max(1)).map(|row| {
        let row = (0_u32..).zip(row.iter().copied());
        row.filter(|(_, value)| *value != 0.0).collect()
    });
    CsrMatrix::from_rows(n_taxa, rows.collect()).map_err(|error| error.at_path(file.path()))
}
