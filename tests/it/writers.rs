//! What is written reads back as it was.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

use donormatch::profile::{
    Completeness, Lineage, ProfileTable, ReadOptions, Taxon, Unit, Vocabulary, WriteFormat, read,
    write,
};
use proptest::prelude::*;

#[cfg(feature = "containers")]
const FORMATS: [WriteFormat; 2] = [WriteFormat::Tsv, WriteFormat::Parquet];
#[cfg(not(feature = "containers"))]
const FORMATS: [WriteFormat; 1] = [WriteFormat::Tsv];

fn round_trip(table: &ProfileTable, format: WriteFormat) -> ProfileTable {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    write(&path, table, format).unwrap();
    let again = read(&path, &ReadOptions::default()).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    again
}

fn table() -> ProfileTable {
    let named = Taxon::with_lineage("md5 \"x\"\t1", Lineage::parse("k__B;s__Y"));
    ProfileTable::builder(Unit::Percent)
        .taxa([Taxon::new("k__B|s__X"), Taxon::new("s__[Z] z'"), named])
        .sample("#a", vec![(0, 1.0 / 3.0), (2, 1e-12)])
        .sample("b\tc", vec![(1, 12.5)])
        .vocabulary(Vocabulary::new("mpa_vJan21"))
        .completeness(Completeness::Filtered)
        .unclassified(vec![0.25, 0.0])
        .build()
        .unwrap()
}

#[test]
fn every_format_gives_back_what_it_was_given() {
    let table = table();
    for format in FORMATS {
        let again = round_trip(&table, format);
        assert_eq!(again.samples(), table.samples());
        assert_eq!(again.abundance(), table.abundance(), "bit for bit");
        assert_eq!(again.unit(), table.unit());
        assert_eq!(again.vocabulary(), table.vocabulary());
        assert_eq!(again.completeness(), table.completeness());
        assert_eq!(again.unclassified(), table.unclassified());
        let labels = |table: &ProfileTable| -> Vec<String> {
            table
                .taxa()
                .iter()
                .map(|taxon| taxon.label().to_owned())
                .collect()
        };
        assert_eq!(labels(&again), labels(&table));
        if format == WriteFormat::Parquet {
            assert_eq!(again.taxa(), table.taxa());
        }
    }
}

#[test]
fn a_stated_unit_is_not_overruled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.tsv");
    write(&path, &table(), WriteFormat::Tsv).unwrap();
    let options = ReadOptions::default().with_unit(Unit::Fraction);
    assert!(matches!(
        read(&path, &options),
        Err(donormatch::Error::Unit { .. })
    ));
}

#[test]
fn a_failed_write_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.tsv");
    std::fs::write(&path, "old").unwrap();
    let broken = ProfileTable::builder(Unit::Count)
        .taxa([Taxon::new("a\nb")])
        .sample("x", vec![(0, 1.0)])
        .build()
        .unwrap();
    assert!(write(&path, &broken, WriteFormat::Tsv).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(
        write(
            folder.path().join("none/table.tsv"),
            &table(),
            WriteFormat::Tsv
        )
        .is_err()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_table_survives_the_round_trip(
        rows in prop::collection::vec(prop::collection::vec(0.0..1e9_f64, 3), 1..6),
        tiny in 1e-300..1.0_f64,
    ) {
        let mut builder = ProfileTable::builder(Unit::Count)
            .taxa(["s__A_a", "s__B_b", "s__C_c", "s__D_d"].map(Taxon::new));
        for (at, row) in rows.iter().enumerate() {
            let mut row: Vec<(u32, f64)> = (0..).zip(row.iter().copied()).collect();
            row.push((3, tiny));
            builder = builder.sample(format!("sample {at}"), row);
        }
        let table = builder.build().unwrap();
        for format in FORMATS {
            let again = round_trip(&table, format);
            prop_assert_eq!(again.abundance(), table.abundance());
            prop_assert_eq!(again.samples(), table.samples());
            prop_assert_eq!(again.taxa(), table.taxa());
        }
    }
}
