//! Workbooks of spreadsheets (`.xlsx`, `.ods`): the first sheet as text, one line a row.
//!
//! A sheet is read cell by cell into text with tabs, never into a grid: a single cell in the last
//! corner of a sheet would make a grid of 17 billion. What is text then goes the way of every other
//! text, so that a workbook may hold whatever format a file may.

use std::path::Path;

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use super::ReadLimits;
use super::tabbed::push_cell;
use super::zipped::{self, Archive, member};
use crate::{Error, Result};

const XLSX: &str = "xl/workbook.xml";
const XLSB: &str = "xl/workbook.bin";
const ODS: &str = "content.xml";
const RELATIONS: &str = "xl/_rels/workbook.xml.rels";
const SHARED: &str = "xl/sharedStrings.xml";

/// The first sheet of a workbook.
pub(super) struct Workbook {
    /// Its cells, divided by tabs; line `n` is row `n`.
    pub(super) text: Vec<u8>,
    /// What is to be told the user.
    pub(super) note: String,
}

/// The first sheet, if the archive is a workbook.
///
/// # Errors
/// [`Error::File`] where the workbook is damaged, empty, or grows beyond the limits.
pub(super) fn read(
    bytes: &[u8],
    n_packed: u64,
    limits: &ReadLimits,
    path: &Path,
) -> Result<Option<Workbook>> {
    let mut archive = zipped::open(bytes, limits, path)?;
    let members = zipped::members(&archive, path)?;
    let has = |name: &str| members.iter().any(|member| member == name);
    let limit = limits.unpacked(n_packed) as usize;
    let damaged = |message: String| Error::file(path, message);
    if has(XLSB) {
        return Err(Error::file(
            path,
            "a binary Excel workbook (`.xlsb`): save it as `.xlsx`, or its sheet as CSV",
        ));
    }
    let (kind, sheets, rows) = if has(XLSX) {
        let mut text = |name: &str| part(&mut archive, name, limits, n_packed, path);
        let (workbook, relations) = (text(XLSX)?, text(RELATIONS)?);
        let sheets = sheets(&workbook).map_err(damaged)?;
        let (_, relation) = sheets
            .first()
            .ok_or_else(|| damaged("the workbook has no sheet".into()))?;
        let target = target(&relations, relation).map_err(damaged)?;
        let sheet = text(&target)?;
        let shared = if has(SHARED) {
            shared_texts(&text(SHARED)?).map_err(damaged)?
        } else {
            Vec::new()
        };
        let rows = xlsx_rows(&sheet, &shared, limit).map_err(damaged)?;
        let sheets = sheets.into_iter().map(|(name, _)| name).collect();
        ("an Excel workbook", sheets, rows)
    } else if has(ODS) && has("META-INF/manifest.xml") {
        let content = part(&mut archive, ODS, limits, n_packed, path)?;
        let (sheets, rows) = ods_rows(&content, limit).map_err(damaged)?;
        ("an OpenDocument spreadsheet", sheets, rows)
    } else {
        return Ok(None);
    };
    let sheets: Vec<String> = sheets;
    let Some(first) = sheets.first() else {
        return Err(Error::file(path, format!("{kind} without a sheet")));
    };
    if rows.out.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::file(
            path,
            format!("{kind} whose first sheet, `{first}`, is empty"),
        ));
    }
    let note = match sheets.len() {
        1 => format!("{kind}: its sheet `{first}` was read"),
        n => format!("{kind}: the first of {n} sheets, `{first}`, was read"),
    };
    Ok(Some(Workbook {
        text: rows.out,
        note,
    }))
}

fn part<B: AsRef<[u8]>>(
    archive: &mut Archive<B>,
    name: &str,
    limits: &ReadLimits,
    whole: u64,
    path: &Path,
) -> Result<String> {
    let (bytes, _) = member(archive, name, limits, whole, path)?;
    String::from_utf8(bytes)
        .map_err(|_| Error::file(path, format!("the member `{name}` is not UTF-8")))
}

/// Cells of a sheet, written as they come.
struct Rows {
    out: Vec<u8>,
    limit: usize,
    /// The row that is written, counted from 1.
    row_number: usize,
    /// The cells of it that are written.
    cell_number: usize,
}

impl Rows {
    fn new(limit: usize) -> Self {
        Self {
            out: Vec::new(),
            limit,
            row_number: 0,
            cell_number: 0,
        }
    }

    fn pad(&mut self, byte: u8, n: usize) -> Result<(), String> {
        if n > self.limit.saturating_sub(self.out.len()) {
            return Err(format!(
                "the sheet would unpack to more than the {} bytes allowed by `limits.expansion`",
                self.limit
            ));
        }
        self.out.resize(self.out.len() + n, byte);
        Ok(())
    }

    /// Goes to a row, counted from 1.
    fn row(&mut self, row: usize) -> Result<(), String> {
        let row = row.max(self.row_number + 1);
        let n = if self.row_number == 0 {
            row - 1
        } else {
            row - self.row_number
        };
        self.pad(b'\n', n)?;
        self.row_number = row;
        self.cell_number = 0;
        Ok(())
    }

    /// Writes a cell at a column, counted from 0.
    fn cell(&mut self, column: usize, text: &str) -> Result<(), String> {
        if text.is_empty() {
            return Ok(());
        }
        let n = (column + 1).saturating_sub(self.cell_number.max(1));
        self.pad(b'\t', n)?;
        self.cell_number = column + 1;
        // Quotes take two bytes each, and two enclose a cell.
        self.pad(b' ', 2 * text.len() + 2)?;
        let start = self.out.len() - (2 * text.len() + 2);
        self.out.truncate(start);
        push_cell(&mut self.out, text);
        Ok(())
    }
}

fn broken(error: impl std::fmt::Display) -> String {
    format!("the workbook is damaged: {error}")
}

/// The value of an attribute, whose name may have a namespace before it.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag
        .attributes()
        .filter_map(Result::ok)
        .find(|attribute| local(attribute.key.as_ref()) == name)?;
    let value = unescape(&found.value).ok()?;
    Some(value.into_owned())
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// Names and relation ids of the sheets that are not hidden; of all where all are.
fn sheets(workbook: &str) -> Result<Vec<(String, String)>, String> {
    let mut reader = Reader::from_str(workbook);
    let (mut shown, mut hidden) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().map_err(broken)? {
            Event::Start(tag) | Event::Empty(tag) if local(tag.name().as_ref()) == "sheet" => {
                let name = attribute(&tag, "name").unwrap_or_default();
                let relation = attribute(&tag, "id").unwrap_or_default();
                let is_shown = attribute(&tag, "state").is_none_or(|state| state == "visible");
                let sheets = if is_shown { &mut shown } else { &mut hidden };
                sheets.push((name, relation));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    Ok(if shown.is_empty() { hidden } else { shown })
}

/// The member that a relation names.
fn target(relations: &str, wanted: &str) -> Result<String, String> {
    let mut reader = Reader::from_str(relations);
    loop {
        match reader.read_event().map_err(broken)? {
            Event::Start(tag) | Event::Empty(tag)
                if attribute(&tag, "Id").is_some_and(|id| id == wanted) =>
            {
                let target = attribute(&tag, "Target").unwrap_or_default();
                return Ok(match target.strip_prefix('/') {
                    Some(whole) => whole.to_owned(),
                    None => format!("xl/{target}"),
                });
            }
            Event::Eof => return Err(format!("the workbook has no sheet `{wanted}`")),
            _ => {}
        }
    }
}

/// The text of an event, references undone.
fn text_of(event: &Event<'_>) -> Option<String> {
    match event {
        Event::Text(text) => Some(text.xml10_content().into_owned()),
        Event::CData(text) => Some(text.xml10_content().into_owned()),
        Event::GeneralRef(name) => {
            let written = format!("&{};", name.xml10_content());
            Some(unescape(&written).map_or_else(|_| String::new(), std::borrow::Cow::into_owned))
        }
        _ => None,
    }
}

/// The texts that cells of an Excel workbook refer to; phonetic readings are no part of them.
fn shared_texts(shared: &str) -> Result<Vec<String>, String> {
    let mut reader = Reader::from_str(shared);
    let mut texts = Vec::new();
    let (mut text, mut is_text, mut is_phonetic) = (String::new(), false, false);
    loop {
        let event = reader.read_event().map_err(broken)?;
        match &event {
            Event::Start(tag) => match local(tag.name().as_ref()) {
                "si" => text.clear(),
                "t" => is_text = !is_phonetic,
                "rPh" => is_phonetic = true,
                _ => {}
            },
            Event::Empty(tag) if local(tag.name().as_ref()) == "si" => texts.push(String::new()),
            Event::End(tag) => match local(tag.name().as_ref()) {
                "si" => texts.push(std::mem::take(&mut text)),
                "t" => is_text = false,
                "rPh" => is_phonetic = false,
                _ => {}
            },
            Event::Eof => return Ok(texts),
            _ => {
                if let (true, Some(more)) = (is_text, text_of(&event)) {
                    text.push_str(&more);
                }
            }
        }
    }
}

/// The column of a reference such as `AB12`, counted from 0.
fn column_of(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let mut column = 0_usize;
    for letter in letters {
        let digit = usize::from(letter.to_ascii_uppercase() - b'A') + 1;
        column = column.checked_mul(26)?.checked_add(digit)?;
    }
    // Excel has 16,384 columns.
    column.checked_sub(1).filter(|&column| column < 1 << 14)
}

fn xlsx_rows(sheet: &str, shared: &[String], limit: usize) -> Result<Rows, String> {
    let mut reader = Reader::from_str(sheet);
    let mut rows = Rows::new(limit);
    let (mut column, mut kind) = (0, String::new());
    let (mut text, mut is_text) = (String::new(), false);
    loop {
        let event = reader.read_event().map_err(broken)?;
        match &event {
            Event::Start(tag) | Event::Empty(tag) => match local(tag.name().as_ref()) {
                "row" => {
                    let number = attribute(tag, "r").and_then(|row| row.parse().ok());
                    rows.row(number.unwrap_or(0))?;
                    column = 0;
                }
                "c" => {
                    let reference = attribute(tag, "r");
                    if let Some(reference) = reference {
                        column = column_of(&reference)
                            .ok_or_else(|| broken(format!("a cell `{reference}`")))?;
                    }
                    kind = attribute(tag, "t").unwrap_or_default();
                    text.clear();
                    if matches!(event, Event::Empty(_)) {
                        column += 1;
                    }
                }
                "v" | "t" => is_text = matches!(event, Event::Start(_)),
                _ => {}
            },
            Event::End(tag) => match local(tag.name().as_ref()) {
                "v" | "t" => is_text = false,
                "c" => {
                    let shown = shown_value(&text, &kind, shared)?;
                    rows.cell(column, &shown)?;
                    column += 1;
                }
                _ => {}
            },
            Event::Eof => return Ok(rows),
            _ => {
                if let (true, Some(more)) = (is_text, text_of(&event)) {
                    text.push_str(&more);
                }
            }
        }
    }
}

/// What a cell shows: shared texts are numbered, logical values are 0 and 1.
fn shown_value(text: &str, kind: &str, shared: &[String]) -> Result<String, String> {
    match kind {
        "s" => text
            .trim()
            .parse()
            .ok()
            .and_then(|at: usize| shared.get(at).cloned())
            .ok_or_else(|| broken(format!("there is no text number `{text}`"))),
        "b" => Ok(if text.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// The names of the sheets, and the rows of the first.
fn ods_rows(content: &str, limit: usize) -> Result<(Vec<String>, Rows), String> {
    let mut reader = Reader::from_str(content);
    let mut rows = Rows::new(limit);
    let mut names = Vec::new();
    let mut cells: Vec<(usize, usize, String)> = Vec::new();
    let (mut row, mut n_same_rows, mut column, mut n_same) = (1, 1, 0, 1);
    let (mut text, mut stated, mut is_text) = (String::new(), None, false);
    loop {
        let event = reader.read_event().map_err(broken)?;
        let is_first = names.len() <= 1;
        match &event {
            Event::Start(tag) | Event::Empty(tag) => {
                let is_empty = matches!(event, Event::Empty(_));
                match local(tag.name().as_ref()) {
                    "table" if !is_empty => {
                        names.push(attribute(tag, "name").unwrap_or_default());
                    }
                    "table-row" if is_first => {
                        n_same_rows = repeated(tag, "number-rows-repeated");
                        column = 0;
                        cells.clear();
                        if is_empty {
                            row += n_same_rows;
                        }
                    }
                    "table-cell" | "covered-table-cell" if is_first => {
                        n_same = repeated(tag, "number-columns-repeated");
                        stated = number_of(tag);
                        text.clear();
                        if is_empty {
                            push(
                                &mut cells,
                                column,
                                n_same,
                                &stated.take().unwrap_or_default(),
                            )?;
                            column += n_same;
                        }
                    }
                    "p" => {
                        if !text.is_empty() {
                            text.push(' ');
                        }
                        is_text = !is_empty;
                    }
                    "s" if is_text => text.push(' '),
                    // Remarks are no part of a cell.
                    "annotation" if !is_empty => {
                        let end = tag.to_end().into_owned();
                        reader.read_to_end(end.name()).map_err(broken)?;
                    }
                    _ => {}
                }
            }
            Event::End(tag) => match local(tag.name().as_ref()) {
                "p" => is_text = false,
                "table-cell" | "covered-table-cell" if is_first => {
                    let shown = stated.take().unwrap_or_else(|| std::mem::take(&mut text));
                    push(&mut cells, column, n_same, &shown)?;
                    column += n_same;
                }
                "table-row" if is_first => {
                    for _ in 0..if cells.is_empty() { 0 } else { n_same_rows } {
                        rows.row(row)?;
                        row += 1;
                        for &(first, n, ref text) in &cells {
                            for column in first..first + n {
                                rows.cell(column, text)?;
                            }
                        }
                    }
                    if cells.is_empty() {
                        row += n_same_rows;
                    }
                }
                _ => {}
            },
            Event::Eof => return Ok((names, rows)),
            _ => {
                if let (true, Some(more)) = (is_text, text_of(&event)) {
                    text.push_str(&more);
                }
            }
        }
    }
}

/// A number or a logical value as it is stored, rather than as it is shown.
fn number_of(tag: &BytesStart<'_>) -> Option<String> {
    match attribute(tag, "value-type")?.as_str() {
        "float" | "percentage" | "currency" => attribute(tag, "value"),
        "boolean" => attribute(tag, "boolean-value").map(|value| value.to_uppercase()),
        "date" => attribute(tag, "date-value"),
        _ => None,
    }
}

/// How often a cell or row is repeated; LibreOffice has 16,384 columns and 1,048,576 rows.
fn repeated(tag: &BytesStart<'_>, name: &str) -> usize {
    let n = attribute(tag, name).and_then(|n| n.parse().ok());
    n.unwrap_or(1_usize).clamp(1, 1 << 20)
}

/// Keeps a cell with the number of its columns; blank ones are only counted.
fn push(
    cells: &mut Vec<(usize, usize, String)>,
    column: usize,
    n: usize,
    text: &str,
) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    if column + n > 1 << 14 {
        return Err(broken("a row of more than 16,384 cells"));
    }
    cells.push((column, n, text.to_owned()));
    Ok(())
}
