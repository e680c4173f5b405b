//! What a table in text is taken for: the cases under `../shared/cases`, and others of each kind.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use approx::assert_abs_diff_eq;
use donormatch::profile::{
    Completeness, Decimal, EmptySamples, Orientation, ProfileTable, Question, Ranks, ReadOptions,
    Taxon, Unit, inspect, read, read_bytes, read_many,
};

/// A file of a case; nothing, said on standard error, where the cases are absent.
fn case(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases");
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: `{}` is absent", path.display());
    None
}

fn parse(text: &str) -> donormatch::Result<ProfileTable> {
    read_bytes(text.as_bytes(), &ReadOptions::default())
}

fn with(options: impl FnOnce(&mut ReadOptions)) -> ReadOptions {
    let mut made = ReadOptions::default();
    options(&mut made);
    made
}

fn ids(table: &ProfileTable) -> Vec<&str> {
    table.samples().iter().map(AsRef::as_ref).collect()
}

fn labels(table: &ProfileTable) -> Vec<&str> {
    table.taxa().iter().map(Taxon::label).collect()
}

fn sums(table: &ProfileTable) -> Vec<f64> {
    table.abundance().row_sums()
}

fn message(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

const BEST: &str = "taxon\tD01\tD02\n\
    k__B;f__L;g__Blautia\t700\t650\n\
    k__B;f__L;g__Blautia;s__obeum\t100\t120\n\
    k__B;f__C;g__Phocaeicola\t500\t400\n\
    k__B;f__C;g__Phocaeicola;s__vulgatus\t300\t350\n\
    k__B;f__A;g__Akkermansia;s__muciniphila\t50\t20\n";

#[test]
fn reads_at_their_best_rank_all_stay() {
    for (name, unit) in [("counts", Unit::Count), ("fractions", Unit::Fraction)] {
        let Some(path) = case(&format!("best-assigned-rank/{name}.tsv")) else {
            return;
        };
        let table = read(path, &ReadOptions::default()).unwrap();
        assert_eq!((table.n_taxa(), table.unit()), (5, unit));
        let whole = if unit == Unit::Count {
            [1650.0, 1540.0]
        } else {
            [1.0, 1.0]
        };
        for (sum, whole) in sums(&table).iter().zip(whole) {
            assert_abs_diff_eq!(*sum, whole, epsilon = 1e-5);
        }
        assert_eq!(table.unclassified(), [0.0, 0.0]);
    }
}

#[test]
fn best_ranks_do_not_turn_over_with_the_numbers_the_delimiter_or_the_number_of_samples() {
    let few = BEST.replace("\t700", "\t90");
    let commas = BEST.replace('\t', ",");
    let bars = BEST.replace(';', "|").replace("taxon\t", "clade_name\t");
    let one: String = BEST
        .lines()
        .map(|line| line.rsplit_once('\t').unwrap().0.to_owned() + "\n")
        .collect();
    for (text, sum) in [
        (few.as_str(), 1040.0),
        (&commas, 1650.0),
        (&bars, 1650.0),
        (&one, 1650.0),
    ] {
        let table = parse(text).unwrap();
        assert_eq!((table.n_taxa(), sums(&table)[0]), (5, sum), "{text}");
    }
    // Reads that are known to be bacteria and no more: the top holds less than what is below it.
    let rooted = BEST.to_owned() + "k__B\t30\t25\n";
    assert_eq!(parse(&rooted).unwrap().n_taxa(), 6);
}

#[test]
fn parents_that_equal_their_children_without_a_root_are_asked_for() {
    let text = "taxon\tD01\tD02\nf__L;g__B\t700\t650\nf__L;g__B;s__o\t700\t650\nf__C;g__P\t5\t4\n\
                f__C;g__P;s__v\t5\t4\n";
    assert!(message(text).contains("set `ranks`"));
    for (ranks, n_taxa) in [(Ranks::Repeated, 2), (Ranks::Disjoint, 4)] {
        let options = with(|options| options.ranks = Some(ranks));
        assert_eq!(
            read_bytes(text.as_bytes(), &options).unwrap().n_taxa(),
            n_taxa
        );
    }
}

#[test]
fn a_biom_header_is_found_in_any_delimiter() {
    let text = "# Constructed from biom file\n#OTU ID\tD01\tD02\nk__B;g__P;s__v\t900\t500\n\
                k__B;g__B;s__o\t100\t500\nk__B;g__A;s__m\t50\t20\n";
    let padded = text.replace('\t', ",").replace("file\n", "file,,\n");
    let quoted = "\"#OTU ID\",\"D01\"\n\"k__B;g__P;s__v\",900\n\"k__B;g__B;s__o\",150\n";
    let files =
        ["table.csv", "table.tsv"].map(|name| case(&format!("biom-table-saved-as-csv/{name}")));
    let mut tables: Vec<_> = files
        .iter()
        .flatten()
        .map(|path| read(path, &ReadOptions::default()).unwrap())
        .collect();
    tables.extend([parse(text).unwrap(), parse(&padded).unwrap()]);
    for table in tables {
        assert_eq!((ids(&table), table.n_taxa()), (vec!["D01", "D02"], 3));
        assert_eq!(sums(&table), [1050.0, 1020.0]);
    }
    assert_eq!(sums(&parse(quoted).unwrap()), [1050.0]);
}

#[test]
fn counts_are_not_made_of_percent() {
    let count = ReadOptions::default().with_unit(Unit::Count);
    for name in ["profile.txt", "merged.tsv"] {
        let Some(path) = case(&format!("count-asked-of-percent/{name}")) else {
            return;
        };
        let message = read(path, &count).unwrap_err().to_string();
        assert!(message.contains("rel_ab_w_read_stats"), "{message}");
    }
    let bases = "#mpa_vJan25\n#clade_name\tclade_taxid\trelative_abundance\tcoverage\t\
        estimated_number_of_bases_from_the_clade\nk__B\t2\t100.0\t1\t500\n";
    let whole = "#mpa_vJan25\nclade_name\tD01\nk__B\t100\nk__B|s__x\t100\n";
    let plain = "taxon\tD01\ns__A_b\t60.5\ns__C_d\t39.5\n";
    for (text, word) in [
        (bases, "bases"),
        (whole, "no column of reads"),
        (plain, "whole numbers"),
    ] {
        let message = read_bytes(text.as_bytes(), &count).unwrap_err().to_string();
        assert!(message.contains(word), "{message}");
    }
    let reads = bases.replace("of_bases", "of_reads");
    let table = read_bytes(reads.as_bytes(), &count).unwrap();
    assert_eq!((table.unit(), sums(&table)), (Unit::Count, vec![500.0]));
}

#[test]
fn a_comment_padded_by_a_spreadsheet_is_a_comment() {
    for name in ["comma.csv", "merged.csv", "merged.tsv"] {
        let Some(path) = case(&format!("excel-padded-comment/{name}")) else {
            return;
        };
        let table = read(path, &ReadOptions::default()).unwrap();
        assert_eq!(
            (ids(&table), table.n_taxa()),
            (vec!["D01", "D02"], 2),
            "{name}"
        );
        assert_eq!(table.unit(), Unit::Percent);
        assert_eq!(
            table.vocabulary().as_str(),
            "mpa_vJan21_CHOCOPhlAnSGB_202103"
        );
    }
    let single = "#mpa_vJan21;;\n#clade_name;NCBI_tax_id;relative_abundance\nk__B;2;100.0\n\
                  k__B|s__x;2;60.5\nk__B|s__y;2;39.5\n";
    let one = "#mpa_vJan21;\nclade_name;D01\nk__B;100.0\nk__B|s__x;60.5\nk__B|s__y;39.5\n";
    for text in [single, one] {
        let table = parse(text).unwrap();
        assert_eq!((table.n_taxa(), sums(&table)), (2, vec![100.0]));
        assert_eq!(table.vocabulary().as_str(), "mpa_vJan21");
    }
}

#[test]
fn a_tenth_of_a_percent_cut_off_is_not_complete() {
    let Some(path) = case("filtered-at-a-tenth/filtered.tsv") else {
        return;
    };
    let full = case("filtered-at-a-tenth/full.tsv").unwrap();
    let options = ReadOptions::default();
    let filtered = read(&path, &options).unwrap();
    assert_eq!(filtered.completeness(), Completeness::Filtered);
    assert_eq!(
        read(full, &options).unwrap().completeness(),
        Completeness::Complete
    );
    // Renormalized, as fractions, either way round: the rarest taxon still tells.
    let values = filtered.abundance().row(0).1.to_vec();
    let whole: f64 = values.iter().sum();
    let mut text = "taxon,D01\n".to_owned();
    for (label, value) in labels(&filtered).iter().zip(&values) {
        writeln!(text, "{label},{}", value / whole).unwrap();
    }
    let table = parse(&text).unwrap();
    assert_eq!(
        (table.unit(), table.completeness()),
        (Unit::Fraction, Completeness::Filtered)
    );
    let declared = with(|options| options.completeness = Some(Completeness::Complete));
    let table = read_bytes(text.as_bytes(), &declared).unwrap();
    assert_eq!(table.completeness(), Completeness::Complete);
}

#[test]
fn reads_that_stop_at_the_genus_are_unclassified() {
    let Some(path) = case("genus-only-rows/all_ranks.tsv") else {
        return;
    };
    let table = read(path, &ReadOptions::default()).unwrap();
    assert_abs_diff_eq!(table.unclassified()[0], 0.4, epsilon = 1e-12);
    assert_abs_diff_eq!(table.unclassified()[1], 0.2, epsilon = 1e-12);
    let leaves = case("genus-only-rows/leaves_only.tsv").unwrap();
    let table = read(leaves, &ReadOptions::default()).unwrap();
    assert_eq!((table.n_taxa(), sums(&table)), (2, vec![1000.0, 500.0]));
}

#[test]
fn what_stops_above_the_columns_is_counted_whatever_the_profiler_and_the_unit() {
    let ranks = "k__B\t100\t50\nk__B|g__X\t40\t10\nk__B|g__Y\t60\t40\nk__B|g__Y|s__y\t60\t40\n";
    let percent = "k__B\t100.0\t100.0\nk__B|g__X\t39.5\t10.5\nk__B|g__Y\t60.5\t89.5\n\
                   k__B|g__Y|s__y\t60.5\t89.5\n";
    for (header, rows, unclassified) in [
        ("#Classification", ranks, 0.4),
        (
            "taxon",
            &ranks.replace("0\t", "00\t").replace("0\n", "00\n"),
            0.4,
        ),
        ("#mpa_vJan21\nclade_name", percent, 0.395),
        ("taxon", percent, 0.395),
    ] {
        let text = format!("{header}\tD01\tD02\n{rows}");
        let table = parse(&text).unwrap();
        assert_eq!(table.n_taxa(), 1, "{text}");
        assert_abs_diff_eq!(table.unclassified()[0], unclassified, epsilon = 1e-12);
    }
}

#[test]
fn the_release_of_gtdb_is_no_header() {
    for (name, n) in [("merged.tsv", 2), ("three_samples.tsv", 3)] {
        let Some(path) = case(&format!("gtdb-merged-r220/{name}")) else {
            return;
        };
        let table = read(path, &ReadOptions::default()).unwrap();
        assert_eq!(
            (table.n_samples(), table.n_taxa(), table.unit()),
            (n, 2, Unit::Percent)
        );
        assert_abs_diff_eq!(table.unclassified()[0], 0.2, epsilon = 1e-12);
        let vocabulary = table.vocabulary().as_str();
        assert_eq!(vocabulary, "mpa_vJan25_CHOCOPhlAnSGB_202503_r220");
    }
    let one = "#mpa_vJan25\tr226\nclade_name\tD01\nd__B\t100.0\nd__B;s__x\t60.5\nd__B;s__y\t39.5\n";
    for text in [one.to_owned(), one.replace('\t', ",")] {
        let table = parse(&text).unwrap();
        assert_eq!((ids(&table), table.n_taxa()), (vec!["D01"], 2));
        assert_eq!(table.vocabulary().as_str(), "mpa_vJan25_r226");
    }
}

#[test]
fn a_row_of_data_is_not_taken_for_the_header() {
    let rows = [
        "s__Phocaeicola_vulgatus,605,10\ns__Blautia_obeum,395,90\ns__Akkermansia_muciniphila,120,33\n",
        "A1;605;10\nA2;395;90\n",
        "Phocaeicola_vulgatus\t605\t10\nBlautia_obeum\t395\t90\n",
        "D01,605,10\nD02,395,90\n",
    ];
    for text in rows {
        let message = message(text);
        assert!(message.contains("the header is missing"), "{message}");
        let unit = ReadOptions::default().with_unit(Unit::Count);
        assert!(read_bytes(text.as_bytes(), &unit).is_err());
    }
    // The advice leads to the table.
    let table = parse(&("taxon,D01,D02\n".to_owned() + rows[0])).unwrap();
    assert_eq!((ids(&table), sums(&table)[0]), (vec!["D01", "D02"], 1120.0));
    let one = "s__Phocaeicola_vulgatus\t605\ns__Blautia_obeum\t395\n";
    for text in [one.to_owned(), one.replace('\t', ",")] {
        let options = with(|options| options.sample = Some("d7".to_owned()));
        let table = read_bytes(text.as_bytes(), &options).unwrap();
        assert_eq!((ids(&table), sums(&table)), (vec!["d7"], vec![1000.0]));
    }
    for corner in ["clade_name", "", "x"] {
        let text = format!("{corner},101,102\ns__A_b,60,5\ns__C_d,900,7\n");
        let options = ReadOptions::default().with_orientation(Orientation::TaxaInRows);
        let table = read_bytes(text.as_bytes(), &options).unwrap();
        assert_eq!(ids(&table), ["101", "102"], "{corner}");
    }
}

#[test]
fn columns_that_describe_a_patient_are_named() {
    let upright = "sample_id,age,bmi,Phocaeicola_vulgatus,Blautia_obeum,Akkermansia_muciniphila\n\
                   D01,61,24,6050,3950,120\nD02,45,27,1000,9000,330\n";
    let lying = "taxon\tD01\tD02\nage\t61\t45\nbmi\t24\t27\nPhocaeicola_vulgatus\t6050\t1000\n\
                 Blautia_obeum\t3950\t9000\nAkkermansia_muciniphila\t120\t330\n";
    for text in [upright, lying] {
        let message = message(text);
        let words = ["`age`", "`bmi`", "`ignore_columns`"];
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
        let options =
            with(|options| options.ignore_columns = Some(vec!["age".into(), "bmi".into()]));
        let table = read_bytes(text.as_bytes(), &options).unwrap();
        assert_eq!((table.n_taxa(), sums(&table)), (3, vec![10120.0, 10330.0]));
        let keep = with(|options| options.ignore_columns = Some(Vec::new()));
        assert_eq!(read_bytes(text.as_bytes(), &keep).unwrap().n_taxa(), 5);
        let wrong = with(|options| options.ignore_columns = Some(vec!["Age".into()]));
        let message = read_bytes(text.as_bytes(), &wrong).unwrap_err().to_string();
        assert!(message.contains("`Age`"), "{message}");
    }
    let outcome = upright
        .replace("age", "response")
        .replace(",61,", ",1,")
        .replace(",45,", ",0,");
    assert!(message(&outcome).contains("`response`"));
    let text = upright
        .replace("age", "sex")
        .replace(",61,", ",F,")
        .replace(",45,", ",M,");
    assert!(message(&text).contains("`sex`"));
    let between = "sample_id,s__A_b,age,s__C_d\nD01,60,50,40\nD02,900,61,100\n";
    let options = with(|options| options.ignore_columns = Some(vec!["age".into()]));
    assert_eq!(
        sums(&read_bytes(between.as_bytes(), &options).unwrap()),
        [100.0, 1000.0]
    );
}

#[test]
fn an_empty_profile_among_many_is_dropped() {
    let Some(first) = case("one-empty-profile-of-many/D01.txt") else {
        return;
    };
    let second = case("one-empty-profile-of-many/D02.txt").unwrap();
    let paths = [first, second.clone()];
    let message = read_many(&paths, &ReadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("D02.txt") && message.contains("`empty_samples`"),
        "{message}"
    );
    let drop = with(|options| options.empty_samples = EmptySamples::Drop);
    let table = read_many(&paths, &drop).unwrap();
    assert_eq!(ids(&table), ["D01"]);
    assert!(table.notes().iter().any(|note| note.contains("D02")));
    for paths in [vec![second.clone()], vec![second.clone(), second]] {
        let message = read_many(&paths, &drop).unwrap_err().to_string();
        assert!(message.contains("no sample is left"), "{message}");
    }
    // Fractions, and a table of its own.
    let text = "sample_id\tUNCLASSIFIED\ts__A_b\nD01\t0.5\t0.5\nD02\t1.0\t0\n";
    assert_eq!(ids(&read_bytes(text.as_bytes(), &drop).unwrap()), ["D01"]);
}

#[test]
fn confidence_and_lineages_are_no_samples() {
    let text = "#OTU ID\tD01\tD02\ttaxonomy\tConfidence\n\
                A1\t900\t500\tk__B; g__P; s__v\t0.98\nA2\t100\t500\tk__B; g__B; s__o\t0.71\n";
    let first = "#OTU ID\tConfidence\tTaxon\tD01\tD02\n\
                 A1\t0.98\tk__B; g__P; s__v\t900\t500\nA2\t0.71\tk__B; g__B; s__o\t100\t500\n";
    let between =
        "OTU ID,D01,taxonomy,D02\nA1,900,k__B; g__P; s__v,500\nA2,100,k__B; g__B; s__o,500\n";
    let mut tables: Vec<_> = [text, first, between]
        .iter()
        .map(|text| parse(text).unwrap())
        .collect();
    if let Some(path) = case("otu-taxonomy-confidence/table.tsv") {
        tables.push(read(path, &ReadOptions::default()).unwrap());
    }
    for table in tables {
        assert_eq!(
            (ids(&table), table.unit()),
            (vec!["D01", "D02"], Unit::Count)
        );
        assert_eq!(sums(&table), [1000.0, 1000.0]);
        let species = table.taxa()[0].lineage().deepest().map(|(rank, _)| rank);
        assert_eq!(species, Some(donormatch::profile::Rank::Species));
    }
    let unknown = text
        .replace("Confidence", "bootstrap")
        .replace("0.98", "high")
        .replace("0.71", "low");
    assert!(message(&unknown).contains("`bootstrap`"));
}

#[test]
fn the_line_of_clade_name_is_the_header_wherever_it_stands() {
    let text = "#mpa_v30\n#command\nSampleID\tMetaphlan_Analysis\n\
                #clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species\n\
                UNKNOWN\t-1\t20.0\t\nk__B\t2\t80.0\t\nk__B|s__x\t2|2\t48.4\t\nk__B|s__y\t2|2\t31.6\t\n";
    let mut tables = vec![parse(text).unwrap()];
    if let Some(path) = case("sampleid-without-hash/profile.txt") {
        tables.push(read(path, &ReadOptions::default()).unwrap());
    }
    let named = text.replace("Metaphlan_Analysis", "D07");
    let table = parse(&named).unwrap();
    assert_eq!(ids(&table), ["D07"]);
    let before = text.replace("SampleID\t", "#SampleID\t");
    tables.extend([table, parse(&before).unwrap()]);
    for table in tables {
        assert_eq!(
            (table.n_samples(), table.n_taxa(), table.unit()),
            (1, 2, Unit::Percent)
        );
        assert_abs_diff_eq!(table.unclassified()[0], 0.2, epsilon = 1e-12);
    }
}

#[test]
fn percent_without_comments_is_no_count() {
    if let Some(path) = case("stripped-metaphlan-percent/profile.txt") {
        let table = read(path, &ReadOptions::default()).unwrap();
        assert_eq!((table.unit(), table.n_taxa()), (Unit::Percent, 2));
        let count = ReadOptions::default().with_unit(Unit::Count);
        let path = case("stripped-metaphlan-percent/baseline.txt").unwrap();
        assert!(read(path, &count).is_err());
    }
    let percent = "k__B\t100.0\nk__B|s__x\t60.5\nk__B|s__y\t39.5\n";
    assert_eq!(parse(percent).unwrap().unit(), Unit::Percent);
    let fraction = "d__B\t1.0\nd__B|s__x\t0.605\nd__B|s__y\t0.395\n";
    assert_eq!(parse(fraction).unwrap().unit(), Unit::Fraction);
    let one = "k__B\t100.0\nk__B|s__x\t100.0\n";
    assert!(message(one).contains("`percent` or `count`"));
    let kraken = "k__B\t1000\nk__B|s__x\t600\nk__B|s__y\t300\n";
    let table = parse(kraken).unwrap();
    assert_eq!((table.unit(), sums(&table)), (Unit::Count, vec![900.0]));
    let classified = "#Classification\tD01\nk__B\t100.0\nk__B|s__x\t60.5\nk__B|s__y\t39.5\n";
    assert_eq!(parse(classified).unwrap().unit(), Unit::Percent);
}

#[test]
fn thousands_separators_are_called_by_their_name() {
    let text = "Taxon,D01,D02\ns__P_v,\"1,200\",\"10\"\ns__B_o,\"39,500\",\"90,000\"\n";
    let million = "Taxon\tD01\ns__P_v\t1,234,567\ns__B_o\t5\n";
    let apostrophe = "Taxon\tD01\ns__P_v\t1'200\ns__B_o\t5\n";
    for text in [text, million, apostrophe] {
        let message = message(text);
        assert!(
            message.contains("thousands separator: write it without"),
            "{message}"
        );
        assert!(!message.contains("decimal"), "{message}");
    }
    let either = message("Taxon\tD01\ns__P_v\t1,200\ns__B_o\t5\n");
    assert!(
        either.contains("`1200`") && either.contains("`decimal`"),
        "{either}"
    );
    let commas = "Taxon;D01\ns__P_v;60,5\ns__B_o;39,5\n";
    assert!(message(commas).contains("set `decimal` to `,`"));
    let options = with(|options| options.decimal = Decimal::Comma);
    for text in [commas.to_owned(), commas.replace(';', "\t")] {
        let table = read_bytes(text.as_bytes(), &options).unwrap();
        assert_eq!((table.unit(), sums(&table)), (Unit::Percent, vec![100.0]));
    }
}

#[test]
fn empty_columns_and_rows_at_the_end_are_left_out() {
    let text = "Taxon,D01,D02,,\ns__P_v,60.5,10.0,,\ns__B_o,39.5,90.0,,\n,,,,\n";
    let tabs = text.replace(',', "\t");
    let rows = "Taxon;D01;D02\ns__P_v;60.5;10.0;;\ns__B_o;39.5;90.0;;\n;;\n";
    let upright = "sample_id,s__P_v,s__B_o,\nD01,60.5,39.5,\nD02,10.0,90.0\n,,,\n";
    for text in [text, tabs.as_str(), rows, upright] {
        let table = parse(text).unwrap();
        assert_eq!(
            (ids(&table), sums(&table)),
            (vec!["D01", "D02"], vec![100.0, 100.0])
        );
    }
    let filled = message(&text.replace("90.0,,", "90.0,7,"));
    assert!(
        filled.contains("no name") && filled.contains("`7`"),
        "{filled}"
    );
}

#[test]
fn a_long_table_in_text_is_read_as_one() {
    let percent = "sample_id,taxon,relative_abundance\nD01,Phocaeicola_vulgatus,60.5\n\
                   D01,Blautia_obeum,39.5\nD02,Phocaeicola_vulgatus,10.0\nD02,Blautia_obeum,90.0\n";
    let counts = "sample\ttaxon\tcount\nD01\tPhocaeicola vulgatus\t900\nD01\tBlautia obeum\t100\n\
                  D02\tPhocaeicola vulgatus\t500\nD02\tBlautia obeum\t500\n";
    let turned = "Taxon;Run;Reads\nBlautia obeum;D01;100\nPhocaeicola vulgatus;D01;900\n\
                  Blautia obeum;D02;1000\n";
    let single =
        "sample_id,species,abundance\nD01,Blautia_obeum,0.25\nD02,Dorea_formicigenerans,0.75\n";
    let unit = ReadOptions::default();
    for (text, found, whole) in [
        (percent, Unit::Percent, 100.0),
        (counts, Unit::Count, 1000.0),
        (turned, Unit::Count, 1000.0),
    ] {
        let table = read_bytes(text.as_bytes(), &unit).unwrap();
        assert_eq!(
            (ids(&table), table.n_taxa()),
            (vec!["D01", "D02"], 2),
            "{text}"
        );
        assert_eq!((table.unit(), sums(&table)), (found, vec![whole; 2]));
    }
    let fraction = ReadOptions::default().with_unit(Unit::Fraction);
    let table = read_bytes(single.as_bytes(), &fraction).unwrap();
    assert_eq!((table.n_taxa(), sums(&table)), (2, vec![0.25, 0.75]));
    for name in ["long.csv", "long_counts.csv"] {
        let Some(path) = case(&format!("long-csv/{name}")) else {
            return;
        };
        assert_eq!(ids(&read(path, &unit).unwrap()), ["D01", "D02"]);
    }
    let oriented = ReadOptions::default().with_orientation(Orientation::TaxaInRows);
    let message = read_bytes(counts.as_bytes(), &oriented)
        .unwrap_err()
        .to_string();
    assert!(message.contains("leave `orientation` out"), "{message}");
    let more = counts
        .replace("count", "count\tage")
        .replace("00\n", "00\t61\n");
    let message = read_bytes(more.as_bytes(), &unit).unwrap_err().to_string();
    assert!(
        message.contains("`age`") && message.contains("`ignore_columns`"),
        "{message}"
    );
    let ignoring = with(|options| options.ignore_columns = Some(vec!["age".into()]));
    assert_eq!(
        sums(&read_bytes(more.as_bytes(), &ignoring).unwrap()),
        [1000.0, 1000.0]
    );
    let twice = counts.to_owned() + "D02\tBlautia obeum\t1\n";
    let message = read_bytes(twice.as_bytes(), &unit).unwrap_err().to_string();
    assert!(
        message.contains("line 6") && message.contains("`duplicates`"),
        "{message}"
    );
}

#[test]
fn a_mark_of_utf_8_may_stand_anywhere_also_in_a_gzipped_text() {
    let text = "\u{feff}#mpa_vJan21\n\u{feff}clade_name\tD01\nk__B\t100.0\nk__B|s__x\t60.5\nk__B|s__y\t39.5\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let packed = gzip.finish().unwrap();
    for bytes in [text.as_bytes(), &packed] {
        let table = read_bytes(bytes, &ReadOptions::default()).unwrap();
        assert_eq!((ids(&table), table.n_taxa()), (vec!["D01"], 2));
    }
}

#[test]
fn every_decision_is_said_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    let text = "# a comment,,\n#OTU ID,D01,Confidence\nk__B;s__x,60.5,0.9\nk__B;s__y,39.5,0.8\n";
    std::fs::write(&path, text).unwrap();
    let (table, decisions) = inspect(&path, &ReadOptions::default()).unwrap();
    assert_eq!(table.n_taxa(), 2);
    let answer = |question| {
        let found = decisions
            .iter()
            .find(|decision| decision.question == question);
        found.map(|decision| decision.answer.as_str()).unwrap()
    };
    assert_eq!(answer(Question::Header), "line 2; fields divided by commas");
    assert_eq!(answer(Question::Comments), "1 lines");
    assert_eq!(answer(Question::Shape), "wide");
    assert_eq!(answer(Question::Orientation), "taxa_in_rows");
    assert_eq!(answer(Question::Annotations), "`Confidence`");
    assert_eq!(answer(Question::Ranks), "disjoint");
    assert_eq!(answer(Question::Unit), "percent");
    assert_eq!(answer(Question::Completeness), "complete");
    assert!(decisions.iter().all(|decision| !decision.reason.is_empty()));
}
