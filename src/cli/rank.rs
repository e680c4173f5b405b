//! `donormatch rank`

use std::path::{Path, PathBuf};

use clap::Args;

use super::Streams;
use super::input::{
    DonorArguments, DrawArguments, ModelArguments, ProfileArguments, TreatmentArguments,
    shared_word,
};
use super::screen::screened;
use super::streams::Counted;
use crate::cohort::TreatmentContext;
use crate::explanation::report::{ReportContext, html};
use crate::output::{Access, write_bytes};
use crate::persist::ModelHeader;
use crate::ranking::{
    PrefilterParams, Ranking, RankingJob, RankingParams, Weights, same_order_warning,
};
use crate::{Error, Result};

/// Put donors in order for each recipient, with uncertainty, and say whom to prefer and to avoid
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch rank cohort/donors.tsv cohort/recipients.tsv --regimen anti-pd-1 --cancer melanoma")]
pub(super) struct RankArguments {
    /// Profiles of the donors
    donors: PathBuf,
    /// Profiles of the recipients before the transplant
    recipients: PathBuf,
    #[command(flatten)]
    donor_ids: DonorArguments,
    #[command(flatten)]
    treatment: TreatmentArguments,
    /// Weights of response gained, severe toxicity and myocarditis
    #[arg(long, default_value = "1,0.5,3")]
    weights: String,
    /// How surely a donor must be better than a random eligible one to be preferred, or worse to
    /// be avoided
    #[arg(long, value_name = "SHARE", default_value_t = RankingParams::default().prefer_above)]
    prefer_above: f64,
    /// Draws at most for a recipient whose verdicts hang on the draws; 0 adds none
    #[arg(long, value_name = "N", default_value_t = RankingParams::default().max_draws)]
    max_draws: usize,
    #[command(flatten)]
    draws: DrawArguments,
    /// Records of the donors: those that do not pass screening on the day of `--on` are shown last,
    /// with the reasons, and take no part
    #[arg(long, value_name = "RECORDS", requires = "on")]
    screening: Option<PathBuf>,
    /// The day on which the donors are to be used
    #[arg(long, value_name = "YYYY-MM-DD", requires = "screening")]
    on: Option<String>,
    /// A screening panel of one's own, as TOML [default: the one that ships]
    #[arg(long, value_name = "FILE", requires = "screening")]
    panel: Option<PathBuf>,
    /// Show only the first K donors of each recipient; every figure is of all donors
    #[arg(long, value_name = "K")]
    top: Option<usize>,
    /// Draw only the donors that may be among the first K, chosen by some recipients that are drawn
    /// with every donor; the result says who was not drawn
    #[arg(long, requires = "top")]
    prefilter: bool,
    /// Write the rows as they are ready, whatever their number, into a file that ends in .parquet,
    /// .tsv or .tsv.gz, and what is known about their order into FILE.summary.json beside it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "report"])]
    output: Option<PathBuf>,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Write a report too, one HTML file
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Who may read a new file, which holds ids of patients; an old file keeps its mode
    #[arg(long, value_enum, default_value_t = Access::Private)]
    access: Access,
    #[command(flatten)]
    profiles: ProfileArguments,
    #[command(flatten)]
    model: ModelArguments,
}

impl RankArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let weights: Weights = self.weights.parse()?;
        let screening = match (&self.screening, &self.on) {
            (Some(records), Some(on)) => {
                Some(screened(records, on, self.panel.as_deref(), streams)?.2)
            }
            _ => None,
        };
        let params = RankingParams {
            weights,
            screening,
            top: self.top,
            prefilter: self.prefilter.then(PrefilterParams::default),
            prefer_above: self.prefer_above,
            max_draws: self.max_draws,
            ..RankingParams::default()
        };
        params.check()?;
        if let Some(path) = &self.output {
            RankingJob::check_output(path)?;
        }
        self.treatment.check()?;
        let (matcher, header) = self.model.load()?;
        let donors = self.profiles.read(&self.donors, &matcher, streams)?;
        let bank = self.donor_ids.donors(donors.table, streams)?;
        let recipients = self.profiles.read(&self.recipients, &matcher, streams)?;
        let contexts = self.treatment.contexts(&recipients.table, streams)?;
        let predict = self.draws.params();
        let job = RankingJob {
            matcher: &matcher,
            donors: &bank,
            recipients: &recipients.table,
            contexts: &contexts,
            predict: &predict,
            params: &params,
        };
        let progress = streams.counted("pairs", job.n_pairs());
        if let Some(path) = &self.output {
            return self.write_files(&job, path, progress, streams);
        }
        let n_donors = bank.n_donors();
        let ranking = job.rank_telling(|_| progress.add(n_donors))?;
        drop(progress);
        let n_not_drawn = ranking
            .prefilter
            .as_ref()
            .map_or(0, |one| one.not_drawn.len());
        note_not_drawn(n_not_drawn, n_donors, streams);
        if let Some(path) = &self.report {
            let notes = donors.notes.into_iter().chain(recipients.notes).collect();
            let context = report_context(&header, &contexts, predict.seed, notes);
            write_bytes(path, html(&ranking, &context).as_bytes(), self.access)?;
        }
        self.write(&ranking, streams)
    }

    fn write_files(
        &self,
        job: &RankingJob<'_>,
        path: &Path,
        progress: Counted,
        streams: &mut Streams<'_>,
    ) -> Result<()> {
        let written = job.write(path, self.access, |_| {
            progress.add(job.donors.n_donors());
            Ok(())
        })?;
        drop(progress);
        streams.note(&format!(
            "{}: {} rows of {} recipients; {}: what is known about their order",
            path.display(),
            written.n_rows,
            written.n_recipients,
            written.summary_path.display()
        ));
        streams.note_use("");
        note_not_drawn(written.n_not_drawn, job.donors.n_donors(), streams);
        if let Some(warning) = same_order_warning(written.donor_order_agreement) {
            streams.note(&format!("note: {warning}"));
        }
        Ok(())
    }

    fn write(&self, ranking: &Ranking, streams: &mut Streams<'_>) -> Result<()> {
        if self.json {
            return streams.data(&(ranking.to_json()? + "\n"));
        }
        if streams.is_read_by_a_person() {
            return streams.data(&ranking.to_text());
        }
        if let Some(warning) = ranking.same_order_warning() {
            streams.note(&format!("note: {warning}"));
        }
        let mut table = Vec::new();
        ranking
            .write_tsv(&mut table)
            .map_err(|source| Error::io("stdout", source))?;
        streams.data(&String::from_utf8_lossy(&table))
    }
}

fn note_not_drawn(n_not_drawn: usize, n_donors: usize, streams: &mut Streams<'_>) {
    if n_not_drawn > 0 {
        streams.note(&format!(
            "prefilter: {n_not_drawn} of {n_donors} donors were not drawn, but for the pilots; JSON \
             and the summary name them"
        ));
    }
}

fn report_context(
    header: &ModelHeader,
    contexts: &[TreatmentContext],
    seed: u64,
    notes: Vec<String>,
) -> ReportContext {
    ReportContext {
        title: String::new(),
        model_name: format!("{} ({})", header.name, header.written_by),
        regimen: shared_word(contexts.iter().map(|context| context.regimen)),
        cancer: shared_word(contexts.iter().map(|context| context.cancer)),
        line: shared_word(contexts.iter().map(|context| context.line)),
        seed: Some(seed),
        notes,
        provenance: vec![
            (
                "donormatch".to_owned(),
                env!("CARGO_PKG_VERSION").to_owned(),
            ),
            ("vocabulary".to_owned(), header.vocabulary.clone()),
            (
                "SHA-256 of the training data".to_owned(),
                header.data_digest.clone(),
            ),
        ],
    }
}
