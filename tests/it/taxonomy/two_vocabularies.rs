//! One cohort written in MetaPhlAn's and in GTDB's names must say the same.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its table should stop"
)]

use std::collections::{BTreeMap, HashMap};

use donormatch::feature::{ToposcoreParams, toposcore};
use donormatch::profile::{ProfileTable, Taxon, Unit, Vocabulary};
use donormatch::taxonomy::{HarmonizeParams, How, harmonize};

use super::tables::{data_folder, read};

/// SGB → GTDB r207 species, from the crosswalk of `../shared/domain`.
fn gtdb_names() -> Option<HashMap<String, String>> {
    let path = data_folder()?.join("../domain/crosswalk_mpaJan21_sgb_gtdb.tsv");
    let text = std::fs::read_to_string(path).unwrap();
    let pairs = text.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        (fields[0].to_owned(), fields[5].to_owned())
    });
    Some(pairs.collect())
}

/// The table under GTDB's names, SGBs of one GTDB species added; SGBs without one keep their number.
fn in_gtdb(table: &ProfileTable, names: &HashMap<String, String>) -> ProfileTable {
    let labels: Vec<String> = table
        .taxa()
        .iter()
        .map(|taxon| {
            let sgb = taxon.label().rsplit("t__").next().unwrap();
            match names[sgb].as_str() {
                "" => format!("d__Bacteria;s__{sgb}"),
                name => {
                    let genus = name.split(' ').next().unwrap();
                    format!("d__Bacteria;g__{genus};s__{name}")
                }
            }
        })
        .collect();
    let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
    for label in &labels {
        let next = numbers.len() as u32;
        numbers.entry(label).or_insert(next);
    }
    let columns: Vec<Option<u32>> = labels
        .iter()
        .map(|label| numbers.get(label.as_str()).copied())
        .collect();
    let mut taxa: Vec<(u32, Taxon)> = numbers
        .iter()
        .map(|(label, &at)| (at, Taxon::new(*label)))
        .collect();
    taxa.sort_by_key(|(at, _)| *at);
    table
        .regroup(taxa.into_iter().map(|(_, taxon)| taxon).collect(), &columns)
        .unwrap()
        .with_vocabulary(Vocabulary::new("gtdb_r207"))
}

#[test]
fn the_training_cohort_in_gtdb_names_gives_the_same_keys_and_scores() {
    let Some(table) = read("icb-thomas2023/profiles.metaphlan.tsv.gz", Unit::Percent) else {
        return;
    };
    let names = gtdb_names().unwrap();
    let gtdb = in_gtdb(&table, &names);
    let params = HarmonizeParams::default();
    let (ours, _) = harmonize(&table, &params).unwrap();
    let (theirs, report) = harmonize(&gtdb, &params).unwrap();
    println!("{report}");
    let columns: HashMap<&str, usize> = ours.taxa().iter().map(Taxon::label).zip(0..).collect();
    let mut shared = Vec::new();
    for (row, (indices, values)) in theirs.abundance().rows().enumerate() {
        let common: f64 = indices
            .iter()
            .zip(values)
            .filter_map(|(&index, &value)| {
                let column = *columns.get(theirs.taxa()[index as usize].label())?;
                Some(value.min(ours.abundance().value(row, column)))
            })
            .sum();
        shared.push(common / values.iter().sum::<f64>());
    }
    let mean = shared.iter().sum::<f64>() / shared.len() as f64;
    println!("mass on the same key: {mean:.4}");
    assert!(mean > 0.999, "{mean}");
    assert_eq!(report.n_taxa(How::Dropped), 0);

    let scores = |table: &ProfileTable| {
        toposcore(table, &ToposcoreParams::default())
            .unwrap()
            .scores
    };
    let (ours, theirs) = (scores(&table), scores(&gtdb));
    let same = ours
        .iter()
        .zip(&theirs)
        .filter(|(a, b)| a.numerator == b.numerator)
        .count();
    let same_call = ours
        .iter()
        .zip(&theirs)
        .filter(|(a, b)| a.call == b.call)
        .count();
    let same_akkermansia = ours
        .iter()
        .zip(&theirs)
        .filter(|(a, b)| a.akkermansia_class() == b.akkermansia_class())
        .count();
    println!(
        "of {}: same score {same}, same call {same_call}, same Akkermansia {same_akkermansia}",
        ours.len()
    );
    assert!(same * 100 >= 98 * ours.len());
    assert!(same_call == ours.len());
    assert_eq!(same_akkermansia, ours.len());
}
