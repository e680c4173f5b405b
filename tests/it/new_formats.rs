//! Formats of profilers and spreadsheets: what each file means, and what is refused.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

use std::path::Path;

use approx::assert_relative_eq;
use donormatch::profile::{
    Decimal, ProfileTable, Rank, ReadOptions, SampleId, Taxon, Unit, inspect_bytes, read_bytes,
};
use donormatch::taxonomy::{HarmonizeParams, Target, harmonize};

fn read(text: &str) -> ProfileTable {
    read_bytes(text.as_bytes(), &ReadOptions::default()).unwrap()
}

fn read_named(name: &str, text: &str) -> ProfileTable {
    let options = ReadOptions::default();
    inspect_bytes(Path::new(name), text.as_bytes(), &options)
        .unwrap()
        .0
}

fn refused(text: &str) -> String {
    let error = read_bytes(text.as_bytes(), &ReadOptions::default()).unwrap_err();
    error.to_string()
}

fn samples(table: &ProfileTable) -> Vec<&str> {
    table.samples().iter().map(SampleId::as_str).collect()
}

fn names(table: &ProfileTable) -> Vec<&str> {
    table.taxa().iter().map(Taxon::name).collect()
}

/// The abundance of a taxon in a sample, by their names.
fn value(table: &ProfileTable, sample: &str, name: &str) -> f64 {
    let row = table.row_of(&SampleId::new(sample)).unwrap();
    let column = names(table)
        .iter()
        .position(|found| *found == name)
        .unwrap();
    let (columns, values) = table.abundance().row(row);
    let at = columns.iter().position(|&found| found as usize == column);
    at.map_or(0.0, |at| values[at])
}

fn species(table: &ProfileTable) -> Vec<String> {
    let (table, _) = harmonize(table, &HarmonizeParams::new(Target::Species)).unwrap();
    table
        .taxa()
        .iter()
        .map(|taxon| taxon.label().to_owned())
        .collect()
}

// ---- Kraken ------------------------------------------------------------------------------------

const COMBINED: &str = "#Number of Samples: 2\n#Total Number of Reads: 3000\n\
    #S1\t1000\tA1.report\n#S2\t2000\tA2.report\n\
    #perc\ttot_all\ttot_lvl\t1_all\t1_lvl\t2_all\t2_lvl\tlvl_type\ttaxid\tname\n\
    100.0\t3000\t0\t1000\t0\t2000\t0\tR\t1\troot\n\
    100.0\t3000\t50\t1000\t0\t2000\t50\tD\t2\t  Bacteria\n\
    60.0\t1800\t1800\t900\t900\t900\t900\tS\t821\t    Phocaeicola vulgatus\n\
    40.0\t1150\t1150\t100\t100\t1050\t1050\tS\t40520\t    Blautia obeum\n";

#[test]
fn combined_kraken_reports_are_one_table() {
    let table = read(COMBINED);
    assert_eq!(samples(&table), ["A1", "A2"]);
    assert_eq!(table.unit(), Unit::Count);
    assert_relative_eq!(value(&table, "A1", "Phocaeicola vulgatus"), 900.0);
    assert_relative_eq!(value(&table, "A2", "Blautia obeum"), 1050.0);
    assert_relative_eq!(table.unclassified()[1], 50.0 / 2000.0);
}

#[test]
fn combined_kraken_reports_have_unclassified_reads_and_strains() {
    let more = COMBINED.to_owned() + "1.0\t30\t30\t10\t10\t20\t20\tU\t0\tunclassified\n";
    assert_relative_eq!(read(&more).unclassified()[0], 10.0 / 1010.0);
    let strain =
        COMBINED.to_owned() + "1.0\t30\t30\t10\t10\t20\t20\tS1\t9\t      Blautia obeum A\n";
    assert_relative_eq!(value(&read(&strain), "A1", "Blautia obeum"), 110.0);
}

#[test]
fn combined_reports_of_sums_alone_say_what_to_do() {
    let text = "#Number of Samples: 2\n#perc\ttot_all\ttot_lvl\tlvl_type\ttaxid\tname\n\
                100.0\t3000\t0\tR\t1\troot\n";
    let message = refused(text);
    assert!(message.contains("--only-combined"), "{message}");
}

const GTDB_REPORT: &str = "  5.00\t50\t50\tU\t0\tunclassified\n\
    95.00\t950\t0\tR\t1\troot\n\
    95.00\t950\t0\tD\t2\t  d__Bacteria\n\
    60.00\t600\t0\tP\t3\t    p__Bacillota_A\n\
    60.00\t600\t0\tG\t7\t            g__Blautia_A\n\
    60.00\t600\t600\tS\t8\t              s__Blautia_A obeum\n\
    35.00\t350\t350\tG\t14\t            g__Dorea\n";

#[test]
fn a_kraken_report_of_gtdb_has_one_prefix_a_rank() {
    let table = read(GTDB_REPORT);
    let lineage = table.taxa()[0].lineage().to_string();
    assert_eq!(
        lineage,
        "k__Bacteria|p__Bacillota_A|g__Blautia_A|s__Blautia_A obeum"
    );
    assert!(!table.taxa()[0].label().contains("__p__"));
    assert_eq!(species(&table), ["Blautia_obeum"]);
}

#[test]
fn a_name_that_only_looks_like_a_prefix_is_kept() {
    let text = GTDB_REPORT.replace("s__Blautia_A obeum", "t__Blautia_A obeum");
    assert_eq!(names(&read(&text)), ["t__Blautia_A obeum"]);
}

#[test]
fn a_gtdb_report_without_species_has_leaves_without_prefixes() {
    let text = GTDB_REPORT.replace(
        "\tS\t8\t              s__Blautia_A obeum",
        "\tG\t8\t            g__Roseburia",
    );
    assert_eq!(names(&read(&text)), ["Blautia_A", "Roseburia", "Dorea"]);
}

// ---- Kaiju -------------------------------------------------------------------------------------

const KAIJU: &str = "file\tpercent\treads\ttaxon_id\ttaxon_name\n\
    out/A1.out\t88.0\t880\t821\tPhocaeicola vulgatus\n\
    out/A1.out\t10.0\t100\t40520\tBlautia obeum\n\
    out/A1.out\t1.0\t10\tNA\tunclassified\n\
    out/A1.out\t1.0\t10\tNA\tcannot be assigned to a (non-viral) species\n\
    out/A2.out\t40.0\t400\t821\tPhocaeicola vulgatus\n\
    out/A2.out\t60.0\t600\t40520\tBlautia obeum\n";

#[test]
fn a_summary_of_kaiju_holds_reads_of_several_samples() {
    let table = read(KAIJU);
    assert_eq!(samples(&table), ["A1", "A2"]);
    assert_eq!(table.unit(), Unit::Count);
    assert_relative_eq!(value(&table, "A1", "Phocaeicola vulgatus"), 880.0);
    assert_relative_eq!(value(&table, "A2", "Blautia obeum"), 600.0);
    assert_relative_eq!(table.unclassified()[0], 0.02);
}

#[test]
fn a_summary_of_kaiju_with_paths_or_in_commas_is_the_same() {
    let text = KAIJU.replace(
        "\tBlautia obeum",
        "\tBacteria;Bacillota;Blautia;Blautia obeum;",
    );
    let table = read(&text);
    assert_eq!(names(&table), ["Phocaeicola vulgatus", "Blautia obeum"]);
    assert_eq!(
        read(&KAIJU.replace('\t', ",")).abundance(),
        table.abundance()
    );
}

#[test]
fn a_summary_of_kaiju_at_genus_level_keeps_its_genera() {
    let text = "file\tpercent\treads\ttaxon_id\ttaxon_name\nA.out\t60\t60\t816\tBacteroides\n\
                A.out\t40\t40\t572511\tBlautia\n";
    let table = read(text);
    assert_eq!(table.n_taxa(), 2);
    assert_eq!(table.taxa()[1].lineage().name(Rank::Genus), Some("Blautia"));
}

// ---- SingleM -----------------------------------------------------------------------------------

const SINGLEM: &str = "sample\tcoverage\ttaxonomy\n\
    A1\t9.0\tRoot; d__Bacteria\n\
    A1\t40.0\tRoot; d__Bacteria; p__Bacteroidota; g__Phocaeicola; s__Phocaeicola vulgatus\n\
    A1\t20.5\tRoot; d__Bacteria; p__Bacillota_A; g__Blautia_A\n\
    A2\t12.0\tRoot; d__Bacteria; p__Bacteroidota; g__Phocaeicola; s__Phocaeicola vulgatus\n";

#[test]
fn coverage_of_singlem_becomes_fractions() {
    let table = read(SINGLEM);
    assert_eq!(table.unit(), Unit::Fraction);
    assert_relative_eq!(value(&table, "A1", "Phocaeicola vulgatus"), 40.0 / 69.5);
    assert_relative_eq!(table.unclassified()[0], 29.5 / 69.5);
    assert_relative_eq!(value(&table, "A2", "Phocaeicola vulgatus"), 1.0);
}

#[test]
fn coverage_of_the_root_is_unclassified() {
    let table = read(&(SINGLEM.to_owned() + "A2\t4.0\tRoot\n"));
    assert_relative_eq!(table.unclassified()[1], 0.25);
}

#[test]
fn coverage_is_no_count() {
    let options = ReadOptions::default().with_unit(Unit::Count);
    let message = read_bytes(SINGLEM.as_bytes(), &options)
        .unwrap_err()
        .to_string();
    assert!(message.contains("leave `unit` out"), "{message}");
}

// ---- sylph -------------------------------------------------------------------------------------

const SYLPHMPA: &str = "#SampleID\treads/a7.fastq.gz\tTaxonomies_used:['GTDB_r220']\n\
    clade_name\trelative_abundance\tsequence_abundance\tANI (if strain-level)\tCoverage (if strain-level)\n\
    d__Bacteria\t100.0\t78.1\tNA\tNA\n\
    d__Bacteria|g__Blautia_A\t60.25\t40.1\tNA\tNA\n\
    d__Bacteria|g__Phocaeicola\t39.75\t38.0\tNA\tNA\n\
    d__Bacteria|g__Blautia_A|s__Blautia_A obeum\t60.25\t40.1\tNA\tNA\n\
    d__Bacteria|g__Phocaeicola|s__Phocaeicola vulgatus\t39.75\t38.0\tNA\tNA\n\
    d__Bacteria|g__Blautia_A|s__Blautia_A obeum|t__GCF_1.1\t60.25\t40.1\t97.5\t3.2\n\
    d__Bacteria|g__Phocaeicola|s__Phocaeicola vulgatus|t__GCF_2.1\t39.75\t38.0\t97.5\t3.2\n";

#[test]
fn a_profile_of_sylph_tax_is_one_sample_in_percent() {
    let table = read(SYLPHMPA);
    assert_eq!(samples(&table), ["reads/a7.fastq.gz"]);
    assert_eq!((table.unit(), table.n_taxa()), (Unit::Percent, 2));
    assert_eq!(table.vocabulary().as_str(), "gtdb_r220");
    assert_eq!(table.abundance().row(0).1, [60.25, 39.75]);
    assert_eq!(species(&table), ["Blautia_obeum", "Phocaeicola_vulgatus"]);
}

#[test]
fn a_table_of_genomes_of_sylph_holds_taxonomic_abundance() {
    let text = "Sample_file\tGenome_file\tTaxonomic_abundance\tSequence_abundance\tAdjusted_ANI\tEff_cov\tContig_name\n\
                x/a.fastq.gz\tdb/GCF_1.1_genomic.fna.gz\t75.5\t60.0\t99.1\t1.0\tNZ_1.1 Blautia obeum strain X\n\
                x/a.fastq.gz\tdb/GCF_2.1_genomic.fna.gz\t24.5\t20.0\t99.1\t1.0\tNZ_2.1 uncultured bacterium\n\
                x/b.fastq.gz\tdb/GCF_1.1_genomic.fna.gz\t100\t20.0\t99.1\t1.0\tNZ_1.1 Blautia obeum strain X\n";
    let table = read(text);
    assert_eq!(samples(&table), ["a", "b"]);
    assert_eq!(table.taxa()[0].label(), "GCF_1.1");
    assert_eq!(
        table.taxa()[0].lineage().name(Rank::Species),
        Some("Blautia obeum")
    );
    assert_relative_eq!(value(&table, "a", "GCF_2.1"), 24.5);
}

#[test]
fn queries_of_sylph_and_counts_of_it_are_refused() {
    let message = refused("Sample_file\tGenome_file\tAdjusted_ANI\tEff_cov\na\tb\t99\t1\n");
    assert!(message.contains("sylph profile"), "{message}");
    let options = ReadOptions::default().with_unit(Unit::Count);
    assert!(read_bytes(SYLPHMPA.as_bytes(), &options).is_err());
}

// ---- taxpasta ----------------------------------------------------------------------------------

const TAXPASTA: &str = "taxonomy_id\tname\trank\tlineage\tA1\tA2\n\
    0\t\t\t\t20\t30\n\
    821\tPhocaeicola vulgatus\tspecies\tcellular organisms;Bacteria;Bacteroidaceae;Phocaeicola;Phocaeicola vulgatus\t900\t500\n\
    40520\tBlautia obeum\tspecies\tcellular organisms;Bacteria;Lachnospiraceae;Blautia;Blautia obeum\t100\t500\n";

#[test]
fn a_merged_table_of_taxpasta_has_names_and_unclassified_reads() {
    let table = read(TAXPASTA);
    assert_eq!(samples(&table), ["A1", "A2"]);
    assert_eq!(table.unit(), Unit::Count);
    assert_eq!(names(&table), ["Phocaeicola vulgatus", "Blautia obeum"]);
    assert_relative_eq!(table.unclassified()[0], 20.0 / 1020.0);
    assert_relative_eq!(table.unclassified()[1], 30.0 / 1030.0);
    let family = table.taxa()[1].lineage().name(Rank::Family);
    assert_eq!(family, Some("Lachnospiraceae"));
}

#[test]
fn ids_of_taxpasta_are_looked_up_and_unknown_ones_reported() {
    let table = read_named(
        "A7.tsv",
        "taxonomy_id\tcount\n0\t20\n821\t900\n40520\t100\n999999999\t5\n",
    );
    assert_eq!(samples(&table), ["A7"]);
    assert_eq!(
        names(&table),
        [
            "Phocaeicola vulgatus",
            "Blautia obeum",
            "NCBI:txid999999999"
        ]
    );
    assert!(table.notes().iter().any(|note| note.contains("999999999")));
    let message = refused("taxonomy_id\tcount\n0\t20\n999999998\t900\n999999999\t100\n");
    assert!(message.contains("--add-name"), "{message}");
}

#[test]
fn a_long_table_of_taxpasta_and_ranks_above_species() {
    let text = "taxonomy_id\tsample\tcount\trank\tname\n\
                821\tA1\t900\tspecies\tPhocaeicola vulgatus\n816\tA1\t100\tgenus\tBacteroides\n\
                821\tA2\t50\tspecies\tPhocaeicola vulgatus\n";
    let text = text.replace("taxonomy_id\tsample", "sample\ttaxonomy_id");
    let text: String = text
        .lines()
        .map(|line| {
            let mut fields: Vec<&str> = line.split('\t').collect();
            if fields[0] != "sample" {
                fields.swap(0, 1);
            }
            fields.join("\t") + "\n"
        })
        .collect();
    let table = read(&text);
    assert_eq!(samples(&table), ["A1", "A2"]);
    assert_eq!(names(&table), ["Phocaeicola vulgatus"]);
    assert_relative_eq!(table.unclassified()[0], 0.1);
}

// ---- names from R ------------------------------------------------------------------------------

#[test]
fn names_that_went_through_r_are_recognized() {
    let text = "\"sample_id\",\"Phocaeicola.vulgatus\",\"X.Clostridium..innocuum\",\"X.Ruminococcus..gnavus\"\n\
                \"A1\",60.5,29.5,10\n\"A2\",10.25,79.75,10\n";
    let mut found = species(&read(text));
    found.sort();
    assert_eq!(
        found,
        [
            "Clostridium_innocuum",
            "Phocaeicola_vulgatus",
            "Ruminococcus_gnavus"
        ]
    );
}

#[test]
fn lineages_that_went_through_r_are_recognized() {
    let text = "\"\",\"k__Bacteria.p__Bacteroidetes.g__Phocaeicola.s__Phocaeicola_vulgatus\",\
                \"k__Bacteria.p__Firmicutes.g__Blautia.s__.Clostridium..innocuum\"\n\
                \"A1\",60.5,39.5\n\"A2\",10.25,89.75\n";
    let table = read(text);
    assert_eq!(
        table.taxa()[0].lineage().name(Rank::Phylum),
        Some("Bacteroidetes")
    );
    assert_eq!(
        species(&table),
        ["Clostridium_innocuum", "Phocaeicola_vulgatus"]
    );
    assert!(table.notes().iter().any(|note| note.contains("bars")));
}

#[test]
fn ranks_that_went_through_r_still_repeat() {
    let text = "\"\",\"k__Bacteria\",\"k__Bacteria..s__A_b\",\"k__Bacteria..s__C_d\"\n\
                \"A1\",100,60.5,39.5\n\"A2\",100,10.25,89.75\n";
    assert_eq!(names(&read(text)), ["A_b", "C_d"]);
}

// ---- CAMI, KMCP, Centrifuge --------------------------------------------------------------------

const CAMI: &str = "# Taxonomic Profiling Output\n@SampleID:A1\n@Version:0.9.1\n\
    @Ranks:superkingdom|phylum|class|order|family|genus|species\n\n\
    @@TAXID\tRANK\tTAXPATH\tTAXPATHSN\tPERCENTAGE\n\
    2\tsuperkingdom\t2\tBacteria\t98.0\n\
    1239\tphylum\t2|1239\tBacteria|Bacillota\t98.0\n\
    572511\tgenus\t2|1239||||572511\tBacteria|Bacillota||||Blautia\t98.0\n\
    40520\tspecies\t2|1239||||572511|40520\tBacteria|Bacillota||||Blautia|Blautia obeum\t60.5\n\
    33035\tspecies\t2|1239||||572511|33035\tBacteria|Bacillota||||Blautia|Blautia producta\t30\n";

#[test]
fn a_profile_of_cami_keeps_species_and_what_it_lacks() {
    let table = read(CAMI);
    assert_eq!(samples(&table), ["A1"]);
    assert_eq!(table.unit(), Unit::Percent);
    assert_eq!(names(&table), ["Blautia obeum", "Blautia producta"]);
    // 7.5 % stopped at the genus, 2 % were classified nowhere.
    assert_relative_eq!(table.unclassified()[0], 0.095, epsilon = 1e-12);
}

#[test]
fn profiles_of_cami_one_after_another_are_one_table() {
    let two = CAMI.to_owned()
        + &CAMI
            .replace("@SampleID:A1", "@SampleID:A2")
            .replace("60.5", "68");
    let table = read(&two);
    assert_eq!(samples(&table), ["A1", "A2"]);
    assert_relative_eq!(value(&table, "A2", "Blautia obeum"), 68.0);
    let only = |sample: &str, text: &str| {
        let mut options = ReadOptions::default();
        options.sample = Some(sample.to_owned());
        read_bytes(text.as_bytes(), &options)
    };
    let second = only("A2", &two).unwrap();
    assert_eq!(samples(&second), ["A2"]);
    assert_relative_eq!(value(&second, "A2", "Blautia obeum"), 68.0);
    assert_relative_eq!(second.unclassified()[0], 0.02, epsilon = 1e-12);
    assert!(second.notes().iter().any(|note| note.contains("only `A2`")));
    let error = only("A3", &two).unwrap_err().to_string();
    assert!(
        error.contains("`A3`") && error.contains("`A1`, `A2`"),
        "{error}"
    );
    assert_eq!(samples(&only("mine", CAMI).unwrap()), ["mine"]);
}

#[test]
fn a_profile_of_cami_may_have_decimal_commas() {
    let comma = CAMI.replace("98.0", "98,0").replace("60.5", "60,5");
    let mut options = ReadOptions::default();
    options.decimal = Decimal::Comma;
    let table = read_bytes(comma.as_bytes(), &options).unwrap();
    assert_relative_eq!(value(&table, "A1", "Blautia obeum"), 60.5);
    let error = read_bytes(comma.as_bytes(), &ReadOptions::default()).unwrap_err();
    assert!(
        error.to_string().contains("set `decimal` to `,`"),
        "{error}"
    );
}

#[test]
fn a_profile_of_cami_without_names_has_those_of_its_ids() {
    let text: String = CAMI
        .lines()
        .map(|line| {
            let mut fields: Vec<&str> = line.split('\t').collect();
            if fields.len() == 5 {
                fields.remove(3);
            }
            fields.join("\t") + "\n"
        })
        .collect();
    let table = read(&text);
    assert_eq!(names(&table), ["Blautia obeum", "Blautia producta"]);
    assert!(refused("@SampleID:A1\n@Version:0.9.1\n1\tspecies\t1\t1\n").contains("@@TAXID"));
}

const KMCP: &str = "ref\tpercentage\tcoverage\tscore\tchunksFrac\tchunksRelDepth\tchunksRelDepthStd\treads\tureads\thicureads\trefsize\trefname\ttaxid\trank\ttaxname\ttaxpath\ttaxpathsn\n\
    GCF_1\t60.25\t1.1\t99\t1.00\t1;1\t0.1\t600\t500\t400\t4000000\t\t40520\tspecies\tBlautia obeum\tBacteria;Bacillota;Clostridia;Eubacteriales;Lachnospiraceae;Blautia;Blautia obeum\t2;1239;186801;186802;186803;572511;40520\n\
    GCF_2\t20.00\t1.1\t99\t1.00\t1;1\t0.1\t200\t500\t400\t4000000\t\t40520\tspecies\tBlautia obeum\tBacteria;Bacillota;Clostridia;Eubacteriales;Lachnospiraceae;Blautia;Blautia obeum\t2;1239;186801;186802;186803;572511;40520\n\
    GCF_3\t19.75\t1.1\t99\t1.00\t1;1\t0.1\t210\t500\t400\t4000000\t\t821\tspecies\tPhocaeicola vulgatus\t\t\n";

#[test]
fn genomes_of_kmcp_are_added_by_taxon() {
    let table = read_named("a1.kmcp.tsv", KMCP);
    assert_eq!(table.unit(), Unit::Percent);
    assert_eq!(names(&table), ["Blautia obeum", "Phocaeicola vulgatus"]);
    assert_eq!(table.abundance().row(0).1, [80.25, 19.75]);
    let options = ReadOptions::default().with_unit(Unit::Count);
    let table = read_bytes(KMCP.as_bytes(), &options).unwrap();
    assert_eq!(table.abundance().row(0).1, [800.0, 210.0]);
}

#[test]
fn genomes_of_kmcp_without_a_taxonomy_are_taxa() {
    let text: String = KMCP
        .lines()
        .map(|line| line.split('\t').take(12).collect::<Vec<_>>().join("\t") + "\n")
        .collect();
    assert_eq!(names(&read(&text)), ["GCF_1", "GCF_2", "GCF_3"]);
}

const CENTRIFUGE: &str = "name\ttaxID\ttaxRank\tgenomeSize\tnumReads\tnumUniqueReads\tabundance\n\
    root\t1\tno rank\t0\t30\t30\t0.0\n\
    Blautia\t572511\tgenus\t0\t70\t70\t0.0\n\
    Blautia obeum\t40520\tspecies\t3600000\t600\t590\t0.7\n\
    Phocaeicola vulgatus\t821\tspecies\t5000000\t300\t290\t0.3\n";

#[test]
fn a_report_of_centrifuge_holds_fractions_and_reads() {
    let table = read(CENTRIFUGE);
    assert_eq!(table.unit(), Unit::Fraction);
    assert_eq!(table.abundance().row(0).1, [0.7, 0.3]);
    let options = ReadOptions::default().with_unit(Unit::Count);
    let table = read_bytes(CENTRIFUGE.as_bytes(), &options).unwrap();
    assert_eq!(table.abundance().row(0).1, [600.0, 300.0]);
    assert_relative_eq!(table.unclassified()[0], 0.1);
}

#[test]
fn a_report_of_centrifuge_without_fractions_holds_reads() {
    let text = CENTRIFUGE
        .replace("\t0.7\n", "\t0.0\n")
        .replace("\t0.3\n", "\t0.0\n");
    assert_eq!(read(&text).unit(), Unit::Count);
}

// ---- MetaPhlAn 4.2, GTDB, exports from R -------------------------------------------------------

#[test]
fn a_profile_of_metaphlan_4_2_converted_to_gtdb_is_read() {
    let text = "#mpa_vJan25_CHOCOPhlAnSGB_202503\n#/usr/bin/metaphlan x\n#1000 reads processed\n\
                #SampleID\tMetaphlan_Analysis\n#clade_name\trelative_abundance\n\
                UNCLASSIFIED\t10.0\n\
                d__Bacteria\t90.0\nd__Bacteria;p__Bacillota\t90.0\n\
                d__Bacteria;p__Bacillota;s__Blautia_A obeum\t60.0\n\
                d__Bacteria;p__Bacillota;s__Blautia_A wexlerae\t30.0\n";
    let table = read(text);
    assert_eq!(names(&table), ["Blautia_A obeum", "Blautia_A wexlerae"]);
    assert_relative_eq!(table.unclassified()[0], 0.1);
    assert_eq!(species(&table), ["Blautia_obeum", "Blautia_wexlerae"]);
}

#[test]
fn species_of_curated_metagenomic_data_are_read() {
    let text = "\"\",\"S1\",\"S2\"\n\
                \"k__Bacteria|p__Firmicutes|g__Blautia|s__Blautia_obeum\",60.5,100\n\
                \"k__Bacteria|p__Firmicutes|g__Dorea|s__Dorea_longicatena\",39.5,0\n";
    let table = read(text);
    assert_eq!(table.unit(), Unit::Percent);
    assert_eq!(species(&table), ["Blautia_obeum", "Dorea_longicatena"]);
}

#[test]
fn amplicons_with_ranks_in_columns_have_lineages() {
    let (one, other) = ("ACGT".repeat(12), "TGCA".repeat(12));
    let text = format!(
        "\"\",\"Kingdom\",\"Phylum\",\"Genus\",\"Species\",\"S1\",\"S2\"\n\
         \"{one}\",\"Bacteria\",\"Firmicutes\",\"Blautia\",\"obeum\",100,3\n\
         \"{other}\",\"Bacteria\",\"Bacteroidota\",\"Phocaeicola\",NA,20,300\n"
    );
    let table = read(&text);
    assert_eq!((samples(&table).len(), table.unit()), (2, Unit::Count));
    assert_eq!(table.taxa()[0].lineage().name(Rank::Genus), Some("Blautia"));
    assert_eq!(table.taxa()[1].lineage().name(Rank::Species), None);
    assert_eq!(species(&table)[0], "Blautia_obeum");
}

#[test]
fn a_melted_phyloseq_object_is_a_long_table() {
    let text = "OTU,Sample,Abundance,Kingdom,Phylum,Genus\n\
                otu1,S1,100,Bacteria,Firmicutes,Blautia\notu1,S2,3,Bacteria,Firmicutes,Blautia\n\
                otu2,S1,20,Bacteria,Bacteroidota,Phocaeicola\notu2,S2,300,Bacteria,Bacteroidota,Phocaeicola\n";
    let table = read(text);
    assert_eq!(samples(&table), ["S1", "S2"]);
    assert_eq!(table.taxa()[0].lineage().name(Rank::Genus), Some("Blautia"));
}

#[test]
fn a_sequence_table_of_dada2_has_samples_in_rows() {
    let (one, other) = ("ACGT".repeat(12), "TGCA".repeat(12));
    let table = read(&format!(
        "\"\",\"{one}\",\"{other}\"\n\"S1\",100,20\n\"S2\",3,300\n"
    ));
    assert_eq!(samples(&table), ["S1", "S2"]);
}

#[test]
fn blanks_divide_what_nothing_else_does() {
    let text = "\"s__Blautia_obeum\" \"s__Dorea_longicatena\"\n\"S1\" 60.5 39.5\n\"S2\" 10 90\n";
    let table = read(text);
    assert_eq!(samples(&table), ["S1", "S2"]);
    assert_eq!(table.taxa()[1].label(), "s__Dorea_longicatena");
}

// ---- what is no profile ------------------------------------------------------------------------

#[test]
fn known_files_without_profiles_are_named_with_what_to_give_instead() {
    for (text, word) in [
        ("# Pathway\tA1_Abundance\nPWY-1\t3\n", "bugs_list"),
        ("# Gene Family HUMAnN v4\tA1\nUniRef90_A\t3\n", "bugs_list"),
        (
            "ID\tA1\nUniRef90_A0A1\t3\nUniRef90_A0A2\t4\n",
            "table of taxa",
        ),
        ("@HD\tVN:1.6\n@SQ\tSN:x\tLN:3\n", "alignments"),
        (
            "read1\t0\tchr1\t7\t60\t50M\t*\t0\t0\tACGT\tIIII\n",
            "alignments",
        ),
        (">marker\nACGT\n", "StrainPhlAn"),
        ("@r1\nACGT\n+\nIIII\n", "FASTQ"),
        (
            "#mpa_v\nID\tA1\n1__A0A1__G_1\t3\n2__A0A2__G_2\t4\n",
            "rel_ab",
        ),
        ("C\tread1\t821\t100\t821:70\n", "--report"),
    ] {
        let message = refused(text);
        assert!(message.contains(word), "{text}: {message}");
    }
}

// ---- host --------------------------------------------------------------------------------------

#[test]
fn reads_of_the_host_are_no_part_of_the_table() {
    let text = "  5.00\t50\t50\tU\t0\tunclassified\n 95.00\t950\t0\tR\t1\troot\n\
                 40.00\t400\t0\tD\t2759\t  Eukaryota\n 40.00\t400\t400\tS\t9606\t    Homo sapiens\n\
                 55.00\t550\t0\tD\t2\t  Bacteria\n 55.00\t550\t550\tS\t40520\t    Blautia obeum\n";
    let table = read(text);
    assert_eq!(names(&table), ["Blautia obeum"]);
    assert_relative_eq!(table.unclassified()[0], 50.0 / 600.0);
    assert!(
        table
            .notes()
            .iter()
            .any(|note| note.contains("Homo sapiens"))
    );
}

#[test]
fn percentages_beside_the_host_are_those_of_the_rest() {
    let text = "clade_name\tA1\tA2\nk__Bacteria|g__Blautia|s__Blautia_obeum\t30\t50\n\
                k__Bacteria|g__Dorea|s__Dorea_longicatena\t30\t50\n\
                k__Eukaryota|g__Homo|s__Homo_sapiens\t40\t0\n";
    let options = ReadOptions::default().with_unit(Unit::Percent);
    let table = read_bytes(text.as_bytes(), &options).unwrap();
    assert_relative_eq!(value(&table, "A1", "Blautia_obeum"), 50.0);
    assert_relative_eq!(table.unclassified()[0], 0.0);
}

#[test]
fn a_table_of_the_host_alone_is_refused() {
    let message = refused("sample_id\ts__Homo_sapiens\nA1\t100\nA2\t1000\n");
    assert!(message.contains("host"), "{message}");
}

// ---- decisions ---------------------------------------------------------------------------------

#[test]
fn reads_at_the_best_rank_are_disjoint_under_every_header() {
    let rows =
        "k__B\t10\t5\nk__B|g__X\t20\t30\nk__B|g__X|s__X_y\t70\t900\nk__B|g__X|s__X_z\t50\t65\n";
    for header in ["#Classification\tA1\tA2\n", "#mpa_v\nclade_name\tA1\tA2\n"] {
        let options = ReadOptions::default().with_unit(Unit::Count);
        let table = read_bytes((header.to_owned() + rows).as_bytes(), &options).unwrap();
        assert_relative_eq!(table.abundance().row_sums()[0], 150.0);
    }
}

#[test]
fn sums_and_lengths_are_no_samples() {
    for margin in ["total", "length"] {
        let text = format!("taxon\tA1\tA2\t{margin}\ns__A_b\t100\t20\t120\ns__C_d\t7\t5\t12\n");
        let message = refused(&text);
        assert!(
            message.contains("`ignore_columns`") && message.contains(margin),
            "{message}"
        );
        let mut options = ReadOptions::default();
        options.ignore_columns = Some(vec![margin.to_owned()]);
        assert_eq!(
            read_bytes(text.as_bytes(), &options).unwrap().n_samples(),
            2
        );
    }
}

#[test]
fn leaves_divided_by_a_hundred_under_rows_that_are_not_are_refused() {
    let text = "#mpa_v\nclade_name\tA1\tA2\nk__B\t100\t100\nk__B|s__X_y\t0.6\t0.3\n\
                k__B|s__X_z\t0.4\t0.7\n";
    let message = refused(text);
    assert!(message.contains("one unit"), "{message}");
}
