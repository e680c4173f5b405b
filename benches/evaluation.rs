//! Metrics at 100,000 rows, and the bootstrap at the size of a pooled study.
#![expect(clippy::unwrap_used, reason = "a failing benchmark may stop")]

use criterion::{Criterion, criterion_group, criterion_main};
use donormatch::evaluation::{
    BootstrapParams, Metric, ScoredRows, average_precision, compare_by_delong, delong, roc_auc,
};

struct Data {
    first: Vec<f64>,
    second: Vec<f64>,
    outcomes: Vec<f64>,
    groups: Vec<u32>,
}

/// Noisy scores of `n` rows in groups of 5, by a linear congruential stream.
fn data(n: u32) -> Data {
    let mut state = 1_u64;
    let mut noise = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let outcomes: Vec<f64> = (0..n).map(|_| (noise() + 0.2).floor()).collect();
    let mut score = || -> Vec<f64> {
        outcomes
            .iter()
            .map(|y| 0.8 * noise() + 0.1 * y + 0.05)
            .collect()
    };
    Data {
        first: score(),
        second: score(),
        groups: (0..n).map(|row| row / 5).collect(),
        outcomes,
    }
}

fn metrics(c: &mut Criterion) {
    let large = data(100_000);
    let rows = ScoredRows::new(&large.first, &large.outcomes).unwrap();
    let grouped = rows.with_groups(&large.groups).unwrap();
    c.bench_function("roc_auc 100000", |b| b.iter(|| roc_auc(&rows)));
    c.bench_function("average_precision 100000", |b| {
        b.iter(|| average_precision(&rows));
    });
    c.bench_function("delong 100000", |b| b.iter(|| delong(&rows)));
    c.bench_function("delong by 20000 groups 100000", |b| {
        b.iter(|| delong(&grouped));
    });
    c.bench_function("compare_by_delong 100000", |b| {
        b.iter(|| compare_by_delong(&rows, &large.second, 0.95).unwrap());
    });
    let study = data(1_000);
    let rows = ScoredRows::new(&study.first, &study.outcomes).unwrap();
    let rows = rows.with_groups(&study.groups).unwrap();
    for metric in [Metric::RocAuc, Metric::LogLoss, Metric::CalibrationSlope] {
        c.bench_function(&format!("bootstrap 2000 x {metric} 1000"), |b| {
            b.iter(|| BootstrapParams::default().estimate(metric, &rows).unwrap());
        });
    }
}

criterion_group!(benches, metrics);
criterion_main!(benches);
