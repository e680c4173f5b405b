//! Profiles in the format of CAMI (bioboxes, versions 0.9 and 0.10): every rank, in percent, one
//! sample after another.

use std::borrow::Cow;

use super::decisions::Question;
use super::draft::Draft;
use super::entries::{Entries, Reported};
use super::lines::{Blocks, label};
use super::number;
use super::source::{Source, sample_name};
use super::units::UnitRule;
use crate::profile::{Lineage, Rank, Taxon, Unit, Vocabulary, ncbi};
use crate::{Error, Result};

/// What does not sum to 100 by more than rounding was not classified.
const ROUNDING: f64 = 0.05;

/// Whether the text begins as a profile of CAMI does.
pub(super) fn is_cami(head: &[u8]) -> bool {
    let mut lines = head.split(|&byte| byte == b'\n');
    let is_blank = |line: &&[u8]| line.trim_ascii().is_empty() || line.starts_with(b"#");
    let first = lines.find(|line| !is_blank(line)).unwrap_or_default();
    [
        &b"@SampleID:"[..],
        b"@Version:",
        b"@Ranks:",
        b"@@TAXID",
        b"@TaxonomyID:",
    ]
    .iter()
    .any(|start| {
        first.len() >= start.len()
            && first
                .iter()
                .zip(*start)
                .all(|(a, b)| a.eq_ignore_ascii_case(b))
    })
}

/// What the header of the present sample says.
struct Section {
    sample: u32,
    ranks: Vec<Option<Rank>>,
    columns: Vec<String>,
    /// The sum of each of our ranks.
    sums: [f64; 8],
}

/// Reads a profile, or one sample of several: the one whose `@SampleID` is `sample`.
pub(super) fn read(source: Source<'_>) -> Result<Draft> {
    let path = source.path().to_path_buf();
    let options = source.options();
    if options.unit == Some(Unit::Count) {
        return Err(Error::unit(
            "`unit` is `count`, but a profile of CAMI holds percent: leave `unit` out",
        ));
    }
    let mut entries = Entries::new(options);
    let unnamed = sample_name(&path);
    let mut section: Option<Section> = None;
    let mut vocabulary = Vocabulary::unknown();
    Blocks::new(source)?.for_each_line(|line, bytes| {
        let at_line = |message: String| Error::line(&path, line, message);
        if bytes.starts_with(b"#") {
            return Ok(());
        }
        if bytes.starts_with(b"@") {
            let text = label(bytes, &options.limits).map_err(at_line)?;
            let fresh = |entries: &mut Entries<'_>, name: &str| Section {
                sample: entries.sample(name),
                ranks: Vec::new(),
                columns: Vec::new(),
                sums: [0.0; 8],
            };
            if let Some(columns) = text.strip_prefix("@@") {
                let section = section.get_or_insert_with(|| fresh(&mut entries, &unnamed));
                section.columns = columns
                    .split('\t')
                    .map(|name| name.trim().to_uppercase())
                    .collect();
                return Ok(());
            }
            let (key, value) = text.split_once(':').unwrap_or((text.as_str(), ""));
            match key.to_ascii_lowercase().as_str() {
                "@sampleid" => {
                    if let Some(done) = section.take() {
                        add_rest(&mut entries, &done);
                    }
                    let value = value.trim();
                    let name = if value.is_empty() { &unnamed } else { value };
                    section = Some(fresh(&mut entries, name));
                }
                "@ranks" => {
                    let section = section.get_or_insert_with(|| fresh(&mut entries, &unnamed));
                    section.ranks = value.split('|').map(ncbi::rank_of).collect();
                }
                "@taxonomyid" if !value.trim().is_empty() => {
                    vocabulary = match value.to_lowercase() {
                        value if value.contains("gtdb") => Vocabulary::new("gtdb"),
                        _ => Vocabulary::new("ncbi"),
                    };
                }
                _ => {}
            }
            return Ok(());
        }
        let section = section
            .as_mut()
            .filter(|section| !section.columns.is_empty())
            .ok_or_else(|| {
                at_line(
                    "expected `@@TAXID`, the names of the columns, before the first row".to_owned(),
                )
            })?;
        add_row(&mut entries, section, bytes, options).map_err(at_line)
    })?;
    match &section {
        Some(done) => add_rest(&mut entries, done),
        None => return Err(Error::file(path, "the profile has no `@@TAXID` line")),
    }
    let mut draft = entries.into_ranks()?;
    draft.unit = UnitRule::Fixed(Unit::Percent);
    draft.vocabulary = vocabulary;
    if let Some(stated) = &options.sample {
        draft
            .keep_or_name(stated)
            .map_err(|error| error.at_path(&path))?;
    }
    draft.decisions.add(
        Question::Format,
        "profile of CAMI",
        "lines that begin with `@`",
    );
    Ok(draft)
}

fn add_row(
    entries: &mut Entries<'_>,
    section: &mut Section,
    bytes: &[u8],
    options: &super::ReadOptions,
) -> Result<(), String> {
    let fields: Vec<&[u8]> = bytes.split(|&byte| byte == b'\t').collect();
    let text = |name: &str| -> Result<Option<String>, String> {
        let at = section.columns.iter().position(|column| column == name);
        let field = at.and_then(|at| fields.get(at));
        field.map(|field| label(field, &options.limits)).transpose()
    };
    let needed = |name: &str| text(name)?.ok_or_else(|| format!("the row has no `{name}`"));
    let percent = number::with_decimal(needed("PERCENTAGE")?.as_bytes(), options.decimal)?;
    let (id, word) = (needed("TAXID")?, needed("RANK")?);
    let rank = ncbi::rank_of(&word);
    let ids = text("TAXPATH")?.unwrap_or_default();
    let names = text("TAXPATHSN")?.unwrap_or_default();
    let lineage = lineage(&ids, &names, &section.ranks);
    if let Some(sum) = rank.and_then(|rank| section.sums.get_mut(rank as usize)) {
        *sum += percent;
    }
    let Some((deepest, _)) = lineage.deepest() else {
        entries.add_unclassified(section.sample, percent);
        return Ok(());
    };
    let label = lineage.to_string();
    let reported = || Reported {
        taxon: Taxon::with_lineage(label.clone(), lineage.clone()),
        rank: Some(deepest),
    };
    // Strains may share a name, and differ in their id.
    let key = if rank == Some(Rank::Strain) {
        Cow::Owned(format!("{label}\t{id}"))
    } else {
        Cow::Borrowed(&label)
    };
    entries.add(section.sample, &key, reported, percent)
}

/// The names of a path, or what its ids stand for, by the ranks that the header lists.
fn lineage(ids: &str, names: &str, ranks: &[Option<Rank>]) -> Lineage {
    let mut lineage = Lineage::default();
    let ids: Vec<&str> = ids.split('|').collect();
    let names: Vec<&str> = names.split('|').collect();
    for at in 0..ids.len().max(names.len()) {
        let rank = match ranks.get(at) {
            Some(rank) => *rank,
            None => Rank::ALL.get(at).copied(),
        };
        let Some(rank) = rank else { continue };
        let name = names.get(at).map_or("", |name| name.trim());
        let id = ids.get(at).map_or("", |id| id.trim());
        let name = match (name, ncbi::named(id)) {
            ("", Some(known)) => known.name.to_owned(),
            ("", None) if !id.is_empty() => format!("NCBI:txid{id}"),
            (name, _) => name.to_owned(),
        };
        lineage.set(rank, &name);
    }
    lineage
}

/// What a sample lacks of 100 percent at its fullest rank.
fn add_rest(entries: &mut Entries<'_>, section: &Section) {
    let fullest = section.sums.iter().copied().fold(0.0, f64::max);
    let rest = 100.0 - fullest;
    if fullest > 0.0 && rest > ROUNDING {
        entries.add_unclassified(section.sample, rest);
    }
}
