//! `donormatch plan pool`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::{Streams, json, json_or_tsv};
use crate::cohort::MetadataTable;
use crate::profile::SubjectId;
use crate::trial::pool::{ChosenPool, PoolDonor, PoolParams, donors_of_pool};
use crate::trial::read_utilities;
use crate::{Error, Result};

/// Which donors serve a cohort together, and what each of them adds
///
/// RANKING is what `donormatch rank` writes for all pairs: `recipient_id`, `donor_id` and `utility`.
/// Donors outside the pool stand for those that could join it.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch plan pool ranking.tsv --n-chosen 2")]
pub(super) struct PoolArguments {
    /// Table of a ranking
    ranking: PathBuf,
    /// Donors to choose
    #[arg(long, default_value_t = 3, conflicts_with = "pool")]
    n_chosen: usize,
    /// Donors of the pool there is, by id; nothing is chosen then
    #[arg(long, value_delimiter = ',', value_name = "ID")]
    pool: Option<Vec<String>>,
    /// Write JSON instead of a table
    #[arg(long)]
    json: bool,
}

const COLUMNS: [&str; 4] = ["donor_id", "is_in_pool", "first_for", "adds"];

/// A donor by its id.
#[derive(Debug, Serialize)]
struct DonorRow<'a> {
    donor_id: &'a SubjectId,
    is_in_pool: bool,
    first_for: f64,
    adds: f64,
}

impl PoolArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let (ids, utility) = read_utilities(&MetadataTable::read(&self.ranking)?)?;
        let chosen = match &self.pool {
            None => Some(self.params().choose(utility.view())?),
            Some(_) => None,
        };
        let pool = match (&chosen, &self.pool) {
            (Some(chosen), _) => chosen.donors.clone(),
            (None, names) => places(&ids, names.as_deref().unwrap_or_default())?,
        };
        let donors = donors_of_pool(utility.view(), &pool)?;
        let rows: Vec<DonorRow<'_>> = donors.iter().map(|one| row(&ids, one)).collect();
        if self.json {
            let whole = serde_json::json!({ "chosen": chosen, "donors": rows });
            return streams.data(&json(&whole)?);
        }
        if let Some(chosen) = &chosen {
            streams.note(&note(chosen));
        }
        let idle = donors
            .iter()
            .filter(|one| one.is_in_pool && one.first_for <= 0.0);
        for one in idle {
            streams.note(&format!("`{}` is first for nobody", ids[one.donor]));
        }
        streams.data(&json_or_tsv(false, &COLUMNS, &rows)?)
    }

    fn params(&self) -> PoolParams {
        PoolParams {
            n_chosen: self.n_chosen,
            ..PoolParams::default()
        }
    }
}

fn note(chosen: &ChosenPool) -> String {
    let value = chosen.value;
    if chosen.is_exact {
        return format!("the best pool of this size: mean utility {value:.4}");
    }
    format!(
        "chosen greedily: mean utility {value:.4}, and no pool of this size is above {:.4}",
        chosen.bound
    )
}

fn row<'a>(ids: &'a [SubjectId], one: &PoolDonor) -> DonorRow<'a> {
    DonorRow {
        donor_id: &ids[one.donor],
        is_in_pool: one.is_in_pool,
        first_for: one.first_for,
        adds: one.adds,
    }
}

fn places(ids: &[SubjectId], names: &[String]) -> Result<Vec<usize>> {
    let place = |name: &String| {
        ids.iter()
            .position(|id| id.as_str() == name)
            .ok_or_else(|| Error::parameter("pool", format!("there is no donor `{name}`")))
    };
    names.iter().map(place).collect()
}
