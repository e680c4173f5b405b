//! Ranks the donors of a folder for its recipients: `cargo run --release --example rank [FOLDER]`.
//!
//! The folder holds `donors.tsv` and `recipients.tsv`; without one, a synthetic cohort is drawn.

use std::io::Write;
use std::path::Path;

use donormatch::Result;
use donormatch::cohort::{Cancer, Line, Regimen, TreatmentContext};
use donormatch::matcher::{Matcher, PredictParams};
use donormatch::profile::{ProfileTable, ReadOptions, read};
use donormatch::ranking::{RankingParams, rank_donors};
use donormatch::trial::SimulationParams;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (donors, recipients) = if let Some(folder) = std::env::args_os().nth(1) {
        read_tables(Path::new(&folder))?
    } else {
        let cohort = SimulationParams::default().simulate()?;
        (cohort.donors, cohort.recipients)
    };
    let context = TreatmentContext::new(Regimen::AntiPd1, Cancer::Melanoma, Line::Refractory);
    let contexts = vec![context; recipients.n_samples()];
    let ranked = rank_donors(
        &Matcher::bundled()?,
        &donors.into(),
        &recipients,
        &contexts,
        &PredictParams::default(),
        &RankingParams::default(),
    )?;

    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "donors: {}\nrecipients: {}\n\n{}",
        ranked.donors,
        ranked.recipients,
        ranked.ranking.to_text()
    )?;
    Ok(())
}

fn read_tables(folder: &Path) -> Result<(ProfileTable, ProfileTable)> {
    let options = ReadOptions::default();
    Ok((
        read(folder.join("donors.tsv"), &options)?,
        read(folder.join("recipients.tsv"), &options)?,
    ))
}
