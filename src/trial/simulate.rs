//! A seeded cohort of transplants under a known truth.

use serde::{Deserialize, Serialize};

use super::community::{Kind, Role, Species, close, draw_profile, species};
use crate::cohort::{Cancer, Cohort, FollowUp, Line, Patient, PatientCohort};
use crate::cohort::{Regimen, Transplant, TreatmentContext};
use crate::numeric::logistic::plain_sigmoid;
use crate::numeric::random::{Stream, derive};
use crate::profile::{ProfileTable, SampleId, Taxon, Unit, Vocabulary};
use crate::{Error, Result};

/// Settings of a simulated cohort.
///
/// # Examples
/// ```
/// use donormatch::trial::SimulationParams;
///
/// let cohort = SimulationParams::default().simulate()?;
/// assert_eq!((cohort.donors.n_samples(), cohort.recipients.n_samples()), (6, 8));
/// assert_eq!(cohort, SimulationParams::default().simulate()?);
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulationParams {
    /// Number of donors; every third is rich in *Prevotella*. Default 6.
    pub n_donors: u32,
    /// Number of recipients, each given the stool of one donor, in turn. Default 8.
    pub n_recipients: u32,
    /// Log-odds of presence after the transplant of a taxon that donor and recipient have at
    /// 10⁻⁶ together at most; one in neither place stays absent. Default −3.
    pub presence_intercept: f64,
    /// What a tenfold abundance in the donor adds to them, counted from 10⁻⁶. Default 0.7.
    pub presence_donor: f64,
    /// What a tenfold abundance in the recipient adds to them, counted from 10⁻⁶. Default 0.9.
    pub presence_recipient: f64,
    /// Log-odds of response of an average profile. Default −0.8.
    pub response_intercept: f64,
    /// What a tenfold ratio of butyrate producers to pathobionts after the transplant adds to
    /// them, counted from a ratio of ten. Default 1.2.
    pub response_slope: f64,
    /// Seed. Default 0.
    pub seed: u64,
}

impl Default for SimulationParams {
    fn default() -> Self {
        Self {
            n_donors: 6,
            n_recipients: 8,
            presence_intercept: -3.0,
            presence_donor: 0.7,
            presence_recipient: 0.9,
            response_intercept: -0.8,
            response_slope: 1.2,
            seed: 0,
        }
    }
}

/// A transplant of a simulation, with the truth behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SyntheticTransplant {
    /// The donor's sample.
    pub donor_id: SampleId,
    /// The recipient's baseline sample.
    pub recipient_id: SampleId,
    /// The recipient's sample four weeks after.
    pub follow_up_id: SampleId,
    /// The true probability of response after this transplant.
    pub true_p_response: f64,
    /// The true probability of response from the baseline, without the transplant.
    pub true_p_response_baseline: f64,
    /// Whether the recipient responded.
    pub response: bool,
}

/// A simulated cohort: profiles in percent, plain species names, every id with `synthetic` in it.
#[derive(Debug, Clone, PartialEq)]
pub struct SyntheticCohort {
    /// Profiles of the donors.
    pub donors: ProfileTable,
    /// Profiles of the recipients before.
    pub recipients: ProfileTable,
    /// Profiles of the recipients after.
    pub follow_ups: ProfileTable,
    /// How each recipient is treated.
    pub contexts: Vec<TreatmentContext>,
    /// One transplant a recipient.
    pub transplants: Vec<SyntheticTransplant>,
}

/// What a number is drawn for; keeps the streams apart.
#[derive(Clone, Copy)]
enum Purpose {
    Donor = 1,
    Recipient,
    Transplant,
}

impl SimulationParams {
    /// Draws the cohort; the same settings give the same cohort, bit for bit, and a donor does not
    /// depend on how many recipients there are.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there is no donor, no recipient, more than 10000 of either, or
    /// a coefficient is not finite.
    pub fn simulate(&self) -> Result<SyntheticCohort> {
        self.check()?;
        let species = species();
        let donors: Vec<Vec<f64>> = (0..self.n_donors)
            .map(|donor| self.draw_donor(&species, donor))
            .collect();
        let recipients: Vec<Vec<f64>> = (0..self.n_recipients)
            .map(|number| self.draw_recipient(&species, number))
            .collect();
        let mut follow_ups = Vec::with_capacity(recipients.len());
        let mut transplants = Vec::with_capacity(recipients.len());
        for (number, recipient) in (0..).zip(&recipients) {
            let donor = number % self.n_donors;
            let mut stream = self.stream(Purpose::Transplant, number);
            let after = self.transplant(&donors[donor as usize], recipient, &mut stream);
            let p = self.p_response(&species, &after);
            transplants.push(SyntheticTransplant {
                donor_id: id("donor", donor),
                recipient_id: id("recipient", number),
                follow_up_id: id("follow_up", number),
                true_p_response: p,
                true_p_response_baseline: self.p_response(&species, recipient),
                response: stream.uniform() < p,
            });
            follow_ups.push(after);
        }
        Ok(SyntheticCohort {
            contexts: (0..self.n_recipients).map(context).collect(),
            donors: table("donor", &species, &donors)?,
            recipients: table("recipient", &species, &recipients)?,
            follow_ups: table("follow_up", &species, &follow_ups)?,
            transplants,
        })
    }

    fn check(&self) -> Result<()> {
        for (name, n) in [
            ("n_donors", self.n_donors),
            ("n_recipients", self.n_recipients),
        ] {
            if !(1..=10_000).contains(&n) {
                return Err(Error::parameter(
                    name,
                    format!("expected 1 to 10000, found {n}"),
                ));
            }
        }
        let coefficients = [
            ("presence_intercept", self.presence_intercept),
            ("presence_donor", self.presence_donor),
            ("presence_recipient", self.presence_recipient),
            ("response_intercept", self.response_intercept),
            ("response_slope", self.response_slope),
        ];
        match coefficients
            .into_iter()
            .find(|(_, value)| !value.is_finite())
        {
            Some((name, value)) => Err(Error::parameter(
                name,
                format!("expected a finite number, found {value}"),
            )),
            None => Ok(()),
        }
    }

    fn stream(&self, purpose: Purpose, number: u32) -> Stream {
        Stream::new(derive(derive(self.seed, purpose as u64), u64::from(number)))
    }

    fn draw_donor(&self, species: &[Species], donor: u32) -> Vec<f64> {
        let mut stream = self.stream(Purpose::Donor, donor);
        let kind = Kind {
            richness: 0.5 + 0.3 * stream.normal(),
            dysbiosis: -0.3 + 0.3 * stream.normal(),
            is_prevotella_rich: donor % 3 == 2,
        };
        draw_profile(species, kind, &mut stream)
    }

    fn draw_recipient(&self, species: &[Species], recipient: u32) -> Vec<f64> {
        let mut stream = self.stream(Purpose::Recipient, recipient);
        let kind = Kind {
            richness: -0.3 + 0.4 * stream.normal(),
            dysbiosis: 1.0 + 0.7 * stream.normal(),
            is_prevotella_rich: stream.uniform() < 0.15,
        };
        draw_profile(species, kind, &mut stream)
    }

    /// The profile after: presence by [`SimulationParams::presence_donor`] and its siblings,
    /// abundance around the geometric middle of the two, where both have the taxon.
    fn transplant(&self, donor: &[f64], recipient: &[f64], stream: &mut Stream) -> Vec<f64> {
        let decades = |fraction: f64| libm::log10((fraction / 1e-6).max(1.0));
        let mut after: Vec<f64> = donor
            .iter()
            .zip(recipient)
            .map(|(&donor, &recipient)| {
                let (u, z) = (stream.uniform(), stream.normal());
                let (from_donor, from_recipient) = (decades(donor), decades(recipient));
                if from_donor + from_recipient == 0.0 {
                    return 0.0;
                }
                let score = self.presence_intercept
                    + self.presence_donor * from_donor
                    + self.presence_recipient * from_recipient;
                if u >= plain_sigmoid(score) {
                    return 0.0;
                }
                let middle = match (donor > 0.0, recipient > 0.0) {
                    (true, true) => (donor * recipient).sqrt(),
                    (true, false) => 0.5 * donor,
                    _ => recipient,
                };
                middle * libm::exp(0.8 * z)
            })
            .collect();
        if after.iter().all(|&fraction| fraction == 0.0) {
            after.copy_from_slice(recipient);
        }
        close(&mut after);
        after
    }

    fn p_response(&self, species: &[Species], profile: &[f64]) -> f64 {
        let sum = |role: Role| -> f64 {
            let of = species
                .iter()
                .zip(profile)
                .filter(|(species, _)| species.role == role);
            of.map(|(_, fraction)| fraction).sum()
        };
        let decades = libm::log10((sum(Role::Butyrate) + 1e-4) / (sum(Role::Pathobiont) + 1e-4));
        let score = self.response_intercept + self.response_slope * (decades - 1.0);
        plain_sigmoid(score)
    }
}

impl SyntheticCohort {
    /// The same as the models learn from it: every recipient's follow-up as a patient with its
    /// response, and the transplants.
    ///
    /// # Errors
    /// [`Error::Table`], should ids be repeated by hand.
    pub fn to_cohorts(&self) -> Result<(PatientCohort, Cohort)> {
        let patients = self
            .transplants
            .iter()
            .enumerate()
            .map(|(at, transplant)| Patient {
                sample: transplant.follow_up_id.clone(),
                subject: transplant.recipient_id.as_str().into(),
                study: "synthetic".into(),
                cohort: format!("synthetic_{}", 1 + at % 3).as_str().into(),
                cancer: None,
                institution: None,
                response: Some(transplant.response),
                recist: None,
                severe_irae: None,
                day: None,
            });
        let transplants = self
            .transplants
            .iter()
            .enumerate()
            .map(|(at, transplant)| Transplant {
                study: format!("synthetic_{}", 1 + at % 3).as_str().into(),
                donor: transplant.donor_id.as_str().into(),
                donor_samples: vec![transplant.donor_id.clone()],
                recipient: transplant.recipient_id.as_str().into(),
                baseline: transplant.recipient_id.clone(),
                follow_up: Some(FollowUp {
                    sample: transplant.follow_up_id.clone(),
                    day: Some(28.0),
                }),
                antibiotics: None,
                response: Some(transplant.response),
            });
        let all = self.all_profiles()?;
        Ok((
            PatientCohort::new(patients.collect(), &self.follow_ups)?,
            Cohort::new(transplants.collect(), all)?,
        ))
    }

    /// Donors, recipients and follow-ups in one table.
    fn all_profiles(&self) -> Result<ProfileTable> {
        let mut builder = ProfileTable::builder(Unit::Percent)
            .taxa(self.donors.taxa().iter().cloned())
            .vocabulary(self.donors.vocabulary().clone());
        for table in [&self.donors, &self.recipients, &self.follow_ups] {
            for (row, sample) in table.samples().iter().enumerate() {
                let (taxa, values) = table.abundance().row(row);
                let abundances = taxa.iter().copied().zip(values.iter().copied()).collect();
                builder = builder.sample(sample.clone(), abundances);
            }
        }
        builder.build()
    }
}

fn id(what: &str, number: u32) -> SampleId {
    SampleId::new(format!("synthetic_{what}_{:02}", number + 1))
}

/// Regimens, cancers and lines in turn, so that a small cohort shows the common ones.
fn context(recipient: u32) -> TreatmentContext {
    let regimen = if recipient % 4 == 3 {
        Regimen::Dual
    } else {
        Regimen::AntiPd1
    };
    let cancer = if recipient % 3 == 1 {
        Cancer::Lung
    } else {
        Cancer::Melanoma
    };
    let line = if recipient.is_multiple_of(2) {
        Line::Refractory
    } else {
        Line::First
    };
    TreatmentContext::new(regimen, cancer, line)
}

fn table(what: &str, species: &[Species], profiles: &[Vec<f64>]) -> Result<ProfileTable> {
    let mut builder = ProfileTable::builder(Unit::Percent)
        .taxa(
            species
                .iter()
                .map(|species| Taxon::new(format!("s__{}", species.name))),
        )
        .vocabulary(Vocabulary::new("synthetic"));
    for (number, profile) in (0..).zip(profiles) {
        let present = (0_u32..)
            .zip(profile)
            .filter(|(_, fraction)| **fraction > 0.0);
        let abundances = present
            .map(|(taxon, fraction)| (taxon, 100.0 * fraction))
            .collect();
        builder = builder.sample(id(what, number), abundances);
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn communities_are_of_a_plausible_size_and_say_that_they_are_synthetic() {
        let params = SimulationParams {
            n_donors: 30,
            n_recipients: 30,
            ..Default::default()
        };
        let cohort = params.simulate().unwrap();
        let richness = |table: &ProfileTable| {
            let rows = (0..table.n_samples()).map(|row| table.abundance().row(row).0.len());
            let rows: Vec<usize> = rows.collect();
            (
                rows.iter().min().copied().unwrap(),
                rows.iter().max().copied().unwrap(),
            )
        };
        let (least, most) = richness(&cohort.donors);
        assert!(least >= 90 && most <= 250, "{least} to {most}");
        for table in [&cohort.donors, &cohort.recipients, &cohort.follow_ups] {
            assert!(
                table
                    .samples()
                    .iter()
                    .all(|id| id.as_str().starts_with("synthetic_"))
            );
        }
    }

    #[test]
    fn every_species_is_named_once() {
        let mut names: Vec<&str> = species().iter().map(|species| species.name).collect();
        names.sort_unstable();
        let n = names.len();
        names.dedup();
        assert_eq!(names.len(), n);
    }

    #[test]
    fn another_seed_is_another_cohort_and_more_recipients_leave_the_donors_alone() {
        let small = SimulationParams::default().simulate().unwrap();
        let other = SimulationParams {
            seed: 1,
            ..Default::default()
        }
        .simulate()
        .unwrap();
        let larger = SimulationParams {
            n_recipients: 20,
            ..Default::default()
        };
        assert_ne!(small.donors, other.donors);
        assert_eq!(small.donors, larger.simulate().unwrap().donors);
    }

    #[test]
    fn no_donors_is_an_error() {
        let params = SimulationParams {
            n_donors: 0,
            ..Default::default()
        };
        assert!(
            params
                .simulate()
                .unwrap_err()
                .to_string()
                .contains("`n_donors`")
        );
    }
}
