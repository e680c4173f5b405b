//! Small packed files that would take gigabytes are refused by what their packed bytes warrant;
//! genuine tables that pack well are read. What refusing takes is measured in
//! `tests/python/test_limits.py`.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

use std::io::Write;

use donormatch::cohort::MetadataTable;
use donormatch::profile::{ReadLimits, ReadOptions, Tree, Unit, read_bytes};
use flate2::Compression;
use flate2::write::GzEncoder;

/// A gzip of `head`, 40 MB of `part` again and again, and `tail`.
fn bomb(head: &str, part: &str, tail: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(head.as_bytes()).unwrap();
    let block = part.repeat(1_000_000 / part.len());
    for _ in 0..40 {
        packed.write_all(block.as_bytes()).unwrap();
    }
    packed.write_all(tail.as_bytes()).unwrap();
    packed.finish().unwrap()
}

fn refused(name: &str, bytes: &[u8]) {
    // Long lines are refused by their own limit too, if this one does not come first.
    let limits = ReadLimits::default().with("line_bytes", 1 << 40).unwrap();
    let options = ReadOptions::default().with_limits(limits);
    let error = read_bytes(bytes, &options).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("allowed by `limits.expansion`"),
        "{name}: {message}"
    );
}

#[test]
fn bombs_of_blanks_are_refused() {
    refused("in a text of JSON", &bomb("{\"id\":\"", " ", ""));
    refused("between values of JSON", &bomb("{", "\n ", "}"));
    refused(
        "lines of a table",
        &bomb("sample_id\ts__A_b\nx\t1\n", "\n", ""),
    );
    refused(
        "empty fields",
        &bomb("sample_id\ts__A_b\nx\t1\n", "\t\n", ""),
    );
}

#[test]
fn bombs_of_rows_are_refused() {
    let table = "sample_id\ts__A_b\ts__C_d\n";
    refused("wide", &bomb(table, "x\t1\t2\n", ""));
    refused("zeros", &bomb(table, "x\t0\t0\n", ""));
    refused(
        "long",
        &bomb("sample_id\ttaxon\tabundance\n", "x\ts__A_b\t1\n", ""),
    );
    refused(
        "Kraken",
        &bomb(
            "100.00\t9\t9\tR\t1\troot\n",
            "1.00\t1\t1\tS\t7\t  x y\n",
            "",
        ),
    );
    refused(
        "MetaPhlAn",
        &bomb(
            "#mpa_vJan21\nclade_name\ta\n",
            "k__B|p__C|c__D|o__E|f__F|g__G|s__X\t1\n",
            "",
        ),
    );
}

#[test]
fn bombs_of_columns_are_refused() {
    refused("in the header", &bomb("sample_id", "\ts__A", "\nx\t1\n"));
    refused("in a row", &bomb("sample_id\ts__A_b\nx", "\t1", "\n"));
    refused(
        "in a comment",
        &bomb("#", ",", "\nsample_id\ts__A_b\nx\t1\n"),
    );
}

#[test]
fn bombs_of_json_are_refused_also_where_their_text_is_short() {
    let begin = "{\"type\":\"OTU table\",\"shape\":[1,1],\"data\":[";
    refused("entries", &bomb(begin, "[0,0,1],", "]}"));
    refused("empty entries", &bomb(begin, "[],", "]}"));
    // 9 MB of text are within what may be held, their two million entries are not.
    for (part, name) in [
        ("[],", "entries"),
        ("{\"id\":1},", "ids"),
        ("\"\",", "names"),
    ] {
        let text = format!(
            "{{\"type\":1,\"rows\":[{}",
            part.repeat(9_000_000 / part.len())
        );
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(text.as_bytes()).unwrap();
        refused(name, &packed.finish().unwrap());
    }
}

#[test]
fn bombs_in_trees_and_metadata_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.gz");
    for text in [bomb("", "(", ""), bomb("(", "a:1,", "b:1);")] {
        std::fs::write(&path, text).unwrap();
        let error = Tree::read(&path, &ReadLimits::default()).unwrap_err();
        assert!(
            error.to_string().contains("allowed by `limits.expansion`"),
            "{error}"
        );
    }
    for text in [
        bomb("recipient_id\n", "a\n", ""),
        bomb("recipient_id", ",a", ""),
        bomb("recipient_id\n", " ", ""),
    ] {
        std::fs::write(&path, text).unwrap();
        // No limit can be set at that door, so none is named.
        let message = MetadataTable::read(&path).unwrap_err().to_string();
        assert!(
            message.contains("unpack it") && !message.contains("limits"),
            "{message}"
        );
    }
}

/// 1,000 samples × 20,000 taxa, one value of a hundred not zero: 40 MB that pack 50 times.
#[test]
fn a_sparse_table_that_packs_well_is_read() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    let names: Vec<String> = (0..20_000).map(|at| format!("s__Taxon_{at}")).collect();
    writeln!(packed, "sample_id\t{}", names.join("\t")).unwrap();
    let mut state = 1_u64;
    let mut n_nonzero = 0;
    for sample in 0..1_000 {
        let mut line = format!("sample_{sample}");
        for _ in 0..names.len() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let is_zero = !(state >> 33).is_multiple_of(100);
            n_nonzero += usize::from(!is_zero);
            line.push_str(if is_zero { "\t0" } else { "\t1" });
        }
        writeln!(packed, "{line}").unwrap();
    }
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 2 << 20, "{}", packed.len());
    let options = ReadOptions::default().with_unit(Unit::Count);
    let table = read_bytes(&packed, &options).unwrap();
    assert_eq!(table.n_samples(), 1_000);
    assert_eq!(table.abundance().n_nonzero(), n_nonzero);
    // The limit is an argument.
    let mut limits = ReadLimits::default();
    limits.expansion = 1;
    assert!(read_bytes(&packed, &options.with_limits(limits)).is_err());
}
