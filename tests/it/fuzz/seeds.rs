//! What is mutated, by reader.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

#[cfg(feature = "containers")]
use donormatch::profile::{ReadOptions, read_bytes};

/// Small files of each reader.
pub(super) type Seeds = BTreeMap<&'static str, Vec<Vec<u8>>>;

/// Tables of profilers whose columns are known by name, by reader.
const PROFILERS: [(&str, &[&str]); 8] = [
    (
        "kraken_combined",
        &[
            "#Number of Samples: 2\n#S1\t9\ta.report\n#S2\t9\tb.report\n#perc\ttot_all\ttot_lvl\t1_all\t1_lvl\t2_all\t2_lvl\tlvl_type\ttaxid\tname\n9\t18\t0\t9\t0\t9\t0\tR\t1\troot\n9\t18\t18\t9\t9\t9\t9\tS\t5\t  X y\n",
        ],
    ),
    (
        "taxpasta",
        &[
            "taxonomy_id\tname\trank\tlineage\ta\tb\n0\t\t\t\t2\t3\n821\tX y\tspecies\tB;X;X y\t9\t5\n",
            "taxonomy_id\tcount\n0\t2\n821\t9\n40520\t1\n",
            "sample\ttaxonomy_id\tcount\na\t821\t9\nb\t821\t1\n",
        ],
    ),
    (
        "kaiju",
        &[
            "file\tpercent\treads\ttaxon_id\ttaxon_name\na.out\t90\t9\t821\tB;X;X y;\na.out\t10\t1\tNA\tunclassified\n",
        ],
    ),
    (
        "singlem",
        &["sample\tcoverage\ttaxonomy\na\t9.5\tRoot; d__B\na\t4\tRoot; d__B; s__X y\n"],
    ),
    (
        "sylph",
        &[
            "#SampleID\ta\tTaxonomies_used:['GTDB_r220']\nclade_name\trelative_abundance\tsequence_abundance\nd__B\t100\t9\nd__B|s__X y\t100\t9\n",
            "Sample_file\tGenome_file\tTaxonomic_abundance\tSequence_abundance\tContig_name\na.fq\tg.fna\t100\t9\tN Xyz abc z\n",
        ],
    ),
    (
        "cami",
        &[
            "@SampleID:a\n@Version:0.9.1\n@Ranks:superkingdom|species\n@@TAXID\tRANK\tTAXPATH\tTAXPATHSN\tPERCENTAGE\n2\tsuperkingdom\t2\tB\t99\n821\tspecies\t2|821\tB|X y\t98\n",
        ],
    ),
    (
        "kmcp",
        &[
            "ref\tpercentage\tscore\treads\ttaxid\trank\ttaxname\ttaxpath\ttaxpathsn\ng\t100\t9\t9\t821\tspecies\tX y\tB;X y\t2;821\n",
        ],
    ),
    (
        "centrifuge",
        &[
            "name\ttaxID\ttaxRank\tgenomeSize\tnumReads\tnumUniqueReads\tabundance\nX y\t821\tspecies\t9\t9\t9\t1.0\n",
        ],
    ),
];

/// Small files of our own making, by reader.
pub(super) fn seeds() -> Seeds {
    let texts: [(&str, &[&str]); 14] = [
        (
            "metaphlan",
            &[
                "#mpa_v\nclade_name\ta\tb\nk__B\t100\t60\nk__B|s__X\t40\t60\nk__B|s__X|t__SGB1\t40\t60\nUNCLASSIFIED\t0\t40\n",
                "#mpa_v\n#x reads processed\n#SampleID\tMetaphlan_Analysis\n#clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species\nk__B|s__X\t1|2\t100.0\t\n",
            ],
        ),
        (
            "motus",
            &[
                "# git tag version 3.0.3 | motus version 3.0.3 | calc_motu 3.0.3 -c\n# call: x\n#consensus_taxonomy\tNCBI_tax_id\ts\nLeptospira x [ref_mOTU_v3_00001]\tNA\t3\nunassigned\tNA\t17\n",
            ],
        ),
        (
            "kraken_report",
            &[
                " 10.00\t1\t1\tU\t0\tunclassified\n 90.00\t9\t0\tR\t1\troot\n 90.00\t9\t1\tD\t2\t  Bacteria\n 80.00\t8\t8\tS\t5\t    X y\n",
            ],
        ),
        (
            "bracken",
            &[
                "name\ttaxonomy_id\ttaxonomy_lvl\tkraken_assigned_reads\tadded_reads\tnew_est_reads\tfraction_total_reads\nX y\t1\tS\t5\t1\t6\t0.6\nX z\t2\tS\t4\t0\t4\t0.4\n",
                "name\ttaxonomy_id\ttaxonomy_lvl\ta_num\ta_frac\tb_num\tb_frac\nX y\t1\tS\t5\t1.0\t6\t1.0\n",
            ],
        ),
        ("mpa", &["d_B\t9\nd_B|p_P\t9\nd_B|p_P|s_X y\t8\n"]),
        (
            "delimited",
            &[
                "sample_id,s__A_b,s__C_d\nx,0.25,0.75\n\"y\",1,0\n",
                "\"s__A\"\t\"s__B\"\n\"x\"\t3\t200\n\"y\"\t1\t500\n",
                "# Constructed from biom file\n#OTU ID\ta\tb\ttaxonomy\n1\t3\t200\tk__B; p__C\n",
            ],
        ),
        (
            "biom_json",
            &[
                "{\"type\":\"OTU table\",\"matrix_type\":\"sparse\",\"shape\":[1,1],\"rows\":[{\"id\":\"t\",\"metadata\":{\"taxonomy\":[\"k__B\"]}}],\"columns\":[{\"id\":\"s\"}],\"data\":[[0,0,5]]}",
            ],
        ),
        ("newick", &["((a:1,'b c':2e-3)0.9.1:0.5,c[x]);"]),
        (
            "taxonomy",
            &["Feature ID\tTaxon\tConfidence\n1\tk__B; p__C\t0.9\n\n2\tD_0__Bacteria;D_1__X\t1\n"],
        ),
        (
            "signature",
            &[
                "# name: mine\n# version: 2\n# source: x\ntaxon\tnote\n[Clostridium] bolteae\tx\nAgathobacter rectalis, Roseburia hominis\t\ng__Segatella\t\nSGB1626\t\n",
            ],
        ),
        (
            "lineage",
            &[
                "k__Bacteria|p__Firmicutes|c__Clostridia|o__Eubacteriales|f__Lachnospiraceae|g__Blautia|s__Blautia_wexlerae|t__SGB4837_group\n[Clostridium] innocuum\nPrevotella copri\ns__GGB3109_SGB4121\n",
                "d__Bacteria;p__Bacillota_A;c__Clostridia;o__Lachnospirales;f__Lachnospiraceae;g__Blautia_A;s__Blautia_A wexlerae\nd__Bacteria;g__Faecalibacterium;s__Faecalibacterium prausnitzii_C\n",
                "D_0__Bacteria;D_1__Firmicutes;D_5__Prevotella 9;D_6__uncultured bacterium\nBacteria;Bacteroidota;Bacteroidia;Bacteroidales;Prevotellaceae;Prevotella_7;\nEscherichia-Shigella\n",
            ],
        ),
        (
            "metadata",
            &[
                "sample_id\tsubject\tstudy\tcohort\tcancer\tresponse\tsevere_irae\tday\nD\ts\tx\ty\tmelanoma\t1\tNA\t0\nR\tt\tx\ty\t\tno\tyes\t-3.5\n",
                "study,donor,donor_samples,recipient,baseline,follow_up,day,antibiotics,response\nx,d,D;D,r,R,F,28,1,0\nx,d,\"D\",r,R,,NA,,\n",
            ],
        ),
        (
            "screening",
            &[
                "donor_id\tdonor_type\tcollected_on\tesbl\tvre\tvre_on\tbatch_id\tmade_on\nD\thealthy\t2026-10-20\tpositive\tnegative\t2026-10-02\tB\t2026-10-20\n",
                "donor_id,parent_donor_id,entry,result,on\nA,,esbl,negative,2026-10-20\nB,A,bmi,22.5,2026-10-20\n",
                "[[donor]]\ndonor_id = \"D\"\ndonor_type = \"consortium\"\n[donor.answers]\nesbl = { result = \"negative\", on = 2026-10-20 }\nstrain_list = [\"a\", \"b\"]\n",
            ],
        ),
        (
            "config",
            &[
                "name = \"a\"\n[[patients]]\nprofiles = \"p.tsv\"\nmetadata = \"m.tsv\"\n[[transplants]]\nprofiles = \"p\"\nmetadata = \"m\"\nrank = \"species\"\n[matcher.response]\nn_members = 3\n",
            ],
        ),
    ];
    let mut seeds: Seeds = texts
        .into_iter()
        .chain(PROFILERS)
        .map(|(name, texts)| {
            (
                name,
                texts.iter().map(|text| text.as_bytes().to_vec()).collect(),
            )
        })
        .collect();
    containers(&mut seeds);
    genuine(&mut seeds);
    let packed = seeds["metaphlan"].iter().chain(&seeds["delimited"]);
    let packed = packed.map(|seed| gzip(seed)).collect();
    seeds.insert("recognized", packed);
    seeds.insert("model", vec![super::readers::payload()]);
    seeds
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[cfg(not(feature = "containers"))]
fn containers(_: &mut Seeds) {}

/// A Parquet file by our writer, the same as Arrow IPC, and artifacts around the JSON seed and
/// around a taxonomy.
#[cfg(feature = "containers")]
fn containers(seeds: &mut Seeds) {
    use donormatch::profile::{WriteFormat, write};

    hdf5(seeds);
    let table = read_bytes(&seeds["delimited"][0], &ReadOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    write(&path, &table, WriteFormat::Parquet).unwrap();
    seeds.insert("parquet", vec![std::fs::read(&path).unwrap()]);
    seeds.insert("arrow_ipc", vec![arrow_ipc()]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/readers");
    for (reader, name) in [
        ("workbook", "workbook.xlsx"),
        ("workbook", "workbook.ods"),
        ("parquet", "taxpasta.parquet"),
        ("arrow_ipc", "taxpasta.feather"),
        ("arrow_ipc", "wide.arrows"),
    ] {
        let seed = std::fs::read(folder.join(name)).unwrap();
        seeds.entry(reader).or_default().push(seed);
    }
    seeds.entry("workbook").or_default().push(workbook());
    let table = artifact(
        "FeatureTable[Frequency]",
        "feature-table.biom",
        &seeds["biom_json"][0],
    );
    seeds.insert("qiime2_artifact", vec![table]);
    let taxonomy = artifact(
        "FeatureData[Taxonomy]",
        "taxonomy.tsv",
        &seeds["taxonomy"][0],
    );
    seeds.entry("taxonomy").or_default().push(taxonomy);
}

#[cfg(feature = "containers")]
fn artifact(kind: &str, name: &str, content: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let metadata = format!("uuid: u\ntype: {kind}\n");
    let members: [(&str, &[u8]); 3] = [
        ("u/VERSION", b"QIIME 2\narchive: 5\n"),
        ("u/metadata.yaml", metadata.as_bytes()),
        (&format!("u/data/{name}"), content),
    ];
    for (name, bytes) in members {
        zip.start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook that is stored and not packed, so that a mutation meets its cells.
#[cfg(feature = "containers")]
fn workbook() -> Vec<u8> {
    let sheet = "<table:table table:name=\"a\"><table:table-row><table:table-cell><text:p>sample_id</text:p></table:table-cell><table:table-cell table:number-columns-repeated=\"2\"/><table:table-cell><text:p>s__A_b</text:p></table:table-cell></table:table-row><table:table-row table:number-rows-repeated=\"1\"><table:table-cell><text:p>x&amp;y</text:p></table:table-cell><table:table-cell table:number-columns-repeated=\"2\"/><table:table-cell office:value-type=\"float\" office:value=\"250\"/></table:table-row></table:table>";
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, text) in [("META-INF/manifest.xml", "<m/>"), ("content.xml", sheet)] {
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Two samples in rows, one taxon a column.
#[cfg(feature = "containers")]
fn arrow_ipc() -> Vec<u8> {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};

    let columns: [(&str, ArrayRef); 3] = [
        ("sample_id", Arc::new(StringArray::from(vec!["x", "y"]))),
        ("s__A_b", Arc::new(Float64Array::from(vec![0.25, 1.0]))),
        ("s__C_d", Arc::new(Float64Array::from(vec![0.75, 0.0]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

/// The HDF5 files of `tests/data/readers`.
#[cfg(feature = "containers")]
fn hdf5(seeds: &mut Seeds) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/readers");
    for (reader, name) in [("biom_hdf5", "small.biom"), ("anndata", "small.h5ad")] {
        seeds
            .entry(reader)
            .or_default()
            .push(std::fs::read(folder.join(name)).unwrap());
    }
}

fn genuine(seeds: &mut Seeds) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/formats");
    for (name, inside) in [
        ("metaphlan", "metaphlan"),
        ("motus", "motus"),
        ("kraken_report", "kraken2"),
        ("bracken", "bracken"),
        ("mpa", "bracken"),
        ("delimited", "tsv_csv"),
        ("delimited", "humann"),
        ("delimited", "phyloseq"),
        ("biom_json", "biom_json"),
        ("biom_hdf5", "biom_hdf5"),
        ("anndata", "h5ad"),
        ("qiime2_artifact", "qza"),
        ("parquet", "arrow_parquet"),
        ("arrow_ipc", "arrow_parquet"),
        ("newick", "newick"),
        ("taxonomy", "qiime2_taxonomy_tsv"),
        ("lineage", "gtdb"),
        ("metadata", "qiime2_taxonomy_tsv"),
    ] {
        let Ok(entries) = std::fs::read_dir(folder.join(inside)) else {
            eprintln!(
                "skipped: genuine seeds of {name}, `{}` is absent",
                folder.display()
            );
            continue;
        };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let is_arrow = path.extension().is_some_and(|ending| ending == "arrow");
            let ending = path.extension().unwrap_or_default();
            if ending == "rst" || path.ends_with("ORIGIN.tsv") {
                continue;
            }
            let mut bytes = unpacked(std::fs::read(&path).unwrap());
            if name == "lineage" {
                // Each line is a taxon, and a few dozen are as good as hundreds.
                bytes.truncate(4_096);
            }
            if bytes.len() < 65_536
                && (inside != "arrow_parquet" || is_arrow == (name == "arrow_ipc"))
            {
                seeds.entry(name).or_default().push(bytes);
            }
        }
    }
}

/// The text inside a `.gz`, which a mutation would otherwise hardly reach.
fn unpacked(bytes: Vec<u8>) -> Vec<u8> {
    if !bytes.starts_with(b"\x1f\x8b") {
        return bytes;
    }
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(&bytes[..])
        .read_to_end(&mut text)
        .unwrap();
    text
}
