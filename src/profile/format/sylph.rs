//! sylph: its own table of genomes, and the profile that sylph-tax makes of it (`.sylphmpa`).

use std::path::Path;

use super::decisions::Question;
use super::draft::{Draft, to_draft};
use super::entries::{Entries, Reported};
use super::grid;
use super::leaf::Hierarchy;
use super::lines::Blocks;
use super::metaphlan;
use super::options::{Decimal, Orientation};
use super::orientation::is_binomial;
use super::preamble::Preamble;
use super::records::{self, Header};
use super::source::{Source, sample_name};
use super::units::UnitRule;
use crate::profile::{Lineage, Rank, Taxon, Unit, Vocabulary};
use crate::{Error, Result};

const GENOMES: [&str; 4] = [
    "Sample_file",
    "Genome_file",
    "Taxonomic_abundance",
    "Sequence_abundance",
];
const TAXONOMIES: &str = "Taxonomies_used:";

/// Whether the text begins as a profile of sylph does, with taxonomy or without.
pub(super) fn is_sylph(head: &[u8]) -> bool {
    let first = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    is_genomes(head)
        || first.starts_with(b"#SampleID")
            && memchr::memmem::find(first, TAXONOMIES.as_bytes()).is_some()
}

fn is_genomes(head: &[u8]) -> bool {
    Header::of(head).is_some_and(|header| header.starts_with(&GENOMES))
}

/// Reads a profile.
pub(super) fn read(source: Source<'_>) -> Result<Draft> {
    if source.options().unit == Some(Unit::Count) {
        return Err(Error::unit(
            "`unit` is `count`, but sylph writes percent and no reads: leave `unit` out",
        ));
    }
    let is_of_genomes = is_genomes(source.head());
    let mut draft = if is_of_genomes {
        read_genomes(source)?
    } else {
        read_taxa(source)?
    };
    draft.unit = UnitRule::Fixed(Unit::Percent);
    Ok(draft)
}

/// A table of genomes: the taxonomic abundance of each, the genome's file its name.
fn read_genomes(source: Source<'_>) -> Result<Draft> {
    let mut entries = Entries::new(source.options());
    records::for_each(source, |header, record| {
        let (sample, genome) = (record.text(0)?, record.text(1)?);
        let contig = record.maybe_text(header.column("Contig_name"))?;
        let percent = record.number(2)?;
        let sample = entries.sample(&sample_name(Path::new(&sample)));
        entries.add(sample, &genome, || genome_of(&genome, &contig), percent)
    })?;
    let mut draft = entries.into_disjoint()?;
    draft.notes.push(
        "sylph's own table names genomes; species were taken from the names of their sequences: \
         `sylph-tax taxprof` gives the lineages of the database"
            .to_owned(),
    );
    draft
        .decisions
        .add(Question::Format, "genomes of sylph", "its columns");
    Ok(draft)
}

/// A genome by the accession in its file's name, its species by the first sequence.
fn genome_of(file: &str, contig: &str) -> Reported {
    let name = sample_name(Path::new(file));
    let name = [".fna", ".fa", ".fasta", "_genomic"]
        .iter()
        .fold(name.as_str(), |name, ending| name.trim_end_matches(ending));
    let mut lineage = Lineage::default();
    let words: Vec<&str> = contig.split(' ').skip(1).take(2).collect();
    let species = words.join(" ");
    if is_binomial(&species) {
        lineage.set(Rank::Genus, words.first().copied().unwrap_or_default());
        lineage.set(Rank::Species, &species);
    }
    Reported {
        taxon: Taxon::with_lineage(name.to_owned(), lineage),
        rank: None,
    }
}

/// A profile of clades, of which the column `relative_abundance` counts.
fn read_taxa(source: Source<'_>) -> Result<Draft> {
    let path = source.path().to_path_buf();
    let options = source.options();
    let mut blocks = Blocks::new(source)?;
    let first = blocks.next_block(8)?;
    let first = first.ok_or_else(|| Error::file(&path, "the file is empty"))?;
    let preamble = Preamble::read(&first, options.decimal == Decimal::Comma)
        .ok_or_else(|| Error::file(&path, "the profile has no rows"))?;
    let names = metaphlan::names_of(&preamble);
    let lead = names.iter().position(|name| name == "relative_abundance");
    let lead = lead.filter(|&at| at > 0).ok_or_else(|| {
        Error::line(
            &path,
            preamble.header_line,
            "expected the columns `clade_name` and `relative_abundance`",
        )
    })?;
    let stated = preamble
        .comments
        .iter()
        .find(|line| line.starts_with("SampleID"));
    let stated: Vec<&str> = stated.map_or(Vec::new(), |line| line.split('\t').collect());
    let of_header = stated.get(1).filter(|name| !name.starts_with(TAXONOMIES));
    let sample = options.sample.clone().unwrap_or_else(|| match of_header {
        Some(name) if !name.is_empty() => (*name).to_owned(),
        _ => sample_name(&path),
    });
    let layout = metaphlan::layout_of_one(&preamble, names.len(), lead, sample, options);
    let body = preamble.body(&first);
    let grid = grid::read(blocks, body, &layout)?;
    let mut draft = to_draft(grid, layout.columns, Orientation::TaxaInRows)?;
    draft.hierarchy = Hierarchy::AllRanks;
    let taxonomies = stated
        .iter()
        .find_map(|field| field.strip_prefix(TAXONOMIES));
    draft.vocabulary = taxonomies.map_or_else(Vocabulary::unknown, vocabulary);
    draft.decisions = preamble.decisions;
    draft
        .decisions
        .add(Question::Format, "profile of sylph-tax", "its first line");
    Ok(draft)
}

/// `['GTDB_r220']` → `gtdb_r220`.
fn vocabulary(taxonomies: &str) -> Vocabulary {
    let names: String = taxonomies
        .chars()
        .filter(|c| !matches!(c, '[' | ']' | '\'' | '"' | ' '))
        .collect();
    if names.is_empty() {
        return Vocabulary::unknown();
    }
    match names.strip_prefix("GTDB_") {
        Some(release) if !release.contains(',') => Vocabulary::new(format!("gtdb_{release}")),
        _ => Vocabulary::new(names),
    }
}
