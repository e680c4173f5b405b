//! Arms, slopes and patients → the log density of an endpoint.

use std::collections::BTreeMap;

use super::arm::{Arm, Events, SevereDefinition};
use super::density::{Coefficient, Density, Group, Measurement, Row, Scale};
use super::endpoint::Endpoint;
use super::layout::{self, Given, Setting, terms};
use super::patient::TrialPatient;
use super::registry::Registry;
use super::slope::CohortSlope;

/// Everything that a fit reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Data<'a> {
    pub(super) registry: &'a Registry,
    pub(super) slopes: &'a [CohortSlope],
    pub(super) patients: &'a [TrialPatient],
}

impl Arm {
    /// The events of an endpoint, where the arm reports them.
    pub fn events(&self, endpoint: Endpoint) -> Option<Events> {
        match endpoint {
            Endpoint::Response => self.response,
            Endpoint::SevereIrae => self.severe_irae,
            Endpoint::Myocarditis => self.myocarditis,
        }
    }

    /// What the log-odds of its patients depend on.
    pub fn setting(&self) -> Setting<'_> {
        Setting {
            cancer: self.cancer,
            regimen: self.regimen,
            line: self.line,
            partner: self.partner,
            trial: &self.trial,
            transplant: self.is_transplant().then_some(Given {
                donor_type: self.donor_type,
                donor: self.donor.as_deref(),
                is_uncontrolled: self.is_uncontrolled(),
                score: 0.0,
                richness: 0.0,
            }),
            any_ae: self.severe_definition == SevereDefinition::AnyAe,
        }
    }
}

/// The log density of an endpoint; `prior_scale` multiplies the spread of every prior.
pub(super) fn density(endpoint: Endpoint, data: Data<'_>, prior_scale: f64) -> Density {
    let groups = layout::groups(endpoint).iter();
    let mut density = Builder {
        endpoint,
        prior_scale,
        number: BTreeMap::new(),
        density: Density {
            groups: groups
                .map(|&(name, prior)| Group {
                    name: name.to_owned(),
                    prior: prior * prior_scale,
                })
                .collect(),
            ..Density::default()
        },
    };
    for name in layout::always(endpoint) {
        density.number(&name);
    }
    for arm in data.registry.arms() {
        if let Some(events) = arm.events(endpoint).filter(|events| events.n > 0) {
            density.add(&arm.setting(), events.n, events.events);
        }
    }
    for patient in data.patients {
        if let Some(event) = patient.outcome(endpoint) {
            density.add(&patient.setting(), 1, u32::from(event));
        }
    }
    if endpoint == Endpoint::Response {
        density.add_slopes(data.slopes);
    }
    density.density
}

struct Builder {
    endpoint: Endpoint,
    prior_scale: f64,
    number: BTreeMap<String, usize>,
    density: Density,
}

impl Builder {
    /// The number of a parameter, which is added where it is new.
    fn number(&mut self, name: &str) -> usize {
        if let Some(&number) = self.number.get(name) {
            return number;
        }
        let number = self.density.coefficients.len();
        let (mean, scale) = layout::prior(self.endpoint, name);
        self.density.coefficients.push(Coefficient {
            name: name.to_owned(),
            mean,
            scale: match scale {
                Scale::Fixed(sd) => Scale::Fixed(sd * self.prior_scale),
                group @ Scale::Group(_) => group,
            },
        });
        self.number.insert(name.to_owned(), number);
        number
    }

    fn add(&mut self, setting: &Setting<'_>, n: u32, events: u32) {
        let terms = terms(self.endpoint, setting)
            .into_iter()
            .map(|term| (self.number(&term.name), term.by))
            .collect();
        self.density.rows.push(Row {
            n: f64::from(n),
            y: f64::from(events),
            terms,
        });
    }

    fn add_slopes(&mut self, slopes: &[CohortSlope]) {
        let mean = self.number("slope");
        let group = layout::groups(self.endpoint)
            .iter()
            .position(|one| one.0 == "slope");
        let measurements = slopes.iter().zip(group.into_iter().cycle());
        self.density
            .measurements
            .extend(measurements.map(|(slope, group)| Measurement {
                mean,
                group,
                estimate: slope.estimate,
                error: slope.error,
            }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_arm_with_a_count_is_a_row_and_every_group_has_a_scale() {
        let registry = Registry::bundled().unwrap();
        let data = Data {
            registry: &registry,
            slopes: &[],
            patients: &[],
        };
        for endpoint in Endpoint::ALL {
            let density = density(endpoint, data, 1.0);
            let n = registry
                .arms()
                .iter()
                .filter(|arm| arm.events(endpoint).is_some());
            assert_eq!(density.rows.len(), n.count());
            for coefficient in &density.coefficients {
                if let Scale::Group(group) = coefficient.scale {
                    assert!(coefficient.name.starts_with(&density.groups[group].name));
                }
            }
        }
    }

    #[test]
    fn the_spread_of_every_prior_is_multiplied() {
        let registry = Registry::bundled().unwrap();
        let data = Data {
            registry: &registry,
            slopes: &[],
            patients: &[],
        };
        let (one, two) = (
            density(Endpoint::Response, data, 1.0),
            density(Endpoint::Response, data, 2.0),
        );
        for (one, two) in one.coefficients.iter().zip(&two.coefficients) {
            match (one.scale, two.scale) {
                (Scale::Fixed(one), Scale::Fixed(two)) => {
                    approx::assert_relative_eq!(2.0 * one, two);
                }
                (one, two) => assert_eq!(one, two),
            }
        }
        for (one, two) in one.groups.iter().zip(&two.groups) {
            approx::assert_relative_eq!(2.0 * one.prior, two.prior);
        }
    }
}
