//! What several commands read: profiles, treatments, models.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::Streams;
use crate::cohort::{
    Cohort, Donors, MetadataNote, MetadataTable, Treatment, TreatmentContext, Treatments,
};
use crate::matcher::{Matcher, PredictParams};
use crate::persist::{self, ModelHeader};
use crate::profile::{
    Completeness, Decimal, Decision, DuplicatedTaxa, EmptySamples, Orientation, ProfileTable,
    Ranks, ReadLimits, ReadOptions, Unit, inspect, inspect_bytes,
};
use crate::ranking::target_of;
use crate::taxonomy::{HarmonizationReport, HarmonizeParams, How, harmonize};
use crate::{Error, Result};

/// The model of a command.
#[derive(Debug, Args)]
pub(super) struct ModelArguments {
    /// Model file, made by `donormatch fit`; the bundled model where absent
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

impl ModelArguments {
    pub fn load(&self) -> Result<(Matcher, ModelHeader)> {
        match &self.model {
            Some(path) => persist::read(path),
            None => Ok((Matcher::bundled()?, Matcher::bundled_header()?)),
        }
    }
}

/// How the profiles are to be read.
#[derive(Debug, Args)]
pub(super) struct ProfileArguments {
    /// Unit of the profiles where the file does not show it: count, fraction or percent
    #[arg(long)]
    unit: Option<String>,
    /// What the rows of a plain table are, where the labels do not show it
    #[arg(long)]
    orientation: Option<RowsAre>,
    /// Whether rows that lie above others repeat their abundance, where it cannot be told
    #[arg(long)]
    ranks: Option<RanksAre>,
    /// Columns that are neither taxa nor samples, divided by commas; an empty text keeps all
    #[arg(long, value_name = "NAMES")]
    ignore_columns: Option<String>,
    /// What a zero means: complete (not detected) or filtered (may have been cut off)
    #[arg(long)]
    completeness: Option<Zeros>,
    /// What divides the whole from the decimals of a number in a text: . or ,
    #[arg(long, default_value = ".")]
    decimal: DecimalIs,
    /// What happens to a taxon that stands twice
    #[arg(long, default_value = "reject")]
    duplicates: Duplicates,
    /// What happens to a sample without any abundance
    #[arg(long, default_value = "reject")]
    empty_samples: Empty,
    /// QIIME 2 taxonomy (.qza or .tsv) that says what the ids of the taxa stand for
    #[arg(long, value_name = "FILE")]
    taxonomy: Option<PathBuf>,
    /// Limit of what a reader may hold, such as `axis=1000000`; may be given several times
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    limits: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum RowsAre {
    SamplesInRows,
    TaxaInRows,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RanksAre {
    Repeated,
    Disjoint,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Zeros {
    Complete,
    Filtered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DecimalIs {
    #[value(name = ".")]
    Point,
    #[value(name = ",")]
    Comma,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Duplicates {
    Reject,
    Sum,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Empty {
    Reject,
    Drop,
}

impl ProfileArguments {
    /// Reads a table as its file has it; tells what the reader decided.
    pub fn read_as_written(&self, path: &Path, streams: &mut Streams<'_>) -> Result<ProfileTable> {
        self.inspect(path, streams).map(|(table, _)| table)
    }

    /// The same with every decision and its reason.
    pub fn inspect(
        &self,
        path: &Path,
        streams: &mut Streams<'_>,
    ) -> Result<(ProfileTable, Vec<Decision>)> {
        let (table, decisions) = self.open(path)?;
        for note in table.notes() {
            streams.note(&format!("{}: {note}", file_name(path)));
        }
        Ok((table, decisions))
    }

    /// Reads a file, or standard input where the path is `-`.
    fn open(&self, path: &Path) -> Result<(ProfileTable, Vec<Decision>)> {
        let options = self.options()?;
        if path != Path::new("-") {
            return inspect(path, &options);
        }
        inspect_bytes(path, &self.standard_input()?, &options)
    }

    /// The bytes of standard input, as many as a reader may hold.
    pub fn standard_input(&self) -> Result<Vec<u8>> {
        let (path, limit) = (Path::new("-"), self.limits()?.held_bytes);
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|source| Error::io(path, source))?;
        if bytes.len() as u64 > limit {
            let message = format!("more than the {limit} bytes allowed by `limits.held_bytes`");
            return Err(Error::file(path, message));
        }
        Ok(bytes)
    }

    /// How much a reader may hold.
    pub fn limits(&self) -> Result<ReadLimits> {
        let mut limits = ReadLimits::default();
        for setting in &self.limits {
            let parts = setting.split_once('=');
            let parsed = parts.and_then(|(name, value)| Some((name, value.parse().ok()?)));
            let (name, value) = parsed.ok_or_else(|| {
                let message = format!("expected NAME=VALUE with a whole number, found `{setting}`");
                Error::parameter("limit", message)
            })?;
            limits = limits.with(name, value)?;
        }
        Ok(limits)
    }

    /// The settings of a reader.
    pub fn options(&self) -> Result<ReadOptions> {
        Ok(ReadOptions {
            unit: self.unit.as_deref().map(str::parse::<Unit>).transpose()?,
            orientation: self.orientation.map(|rows| match rows {
                RowsAre::SamplesInRows => Orientation::SamplesInRows,
                RowsAre::TaxaInRows => Orientation::TaxaInRows,
            }),
            ranks: self.ranks.map(|ranks| match ranks {
                RanksAre::Repeated => Ranks::Repeated,
                RanksAre::Disjoint => Ranks::Disjoint,
            }),
            ignore_columns: self.ignore_columns.as_deref().map(|names| {
                let names = names.split(',').map(str::trim);
                names
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned)
                    .collect()
            }),
            completeness: self.completeness.map(|zeros| match zeros {
                Zeros::Complete => Completeness::Complete,
                Zeros::Filtered => Completeness::Filtered,
            }),
            decimal: match self.decimal {
                DecimalIs::Point => Decimal::Point,
                DecimalIs::Comma => Decimal::Comma,
            },
            duplicates: match self.duplicates {
                Duplicates::Sum => DuplicatedTaxa::Sum,
                Duplicates::Reject => DuplicatedTaxa::Reject,
            },
            empty_samples: match self.empty_samples {
                Empty::Drop => EmptySamples::Drop,
                Empty::Reject => EmptySamples::Reject,
            },
            taxonomy: self.taxonomy.clone(),
            limits: self.limits()?,
            ..ReadOptions::default()
        })
    }

    /// Reads a table and brings it into the vocabulary of the matcher; tells what was done to it.
    pub fn read(
        &self,
        path: &Path,
        matcher: &Matcher,
        streams: &mut Streams<'_>,
    ) -> Result<Profiles> {
        let (table, _) = self.open(path)?;
        let name = file_name(path);
        let mut notes: Vec<String> = table
            .notes()
            .iter()
            .map(|note| format!("{name}: {note}"))
            .collect();
        let target = target_of(matcher)?;
        let (table, report) = harmonize(&table, &HarmonizeParams::new(target))
            .map_err(|error| error.at_path(path))?;
        let mapped = report.mean_mapped_mass();
        let n_known = report.taxa.len() - report.n_taxa(How::Kept) - report.n_taxa(How::Dropped);
        notes.push(format!(
            "{name}: {} samples, {n_known} of {} taxa ({} → {}), {:.1} % of abundance mapped",
            table.n_samples(),
            report.taxa.len(),
            report.source,
            report.target,
            100.0 * mapped
        ));
        if mapped < HarmonizationReport::WARN_BELOW {
            notes.push(format!(
                "warning: {name}: only {:.1} % of abundance is in taxa of the vocabulary; check the \
                 names of the taxa",
                100.0 * mapped
            ));
        }
        for note in &notes {
            streams.note(note);
        }
        matcher
            .response()
            .schema()
            .bind(&table)
            .map_err(|error| error.at_path(path))?;
        Ok(Profiles { table, notes })
    }
}

/// What a note calls a file.
fn file_name(path: &Path) -> String {
    if path == Path::new("-") {
        return "standard input".to_owned();
    }
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// A harmonized table and what is to be said of it.
#[derive(Debug)]
pub(super) struct Profiles {
    pub table: ProfileTable,
    pub notes: Vec<String>,
}

/// Whose the samples of the donors are.
#[derive(Debug, Args)]
pub(super) struct DonorArguments {
    /// Table with `sample_id` and `donor_id`: samples of one donor are averaged; without it each
    /// sample is its own donor
    #[arg(long, value_name = "FILE")]
    donor_metadata: Option<PathBuf>,
}

impl DonorArguments {
    /// Whether a table says whose the samples are.
    pub fn is_given(&self) -> bool {
        self.donor_metadata.is_some()
    }

    /// The donors of a table of samples; tells what was noticed.
    pub fn donors(&self, profiles: ProfileTable, streams: &mut Streams<'_>) -> Result<Donors> {
        let Some(path) = &self.donor_metadata else {
            return Ok(profiles.into());
        };
        let donors = Donors::from_metadata(&MetadataTable::read(path)?, profiles)?;
        note_metadata(path, donors.notes(), streams);
        let (n_donors, n_samples) = (donors.n_donors(), donors.profiles().n_samples());
        streams.note(&format!(
            "{}: {n_donors} donors of {n_samples} samples",
            file_name(path)
        ));
        Ok(donors)
    }
}

/// How recipients are treated: the same for all, or by recipient.
#[derive(Debug, Args)]
pub(super) struct TreatmentArguments {
    /// Checkpoint inhibitors: anti-pd-1, anti-ctla-4 or anti-pd-1+anti-ctla-4
    #[arg(long)]
    regimen: Option<String>,
    /// Cancer: melanoma, lung, kidney or other [default: other]
    #[arg(long)]
    cancer: Option<String>,
    /// Line of treatment: first or refractory [default: first]
    #[arg(long)]
    line: Option<String>,
    /// What is given beside the inhibitors: none, `vegf_inhibitor`, chemotherapy or other
    /// [default: none]
    #[arg(long)]
    partner: Option<String>,
    /// Table with `recipient_id` and any of `regimen`, `cancer`, `line`, `partner`; it goes before
    /// the flags
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
}

impl TreatmentArguments {
    /// Refuses a wrong word before anything is read.
    pub fn check(&self) -> Result<()> {
        self.common().map(drop)
    }

    fn common(&self) -> Result<Treatment> {
        let [regimen, cancer, line, partner] =
            [&self.regimen, &self.cancer, &self.line, &self.partner].map(|word| word.as_deref());
        Treatment::parse(regimen, cancer, line, partner)
    }

    /// One context a sample, in the order of the table.
    pub fn contexts(
        &self,
        profiles: &ProfileTable,
        streams: &mut Streams<'_>,
    ) -> Result<Vec<TreatmentContext>> {
        let mut treatments = Treatments::default();
        if let Some(path) = &self.metadata {
            treatments = Treatments::from_metadata(&MetadataTable::read(path)?)?;
            for recipient in treatments.missing_from(profiles.samples()) {
                streams.note(&format!("{}: no profile for `{recipient}`", path.display()));
            }
            note_metadata(path, treatments.notes(), streams);
        }
        let common = self.common()?;
        for note in treatments.defaults(profiles.samples(), common) {
            streams.note(&note.to_string());
        }
        treatments.contexts(profiles.samples(), common)
    }
}

/// Says what was noticed in a table of metadata.
pub(super) fn note_metadata(path: &Path, notes: &[MetadataNote], streams: &mut Streams<'_>) {
    for note in notes {
        let warning = if note.is_warning() { "warning: " } else { "" };
        streams.note(&format!("{warning}{}: {note}", file_name(path)));
    }
}

/// The word of all contexts, or a blank where they differ.
pub(super) fn shared_word<T: ToString + PartialEq>(words: impl Iterator<Item = T>) -> String {
    let mut words = words.peekable();
    let Some(first) = words.next() else {
        return String::new();
    };
    if words.all(|word| word == first) {
        first.to_string()
    } else {
        "by recipient".to_owned()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Antibiotics {
    Yes,
    No,
}

/// How to draw from the posterior.
#[derive(Debug, Args)]
pub(super) struct PosteriorArguments {
    /// Seed of the draws
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Draws from the posterior
    #[arg(long, value_name = "N", default_value_t = 200)]
    n_draws: u32,
}

impl PosteriorArguments {
    pub fn params(&self) -> PredictParams {
        PredictParams {
            seed: self.seed,
            n_draws: self.n_draws,
            ..PredictParams::default()
        }
    }
}

/// How to predict: each draw has one realized transplant.
#[derive(Debug, Args)]
pub(super) struct DrawArguments {
    #[command(flatten)]
    posterior: PosteriorArguments,
    #[command(flatten)]
    transplant: TransplantArguments,
}

/// What is known of the transplant besides the profiles.
#[derive(Debug, Args)]
pub(super) struct TransplantArguments {
    /// Day after the transplant at which its result is judged
    #[arg(long, default_value_t = 28.0)]
    day: f64,
    /// Antibiotics before the transplant; unknown where absent
    #[arg(long)]
    antibiotics: Option<Antibiotics>,
}

impl TransplantArguments {
    pub fn params(&self) -> PredictParams {
        PredictParams {
            day: self.day,
            antibiotics: self.antibiotics.map(|answer| answer == Antibiotics::Yes),
            ..PredictParams::default()
        }
    }
}

impl DrawArguments {
    pub fn params(&self) -> PredictParams {
        let drawn = self.posterior.params();
        PredictParams {
            seed: drawn.seed,
            n_draws: drawn.n_draws,
            ..self.transplant.params()
        }
    }
}

/// Says how many transplants of the tables could not be used, and why the first could not.
pub(super) fn note_skipped(cohorts: &[Cohort], streams: &mut Streams<'_>) {
    for cohort in cohorts {
        if let Some(first) = cohort.skipped().first() {
            let n_skipped = cohort.skipped().len();
            let n_rows = n_skipped + cohort.transplants().len();
            streams.note(&format!(
                "{n_skipped} of {n_rows} transplants cannot be used; {first}"
            ));
        }
    }
}
