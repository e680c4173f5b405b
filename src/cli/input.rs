//! What several commands read: profiles, treatments, models.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::Streams;
use crate::Result;
use crate::cohort::{MetadataTable, Treatment, TreatmentContext, Treatments};
use crate::matcher::{Matcher, PredictParams};
use crate::persist::{self, ModelHeader};
use crate::profile::{ProfileTable, ReadOptions, Unit, read};
use crate::ranking::target_of;
use crate::taxonomy::{HarmonizeParams, How, harmonize};

/// Below this mean share of mapped mass a table is read, but with a warning.
const WARN_BELOW: f64 = 0.9;

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
}

impl ProfileArguments {
    /// Reads a table as its file has it; tells what the reader decided.
    pub fn read_as_written(&self, path: &Path, streams: &mut Streams<'_>) -> Result<ProfileTable> {
        let table = read(path, &self.options()?)?;
        for note in table.notes() {
            streams.note(&format!("{}: {note}", file_name(path)));
        }
        Ok(table)
    }

    fn options(&self) -> Result<ReadOptions> {
        Ok(ReadOptions {
            unit: self.unit.as_deref().map(str::parse::<Unit>).transpose()?,
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
        let table = read(path, &self.options()?)?;
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
        if mapped < WARN_BELOW {
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
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// A harmonized table and what is to be said of it.
#[derive(Debug)]
pub(super) struct Profiles {
    pub table: ProfileTable,
    pub notes: Vec<String>,
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
    /// Table with `recipient_id` and any of `regimen`, `cancer`, `line`; it goes before the flags
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
}

impl TreatmentArguments {
    /// Refuses a wrong word before anything is read.
    pub fn check(&self) -> Result<()> {
        self.common().map(drop)
    }

    fn common(&self) -> Result<Treatment> {
        let [regimen, cancer, line] =
            [&self.regimen, &self.cancer, &self.line].map(|word| word.as_deref());
        Treatment::parse(regimen, cancer, line)
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
        }
        treatments.contexts(profiles.samples(), self.common()?)
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

/// How to predict.
#[derive(Debug, Args)]
pub(super) struct DrawArguments {
    /// Seed of the draws
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Draws from the posterior, each with one realized transplant
    #[arg(long, value_name = "N", default_value_t = 200)]
    draws: u32,
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
        PredictParams {
            seed: self.seed,
            n_draws: self.draws,
            ..self.transplant.params()
        }
    }
}
