//! HDF5 as BIOM and AnnData use it: arrays of numbers and texts, bounded before they are read.

use std::path::{Path, PathBuf};

use hdf5_reader::group::Group;
use hdf5_reader::messages::datatype::{StringSize, VarLenKind};
use hdf5_reader::{Dataset, Datatype, FilterRegistry, Hdf5File, OpenOptions};

use super::ReadLimits;
use super::source::{Held, Source};
use crate::profile::CsrMatrix;
use crate::{Error, Result};

/// The LZF filter that h5py registers; AnnData used it up to 0.7.
const LZF: u16 = 32_000;
/// Numbers that are written out as text, where ids are numbers.
const MAX_NUMERIC_IDS: u64 = 1 << 20;
/// Bytes of an object header; a large one has a few kilobytes.
const HEADER_BYTES: usize = 1 << 20;

/// An open HDF5 file with the limits that hold for it.
pub(super) struct Hdf5 {
    path: PathBuf,
    limits: ReadLimits,
    read_bytes: usize,
    root: Group,
}

impl Hdf5 {
    pub(super) fn open(source: Source<'_>) -> Result<Self> {
        let path = source.path().to_path_buf();
        let limits = source.options().limits.clone();
        Self::from_held(path, limits, source.hold()?)
    }

    fn from_held(path: PathBuf, limits: ReadLimits, held: Held) -> Result<Self> {
        let read_bytes = usize::try_from(limits.unpacked(held.n_packed)).unwrap_or(usize::MAX);
        let chunk_bytes = usize::try_from(limits.chunk_bytes).unwrap_or(usize::MAX);
        let chunk_bytes = chunk_bytes.min(read_bytes);
        let mut filters = FilterRegistry::new();
        filters.register(
            LZF,
            Box::new(move |_, packed, _| {
                lzf(packed, chunk_bytes).ok_or_else(|| {
                    hdf5_reader::error::Error::InvalidData("damaged LZF chunk".to_owned())
                })
            }),
        );
        let options = OpenOptions::default()
            .with_chunk_cache_bytes(0)
            .with_filter_registry(filters)
            .with_max_chunk_bytes(chunk_bytes)
            .with_max_read_bytes(read_bytes)
            .with_max_object_header_bytes(HEADER_BYTES);
        let file = Hdf5File::from_vec_with_options(held.bytes, options)
            .and_then(|file| file.root_group())
            .map_err(|source| failed(&path, "/", source))?;
        Ok(Self {
            path,
            limits,
            read_bytes,
            root: file,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A group by its path from the root, `None` where there is none.
    pub(super) fn group(&self, path: &str) -> Option<Group> {
        let mut group = self.root.clone();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            group = group.group(part).ok()?;
        }
        Some(group)
    }

    /// A dataset by its path from the root, `None` where there is none.
    pub(super) fn dataset(&self, path: &str) -> Option<Dataset> {
        match path.rsplit_once('/') {
            Some((parent, name)) => self.group(parent)?.dataset(name).ok(),
            None => self.root.dataset(path).ok(),
        }
    }

    fn required(&self, path: &str) -> Result<Dataset> {
        self.dataset(path)
            .ok_or_else(|| Error::file(&self.path, format!("the file has no dataset `{path}`")))
    }

    /// The number of elements, where it is within `limit`.
    fn n_elements(&self, dataset: &Dataset, path: &str, limit: u64) -> Result<usize> {
        let n = dataset
            .num_elements()
            .map_err(|source| failed(&self.path, path, source))?;
        if n > limit {
            return Err(Error::file(
                &self.path,
                format!(
                    "`{path}` has {n} elements, more than the {limit} allowed by \
                     `limits.axis` and `limits.nonzeros`"
                ),
            ));
        }
        Ok(n as usize)
    }

    /// All numbers of a dataset, of whatever numeric type.
    pub(super) fn numbers(&self, path: &str) -> Result<Vec<f64>> {
        let dataset = self.required(path)?;
        self.n_elements(&dataset, path, self.limits.nonzeros)?;
        let numbers = match *dataset.dtype() {
            Datatype::FloatingPoint { size: 4, .. } => {
                as_f64(&dataset, f64::from as fn(f32) -> f64)
            }
            Datatype::FloatingPoint { size: 8, .. } => as_f64(&dataset, |value: f64| value),
            Datatype::FixedPoint { size, signed, .. } => match (size, signed) {
                (1, true) => as_f64(&dataset, f64::from as fn(i8) -> f64),
                (1, false) => as_f64(&dataset, f64::from as fn(u8) -> f64),
                (2, true) => as_f64(&dataset, f64::from as fn(i16) -> f64),
                (2, false) => as_f64(&dataset, f64::from as fn(u16) -> f64),
                (4, true) => as_f64(&dataset, f64::from as fn(i32) -> f64),
                (4, false) => as_f64(&dataset, f64::from as fn(u32) -> f64),
                (8, true) => as_f64(&dataset, |value: i64| value as f64),
                (8, false) => as_f64(&dataset, |value: u64| value as f64),
                _ => return Err(self.no_numbers(path)),
            },
            _ => return Err(self.no_numbers(path)),
        };
        numbers.map_err(|source| failed(&self.path, path, source))
    }

    fn no_numbers(&self, path: &str) -> Error {
        Error::file(&self.path, format!("`{path}` does not hold numbers"))
    }

    /// All numbers of a dataset as places in an array.
    fn places(&self, path: &str) -> Result<Vec<usize>> {
        self.numbers(path)?
            .into_iter()
            .map(|number| {
                let is_place = number >= 0.0 && number.fract() == 0.0 && number < 1e15;
                is_place.then_some(number as usize).ok_or_else(|| {
                    Error::file(
                        &self.path,
                        format!("`{path}`: expected places in an array, found {number}"),
                    )
                })
            })
            .collect()
    }

    /// The texts of a dataset; of a `nullable-string-array` group its `values`; numbers as text.
    pub(super) fn texts(&self, path: &str) -> Result<Vec<String>> {
        let nested = format!("{path}/values");
        let (path, dataset) = match self.dataset(path) {
            Some(dataset) => (path, dataset),
            None => (nested.as_str(), self.required(&nested)?),
        };
        let most = self.limits.axis as u64 * 32;
        let n = self.n_elements(&dataset, path, most)?;
        let texts = match dataset.dtype() {
            Datatype::String {
                size: StringSize::Fixed(1..),
                ..
            } => dataset
                .read_strings()
                .map_err(|source| failed(&self.path, path, source))?,
            Datatype::String {
                size: StringSize::Variable,
                ..
            }
            | Datatype::VarLen {
                kind: VarLenKind::String,
                ..
            } => self.variable_texts(&dataset, path, n)?,
            _ => {
                self.n_elements(&dataset, path, MAX_NUMERIC_IDS)?;
                let numbers = self.numbers(path)?;
                numbers.iter().map(ToString::to_string).collect()
            }
        };
        match texts
            .iter()
            .find(|text| text.len() > self.limits.label_bytes)
        {
            Some(text) => Err(self.too_long(path, text.len())),
            None => Ok(texts),
        }
    }

    /// Texts of variable length. A small file may refer to one long text a million times, so
    /// lengths are summed before each is fetched.
    fn variable_texts(&self, dataset: &Dataset, path: &str, n: usize) -> Result<Vec<String>> {
        let at = |source| failed(&self.path, path, source);
        let references = dataset.read_raw_bytes().map_err(at)?;
        let width = dataset.vlen_reference_size().max(4);
        let mut budget = self.read_bytes;
        let mut texts = Vec::new();
        for reference in references.chunks_exact(width).take(n) {
            let length: [u8; 4] = reference
                .get(..4)
                .and_then(|bytes| bytes.try_into().ok())
                .unwrap_or_default();
            let length = u32::from_le_bytes(length) as usize;
            if length > self.limits.label_bytes {
                return Err(self.too_long(path, length));
            }
            budget = budget
                .checked_sub(length + size_of::<String>())
                .ok_or_else(|| {
                    Error::file(
                        &self.path,
                        format!(
                            "the texts of `{path}` take more than allowed by `limits.expansion`"
                        ),
                    )
                })?;
            let mut bytes = dataset
                .resolve_vlen_reference_bytes(reference, 1)
                .map_err(at)?;
            while bytes.last() == Some(&0) {
                bytes.pop();
            }
            texts.push(String::from_utf8(bytes).map_err(|_| {
                Error::file(
                    &self.path,
                    format!("`{path}` holds a text that is not UTF-8"),
                )
            })?);
        }
        Ok(texts)
    }

    fn too_long(&self, path: &str, length: usize) -> Error {
        Error::file(
            &self.path,
            format!("`{path}` holds a text of {length} bytes, more than `limits.label_bytes`"),
        )
    }

    /// The texts of one field of a compound dataset, as AnnData wrote tables before 0.7.
    pub(super) fn texts_of_field(&self, path: &str, field: &str) -> Result<Vec<String>> {
        let dataset = self.required(path)?;
        let n = self.n_elements(&dataset, path, self.limits.axis as u64)?;
        let refused = || {
            Error::file(
                &self.path,
                format!("`{path}` has no field `{field}` of fixed-width text"),
            )
        };
        let Datatype::Compound { size, fields } = dataset.dtype() else {
            return Err(refused());
        };
        let found = fields
            .iter()
            .find(|candidate| candidate.name == field)
            .ok_or_else(refused)?;
        let Datatype::String {
            size: StringSize::Fixed(width),
            ..
        } = &found.datatype
        else {
            return Err(refused());
        };
        let (size, start, width) = (*size as usize, found.byte_offset as usize, *width as usize);
        if size == 0 {
            return Err(refused());
        }
        let raw = dataset
            .read_raw_bytes()
            .map_err(|source| failed(&self.path, path, source))?;
        let texts: Vec<String> = raw
            .chunks_exact(size)
            .take(n)
            .map(|record| {
                let bytes = record.get(start..start + width).unwrap_or_default();
                let end = bytes
                    .iter()
                    .position(|&byte| byte == 0)
                    .unwrap_or(bytes.len());
                String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
            })
            .collect();
        Ok(texts)
    }

    pub(super) fn shape(&self, path: &str) -> Option<Vec<u64>> {
        self.dataset(path).map(|dataset| dataset.shape().to_vec())
    }

    /// An attribute of a group as texts; scalars and arrays of length 1 are the same.
    pub(super) fn attribute_texts(group: &Group, name: &str) -> Vec<String> {
        let attribute = group.attribute(name);
        attribute
            .and_then(|attribute| {
                attribute
                    .read_strings()
                    .or_else(|_| attribute.read_string().map(|text| vec![text]))
            })
            .unwrap_or_default()
    }

    /// Compressed rows (or columns) from the datasets `data`, `indices` and `indptr` of a group.
    pub(super) fn compressed(
        &self,
        group: &str,
        n_major: usize,
        n_minor: usize,
    ) -> Result<CsrMatrix> {
        let at = |name: &str| format!("{group}/{name}");
        let indptr = self.places(&at("indptr"))?;
        let indices = self.places(&at("indices"))?;
        let values = self.numbers(&at("data"))?;
        let broken = |message: String| Error::file(&self.path, format!("`{group}`: {message}"));
        if indptr.len() != n_major + 1 {
            return Err(broken(format!(
                "expected {} row bounds, found {}",
                n_major + 1,
                indptr.len()
            )));
        }
        if indptr.first() != Some(&0) || indptr.last() != Some(&values.len()) {
            return Err(broken(format!(
                "row bounds do not run from 0 to {}",
                values.len()
            )));
        }
        if indices.len() != values.len() {
            return Err(broken(format!(
                "{} places for {} values",
                indices.len(),
                values.len()
            )));
        }
        if let Some(place) = indices.iter().find(|&&place| place >= n_minor) {
            return Err(broken(format!(
                "place {place} lies beyond the {n_minor} there are"
            )));
        }
        let mut rows = Vec::with_capacity(n_major);
        for bounds in indptr.windows(2) {
            let (&[start, end], true) = (bounds, bounds.is_sorted()) else {
                return Err(broken("row bounds fall".to_owned()));
            };
            let places = indices.get(start..end).unwrap_or_default();
            let values = values.get(start..end).unwrap_or_default();
            let row = places.iter().map(|&place| place as u32);
            rows.push(row.zip(values.iter().copied()).collect::<Vec<_>>());
        }
        CsrMatrix::from_rows(n_minor, rows).map_err(|error| broken(error.to_string()))
    }
}

fn as_f64<T: hdf5_reader::H5Type + Copy>(
    dataset: &Dataset,
    widen: fn(T) -> f64,
) -> Result<Vec<f64>, hdf5_reader::error::Error> {
    let array = dataset.read_array::<T>()?;
    Ok(array.iter().map(|&value| widen(value)).collect())
}

fn failed(path: &Path, name: &str, source: hdf5_reader::error::Error) -> Error {
    Error::File {
        path: path.to_path_buf(),
        line: None,
        message: format!(
            "the HDF5 object `{name}` is damaged, or takes more than allowed by `limits.expansion` and \
             `limits.chunk_bytes`"
        ),
        source: Some(Box::new(source)),
    }
}

/// Undoes LZF: runs of literals, and copies of what came before.
fn lzf(packed: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut bytes = packed.iter().copied();
    let mut unpacked: Vec<u8> = Vec::with_capacity(packed.len().saturating_mul(2).min(limit));
    while let Some(control) = bytes.next() {
        let control = usize::from(control);
        if control < 32 {
            for _ in 0..=control {
                unpacked.push(bytes.next()?);
            }
        } else {
            let mut length = control >> 5;
            if length == 7 {
                length += usize::from(bytes.next()?);
            }
            let back = ((control & 0x1f) << 8) + usize::from(bytes.next()?) + 1;
            let start = unpacked.len().checked_sub(back)?;
            for at in start..start + length + 2 {
                unpacked.push(*unpacked.get(at)?);
            }
        }
        if unpacked.len() > limit {
            return None;
        }
    }
    Some(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lzf_literals_and_copies_are_undone() {
        // Three literals, then a copy of 4 bytes from 3 back (which overlaps itself).
        assert_eq!(lzf(b"\x02abc\x40\x02", 100).unwrap(), b"abcabca");
        assert!(lzf(b"\x40\x02", 100).is_none());
        assert!(lzf(b"\x02ab", 100).is_none());
        assert!(lzf(b"\x02abc\xe0\xff\x02", 100).is_none());
    }
}
