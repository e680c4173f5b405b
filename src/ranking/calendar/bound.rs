//! What no calendar can exceed, and what each dose of each batch would cost against that.
//!
//! The recipients' "one dose each" is priced instead of kept: every recipient pays its price, a
//! lot takes those to whom it is worth most beyond the price, and a room and day takes its best
//! lot. That is solved by looking, and for any prices no calendar exceeds the sum. The prices are
//! improved by the volume algorithm, which averages the choices on the way into a fractional
//! calendar.
//!
//! Barahona and Anbil 2000, Math Program 87:385; Geoffrion 1974 for the relaxation.

use super::program::Program;
use crate::{Result, cancel};

/// Rounds of improvement at most.
const ROUNDS: usize = 1500;
/// Rounds between two looks at the progress.
const CHECKED: usize = 100;
/// Weight of a new choice in the average.
const NEW: f64 = 0.1;
/// Choices kept as a start for a search.
const KEPT: usize = 12;

/// The bound at the best prices found.
pub(super) struct Bound {
    pub(super) value: f64,
    /// How far below `value` every calendar stays that gives this pair its dose.
    pub(super) loss: Vec<f64>,
    /// How often each lot was taken, averaged.
    pub(super) weight: Vec<f64>,
    /// Lots that were taken together, the last ones found.
    pub(super) taken: Vec<Vec<usize>>,
}

/// Pairs by lot, so that a lot is looked at in one go.
struct Relaxation<'a> {
    program: &'a Program,
    /// Of each lot: pair, recipient, utility.
    of_lot: Vec<Vec<(usize, usize, f64)>>,
}

/// One answer to some prices.
struct Answer {
    value: f64,
    /// The lots taken.
    lots: Vec<usize>,
    /// Doses that each recipient would get.
    n_served: Vec<f64>,
}

pub(super) fn bound(program: &Program) -> Result<Bound> {
    let relaxation = Relaxation::new(program);
    let mut ascent = Ascent::new(&relaxation);
    let mut last = ascent.best;
    for round in 1..=ROUNDS {
        let tried = ascent.tried(&program.must);
        ascent.learn(relaxation.answer(&tried), tried);
        if round % CHECKED == 0 {
            cancel::check()?;
            let gained = last - ascent.best;
            if gained < 1e-7 * ascent.range {
                break;
            }
            if gained < 0.01 * ascent.range {
                ascent.new = (ascent.new * 0.5).max(1e-3);
            }
            last = ascent.best;
        }
    }
    Ok(Bound {
        value: ascent.best,
        loss: relaxation.losses(&ascent.prices),
        weight: ascent.weight,
        taken: ascent.taken,
    })
}

/// The state of the volume algorithm.
struct Ascent {
    prices: Vec<f64>,
    best: f64,
    /// Doses that each recipient gets, averaged over the choices so far.
    average: Vec<f64>,
    weight: Vec<f64>,
    taken: Vec<Vec<usize>>,
    /// What the target lies below the best, and how much of the way there is gone.
    range: f64,
    step: f64,
    /// Weight of a new choice.
    new: f64,
    n_worse: usize,
}

impl Ascent {
    fn new(relaxation: &Relaxation<'_>) -> Self {
        let prices = relaxation.first_prices();
        let first = relaxation.answer(&prices);
        let whole: f64 = prices.iter().map(|price| price.abs()).sum();
        Self {
            range: 0.05 * first.value.abs().max(whole),
            best: first.value,
            average: first.n_served,
            weight: vec![0.0; relaxation.program.lots.len()],
            taken: Vec::new(),
            prices,
            step: 0.5,
            new: NEW,
            n_worse: 0,
        }
    }

    /// Prices that rise for who gets too many doses on average, and fall for who gets too few.
    fn tried(&self, must: &[bool]) -> Vec<f64> {
        let norm: f64 = self.average.iter().map(|n| (1.0 - n) * (1.0 - n)).sum();
        let size = self.step * self.range / norm.max(1e-9);
        let tried = self.prices.iter().zip(&self.average).zip(must);
        tried
            .map(|((price, n), must)| {
                let price = price - size * (1.0 - n);
                if *must { price } else { price.max(0.0) }
            })
            .collect()
    }

    fn learn(&mut self, answer: Answer, tried: Vec<f64>) {
        let both = self.average.iter().zip(&answer.n_served);
        let agreement: f64 = both.map(|(a, b)| (1.0 - a) * (1.0 - b)).sum();
        blend(&mut self.average, &answer.n_served, self.new);
        for weight in &mut self.weight {
            *weight *= 1.0 - self.new;
        }
        for &lot in &answer.lots {
            self.weight[lot] += self.new;
        }
        if answer.value < self.best {
            self.best = answer.value;
            self.prices = tried;
            self.n_worse = 0;
            if agreement > 0.0 {
                self.step = (self.step * 1.1).min(2.0);
            }
            self.taken.push(answer.lots);
            let n_old = self.taken.len().saturating_sub(KEPT);
            self.taken.drain(..n_old);
        } else {
            self.n_worse += 1;
            if self.n_worse == 20 {
                self.step *= 0.66;
                self.n_worse = 0;
            }
        }
    }
}

fn blend(average: &mut [f64], one: &[f64], weight: f64) {
    for (average, one) in average.iter_mut().zip(one) {
        *average += weight * (one - *average);
    }
}

impl<'a> Relaxation<'a> {
    fn new(program: &'a Program) -> Self {
        let mut of_lot = vec![Vec::new(); program.lots.len()];
        for (at, pair) in program.pairs.iter().enumerate() {
            of_lot[pair.batch].push((at, pair.recipient, pair.utility));
        }
        Self { program, of_lot }
    }

    /// Between the mean and the best of what a recipient could get.
    fn first_prices(&self) -> Vec<f64> {
        let n_recipients = self.program.must.len();
        let (mut sum, mut n) = (vec![0.0; n_recipients], vec![0.0; n_recipients]);
        let mut highest = vec![f64::NEG_INFINITY; n_recipients];
        for pair in &self.program.pairs {
            sum[pair.recipient] += pair.utility;
            n[pair.recipient] += 1.0;
            highest[pair.recipient] = highest[pair.recipient].max(pair.utility);
        }
        let between = |recipient: usize| {
            if n[recipient] == 0.0 {
                return 0.0;
            }
            let price = 0.5 * (highest[recipient] + sum[recipient] / n[recipient]);
            if self.program.must[recipient] {
                price
            } else {
                price.max(0.0)
            }
        };
        (0..n_recipients).map(between).collect()
    }

    /// What a lot is worth beyond the prices; `gains` holds who gets its doses.
    fn worth(&self, lot: usize, prices: &[f64], gains: &mut Vec<(f64, usize)>) -> f64 {
        gains.clear();
        let beyond = self.of_lot[lot].iter();
        let beyond =
            beyond.map(|&(_, recipient, utility)| (utility - prices[recipient], recipient));
        gains.extend(beyond.filter(|(gain, _)| *gain > 0.0));
        let doses = self.program.lots[lot].doses;
        if gains.len() > doses {
            if doses > 0 {
                gains.select_nth_unstable_by(doses - 1, |a, b| {
                    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
                });
            }
            gains.truncate(doses);
        }
        gains.iter().map(|(gain, _)| gain).sum()
    }

    fn answer(&self, prices: &[f64]) -> Answer {
        let mut gains = Vec::new();
        let mut of_group: Vec<(f64, Option<usize>)> = vec![(0.0, None); self.program.n_groups];
        let mut lots = Vec::new();
        let mut value: f64 = prices.iter().sum();
        for (lot, one) in self.program.lots.iter().enumerate() {
            let worth = self.worth(lot, prices, &mut gains);
            match one.group {
                Some(group) if worth > of_group[group].0 => of_group[group] = (worth, Some(lot)),
                None if worth > 0.0 => {
                    value += worth;
                    lots.push(lot);
                }
                _ => {}
            }
        }
        value += of_group.iter().map(|(worth, _)| worth).sum::<f64>();
        lots.extend(of_group.iter().filter_map(|(_, lot)| *lot));
        let mut n_served = vec![0.0; prices.len()];
        for &lot in &lots {
            self.worth(lot, prices, &mut gains);
            for &(_, recipient) in &gains {
                n_served[recipient] += 1.0;
            }
        }
        Answer {
            value,
            lots,
            n_served,
        }
    }

    /// See [`Bound::loss`]: what the room and day loses by this lot, and the lot by this recipient.
    fn losses(&self, prices: &[f64]) -> Vec<f64> {
        let mut gains = Vec::new();
        let n_lots = self.program.lots.len();
        let mut worth = vec![0.0; n_lots];
        // What a dose of the lot is worth at least beyond the prices.
        let mut lowest = vec![0.0; n_lots];
        for lot in 0..n_lots {
            worth[lot] = self.worth(lot, prices, &mut gains);
            if gains.len() == self.program.lots[lot].doses {
                let all = gains.iter().map(|(gain, _)| *gain);
                lowest[lot] = all.fold(f64::INFINITY, f64::min);
            }
        }
        let mut of_group = vec![0.0_f64; self.program.n_groups];
        for (lot, one) in self.program.lots.iter().enumerate() {
            if let Some(group) = one.group {
                of_group[group] = of_group[group].max(worth[lot]);
            }
        }
        let loss = |pair: &super::program::Pair| {
            let lot = pair.batch;
            let of_lot = self.program.lots[lot]
                .group
                .map_or(0.0, |group| of_group[group] - worth[lot]);
            let gain = pair.utility - prices[pair.recipient];
            of_lot + (lowest[lot] - gain).max(0.0)
        };
        self.program.pairs.iter().map(loss).collect()
    }
}
