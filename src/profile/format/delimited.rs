//! Plain tables, TSV or CSV, either way round, and the parts that profilers' tables share.

use super::draft::{Draft, Hierarchy};
use super::grid::{self, Grid, Layout, Quotes, Trail};
use super::lines::{Block, Blocks, label, lines};
use super::orientation;
use super::source::Source;
use super::units::UnitRule;
use super::{Orientation, ReadLimits};
use crate::profile::write::Statement;
use crate::profile::{CsrMatrix, Lineage, Taxon, Vocabulary};
use crate::{Error, Result};

/// What a format fixes about its tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    pub(super) unit: UnitRule,
    pub(super) hierarchy: Hierarchy,
    pub(super) quotes: Quotes,
    pub(super) orientation: Option<Orientation>,
}

/// A table of which nothing is known.
pub(super) const PLAIN: Dialect = Dialect {
    unit: UnitRule::FromSums,
    hierarchy: Hierarchy::Unknown,
    quotes: Quotes::Enclose,
    orientation: None,
};

/// The comment lines, the header and the place of the first row.
pub(super) struct Preamble {
    /// Lines that begin with `#`, without it, the header left out.
    pub(super) comments: Vec<String>,
    pub(super) header: Vec<u8>,
    pub(super) header_line: u64,
    pub(super) first_row: Option<Vec<u8>>,
    body: usize,
    body_line: u64,
}

impl Preamble {
    /// Reads the top of the first block.
    pub(super) fn read(block: &Block) -> Option<Self> {
        let mut comments: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut plain: Vec<(u64, usize, Vec<u8>)> = Vec::new();
        let mut at = 0;
        for (line, number) in lines(&block.bytes).zip(block.first_line..) {
            let start = at;
            at = next_start(&block.bytes, at);
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match line.strip_prefix(b"#") {
                Some(comment) if plain.len() < 2 => comments.push((number, comment.to_vec())),
                _ => plain.push((number, start, line.to_vec())),
            }
            if plain.len() == 2 {
                break;
            }
        }
        let (line, start, first) = plain.first()?.clone();
        let fields = n_fields(&first);
        let header_is_comment = comments.last().is_some_and(|(number, text)| {
            *number < line
                && fields > 1
                && n_fields(text) > 1
                && !text.starts_with(b"tool_version=")
                && n_fields(text).abs_diff(fields) <= 1
        });
        let (header_line, header, body, body_line, first_row) = if header_is_comment {
            let (number, header) = comments.pop()?;
            (number, header, start, line, Some(first))
        } else {
            // Between a header and its rows MetaPhlAn 2 leaves a line of comment.
            let after = next_start(&block.bytes, start);
            let (body, body_line, row) = match plain.into_iter().nth(1) {
                Some((number, start, row)) => (start, number, Some(row)),
                None => (after, line + 1, None),
            };
            (line, first, body, body_line, row)
        };
        let comments = comments
            .iter()
            .map(|(_, text)| String::from_utf8_lossy(text).trim().to_owned())
            .collect();
        Some(Self {
            comments,
            header,
            header_line,
            first_row,
            body,
            body_line,
        })
    }

    /// What follows the header in its block.
    pub(super) fn body(&self, block: &Block) -> Block {
        Block {
            bytes: block.bytes.get(self.body..).unwrap_or_default().to_vec(),
            first_line: self.body_line,
        }
    }

    /// The database of a `#mpa_v…` line.
    pub(super) fn vocabulary(&self) -> Vocabulary {
        self.comments
            .iter()
            .find(|comment| comment.starts_with("mpa_"))
            .map_or_else(Vocabulary::unknown, |comment| {
                Vocabulary::new(comment.replace('\t', "_"))
            })
    }
}

fn next_start(bytes: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', bytes.get(at..).unwrap_or_default()).map_or(bytes.len(), |n| at + n + 1)
}

fn n_fields(line: &[u8]) -> usize {
    memchr::memchr_iter(b'\t', line).count() + 1
}

/// Reads a plain table.
pub(super) fn read(source: Source<'_>) -> Result<Draft> {
    read_as(source, PLAIN)
}

/// Reads a table of this dialect.
pub(super) fn read_as(source: Source<'_>, dialect: Dialect) -> Result<Draft> {
    let path = source.path().to_path_buf();
    let options = source.options();
    let mut blocks = Blocks::new(source)?;
    let first = blocks.next_block(4)?;
    let first = first.ok_or_else(|| Error::file(&path, "the file is empty"))?;
    let preamble =
        Preamble::read(&first).ok_or_else(|| Error::file(&path, "the file holds comments only"))?;
    let at_header = |message| Error::line(&path, preamble.header_line, message);
    let header = Header::read(&preamble, dialect, &options.limits).map_err(at_header)?;
    let body = preamble.body(&first);
    let mut layout = header.layout();
    let statement = preamble.comments.first();
    let statement = statement.and_then(|line| Statement::of_line(line));
    // A table that donormatch wrote has its samples in rows.
    let written = statement.as_ref().map(|_| Orientation::SamplesInRows);
    let stated = options.orientation.or(dialect.orientation).or(written);
    let orientation = if let Some(stated) = stated {
        stated
    } else {
        let row_labels = header.row_labels(&body, &options.limits);
        orientation::find(header.corner.as_deref(), &layout.columns, &row_labels)
            .map_err(at_header)?
    };
    layout.orientation = Some(orientation);
    let columns = layout.columns.clone();
    let grid = grid::read(blocks, body, &layout)?;
    if grid.rows.is_empty() {
        return Err(at_header("no rows follow the header".to_owned()));
    }
    let mut draft = to_draft(grid, columns, orientation)?;
    draft.unit = dialect.unit;
    draft.hierarchy = dialect.hierarchy;
    draft.vocabulary = preamble.vocabulary();
    if let Some(statement) = statement {
        draft.apply(statement);
    }
    Ok(draft)
}

/// The header of a table, understood.
struct Header {
    delimiter: u8,
    quotes: Quotes,
    /// The name of the column of labels, where there is one.
    corner: Option<String>,
    lead: usize,
    columns: Vec<String>,
    trail: usize,
    keep: Option<usize>,
}

impl Header {
    fn read(preamble: &Preamble, dialect: Dialect, limits: &ReadLimits) -> Result<Self, String> {
        let delimiter = find_delimiter(preamble, dialect.quotes)?;
        let mut names = grid::split(&preamble.header, delimiter, dialect.quotes)?
            .iter()
            .map(|field| label(field, limits))
            .collect::<Result<Vec<_>, _>>()?;
        if names.len() > limits.axis {
            return Err(format!(
                "more than the {} columns that `limits.axis` allows",
                limits.axis
            ));
        }
        let n_row = match &preamble.first_row {
            Some(row) => grid::split(row, delimiter, dialect.quotes)?.len(),
            None => names.len(),
        };
        // R's `write.table` leaves the column of labels without a name.
        let corner = (n_row != names.len() + 1).then(|| names.remove(0));
        let lead = 1 + names.iter().take_while(|name| is_text_before(name)).count();
        let trail = usize::from(names.len() > lead && names.last().is_some_and(|n| is_lineage(n)));
        if names.len() < lead + trail {
            return Err("expected a label and at least one column of numbers".to_owned());
        }
        let keep = if trail == 1 {
            Some(names.len())
        } else {
            let leading = names.iter().take(lead - 1);
            leading
                .zip(1..)
                .find(|(name, _)| is_lineage(name))
                .map(|(_, field)| field)
        };
        names.drain(..lead - 1);
        names.truncate(names.len() - trail);
        Ok(Self {
            delimiter,
            quotes: dialect.quotes,
            corner,
            lead,
            columns: names,
            trail,
            keep,
        })
    }

    fn layout(&self) -> Layout {
        Layout {
            delimiter: self.delimiter,
            quotes: self.quotes,
            lead: self.lead,
            columns: self.columns.clone(),
            trail: Trail::Exactly(self.trail),
            keep: self.keep,
            orientation: None,
        }
    }

    /// The labels of the first rows, as far as they can be read.
    fn row_labels(&self, body: &Block, limits: &ReadLimits) -> Vec<String> {
        lines(&body.bytes)
            .filter(|line| !line.iter().all(u8::is_ascii_whitespace))
            .take(200)
            .filter_map(|line| {
                let fields = grid::split(line, self.delimiter, self.quotes).ok()?;
                label(fields.first()?, limits).ok()
            })
            .collect()
    }
}

/// The delimiter under which the header and the first row agree.
fn find_delimiter(preamble: &Preamble, quotes: Quotes) -> Result<u8, String> {
    let header = preamble.header.as_slice();
    if memchr::memchr(b'\t', header).is_some() || quotes == Quotes::Ordinary {
        return Ok(b'\t');
    }
    let row = preamble.first_row.as_deref().unwrap_or(header);
    let mut best = None;
    for delimiter in [b'\t', b',', b';'] {
        let (Ok(names), Ok(fields)) = (
            grid::split(header, delimiter, quotes),
            grid::split(row, delimiter, quotes),
        ) else {
            continue;
        };
        let agree =
            fields.len() > 1 && (names.len() == fields.len() || names.len() + 1 == fields.len());
        let numbers = fields
            .iter()
            .skip(1)
            .filter(|field| is_number_like(field))
            .count();
        if agree && best.is_none_or(|(most, _)| numbers > most) {
            best = Some((numbers, delimiter));
        }
    }
    match best {
        Some((_, delimiter)) => Ok(delimiter),
        None if memchr::memchr(b',', header).is_some() => Ok(b','),
        None => Err(
            "expected fields divided by tabs, commas or semicolons, as many in the header as in \
             the first row"
                .to_owned(),
        ),
    }
}

fn is_number_like(field: &[u8]) -> bool {
    std::str::from_utf8(field).is_ok_and(|text| {
        let text = text.trim();
        text.parse::<f64>().is_ok() || super::number::is_decimal_comma(text)
    })
}

/// Columns between the label and the abundances that are none.
fn is_text_before(name: &str) -> bool {
    const KNOWN: [&str; 8] = [
        "ncbi_tax_id",
        "ncbi_taxid",
        "clade_taxid",
        "taxonomy_id",
        "tax_id",
        "taxid",
        "consensus_taxonomy",
        "taxonomy_lvl",
    ];
    is_lineage(name) || KNOWN.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Columns of lineages, which BIOM tools write last and mOTUs second.
fn is_lineage(name: &str) -> bool {
    const KNOWN: [&str; 6] = [
        "taxonomy",
        "consensus_taxonomy",
        "consensus lineage",
        "consensuslineage",
        "lineage",
        "taxon",
    ];
    KNOWN.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// A grid with its meaning: which of rows and columns are taxa.
pub(super) fn to_draft(
    mut grid: Grid,
    columns: Vec<String>,
    orientation: Orientation,
) -> Result<Draft> {
    let lines = std::mem::take(&mut grid.row_lines);
    let latin_1 = grid.has_latin_1;
    let matrix = CsrMatrix::new(columns.len(), grid.indptr, grid.indices, grid.values)?;
    let mut draft = match orientation {
        Orientation::TaxaInRows => {
            let taxa = if grid.kept.len() == grid.rows.len() {
                let both = grid.rows.into_iter().zip(&grid.kept);
                both.map(|(label, lineage)| with_lineage(label, lineage))
                    .collect()
            } else {
                grid.rows.into_iter().map(Taxon::new).collect()
            };
            let mut draft = Draft::new(columns, taxa, matrix);
            draft.lines = lines;
            draft
        }
        Orientation::SamplesInRows => {
            let taxa = columns.into_iter().map(Taxon::new).collect();
            Draft::new(grid.rows, taxa, matrix.transpose())
        }
    };
    if latin_1 {
        draft
            .notes
            .push("labels that are not UTF-8 were read as Latin-1".to_owned());
    }
    Ok(draft)
}

/// A taxon whose lineage stands beside its id; an unreadable lineage leaves it with the id alone.
pub(super) fn with_lineage(label: String, lineage: &str) -> Taxon {
    let lineage = Lineage::parse(lineage);
    if lineage.is_empty() {
        Taxon::new(label)
    } else {
        Taxon::with_lineage(label, lineage)
    }
}
