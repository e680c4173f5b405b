//! How far trials and recipients depart from what the trees expect of them.
//!
//! In log-odds of presence, over taxa of class c (gain: absent in the recipient before; keep:
//! present), of transplant i of recipient r in trial t:
//!
//! `logit P(present) = score + xᵢ·β_c + u_tc + v_rc`, `u_t ~ N(0, Σ_trial)`,
//! `v_r ~ N(0, Σ_recipient)`,
//!
//! where the score is held-out (of trees that never saw the trial) and x holds an intercept, the
//! day and antibiotics ([`covariates`]). The binomial likelihood of each transplant and class is
//! summed up as a normal one: its mode and its information.
//!
//! # References
//! Breslow and Clayton 1993, JASA 88:9 (generalized linear mixed models by working responses);
//! Dempster, Laird and Rubin 1977, JRSS B 39:1 (EM).

use super::pair::TransplantContext;
use crate::numeric::cholesky::Cholesky;
use crate::numeric::logistic::sigmoid;

/// Gain, keep.
pub(crate) const CLASSES: usize = 2;
/// Intercept, day, antibiotics.
pub(crate) const COVARIATES: usize = 3;
/// The coefficients of both classes, then the effect of one trial.
pub(crate) const STATE: usize = CLASSES * COVARIATES + CLASSES;
const COEFFICIENTS: usize = CLASSES * COVARIATES;

/// Prior spread of the coefficients: one log-odd either way, by tenfold time and by antibiotics.
/// Podlesny et al. 2022 found −1.3 for tenfold time in 18 recipients with *C. difficile* infection.
const PRIOR_SD: [f64; COVARIATES] = [1.0, 1.0, 1.0];
/// Prior spread of a trial's and of a recipient's effect, worth one trial and one recipient.
const PRIOR_EFFECT_SD: f64 = 0.5;
/// Keeps the mode finite where all taxa of a class are found, or none.
const MODE_SD: f64 = 3.0;

const MAX_ITERATIONS: usize = 500;
const TOLERANCE: f64 = 1e-7;

/// A 2 × 2 covariance of gain and keep.
pub(crate) type Covariance = [[f64; CLASSES]; CLASSES];

/// What one transplant says: how far its taxa depart from their scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Departure {
    pub trial: usize,
    pub recipient: usize,
    pub covariates: [f64; COVARIATES],
    /// The shift of the log-odds that fits best, by class.
    pub shift: [f64; CLASSES],
    /// One over its variance; 0 where the transplant has no taxon of the class.
    pub information: [f64; CLASSES],
}

/// The distribution of the effects over trials and recipients.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Departures {
    /// Mean of the coefficients and of the effect of the trial at hand.
    pub mean: [f64; STATE],
    /// Their covariance, row by row.
    pub covariance: Vec<f64>,
    pub recipient: Covariance,
    /// Degrees of freedom of a trial's effect: the trials that its spread was learned from, less
    /// two (Higgins, Thompson and Spiegelhalter 2009), and the trial's own recipients.
    pub degrees: u32,
}

/// Intercept, log10 of the day over that of [`TransplantContext::DEFAULT_DAY`], and antibiotics
/// as half a unit up or down: unknown lies between.
pub(crate) fn covariates(context: TransplantContext, last_day: f64) -> [f64; COVARIATES] {
    let day = context.day.clamp(0.0, last_day);
    let days = libm::log10((day + 1.0) / (TransplantContext::DEFAULT_DAY + 1.0));
    let antibiotics = context
        .antibiotics
        .map_or(0.0, |given| if given { 0.5 } else { -0.5 });
    [1.0, days, antibiotics]
}

impl Departure {
    /// Sums up the taxa of one transplant: held-out score, whether the recipient had the taxon
    /// before, whether it was found after.
    pub fn of(
        (trial, recipient): (usize, usize),
        covariates: [f64; COVARIATES],
        taxa: impl Iterator<Item = (f64, bool, bool)>,
    ) -> Self {
        let mut by_class: [Vec<(f64, f64)>; CLASSES] = Default::default();
        for (score, before, after) in taxa {
            by_class[class_of(before)].push((score, f64::from(u8::from(after))));
        }
        let modes = by_class.map(|taxa| mode(&taxa));
        Self {
            trial,
            recipient,
            covariates,
            shift: modes.map(|(shift, _)| shift),
            information: modes.map(|(_, information)| information),
        }
    }
}

/// The class of a taxon that the recipient had before, or not.
pub(crate) fn class_of(before: bool) -> usize {
    usize::from(before)
}

/// The shift of best fit and its information, by the working response at the mode under a weak
/// prior.
fn mode(taxa: &[(f64, f64)]) -> (f64, f64) {
    let at = |shift: f64| {
        taxa.iter()
            .fold((0.0, 0.0), |(gradient, information), (score, found)| {
                let p = sigmoid(score + shift);
                (gradient + found - p, information + p * (1.0 - p))
            })
    };
    let precision = MODE_SD.powi(-2);
    let mut shift = 0.0;
    for _ in 0..50 {
        let (gradient, information) = at(shift);
        let step = (gradient - precision * shift) / (information + precision);
        shift += step.clamp(-2.0, 2.0);
        if step.abs() < 1e-10 {
            break;
        }
    }
    let (gradient, information) = at(shift);
    if information < 1e-9 {
        return (0.0, 0.0);
    }
    (shift + gradient / information, information)
}

impl Departures {
    /// What is known before any follow-up: the prior.
    pub fn prior() -> Self {
        let mut covariance = vec![0.0; STATE * STATE];
        for class in 0..CLASSES {
            for (covariate, sd) in PRIOR_SD.iter().enumerate() {
                let at = class * COVARIATES + covariate;
                covariance[at * STATE + at] = sd * sd;
            }
            let at = COEFFICIENTS + class;
            covariance[at * STATE + at] = PRIOR_EFFECT_SD.powi(2);
        }
        Self {
            mean: [0.0; STATE],
            covariance,
            recipient: scaled_identity(PRIOR_EFFECT_SD.powi(2)),
            degrees: 1,
        }
    }

    /// Learns the coefficients and both covariances by EM; a new trial's effect is a draw of
    /// `N(0, Σ_trial)`.
    pub fn fit(departures: &[Departure]) -> Option<Self> {
        let n_trials = departures.iter().map(|one| one.trial + 1).max()?;
        let floor = scaled_identity(PRIOR_EFFECT_SD.powi(2));
        let prior = Self::prior();
        let (mut trial, mut recipient) = (floor, floor);
        for _ in 0..MAX_ITERATIONS {
            let solved = Solved::new(departures, n_trials, &prior, &trial, &recipient)?;
            let trials = (0..n_trials).map(|number| solved.trial(number));
            let next_trial = mean_square(trials, floor);
            let next_recipient = mean_square(solved.recipients.iter().copied(), floor);
            let moved = distance(&trial, &next_trial) + distance(&recipient, &next_recipient);
            (trial, recipient) = (next_trial, next_recipient);
            if moved < TOLERANCE {
                break;
            }
        }
        let solved = Solved::new(departures, n_trials, &prior, &trial, &recipient)?;
        Some(solved.of_a_new_trial(&trial, recipient, n_trials as u32))
    }

    /// The same, moved by the follow-ups of one trial, of which `departures` says what was seen.
    pub fn moved_by(&self, departures: &[Departure]) -> Option<Self> {
        let own: Vec<Departure> = departures
            .iter()
            .map(|one| Departure { trial: 0, ..*one })
            .collect();
        let at = |row: usize, column: usize| self.covariance[row * STATE + column];
        let (first, second) = (COEFFICIENTS, COEFFICIENTS + 1);
        let trial = [
            [at(first, first), at(first, second)],
            [at(second, first), at(second, second)],
        ];
        let solved = Solved::new(&own, 1, self, &trial, &self.recipient)?;
        let mut mean = [0.0; STATE];
        mean.copy_from_slice(&solved.mean);
        Some(Self {
            mean,
            covariance: solved.covariance,
            recipient: self.recipient,
            degrees: self.degrees + solved.recipients.len() as u32,
        })
    }
}

impl Departures {
    /// Whether the parts are finite and the covariances are such, for a model read from a file.
    pub fn is_sound(&self) -> bool {
        let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
        let recipient: Vec<f64> = self.recipient.iter().flatten().copied().collect();
        finite(&self.mean)
            && self.covariance.len() == STATE * STATE
            && finite(&self.covariance)
            && finite(&recipient)
            && Cholesky::new(STATE, &self.covariance).is_some()
            && Cholesky::new(CLASSES, &recipient).is_some()
            && (1..=1_000_000).contains(&self.degrees)
    }
}

/// The posterior given both covariances: exact, the recipients eliminated one by one.
struct Solved {
    /// Coefficients, then the effects of the trials.
    mean: Vec<f64>,
    covariance: Vec<f64>,
    /// Mean and covariance of the effect of each recipient.
    recipients: Vec<([f64; CLASSES], Covariance)>,
}

/// What one recipient adds to the equations.
struct Block {
    /// Inverse of the precision of the recipient's effect, given all else.
    inverse: Covariance,
    /// Cross terms with coefficients and trials, a row a class.
    cross: [Vec<f64>; CLASSES],
    right: [f64; CLASSES],
}

impl Solved {
    fn new(
        departures: &[Departure],
        n_trials: usize,
        prior: &Departures,
        trial: &Covariance,
        recipient: &Covariance,
    ) -> Option<Self> {
        let n = COEFFICIENTS + CLASSES * n_trials;
        let (mut precision, mut right) = prior_equations(prior, n_trials, trial)?;
        let mut blocks = Vec::new();
        for of_recipient in by_recipient(departures) {
            let block = Block::new(&of_recipient, n, recipient, (&mut precision, &mut right))?;
            block.eliminate(&mut precision, &mut right);
            blocks.push(block);
        }
        let factor = Cholesky::new(n, &precision)?;
        let (mean, covariance) = (factor.solve(&right), factor.inverse());
        let recipients = blocks
            .iter()
            .map(|block| block.effect(&mean, &covariance))
            .collect();
        Some(Self {
            mean,
            covariance,
            recipients,
        })
    }

    fn trial(&self, number: usize) -> ([f64; CLASSES], Covariance) {
        let n = self.mean.len();
        let at = |class: usize| COEFFICIENTS + CLASSES * number + class;
        let mut covariance = [[0.0; CLASSES]; CLASSES];
        for (a, row) in covariance.iter_mut().enumerate() {
            for (b, value) in row.iter_mut().enumerate() {
                *value = self.covariance[at(a) * n + at(b)];
            }
        }
        ([self.mean[at(0)], self.mean[at(1)]], covariance)
    }

    fn of_a_new_trial(
        &self,
        trial: &Covariance,
        recipient: Covariance,
        n_trials: u32,
    ) -> Departures {
        let n = self.mean.len();
        let mut mean = [0.0; STATE];
        mean[..COEFFICIENTS].copy_from_slice(&self.mean[..COEFFICIENTS]);
        let mut covariance = vec![0.0; STATE * STATE];
        for row in 0..COEFFICIENTS {
            let (from, to) = (row * n, row * STATE);
            covariance[to..to + COEFFICIENTS]
                .copy_from_slice(&self.covariance[from..from + COEFFICIENTS]);
        }
        for a in 0..CLASSES {
            for b in 0..CLASSES {
                covariance[(COEFFICIENTS + a) * STATE + COEFFICIENTS + b] = trial[a][b];
            }
        }
        Departures {
            mean,
            covariance,
            recipient,
            degrees: n_trials.saturating_sub(2).max(1),
        }
    }
}

/// Precision and right-hand side before any departure is seen.
fn prior_equations(
    prior: &Departures,
    n_trials: usize,
    trial: &Covariance,
) -> Option<(Vec<f64>, Vec<f64>)> {
    let n = COEFFICIENTS + CLASSES * n_trials;
    let mut precision = vec![0.0; n * n];
    let mut right = vec![0.0; n];
    if n_trials == 1 {
        // The trial at hand may already hang together with the coefficients.
        let mut covariance = prior.covariance.clone();
        for a in 0..CLASSES {
            for b in 0..CLASSES {
                covariance[(COEFFICIENTS + a) * STATE + COEFFICIENTS + b] = trial[a][b];
            }
        }
        let factor = Cholesky::new(STATE, &covariance)?;
        precision = factor.inverse();
        right = factor.solve(&prior.mean);
        return Some((precision, right));
    }
    let mut block = vec![0.0; COEFFICIENTS * COEFFICIENTS];
    for row in 0..COEFFICIENTS {
        let (from, to) = (row * STATE, row * COEFFICIENTS);
        block[to..to + COEFFICIENTS].copy_from_slice(&prior.covariance[from..from + COEFFICIENTS]);
    }
    let factor = Cholesky::new(COEFFICIENTS, &block)?;
    let inverse = factor.inverse();
    right[..COEFFICIENTS].copy_from_slice(&factor.solve(&prior.mean[..COEFFICIENTS]));
    for row in 0..COEFFICIENTS {
        let (from, to) = (row * COEFFICIENTS, row * n);
        precision[to..to + COEFFICIENTS].copy_from_slice(&inverse[from..from + COEFFICIENTS]);
    }
    let inverse = inverse_of(trial);
    for number in 0..n_trials {
        for a in 0..CLASSES {
            for b in 0..CLASSES {
                let at = |class: usize| COEFFICIENTS + CLASSES * number + class;
                precision[at(a) * n + at(b)] = inverse[a][b];
            }
        }
    }
    Some((precision, right))
}

fn by_recipient(departures: &[Departure]) -> Vec<Vec<Departure>> {
    let mut by_recipient: std::collections::BTreeMap<(usize, usize), Vec<Departure>> =
        std::collections::BTreeMap::new();
    for departure in departures {
        by_recipient
            .entry((departure.trial, departure.recipient))
            .or_default()
            .push(*departure);
    }
    by_recipient.into_values().collect()
}

impl Block {
    /// Adds the recipient's departures to the equations and gathers its own part of them.
    fn new(
        departures: &[Departure],
        n: usize,
        recipient: &Covariance,
        (precision, right): (&mut [f64], &mut [f64]),
    ) -> Option<Self> {
        let mut own = inverse_of(recipient);
        let mut cross = [vec![0.0; n], vec![0.0; n]];
        let mut own_right = [0.0; CLASSES];
        for departure in departures {
            for class in 0..CLASSES {
                let weight = departure.information[class];
                let value = departure.shift[class];
                let design = design(departure, class);
                for &(a, x) in &design {
                    cross[class][a] += weight * x;
                    right[a] += weight * x * value;
                    for &(b, z) in &design {
                        precision[a * n + b] += weight * x * z;
                    }
                }
                own[class][class] += weight;
                own_right[class] += weight * value;
            }
        }
        let inverse = inverse_of(&own);
        let finite = inverse.iter().flatten().all(|value| value.is_finite());
        finite.then_some(Self {
            inverse,
            cross,
            right: own_right,
        })
    }

    /// Takes the recipient's effect out of the equations.
    fn eliminate(&self, precision: &mut [f64], right: &mut [f64]) {
        let n = right.len();
        let touched: Vec<usize> = (0..n)
            .filter(|&at| self.cross.iter().any(|row| row[at] != 0.0))
            .collect();
        for c in 0..CLASSES {
            for d in 0..CLASSES {
                let weight = self.inverse[c][d];
                for &a in &touched {
                    right[a] -= self.cross[c][a] * weight * self.right[d];
                    for &b in &touched {
                        precision[a * n + b] -= self.cross[c][a] * weight * self.cross[d][b];
                    }
                }
            }
        }
    }

    /// Mean and covariance of the recipient's effect, once all else is known.
    fn effect(&self, mean: &[f64], covariance: &[f64]) -> ([f64; CLASSES], Covariance) {
        let n = mean.len();
        let rest: Vec<f64> = (0..CLASSES)
            .map(|class| {
                let known: f64 = self.cross[class].iter().zip(mean).map(|(b, x)| b * x).sum();
                self.right[class] - known
            })
            .collect();
        // G = inverse · cross: how the effect follows coefficients and trials.
        let follows = |class: usize| -> Vec<f64> {
            (0..n)
                .map(|at| {
                    (0..CLASSES)
                        .map(|d| self.inverse[class][d] * self.cross[d][at])
                        .sum()
                })
                .collect()
        };
        let follows = [follows(0), follows(1)];
        let mut effect = [0.0; CLASSES];
        let mut spread = self.inverse;
        for c in 0..CLASSES {
            effect[c] = (0..CLASSES).map(|d| self.inverse[c][d] * rest[d]).sum();
            for d in 0..CLASSES {
                for (a, &left) in follows[c].iter().enumerate() {
                    let row = &covariance[a * n..(a + 1) * n];
                    let along: f64 = row.iter().zip(&follows[d]).map(|(s, f)| s * f).sum();
                    spread[c][d] += left * along;
                }
            }
        }
        (effect, spread)
    }
}

/// The columns that a class of a departure reads, with their values.
fn design(departure: &Departure, class: usize) -> [(usize, f64); COVARIATES + 1] {
    let [one, day, antibiotics] = departure.covariates;
    let first = class * COVARIATES;
    [
        (first, one),
        (first + 1, day),
        (first + 2, antibiotics),
        (COEFFICIENTS + CLASSES * departure.trial + class, 1.0),
    ]
}

fn scaled_identity(variance: f64) -> Covariance {
    [[variance, 0.0], [0.0, variance]]
}

fn inverse_of(matrix: &Covariance) -> Covariance {
    let [[a, b], [c, d]] = *matrix;
    let determinant = a * d - b * c;
    [
        [d / determinant, -b / determinant],
        [-c / determinant, a / determinant],
    ]
}

/// Mean of effect·effectᵀ + covariance over the effects and one prior effect.
fn mean_square(
    effects: impl Iterator<Item = ([f64; CLASSES], Covariance)>,
    prior: Covariance,
) -> Covariance {
    let mut sum = prior;
    let mut n = 1.0;
    for (effect, spread) in effects {
        n += 1.0;
        for a in 0..CLASSES {
            for b in 0..CLASSES {
                sum[a][b] += effect[a] * effect[b] + spread[a][b];
            }
        }
    }
    sum.map(|row| row.map(|value| value / n))
}

fn distance(one: &Covariance, other: &Covariance) -> f64 {
    let pairs = one.iter().flatten().zip(other.iter().flatten());
    pairs.map(|(a, b)| (a - b).abs()).sum()
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;
    use crate::numeric::random::SplitMix64;

    fn known(days: f64, antibiotics: Option<bool>) -> [f64; COVARIATES] {
        let context = TransplantContext {
            day: days,
            antibiotics,
        };
        covariates(context, 365.0)
    }

    #[test]
    fn unknown_antibiotics_lie_halfway_and_time_stands_still_after_the_last_day() {
        assert_abs_diff_eq!(known(28.0, None)[1], 0.0);
        assert_abs_diff_eq!(known(28.0, None)[2], 0.0);
        assert_abs_diff_eq!(
            known(7.0, Some(true))[2] + known(7.0, Some(false))[2],
            2.0 * known(7.0, None)[2]
        );
        assert_abs_diff_eq!(known(365.0, None)[1], known(1000.0, None)[1]);
    }

    #[test]
    fn the_mode_is_the_difference_in_log_odds_where_scores_are_equal() {
        // Three of four found where the score says one in two: log 3.
        let taxa = [(0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 0.0)].repeat(10);
        let (shift, information) = mode(&taxa);
        assert_abs_diff_eq!(shift, libm::log(3.0), epsilon = 1e-3);
        assert_abs_diff_eq!(information, 40.0 * 0.75 * 0.25, epsilon = 0.1);
        let (shift, information) = mode(&[(0.0, 1.0), (0.0, 1.0)]);
        assert!(shift.is_finite() && information > 0.0);
    }

    /// Trials and recipients with known spreads.
    fn simulated(n_trials: usize, n_recipients: usize, seed: u64) -> Vec<Departure> {
        let mut stream = SplitMix64::new(seed);
        let mut all = Vec::new();
        for trial in 0..n_trials {
            let trial_effect = [0.9 * stream.normal(), 0.6 * stream.normal()];
            for recipient in 0..n_recipients {
                let own = [0.4 * stream.normal(), 0.3 * stream.normal()];
                for day in [7.0, 28.0, 84.0] {
                    let covariates = known(day, Some(trial % 2 == 0));
                    let expected = [0.5 - 0.3 * covariates[1], -0.2 + 0.1 * covariates[1]];
                    let noise = [0.1 * stream.normal(), 0.1 * stream.normal()];
                    let shift = [0, 1].map(|c| expected[c] + trial_effect[c] + own[c] + noise[c]);
                    all.push(Departure {
                        trial,
                        recipient,
                        covariates,
                        shift,
                        information: [100.0; CLASSES],
                    });
                }
            }
        }
        all
    }

    #[test]
    fn spreads_and_slopes_of_simulated_trials_are_found_again() {
        let found = Departures::fit(&simulated(60, 10, 1)).unwrap();
        let trial_sd = |class: usize| found.covariance[(COEFFICIENTS + class) * (STATE + 1)].sqrt();
        assert_abs_diff_eq!(trial_sd(0), 0.9, epsilon = 0.2);
        assert_abs_diff_eq!(trial_sd(1), 0.6, epsilon = 0.15);
        assert_abs_diff_eq!(found.recipient[0][0].sqrt(), 0.4, epsilon = 0.03);
        assert_abs_diff_eq!(found.recipient[1][1].sqrt(), 0.3, epsilon = 0.03);
        assert_abs_diff_eq!(found.mean[1], -0.3, epsilon = 0.05);
        assert_abs_diff_eq!(found.mean[4], 0.1, epsilon = 0.05);
    }

    #[test]
    fn the_follow_ups_of_a_trial_move_its_effect_and_narrow_it() {
        let learned = Departures::fit(&simulated(8, 6, 2)).unwrap();
        let own: Vec<Departure> = simulated(1, 12, 99);
        let moved = learned.moved_by(&own).unwrap();
        let mean_shift = own.iter().map(|one| one.shift[0]).sum::<f64>() / own.len() as f64;
        let expected = moved.mean[0] + 0.5 * moved.mean[2] + moved.mean[COEFFICIENTS];
        assert_abs_diff_eq!(expected, mean_shift, epsilon = 0.15);
        let variance = |state: &Departures| {
            let at = |row: usize, column: usize| state.covariance[row * STATE + column];
            at(0, 0) + 2.0 * at(0, COEFFICIENTS) + at(COEFFICIENTS, COEFFICIENTS)
        };
        assert!(variance(&moved) < 0.3 * variance(&learned));
        assert!(moved.degrees > learned.degrees);
    }

    #[test]
    fn nothing_seen_moves_nothing() {
        let learned = Departures::fit(&simulated(8, 6, 3)).unwrap();
        let same = learned.moved_by(&[]).unwrap();
        for (a, b) in same.covariance.iter().zip(&learned.covariance) {
            assert_abs_diff_eq!(a, b, epsilon = 1e-9);
        }
        assert_eq!(same.degrees, learned.degrees);
        assert!(Departures::fit(&[]).is_none());
    }
}
