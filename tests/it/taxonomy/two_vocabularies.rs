//! One cohort written in MetaPhlAn's and in GTDB's names must say the same.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its table should stop"
)]

use std::collections::{BTreeMap, HashMap, HashSet};

use donormatch::cohort::{Cancer, Line, Regimen, TreatmentContext};
use donormatch::feature::{ToposcoreParams, toposcore};
use donormatch::matcher::{Matcher, PredictParams};
use donormatch::profile::{ProfileTable, Taxon, Unit, Vocabulary};
use donormatch::ranking::RankingParams;
use donormatch::taxonomy::{HarmonizeParams, How, Target, harmonize, lineage_of};

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

/// Every donor's chances with every recipient, in the order of the ranking.
fn ranked(table: &ProfileTable) -> Vec<(String, String, f64)> {
    let (profiles, _) = harmonize(table, &HarmonizeParams::new(Target::Species)).unwrap();
    let donors = profiles.select(&(0..12).collect::<Vec<_>>()).unwrap();
    let recipients = profiles.select(&(100..108).collect::<Vec<_>>()).unwrap();
    let context = TreatmentContext::new(Regimen::AntiPd1, Cancer::Melanoma, Line::Refractory);
    let contexts = vec![context; recipients.n_samples()];
    let matcher = Matcher::bundled().unwrap();
    let params = PredictParams::default();
    let pairs = matcher
        .predict(&donors.into(), &recipients, &contexts, &params)
        .unwrap();
    let ranking = RankingParams::default().rank(&pairs).unwrap();
    let rows = ranking.rows.iter().map(|row| {
        let pair = (row.recipient_id.to_string(), row.donor_id.to_string());
        (pair.0, pair.1, row.p_response)
    });
    rows.collect()
}

/// The columns whose SGB is all of its species, and all of a GTDB species that no other SGB has;
/// of those that the models' vocabulary knows, since the lineage of others is that of the label,
/// and the crosswalk has no GTDB name above the family.
fn one_to_one(table: &ProfileTable) -> ProfileTable {
    let path = data_folder()
        .unwrap()
        .join("../domain/crosswalk_mpaJan21_sgb_gtdb.tsv");
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    for name in rows.iter().flat_map(|row| [row[1], row[5]]) {
        *numbers.entry(name).or_insert(0) += 1;
    }
    let is_alone = |row: &&Vec<&str>| {
        // A name may be the same in both systems, and then stands twice.
        let expected = 1 + usize::from(row[1] == row[5]);
        !row[5].is_empty()
            && [row[1], row[5]]
                .iter()
                .all(|name| numbers[name] == expected)
            && lineage_of(row[1]).is_some()
    };
    let alone: HashSet<&str> = rows.iter().filter(is_alone).map(|row| row[0]).collect();
    let mut taxa = Vec::new();
    let columns: Vec<Option<u32>> = table
        .taxa()
        .iter()
        .map(|taxon| {
            let sgb = taxon.label().rsplit("t__").next().unwrap();
            alone.contains(sgb).then(|| {
                taxa.push(taxon.clone());
                taxa.len() as u32 - 1
            })
        })
        .collect();
    table.regroup(taxa, &columns).unwrap()
}

/// The largest distance of a pair's chances in two rankings, and how many pairs change places.
fn compare(ours: &[(String, String, f64)], theirs: &[(String, String, f64)]) -> (f64, usize) {
    let chances: HashMap<_, f64> = theirs.iter().map(|(r, d, p)| ((r, d), *p)).collect();
    let apart = ours.iter().map(|(r, d, p)| (p - chances[&(r, d)]).abs());
    let moved = ours
        .iter()
        .zip(theirs)
        .filter(|(a, b)| (&a.0, &a.1) != (&b.0, &b.1));
    (apart.fold(0.0, f64::max), moved.count())
}

#[test]
fn real_profiles_in_gtdb_names_give_the_same_ranking() {
    let Some(table) = read("icb-thomas2023/profiles.metaphlan.tsv.gz", Unit::Percent) else {
        return;
    };
    let names = gtdb_names().unwrap();
    let alone = one_to_one(&table);
    let mass: f64 = alone.abundance().values().iter().sum();
    let share = mass / table.abundance().values().iter().sum::<f64>();
    let (apart, n_moved) = compare(&ranked(&alone), &ranked(&in_gtdb(&alone, &names)));
    println!(
        "{} of {} SGBs ({share:.2} of the mass) are one species in both: {apart:.1e} apart",
        alone.n_taxa(),
        table.n_taxa()
    );
    assert!(alone.n_taxa() > 300 && apart < 1e-9 && n_moved == 0);

    // GTDB joins SGBs that MetaPhlAn keeps apart, and parts others.
    let (ours, theirs) = (ranked(&table), ranked(&in_gtdb(&table, &names)));
    let (apart, n_moved) = compare(&ours, &theirs);
    println!(
        "all: {apart:.1e} apart, {n_moved} of {} change places",
        ours.len()
    );
    assert!(apart < 0.003, "{apart}");
    // Only near ties do: a step of the ranking is as small as the distance.
    assert!(n_moved * 10 <= ours.len());
}
