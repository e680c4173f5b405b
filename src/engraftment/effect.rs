//! What the trial and the recipient add to the log-odds of presence of each taxon, as a
//! distribution to draw from.

use super::departure::{CLASSES, COVARIATES, Covariance, Departures, STATE, class_of, covariates};
use super::pair::TransplantContext;
use crate::numeric::random::{SplitMix64, derive, normal};

/// Strata of the distribution that an expected presence is the mean of.
const STRATA: usize = 5;
/// Draws that the strata are made of.
const STRATUM_DRAWS: u64 = 200;
const STRATUM_SEED: u64 = 0x656e_6772_6166_7421;

/// Log-odds added to taxa that the recipient lacks (gain) and has (keep).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Shift([f64; CLASSES]);

impl Shift {
    /// The part of a taxon that the recipient had before, or not.
    #[inline]
    pub fn of(self, before: bool) -> f64 {
        self.0[class_of(before)]
    }

    /// Both added.
    pub fn plus(self, other: Self) -> Self {
        Self([self.0[0] + other.0[0], self.0[1] + other.0[1]])
    }
}

/// The effect of a trial under one context, and how recipients of it differ.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EffectDistribution {
    mean: [f64; CLASSES],
    /// Lower Cholesky factors.
    trial: Factor,
    recipient: Factor,
    degrees: u32,
    /// Of trial and recipient together, rising with the gain; each as likely.
    strata: Vec<Shift>,
}

/// The lower triangle of a 2 × 2 Cholesky factor.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Factor([f64; 3]);

impl Factor {
    fn of(covariance: &Covariance) -> Self {
        let [[a, _], [c, d]] = *covariance;
        let first = a.max(0.0).sqrt();
        let across = if first > 0.0 { c / first } else { 0.0 };
        Self([first, across, (d - across * across).max(0.0).sqrt()])
    }

    fn times(self, normals: [f64; CLASSES]) -> Shift {
        let Self([first, across, second]) = self;
        Shift([
            first * normals[0],
            across * normals[0] + second * normals[1],
        ])
    }
}

impl EffectDistribution {
    /// What is known of a transplant under this context; `None` adds nothing (models of format 3
    /// and before, in which the trees read day and antibiotics).
    pub fn new(
        departures: Option<&Departures>,
        context: TransplantContext,
        last_day: f64,
    ) -> Option<Self> {
        let departures = departures?;
        let known = covariates(context, last_day);
        let (mean, mut covariance) = at(departures, known);
        if context.antibiotics.is_none() {
            add_unknown_antibiotics(&mut covariance, departures);
        }
        let mut effects = Self {
            mean,
            trial: Factor::of(&covariance),
            recipient: Factor::of(&departures.recipient),
            degrees: departures.degrees,
            strata: Vec::new(),
        };
        effects.strata = effects.strata();
        Some(effects)
    }

    /// One draw of the trial's effect.
    pub fn draw_trial(&self, seed: u64) -> Shift {
        let mut stream = SplitMix64::new(seed);
        let normals = [stream.normal(), stream.normal()];
        let squares = (0..self.degrees).map(|_| stream.normal().powi(2));
        let scale = (f64::from(self.degrees) / squares.sum::<f64>()).sqrt();
        let shift = self.trial.times(normals.map(|normal| normal * scale));
        Shift(self.mean).plus(shift)
    }

    /// One draw of how a recipient differs from the trial.
    pub fn draw_recipient(&self, seed: u64) -> Shift {
        self.recipient
            .times([normal(derive(seed, 1)), normal(derive(seed, 2))])
    }

    /// Equally likely shifts: the class means of equal runs of sorted draws, so that the long
    /// tails of a trial's effect count at their weight.
    fn strata(&self) -> Vec<Shift> {
        let draws: Vec<Shift> = (0..STRATUM_DRAWS)
            .map(|draw| {
                let seed = derive(STRATUM_SEED, draw);
                self.draw_trial(seed)
                    .plus(self.draw_recipient(derive(seed, 0)))
            })
            .collect();
        let sorted = |class: usize| {
            let mut values: Vec<f64> = draws.iter().map(|shift| shift.0[class]).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let values = [sorted(0), sorted(1)];
        let run = STRATUM_DRAWS as usize / STRATA;
        (0..STRATA)
            .map(|stratum| {
                let part = stratum * run..(stratum + 1) * run;
                Shift([0, 1].map(|class: usize| {
                    values[class][part.clone()].iter().sum::<f64>() / run as f64
                }))
            })
            .collect()
    }

    /// Equally likely shifts of the taxa of a class; the classes are not paired.
    pub fn equally_likely(&self) -> &[Shift] {
        &self.strata
    }
}

/// Mean and covariance of the effect where these covariates are known.
fn at(departures: &Departures, known: [f64; COVARIATES]) -> ([f64; CLASSES], Covariance) {
    let mut rows = [[0.0; STATE]; CLASSES];
    for (class, row) in rows.iter_mut().enumerate() {
        row[class * COVARIATES..(class + 1) * COVARIATES].copy_from_slice(&known);
        row[CLASSES * COVARIATES + class] = 1.0;
    }
    let dot = |row: &[f64], other: &[f64]| row.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
    let mean = rows.map(|row| dot(&row, &departures.mean));
    let mut covariance = [[0.0; CLASSES]; CLASSES];
    for (a, left) in rows.iter().enumerate() {
        for (b, right) in rows.iter().enumerate() {
            let along = left
                .iter()
                .zip(departures.covariance.chunks(STATE))
                .map(|(x, row)| x * dot(row, right));
            covariance[a][b] = along.sum();
        }
    }
    (mean, covariance)
}

/// Where antibiotics are not known, half a unit either way is as likely.
fn add_unknown_antibiotics(covariance: &mut Covariance, departures: &Departures) {
    let place = |class: usize| class * COVARIATES + 2;
    for (a, row) in covariance.iter_mut().enumerate() {
        for (b, value) in row.iter_mut().enumerate() {
            let product = departures.mean[place(a)] * departures.mean[place(b)]
                + departures.covariance[place(a) * STATE + place(b)];
            *value += product / 4.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    fn effects(antibiotics: Option<bool>) -> EffectDistribution {
        let mut departures = Departures::prior();
        departures.mean = [0.3, -0.2, 0.8, -0.1, 0.1, 0.4, 0.0, 0.0];
        departures.degrees = 6;
        let context = TransplantContext {
            day: 28.0,
            antibiotics,
        };
        EffectDistribution::new(Some(&departures), context, 365.0).unwrap()
    }

    fn mean_gain(effects: &EffectDistribution) -> f64 {
        let strata = effects.equally_likely();
        strata.iter().map(|shift| shift.of(false)).sum::<f64>() / strata.len() as f64
    }

    #[test]
    fn unknown_antibiotics_are_expected_between_yes_and_no() {
        let [no, unknown, yes] = [Some(false), None, Some(true)].map(|known| {
            let found = effects(known);
            (found.mean[0], found.mean[1])
        });
        assert_abs_diff_eq!(unknown.0, f64::midpoint(no.0, yes.0), epsilon = 1e-12);
        assert_abs_diff_eq!(unknown.1, f64::midpoint(no.1, yes.1), epsilon = 1e-12);
        assert!(no.0 < yes.0);
    }

    #[test]
    fn strata_keep_the_mean_of_the_draws() {
        let found = effects(Some(true));
        assert_abs_diff_eq!(mean_gain(&found), 0.7, epsilon = 0.2);
        let rising = found.equally_likely().windows(2);
        assert!(
            rising
                .into_iter()
                .all(|pair| pair[0].of(false) < pair[1].of(false))
        );
    }

    #[test]
    fn a_model_without_departures_adds_nothing() {
        let none = EffectDistribution::new(None, TransplantContext::default(), 365.0);
        assert!(none.is_none());
    }
}
