//! Early stopping: rows held out by whole groups, and the loss on them.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::TrainingRows;
use crate::model::boosting::loss::mean_loss;
use crate::model::boosting::model::BoostingModel;
use crate::model::boosting::params::EarlyStopping;
use crate::model::boosting::predict::gather;
use crate::model::boosting::random::{HELD_OUT, shuffled};
use crate::model::{MatrixView, TrainingData};
use crate::{Error, Result};

/// Parts the copies into those of training and held-out rows, by whole groups.
pub(super) fn hold_out(
    data: &TrainingData<'_>,
    copies: &[u32],
    stopping: EarlyStopping,
    seed: u64,
) -> Result<(Vec<u32>, Vec<u32>)> {
    let group_of = |row: usize| data.groups().map_or(row as u32, |groups| groups[row]);
    let mut sizes: BTreeMap<u32, u64> = BTreeMap::new();
    for (row, &n) in copies.iter().enumerate().filter(|&(_, &n)| n > 0) {
        *sizes.entry(group_of(row)).or_default() += u64::from(n);
    }
    if sizes.len() < 2 {
        return Err(Error::split(
            "early stopping holds out whole groups and needs at least 2, found 1; give more \
             groups or set no `early_stopping`",
        ));
    }
    let groups: Vec<(u32, u64)> = sizes.into_iter().collect();
    let total: u64 = groups.iter().map(|&(_, size)| size).sum();
    let wanted = total as f64 * stopping.held_out_fraction;
    let mut n_held = 0;
    let mut held = BTreeSet::new();
    for place in shuffled(groups.len(), seed, HELD_OUT) {
        if (n_held as f64) >= wanted || held.len() + 1 == groups.len() {
            break;
        }
        let (group, size) = groups[place as usize];
        held.insert(group);
        n_held += size;
    }
    let is_held = |row: usize| held.contains(&group_of(row));
    let pick = |wanted: bool| {
        copies
            .iter()
            .enumerate()
            .map(|(row, &n)| if is_held(row) == wanted { n } else { 0 })
            .collect()
    };
    Ok((pick(false), pick(true)))
}

/// Rows that judge when to stop.
pub(super) struct HeldOut<'a> {
    matrix: MatrixView<'a>,
    ids: Vec<u32>,
    outcomes: Vec<f64>,
    weights: Vec<f64>,
    offsets: Vec<f64>,
    scores: Vec<f64>,
}

impl<'a> HeldOut<'a> {
    pub(super) fn new(data: &TrainingData<'a>, copies: &[u32]) -> Self {
        let rows = TrainingRows::new(data, copies);
        Self {
            matrix: data.features(),
            outcomes: rows.outcomes(data),
            offsets: rows.offsets(data),
            scores: Vec::new(),
            weights: rows.weights,
            ids: rows.ids,
        }
    }

    /// Adds the last tree of `model`, then gives the mean loss.
    pub(super) fn add(&mut self, model: &BoostingModel) -> f64 {
        if self.scores.is_empty() {
            self.scores = self
                .offsets
                .iter()
                .map(|offset| offset + model.base_score)
                .collect();
        }
        let mut last = BoostingModel::new(model.loss, model.n_features(), 0.0);
        last.copy_last_tree(model);
        let walker = last.walker();
        let mut row = vec![0.0; walker.used.len().max(1)];
        for (score, &id) in self.scores.iter_mut().zip(&self.ids) {
            gather(self.matrix, &walker.used, id as usize, &mut row);
            walker.add(&row, std::slice::from_mut(score));
        }
        mean_loss(model.loss, &self.scores, &self.outcomes, &self.weights)
    }
}
