//! How much of the real tables the vocabulary of the models covers.

#![expect(clippy::print_stdout, reason = "shows what was measured")]

use donormatch::profile::{ProfileTable, Rank, Unit};
use donormatch::taxonomy::{
    HarmonizationReport, HarmonizeParams, How, Target, Traits, harmonize, memberships, signature,
    signatures, traits_of,
};

use super::tables::read;

/// Shared folder, unit, and the least mean mass that must land on entries of the vocabulary.
const SHOTGUN: [(&str, Unit, f64); 5] = [
    (
        "icb-thomas2023/profiles.metaphlan.tsv.gz",
        Unit::Percent,
        1.0,
    ),
    (
        "fmt-davar-baruch2021/profiles.metaphlan.tsv.gz",
        Unit::Percent,
        0.96,
    ),
    ("fmt-recast/profiles.tsv.gz", Unit::Count, 0.88),
    ("icb-limeta2020/profiles.motus.tsv.gz", Unit::Count, 0.42),
    ("bench-crc-5studies/profiles.tsv.gz", Unit::Fraction, 0.85),
];

const MARKER_GENE: [(&str, Unit, f64); 5] = [
    ("fmt-goyal2018/profiles.tsv.gz", Unit::Count, 0.79),
    ("fmt-kump2017/profiles.tsv.gz", Unit::Fraction, 0.62),
    ("fmt-jacob2017/profiles.tsv.gz", Unit::Count, 0.82),
    ("fmt-nusbaum2018/profiles.tsv.gz", Unit::Count, 0.81),
    ("fmt-seekatz2017/profiles.tsv.gz", Unit::Count, 0.74),
];

fn summary(
    name: &str,
    table: &ProfileTable,
    result: &ProfileTable,
    report: &HarmonizationReport,
) -> f64 {
    let n_named = report
        .taxa
        .iter()
        .filter(|taxon| {
            !matches!(
                taxon.how,
                How::RolledUp | How::Ambiguous | How::Kept | How::Dropped
            )
        })
        .count();
    println!(
        "{name}: {n_named} of {} taxa, {} columns\n{report}",
        table.n_taxa(),
        result.n_taxa()
    );
    report.mean_mapped_mass()
}

#[test]
fn species_of_the_shotgun_tables_land_in_the_vocabulary() {
    for (path, unit, least) in SHOTGUN {
        let Some(table) = read(path, unit) else {
            return;
        };
        let (result, report) = harmonize(&table, &HarmonizeParams::new(Target::Species)).unwrap();
        let mapped = summary(path, &table, &result, &report);
        assert!(mapped >= least - 1e-9, "{path}: {mapped}");
    }
}

#[test]
fn genera_of_16s_and_shotgun_tables_land_in_the_vocabulary() {
    for (path, unit, least) in MARKER_GENE {
        let Some(table) = read(path, unit) else {
            return;
        };
        let (result, report) = harmonize(&table, &HarmonizeParams::new(Target::Genus)).unwrap();
        let mapped = summary(path, &table, &result, &report);
        assert!(mapped >= least - 1e-9, "{path}: {mapped}");
    }
    for (path, unit, _) in SHOTGUN {
        let Some(table) = read(path, unit) else {
            return;
        };
        let (result, report) = harmonize(&table, &HarmonizeParams::new(Target::Genus)).unwrap();
        summary(path, &table, &result, &report);
    }
}

#[test]
fn no_mass_is_lost_in_silence_on_real_tables() {
    for (path, unit, _) in SHOTGUN.into_iter().chain(MARKER_GENE) {
        for target in [Target::Species, Target::Genus] {
            let Some(table) = read(path, unit) else {
                return;
            };
            let (result, report) = harmonize(&table, &HarmonizeParams::new(target)).unwrap();
            let before = table.abundance().row_sums();
            let after = result.abundance().row_sums();
            for ((before, after), dropped) in before.iter().zip(&after).zip(&report.dropped_mass) {
                approx::assert_relative_eq!(after / before, 1.0 - dropped, epsilon = 1e-12);
            }
            let (again, _) = harmonize(&result, &HarmonizeParams::new(target)).unwrap();
            assert_eq!(again, result, "{path}");
        }
    }
}

#[test]
fn every_taxon_of_the_training_table_has_a_phylum() {
    let Some(table) = read(SHOTGUN[0].0, SHOTGUN[0].1) else {
        return;
    };
    let (result, _) = harmonize(&table, &HarmonizeParams::default()).unwrap();
    let without: Vec<&str> = result
        .taxa()
        .iter()
        .filter(|taxon| taxon.lineage().name(Rank::Phylum).is_none())
        .map(donormatch::profile::Taxon::label)
        .collect();
    println!(
        "{} of {} without phylum: {without:?}",
        without.len(),
        result.n_taxa()
    );
    assert!(without.len() * 100 < result.n_taxa());
}

// reference_distribution_808_ICI_patients.tsv: quantiles by linear interpolation (NumPy's default)
#[test]
fn prevotellaceae_burden_has_the_reference_quantiles() {
    let Some(table) = read(SHOTGUN[0].0, SHOTGUN[0].1) else {
        return;
    };
    let burden = |table: &ProfileTable, name: &str| {
        let mut percent: Vec<f64> = signature(name)
            .unwrap()
            .membership(table)
            .summed_fraction(table)
            .iter()
            .map(|fraction| 100.0 * fraction)
            .collect();
        percent.sort_by(f64::total_cmp);
        percent
    };
    let quantile = |sorted: &[f64], q: f64| {
        let at = q * (sorted.len() - 1) as f64;
        let below = at.floor() as usize;
        let above = (below + 1).min(sorted.len() - 1);
        sorted[below] + (at - at.floor()) * (sorted[above] - sorted[below])
    };
    let (harmonized, _) = harmonize(&table, &HarmonizeParams::default()).unwrap();
    for table in [&table, &harmonized] {
        let percent = burden(table, "prevotellaceae");
        for (q, expected) in [(0.5, 0.076), (0.75, 2.955), (0.9, 15.378), (0.95, 27.423)] {
            approx::assert_abs_diff_eq!(quantile(&percent, q), expected, epsilon = 5e-4);
        }
    }
}

#[test]
fn traits_are_known_for_most_of_the_mass() {
    for (path, unit, _) in [SHOTGUN[0], SHOTGUN[1]] {
        let Some(table) = read(path, unit) else {
            return;
        };
        let (result, _) = harmonize(&table, &HarmonizeParams::default()).unwrap();
        let traits: Vec<Traits> = result
            .taxa()
            .iter()
            .map(|taxon| traits_of(taxon.label(), taxon.lineage()))
            .collect();
        let share = |is_known: fn(&Traits) -> bool| {
            let known = |column: &u32| is_known(&traits[*column as usize]);
            let closed = result.closure();
            let mass = closed.abundance().rows().map(|(indices, values)| {
                let mass = indices
                    .iter()
                    .zip(values)
                    .filter(|(column, _)| known(column));
                mass.map(|(_, value)| value).sum::<f64>()
            });
            mass.sum::<f64>() / result.n_samples() as f64
        };
        let oral = share(|traits| traits.oral.is_some());
        let oxygen = share(|traits| traits.oxygen.is_some());
        println!("{path}: oral known for {oral:.3} of mass, oxygen for {oxygen:.3}");
        assert!(oral > 0.55 && oxygen > 0.80, "{oral} {oxygen}");
    }
}

#[test]
#[ignore = "a clock, for reading by eye"]
fn time_of_the_training_table() {
    let Some(table) = read(SHOTGUN[0].0, SHOTGUN[0].1) else {
        return;
    };
    let clock = std::time::Instant::now();
    let (harmonized, _) = harmonize(&table, &HarmonizeParams::default()).unwrap();
    println!("harmonize: {:?}", clock.elapsed());
    for table in [&table, &harmonized] {
        let clock = std::time::Instant::now();
        let laid = memberships(&signatures(), table);
        println!("{} signatures: {:?}", laid.len(), clock.elapsed());
    }
}

#[test]
#[ignore = "writes the reports to the folder in DONORMATCH_REPORTS, for reading by eye"]
fn write_reports() {
    let Ok(folder) = std::env::var("DONORMATCH_REPORTS") else {
        return;
    };
    for (path, unit, _) in SHOTGUN.into_iter().chain(MARKER_GENE) {
        for target in [Target::Species, Target::Genus] {
            let Some(table) = read(path, unit) else {
                return;
            };
            let (_, report) = harmonize(&table, &HarmonizeParams::new(target)).unwrap();
            let name = format!("{}.{target:?}.tsv", path.split('/').next().unwrap());
            std::fs::write(
                std::path::Path::new(&folder).join(name),
                report.to_tsv().unwrap(),
            )
            .unwrap();
        }
    }
}
