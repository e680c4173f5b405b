//! The no-U-turn sampler, by nuts-rs, from the authors of `PyMC` and nutpie.
//!
//! # References
//! Hoffman and Gelman, "The No-U-turn sampler", JMLR 15:1593 (2014).

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;

use nuts_rs::rand::SeedableRng;
use nuts_rs::rand::rngs::SmallRng;
use nuts_rs::{
    Chain as _, CpuLogpFunc, CpuMath, CpuMathError, DiagNutsSettings, HasDims, LogpError, Settings,
};
use rayon::prelude::*;

use super::density::Density;
use crate::numeric::random::{derive, normal};
use crate::{Error, Result};

/// How long and how often the sampler runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sampling {
    pub(super) n_chains: u32,
    pub(super) n_tune: u32,
    pub(super) n_draws: u32,
    pub(super) seed: u64,
}

/// The draws of one chain.
#[derive(Debug, Clone)]
pub(super) struct ChainDraws {
    /// Draws × parameters: coefficients, then standard deviations.
    pub(super) draws: Vec<Vec<f64>>,
    pub(super) n_divergences: u32,
}

/// Smaller steps than the usual 0.8: standard deviations near 0 make narrow places.
const TARGET_ACCEPTANCE: f64 = 0.95;

/// Runs the chains, each with a seed of its own; the same on any number of threads.
pub(super) fn sample(density: &Density, sampling: Sampling) -> Result<Vec<ChainDraws>> {
    (0..sampling.n_chains)
        .into_par_iter()
        .map(|chain| one_chain(density, sampling, derive(sampling.seed, u64::from(chain))))
        .collect()
}

fn one_chain(density: &Density, sampling: Sampling, seed: u64) -> Result<ChainDraws> {
    let failed =
        |cause: &dyn fmt::Display| Error::convergence(format!("the sampler stopped: {cause}"));
    let mut settings = DiagNutsSettings {
        num_tune: u64::from(sampling.n_tune),
        num_draws: u64::from(sampling.n_draws),
        ..DiagNutsSettings::default()
    };
    settings.adapt_options.step_size_settings.target_accept = TARGET_ACCEPTANCE;
    let mut rng = SmallRng::seed_from_u64(seed);
    let math = CpuMath::new(LogDensity(density));
    let mut chain = settings
        .new_chain(0, math, &mut rng)
        .map_err(|cause| failed(&cause))?;
    chain
        .set_position(&start(density, seed))
        .map_err(|cause| failed(&cause))?;
    let mut found = ChainDraws {
        draws: Vec::with_capacity(sampling.n_draws as usize),
        n_divergences: 0,
    };
    for number in 0..sampling.n_tune + sampling.n_draws {
        crate::cancel::check()?;
        let (point, progress) = chain.draw().map_err(|cause| failed(&cause))?;
        if number >= sampling.n_tune {
            found.n_divergences += u32::from(progress.diverging);
            found.draws.push(density.constrained(&point));
        }
    }
    Ok(found)
}

/// A point near the middle of the prior, another for each chain.
fn start(density: &Density, seed: u64) -> Vec<f64> {
    let n = density.coefficients.len();
    let z = |at: usize| normal(derive(seed, at as u64));
    let coefficients = (0..n).map(|at| 0.5 * z(at));
    let log_sd = density.groups.iter().enumerate();
    coefficients
        .chain(log_sd.map(|(at, group)| libm::log(0.7 * group.prior) + 0.3 * z(n + at)))
        .collect()
}

struct LogDensity<'a>(&'a Density);

/// The log density is finite everywhere, so there is no way to fail.
#[derive(Debug)]
struct Never(Infallible);

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

impl std::error::Error for Never {}

impl LogpError for Never {
    fn is_recoverable(&self) -> bool {
        match self.0 {}
    }
}

impl HasDims for LogDensity<'_> {
    fn dim_sizes(&self) -> HashMap<String, u64> {
        HashMap::from([("dim".to_owned(), self.0.n_dims() as u64)])
    }
}

impl CpuLogpFunc for LogDensity<'_> {
    type LogpError = Never;
    type FlowParameters = ();
    type ExpandedVector = Vec<f64>;

    fn dim(&self) -> usize {
        self.0.n_dims()
    }

    fn logp(&mut self, position: &[f64], gradient: &mut [f64]) -> Result<f64, Never> {
        Ok(self.0.log_density(position, gradient))
    }

    fn expand_vector<R: nuts_rs::rand::Rng + ?Sized>(
        &mut self,
        _: &mut R,
        position: &[f64],
    ) -> Result<Vec<f64>, CpuMathError> {
        Ok(position.to_vec())
    }
}
