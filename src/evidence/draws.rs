//! Posterior draws of named parameters, twelve bits each.

use std::collections::BTreeMap;

use serde::Serialize;

use super::density::Density;
#[cfg(feature = "sampler")]
use super::diagnostics;
use crate::numeric::summary::{mean, quantile};

/// Twelve bits: the upper half of the second byte stays free, and is compressed away in a file.
const LARGEST_CODE: u16 = 4095;

/// The draws of one parameter: `low + step × code`.
///
/// A 4,095th of the range of a parameter is a five-hundredth of its standard deviation or so, far
/// below the Monte-Carlo error of a thousand draws, and a third of the bytes of a single-precision
/// number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) low: f64,
    pub(crate) step: f64,
    pub(crate) codes: Vec<u16>,
    /// Of the chains that the draws come from.
    pub(crate) r_hat: f64,
    /// Effective number of draws of the chains.
    pub(crate) size: f64,
    /// Monte-Carlo standard error of the chains' mean.
    pub(crate) mean_error: f64,
}

impl Column {
    fn new(name: &str, values: &[f64]) -> Self {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = (f64::from(low as f32), f64::from(high as f32));
        let step = f64::from(((high - low) / f64::from(LARGEST_CODE)) as f32);
        let code = |value: &f64| {
            if step > 0.0 {
                ((value - low) / step)
                    .round()
                    .clamp(0.0, f64::from(LARGEST_CODE)) as u16
            } else {
                0
            }
        };
        Self {
            name: name.to_owned(),
            low,
            step,
            codes: values.iter().map(code).collect(),
            r_hat: 1.0,
            size: values.len() as f64,
            mean_error: 0.0,
        }
    }

    pub(crate) fn value(&self, draw: usize) -> f64 {
        self.low + self.step * f64::from(self.codes[draw])
    }

    pub(crate) fn values(&self) -> Vec<f64> {
        (0..self.codes.len()).map(|draw| self.value(draw)).collect()
    }
}

/// The draws of an endpoint: coefficients by name, and standard deviations as `sd[group]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Draws {
    columns: Vec<Column>,
    #[serde(skip)]
    number: BTreeMap<String, usize>,
    /// Draws of each.
    length: usize,
    /// Divergent transitions of all chains after tuning.
    n_divergences: u32,
}

impl Draws {
    /// From columns of equal length and different names; none otherwise.
    pub(crate) fn new(columns: Vec<Column>, n_divergences: u32) -> Option<Self> {
        let n_draws = columns.first()?.codes.len();
        let numbers = columns.iter().map(|column| column.name.clone()).zip(0..);
        let number: BTreeMap<String, usize> = numbers.collect();
        let is_sound = |column: &Column| {
            column.codes.len() == n_draws
                && [
                    column.low,
                    column.step,
                    column.r_hat,
                    column.size,
                    column.mean_error,
                ]
                .iter()
                .all(|value| value.is_finite())
        };
        let all_sound = n_draws > 0 && columns.iter().all(is_sound);
        (all_sound && number.len() == columns.len()).then_some(Self {
            columns,
            number,
            length: n_draws,
            n_divergences,
        })
    }

    /// `n_kept` of the draws of chains (chains × draws × parameters), at equal distances.
    #[cfg(feature = "sampler")]
    pub(super) fn of_chains(
        density: &Density,
        chains: &[Vec<Vec<f64>>],
        n_kept: usize,
        n_divergences: u32,
    ) -> Option<Self> {
        let names = names(density);
        let all: Vec<&Vec<f64>> = chains.iter().flatten().collect();
        let kept = |at: usize| all[at * all.len() / n_kept];
        let columns = names.iter().enumerate().map(|(parameter, name)| {
            let values: Vec<f64> = (0..n_kept).map(|at| kept(at)[parameter]).collect();
            let traces: Vec<Vec<f64>> = chains
                .iter()
                .map(|chain| chain.iter().map(|draw| draw[parameter]).collect())
                .collect();
            Column {
                r_hat: diagnostics::r_hat(&traces),
                size: diagnostics::bulk_size(&traces),
                mean_error: diagnostics::mean_error(&traces),
                ..Column::new(name, &values)
            }
        });
        Self::new(columns.collect(), n_divergences)
    }

    /// From values by name, each of the same length.
    pub(crate) fn of_values(values: Vec<(String, Vec<f64>)>) -> Option<Self> {
        let columns = values
            .iter()
            .map(|(name, values)| Column::new(name, values));
        Self::new(columns.collect(), 0)
    }

    /// The same with other draws of a parameter; none where there is no such parameter.
    pub(super) fn with_values(&self, name: &str, values: &[f64]) -> Option<Self> {
        let mut columns = self.columns.clone();
        columns[*self.number.get(name)?] = Column::new(name, values);
        Self::new(columns, self.n_divergences)
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Column> {
        self.number.get(name).map(|&number| &self.columns[number])
    }

    pub(crate) fn n_draws(&self) -> usize {
        self.length
    }

    pub(crate) fn n_divergences(&self) -> u32 {
        self.n_divergences
    }

    /// The draw of ours that stands for draw `at` of `n`: at equal distances where fewer are
    /// asked for, over again where more are.
    pub(crate) fn number_of(&self, at: usize, n: usize) -> usize {
        if n <= self.length {
            at * self.length / n
        } else {
            at % self.length
        }
    }
}

/// Names of what [`Density::constrained`] gives.
pub(super) fn names(density: &Density) -> Vec<String> {
    let coefficients = density.coefficients.iter().map(|one| one.name.clone());
    let groups = density.groups.iter().map(|one| format!("sd[{}]", one.name));
    coefficients.chain(groups).collect()
}

/// Mean, standard deviation and the interval with equal tails that holds `level` of the values.
pub(crate) fn summary(values: &[f64], level: f64) -> (f64, f64, f64, f64) {
    let center = mean(values);
    let squares = values.iter().map(|value| (value - center).powi(2));
    let sd = (squares.sum::<f64>() / (values.len() as f64 - 1.0).max(1.0)).sqrt();
    let mut rising = values.to_vec();
    rising.sort_by(f64::total_cmp);
    let tail = (1.0 - level) / 2.0;
    (
        center,
        sd,
        quantile(&rising, tail),
        quantile(&rising, 1.0 - tail),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_bits_keep_a_draw_to_an_eight_thousandth_of_the_range() {
        let values: Vec<f64> = (0..1000).map(|k| libm::sin(f64::from(k)) * 3.0).collect();
        let column = Column::new("a", &values);
        for (draw, value) in values.iter().enumerate() {
            assert!((column.value(draw) - value).abs() < 6.0 / 8e3);
        }
        assert_eq!(Column::new("b", &[0.25; 4]).values(), [0.25; 4]);
    }

    #[test]
    fn columns_of_one_name_or_of_different_length_are_refused() {
        let column = |name: &str, n| Column::new(name, &vec![1.0; n]);
        assert!(Draws::new(vec![column("a", 3), column("a", 3)], 0).is_none());
        assert!(Draws::new(vec![column("a", 3), column("b", 2)], 0).is_none());
        assert!(Draws::new(vec![column("a", 3), column("b", 3)], 0).is_some());
    }
}
