//! After the transplant: what engrafted, stayed and was lost.

use std::path::PathBuf;
use std::sync::Arc;

use donormatch::cohort::{Cohort, ColumnNames};
use donormatch::explanation::follow_up::{
    FOLLOW_UP_COLUMNS, FollowUpParams, FollowUpReport, follow_up as followed_up,
    read_untransplanted,
};
use donormatch::explanation::report::follow_up_page;
use donormatch::output::{Access, write_bytes};
use donormatch::ranking::target_of;
use donormatch::taxonomy::{HarmonizeParams, harmonize};
use pyo3::prelude::*;

use crate::error::Result;
use crate::matcher::{Metadata, PyMatcher};
use crate::profiles::PyProfiles;
use crate::runtime::{long, short};
use crate::settings;

/// Transplants followed up.
#[pyclass(frozen, name = "FollowUpReport", module = "donormatch._core")]
#[derive(Debug)]
pub struct PyFollowUpReport(FollowUpReport);

/// Follows up the transplants of a table of metadata; with a matcher, beside what it predicted.
#[pyfunction]
pub fn follow_up(
    py: Python<'_>,
    profiles: &PyProfiles,
    transplants: Metadata,
    columns: &str,
    params: &str,
    matcher: Option<Py<PyMatcher>>,
) -> Result<PyFollowUpReport> {
    let params: FollowUpParams = settings::parse(params)?;
    let names: ColumnNames = settings::parse(columns)?;
    let profiles = profiles.0.clone();
    let matcher = matcher.map(|matcher| Arc::clone(&matcher.get().0));
    long(py, move || {
        let metadata = transplants.into_table()?.with_names(names);
        let untransplanted = read_untransplanted(&metadata)?;
        let harmonized = match &matcher {
            None => None,
            Some(matcher) => {
                let target = HarmonizeParams::new(target_of(matcher)?);
                Some((&**matcher, harmonize(&profiles, &target)?.0))
            }
        };
        let expected = harmonized
            .as_ref()
            .map(|(matcher, table)| (*matcher, table));
        let cohort = Cohort::from_metadata(&metadata, profiles.clone())?;
        followed_up(&cohort, &untransplanted, expected, &params).map(PyFollowUpReport)
    })
}

#[pymethods]
impl PyFollowUpReport {
    /// The columns of the table, in order.
    #[classattr]
    const COLUMNS: [&'static str; FOLLOW_UP_COLUMNS.len()] = FOLLOW_UP_COLUMNS;

    /// Everything as JSON.
    fn to_json(&self) -> Result<String> {
        Ok(self.0.to_json()?)
    }

    /// The table as tab-separated text, safe to open in a spreadsheet.
    fn to_tsv(&self) -> Result<String> {
        Ok(self.0.to_tsv()?)
    }

    /// One self-contained page.
    fn to_html(&self) -> String {
        follow_up_page(&self.0)
    }

    /// Writes the page to a file, whole or not at all; gives it.
    fn write_html(&self, py: Python<'_>, path: PathBuf, access: &str) -> Result<String> {
        let access: Access = settings::word("access", access)?;
        let page = self.to_html();
        short(py, || write_bytes(path, page.as_bytes(), access))?;
        Ok(page)
    }

    /// How many were followed up and what was found, in a line.
    fn verdict(&self) -> String {
        self.0.verdict()
    }
}
