//! BIOM of either kind, as an artifact holds it.

use super::draft::Draft;
use super::hdf5::Hdf5;
use super::sniff::HDF5;
use super::source::Source;
use super::{biom_hdf5, biom_json};
use crate::Result;

/// Reads a BIOM table, in HDF5 or in JSON.
pub(super) fn read(source: Source<'_>) -> Result<Draft> {
    if source.head().starts_with(HDF5) {
        biom_hdf5::read(&Hdf5::open(source)?)
    } else {
        biom_json::read(source)
    }
}
