//! Features over public calls only: properties, and agreement with scikit-bio on real tables.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use donormatch::feature::{
    Diversity, LogBase, Metric, MismatchParams, Phylogeny, Triad, align, distances, diversity,
    mismatched_null, observed_engraftment, pairwise,
};
use donormatch::profile::{ProfileTable, Taxon, Unit};
use ndarray::Array2;
use proptest::prelude::*;
use serde::Deserialize;

/// Node k has the children 2k + 1 and 2k + 2 and the length (k mod 7 + 1) / 10; the last `n` nodes
/// are the tips of the taxa, in their order. The same tree as in `make_aggregates.py`.
fn heap_tree(labels: &[&str]) -> Phylogeny {
    let n = labels.len();
    let n_nodes = 2 * n - 1;
    let parents: Vec<Option<usize>> = (0..n_nodes)
        .map(|node| node.checked_sub(1).map(|before| before / 2))
        .collect();
    let lengths: Vec<f64> = (0..n_nodes)
        .map(|node| (node % 7 + 1) as f64 / 10.0)
        .collect();
    let tips: Vec<Option<&str>> = (0..n_nodes)
        .map(|node| (node + 1).checked_sub(n).map(|tip| labels[tip]))
        .collect();
    Phylogeny::from_parts(&parents, &lengths, &tips).unwrap()
}

fn metrics(tree: &Phylogeny) -> [(&'static str, Metric<'_>); 8] {
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

fn table(unit: Unit, labels: &[&str], rows: &[Vec<f64>]) -> ProfileTable {
    let builder = ProfileTable::builder(unit).taxa(labels.iter().copied().map(Taxon::new));
    let named = rows.iter().enumerate();
    named
        .fold(builder, |builder, (row, values)| {
            let pairs = (0..).zip(values.iter().copied()).collect();
            builder.sample(format!("s{row}"), pairs)
        })
        .build()
        .unwrap()
}

/// Rows in which about half of the values are 0, but never all.
fn rows() -> impl Strategy<Value = Vec<Vec<f64>>> {
    let value = prop_oneof![Just(0.0), 1.0_f64..1e4];
    (2_usize..9).prop_flat_map(move |n_taxa| {
        let row = prop::collection::vec(value.clone(), n_taxa).prop_map(|mut row| {
            row[0] += 1.0;
            row
        });
        prop::collection::vec(row, 2..7)
    })
}

const LABELS: [&str; 9] = ["A", "B", "C", "D", "E", "F", "G", "H", "I"];

fn largest_difference(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    assert_eq!(a.dim(), b.dim());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

proptest! {
    #[test]
    fn distances_are_symmetric_zero_on_self_and_the_same_both_ways(rows in rows()) {
        let labels = &LABELS[..rows[0].len()];
        let table = table(Unit::Count, labels, &rows);
        let tree = heap_tree(labels);
        for (name, metric) in metrics(&tree) {
            let square = pairwise(&table, metric).unwrap();
            prop_assert!(square.iter().all(|d| d.is_finite() && *d >= 0.0), "{}", name);
            prop_assert_eq!(&square, &square.t());
            prop_assert!(square.diag().iter().all(|&d| d == 0.0), "{}", name);
            prop_assert_eq!(&square, &distances(&table, &table, metric).unwrap(), "{}", name);
        }
    }

    #[test]
    fn the_order_of_taxa_does_not_matter_and_that_of_rows_only_reorders(rows in rows()) {
        let labels = &LABELS[..rows[0].len()];
        let table = table(Unit::Count, labels, &rows);
        let n = rows.len();
        let back: Vec<usize> = (0..n).rev().collect();
        let columns: Vec<Option<u32>> = (0..labels.len() as u32).rev().map(Some).collect();
        let taxa = labels.iter().rev().copied().map(Taxon::new).collect();
        let turned = table.regroup(taxa, &columns).unwrap().select(&back).unwrap();
        let tree = heap_tree(labels);
        for (name, metric) in metrics(&tree) {
            let one = pairwise(&table, metric).unwrap();
            let other = pairwise(&turned, metric).unwrap();
            for i in 0..n {
                for j in 0..n {
                    let gap = (one[(i, j)] - other[(n - 1 - i, n - 1 - j)]).abs();
                    // Jensen–Shannon and Aitchison are roots: 1e-16 of the square of a distance
                    // near 0 is 1e-8 of it.
                    let allowed = if one[(i, j)] < 1e-3 { 1e-7 } else { 1e-11 };
                    prop_assert!(gap <= allowed, "{} {} {}", name, one[(i, j)], gap);
                }
            }
        }
    }

    #[test]
    fn a_scale_does_not_change_what_is_relative(rows in rows(), scale in 0.001_f64..1000.0) {
        let labels = &LABELS[..rows[0].len()];
        let scaled: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| row.iter().map(|value| value * scale).collect())
            .collect();
        let one = table(Unit::Count, labels, &rows);
        let other = table(Unit::Count, labels, &scaled);
        for measure in [
            Diversity::Richness,
            Diversity::Shannon(LogBase::Natural),
            Diversity::Simpson,
            Diversity::Pielou,
        ] {
            let (one, other) = (diversity(&one, measure).unwrap(), diversity(&other, measure).unwrap());
            for (one, other) in one.iter().zip(&other) {
                prop_assert!((one - other).abs() < 1e-11);
            }
        }
        let (one, other) = (one.closure(), other.closure());
        let gap = largest_difference(
            &pairwise(&one, Metric::BrayCurtis).unwrap(),
            &pairwise(&other, Metric::BrayCurtis).unwrap(),
        );
        prop_assert!(gap < 1e-11);
    }
}

/// Enough rows for several tasks and blocks, by a fixed rule.
fn many_rows(n_rows: usize, n_taxa: usize) -> Vec<Vec<f64>> {
    let value = |row: usize, taxon: usize| {
        let mixed = (row * 7919 + taxon * 104_729 + row * taxon) % 1009;
        // Low taxa are common, high ones rare: both the dense and the sparse path are walked.
        if mixed.is_multiple_of(1 + taxon / 4) {
            (mixed + 1) as f64
        } else {
            0.0
        }
    };
    (0..n_rows)
        .map(|row| {
            (0..n_taxa)
                .map(|taxon| value(row, taxon) + f64::from(u8::from(taxon == 0)))
                .collect()
        })
        .collect()
}

#[test]
fn one_thread_and_eight_give_the_same_bits() {
    let names: Vec<String> = (0..60).map(|taxon| format!("t{taxon}")).collect();
    let labels: Vec<&str> = names.iter().map(String::as_str).collect();
    let table = table(Unit::Count, &labels, &many_rows(1100, 60));
    let tree = heap_tree(&labels);
    let with_threads = |n: usize, metric| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build()
            .unwrap();
        pool.install(|| pairwise(&table, metric).unwrap())
    };
    for (name, metric) in metrics(&tree) {
        let (one, eight) = (with_threads(1, metric), with_threads(8, metric));
        assert!(
            one.iter()
                .zip(&eight)
                .all(|(a, b)| a.to_bits() == b.to_bits()),
            "{name}"
        );
        assert_eq!(one, distances(&table, &table, metric).unwrap(), "{name}");
    }
}

#[test]
fn blocks_agree_with_the_formula_written_out() {
    let names: Vec<String> = (0..60).map(|taxon| format!("t{taxon}")).collect();
    let labels: Vec<&str> = names.iter().map(String::as_str).collect();
    let rows = many_rows(700, 60);
    let donors = table(Unit::Count, &labels, &rows[..650]);
    let recipients = table(Unit::Count, &labels, &rows[100..]);
    let found = distances(&donors, &recipients, Metric::BrayCurtis).unwrap();
    let expected = Array2::from_shape_fn((650, 600), |(i, j)| {
        let pairs = || rows[i].iter().zip(&rows[100 + j]);
        let apart: f64 = pairs().map(|(a, b)| (a - b).abs()).sum();
        apart / pairs().map(|(a, b)| a + b).sum::<f64>()
    });
    assert!(largest_difference(&found, &expected) < 1e-12);
}

#[test]
fn blocks_of_branches_agree_with_the_formula_written_out() {
    let names: Vec<String> = (0..60).map(|taxon| format!("t{taxon}")).collect();
    let labels: Vec<&str> = names.iter().map(String::as_str).collect();
    let rows = many_rows(1300, 60);
    let tree = heap_tree(&labels);
    let donors = table(Unit::Count, &labels, &rows[..90]);
    let recipients = table(Unit::Count, &labels, &rows[50..]);
    let [p, q] = [&donors, &recipients].map(|table| tree.branches(&table.closure()).unwrap());
    let sum = |i: usize, j: usize, term: fn(f64, f64) -> f64| -> f64 {
        let lengths = tree.lengths().iter().enumerate();
        lengths
            .map(|(node, length)| length * term(p.value(i, node), q.value(j, node)))
            .sum()
    };
    let apart = Array2::from_shape_fn((90, 1250), |(i, j)| sum(i, j, |p, q| (p - q).abs()));
    let total = Array2::from_shape_fn((90, 1250), |(i, j)| sum(i, j, |p, q| p + q));
    let found = |metric| distances(&donors, &recipients, metric).unwrap();
    let weighted = found(Metric::WeightedUniFrac(&tree));
    assert!(largest_difference(&weighted, &apart) < 1e-12);
    let normalized = found(Metric::NormalizedWeightedUniFrac(&tree));
    assert!(largest_difference(&normalized, &(apart / total)) < 1e-12);
}

#[test]
fn aligned_tables_have_the_same_taxa_and_lose_nothing() {
    let donors = table(Unit::Percent, &["A", "B"], &[vec![60.0, 40.0]]);
    let recipients = table(Unit::Percent, &["C", "B"], &[vec![70.0, 30.0]]);
    let (donors, recipients) = align(&donors, &recipients).unwrap();
    assert_eq!(donors.taxa(), recipients.taxa());
    assert_eq!(donors.n_taxa(), 3);
    // By hand: |60| + |40 − 30| + |70| over 200.
    let found = distances(&donors, &recipients, Metric::BrayCurtis).unwrap()[(0, 0)];
    assert!((found - 0.7).abs() < 1e-12);
}

#[derive(Deserialize)]
struct Aggregate {
    mean: f64,
    weighted: f64,
}

#[derive(Deserialize)]
struct OfTable {
    alpha: BTreeMap<String, Aggregate>,
    beta: BTreeMap<String, Aggregate>,
}

#[derive(Deserialize)]
struct Engraftment {
    n_triads: usize,
    n_mismatched: usize,
    mismatched_mean: f64,
    #[serde(flatten)]
    measures: BTreeMap<String, Aggregate>,
}

#[derive(Deserialize)]
struct Golden {
    tables: BTreeMap<String, OfTable>,
    #[serde(rename = "fmt-q2fmt")]
    engraftment: Engraftment,
}

fn golden() -> Golden {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/feature/aggregates.json"
    );
    serde_json::from_reader(std::fs::File::open(path).unwrap()).unwrap()
}

/// A file of `../shared/data`, unpacked where it ends in `.gz`; `None`, saying so, without it.
fn shared(path: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data")
        .join(path);
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("skipped: no `{}`", path.display());
        return None;
    };
    let mut text = String::new();
    if path.extension().is_some_and(|end| end == "gz") {
        flate2::read::MultiGzDecoder::new(bytes.as_slice())
            .read_to_string(&mut text)
            .unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    Some(text)
}

/// Row names, column names and values; a line of `#` before the header is skipped.
fn cells(text: &str) -> (Vec<&str>, Vec<&str>, Vec<Vec<&str>>) {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let columns = lines.next().unwrap().split('\t').skip(1).collect();
    let mut names = Vec::new();
    let mut rows = Vec::new();
    for line in lines {
        let mut fields = line.split('\t');
        names.push(fields.next().unwrap());
        rows.push(fields.collect());
    }
    (names, columns, rows)
}

/// A table of samples × taxa, samples without abundance left out.
fn real_table(path: &str, unit: Unit) -> Option<ProfileTable> {
    let text = shared(path)?;
    let (names, columns, cells) = cells(&text);
    let values: Vec<Vec<f64>> = cells
        .iter()
        .map(|row| row.iter().map(|cell| cell.parse().unwrap()).collect())
        .collect();
    let is_turned = text.starts_with('#');
    let (samples, taxa) = if is_turned {
        (columns, names)
    } else {
        (names, columns)
    };
    let mut builder = ProfileTable::builder(unit).taxa(taxa.iter().copied().map(Taxon::new));
    for (s, sample) in samples.into_iter().enumerate() {
        let value = |t: usize| {
            if is_turned {
                values[t][s]
            } else {
                values[s][t]
            }
        };
        let row: Vec<(u32, f64)> = (0..taxa.len()).map(|t| (t as u32, value(t))).collect();
        if row.iter().any(|&(_, value)| value > 0.0) {
            builder = builder.sample(sample, row);
        }
    }
    Some(builder.build().unwrap())
}

fn weight(i: usize, j: usize) -> f64 {
    ((31 * i + 17 * j) % 101) as f64 / 101.0
}

/// The mean and the weighted mean, both within 1e-12 of the larger of 1 and the value.
fn check(name: &str, values: impl Iterator<Item = (f64, f64)>, expected: &Aggregate) {
    let (mut sum, mut weighted, mut n) = (0.0, 0.0, 0.0);
    for (value, weight) in values {
        sum += value;
        weighted += value * weight;
        n += 1.0;
    }
    for (found, expected) in [(sum / n, expected.mean), (weighted / n, expected.weighted)] {
        let gap = (found - expected).abs();
        assert!(
            gap <= 1e-12 * expected.abs().max(1.0),
            "{name}: {found} for {expected}"
        );
    }
}

fn check_table(folder: &str, file: &str, unit: Unit) {
    let Some(table) = real_table(&format!("{folder}/{file}"), unit) else {
        return;
    };
    let golden = golden();
    let expected = &golden.tables[folder];
    let labels: Vec<&str> = table.taxa().iter().map(Taxon::label).collect();
    let tree = heap_tree(&labels);
    let measures = [
        ("richness", Diversity::Richness),
        ("shannon", Diversity::Shannon(LogBase::Natural)),
        ("simpson", Diversity::Simpson),
        ("inverse_simpson", Diversity::InverseSimpson),
        ("pielou", Diversity::Pielou),
        ("chao1", Diversity::Chao1),
        ("faith_pd", Diversity::FaithPd(&tree)),
    ];
    for (name, measure) in measures {
        if let Some(expected) = expected.alpha.get(name) {
            let values = diversity(&table, measure).unwrap();
            let values = values.into_iter().enumerate();
            check(
                name,
                values.map(|(i, value)| (value, weight(i, 0))),
                expected,
            );
        }
    }
    for (name, metric) in metrics(&tree) {
        if let Some(expected) = expected.beta.get(name) {
            let square = pairwise(&table, metric).unwrap();
            let upper = square.indexed_iter().filter(|((i, j), _)| i < j);
            check(name, upper.map(|((i, j), &d)| (d, weight(i, j))), expected);
        }
    }
}

#[test]
fn a_metaphlan_table_of_melanoma_transplants_agrees_with_scikit_bio() {
    check_table(
        "fmt-davar-baruch2021",
        "profiles.metaphlan.tsv.gz",
        Unit::Percent,
    );
}

#[test]
fn a_16s_table_of_counts_agrees_with_scikit_bio() {
    check_table("fmt-goyal2018", "profiles.tsv.gz", Unit::Count);
}

#[test]
fn a_table_of_assigned_reads_agrees_with_scikit_bio() {
    check_table("fmt-recast", "profiles.tsv.gz", Unit::Count);
}

#[test]
fn engraftment_agrees_with_the_definitions_of_q2_fmt_on_its_data() {
    let Some(table) = real_table("fmt-q2fmt/profiles.tsv.gz", Unit::Count) else {
        return;
    };
    let text = shared("fmt-q2fmt/transplants.tsv").unwrap();
    let (_, columns, rows) = cells(&text);
    let field = |row: &[&str], name: &str| {
        let at = columns.iter().position(|&column| column == name).unwrap();
        row[at].to_owned()
    };
    let triads: Vec<Triad> = rows
        .iter()
        .map(|row| {
            Triad::new(
                field(row, "donor_samples"),
                field(row, "pre_sample"),
                field(row, "post_sample"),
            )
        })
        .collect();
    let expected = golden().engraftment;
    assert_eq!(triads.len(), expected.n_triads);
    let seen = observed_engraftment(&table, &triads).unwrap();
    for (name, aggregate) in &expected.measures {
        let values = seen.iter().map(|seen| match name.as_str() {
            "peds" => seen.peds,
            "pprs" => seen.pprs,
            "novel_peds" => seen.novel_peds.unwrap(),
            "weighted_peds" => seen.weighted_peds,
            "engrafted_abundance" => seen.engrafted_abundance,
            "n_lost" => seen.n_lost as f64,
            "n_kept" => seen.n_kept as f64,
            "n_gained" => seen.n_gained as f64,
            other => panic!("no measure `{other}`"),
        });
        let values = values.enumerate().map(|(i, value)| (value, weight(i, 0)));
        check(name, values, aggregate);
    }
    let null = mismatched_null(&table, &triads, &MismatchParams::default()).unwrap();
    assert_eq!(null.n_mismatched, expected.n_mismatched);
    assert!((null.tests[0].expected - expected.mismatched_mean).abs() < 1e-12);
}
