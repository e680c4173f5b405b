//! Plain tables, TSV or CSV, either way round, and the parts that profilers' tables share.

use super::columns::Columns;
use super::decisions::Question;
use super::draft::{Draft, to_draft};
use super::grid::{self, Quotes};
use super::leaf::Hierarchy;
use super::lines::Blocks;
use super::long;
use super::options::{Decimal, Orientation};
use super::orientation;
use super::preamble::Preamble;
use super::source::{Source, sample_name};
use super::units::UnitRule;
use crate::profile::write::Statement;
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
    let preamble = Preamble::read(&first, options.decimal == Decimal::Comma)
        .ok_or_else(|| Error::file(&path, "the file holds comments only"))?;
    let at_header = |message| Error::line(&path, preamble.header_line, message);
    if let Some(question) = &preamble.question {
        return Err(at_header(question.clone()));
    }
    let body = preamble.body(&first);
    let statement = preamble.comments.first();
    let statement = statement.and_then(|line| Statement::of_line(line));
    let written = statement.is_some();
    let columns = Columns::read(&preamble, dialect.quotes, written, options).map_err(at_header)?;
    if let Some(long) = columns.long(options).map_err(at_header)? {
        let mut draft = long::read(blocks, body, &long)?;
        draft.decisions = draft.decisions.after(preamble.decisions);
        return Ok(draft);
    }
    columns.refuse_texts().map_err(at_header)?;
    let mut layout = columns.layout(options);
    if preamble.is_headerless() {
        let sample = options.sample.clone().unwrap_or_else(|| sample_name(&path));
        layout.columns = vec![sample];
    }
    // A table that donormatch wrote has its samples in rows.
    let written = statement.as_ref().map(|_| Orientation::SamplesInRows);
    let headerless = preamble.is_headerless().then_some(Orientation::TaxaInRows);
    let stated = headerless
        .or(options.orientation)
        .or(dialect.orientation)
        .or(written);
    let (orientation, reason) = if let Some(stated) = stated {
        (stated, "declared, or fixed by the format")
    } else {
        let found = orientation::find(columns.corner(), &layout.columns, &columns.row_labels());
        (found.map_err(at_header)?, "told by the labels")
    };
    layout.orientation = Some(orientation);
    let names = layout.columns.clone();
    let grid = grid::read(blocks, body, &layout)?;
    if grid.rows.is_empty() {
        return Err(at_header("no rows follow the header".to_owned()));
    }
    let mut draft = to_draft(grid, names, orientation)?;
    draft.unit = dialect.unit;
    draft.hierarchy = dialect.hierarchy;
    draft.vocabulary = preamble.vocabulary();
    draft.notes.extend(columns.notes());
    if preamble.is_headerless() {
        draft
            .notes
            .push("the first row is read as data: there is no header".to_owned());
    }
    draft.ignored = columns.ignored();
    draft.decisions = preamble.decisions;
    let shape = "a column for each taxon or sample";
    draft.decisions.add(Question::Shape, "wide", shape);
    draft
        .decisions
        .add(Question::Orientation, orientation.as_str(), reason);
    columns.add_decision(&mut draft.decisions);
    if let Some(statement) = statement {
        draft.apply(statement);
    }
    Ok(draft)
}
