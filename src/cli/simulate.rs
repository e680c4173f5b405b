//! `donormatch simulate`

use std::path::PathBuf;

use clap::Args;

use super::Streams;
use crate::Result;
use crate::trial::SimulationParams;

/// Make a synthetic cohort: donors, recipients, transplants and the truth behind them
#[derive(Debug, Args)]
#[command(after_help = "Example:
  donormatch simulate --output cohort")]
pub(super) struct SimulateArguments {
    /// Folder to write the tables to, made where absent: donors, recipients, follow-ups, metadata,
    /// transplants and truth
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// Seed of everything drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Number of donors
    #[arg(long, value_name = "N", default_value_t = 6)]
    n_donors: u32,
    /// Number of recipients
    #[arg(long, value_name = "N", default_value_t = 8)]
    n_recipients: u32,
}

impl SimulateArguments {
    pub fn run(&self, streams: &mut Streams<'_>) -> Result<()> {
        let params = SimulationParams {
            n_donors: self.n_donors,
            n_recipients: self.n_recipients,
            seed: self.seed,
            ..SimulationParams::default()
        };
        let files = params.simulate()?.write(&self.output)?;
        let names: Vec<String> = files
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        streams.note(&format!("synthetic cohort: {}", names.join(", ")));
        Ok(())
    }
}
