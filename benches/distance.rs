//! Distances between donors and recipients: `cargo bench --bench distance`.
//!
//! With `DONORMATCH_PEER_TABLES=<file>` it times one file of tables instead
//! (`DONORMATCH_PEER_REPEATS` times, default 3; `DONORMATCH_PEER_METRIC` names one metric) and
//! prints one line of JSON per metric: that is how `benches/peers/distances.py` compares it with
//! other libraries on the same numbers in one run.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion};
use donormatch::feature::{Metric, Phylogeny, distances};
use donormatch::profile::{CsrMatrix, ProfileTable, SampleId, Taxon, Unit};

type Fallible<T> = Result<T, Box<dyn Error>>;

struct Tables {
    donors: ProfileTable,
    recipients: ProfileTable,
    tree: Phylogeny,
}

impl Tables {
    fn metrics(&self) -> [(&'static str, Metric<'_>); 8] {
        let tree = &self.tree;
        [
            ("bray_curtis", Metric::BrayCurtis),
            ("jaccard", Metric::Jaccard),
            ("jensen_shannon", Metric::JensenShannon),
            ("aitchison", Metric::Aitchison { pseudocount: 0.5 }),
            ("robust_aitchison", Metric::RobustAitchison),
            ("unweighted_unifrac", Metric::UnweightedUniFrac(tree)),
            ("weighted_unifrac", Metric::WeightedUniFrac(tree)),
            (
                "weighted_normalized_unifrac",
                Metric::NormalizedWeightedUniFrac(tree),
            ),
        ]
    }
}

fn table(prefix: &str, n_taxa: usize, rows: Vec<Vec<(u32, f64)>>) -> Fallible<ProfileTable> {
    let builder = ProfileTable::builder(Unit::Count)
        .taxa((0..n_taxa).map(|taxon| Taxon::new(format!("t{taxon}"))));
    let n_rows = rows.len();
    let matrix = CsrMatrix::from_rows(n_taxa, rows)?;
    let ids = (0..n_rows).map(|row| SampleId::new(format!("{prefix}{row}")));
    Ok(builder.matrix(ids.collect(), matrix).build()?)
}

/// `SplitMix64`, so that the bench needs no crate for chance.
fn next(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / 9_007_199_254_740_992.0
}

/// Taxa of unequal prevalence, one value of ten above 0, over a tree of random merges.
fn synthetic(n_samples: usize, n_taxa: usize) -> Fallible<Tables> {
    let mut state = 1;
    // The cube of a uniform has mean 1/4: prevalence 0.4 u³ has mean 0.1.
    let prevalence: Vec<f64> = (0..n_taxa)
        .map(|_| 0.4 * next(&mut state).powi(3))
        .collect();
    let mut rows = |_| {
        let mut row: Vec<(u32, f64)> = vec![(0, 1.0)];
        for (taxon, &p) in prevalence.iter().enumerate().skip(1) {
            if next(&mut state) < p {
                row.push((taxon as u32, (1.0 / next(&mut state)).ceil()));
            }
        }
        row
    };
    let donors = table("d", n_taxa, (0..n_samples).map(&mut rows).collect())?;
    let recipients = table("r", n_taxa, (0..n_samples).map(&mut rows).collect())?;
    let n_nodes = 2 * n_taxa - 1;
    let mut parents = vec![None; n_nodes];
    let mut roots: Vec<usize> = (0..n_taxa).collect();
    for parent in n_taxa..n_nodes {
        for _ in 0..2 {
            let pick = (next(&mut state) * roots.len() as f64) as usize;
            parents[roots.swap_remove(pick)] = Some(parent);
        }
        roots.push(parent);
    }
    let lengths: Vec<f64> = (0..n_nodes).map(|_| next(&mut state)).collect();
    let labels: Vec<Option<String>> = (0..n_nodes)
        .map(|node| (node < n_taxa).then(|| format!("t{node}")))
        .collect();
    Ok(Tables {
        donors,
        recipients,
        tree: Phylogeny::from_parts(&parents, &lengths, &labels)?,
    })
}

/// Little-endian `f64`: donors, recipients, taxa, nodes; both dense tables; then parent (−1: none)
/// and length of each node, the taxa first.
fn read(path: &str) -> Fallible<Tables> {
    let bytes = std::fs::read(path)?;
    let mut numbers = bytes.chunks_exact(8).map(|chunk| {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        f64::from_le_bytes(eight)
    });
    let mut take = |n: usize| -> Vec<f64> { numbers.by_ref().take(n).collect() };
    let sizes: Vec<usize> = take(4).into_iter().map(|size| size as usize).collect();
    let &[n_donors, n_recipients, n_taxa, n_nodes] = sizes.as_slice() else {
        return Err("the file of tables is empty".into());
    };
    let mut rows = |n: usize| -> Vec<Vec<(u32, f64)>> {
        let row = |_| (0..).zip(take(n_taxa)).filter(|&(_, x)| x > 0.0).collect();
        (0..n).map(row).collect()
    };
    let (donors, recipients) = (rows(n_donors), rows(n_recipients));
    let parents: Vec<Option<usize>> = take(n_nodes)
        .into_iter()
        .map(|parent| (parent >= 0.0).then_some(parent as usize))
        .collect();
    let lengths = take(n_nodes);
    let labels: Vec<Option<String>> = (0..n_nodes)
        .map(|node| (node < n_taxa).then(|| format!("t{node}")))
        .collect();
    Ok(Tables {
        donors: table("d", n_taxa, donors)?,
        recipients: table("r", n_taxa, recipients)?,
        tree: Phylogeny::from_parts(&parents, &lengths, &labels)?,
    })
}

/// Processor time of this process so far, all threads: what a busy machine does not distort.
fn cpu_seconds() -> Fallible<f64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    // The second field is a name in parentheses; utime and stime are fields 14 and 15, in 1/100 s.
    let (_, fields) = text.rsplit_once(')').ok_or("no name in /proc/self/stat")?;
    let ticks: Vec<f64> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

/// A figure of this process in bytes, where `/proc` tells.
fn peak_bytes(figure: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(figure))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(1024.0 * kilobytes)
}

/// Starts the peak anew; the bytes resident now.
fn reset_peak() -> Option<f64> {
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    peak_bytes("VmRSS:")
}

#[expect(clippy::print_stdout, reason = "the lines that the comparison reads")]
fn compare(path: &str) -> Fallible<()> {
    let tables = read(path)?;
    let repeats = std::env::var("DONORMATCH_PEER_REPEATS").map_or(Ok(3), |n| n.parse())?;
    let only = std::env::var("DONORMATCH_PEER_METRIC").ok();
    let is_wanted = |name: &str| only.as_ref().is_none_or(|only| only == name);
    for (name, metric) in tables.metrics() {
        if !is_wanted(name) {
            continue;
        }
        let before = reset_peak();
        let mut seconds = Vec::with_capacity(repeats);
        let mut sum = 0.0;
        let busy_before = cpu_seconds()?;
        for _ in 0..repeats {
            let start = Instant::now();
            let result = distances(&tables.donors, &tables.recipients, metric)?;
            seconds.push(start.elapsed().as_secs_f64());
            sum = result.sum();
        }
        seconds.sort_by(f64::total_cmp);
        let median = seconds[repeats / 2];
        let busy = (cpu_seconds()? - busy_before) / repeats as f64;
        // What the call held at most beside the tables it was given.
        let peak = peak_bytes("VmHWM:")
            .zip(before)
            .map(|(peak, before)| peak - before);
        let megabytes = peak.unwrap_or(f64::NAN) / 1e6;
        println!(
            "{{\"metric\": \"{name}\", \"seconds\": {median:.4}, \"cpu_seconds\": {busy:.4}, \
             \"peak_mb\": {megabytes:.1}, \"sum\": {sum:?}}}"
        );
    }
    Ok(())
}

fn bench() -> Fallible<()> {
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let mut group = criterion.benchmark_group("distance");
    let tables = synthetic(1000, 2000)?;
    for (name, metric) in tables.metrics() {
        group.bench_function(BenchmarkId::new(name, "1000 x 1000 x 2000"), |bencher| {
            bencher
                .iter(|| black_box(distances(&tables.donors, &tables.recipients, metric)).is_ok());
        });
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}

fn main() -> Fallible<()> {
    match std::env::var("DONORMATCH_PEER_TABLES") {
        Ok(path) => compare(&path),
        Err(_) => bench(),
    }
}
