//! The rounds of a fit, and many fits on one matrix.
//!
//! Data flow through the files in this order: `columns` sorts each feature once and puts its values
//! into bins; `split` rounds the derivatives of a round to integers and says what a split is worth;
//! `node` is what asks for a split, `open` draws what it may split on; `runs` and `walk` (or
//! `histogram`, whichever costs less) search a level of nodes, with `filter` to pass over cuts that
//! cannot win and `drawn` if thresholds are drawn; `grow` makes the tree; `stopping` scores the
//! rows held out. `bins` is shared by `columns` and `histogram`.
//!
//! - **bin**: neighboring values of a feature that no split tells apart; **cut**: the border after a
//!   bin, where a split may lie.
//! - **run**: the entries of one feature on one side of its most frequent bin (`Low`, `High`, or
//!   `Missing`), in order of bins, so that a column of zeros costs nothing.
//! - **lane**: one of up to eight nodes that are searched side by side, one element of a vector.
//! - **walk**: going through a run once, adding up g and h of each lane.
//! - **bar**: the score that a split must exceed to be taken; **offer**: an exact score put before
//!   the best so far.
//! - **light**: bins at the start of a run whose weight is too small for a child.
//! - **open**: features, or runs of them, on which a node may split.
//! - **g, h**: first and second derivative of the loss; **cover**: weight of the rows of a node.
//! - **level**: nodes of one depth, searched together.

mod bins;
#[cfg(test)]
mod border_tests;
mod columns;
mod drawn;
mod filter;
mod grow;
mod histogram;
mod node;
mod open;
mod runs;
mod split;
mod stopping;
mod walk;
#[cfg(test)]
mod walk_tests;

use rayon::prelude::*;

use self::columns::{SortedColumns, TrainingRows, is_infinite};
use self::grow::{Engine, Grower, GrownNode, Target};
use self::histogram::Histograms;
use self::open::OpenFeatures;
use self::runs::Runs;
use self::split::{Gradients, TASK_ROWS};
use self::stopping::{HeldOut, hold_out};
use super::loss::{Scores, derive};
use super::model::BoostingModel;
use super::params::{BoostingLoss, BoostingParams};
use super::random::{ROWS, draw, sample};
use crate::cancel;
use crate::model::{ColumnView, MatrixView, TrainingData};
use crate::numeric::logistic::plain_sigmoid;
use crate::numeric::outcomes;
use crate::{Error, Result};

/// More rows than this, and not sparse: columns are not sorted but cut by a sample.
const TALL_ROWS: usize = 8192;

/// Share of entries other than 0 above which a matrix is not sparse.
const DENSE_SHARE: f64 = 0.25;

/// Entries that runs, which number them by 32 bits and may list and pad each, can hold, and rows,
/// which they number in fours by 31 bits.
const MOST_RUN_ENTRIES: usize = 1 << 29;

/// Cost of a level, in additions, above which threads share it.
const LEAST_PARALLEL_COST: f64 = 2e6;

/// A matrix made ready for many fits: its columns are sorted once.
///
/// Sorting learns nothing that could leak: every fit cuts the columns by its own training rows.
/// A dense matrix of more than 8,192 rows is not sorted; each fit places its cuts by an even
/// sample of at most 65,536 of its training rows.
///
/// # Examples
/// ```
/// use donormatch::model::{BoostingParams, PreparedData, TrainingData};
/// use ndarray::Array2;
///
/// let features = Array2::from_shape_fn((20, 2), |(row, column)| (row * (column + 1)) as f64);
/// let outcomes: Vec<f64> = (0..20).map(|row| f64::from(row % 10 >= 5)).collect();
/// let prepared = PreparedData::new(TrainingData::new(features.view(), &outcomes)?)?;
/// let folds = [(0..10).collect(), (10..20).collect::<Vec<u32>>()];
/// let models = BoostingParams::default().fit_many(&prepared, &folds)?;
/// assert_eq!(models.len(), 2);
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PreparedData<'a> {
    data: TrainingData<'a>,
    sorted: Option<SortedColumns>,
}

impl<'a> PreparedData<'a> {
    /// Sorts the columns (tall dense matrices are left as they are).
    ///
    /// # Errors
    /// [`Error::Table`] where a feature is infinite, or there are 2³¹ rows or more.
    pub fn new(data: TrainingData<'a>) -> Result<Self> {
        let matrix = data.features();
        if data.n_rows() >= 1 << 31 {
            return Err(Error::table("expected fewer than 2^31 rows"));
        }
        let is_tall = data.n_rows() > TALL_ROWS && is_dense(matrix)?;
        let sorted = if is_tall {
            None
        } else {
            Some(SortedColumns::new(matrix)?)
        };
        Ok(Self { data, sorted })
    }

    /// The data, as given.
    pub fn data(&self) -> TrainingData<'a> {
        self.data
    }
}

/// Whether many entries are other than 0; refuses infinities.
fn is_dense(matrix: MatrixView<'_>) -> Result<bool> {
    let (n_rows, n_columns) = (matrix.n_rows() as f64, matrix.n_columns() as f64);
    let n_nonzero = match matrix {
        MatrixView::Sparse(_) => (0..matrix.n_columns())
            .map(|feature| match matrix.column(feature) {
                ColumnView::Sparse { values, .. } => values.len(),
                ColumnView::Dense(values) => values.len(),
            })
            .sum(),
        MatrixView::Dense(array) => {
            let mut n_nonzero = 0;
            for row in array.rows() {
                if let Some(feature) = row.iter().position(|value| value.is_infinite()) {
                    return Err(is_infinite(feature));
                }
                n_nonzero += row.iter().filter(|&&value| value != 0.0).count();
            }
            n_nonzero
        }
    };
    Ok(n_nonzero as f64 > n_rows * n_columns * DENSE_SHARE)
}

/// Whether a fit may use more than one thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Threads {
    One,
    Pool,
}

impl BoostingParams {
    /// Learns boosted trees from all rows.
    ///
    /// # Errors
    /// [`Error::Parameter`] where a setting is out of range; [`Error::Table`] where a feature is
    /// infinite, or, with a logistic loss, an outcome is neither 0 nor 1 or all are the same;
    /// [`Error::Split`] where early stopping finds too few groups.
    ///
    /// # Examples
    /// See [`BoostingModel::scores`].
    ///
    /// # References
    /// J. H. Friedman, "Greedy function approximation: a gradient boosting machine", Annals of
    /// Statistics 29 (2001); T. Chen and C. Guestrin, "`XGBoost`: a scalable tree boosting
    /// system", KDD 2016, for the second-order leaves and gains.
    pub fn fit(&self, data: &TrainingData<'_>) -> Result<BoostingModel> {
        self.check(data.features().n_columns())?;
        self.fit_prepared(&PreparedData::new(*data)?)
    }

    /// Learns from all rows of a prepared matrix.
    ///
    /// # Errors
    /// As [`BoostingParams::fit`].
    pub fn fit_prepared(&self, prepared: &PreparedData<'_>) -> Result<BoostingModel> {
        let rows: Vec<u32> = (0..prepared.data.n_rows() as u32).collect();
        self.fit_rows(prepared, &rows)
    }

    /// Learns from some rows: a training fold, or, where rows repeat, a bootstrap sample.
    ///
    /// A row that stands k times counts k times, at no more cost than once.
    ///
    /// # Errors
    /// As [`BoostingParams::fit`], and [`Error::Table`] where a row does not exist or none is
    /// left.
    pub fn fit_rows(&self, prepared: &PreparedData<'_>, rows: &[u32]) -> Result<BoostingModel> {
        self.check(prepared.data.features().n_columns())?;
        self.fit_checked(prepared, rows, Threads::Pool)
    }

    /// One model for each set of rows (see [`BoostingParams::fit_rows`]), each fitted by one
    /// thread of the current rayon pool; the seed of each is derived from the seed and its place.
    ///
    /// # Errors
    /// As [`BoostingParams::fit_rows`], for the first set that fails.
    pub fn fit_many(
        &self,
        prepared: &PreparedData<'_>,
        row_sets: &[Vec<u32>],
    ) -> Result<Vec<BoostingModel>> {
        self.check(prepared.data.features().n_columns())?;
        let fit_one = |(place, rows): (usize, &Vec<u32>)| {
            let params = Self {
                seed: draw(self.seed, u64::MAX, place as u64),
                ..self.clone()
            };
            params.fit_checked(prepared, rows, Threads::One)
        };
        let fitted: Vec<Result<BoostingModel>> =
            row_sets.par_iter().enumerate().map(fit_one).collect();
        fitted.into_iter().collect()
    }

    fn fit_checked(
        &self,
        prepared: &PreparedData<'_>,
        rows: &[u32],
        threads: Threads,
    ) -> Result<BoostingModel> {
        let copies = count_copies(&prepared.data, rows)?;
        check_outcomes(&prepared.data, &copies, self.loss)?;
        let Some(stopping) = self.early_stopping else {
            let rows = TrainingRows::new(&prepared.data, &copies);
            return Fit::new(self, prepared, &rows, threads).run(None);
        };
        let (training, held_out) = hold_out(&prepared.data, &copies, stopping, self.seed)?;
        check_outcomes(&prepared.data, &training, self.loss)?;
        let held_out = HeldOut::new(&prepared.data, &held_out);
        let rows = TrainingRows::new(&prepared.data, &training);
        Fit::new(self, prepared, &rows, threads).run(Some((held_out, stopping.patience)))
    }
}

/// How often each row of the matrix was asked for; rows of weight 0 count as absent.
fn count_copies(data: &TrainingData<'_>, rows: &[u32]) -> Result<Vec<u32>> {
    let mut copies = vec![0; data.n_rows()];
    for &row in rows {
        match copies.get_mut(row as usize) {
            Some(copies) => *copies += 1,
            None => {
                return Err(Error::table(format!(
                    "row {row} does not exist, there are {}",
                    data.n_rows()
                )));
            }
        }
    }
    if let Some(weights) = data.weights() {
        for (copies, &weight) in copies.iter_mut().zip(weights) {
            if weight == 0.0 {
                *copies = 0;
            }
        }
    }
    if copies.iter().all(|&copies| copies == 0) {
        return Err(Error::table("no row of positive weight to learn from"));
    }
    Ok(copies)
}

fn check_outcomes(data: &TrainingData<'_>, copies: &[u32], loss: BoostingLoss) -> Result<()> {
    if loss != BoostingLoss::Logistic {
        return Ok(());
    }
    outcomes::check_outcomes(data.outcomes())?;
    let mut seen = [false; 2];
    for (&outcome, &copies) in data.outcomes().iter().zip(copies) {
        seen[usize::from(outcomes::is_event(outcome))] |= copies > 0;
    }
    if seen == [true, true] {
        return Ok(());
    }
    Err(Error::table(format!(
        "expected outcomes of both 0 and 1 among the training rows, found only {}",
        u8::from(seen[1])
    )))
}

/// One fit.
struct Fit<'a> {
    params: &'a BoostingParams,
    rows: &'a TrainingRows,
    outcomes: Vec<f64>,
    offsets: Vec<f64>,
    grower: Grower<'a>,
}

impl<'a> Fit<'a> {
    fn new(
        params: &'a BoostingParams,
        prepared: &PreparedData<'_>,
        rows: &'a TrainingRows,
        threads: Threads,
    ) -> Self {
        let data = &prepared.data;
        let is_parallel = threads == Threads::Pool && rayon::current_num_threads() > 1;
        let engine = choose_engine(params, prepared, rows, is_parallel);
        // A level of a small fit is over before a second thread has woken up.
        let is_parallel = is_parallel && engine.level_cost() > LEAST_PARALLEL_COST;
        let n_features = data.features().n_columns();
        Self {
            params,
            rows,
            outcomes: rows.outcomes(data),
            offsets: rows.offsets(data),
            grower: Grower::new(params, rows, engine, n_features, is_parallel),
        }
    }

    fn run(mut self, mut held_out: Option<(HeldOut<'_>, u32)>) -> Result<BoostingModel> {
        let base_score = self.base_score();
        let n_features = self.grower.n_features;
        let mut model = BoostingModel::new(self.params.loss, n_features, base_score);
        let scores = Scores::new(self.offsets.iter().map(|offset| offset + base_score));
        let (mut g, mut h) = (vec![0.0; self.rows.len()], vec![0.0; self.rows.len()]);
        let mut gradients = Gradients::default();
        let mut best = (f64::INFINITY, 0);
        for round in 0..self.params.n_rounds {
            cancel::check()?;
            self.derive(&scores, &mut g, &mut h);
            let seen = self.draw_rows(u64::from(round));
            let open = OpenFeatures::draw(self.params, n_features, u64::from(round));
            let is_parallel = self.grower.is_parallel;
            gradients.round(&g, &h, &self.rows.copies, seen.as_deref(), is_parallel);
            let target = Target {
                g: &g,
                h: &h,
                gradients: &gradients,
                open: &open,
            };
            let tree = self.grower.grow(target);
            self.add(&tree, &scores);
            model.push_tree(&tree);
            if let Some((held_out, patience)) = &mut held_out {
                let loss = held_out.add(&model);
                if loss < best.0 {
                    best = (loss, round + 1);
                } else if round + 1 - best.1 >= *patience {
                    break;
                }
            }
        }
        if held_out.is_some() {
            model.truncate(best.1 as usize);
        }
        Ok(model)
    }

    /// The constant that fits best: by Newton steps where there are offsets.
    fn base_score(&self) -> f64 {
        let weights = &self.rows.weights;
        let total: f64 = weights.iter().sum();
        let mean_of = |values: &[f64]| -> f64 {
            values
                .iter()
                .zip(weights)
                .map(|(value, weight)| value * weight)
                .sum::<f64>()
                / total
        };
        let mean = mean_of(&self.outcomes);
        let mean_offset = mean_of(&self.offsets);
        match self.params.loss {
            BoostingLoss::SquaredError => mean - mean_offset,
            BoostingLoss::Logistic => {
                let mut base = libm::log(mean / (1.0 - mean)) - mean_offset;
                if self.offsets.iter().all(|&offset| offset == 0.0) {
                    return base;
                }
                for _ in 0..50 {
                    let (mut g, mut h) = (0.0, 0.0);
                    let rows = self.offsets.iter().zip(&self.outcomes).zip(weights);
                    for ((offset, outcome), weight) in rows {
                        let p = plain_sigmoid(base + offset);
                        g += weight * (p - outcome);
                        h += weight * p * (1.0 - p);
                    }
                    // Half the scale of log-odds at most, against overshooting far from the root.
                    let step = (g / h.max(f64::MIN_POSITIVE)).clamp(-2.0, 2.0);
                    base -= step;
                    if step.abs() < 1e-12 {
                        break;
                    }
                }
                base
            }
        }
    }

    /// Adds a tree, whose rows stand in the partition, to the scores.
    fn add(&self, tree: &[GrownNode], scores: &Scores) {
        let add_leaf = |node: &GrownNode| {
            let rows = node.split.map_or(node.rows(), |_| 0..0);
            for &row in &self.grower.partition[rows] {
                scores.add(row, node.value);
            }
        };
        if self.grower.is_parallel {
            tree.par_iter().for_each(add_leaf);
        } else {
            tree.iter().for_each(add_leaf);
        }
    }

    /// First and second derivatives of the loss, times the weights.
    fn derive(&self, scores: &Scores, g: &mut [f64], h: &mut [f64]) {
        let task = |(task, (g, h)): (usize, (&mut [f64], &mut [f64]))| {
            let first = task * TASK_ROWS;
            let rows = scores
                .from(first)
                .zip(&self.outcomes[first..])
                .zip(&self.rows.weights[first..]);
            derive(self.params.loss, rows, g, h);
        };
        if self.grower.is_parallel {
            let g = g.par_chunks_mut(TASK_ROWS);
            let tasks = g.zip(h.par_chunks_mut(TASK_ROWS)).enumerate();
            tasks.for_each(task);
        } else {
            let g = g.chunks_mut(TASK_ROWS);
            let tasks = g.zip(h.chunks_mut(TASK_ROWS)).enumerate();
            tasks.for_each(task);
        }
    }

    /// The rows that a tree sees, where not all.
    fn draw_rows(&self, round: u64) -> Option<Vec<bool>> {
        let params = self.params;
        (params.row_fraction < 1.0).then(|| {
            let id = |row: usize| u64::from(self.rows.ids[row]);
            let seed = draw(params.seed, ROWS, round);
            sample(self.rows.len(), params.row_fraction, seed, ROWS, id)
        })
    }
}

/// The cheaper engine for these rows; both find the same trees.
fn choose_engine(
    params: &BoostingParams,
    prepared: &PreparedData<'_>,
    rows: &TrainingRows,
    is_parallel: bool,
) -> Engine {
    let matrix = prepared.data.features();
    let n_features = matrix.n_columns();
    let Some(sorted) = &prepared.sorted else {
        return Engine::Histograms(Histograms::from_matrix(matrix, rows, params, is_parallel));
    };
    if sorted.n_entries().max(rows.len()) >= MOST_RUN_ENTRIES {
        return Engine::Histograms(Histograms::from_sorted(sorted, rows, n_features, params));
    }
    let heaviest_h = match params.loss {
        BoostingLoss::Logistic => 0.25,
        BoostingLoss::SquaredError => 1.0,
    };
    let runs = Runs::new(sorted, rows, n_features, params, heaviest_h);
    let depth = f64::from(params.max_depth);
    let n_nodes = f64::from(1_u32 << params.max_depth.min(10)) - 1.0;
    let cells = (rows.len() * n_features) as f64;
    let of_runs = runs.cost() * depth.max(n_nodes / 4.0);
    let of_histograms =
        1.3 * cells * (1.0 + 0.4 * (depth - 1.0)) + 600.0 * n_features as f64 * n_nodes;
    if of_runs <= of_histograms {
        Engine::Runs(runs)
    } else {
        Engine::Histograms(Histograms::from_sorted(sorted, rows, n_features, params))
    }
}

/// The same fit by both engines, for the tests.
#[cfg(test)]
pub(super) fn fit_by_both(
    params: &BoostingParams,
    prepared: &PreparedData<'_>,
) -> (BoostingModel, BoostingModel) {
    let all: Vec<u32> = (0..prepared.data.n_rows() as u32).collect();
    let rows = TrainingRows::new(&prepared.data, &count_copies(&prepared.data, &all).unwrap());
    let sorted = prepared.sorted.as_ref().unwrap();
    let n_features = prepared.data.features().n_columns();
    let with = |engine, is_parallel| {
        let mut fit = Fit::new(params, prepared, &rows, Threads::One);
        fit.grower.engine = engine;
        fit.grower.is_parallel = is_parallel;
        fit.run(None).unwrap()
    };
    let runs = || Engine::Runs(Runs::new(sorted, &rows, n_features, params, 0.25));
    let histograms =
        || Engine::Histograms(Histograms::from_sorted(sorted, &rows, n_features, params));
    let found = (with(runs(), false), with(histograms(), false));
    assert!(found.0 == with(runs(), true), "threads changed the runs");
    assert!(
        found.1 == with(histograms(), true),
        "threads changed the histograms"
    );
    found
}
