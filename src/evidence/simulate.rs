//! Arms of the size of a registry whose truth is known: everything drawn from the prior.

use std::collections::BTreeMap;

use super::arm::Events;
use super::data::{Data, density};
use super::density::{Density, Row};
use super::draws::names;
use super::endpoint::Endpoint;
use super::registry::Registry;
use super::slope::CohortSlope;
use crate::Result;
use crate::numeric::logistic::sigmoid;
use crate::numeric::random::{SplitMix64, derive};

/// Simulated arms and slopes, and the parameters that they were drawn with.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedEvidence {
    /// The arms of the registry it was made after, with other events.
    pub registry: Registry,
    /// The slopes it was made after, with other estimates.
    pub slopes: Vec<CohortSlope>,
    /// Every parameter of an endpoint by its name; standard deviations as `sd[group]`.
    pub truth: BTreeMap<(Endpoint, String), f64>,
}

impl SimulatedEvidence {
    /// Draws every parameter from its prior and the events of every arm from these.
    ///
    /// # Errors
    /// [`crate::Error::Table`] where an arm cannot hold its events; never, by construction.
    pub fn new(registry: &Registry, slopes: &[CohortSlope], seed: u64) -> Result<Self> {
        let mut arms = registry.arms().to_vec();
        let mut drawn_slopes = slopes.to_vec();
        let mut truth = BTreeMap::new();
        for endpoint in Endpoint::ALL {
            let data = Data {
                registry,
                slopes,
                patients: &[],
            };
            let density = density(endpoint, data, 1.0);
            let mut random = SplitMix64::new(derive(seed, endpoint as u64));
            let values = from_prior(&density, &mut random);
            let mut rows = density.rows.iter();
            for arm in &mut arms {
                let events = match endpoint {
                    Endpoint::Response => &mut arm.response,
                    Endpoint::SevereIrae => &mut arm.severe_irae,
                    Endpoint::Myocarditis => &mut arm.myocarditis,
                };
                if let Some(events) = events.as_mut().filter(|events| events.n > 0)
                    && let Some(row) = rows.next()
                {
                    *events = drawn(*events, row, &values, &mut random);
                }
            }
            for (slope, one) in drawn_slopes.iter_mut().zip(&density.measurements) {
                let spread = values[density.coefficients.len() + one.group].hypot(one.error);
                slope.estimate = values[one.mean] + spread * random.normal();
            }
            let named = names(&density).into_iter().zip(values);
            truth.extend(named.map(|(name, value)| ((endpoint, name), value)));
        }
        Ok(Self {
            registry: Registry::try_from(arms)?,
            slopes: drawn_slopes,
            truth,
        })
    }
}

fn from_prior(density: &Density, random: &mut SplitMix64) -> Vec<f64> {
    let z = density.coefficients.iter().map(|_| random.normal());
    let mut point: Vec<f64> = z.collect();
    for group in &density.groups {
        point.push(libm::log(group.prior * random.normal().abs()));
    }
    density.constrained(&point)
}

fn drawn(events: Events, row: &Row, values: &[f64], random: &mut SplitMix64) -> Events {
    let p = sigmoid(row.linear_predictor(values));
    let hits = (0..events.n).filter(|_| random.uniform() < p).count();
    Events {
        n: events.n,
        events: hits as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stay_and_events_follow_the_seed() {
        let registry = Registry::bundled().unwrap();
        let one = SimulatedEvidence::new(&registry, &[], 1).unwrap();
        assert_eq!(one, SimulatedEvidence::new(&registry, &[], 1).unwrap());
        assert_ne!(one, SimulatedEvidence::new(&registry, &[], 2).unwrap());
        for (arm, simulated) in registry.arms().iter().zip(one.registry.arms()) {
            let n = |events: Option<Events>| events.map(|events| events.n);
            assert_eq!(n(arm.response), n(simulated.response));
            assert_eq!(arm.trial, simulated.trial);
        }
        let spread = one.truth[&(Endpoint::Response, "sd[trial]".to_owned())];
        assert!(spread > 0.0);
    }
}
