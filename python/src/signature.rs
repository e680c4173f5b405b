//! Named lists of taxa, and what a table holds of them.

use std::path::PathBuf;

use donormatch::profile::Taxon;
use donormatch::taxonomy::{self, MemberStatus, Membership, Signature};
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use serde::Serialize;

use crate::error::Result;
use crate::profiles::PyProfiles;
use crate::runtime::short;
use crate::settings;

/// The names of the built-in signatures.
#[pyfunction]
pub fn signature_names() -> Vec<&'static str> {
    taxonomy::signature_names().collect()
}

/// The built-in signature of this name, as JSON.
#[pyfunction]
pub fn signature(name: &str) -> Result<String> {
    settings::json(&taxonomy::signature(name)?)
}

/// All built-in signatures, as a JSON list.
#[pyfunction]
pub fn signatures() -> Result<String> {
    settings::json(&taxonomy::signatures())
}

/// A signature from a file of the user's own, as JSON.
#[pyfunction]
pub fn read_signature(py: Python<'_>, path: PathBuf) -> Result<String> {
    settings::json(&short(py, || Signature::read(path))?)
}

/// A signature from text, as JSON.
#[pyfunction]
pub fn parse_signature(text: &str) -> Result<String> {
    settings::json(&Signature::parse(text)?)
}

/// A membership as JSON; of each sample, the members present and the fraction they hold.
type Found<'py> = (String, Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<f64>>);

/// What a table holds of each signature of a JSON list.
#[pyfunction]
pub fn memberships<'py>(
    py: Python<'py>,
    profiles: &PyProfiles,
    signatures: &str,
) -> Result<Vec<Found<'py>>> {
    let signatures: Vec<Signature> = settings::list("signatures", signatures)?;
    let table = &profiles.0;
    let found = short(py, || {
        let laid = taxonomy::memberships(&signatures, table);
        let counted = laid.into_iter().map(|membership| {
            let (n_present, fraction) = (
                membership.n_present(table),
                membership.summed_fraction(table),
            );
            (membership, n_present, fraction)
        });
        Ok(counted.collect::<Vec<_>>())
    })?;
    found
        .into_iter()
        .map(|(membership, n_present, fraction)| {
            let n_present: Vec<i64> = n_present.into_iter().map(|n| n as i64).collect();
            Ok((
                described(&membership, table.taxa())?,
                n_present.into_pyarray(py),
                fraction.into_pyarray(py),
            ))
        })
        .collect()
}

/// A membership with the labels of its columns in place of their numbers.
#[derive(Serialize)]
struct MembershipRecord<'a> {
    signature: &'a str,
    version: u32,
    members: &'a [String],
    taxa: Vec<Vec<&'a str>>,
    status: &'a [MemberStatus],
    reaches_species: bool,
}

fn described(membership: &Membership, taxa: &[Taxon]) -> Result<String> {
    let labels = |columns: &Vec<u32>| {
        let columns = columns.iter();
        columns
            .map(|&column| taxa[column as usize].label())
            .collect()
    };
    settings::json(&MembershipRecord {
        signature: &membership.signature,
        version: membership.version,
        members: &membership.members,
        taxa: membership.columns.iter().map(labels).collect(),
        status: &membership.status,
        reaches_species: membership.reaches_species,
    })
}
