//! Time of a whole path, of one λ, and of the grouped choice, on small and wide tables in which
//! most entries are zero.

#![expect(clippy::unwrap_used, reason = "a bench has no caller to tell")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use donormatch::model::{LambdaGrid, LogisticCvParams, LogisticParams, TrainingData};
use ndarray::Array2;

/// A zero-inflated log-normal table, and outcomes that follow twenty of its columns.
fn table(n_rows: usize, n_columns: usize) -> (Array2<f64>, Vec<f64>) {
    let mut state = 1_u64;
    let mut uniform = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as f64 + 0.5) / f64::from(1_u32 << 31)
    };
    let prevalences: Vec<f64> = (0..n_columns).map(|_| uniform() * uniform()).collect();
    let features = Array2::from_shape_fn((n_rows, n_columns), |(_, column)| {
        let is_present = uniform() < prevalences[column];
        let size = (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
        if is_present {
            (2.0 + size).max(0.1)
        } else {
            0.0
        }
    });
    let outcomes = features
        .rows()
        .into_iter()
        .map(|row| {
            let score: f64 = (0..20)
                .map(|j| if j % 2 == 0 { row[j * 7] } else { -row[j * 7] })
                .sum();
            f64::from(uniform() < 1.0 / (1.0 + (-0.5 * score).exp()))
        })
        .collect();
    (features, outcomes)
}

fn paths(criterion: &mut Criterion) {
    for (n_rows, n_columns) in [(300, 1_000), (500, 2_641)] {
        let (features, outcomes) = table(n_rows, n_columns);
        let data = TrainingData::new(features.view(), &outcomes).unwrap();
        for alpha in [0.5, 1.0] {
            let params = LogisticParams {
                alpha,
                ..LogisticParams::default()
            };
            criterion.bench_function(
                &format!("path of 100, {n_rows} x {n_columns}, alpha {alpha}"),
                |bencher| {
                    bencher.iter(|| params.fit_path(black_box(&data), &LambdaGrid::default()));
                },
            );
        }
        criterion.bench_function(&format!("one lambda, {n_rows} x {n_columns}"), |bencher| {
            bencher.iter(|| LogisticParams::default().fit(black_box(&data)));
        });
    }
}

fn choices(criterion: &mut Criterion) {
    let (features, outcomes) = table(300, 1_000);
    let groups: Vec<u32> = (0..300).map(|row| row / 3).collect();
    let data = TrainingData::new(features.view(), &outcomes)
        .unwrap()
        .with_groups(&groups)
        .unwrap();
    let params = LogisticCvParams {
        alphas: vec![1.0],
        ..LogisticCvParams::default()
    };
    criterion.bench_function("grouped choice, 10 folds, 300 x 1000", |bencher| {
        bencher.iter(|| params.fit(black_box(&data)));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = paths, choices
}
criterion_main!(benches);
