//! `donormatch assign`

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Streams, json, json_or_tsv};
use crate::cohort::MetadataTable;
use crate::explanation::report::calendar_figure;
use crate::output::{Access, write_bytes};
use crate::profile::{SampleId, SubjectId};
use crate::ranking::{
    Assignment, AssignmentParams, Calendar, CalendarParams, Coverage, Prices, RankedUtilities,
    read_batches, read_windows,
};
use crate::{Error, Result};

/// Share donors, or their batches by days, out between recipients for the highest total utility
///
/// Without `--batches` every donor can give so many transplants. With it, doses are given by batch
/// and day: a batch with a room has yet to be made, one a room and day at most, and the plan says
/// which. Proven best, or told with the gap that is left. Research use only.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch assign cohort/ranking.tsv --batches cohort/batches.tsv --recipients cohort/windows.tsv")]
pub(super) struct AssignArguments {
    /// The ranking, as `rank --json` or `rank --output FILE.tsv` writes it
    #[arg(value_name = "RANKING")]
    ranking: PathBuf,
    /// Table of batches: `donor_id`, `batch_id`, `doses`, and, where they are known, `made_on`,
    /// `expires_on`, `room`, `arm`, `dose_cost`, `screening_cost`
    #[arg(long, value_name = "FILE")]
    batches: Option<PathBuf>,
    /// Table of recipients: `recipient_id`, and, where they are known, `not_before`, `not_after`,
    /// `arm`, `block`, `subgroup`
    #[arg(long, value_name = "FILE", requires = "batches")]
    recipients: Option<PathBuf>,
    /// How many recipients must be served
    #[arg(long, value_enum, default_value_t = CoverageArgument::Every)]
    coverage: CoverageArgument,
    /// Transplants that a donor can give, without `--batches`
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        conflicts_with = "batches"
    )]
    default_capacity: usize,
    /// Transplants that single donors can give, over all their batches
    #[arg(long, value_name = "DONOR=N")]
    capacities: Vec<String>,
    /// Pairs that must not be
    #[arg(long, value_name = "DONOR=RECIPIENT")]
    forbidden: Vec<String>,
    /// Pairs that are already decided
    #[arg(long, value_name = "DONOR=RECIPIENT")]
    locked: Vec<String>,
    #[command(flatten)]
    calendar: CalendarArguments,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// What only a calendar can keep to.
#[derive(Debug, Args)]
struct CalendarArguments {
    /// Pairs below this utility are impossible
    #[arg(
        long,
        value_name = "U",
        requires = "batches",
        allow_negative_numbers = true
    )]
    min_utility: Option<f64>,
    /// Recipients of one block that one donor may serve at most
    #[arg(long, value_name = "N", requires = "batches")]
    max_per_block: Option<usize>,
    /// Mean utility of a subgroup may exceed that of another by this much at most
    #[arg(long, value_name = "U", requires = "batches")]
    max_utility_spread: Option<f64>,
    /// The same for the share of a subgroup that is served
    #[arg(long, value_name = "SHARE", requires = "batches")]
    max_served_spread: Option<f64>,
    /// What doses and screenings may cost together
    #[arg(long, value_name = "COST", requires = "batches")]
    max_cost: Option<f64>,
    /// Next best calendars to work out (in JSON and on a terminal)
    #[arg(long, value_name = "K", default_value_t = 0, requires = "batches")]
    n_alternatives: usize,
    /// Work out what one more dose of each batch would be worth (in JSON)
    #[arg(long, requires = "batches")]
    prices: bool,
    /// Nodes of branch and bound after which the best calendar so far is told with its gap
    #[arg(long, value_name = "N", default_value_t = CalendarParams::default().max_nodes, requires = "batches")]
    max_nodes: usize,
    /// Write the calendar as a picture too
    #[arg(long, value_name = "FILE.svg", requires = "batches")]
    figure: Option<PathBuf>,
    /// Who may read a new picture, which holds ids of patients; an old file keeps its mode
    #[arg(long, value_enum, default_value_t = Access::Private, requires = "figure")]
    access: Access,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CoverageArgument {
    /// Every recipient, or an error that names what conflicts
    Every,
    /// As many as can be, then the highest utility
    Most,
    /// Those that gain by it
    Beneficial,
}

impl From<CoverageArgument> for Coverage {
    fn from(coverage: CoverageArgument) -> Self {
        match coverage {
            CoverageArgument::Every => Self::Every,
            CoverageArgument::Most => Self::Most,
            CoverageArgument::Beneficial => Self::Beneficial,
        }
    }
}

impl AssignArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let capacities = capacities(&self.capacities)?;
        let forbidden = pairs("forbidden", &self.forbidden)?;
        let locked = pairs("locked", &self.locked)?;
        let coverage = self.coverage.into();
        let ranked = RankedUtilities::read(&self.ranking)?;
        let Some(path) = &self.batches else {
            let params = AssignmentParams {
                default_capacity: self.default_capacity,
                capacities,
                forbidden,
                locked,
                coverage,
            };
            return self.write_plain(&ranked.assign(&params)?, streams);
        };
        let batches = read_batches(&MetadataTable::read(path)?)?;
        let windows = self.recipients.as_deref().map(windows).transpose()?;
        let more = &self.calendar;
        let params = CalendarParams {
            coverage,
            capacities,
            forbidden,
            locked,
            min_utility: more.min_utility,
            max_per_block: more.max_per_block,
            max_utility_spread: more.max_utility_spread,
            max_served_spread: more.max_served_spread,
            max_cost: more.max_cost,
            n_alternatives: more.n_alternatives,
            prices: if more.prices {
                Prices::OfEachBatch
            } else {
                Prices::Skip
            },
            max_nodes: more.max_nodes,
        };
        let progress = streams.progress("assigning");
        let calendar = params.assign_ranked(&ranked, &batches, &windows.unwrap_or_default())?;
        drop(progress);
        self.write_calendar(&calendar, streams)
    }

    fn write_calendar(&self, calendar: &Calendar, streams: &mut Streams<'_>) -> Result<()> {
        if let Some(path) = &self.calendar.figure {
            write_bytes(
                path,
                calendar_figure(calendar).as_bytes(),
                self.calendar.access,
            )?;
        }
        if self.json {
            return streams.data(&(calendar.to_json()? + "\n"));
        }
        if streams.is_read_by_a_person() {
            return streams.data(&calendar.to_text());
        }
        streams.note(&calendar.verdict());
        streams.data(&calendar.to_tsv()?)
    }

    fn write_plain(&self, assignment: &Assignment, streams: &mut Streams<'_>) -> Result<()> {
        if self.json {
            return streams.data(&json(assignment)?);
        }
        streams.note(&format!(
            "{} of {} recipients, utility {:.4}: proven best",
            assignment.pairs.len(),
            assignment.pairs.len() + assignment.unassigned.len(),
            assignment.total_utility
        ));
        let columns = ["donor_id", "recipient_id", "utility", "locked"];
        streams.data(&json_or_tsv(false, &columns, &assignment.pairs)?)
    }
}

fn windows(path: &Path) -> Result<Vec<crate::ranking::RecipientWindow>> {
    read_windows(&MetadataTable::read(path)?)
}

fn divided<'a>(name: &str, text: &'a str, expected: &str) -> Result<(&'a str, &'a str)> {
    text.split_once('=')
        .ok_or_else(|| Error::parameter(name, format!("expected `{expected}`, found `{text}`")))
}

fn pairs(name: &str, texts: &[String]) -> Result<BTreeSet<(SubjectId, SampleId)>> {
    let pair = |text: &String| {
        let (donor, recipient) = divided(name, text, "DONOR=RECIPIENT")?;
        Ok((donor.into(), recipient.into()))
    };
    texts.iter().map(pair).collect()
}

fn capacities(texts: &[String]) -> Result<BTreeMap<SubjectId, usize>> {
    let capacity = |text: &String| {
        let (donor, n) = divided("capacities", text, "DONOR=N")?;
        let n = n.parse().map_err(|_| {
            let message = format!("expected a whole number from 0 after `{donor}=`, found `{n}`");
            Error::parameter("capacities", message)
        })?;
        Ok((donor.into(), n))
    };
    texts.iter().map(capacity).collect()
}
