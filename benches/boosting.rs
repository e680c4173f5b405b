//! Fit, score and explain boosted trees, small and wide, on planted data.

use criterion::{Criterion, criterion_group, criterion_main};
use donormatch::model::{
    BoostingParams, ContributionReference, CscMatrix, PreparedData, TrainingData,
};

/// A linear congruential generator (Knuth's MMIX constants), in [0, 1).
struct Uniform(u64);

impl Uniform {
    fn draw(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Columns of which `share` is not zero, and outcomes by the first four of them.
fn planted(n_rows: usize, n_columns: usize, share: f64) -> (CscMatrix, Vec<f64>) {
    let mut uniform = Uniform(7);
    let (mut indptr, mut rows, mut values) = (vec![0], Vec::new(), Vec::new());
    let mut signal = vec![0.0; n_rows];
    for column in 0..n_columns {
        for (row, signal) in signal.iter_mut().enumerate() {
            if uniform.draw() < share {
                let value = uniform.draw();
                rows.push(row as u32);
                values.push(value);
                if column < 4 {
                    *signal += if column % 2 == 0 { value } else { -value };
                }
            }
        }
        indptr.push(rows.len());
    }
    let outcomes = signal
        .iter()
        .map(|signal| f64::from(signal + 0.5 * (uniform.draw() - 0.5) > 0.0))
        .collect();
    match CscMatrix::new(n_rows, indptr, rows, values) {
        Ok(matrix) => (matrix, outcomes),
        Err(error) => panic!("{error}"),
    }
}

fn boosting(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("boosting");
    group.sample_size(10);
    let params = BoostingParams::unsampled();
    for (name, n_rows, n_columns, share) in [
        ("300 x 1,000", 300, 1000, 0.22),
        ("500 x 2,641", 500, 2641, 0.09),
    ] {
        let (matrix, outcomes) = planted(n_rows, n_columns, share);
        let Ok(data) = TrainingData::new(&matrix, &outcomes) else {
            return;
        };
        group.bench_function(format!("fit {name}"), |b| b.iter(|| params.fit(&data)));
        let Ok(prepared) = PreparedData::new(data) else {
            return;
        };
        let folds: Vec<Vec<u32>> = (0..5)
            .map(|fold| (0..n_rows as u32).filter(|row| row % 5 != fold).collect())
            .collect();
        group.bench_function(format!("five folds {name}"), |b| {
            b.iter(|| params.fit_many(&prepared, &folds));
        });
        let Ok(model) = params.fit(&data) else { return };
        group.bench_function(format!("scores {name}"), |b| {
            b.iter(|| model.scores(&matrix));
        });
        group.bench_function(format!("contributions {name}"), |b| {
            b.iter(|| model.contributions(&matrix, ContributionReference::TrainingRows));
        });
    }
    group.finish();
}

criterion_group!(benches, boosting);
criterion_main!(benches);
