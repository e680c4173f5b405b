//! In twenty lines: `cargo run --release --example app donors.tsv recipients.tsv`.

use donormatch::cohort::{Cancer, Line, Regimen, TreatmentContext};
use donormatch::matcher::{Matcher, PredictParams};
use donormatch::profile::{ReadOptions, read};
use donormatch::ranking::{RankingParams, rank_donors};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<_> = std::env::args_os().skip(1).collect();
    let [donors, recipients] = paths.as_slice() else {
        return Err("usage: app DONORS RECIPIENTS".into());
    };
    let donors = read(donors, &ReadOptions::default())?.into();
    let recipients = read(recipients, &ReadOptions::default())?;
    let context = TreatmentContext::new(Regimen::AntiPd1, Cancer::Melanoma, Line::Refractory);
    let contexts = vec![context; recipients.n_samples()];
    let (predict, params) = (PredictParams::default(), RankingParams::default());
    let matcher = Matcher::bundled()?;
    let ranked = rank_donors(&matcher, &donors, &recipients, &contexts, &predict, &params)?;
    std::io::Write::write_all(&mut std::io::stdout(), ranked.ranking.to_text().as_bytes())?;
    Ok(())
}
