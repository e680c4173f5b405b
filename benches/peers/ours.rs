//! Our side of the comparison with peers: one job, described in a JSON file, run once for each
//! line on standard input; seconds, CPU seconds, added memory and scores come out as JSON lines.
//!
//! `compare.py` writes the jobs, `callgrind.sh` counts the instructions of some of them.

#![expect(clippy::print_stdout, reason = "the results go to who started it")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use donormatch::evaluation::{
    CrossValidationParams, FoldTask, GroupColumn, GroupedKFold, Metric, ModelProcedure,
    NestedSelection, Procedure, ScoredRows, SelectionRule, Split, SplitAudit, cross_validate,
};
use donormatch::model::{
    BoostingModel, BoostingParams, ContributionReference, CscMatrix, LambdaGrid, LogisticCvParams,
    LogisticParams, LogisticPath, MatrixView, ModelParams, PreparedData, TrainingData,
};
use ndarray::{Array2, Axis};
use serde::Deserialize;
use serde_json::{Value, json};

type Any<T> = Result<T, Box<dyn Error>>;

/// What to do, and on which table.
#[derive(Deserialize)]
struct Job {
    kind: Kind,
    /// A folder with `x.bin` (rows × columns, row by row), `y.bin` and `shape.json`.
    table: PathBuf,
    threads: usize,
    #[serde(default)]
    n_rounds: u32,
    #[serde(default)]
    max_depth: u32,
    /// Share of the columns that each node draws; none means all.
    #[serde(default)]
    node_column_fraction: Option<f64>,
    #[serde(default)]
    random_thresholds: bool,
    #[serde(default)]
    is_sparse: bool,
    /// Test rows of each split; the others are for training.
    #[serde(default)]
    splits: Vec<TestRows>,
    /// Deals the inner folds; candidates have a seed of their own.
    #[serde(default)]
    seed: u64,
    /// λ to visit, all of a path; none means 100 of our own.
    #[serde(default)]
    lambdas: Vec<f64>,
    #[serde(default)]
    n_lambdas: Option<usize>,
    /// Rows to score or explain, from the top; none means all.
    #[serde(default)]
    n_scored: Option<usize>,
    /// Family, name and settings of the models to choose from, the one to take unseen first.
    #[serde(default)]
    candidates: Vec<(String, String, ModelParams)>,
    /// A second table to score.
    #[serde(default)]
    scored: Option<PathBuf>,
}

#[derive(Deserialize)]
struct TestRows {
    name: String,
    test: Vec<usize>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Kind {
    BoostingFit,
    BoostingFolds,
    Path,
    Lambda,
    Predict,
    Shap,
    Scores,
}

#[derive(Deserialize)]
struct Shape {
    rows: usize,
    columns: usize,
    #[serde(default)]
    groups: Vec<u32>,
}

struct Table {
    features: Array2<f64>,
    sparse: Option<CscMatrix>,
    outcomes: Vec<f64>,
    groups: Vec<u32>,
}

impl Table {
    fn read(folder: &std::path::Path, is_sparse: bool) -> Any<Self> {
        let shape: Shape = serde_json::from_slice(&fs::read(folder.join("shape.json"))?)?;
        let features = Array2::from_shape_vec(
            (shape.rows, shape.columns),
            read_floats(&folder.join("x.bin"))?,
        )?;
        let sparse = is_sparse.then(|| to_sparse(&features)).transpose()?;
        let groups = match shape.groups.len() {
            0 => (0..shape.rows as u32).collect(),
            _ => shape.groups,
        };
        Ok(Self {
            features,
            sparse,
            outcomes: read_floats(&folder.join("y.bin"))?,
            groups,
        })
    }

    fn view(&self) -> MatrixView<'_> {
        match &self.sparse {
            Some(sparse) => sparse.into(),
            None => self.features.view().into(),
        }
    }

    fn data(&self) -> donormatch::Result<TrainingData<'_>> {
        TrainingData::new(self.view(), &self.outcomes)?.with_groups(&self.groups)
    }
}

fn read_floats(path: &std::path::Path) -> Any<Vec<f64>> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (values, _) = bytes.as_chunks::<8>();
    Ok(values
        .iter()
        .map(|&bytes| f64::from_le_bytes(bytes))
        .collect())
}

fn to_sparse(features: &Array2<f64>) -> donormatch::Result<CscMatrix> {
    let (mut indptr, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
    for column in features.columns() {
        for (row, &value) in column.iter().enumerate() {
            if value != 0.0 {
                rows.push(row as u32);
                values.push(value);
            }
        }
        indptr.push(rows.len());
    }
    CscMatrix::new(features.nrows(), indptr, rows, values)
}

fn boosting(job: &Job) -> BoostingParams {
    let mut params = BoostingParams::unsampled();
    params.n_rounds = job.n_rounds;
    params.max_depth = job.max_depth;
    params.node_column_fraction = job.node_column_fraction.unwrap_or(1.0);
    params.random_thresholds = job.random_thresholds;
    params
}

/// What stands ready before the clock starts.
struct Ready {
    table: Table,
    scored: Option<Table>,
    model: Option<BoostingModel>,
}

/// The work that is timed.
enum Done {
    Models(Vec<BoostingModel>, Vec<Vec<f64>>),
    Path(LogisticPath),
    Lambda(f64),
    Values(f64),
    Scores(Value),
}

#[inline(never)]
fn run_once(job: &Job, ready: &Ready) -> Any<Done> {
    let table = &ready.table;
    let scored = ready.scored.as_ref().unwrap_or(table);
    let top = ndarray::s![..job.n_scored.unwrap_or(scored.features.nrows()), ..];
    Ok(match job.kind {
        Kind::BoostingFit => Done::Models(vec![boosting(job).fit(&table.data()?)?], vec![]),
        Kind::BoostingFolds => folds(job, table)?,
        Kind::Path => {
            let grid = match job.lambdas.as_slice() {
                [] => LambdaGrid::Automatic {
                    n_lambdas: job.n_lambdas.unwrap_or(100),
                    min_ratio: Some(0.01),
                },
                given => LambdaGrid::Given(given.to_vec()),
            };
            Done::Path(lasso().fit_path(&table.data()?, &grid)?)
        }
        Kind::Lambda => {
            let params = LogisticCvParams {
                alphas: vec![1.0],
                ..LogisticCvParams::default()
            };
            Done::Lambda(params.fit(&table.data()?)?.lambda)
        }
        Kind::Predict => {
            let model = ready.model.as_ref().ok_or("no model")?;
            Done::Values(model.scores(scored.features.slice(top))?.iter().sum())
        }
        Kind::Shap => {
            let model = ready.model.as_ref().ok_or("no model")?;
            let reference = ContributionReference::TrainingRows;
            let values = model.contributions(scored.features.slice(top), reference)?;
            Done::Values(values.values.sum())
        }
        Kind::Scores => Done::Scores(scores(job, table)?),
    })
}

fn lasso() -> LogisticParams {
    LogisticParams {
        alpha: 1.0,
        ..LogisticParams::default()
    }
}

fn folds(job: &Job, table: &Table) -> Any<Done> {
    let prepared = PreparedData::new(table.data()?)?;
    let training: Vec<Vec<u32>> = job
        .splits
        .iter()
        .map(|split| {
            complement(&split.test, table.outcomes.len())
                .into_iter()
                .map(|row| row as u32)
                .collect()
        })
        .collect();
    let models = boosting(job).fit_many(&prepared, &training)?;
    let scores = models
        .iter()
        .zip(&job.splits)
        .map(|(model, split)| {
            let rows = table.features.select(Axis(0), &split.test);
            model.scores(rows.view())
        })
        .collect::<donormatch::Result<_>>()?;
    Ok(Done::Models(models, scores))
}

fn complement(test: &[usize], n_rows: usize) -> Vec<usize> {
    let mut is_test = vec![false; n_rows];
    for &row in test {
        is_test[row] = true;
    }
    (0..n_rows).filter(|&row| !is_test[row]).collect()
}

/// ROC AUC of each candidate on the test rows of each split, and in the inner folds by which
/// [`NestedSelection`] chooses; `chosen` is whom its rule of one standard error takes.
fn scores(job: &Job, table: &Table) -> Any<Value> {
    let procedures = job
        .candidates
        .iter()
        .map(|(.., params)| ModelProcedure::new(params.clone(), table.view(), &table.groups))
        .collect::<donormatch::Result<Vec<_>>>()?;
    let names: Vec<String> = job
        .candidates
        .iter()
        .map(|(family, name, _)| format!("{family}, {name}"))
        .collect();
    let mut selection = NestedSelection::new(&table.groups, GroupedKFold::new(5), Metric::RocAuc)
        .with_rule(SelectionRule::OneStandardError);
    for (name, procedure) in names.iter().zip(&procedures) {
        selection = selection.with_candidate(name, procedure);
    }
    let splits = job
        .splits
        .iter()
        .map(|split| {
            let training = complement(&split.test, table.outcomes.len());
            Split::new(split.name.clone(), training, split.test.clone())
        })
        .collect::<donormatch::Result<Vec<_>>>()?;
    let seen = Mutex::new(BTreeMap::new());
    let chosen = |task: &FoldTask<'_>, audit: &mut SplitAudit<'_>| {
        let choice = selection.choose(task)?;
        let scores = procedures
            .iter()
            .map(|procedure| procedure.fit_predict(task, audit))
            .collect::<donormatch::Result<Vec<_>>>()?;
        let its = scores[choice.chosen].clone();
        if let Ok(mut seen) = seen.lock() {
            seen.insert(task.test.to_vec(), (choice, scores));
        }
        Ok(its)
    };
    let apart = [GroupColumn::new("group", &table.groups)];
    let params = CrossValidationParams {
        seed: job.seed,
        ..CrossValidationParams::default()
    };
    cross_validate(&chosen, &table.outcomes, &splits, &apart, &params)?;
    let seen = seen.into_inner().map_err(|_| "a split panicked")?;
    let mut all = serde_json::Map::new();
    for (place, name) in names.iter().enumerate() {
        let (mut aucs, mut inner, mut is_chosen) = (Vec::new(), Vec::new(), Vec::new());
        for split in &splits {
            let (choice, scores) = &seen[split.test()];
            aucs.push(auc(table, split.test(), &scores[place])?);
            inner.push(&choice.fold_values[place]);
            is_chosen.push(choice.chosen == place);
        }
        let value = json!({ "auc": aucs, "inner": inner, "chosen": is_chosen });
        all.insert(name.clone(), value);
    }
    Ok(Value::Object(all))
}

/// ROC AUC of the scores of some rows.
fn auc(table: &Table, rows: &[usize], scores: &[f64]) -> Any<f64> {
    let observed: Vec<f64> = rows.iter().map(|&row| table.outcomes[row]).collect();
    Ok(Metric::RocAuc.value(&ScoredRows::new(scores, &observed)?)?)
}

/// What the timed work came to, computed after the clock has stopped.
fn summary(job: &Job, table: &Table, done: Done) -> Any<Value> {
    Ok(match done {
        Done::Models(models, scores) => {
            let mut aucs = Vec::new();
            for (scores, split) in scores.iter().zip(&job.splits) {
                aucs.push(auc(table, &split.test, scores)?);
            }
            let n_trees: usize = models.iter().map(BoostingModel::n_trees).sum();
            json!({ "auc": aucs, "n_trees": n_trees })
        }
        Done::Path(path) => json!({
            "lambdas": path.lambdas(),
            "objectives": objectives(table, &path),
        }),
        Done::Lambda(lambda) => json!({ "lambda": lambda }),
        Done::Values(sum) => json!({ "sum": sum }),
        Done::Scores(scores) => scores,
    })
}

/// The lasso's objective at each point: mean log loss + λ Σ |b sd|.
fn objectives(table: &Table, path: &LogisticPath) -> Vec<f64> {
    let features = &table.features;
    let deviations = features.std_axis(Axis(0), 0.0);
    path.points()
        .iter()
        .map(|point| {
            let mut eta = vec![point.intercept; features.nrows()];
            let mut penalty = 0.0;
            for &(feature, value) in &point.coefficients {
                let column = features.column(feature as usize);
                eta.iter_mut()
                    .zip(column)
                    .for_each(|(eta, x)| *eta += x * value);
                penalty += (value * deviations[feature as usize]).abs();
            }
            let losses = eta
                .iter()
                .zip(&table.outcomes)
                .map(|(&eta, y)| eta.max(0.0) + libm::log1p(libm::exp(-eta.abs())) - y * eta);
            losses.sum::<f64>() / features.nrows() as f64 + point.lambda * penalty
        })
        .collect()
}

/// Nanoseconds that the living threads of this process have run.
fn cpu_seconds() -> f64 {
    let nanoseconds = |entry: fs::DirEntry| -> Option<f64> {
        let text = fs::read_to_string(entry.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    };
    // The kernel brings the account of a running thread up to date when it yields.
    std::thread::yield_now();
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return f64::NAN;
    };
    tasks.flatten().filter_map(nanoseconds).sum::<f64>() / 1e9
}

/// A line of `/proc/self/status` in megabytes.
fn memory(key: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status
        .lines()
        .find_map(|line| {
            line.strip_prefix(key)?
                .split_whitespace()
                .nth(1)?
                .parse()
                .ok()
        })
        .unwrap_or(f64::NAN);
    kilobytes / 1024.0
}

fn main() -> Any<()> {
    let Some(path) = std::env::args().nth(1) else {
        return Err("give the path of a job; `benches/peers/run` does it all".into());
    };
    let job: Job = serde_json::from_slice(&fs::read(path)?)?;
    // The main thread works too, so that a count of its instructions is a count of all.
    rayon::ThreadPoolBuilder::new()
        .num_threads(job.threads)
        .use_current_thread()
        .build_global()?;
    let table = Table::read(&job.table, job.is_sparse)?;
    let needs_model = matches!(job.kind, Kind::Predict | Kind::Shap);
    let model = needs_model.then(|| boosting(&job).fit(&table.data()?));
    let ready = Ready {
        model: model.transpose()?,
        scored: job
            .scored
            .as_ref()
            .map(|folder| Table::read(folder, false))
            .transpose()?,
        table,
    };
    for line in std::io::stdin().lock().lines() {
        line?;
        // Resets the highest resident size (proc(5)); where it cannot, the size so far stands.
        fs::write("/proc/self/clear_refs", "5").unwrap_or_default();
        let (before, cpu, started) = (memory("VmRSS"), cpu_seconds(), Instant::now());
        let done = run_once(&job, &ready)?;
        let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        let peak = memory("VmHWM");
        let result = json!({
            "seconds": seconds,
            "cpu": cpu,
            "peak_mb": peak,
            "added_mb": peak - before,
            "result": summary(&job, &ready.table, done)?,
        });
        println!("{result}");
    }
    Ok(())
}
