//! Workbooks, and tables of columns that hold more than labels and numbers.

#![cfg(feature = "containers")]
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

use std::io::Write;
use std::path::Path;

use donormatch::Result;
use donormatch::profile::{ProfileTable, ReadOptions, Taxon, Unit, read as read_file, read_bytes};

fn genuine(name: &str) -> ProfileTable {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/readers");
    read_file(folder.join(name), &ReadOptions::default()).unwrap()
}

fn labels(table: &ProfileTable) -> Vec<&str> {
    table.taxa().iter().map(Taxon::label).collect()
}

#[test]
fn the_first_sheet_of_a_workbook_is_read() {
    for name in [
        "workbook.xlsx",
        "workbook.ods",
        "lz4.parquet",
        "wide.arrows",
    ] {
        let table = genuine(name);
        assert_eq!(
            labels(&table),
            ["Phocaeicola_vulgatus", "Blautia_obeum"],
            "{name}"
        );
        assert_eq!(table.unit(), Unit::Percent);
        assert_eq!(table.abundance().row(1).1, [10.0, 90.0]);
    }
    let notes = genuine("workbook.xlsx").notes().join(" ");
    assert!(
        notes.contains("the first of 2 sheets, `profiles & more`"),
        "{notes}"
    );
}

#[test]
fn a_table_of_taxpasta_is_read_from_every_container() {
    for name in ["taxpasta.xlsx", "taxpasta.parquet", "taxpasta.feather"] {
        let table = genuine(name);
        assert_eq!(
            labels(&table),
            ["Phocaeicola vulgatus", "Blautia obeum"],
            "{name}"
        );
        assert_eq!(table.abundance().row(0).1, [900.0, 100.0]);
        assert!((table.unclassified()[1] - 30.0 / 1030.0).abs() < 1e-15);
    }
}

/// A zip archive of these members.
fn archive(members: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn xlsx(sheet: &str) -> Result<ProfileTable> {
    let bytes = archive(&[
        (
            "xl/workbook.xml",
            "<workbook><sheets><sheet name=\"a\" r:id=\"r1\"/></sheets></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            "<Relationships><Relationship Id=\"r1\" Target=\"worksheets/sheet1.xml\"/></Relationships>",
        ),
        ("xl/worksheets/sheet1.xml", sheet),
        (
            "xl/sharedStrings.xml",
            "<sst><si><t>sample_id</t></si><si><r><t>s__A</t></r><r><t>_b</t></r><rPh><t>x</t></rPh></si></sst>",
        ),
    ]);
    read_bytes(&bytes, &ReadOptions::default())
}

fn ods(rows: &str) -> Result<ProfileTable> {
    let content = format!(
        "<d><table:table table:name=\"a\">{rows}</table:table><table:table table:name=\"b\"/></d>"
    );
    let bytes = archive(&[("content.xml", &content), ("META-INF/manifest.xml", "<m/>")]);
    read_bytes(&bytes, &ReadOptions::default())
}

#[test]
fn shared_texts_gaps_and_cells_without_places_are_read() {
    let table = xlsx(
        "<sheetData><row r=\"3\"><c t=\"s\"><v>0</v></c><c t=\"s\"><v>1</v></c><c r=\"D3\" t=\"inlineStr\"><is><t>s__C_d</t></is></c></row>\
         <row><c t=\"str\"><v>x &amp; y</v></c><c><v>250</v></c><c/><c><v>3</v></c></row>\
         <row><c t=\"str\"><v>z</v></c><c><v>1</v></c><c r=\"D5\"><v>400</v></c></row></sheetData>",
    )
    .unwrap();
    assert_eq!(labels(&table), ["s__A_b", "s__C_d"]);
    assert_eq!(table.samples()[0].as_str(), "x & y");
    assert_eq!(table.abundance().row(1).1, [1.0, 400.0]);
}

#[test]
fn repeated_cells_and_rows_are_what_they_stand_for() {
    let cell = |text: &str| {
        format!(
            "<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"
        )
    };
    let number = |n: &str, times: &str| {
        format!(
            "<table:table-cell office:value-type=\"float\" office:value=\"{n}\" table:number-columns-repeated=\"{times}\"><text:p>{n} reads</text:p></table:table-cell>"
        )
    };
    let rows = format!(
        "<table:table-row table:number-rows-repeated=\"5\"><table:table-cell table:number-columns-repeated=\"1024\"/></table:table-row>\
         <table:table-row>{}{}{}</table:table-row><table:table-row>{}{}</table:table-row>\
         <table:table-row table:number-rows-repeated=\"1048000\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>",
        cell("sample_id"),
        cell("s__A_b"),
        cell("s__C_d"),
        cell("x"),
        number("250", "2")
    );
    let table = ods(&rows).unwrap();
    assert_eq!(table.abundance().row(0).1, [250.0, 250.0]);
}

#[test]
fn workbooks_that_would_grow_beyond_the_limits_are_refused() {
    let far = "<sheetData><row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row></sheetData>";
    assert!(xlsx(far).is_err());
    assert!(
        xlsx("<sheetData><row r=\"18446744073709551615\"><c><v>1</v></c></row></sheetData>")
            .is_err()
    );
    let cell = "<table:table-cell table:number-columns-repeated=\"16384\" office:value-type=\"string\"><text:p>some text</text:p></table:table-cell>";
    let row =
        format!("<table:table-row table:number-rows-repeated=\"1048576\">{cell}</table:table-row>");
    let message = ods(&row).unwrap_err().to_string();
    assert!(message.contains("unpack to more than"), "{message}");
}

#[test]
fn other_archives_and_damaged_workbooks_say_what_they_are() {
    let said = |members: &[(&str, &str)]| {
        read_bytes(&archive(members), &ReadOptions::default())
            .unwrap_err()
            .to_string()
    };
    assert!(said(&[("xl/workbook.bin", "")]).contains(".xlsb"));
    assert!(said(&[("a.txt", "")]).contains("no QIIME 2 artifact"));
    let no_sheets = [
        ("xl/workbook.xml", "<workbook/>"),
        ("xl/_rels/workbook.xml.rels", "<r/>"),
    ];
    assert!(said(&no_sheets).contains("no sheet"));
    assert!(
        xlsx("<sheetData/>")
            .unwrap_err()
            .to_string()
            .contains("is empty")
    );
    assert!(xlsx("<sheetData><row><c t=\"s\"><v>9</v></c></row></sheetData>").is_err());
}
