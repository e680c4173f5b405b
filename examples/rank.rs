//! Ranks the donors of a folder for its recipients: `cargo run --release --example rank [FOLDER]`.
//!
//! The folder holds `donors.tsv` and `recipients.tsv`; without one, a synthetic cohort is drawn.

use std::io::Write;
use std::path::Path;

use donormatch::Result;
use donormatch::cohort::{Cancer, Line, Regimen, TreatmentContext};
use donormatch::matcher::{Matcher, PredictParams};
use donormatch::profile::{ProfileTable, ReadOptions, read};
use donormatch::ranking::RankingParams;
use donormatch::taxonomy::{HarmonizeParams, Target, harmonize};
use donormatch::trial::SimulationParams;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (donors, recipients) = if let Some(folder) = std::env::args_os().nth(1) {
        read_tables(Path::new(&folder))?
    } else {
        let cohort = SimulationParams::default().simulate()?;
        (cohort.donors, cohort.recipients)
    };
    let species = HarmonizeParams::new(Target::Species);
    let (donors, of_donors) = harmonize(&donors, &species)?;
    let (recipients, of_recipients) = harmonize(&recipients, &species)?;

    let context = TreatmentContext::new(Regimen::AntiPd1, Cancer::Melanoma, Line::Refractory);
    let contexts = vec![context; recipients.n_samples()];
    let matcher = Matcher::bundled()?;
    let pairs = matcher.predict(&donors, &recipients, &contexts, &PredictParams::default())?;
    let ranking = RankingParams::default().rank(&pairs)?;

    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "donors: {of_donors}\nrecipients: {of_recipients}\n\n{}",
        ranking.to_text()
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
