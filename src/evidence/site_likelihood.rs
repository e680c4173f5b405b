//! How likely the outcomes of a site are at a draw, its own effects integrated out.

use super::data::{Data, density};
use super::density::Density;
use super::draws::Column;
use super::endpoint::Endpoint;
use super::layout::group_of;
use super::patient::TrialPatient;
use super::posterior::Evidence;
use crate::numeric::random::{address, derive, normal};

/// Draws of a site's own effects beside each draw that is shared: pairs of opposite sign.
const N_PAIRS: usize = 128;

/// A donor's effect is integrated over −5 to 5 standard deviations in these steps, by the trapezoid
/// rule, which is exact to many digits for smooth functions that vanish at both ends.
const NODE_STEP: f64 = 0.5;
const LAST_NODE: f64 = 5.0;

/// The outcomes of a site, split into what is shared and what is its own.
pub(super) struct Site<'a> {
    density: Density,
    rows: Vec<SiteRow>,
    /// Draws of each shared coefficient; none for a site's own.
    shared: Vec<Option<&'a Column>>,
    /// What is the site's own, but for donors.
    own: Vec<OwnEffect<'a>>,
    donor_sd: Option<&'a Column>,
    /// The coefficient of each donor and the places of its patients.
    donors: Vec<(usize, Vec<usize>)>,
    /// The places of patients of no donor.
    of_no_donor: Vec<usize>,
    /// Where a donor's effect is looked at, with weights.
    nodes: Vec<(f64, f64)>,
}

/// An effect of the site alone.
struct OwnEffect<'a> {
    coefficient: usize,
    sd: Option<&'a Column>,
    seed: u64,
}

/// A patient: which terms of the row of the density are shared, own, or the donor's.
struct SiteRow {
    number: usize,
    shared: Vec<(usize, f64)>,
    /// By the number of the own effect.
    own: Vec<(usize, f64)>,
    donor: f64,
}

impl<'a> Site<'a> {
    pub(super) fn new(
        evidence: &'a Evidence,
        endpoint: Endpoint,
        patients: &[TrialPatient],
    ) -> Self {
        let data = Data {
            registry: &evidence.registry,
            slopes: &evidence.slopes,
            patients,
        };
        let density = density(endpoint, data, evidence.params.prior_scale);
        let draws = evidence.draws(endpoint);
        let known = patients
            .iter()
            .filter(|one| one.outcome(endpoint).is_some());
        let first = density.rows.len() - known.count();
        let mut site = Self {
            rows: Vec::new(),
            shared: Vec::new(),
            own: Vec::new(),
            donor_sd: draws.get("sd[donor]"),
            donors: Vec::new(),
            of_no_donor: Vec::new(),
            nodes: nodes().collect(),
            density,
        };
        let names = site.density.coefficients.iter();
        site.shared = names.map(|one| draws.get(&one.name)).collect();
        for number in first..site.density.rows.len() {
            site.add(evidence, endpoint, number);
        }
        site
    }

    /// A row of the density: a patient.
    fn add(&mut self, evidence: &'a Evidence, endpoint: Endpoint, number: usize) {
        let mut row = SiteRow {
            number,
            shared: Vec::new(),
            own: Vec::new(),
            donor: 0.0,
        };
        let mut donor = None;
        for &(coefficient, by) in &self.density.rows[number].terms {
            let name = &self.density.coefficients[coefficient].name;
            let group = group_of(endpoint, name);
            if self.shared[coefficient].is_some() {
                row.shared.push((coefficient, by));
            } else if group == Some("donor") {
                (donor, row.donor) = (Some(coefficient), by);
            } else {
                let known = self
                    .own
                    .iter()
                    .position(|one| one.coefficient == coefficient);
                row.own.push((known.unwrap_or(self.own.len()), by));
                if known.is_none() {
                    let sd = |group| evidence.draws(endpoint).get(&format!("sd[{group}]"));
                    self.own.push(OwnEffect {
                        coefficient,
                        sd: group.and_then(sd),
                        seed: derive(evidence.params.seed, address(name)),
                    });
                }
            }
        }
        let place = self.rows.len();
        self.rows.push(row);
        let Some(donor) = donor else {
            self.of_no_donor.push(place);
            return;
        };
        match self.donors.iter_mut().find(|one| one.0 == donor) {
            Some(known) => known.1.push(place),
            None => self.donors.push((donor, vec![place])),
        }
    }

    /// Logarithm of the likelihood at a draw of what is shared, and its standard error: the mean
    /// over draws of what is the site's own, in pairs of opposite sign.
    pub(super) fn log_likelihood(&self, draw: usize) -> (f64, f64) {
        let value =
            |coefficient: usize| self.shared[coefficient].map_or(0.0, |column| column.value(draw));
        let shared: Vec<f64> = self
            .rows
            .iter()
            .map(|row| row.shared.iter().map(|&(at, by)| by * value(at)).sum())
            .collect();
        let sds: Vec<f64> = self
            .own
            .iter()
            .map(|one| one.sd.map_or(0.0, |sd| sd.value(draw)))
            .collect();
        let donor_sd = self.donor_sd.map_or(0.0, |sd| sd.value(draw));
        let mut logs = Vec::with_capacity(2 * N_PAIRS);
        for pair in 0..N_PAIRS {
            let number = (draw * N_PAIRS + pair) as u64;
            let effects = self.own.iter().zip(&sds);
            let effects: Vec<f64> = effects
                .map(|(own, sd)| sd * normal(derive(own.seed, number)))
                .collect();
            for sign in [1.0, -1.0] {
                logs.push(self.given(&shared, &effects, sign, donor_sd));
            }
        }
        log_mean(&logs)
    }

    /// Logarithm of the likelihood given all but the donors' effects.
    fn given(&self, shared: &[f64], effects: &[f64], sign: f64, donor_sd: f64) -> f64 {
        let eta = |place: usize| {
            let own = self.rows[place].own.iter();
            let own: f64 = own.map(|&(at, by)| by * effects[at]).sum();
            shared[place] + sign * own
        };
        let of =
            |place: usize, eta: f64| self.density.rows[self.rows[place].number].log_likelihood(eta);
        let alone: f64 = self.of_no_donor.iter().map(|&row| of(row, eta(row))).sum();
        let by_donor = self.donors.iter().map(|(_, rows)| {
            let etas: Vec<(usize, f64)> = rows.iter().map(|&row| (row, eta(row))).collect();
            let mut sum = 0.0;
            let mut highest = f64::NEG_INFINITY;
            for &(z, weight) in &self.nodes {
                let terms = etas.iter();
                let log: f64 = terms
                    .map(|&(row, eta)| of(row, eta + self.rows[row].donor * donor_sd * z))
                    .sum();
                if log > highest {
                    sum *= libm::exp(highest - log);
                    highest = log;
                }
                sum += weight * libm::exp(log - highest);
            }
            highest + libm::log(sum)
        });
        alone + by_donor.sum::<f64>()
    }
}

/// Values of a standard normal with weights that sum to 1.
fn nodes() -> impl Iterator<Item = (f64, f64)> {
    const N: usize = (2.0 * LAST_NODE / NODE_STEP) as usize + 1;
    let node = |node: usize| NODE_STEP * node as f64 - LAST_NODE;
    let height = |z: f64| libm::exp(-0.5 * z * z);
    let total: f64 = (0..N).map(|at| height(node(at))).sum();
    (0..N).map(move |at| (node(at), height(node(at)) / total))
}

/// Logarithm of the mean of exponentials that come in pairs, and its standard error.
fn log_mean(logs: &[f64]) -> (f64, f64) {
    let highest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let pairs: Vec<f64> = logs
        .chunks(2)
        .map(|pair| {
            let sum: f64 = pair.iter().map(|log| libm::exp(log - highest)).sum();
            sum / pair.len() as f64
        })
        .collect();
    let n = pairs.len() as f64;
    let mean = pairs.iter().sum::<f64>() / n;
    let squares: f64 = pairs.iter().map(|value| (value - mean).powi(2)).sum();
    let error = (squares / (n * (n - 1.0))).sqrt();
    (highest + libm::log(mean), error / mean)
}

#[cfg(test)]
mod tests {
    use super::super::registry::Registry;
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn the_mean_of_exponentials_and_its_error_are_those_of_pairs() {
        // Pairs with means (1 + 3)/2 = 2 and (2 + 6)/2 = 4: mean 3, standard error 1, relative 1/3.
        let logs = [1.0, 3.0, 2.0, 6.0].map(f64::ln);
        let (log, error) = log_mean(&logs);
        assert_abs_diff_eq!(log, f64::ln(3.0), epsilon = 1e-12);
        assert_abs_diff_eq!(error, 1.0 / 3.0, epsilon = 1e-12);
    }

    #[test]
    fn nodes_give_the_moments_of_a_normal() {
        // E z², E z⁴ and E exp(z) of a standard normal are 1, 3 and √e.
        let (z2, z4, e) = nodes().fold((0.0, 0.0, 0.0), |sum, (z, weight)| {
            let square = z * z;
            (
                sum.0 + weight * square,
                sum.1 + weight * square * square,
                sum.2 + weight * f64::exp(z),
            )
        });
        assert_abs_diff_eq!(z2, 1.0, epsilon = 1e-4);
        assert_abs_diff_eq!(z4, 3.0, epsilon = 1e-3);
        assert_abs_diff_eq!(e, f64::exp(0.5), epsilon = 2e-4);
    }

    #[test]
    fn every_term_of_a_patient_is_shared_own_or_the_donors() {
        let mut params = super::super::posterior::EvidenceParams::default();
        (
            params.n_chains,
            params.n_tune,
            params.n_draws,
            params.n_kept,
        ) = (2, 200, 100, 50);
        let registry = Registry::bundled().unwrap();
        let Ok(evidence) = params.fit_bundled(&[]) else {
            return;
        };
        let arm = registry
            .arms()
            .iter()
            .find(|arm| arm.is_transplant())
            .unwrap();
        let patient = |donor: &str| TrialPatient {
            trial: "site".to_owned(),
            donor: Some(donor.to_owned()),
            donor_type: None,
            context: crate::cohort::TreatmentContext::new(
                arm.regimen,
                arm.cancer,
                crate::cohort::Line::Refractory,
            ),
            score: 0.5,
            richness: 0.0,
            response: Some(true),
            severe_irae: None,
            myocarditis: None,
        };
        let patients = [patient("a"), patient("b"), patient("a")];
        let site = Site::new(&evidence, Endpoint::Response, &patients);
        assert_eq!(site.donors.len(), 2);
        assert_eq!(site.donors[0].1, [0, 2]);
        assert!(site.of_no_donor.is_empty());
        for row in &site.rows {
            let n_terms = site.density.rows[row.number].terms.len();
            assert_eq!(row.shared.len() + row.own.len() + 1, n_terms);
        }
    }
}
