//! Could the whole procedure have done as well by chance?

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::audit::GroupColumn;
use super::procedure::{
    CrossValidation, CrossValidationParams, LeakPolicy, Procedure, cross_validate,
};
use crate::metric::Metric;
use crate::metric::{ScoredRows, Undefined};
use crate::numeric::groups::{members, number_groups};
use crate::numeric::outcomes::{check_length, check_outcomes};
use crate::numeric::xoshiro::{Random, STREAM_OF_PERMUTATIONS, derive_seed};
use crate::split::Split;
use crate::{Error, Result};

/// Which outcomes may change places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PermutationScheme {
    /// Those of any rows. Right only where rows are independent.
    Rows,
    /// Those of rows of the same group, so that a difference between groups, such as the share of
    /// responders of each study, is no evidence.
    #[default]
    WithinGroups,
    /// Those of whole groups with as many rows, in their order, so that rows of a group, such as
    /// samples of one subject, keep belonging together. Groups of a size of their own stay.
    BetweenGroups,
}

/// The one number made of a cross-validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FoldStatistic {
    /// The mean over the folds in which the metric is defined.
    #[default]
    MeanOverFolds,
    /// The metric of the mean held-out scores of all rows together.
    AllRows,
}

/// How to test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PermutationParams {
    /// Permutations; the smallest p value is 1 / (1 + n). Default 999.
    pub n_permutations: usize,
    /// Which outcomes may change places. Default: within groups.
    pub scheme: PermutationScheme,
    /// The number compared. Default: mean over folds.
    pub statistic: FoldStatistic,
    /// The metric. Default: ROC AUC.
    pub metric: Metric,
    /// The seed of the permutations and of the procedure. Default 0.
    pub seed: u64,
}

impl Default for PermutationParams {
    fn default() -> Self {
        Self {
            n_permutations: 999,
            scheme: PermutationScheme::default(),
            statistic: FoldStatistic::default(),
            metric: Metric::RocAuc,
            seed: 0,
        }
    }
}

/// What the procedure reached, and what it reaches where there is nothing to learn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PermutationTest {
    /// The metric.
    pub metric: Metric,
    /// Its value with the outcomes as observed.
    pub observed: Option<f64>,
    /// Its value in each permutation; absent where undefined.
    pub permuted: Vec<Option<f64>>,
    /// One-sided: (1 + permutations at least as good) / (1 + permutations). A permutation in which
    /// the metric is undefined counts as at least as good.
    pub p_value: Option<f64>,
    /// Why something is absent.
    pub reason: Option<String>,
}

/// Runs the whole procedure again with the outcomes permuted, and counts how often it does as
/// well: the null is that outcomes have nothing to do with the features within what `scheme`
/// holds fixed.
///
/// Splits, groups and seeds of the procedure stay; permutations run in parallel, each with its
/// own derived seed. A leak of outcomes does not show here, since permuted outcomes leak as well.
///
/// # Errors
/// Those of [`cross_validate`]; [`Error::Parameter`] where `n_permutations` is 0, or the scheme
/// leaves nothing to permute; [`Error::Table`] where `groups` has another length.
///
/// # References
/// Phipson B, Smyth GK. Stat Appl Genet Mol Biol 2010;9:39. Ojala M, Garriga GC. JMLR
/// 2010;11:1833–1863.
pub fn permutation_test(
    procedure: &(impl Procedure + ?Sized),
    outcomes: &[f64],
    groups: &[u32],
    splits: &[Split],
    apart: &[GroupColumn<'_>],
    params: &PermutationParams,
) -> Result<PermutationTest> {
    check_length("groups", groups.len(), outcomes.len())?;
    check_outcomes(outcomes)?;
    if params.n_permutations == 0 {
        return Err(Error::parameter(
            "n_permutations",
            "expected 1 or more, found 0",
        ));
    }
    let slots = Slots::new(params.scheme, groups);
    slots.check(outcomes, params.scheme)?;
    let fold_params = CrossValidationParams {
        metrics: vec![params.metric],
        seed: params.seed,
        leaks: LeakPolicy::Reject,
    };
    let statistic = |outcomes: &[f64]| -> Result<Result<f64, Undefined>> {
        let result = cross_validate(procedure, outcomes, splits, apart, &fold_params)?;
        statistic_of(&result, outcomes, params)
    };
    let observed = match statistic(outcomes)? {
        Ok(observed) => observed,
        Err(reason) => {
            return Ok(PermutationTest {
                metric: params.metric,
                observed: None,
                permuted: Vec::new(),
                p_value: None,
                reason: Some(reason.to_string()),
            });
        }
    };
    let seed = derive_seed(params.seed, STREAM_OF_PERMUTATIONS);
    let permuted: Vec<Result<Option<f64>>> = (0..params.n_permutations)
        .into_par_iter()
        .map(|permutation| {
            let mut random = Random::new(derive_seed(seed, permutation));
            Ok(statistic(&slots.permute(outcomes, &mut random))?.ok())
        })
        .collect();
    let permuted: Vec<Option<f64>> = permuted.into_iter().collect::<Result<_>>()?;
    let bound = params.metric.merit(observed) - 1e-12;
    let n_as_good = permuted
        .iter()
        .filter(|value| value.is_none_or(|value| params.metric.merit(value) >= bound))
        .count();
    Ok(PermutationTest {
        metric: params.metric,
        observed: Some(observed),
        p_value: Some((1 + n_as_good) as f64 / (1 + params.n_permutations) as f64),
        permuted,
        reason: None,
    })
}

fn statistic_of(
    result: &CrossValidation,
    outcomes: &[f64],
    params: &PermutationParams,
) -> Result<Result<f64, Undefined>> {
    match params.statistic {
        FoldStatistic::MeanOverFolds => {
            let values = result.fold_values(params.metric);
            if values.is_empty() {
                return Ok(Err(Undefined::NoFold));
            }
            Ok(Ok(values.iter().sum::<f64>() / values.len() as f64))
        }
        FoldStatistic::AllRows => {
            let (rows, scores) = result.mean_scores();
            let observed: Vec<f64> = rows.iter().map(|&row| outcomes[row]).collect();
            Ok(params.metric.value(&ScoredRows::new(&scores, &observed)?))
        }
    }
}

/// Blocks of rows, and which of them may change places.
struct Slots {
    blocks: Vec<Vec<usize>>,
    /// Blocks that are exchangeable with each other, by their numbers.
    exchangeable: Vec<Vec<usize>>,
}

impl Slots {
    fn new(scheme: PermutationScheme, groups: &[u32]) -> Self {
        let members = members(groups);
        let single = |n_rows: usize| (0..n_rows).map(|row| vec![row]).collect();
        match scheme {
            PermutationScheme::Rows => Self {
                blocks: single(groups.len()),
                exchangeable: vec![(0..groups.len()).collect()],
            },
            PermutationScheme::WithinGroups => Self {
                blocks: single(groups.len()),
                exchangeable: members,
            },
            PermutationScheme::BetweenGroups => {
                let sizes: Vec<usize> = members.iter().map(Vec::len).collect();
                let (numbers, distinct) = number_groups(&sizes);
                let mut exchangeable = vec![Vec::new(); distinct.len()];
                for (block, size) in numbers.into_iter().enumerate() {
                    exchangeable[size as usize].push(block);
                }
                Self {
                    blocks: members,
                    exchangeable,
                }
            }
        }
    }

    /// That some permutation gives other outcomes.
    fn check(&self, outcomes: &[f64], scheme: PermutationScheme) -> Result<()> {
        let differs = |a: usize, b: usize| {
            let pairs = self.blocks[a].iter().zip(&self.blocks[b]);
            pairs
                .into_iter()
                .any(|(&a, &b)| outcomes[a].to_bits() != outcomes[b].to_bits())
        };
        let moves = |set: &Vec<usize>| {
            let first = set.first();
            first.is_some_and(|&first| set.iter().any(|&other| differs(first, other)))
        };
        if self.exchangeable.iter().any(moves) {
            Ok(())
        } else {
            Err(Error::parameter(
                "scheme",
                format!("{scheme:?} leaves no outcomes that could change places"),
            ))
        }
    }

    fn permute(&self, outcomes: &[f64], random: &mut Random) -> Vec<f64> {
        let mut permuted = outcomes.to_vec();
        for set in &self.exchangeable {
            let mut from = set.clone();
            random.shuffle(&mut from);
            for (&to, from) in set.iter().zip(from) {
                for (&to, &from) in self.blocks[to].iter().zip(&self.blocks[from]) {
                    permuted[to] = outcomes[from];
                }
            }
        }
        permuted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permute(scheme: PermutationScheme, groups: &[u32], outcomes: &[f64]) -> Vec<Vec<f64>> {
        let slots = Slots::new(scheme, groups);
        (0..50)
            .map(|seed| slots.permute(outcomes, &mut Random::new(seed)))
            .collect()
    }

    #[test]
    fn within_groups_each_group_keeps_its_events() {
        let groups = [0, 0, 0, 1, 1, 1];
        let outcomes = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0];
        let permuted = permute(PermutationScheme::WithinGroups, &groups, &outcomes);
        for drawn in &permuted {
            assert!((drawn[..3].iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!((drawn[3..].iter().sum::<f64>() - 2.0).abs() < 1e-12);
        }
        assert!(permuted.iter().any(|drawn| drawn != &outcomes));
    }

    #[test]
    fn between_groups_whole_groups_change_places() {
        let groups = [0, 0, 1, 1, 2];
        let outcomes = [1.0, 1.0, 0.0, 0.0, 1.0];
        let permuted = permute(PermutationScheme::BetweenGroups, &groups, &outcomes);
        let swapped = vec![0.0, 0.0, 1.0, 1.0, 1.0];
        assert!(permuted.contains(&swapped));
        assert!(permuted.iter().all(|d| d == &swapped || d == &outcomes));
    }

    #[test]
    fn a_scheme_with_nothing_to_permute_is_refused() {
        let slots = Slots::new(PermutationScheme::WithinGroups, &[0, 0, 1]);
        let error = slots
            .check(&[1.0, 1.0, 0.0], PermutationScheme::WithinGroups)
            .unwrap_err();
        assert!(error.to_string().starts_with("`scheme`"), "{error}");
    }
}
