//! What must hold for any table.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot build its table should stop"
)]

use donormatch::profile::{ProfileTable, Taxon, Unit, Vocabulary};
use donormatch::taxonomy::{
    HarmonizeParams, How, Signature, Target, UnknownTaxa, harmonize, species_keys,
};
use proptest::prelude::*;

/// Labels of many vocabularies, known and unknown, whole and broken.
fn label() -> impl Strategy<Value = String> {
    let keys: Vec<&'static str> = species_keys().collect();
    let known = proptest::sample::select(keys);
    let forms = (known, 0..5_u8).prop_map(|(key, form)| match form {
        0 => format!("s__{key}"),
        1 => key.replace('_', " "),
        2 => format!("[{}", key.to_lowercase().replacen('_', "] ", 1)),
        3 => format!("k__Bacteria|p__Firmicutes|s__{key}"),
        _ => key.to_owned(),
    });
    let odd = proptest::sample::select(vec![
        "s__Prevotella_copri",
        "Segatella copri",
        "s__Bacteroides_sp._[C_dorei/vulgatus]",
        "k__Bacteria|p__Firmicutes|f__Lachnospiraceae|g__Blautia|s__Blautia_unclassified",
        "k__Bacteria;p__Firmicutes;c__Clostridia;o__Clostridiales;f__Lachnospiraceae;g__[Ruminococcus]",
        "k__Bacteria|p__Firmicutes|o__Clostridiales|s__unknown_Clostridiales|m__meta_mOTU_v2_5669",
        "k__Bacteria|p__Firmicutes|s__GGB1_SGB999999|t__SGB999999",
        "Unassigned;Other;Other",
        "-1|m__-1",
        "d__Bacteria;p__Bacillota_A;g__Newgenus_B;s__Newgenus_B noveltii_C",
        "Eubacterium_hallii_group",
        "D_0__Bacteria;D_1__Firmicutes;D_4__Lachnospiraceae;D_5__Lachnoclostridium",
        "Akkermansia muciniphila_C",
        "Bifidobacterium longum subsp. infantis",
    ])
    .prop_map(str::to_owned);
    let any = "[A-Za-z_\\[\\];| .]{1,30}";
    prop_oneof![4 => forms, 2 => odd, 1 => any]
}

fn table() -> impl Strategy<Value = ProfileTable> {
    let labels = proptest::collection::hash_set(label(), 1..12);
    (labels, proptest::collection::vec(0.001..100.0_f64, 24)).prop_map(|(labels, values)| {
        let mut labels: Vec<String> = labels.into_iter().collect();
        labels.push("s__Blautia_obeum_anchor|t__SGB4811".to_owned());
        let n_taxa = labels.len() as u32;
        let row = |from: usize| {
            (0..n_taxa)
                .map(|at| (at, values[(from + at as usize) % 24]))
                .collect()
        };
        ProfileTable::builder(Unit::Count)
            .taxa(labels.into_iter().map(Taxon::new))
            .sample("a", row(0))
            .sample("b", row(7))
            .build()
            .unwrap()
    })
}

fn params() -> impl Strategy<Value = HarmonizeParams> {
    let targets = proptest::sample::select(vec![Target::Species, Target::Genus]);
    let unknown = proptest::sample::select(vec![
        UnknownTaxa::Keep,
        UnknownTaxa::Drop,
        UnknownTaxa::RollUp,
    ]);
    (targets, unknown)
        .prop_map(|(target, unknown)| HarmonizeParams::new(target).with_unknown(unknown))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn harmonizing_twice_is_harmonizing_once(table in table(), params in params()) {
        let (once, _) = harmonize(&table, &params).unwrap();
        let (twice, report) = harmonize(&once, &params).unwrap();
        prop_assert_eq!(&twice, &once);
        prop_assert_eq!(report.n_taxa(How::Dropped), 0);
        let forgotten = once.clone().with_vocabulary(Vocabulary::unknown());
        let (again, _) = harmonize(&forgotten, &params).unwrap();
        prop_assert_eq!(&again, &once);
    }

    #[test]
    fn mass_is_kept_or_reported(table in table(), params in params()) {
        let (result, report) = harmonize(&table, &params).unwrap();
        let sums = table.abundance().row_sums().into_iter().zip(result.abundance().row_sums());
        for ((before, after), dropped) in sums.zip(&report.dropped_mass) {
            prop_assert!((after - before * (1.0 - dropped)).abs() <= 1e-9 * before);
        }
        for (unclassified, dropped) in result.unclassified().iter().zip(&report.dropped_mass) {
            prop_assert!((unclassified - dropped).abs() < 1e-12);
        }
        prop_assert_eq!(report.taxa.len(), table.n_taxa());
    }

    #[test]
    fn the_order_of_taxa_does_not_matter(table in table(), params in params()) {
        let n_taxa = table.n_taxa() as u32;
        let reversed = ProfileTable::builder(Unit::Count)
            .taxa(table.taxa().iter().rev().cloned());
        let reversed = table.samples().iter().zip(table.abundance().rows()).fold(
            reversed,
            |builder, (sample, (indices, values))| {
                let row = indices.iter().zip(values).map(|(&at, &value)| (n_taxa - 1 - at, value));
                builder.sample(sample.clone(), row.collect())
            },
        );
        let (straight, _) = harmonize(&table, &params).unwrap();
        let (backward, _) = harmonize(&reversed.build().unwrap(), &params).unwrap();
        prop_assert_eq!(straight, backward);
    }
}

fn one(label: &str) -> ProfileTable {
    ProfileTable::builder(Unit::Fraction)
        .taxa([Taxon::new(label)])
        .sample("a", vec![(0, 1.0)])
        .build()
        .unwrap()
}

#[test]
fn a_table_without_one_known_name_is_refused_and_says_what_it_saw() {
    let error = harmonize(
        &one("f3fc3c1992d8118d6105048408aaf6d6"),
        &HarmonizeParams::default(),
    );
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("`f3fc3c1992d8118d6105048408aaf6d6`")
    );
}

#[test]
fn an_unknown_taxon_is_kept_rejected_dropped_or_rolled_up_as_asked() {
    let table = ProfileTable::builder(Unit::Fraction)
        .taxa(
            [
                "s__Blautia_obeum",
                "k__Bacteria|f__Lachnospiraceae|g__Blautia|s__Blautia_nova",
            ]
            .map(Taxon::new),
        )
        .sample("a", vec![(0, 0.75), (1, 0.25)])
        .build()
        .unwrap();
    let keys = |unknown| {
        let params = HarmonizeParams::new(Target::Species).with_unknown(unknown);
        harmonize(&table, &params).map(|(result, _)| {
            let labels = result.taxa().iter().map(|taxon| taxon.label().to_owned());
            labels.collect::<Vec<_>>()
        })
    };
    assert_eq!(
        keys(UnknownTaxa::Keep).unwrap(),
        ["Blautia_nova", "Blautia_obeum"]
    );
    assert_eq!(keys(UnknownTaxa::Drop).unwrap(), ["Blautia_obeum"]);
    assert_eq!(
        keys(UnknownTaxa::RollUp).unwrap(),
        ["Blautia_obeum", "g__Blautia"]
    );
    let message = keys(UnknownTaxa::Reject).unwrap_err().to_string();
    assert!(
        message.contains("Blautia_nova") && message.contains("1 taxa"),
        "{message}"
    );
}

#[test]
fn the_report_prints_and_writes_a_table() {
    let (_, report) =
        harmonize(&one("s__Bacteroides_vulgatus"), &HarmonizeParams::default()).unwrap();
    assert!(
        report
            .to_string()
            .contains("synonym: 1 taxa, 100.00 % of mass"),
        "{report}"
    );
    let tsv = report.to_tsv().unwrap();
    assert_eq!(
        tsv.lines().nth(1).unwrap(),
        "s__Bacteroides_vulgatus\tPhocaeicola_vulgatus\tsynonym\t\t1\t1\t1"
    );
}

#[test]
fn every_way_a_name_can_go_is_told() {
    let labels = [
        "k__Bacteria|f__Lachnospiraceae|g__Blautia|s__Blautia_wexlerae",
        "s__Lactobacillus_rhamnosus",
        "bacteroides uniformis",
        "s__Phocaeicola_dorei",
        "s__Bacteroides_dorei",
        "s__Prevotella_copri",
        "k__Bacteria|f__Veillonellaceae|g__Veillonella|s__Veillonella_unclassified",
        "s__Bacteroides vulgatus/dorei",
        "k__Bacteria|f__Lachnospiraceae|g__Blautia|s__Blautia_nova",
        "UNCLASSIFIED",
    ];
    let table = ProfileTable::builder(Unit::Percent)
        .taxa(labels.map(Taxon::new))
        .sample("a", (0..10).map(|at| (at, 10.0)).collect())
        .build()
        .unwrap();
    let (result, report) = harmonize(&table, &HarmonizeParams::default()).unwrap();
    let rows: Vec<(Option<&str>, How)> = report
        .taxa
        .iter()
        .map(|taxon| (taxon.target.as_deref(), taxon.how))
        .collect();
    assert_eq!(
        rows,
        [
            (Some("Blautia_wexlerae"), How::Exact),
            (Some("Lacticaseibacillus_rhamnosus"), How::Synonym),
            (Some("Bacteroides_uniformis"), How::CaseOrPunctuation),
            (Some("Phocaeicola_dorei"), How::Merged),
            (Some("Phocaeicola_dorei"), How::Merged),
            (Some("Prevotella_copri_clade_A"), How::Split),
            (Some("g__Veillonella"), How::RolledUp),
            (Some("g__Bacteroides"), How::Ambiguous),
            (Some("Blautia_nova"), How::Kept),
            (None, How::Dropped),
        ]
    );
    assert_eq!(
        report.taxa[7].candidates,
        ["Phocaeicola_vulgatus", "Phocaeicola_dorei"]
    );
    approx::assert_abs_diff_eq!(report.mapped_mass[0], 0.6, epsilon = 1e-12);
    approx::assert_abs_diff_eq!(report.dropped_mass[0], 0.1, epsilon = 1e-12);
    approx::assert_abs_diff_eq!(result.unclassified()[0], 0.1, epsilon = 1e-12);
}

#[test]
fn a_sample_that_would_keep_nothing_is_named() {
    let table = ProfileTable::builder(Unit::Fraction)
        .taxa(["s__Blautia_obeum", "Unassigned;Other"].map(Taxon::new))
        .sample("full", vec![(0, 1.0)])
        .sample("bare", vec![(1, 1.0)])
        .build()
        .unwrap();
    let error = harmonize(&table, &HarmonizeParams::default()).unwrap_err();
    assert!(error.to_string().contains("`bare`"), "{error}");
}

#[test]
fn a_signature_of_ones_own_is_read_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my_list.tsv");
    std::fs::write(
        &path,
        "# version: 3\n# source: me\ntaxon\nBacteroides dorei\n",
    )
    .unwrap();
    let signature = Signature::read(&path).unwrap();
    assert_eq!((signature.name.as_str(), signature.version), ("my_list", 3));
    let table = one("s__Phocaeicola_dorei");
    assert_eq!(signature.membership(&table).summed_fraction(&table), [1.0]);
    std::fs::write(&path, "species\nBacteroides dorei\n").unwrap();
    let error = Signature::read(&path).unwrap_err().to_string();
    assert!(
        error.contains("my_list.tsv") && error.contains("`taxon`"),
        "{error}"
    );
}
