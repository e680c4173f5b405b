//! Arms, slopes and patients → draws, by the sampler.

use super::data::{Data, density};
use super::draws::Draws;
use super::endpoint::Endpoint;
use super::patient::TrialPatient;
use super::posterior::{Evidence, EvidenceParams, TrialRecord};
use super::registry::Registry;
use super::sampler::{Sampling, sample};
use super::slope::CohortSlope;
use crate::numeric::random::derive;
use crate::{Error, Result};

/// Chains that disagree more than this have not found the posterior.
const MAX_R_HAT: f64 = 1.05;

impl EvidenceParams {
    /// Samples the joint posterior of the arms, and of the slopes of cohorts without transplants.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a setting out of range; [`Error::Convergence`] where R-hat of a
    /// parameter exceeds 1.05.
    ///
    /// # Examples
    /// ```no_run
    /// use donormatch::evidence::{EvidenceParams, Registry};
    ///
    /// let evidence = EvidenceParams::default().fit(&Registry::bundled()?, &[])?;
    /// assert_eq!(evidence.n_kept(), 1000);
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn fit(&self, registry: &Registry, slopes: &[CohortSlope]) -> Result<Evidence> {
        self.fit_with_patients(registry, slopes, &[], "")
    }

    /// The same with patients of a trial of one's own; `digest` says what table they come from.
    ///
    /// # Errors
    /// As [`EvidenceParams::fit`]; [`Error::Table`] for a patient with a number that is not finite.
    pub fn fit_with_patients(
        &self,
        registry: &Registry,
        slopes: &[CohortSlope],
        patients: &[TrialPatient],
        digest: &str,
    ) -> Result<Evidence> {
        self.check()?;
        patients.iter().try_for_each(TrialPatient::check)?;
        let registry = &registry.without_trials(&self.without)?;
        let data = Data {
            registry,
            slopes,
            patients,
        };
        let [response, severe_irae, myocarditis] =
            Endpoint::ALL.map(|endpoint| self.fit_endpoint(endpoint, data));
        Ok(Evidence {
            registry: registry.clone(),
            slopes: slopes.to_vec(),
            // What was left out is no longer in the registry.
            params: Self {
                without: Vec::new(),
                ..self.clone()
            },
            response: response?,
            severe_irae: severe_irae?,
            myocarditis: myocarditis?,
            record: TrialRecord::of(patients, digest),
        })
    }

    fn fit_endpoint(&self, endpoint: Endpoint, data: Data<'_>) -> Result<Draws> {
        let density = density(endpoint, data, self.prior_scale);
        let sampling = Sampling {
            n_chains: self.n_chains,
            n_tune: self.n_tune,
            n_draws: self.n_draws,
            seed: derive(self.seed, endpoint as u64),
        };
        let chains = sample(&density, sampling)?;
        let n_divergences = chains.iter().map(|chain| chain.n_divergences).sum();
        let draws: Vec<Vec<Vec<f64>>> = chains.into_iter().map(|chain| chain.draws).collect();
        let draws = Draws::of_chains(&density, &draws, self.n_kept as usize, n_divergences)
            .ok_or_else(|| Error::convergence("the sampler gave numbers that are not finite"))?;
        let worst = draws
            .columns()
            .iter()
            .max_by(|a, b| a.r_hat.total_cmp(&b.r_hat));
        if let Some(worst) = worst.filter(|worst| worst.r_hat > MAX_R_HAT) {
            return Err(Error::convergence(format!(
                "the chains of `{endpoint}` disagree: R-hat of `{}` is {:.3}; more draws are \
                 needed (`n_tune`, `n_draws`)",
                worst.name, worst.r_hat
            )));
        }
        Ok(draws)
    }

    fn check(&self) -> Result<()> {
        let within = |name: &str, value: u32, least: u32, most: u32| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                let message = format!("expected {least} to {most}, found {value}");
                Err(Error::parameter(name, message))
            }
        };
        within("n_chains", self.n_chains, 1, 64)?;
        within("n_tune", self.n_tune, 50, 100_000)?;
        within("n_draws", self.n_draws, 50, 100_000)?;
        within("n_kept", self.n_kept, 20, 10_000)?;
        if self.n_kept > self.n_chains.saturating_mul(self.n_draws) {
            let message = "more than the chains draw: `n_chains` × `n_draws`";
            return Err(Error::parameter("n_kept", message));
        }
        if !(self.prior_scale.is_finite() && (0.01..=100.0).contains(&self.prior_scale)) {
            let message = format!("expected 0.01 to 100, found {}", self.prior_scale);
            return Err(Error::parameter("prior_scale", message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short() -> EvidenceParams {
        EvidenceParams {
            n_tune: 300,
            n_draws: 300,
            n_kept: 400,
            ..EvidenceParams::default()
        }
    }

    #[test]
    fn one_thread_and_many_give_the_same_draws() {
        let registry = Registry::bundled().unwrap();
        let fit = || short().fit(&registry, &[]).unwrap();
        let many = fit();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        assert_eq!(pool.install(fit), many);
    }

    #[test]
    fn the_shipped_arms_are_sampled_well() {
        let registry = Registry::bundled().unwrap();
        let evidence = EvidenceParams::default().fit(&registry, &[]).unwrap();
        for row in evidence.quality() {
            assert!(row.max_r_hat < 1.02, "{row:?}");
            assert!(row.min_effective_size > 400.0, "{row:?}");
            assert!(row.n_divergences <= 20, "{row:?}");
        }
    }

    #[test]
    fn a_setting_out_of_range_is_refused_by_its_name() {
        let refused = |params: EvidenceParams| {
            let registry = Registry::bundled().unwrap();
            params.fit(&registry, &[]).unwrap_err().to_string()
        };
        let with = |change: fn(&mut EvidenceParams)| {
            let mut params = short();
            change(&mut params);
            refused(params)
        };
        assert!(with(|params| params.n_chains = 0).contains("`n_chains`"));
        assert!(with(|params| params.prior_scale = f64::NAN).contains("`prior_scale`"));
        assert!(with(|params| params.n_kept = 5000).contains("`n_kept`"));
        assert!(with(|params| params.without = vec!["x".to_owned()]).contains("`without`"));
    }
}
