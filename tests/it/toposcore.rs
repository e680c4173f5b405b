//! TOPOSCORE against the published vectors and the figures of the domain notes.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its vectors should stop"
)]

use std::collections::BTreeMap;

use donormatch::feature::{
    AkkermansiaClass, AkkermansiaScope, CutOff, Toposcore, ToposcoreCall, ToposcoreClass,
    ToposcoreParams, toposcore,
};
use donormatch::profile::{ProfileTable, Taxon, Unit};
use donormatch::taxonomy::{HarmonizeParams, harmonize, signature};

use crate::taxonomy::tables::{data_folder, metadata, read};

const VECTORS: &str = include_str!("../data/toposcore/vectors.tsv");

struct Vector<'a> {
    case: &'a str,
    n_sig1: u32,
    n_sig2: u32,
    akkermansia_percent: Option<f64>,
    numerator: i64,
    score: f64,
    round3: ToposcoreClass,
    exact: ToposcoreClass,
    call: ToposcoreCall,
}

fn class(word: &str) -> ToposcoreClass {
    match word {
        "SIG1" => ToposcoreClass::Sig1,
        "SIG2" => ToposcoreClass::Sig2,
        "Gray" => ToposcoreClass::Gray,
        other => panic!("class {other}"),
    }
}

fn vectors() -> impl Iterator<Item = Vector<'static>> {
    VECTORS.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        Vector {
            case: fields[0],
            n_sig1: fields[1].parse().unwrap(),
            n_sig2: fields[2].parse().unwrap(),
            akkermansia_percent: fields[3].parse().ok(),
            numerator: fields[4].parse().unwrap(),
            score: fields[5].parse().unwrap(),
            round3: class(fields[7]),
            exact: class(fields[8]),
            call: match fields[9] {
                "SIG1+" => ToposcoreCall::Sig1Plus,
                "SIG2+" => ToposcoreCall::Sig2Plus,
                "UNKNOWN" => ToposcoreCall::Unknown,
                other => panic!("call {other}"),
            },
        }
    })
}

#[test]
fn every_published_vector_is_met() {
    assert_eq!(vectors().count(), 31);
    for vector in vectors() {
        let akkermansia = vector.akkermansia_percent.map(|percent| percent / 100.0);
        let of =
            |cut_off| Toposcore::from_counts(vector.n_sig1, vector.n_sig2, akkermansia, cut_off);
        let score = of(CutOff::Round3).unwrap();
        assert_eq!(score.numerator, vector.numerator, "{}", vector.case);
        assert_eq!(score.class, vector.round3, "{}", vector.case);
        assert_eq!(score.call, vector.call, "{}", vector.case);
        assert_eq!(
            of(CutOff::ExactRoc).unwrap().class,
            vector.exact,
            "{}",
            vector.case
        );
        approx::assert_abs_diff_eq!(score.score(), vector.score, epsilon = 5e-10);
    }
}

/// A profile with the members and the *Akkermansia* of a vector, the rest filled by a neutral species.
fn profile(vector: &Vector<'_>, unit: Unit) -> ProfileTable {
    let total = unit.total().unwrap();
    let akkermansia = vector.akkermansia_percent.unwrap_or(0.0) / 100.0 * total;
    let members = |name: &str, n: u32| -> Vec<String> {
        let list = signature(name).unwrap().members;
        list.into_iter()
            .take(n as usize)
            .map(|member| member.name)
            .collect()
    };
    let mut labels = members("toposcore_sig1", vector.n_sig1);
    labels.extend(members("toposcore_sig2", vector.n_sig2));
    let share = (total - akkermansia) / (labels.len() + 1) as f64;
    labels.push("Bacteroides_uniformis".to_owned());
    let mut row: Vec<(u32, f64)> = (0..labels.len() as u32).map(|at| (at, share)).collect();
    row.push((labels.len() as u32, akkermansia));
    labels.push("Akkermansia_muciniphila".to_owned());
    ProfileTable::builder(unit)
        .taxa(labels.into_iter().map(Taxon::new))
        .sample("a", row)
        .build()
        .unwrap()
}

#[test]
fn vectors_hold_for_profiles_in_percent_and_in_fraction() {
    for vector in vectors().filter(|vector| vector.akkermansia_percent.is_some()) {
        for unit in [Unit::Percent, Unit::Fraction] {
            let table = profile(&vector, unit);
            let (harmonized, _) = harmonize(&table, &HarmonizeParams::default()).unwrap();
            for table in [&table, &harmonized] {
                let score = toposcore(table, &ToposcoreParams::default())
                    .unwrap()
                    .scores[0];
                assert_eq!(score.numerator, vector.numerator, "{}", vector.case);
                assert_eq!(score.call, vector.call, "{} in {unit}", vector.case);
                assert_eq!(score.score_bounds(), (score.score(), score.score()));
            }
        }
    }
}

const TRAINING_TABLE: &str = "icb-thomas2023/profiles.metaphlan.tsv.gz";

// Species label: reference_distribution_808_ICI_patients.tsv. SGB9226 alone: counted with pandas
// 2.3 on the rows of the table whose label ends in `t__SGB9226`.
#[test]
fn akkermansia_classes_of_808_patients_are_those_of_the_reference() {
    let Some(table) = read(TRAINING_TABLE, Unit::Percent) else {
        return;
    };
    let (harmonized, _) = harmonize(&table, &HarmonizeParams::default()).unwrap();
    for (scope, expected) in [
        (AkkermansiaScope::SpeciesLabel, [316, 413, 79]),
        (AkkermansiaScope::Sgb9226, [362, 382, 64]),
    ] {
        let params = ToposcoreParams::default().with_akkermansia(scope);
        for table in [&table, &table.closure(), &harmonized] {
            let scores = toposcore(table, &params).unwrap().scores;
            let found = [
                AkkermansiaClass::Zero,
                AkkermansiaClass::Low,
                AkkermansiaClass::High,
            ]
            .map(|class| {
                let same = |score: &&Toposcore| score.akkermansia_class() == Some(class);
                scores.iter().filter(same).count()
            });
            assert_eq!(found, expected, "{scope:?}");
        }
    }
}

/// Area under the ROC curve, ties counting half.
fn auc(scores: &[(f64, bool)]) -> f64 {
    let (mut wins, mut pairs) = (0.0, 0.0);
    for (responder, _) in scores.iter().filter(|(_, is_responder)| *is_responder) {
        for (other, _) in scores.iter().filter(|(_, is_responder)| !is_responder) {
            pairs += 1.0;
            wins += match responder.total_cmp(other) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    wins / pairs
}

// performance_cross_cohort.tsv, rows TOPOSCORE_S_applied_unchanged, response_orr
#[test]
fn toposcore_ranks_response_in_each_cohort_as_the_reference_did() {
    let expected = [
        ("DerosaL_2020", 0.519),
        ("DerosaL_2022", 0.595),
        ("PRIMM-NL_LeeK_2022", 0.567),
        ("WindTT_2020", 0.464),
        ("PRIMM-UK_LeeK_2022", 0.523),
        ("Barcelona_LeeK_2022", 0.417),
        ("Leeds_LeeK_2022", 0.340),
        ("Manchester_LeeK_2022", 0.640),
        ("FrankelAE_2017", 0.753),
        ("GopalakrishnanV_2018", 0.604),
        ("McCullochJA_2022", 0.444),
        ("RoutyB_2022_Lung", 0.509),
    ];
    let Some(table) = read(TRAINING_TABLE, Unit::Percent) else {
        return;
    };
    let labels = metadata("icb-thomas2023/metadata.tsv", &["cohort", "response_orr"]).unwrap();
    let (harmonized, _) = harmonize(&table, &HarmonizeParams::default()).unwrap();
    for table in [&table, &harmonized] {
        let scored = toposcore(table, &ToposcoreParams::default()).unwrap();
        let mut cohorts: BTreeMap<&str, Vec<(f64, bool)>> = BTreeMap::new();
        for (sample, score) in scored.samples.iter().zip(&scored.scores) {
            let label = &labels[sample.as_str()];
            cohorts
                .entry(&label[0])
                .or_default()
                .push((score.score(), label[1] == "R"));
        }
        for (cohort, reference) in expected {
            let found = auc(&cohorts[cohort]);
            println!("{cohort}: {found:.4}, reference {reference}");
            assert!(
                (found - reference).abs() <= 5.01e-4,
                "{cohort}: {found} for {reference}"
            );
        }
    }
}

/// The names that a published list gives its members in one vocabulary, a list per member.
fn published_names(list: &str, column: usize) -> Option<Vec<(String, Vec<String>)>> {
    let path = data_folder()?.join(format!("../domain/{list}.tsv"));
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let names = fields[column]
            .split(',')
            .map(|name| name.trim().trim_start_matches("s__"));
        let names = names.filter(|name| !name.is_empty()).map(str::to_owned);
        (fields[2].to_owned(), names.collect())
    });
    Some(rows.collect())
}

// toposcore_sig1.tsv and toposcore_sig2.tsv: columns 3 to 5 are SGBs, GTDB r207 and GTDB r220 names
#[test]
fn each_published_name_of_each_member_counts_once_in_every_vocabulary() {
    for (list, expected) in [("toposcore_sig1", 0), ("toposcore_sig2", 3330)] {
        for column in 3..=5 {
            let Some(members) = published_names(list, column) else {
                return;
            };
            let label = |species: &str, name: &str| match column {
                3 => format!("k__Bacteria|s__{species}|t__{name}"),
                _ => format!("d__Bacteria;p__Bacillota_A;s__{name}"),
            };
            let score = |labels: Vec<String>| {
                let n_taxa = labels.len() as u32;
                let table = ProfileTable::builder(Unit::Count)
                    .taxa(labels.into_iter().map(Taxon::new))
                    .sample("a", (0..n_taxa).map(|at| (at, 1.0)).collect())
                    .build()
                    .unwrap();
                toposcore(&table, &ToposcoreParams::default())
                    .unwrap()
                    .scores[0]
            };
            let mut all = Vec::new();
            for (species, names) in &members {
                for name in names {
                    let alone = score(vec![label(species, name)]);
                    assert_eq!(alone.n_sig1 + alone.n_sig2, 1, "{list}: {name}");
                    if !all.contains(&label(species, name)) {
                        all.push(label(species, name));
                    }
                }
            }
            assert_eq!(score(all).numerator, expected, "{list}, column {column}");
        }
    }
}
