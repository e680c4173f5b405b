//! BIOM 1.0: one JSON object, observations × samples, sparse or dense.

use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::draft::{Draft, with_lineage};
use super::leaf::Hierarchy;
use super::source::Source;
use super::units::UnitRule;
use crate::profile::{CsrMatrix, Taxon};
use crate::{Error, Result};

/// Memory of a value while it is read, whatever it is.
const VALUE_BYTES: u64 = 64;

/// Whether the text begins as a JSON object does.
pub(super) fn is_biom_json(head: &[u8]) -> bool {
    head.trim_ascii_start().starts_with(b"{")
}

#[derive(Deserialize)]
struct Biom {
    /// Required by the format, though what it says (`OTU table`) does not matter here.
    #[serde(rename = "type")]
    _kind: IgnoredAny,
    /// Tables of biom-format 2 may lack it; they are sparse.
    #[serde(default)]
    matrix_type: MatrixType,
    shape: (usize, usize),
    rows: Vec<Axis>,
    columns: Vec<Axis>,
    data: Numbers,
}

#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "lowercase")]
enum MatrixType {
    #[default]
    Sparse,
    Dense,
}

#[derive(Deserialize)]
struct Axis {
    id: Id,
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(u64),
}

impl Id {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Metadata {
    Fields {
        #[serde(default, alias = "Taxonomy")]
        taxonomy: Option<Taxonomy>,
    },
    Other(IgnoredAny),
}

/// A list of names, or one text; phyloseq and others write both, some with stray quotes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Taxonomy {
    List(Vec<Option<String>>),
    Text(String),
    Other(IgnoredAny),
}

/// A list of lists of numbers, kept flat: a `Vec` for each of a million triples would not do.
#[derive(Default)]
struct Numbers {
    flat: Vec<f64>,
    ends: Vec<usize>,
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Outer;
        impl<'de> Visitor<'de> for Outer {
            type Value = Numbers;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of lists of numbers")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Numbers, A::Error> {
                let mut numbers = Numbers::default();
                while rows.next_element_seed(Inner(&mut numbers.flat))?.is_some() {
                    numbers.ends.push(numbers.flat.len());
                }
                Ok(numbers)
            }
        }
        deserializer.deserialize_seq(Outer)
    }
}

struct Inner<'a>(&'a mut Vec<f64>);

impl<'de> DeserializeSeed<'de> for Inner<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Inner<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<(), A::Error> {
        while let Some(number) = numbers.next_element::<f64>()? {
            self.0.push(number);
        }
        Ok(())
    }
}

/// Reads a BIOM 1.0 table.
pub(super) fn read(source: Source<'_>) -> Result<Draft> {
    let path = source.path().to_path_buf();
    let held = source.hold()?;
    held.allowance
        .check_parts(&held.bytes, b"[{,", VALUE_BYTES)
        .map_err(|message| Error::file(&path, message))?;
    let biom: Biom = serde_json::from_slice(&held.bytes).map_err(|source| Error::File {
        path: path.clone(),
        line: Some(source.line() as u64),
        message: "expected a BIOM 1.0 table with type, shape, rows, columns and data".to_owned(),
        source: Some(Box::new(source)),
    })?;
    drop(held);
    to_draft(biom).map_err(|message| Error::file(&path, message))
}

fn to_draft(biom: Biom) -> Result<Draft, String> {
    let (n_taxa, n_samples) = biom.shape;
    if (n_taxa, n_samples) != (biom.rows.len(), biom.columns.len()) {
        return Err(format!(
            "`shape` is {n_taxa} × {n_samples}, but there are {} rows and {} columns",
            biom.rows.len(),
            biom.columns.len()
        ));
    }
    let mut by_taxon: Vec<Vec<(u32, f64)>> = vec![Vec::new(); n_taxa];
    let mut start = 0;
    for (entry, &end) in biom.data.ends.iter().enumerate() {
        let numbers = biom.data.flat.get(start..end).unwrap_or_default();
        start = end;
        match (biom.matrix_type, numbers) {
            (MatrixType::Sparse, &[taxon, sample, value]) => {
                let place = index(taxon, n_taxa).zip(index(sample, n_samples));
                let (taxon, sample) = place.ok_or_else(|| {
                    format!(
                        "entry {entry} is at row {taxon}, column {sample}, outside the shape \
                         {n_taxa} × {n_samples}"
                    )
                })?;
                if let Some(row) = by_taxon.get_mut(taxon) {
                    row.push((sample as u32, value));
                }
            }
            (MatrixType::Dense, values) if values.len() == n_samples => {
                let row = by_taxon
                    .get_mut(entry)
                    .ok_or_else(|| format!("more than the {n_taxa} rows of `shape`"))?;
                row.extend(
                    (0..)
                        .zip(values.iter().copied())
                        .filter(|(_, value)| *value != 0.0),
                );
            }
            (MatrixType::Sparse, numbers) => {
                return Err(format!(
                    "entry {entry}: expected row, column and value, found {} numbers",
                    numbers.len()
                ));
            }
            (MatrixType::Dense, values) => {
                return Err(format!(
                    "row {entry}: expected {n_samples} values, found {}",
                    values.len()
                ));
            }
        }
    }
    let matrix = CsrMatrix::from_rows(n_samples, by_taxon).map_err(|error| error.to_string())?;
    let samples = biom
        .columns
        .into_iter()
        .map(|axis| axis.id.into_text())
        .collect();
    let taxa = biom.rows.into_iter().map(taxon).collect();
    let mut draft = Draft::new(samples, taxa, matrix);
    draft.unit = UnitRule::CountIfWhole;
    draft.hierarchy = Hierarchy::Leaves;
    Ok(draft)
}

fn index(number: f64, limit: usize) -> Option<usize> {
    (number >= 0.0 && number.fract() == 0.0 && number < limit as f64).then_some(number as usize)
}

fn taxon(axis: Axis) -> Taxon {
    let id = axis.id.into_text();
    match axis.metadata {
        Some(Metadata::Fields {
            taxonomy: Some(Taxonomy::List(names)),
        }) => {
            let names: Vec<String> = names.into_iter().map(Option::unwrap_or_default).collect();
            with_lineage(id, &names.join(";"))
        }
        Some(Metadata::Fields {
            taxonomy: Some(Taxonomy::Text(text)),
        }) => with_lineage(id, &text),
        Some(
            Metadata::Fields {
                taxonomy: Some(Taxonomy::Other(_)) | None,
            }
            | Metadata::Other(_),
        )
        | None => Taxon::new(id),
    }
}
