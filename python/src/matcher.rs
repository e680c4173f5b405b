//! Cohorts, the matcher, and rankings from it.

use std::path::PathBuf;
use std::sync::Arc;

use donormatch::Error;
use donormatch::cohort::{
    Cohort, ColumnNames, Donors, MetadataNote, MetadataTable, PatientCohort, Treatment,
    TreatmentContext, Treatments, TrialOutcomes,
};
use donormatch::engraftment::{EngraftmentParams, TaxonCounts, TaxonRecord, TransplantPrediction};
use donormatch::evaluation::{self, EngraftmentFolds, ReportParams, ResponseFolds};
use donormatch::evidence::{EvidenceReading, Registry, SiteSummary, UpdateMethod, conflicts};
use donormatch::explanation::explain;
use donormatch::matcher::{
    Matcher, MatcherParams, PredictParams, ResponseParams, SiteParams, UpdateParams,
};
use donormatch::output::Access;
use donormatch::persist::{self, ModelHeader};
use donormatch::profile::{ProfileTable, StudyId};
use donormatch::ranking::{self, RankingJob, RankingParams};
use donormatch::taxonomy::{HarmonizationReport, HarmonizeParams, harmonize};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde::Serialize;

use crate::batches::PyRankingBatches;
use crate::distributed::{PyEngraftmentFolds, PyRankingTask, PyResponseFolds};
use crate::error::Result;
use crate::profiles::PyProfiles;
use crate::ranking::PyRanking;
use crate::runtime::{long, short};
use crate::settings;

/// Where a table of metadata is: a file, or its text.
#[derive(FromPyObject)]
pub enum Metadata {
    /// Tab-separated text of a data frame.
    #[pyo3(transparent)]
    Text(String),
    /// The bytes of a file.
    #[pyo3(transparent)]
    Bytes(Vec<u8>),
    /// A file.
    #[pyo3(transparent)]
    Path(PathBuf),
}

/// Notes on a table of metadata, each with whether to warn of it.
type Notes = Vec<(bool, String)>;

fn told(notes: &[MetadataNote]) -> Notes {
    let one = |note: &MetadataNote| (note.is_warning(), note.to_string());
    notes.iter().map(one).collect()
}

impl Metadata {
    /// The table as it was written.
    pub fn into_table(self) -> donormatch::Result<MetadataTable> {
        match self {
            Self::Text(text) => MetadataTable::parse("<frame>", &text),
            Self::Bytes(bytes) => MetadataTable::read_bytes(&bytes),
            Self::Path(path) => MetadataTable::read(path),
        }
    }
}

/// Transplants joined with the profiles of donors, baselines and follow-ups.
#[pyclass(frozen, name = "Cohort", module = "donormatch._core")]
#[derive(Debug)]
pub struct PyCohort(Cohort);

#[pymethods]
impl PyCohort {
    /// A cohort from a table of transplants; profiles are brought into the models' vocabulary.
    #[new]
    fn new(
        py: Python<'_>,
        metadata: Metadata,
        profiles: &PyProfiles,
        target: &str,
        columns: &str,
    ) -> Result<Self> {
        let params = HarmonizeParams::new(settings::word("target", target)?);
        let names: ColumnNames = settings::parse(columns)?;
        let cohort = short(py, || {
            let table = metadata.into_table()?.with_names(names);
            let (profiles, _) = harmonize(&profiles.0, &params)?;
            Cohort::from_metadata(&table, profiles)
        })?;
        Ok(Self(cohort))
    }

    /// The transplants as a JSON list of records.
    fn transplants(&self) -> Result<String> {
        settings::json(&self.0.transplants())
    }

    /// The rows that could not be used, with the reason.
    #[getter]
    fn skipped(&self) -> Vec<String> {
        self.0.skipped().to_vec()
    }

    /// What was noticed in the source, each with whether to warn of it.
    #[getter]
    fn notes(&self) -> Notes {
        told(self.0.notes())
    }

    fn __len__(&self) -> usize {
        self.0.transplants().len()
    }
}

/// Patients on checkpoint inhibitors joined with their profiles.
#[pyclass(frozen, name = "PatientCohort", module = "donormatch._core")]
#[derive(Debug)]
pub struct PyPatientCohort(PatientCohort);

#[pymethods]
impl PyPatientCohort {
    /// A cohort from a table of patients; profiles are brought into the models' vocabulary.
    #[new]
    fn new(
        py: Python<'_>,
        metadata: Metadata,
        profiles: &PyProfiles,
        target: &str,
        columns: &str,
    ) -> Result<Self> {
        let params = HarmonizeParams::new(settings::word("target", target)?);
        let names: ColumnNames = settings::parse(columns)?;
        let cohort = short(py, || {
            let table = metadata.into_table()?.with_names(names);
            let (profiles, _) = harmonize(&profiles.0, &params)?;
            PatientCohort::from_metadata(&table, &profiles)
        })?;
        Ok(Self(cohort))
    }

    /// The patients as a JSON list of records.
    fn patients(&self) -> Result<String> {
        settings::json(&self.0.patients())
    }

    /// What was noticed in the source, each with whether to warn of it.
    #[getter]
    fn notes(&self) -> Notes {
        told(self.0.notes())
    }

    fn __len__(&self) -> usize {
        self.0.n_rows()
    }
}

/// Regimen, cancer, line and partner by their words; none is open.
type Words = (
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// Tables of metadata, if any: that of donors, that of recipients.
type MetadataOfBoth = (Option<Metadata>, Option<Metadata>);

/// What was noticed in each of two tables.
type NotesOfBoth = (Notes, Notes);

/// The donors of samples as `donor_metadata` says, each sample its own without it, and what was
/// noticed in it.
fn donors_of(samples: ProfileTable, donor_metadata: Option<Metadata>) -> Result<(Donors, Notes)> {
    let Some(metadata) = donor_metadata else {
        return Ok((samples.into(), Notes::new()));
    };
    let donors = Donors::from_metadata(&metadata.into_table()?, samples)?;
    let notes = told(donors.notes());
    Ok((donors, notes))
}

/// A context per recipient, and what was noticed in the metadata of both.
fn contexts(
    recipients: &ProfileTable,
    (regimen, cancer, line, partner): &Words,
    metadata: Option<Metadata>,
) -> Result<(Vec<TreatmentContext>, Notes)> {
    let common = Treatment::parse(
        regimen.as_deref(),
        cancer.as_deref(),
        line.as_deref(),
        partner.as_deref(),
    )?;
    let treatments = match metadata {
        Some(metadata) => Treatments::from_metadata(&metadata.into_table()?)?,
        None => Treatments::default(),
    };
    let samples = recipients.samples();
    let mut notes = told(treatments.notes());
    for recipient in treatments.missing_from(samples) {
        notes.push((true, format!("no profile for recipient `{recipient}`")));
    }
    notes.extend(told(&treatments.defaults(samples, common)));
    Ok((treatments.contexts(samples, common)?, notes))
}

/// What a call that ranks was given.
struct Asked {
    donors: Donors,
    recipients: ProfileTable,
    contexts: Vec<TreatmentContext>,
    notes: NotesOfBoth,
    predict: PredictParams,
    params: RankingParams,
}

/// What is told beside a ranking: the reports of harmonization as JSON, and notes.
struct Told {
    donors: String,
    recipients: String,
    notes: NotesOfBoth,
}

impl Asked {
    /// `settings` are those of the prediction and of the ranking, as JSON.
    fn new(
        donors: &PyProfiles,
        recipients: &PyProfiles,
        treatment: &Words,
        metadata: MetadataOfBoth,
        settings: &(String, String),
    ) -> Result<Self> {
        let (contexts, notes) = contexts(&recipients.0, treatment, metadata.1)?;
        let (donors, donor_notes) = donors_of(donors.0.clone(), metadata.0)?;
        Ok(Self {
            donors,
            recipients: recipients.0.clone(),
            contexts,
            notes: (donor_notes, notes),
            predict: settings::parse(&settings.0)?,
            params: settings::parse(&settings.1)?,
        })
    }

    /// The same in the vocabulary of the matcher.
    fn harmonized(self, matcher: Arc<Matcher>) -> donormatch::Result<(RankingTask, Told)> {
        self.params.check()?;
        let target = HarmonizeParams::new(ranking::target_of(&matcher)?);
        let (profiles, donors_report) = harmonize(self.donors.profiles(), &target)?;
        let donors = self.donors.with_profiles(profiles)?;
        let (recipients, recipients_report) = harmonize(&self.recipients, &target)?;
        let task = RankingTask {
            matcher,
            donors,
            recipients,
            contexts: self.contexts,
            predict: self.predict,
            params: self.params,
        };
        let told = Told {
            donors: report_json(&donors_report)?,
            recipients: report_json(&recipients_report)?,
            notes: self.notes,
        };
        Ok((task, told))
    }
}

fn report_json(report: &HarmonizationReport) -> donormatch::Result<String> {
    serde_json::to_string(report).map_err(|error| Error::table(error.to_string()))
}

/// What a [`RankingJob`] borrows.
#[derive(Debug)]
pub struct RankingTask {
    matcher: Arc<Matcher>,
    pub donors: Donors,
    pub recipients: ProfileTable,
    contexts: Vec<TreatmentContext>,
    predict: PredictParams,
    params: RankingParams,
}

impl RankingTask {
    /// The job, which does the work.
    pub fn job(&self) -> RankingJob<'_> {
        RankingJob {
            matcher: &self.matcher,
            donors: &self.donors,
            recipients: &self.recipients,
            contexts: &self.contexts,
            predict: &self.predict,
            params: &self.params,
        }
    }
}

/// A matcher that has learned; as JSON how, its header, and the two reports on names; notes.
type Taught = (PyMatcher, String, Option<String>, [String; 2], NotesOfBoth);

/// A fitted matcher.
#[pyclass(frozen, name = "Matcher", module = "donormatch._core")]
#[derive(Debug)]
pub struct PyMatcher(pub Arc<Matcher>);

/// An explanation as JSON, TSV and text; the two reports on names; notes.
type Explained = ((String, String, String), String, String, NotesOfBoth);

/// Fits the three models of a matcher.
#[pyfunction]
pub fn fit_matcher(
    py: Python<'_>,
    params: &str,
    patients: &PyPatientCohort,
    transplants: Vec<Py<PyCohort>>,
) -> Result<PyMatcher> {
    let params: MatcherParams = settings::parse(params)?;
    let patients = patients.0.clone();
    let transplants: Vec<Cohort> = transplants.iter().map(|one| one.get().0.clone()).collect();
    let matcher = long(py, move || params.fit(&patients, &transplants))?;
    Ok(PyMatcher(Arc::new(matcher)))
}

#[pymethods]
impl PyMatcher {
    /// The vocabulary that the models speak.
    #[getter]
    fn vocabulary(&self) -> &str {
        self.0.vocabulary().as_str()
    }

    /// The ranking, the reports of harmonization of donors and recipients as JSON, and what was
    /// noticed in the metadata of both.
    fn rank_donors(
        &self,
        py: Python<'_>,
        donors: &PyProfiles,
        recipients: &PyProfiles,
        treatment: Words,
        metadata: MetadataOfBoth,
        settings: (String, String),
    ) -> Result<(PyRanking, String, String, NotesOfBoth)> {
        let asked = Asked::new(donors, recipients, &treatment, metadata, &settings)?;
        let matcher = Arc::clone(&self.0);
        let (ranking, told) = long(py, move || {
            let (task, told) = asked.harmonized(matcher)?;
            Ok((task.job().rank()?, told))
        })?;
        Ok((PyRanking(ranking), told.donors, told.recipients, told.notes))
    }

    /// Why a donor for a recipient, against another or the eligible ones: as JSON, for reading and as
    /// a table; then the reports of harmonization, and what was noticed in the metadata of both.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of Python's `explain`"
    )]
    fn explain(
        &self,
        py: Python<'_>,
        donors: &PyProfiles,
        recipients: &PyProfiles,
        treatment: Words,
        metadata: MetadataOfBoth,
        settings: (String, String),
        question: (String, Option<String>, String),
    ) -> Result<Explained> {
        let asked = Asked::new(donors, recipients, &treatment, metadata, &settings)?;
        let matcher = Arc::clone(&self.0);
        let (donor, against, recipient) = question;
        let (donor, recipient) = (donor.as_str().into(), recipient.as_str().into());
        let against = against.map(|id| id.as_str().into());
        let (why, told) = long(py, move || {
            let (task, told) = asked.harmonized(matcher)?;
            let why = explain(&task.job(), &donor, against.as_ref(), &recipient)?;
            let told_ways = (why.to_json()?, why.to_text(), why.to_tsv()?);
            Ok((told_ways, told))
        })?;
        Ok((why, told.donors, told.recipients, told.notes))
    }

    /// Writes the ranking into files as it is worked out; gives what came of it as JSON, the
    /// reports of harmonization, and what was noticed in the metadata of
    /// both.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of Python's `rank_donors`"
    )]
    fn write_ranking(
        &self,
        py: Python<'_>,
        donors: &PyProfiles,
        recipients: &PyProfiles,
        treatment: Words,
        metadata: MetadataOfBoth,
        settings: (String, String),
        output: PathBuf,
        access: &str,
    ) -> Result<(String, String, String, NotesOfBoth)> {
        let access: Access = settings::word("access", access)?;
        RankingJob::check_output(&output)?;
        let asked = Asked::new(donors, recipients, &treatment, metadata, &settings)?;
        let matcher = Arc::clone(&self.0);
        let (written, told) = long(py, move || {
            let (task, told) = asked.harmonized(matcher)?;
            Ok((task.job().write(&output, access, |_| Ok(()))?, told))
        })?;
        let written = settings::json(&written)?;
        Ok((written, told.donors, told.recipients, told.notes))
    }

    /// What is to be ranked, for work in parts; the reports of harmonization, and what was noticed in
    /// the metadata of both.
    fn ranking_task(
        &self,
        py: Python<'_>,
        donors: &PyProfiles,
        recipients: &PyProfiles,
        treatment: Words,
        metadata: MetadataOfBoth,
        settings: (String, String),
    ) -> Result<(PyRankingTask, String, String, NotesOfBoth)> {
        let asked = Asked::new(donors, recipients, &treatment, metadata, &settings)?;
        let matcher = Arc::clone(&self.0);
        let (task, told) = long(py, move || asked.harmonized(matcher))?;
        let task = PyRankingTask(Arc::new(task));
        Ok((task, told.donors, told.recipients, told.notes))
    }

    /// The ranking in batches, the reports of harmonization, and what was noticed in `metadata`.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of Python's `rank_batches`"
    )]
    fn rank_batches(
        &self,
        py: Python<'_>,
        donors: &PyProfiles,
        recipients: &PyProfiles,
        treatment: Words,
        metadata: MetadataOfBoth,
        settings: (String, String),
        pairs_at_a_time: usize,
    ) -> Result<(PyRankingBatches, String, String, NotesOfBoth)> {
        let asked = Asked::new(donors, recipients, &treatment, metadata, &settings)?;
        let matcher = Arc::clone(&self.0);
        let (task, told) = long(py, move || {
            let (task, told) = asked.harmonized(matcher)?;
            task.params.check()?;
            Ok((task, told))
        })?;
        let batches = PyRankingBatches::new(task, pairs_at_a_time)?;
        Ok((batches, told.donors, told.recipients, told.notes))
    }

    /// What a transplant is expected to leave, and the reports of harmonization, each as JSON.
    fn predict_transplant(
        &self,
        py: Python<'_>,
        donor: &PyProfiles,
        recipient: &PyProfiles,
        predict: &str,
    ) -> Result<(String, String, String)> {
        let predict: PredictParams = settings::parse(predict)?;
        let n_recipients = recipient.0.n_samples();
        if n_recipients != 1 {
            let found =
                format!("expected one sample, found {n_recipients}: `select` the one meant");
            return Err(Error::parameter("recipient", found).into());
        }
        let ((prediction, table), donor, recipient) = short(py, || {
            let target = HarmonizeParams::new(ranking::target_of(&self.0)?);
            let (donor, donor_report) = harmonize(&donor.0, &target)?;
            let (recipient, recipient_report) = harmonize(&recipient.0, &target)?;
            let donor = Donors::one(donor, &"donor".into())?;
            let predicted = self.0.predict_transplant(&donor, &recipient, &predict)?;
            Ok((predicted, donor_report, recipient_report))
        })?;
        let counts = prediction.counts(predict.n_draws as usize, predict.seed);
        Ok((
            transplant_json(&prediction, counts, &table)?,
            settings::json(&donor)?,
            settings::json(&recipient)?,
        ))
    }

    /// What a site tells of its outcomes, as JSON; what became of the names of donors and recipients,
    /// and notes.
    fn site_summary(
        &self,
        py: Python<'_>,
        donors: &PyProfiles,
        recipients: &PyProfiles,
        tables: (Option<Metadata>, Metadata),
        params: &str,
    ) -> Result<(String, String, String, NotesOfBoth)> {
        let (donor_metadata, outcomes) = tables;
        let outcomes = TrialOutcomes::from_metadata(&outcomes.into_table()?)?;
        let params: SiteParams = settings::parse(params)?;
        let (donors, of_donors) = donors_of(donors.0.clone(), donor_metadata)?;
        let notes = (of_donors, told(outcomes.notes()));
        let (matcher, recipients) = (self.0.clone(), recipients.0.clone());
        let (summary, of_donors, of_recipients) = long(py, move || {
            let target = HarmonizeParams::new(ranking::target_of(&matcher)?);
            let (profiles, of_donors) = harmonize(donors.profiles(), &target)?;
            let donors = donors.with_profiles(profiles)?;
            let (recipients, of_recipients) = harmonize(&recipients, &target)?;
            let summary = matcher.site_summary(&donors, &recipients, &outcomes, &params)?;
            Ok((summary.to_json()?, of_donors, of_recipients))
        })?;
        let reports = (settings::json(&of_donors)?, settings::json(&of_recipients)?);
        Ok((summary, reports.0, reports.1, notes))
    }

    /// The matcher that has learned from the summaries of sites; as JSON how well, and its header
    /// where there was one.
    fn with_sites(
        &self,
        py: Python<'_>,
        summaries: Vec<String>,
        method: &str,
        header: Option<&str>,
    ) -> Result<(Self, String, Option<String>)> {
        let method: UpdateMethod = settings::word("method", method)?;
        let summaries = summaries.iter().map(|text| SiteSummary::from_json(text));
        let summaries = summaries.collect::<donormatch::Result<Vec<_>>>()?;
        let merged = short(py, || self.0.with_sites(&summaries, method))?;
        let header: Option<ModelHeader> = header.map(settings::parse).transpose()?;
        let header = header.map(|header| settings::json(&header.updated(&merged.matcher)));
        let told = settings::json(&merged.endpoints)?;
        Ok((Self(Arc::new(merged.matcher)), told, header.transpose()?))
    }

    /// The matcher that has learned from a table of outcomes; as JSON how it learned, its header
    /// where there was one, and what became of the names of donors and recipients.
    fn with_outcomes(
        &self,
        py: Python<'_>,
        donors: &PyProfiles,
        recipients: (PyRef<'_, PyProfiles>, Option<PyRef<'_, PyProfiles>>),
        tables: (Option<Metadata>, Metadata),
        params: &str,
        header: Option<&str>,
    ) -> Result<Taught> {
        let (donor_metadata, outcomes) = tables;
        let outcomes = TrialOutcomes::from_metadata(&outcomes.into_table()?)?;
        let params: UpdateParams = settings::parse(params)?;
        let (donors, of_donors) = donors_of(donors.0.clone(), donor_metadata)?;
        let notes = (of_donors, told(outcomes.notes()));
        let (before, after) = recipients;
        let (recipients, follow_ups) = (before.0.clone(), after.map(|after| after.0.clone()));
        let matcher = self.0.clone();
        let (updated, reports) = long(py, move || {
            let target = HarmonizeParams::new(ranking::target_of(&matcher)?);
            let (profiles, of_donors) = harmonize(donors.profiles(), &target)?;
            let donors = donors.with_profiles(profiles)?;
            let (recipients, of_recipients) = harmonize(&recipients, &target)?;
            let follow_ups = match follow_ups {
                Some(profiles) => Some(harmonize(&profiles, &target)?.0),
                None => None,
            };
            let updated = matcher.with_outcomes(
                &donors,
                &recipients,
                follow_ups.as_ref(),
                &outcomes,
                &params,
            )?;
            Ok((updated, [of_donors, of_recipients]))
        })?;
        let header: Option<ModelHeader> = header.map(settings::parse).transpose()?;
        let header = header.map(|header| settings::json(&header.updated(&updated.matcher)));
        let [of_donors, of_recipients] = &reports;
        let reports = [settings::json(of_donors)?, settings::json(of_recipients)?];
        let how = settings::json(&Learned {
            method: updated.method,
            pareto_k: updated.pareto_k,
            n_follow_ups: updated.n_follow_ups,
        })?;
        let matcher = Self(Arc::new(updated.matcher));
        Ok((matcher, how, header.transpose()?, reports, notes))
    }

    /// A table of the evidence as JSON: `cells`, `arms`, `parameters`, `slopes`, `quality` or
    /// `donors`; after a new fit where further arms, trials to leave out or another spread of the
    /// priors are given.
    fn evidence(
        &self,
        py: Python<'_>,
        subject: &str,
        arms: Option<Metadata>,
        without: Vec<String>,
        prior_scale: Option<f64>,
    ) -> Result<String> {
        let arms = match arms {
            Some(arms) => Some(Registry::from_metadata(&arms.into_table()?)?),
            None => None,
        };
        let reading = EvidenceReading {
            arms,
            without,
            prior_scale,
        };
        let matcher = self.0.clone();
        match subject {
            "arms" => return settings::json(&reading.registry(matcher.evidence())?),
            "conflicts" => return settings::json(&conflicts()?),
            _ => {}
        }
        let evidence = long(py, move || matcher.evidence().read_anew(&reading))?;
        match subject {
            "cells" => settings::json(&evidence.cells()),
            "parameters" => settings::json(&evidence.parameters()),
            "slopes" => settings::json(&evidence.slopes()),
            "quality" => settings::json(&evidence.quality()),
            "donors" => settings::json(&evidence.donors()),
            "left_out" => settings::json(&long(py, move || {
                evaluation::evaluate_published(&evidence)
            })?),
            other => {
                let known = "`cells`, `arms`, `parameters`, `slopes`, `quality`, `donors`, \
                             `left_out`, `conflicts`";
                let message = format!("expected one of {known}, found `{other}`");
                Err(Error::parameter("subject", message).into())
            }
        }
    }

    /// The matcher that ships with donormatch, and its header as JSON.
    #[staticmethod]
    fn bundled(py: Python<'_>) -> Result<(Self, String)> {
        let matcher = long(py, Matcher::bundled)?;
        Ok((
            Self(Arc::new(matcher)),
            settings::json(&Matcher::bundled_header()?)?,
        ))
    }

    /// The matcher of a model file, and its header as JSON.
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf) -> Result<(Self, String)> {
        let (matcher, header) = long(py, move || persist::read(path))?;
        Ok((Self(Arc::new(matcher)), settings::json(&header)?))
    }

    /// Writes a model file, whole or not at all, with the header given as JSON, if any.
    fn write(
        &self,
        py: Python<'_>,
        path: PathBuf,
        name: Option<&str>,
        header: Option<&str>,
    ) -> Result<()> {
        let mut header: ModelHeader = match header {
            Some(header) => settings::parse(header)?,
            None => ModelHeader::of(&self.0).with_name("matcher"),
        };
        if let Some(name) = name {
            header = header.with_name(name);
        }
        short(py, || persist::write(path, &*self.0, &header))
    }

    /// The matcher as the bytes of a model file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyBytes>> {
        let bytes = persist::to_bytes(&*self.0, &ModelHeader::of(&self.0))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The matcher of [`PyMatcher::to_bytes`], checked entry by entry.
    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(Self(Arc::new(persist::from_bytes(bytes)?.0)))
    }
}

/// How a matcher learned from outcomes.
#[derive(Serialize)]
struct Learned {
    method: UpdateMethod,
    pareto_k: Option<f64>,
    n_follow_ups: usize,
}

/// What a transplant is expected to leave.
#[derive(Serialize)]
struct TransplantRecord<'a> {
    taxa: Vec<TaxonRecord<'a>>,
    #[serde(flatten)]
    counts: TaxonCounts,
}

/// One record a taxon, the most abundant after first, and the numbers over all.
fn transplant_json(
    prediction: &TransplantPrediction,
    counts: TaxonCounts,
    table: &ProfileTable,
) -> Result<String> {
    settings::json(&TransplantRecord {
        taxa: prediction.records(table.taxa()),
        counts,
    })
}

/// The response model judged on every cohort left out in turn, as a JSON list of records.
#[pyfunction]
pub fn evaluate_response(
    py: Python<'_>,
    params: &str,
    patients: &PyPatientCohort,
    headline: Vec<String>,
    report: &str,
) -> Result<String> {
    let params: ResponseParams = settings::parse(params)?;
    let report: ReportParams = settings::parse(report)?;
    let headline: Vec<StudyId> = headline.into_iter().map(StudyId::new).collect();
    let patients = patients.0.clone();
    let judge = move || evaluation::evaluate_response(&params, &patients, &headline, &report);
    settings::json(&long(py, judge)?.rows)
}

/// The engraftment model judged on every study left out in turn, as JSON: its rows, and
/// the numbers of taxa by study.
#[pyfunction]
pub fn evaluate_engraftment(
    py: Python<'_>,
    params: &str,
    transplants: Vec<Py<PyCohort>>,
    report: &str,
) -> Result<String> {
    let params: EngraftmentParams = settings::parse(params)?;
    let report: ReportParams = settings::parse(report)?;
    let transplants: Vec<Cohort> = transplants.iter().map(|one| one.get().0.clone()).collect();
    let judge = move || evaluation::evaluate_engraftment(&params, &transplants, &report.bootstrap);
    settings::json(&long(py, judge)?)
}

/// The cohorts of `evaluate_response`, to be judged one by one.
#[pyfunction]
pub fn response_folds(
    py: Python<'_>,
    params: &str,
    patients: &PyPatientCohort,
    headline: Vec<String>,
    report: &str,
) -> Result<PyResponseFolds> {
    let params: ResponseParams = settings::parse(params)?;
    let report: ReportParams = settings::parse(report)?;
    let headline: Vec<StudyId> = headline.into_iter().map(StudyId::new).collect();
    let folds = || ResponseFolds::new(&params, &patients.0, &headline, &report);
    Ok(PyResponseFolds(Arc::new(short(py, folds)?)))
}

/// The studies of `evaluate_engraftment`, to be judged one by one.
#[pyfunction]
pub fn engraftment_folds(
    py: Python<'_>,
    params: &str,
    transplants: Vec<Py<PyCohort>>,
    report: &str,
) -> Result<PyEngraftmentFolds> {
    let params: EngraftmentParams = settings::parse(params)?;
    let report: ReportParams = settings::parse(report)?;
    let transplants: Vec<Cohort> = transplants.iter().map(|one| one.get().0.clone()).collect();
    let folds = || EngraftmentFolds::new(&params, &transplants, &report.bootstrap);
    Ok(PyEngraftmentFolds(Arc::new(short(py, folds)?)))
}
