//! The top of a table in text: what divides the fields, which lines are comments, where the header
//! is.
//!
//! * What divides the fields is looked for in the rows, never in comments; blanks divide them only
//!   where nothing else does, as R's `write.table` has it.
//! * A first row whose label looks like the labels below it and whose other fields are numbers
//!   where theirs are is data; a header with numbers for ids has a name over the labels that is
//!   none of them.
//! * A line that begins with `#` and has the number of fields of the rows is the header, where the
//!   first row is data; so is one that begins with `#clade_name`, wherever it stands. Every other
//!   such line is a comment, whatever delimiters it holds.

use std::borrow::Cow;

use super::decisions::{Decisions, Question};
use super::grid::{Quotes, split};
use super::lines::{Block, is_blank, lines};
use super::number;
use super::orientation::{from_corner, has_rank, is_binomial, is_taxon_path};
use crate::profile::Vocabulary;

/// How many rows are looked at.
const N_ROWS: usize = 200;
/// How much text is looked at, if four rows are not longer.
const N_BYTES: usize = 256 << 10;

/// The comment lines, the header and the first rows.
pub(super) struct Preamble {
    /// Lines that begin with `#`, without it, the header left out.
    pub(super) comments: Vec<String>,
    pub(super) delimiter: u8,
    /// Empty where the rows begin without one.
    pub(super) header: Vec<u8>,
    /// The line of the header; of the first row where there is none.
    pub(super) header_line: u64,
    /// The first rows after the header.
    pub(super) rows: Vec<Vec<u8>>,
    /// What is not clear about the header.
    pub(super) question: Option<String>,
    pub(super) decisions: Decisions,
    body: usize,
    body_line: u64,
}

/// A line that is not blank.
#[derive(Clone)]
struct Line {
    number: u64,
    start: usize,
    bytes: Vec<u8>,
}

impl Preamble {
    /// Reads the top of the first block, in which numbers may have a decimal comma or not.
    pub(super) fn read(block: &Block, decimal_comma: bool) -> Option<Self> {
        let (comments, plain) = top(block);
        let first = plain.first()?;
        let delimiter = delimiter(&plain, decimal_comma);
        let rows: Vec<Vec<Cow<'_, [u8]>>> = plain
            .iter()
            .map(|line| fields(&line.bytes, delimiter))
            .collect();
        let named = comments
            .iter()
            .rposition(|line| is_named_header(line, delimiter) && line.number > first.number);
        let before = comments.iter().rposition(|line| line.number < first.number);
        let first_is_data = is_data(&rows);
        let is_header = |at: &usize| {
            comments
                .get(*at)
                .is_some_and(|line| is_comment_header(line, delimiter, &rows, first_is_data))
        };
        let at_comment = named.or(before.filter(is_header));
        let no_header = first_is_data && at_comment.is_none();
        let question = no_header
            .then(|| missing_header(&rows, delimiter))
            .flatten();
        let is_headerless = no_header && question.is_none() && !has_numbers_for_ids(&rows);
        let after_header = match (at_comment, is_headerless) {
            (Some(_), _) if named.is_none() => 0,
            (None, true) => 0,
            _ => 1,
        };
        let header = match at_comment {
            Some(at) => comments.get(at).cloned()?,
            None => first.clone(),
        };
        let body = plain.get(after_header);
        let (body, body_line) = match body {
            Some(row) => (row.start, row.number),
            None => (next_start(&block.bytes, first.start), first.number + 1),
        };
        let mut texts: Vec<String> = comments
            .iter()
            .enumerate()
            .filter(|(at, _)| Some(*at) != at_comment)
            .map(|(_, line)| comment_text(&line.bytes))
            .collect();
        if named.is_some() {
            texts.push(comment_text(&first.bytes));
        }
        let mut decisions = Decisions::default();
        let name = delimiter_name(delimiter);
        if is_headerless {
            decisions.add(
                Question::Header,
                format!("none; fields divided by {name}"),
                "the first row is like the rows below it",
            );
        } else {
            decisions.add(
                Question::Header,
                format!("line {}; fields divided by {name}", header.number),
                if at_comment.is_some() {
                    "a line after `#` with a field for each of the rows"
                } else {
                    "the first line that is no comment, and no row like those below it"
                },
            );
        }
        if !texts.is_empty() {
            decisions.add(
                Question::Comments,
                format!("{} lines", texts.len()),
                "they begin with `#` and are no header",
            );
        }
        Some(Self {
            comments: texts,
            delimiter,
            header: if is_headerless {
                Vec::new()
            } else {
                without_hash(&header.bytes).to_vec()
            },
            header_line: header.number,
            rows: plain
                .get(after_header..)
                .unwrap_or_default()
                .iter()
                .map(|line| line.bytes.clone())
                .collect(),
            question,
            decisions,
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

    /// Whether the rows begin without a header.
    pub(super) fn is_headerless(&self) -> bool {
        self.header.is_empty()
    }

    /// The quotes of a format that has none in its own files: spreadsheets add them.
    pub(super) fn quotes(&self, own: Quotes) -> Quotes {
        if self.delimiter == b'\t' {
            own
        } else {
            Quotes::Enclose
        }
    }

    /// The database of a `#mpa_v…` line.
    pub(super) fn vocabulary(&self) -> Vocabulary {
        self.comments
            .iter()
            .find(|comment| comment.starts_with("mpa_"))
            .map_or_else(Vocabulary::unknown, |comment| {
                Vocabulary::new(comment.replace(['\t', ',', ';'], "_"))
            })
    }
}

/// The comments above the second row, and the first rows.
fn top(block: &Block) -> (Vec<Line>, Vec<Line>) {
    let mut comments = Vec::new();
    let mut plain: Vec<Line> = Vec::new();
    let (mut at, mut n_bytes) = (0, 0);
    for (bytes, number) in lines(&block.bytes).zip(block.first_line..) {
        let start = at;
        at = next_start(&block.bytes, at);
        if [b',', b';', b'\t'].iter().any(|&d| is_blank(bytes, d)) {
            continue;
        }
        let line = Line {
            number,
            start,
            bytes: bytes.to_vec(),
        };
        let is_comment = bytes.starts_with(b"#") || plain.is_empty() && bytes.starts_with(b"\"#");
        if is_comment && plain.len() < 2 {
            comments.push(line);
        } else {
            plain.push(line);
        }
        n_bytes += bytes.len();
        if plain.len() > N_ROWS || (plain.len() > 3 && n_bytes > N_BYTES) {
            break;
        }
    }
    (comments, plain)
}

fn next_start(bytes: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', bytes.get(at..).unwrap_or_default()).map_or(bytes.len(), |n| at + n + 1)
}

fn without_hash(line: &[u8]) -> Cow<'_, [u8]> {
    match line {
        [b'#', rest @ ..] => Cow::Borrowed(rest),
        [b'"', b'#', rest @ ..] => {
            let mut quoted = vec![b'"'];
            quoted.extend_from_slice(rest);
            Cow::Owned(quoted)
        }
        other => Cow::Borrowed(other),
    }
}

fn comment_text(line: &[u8]) -> String {
    let line = without_hash(line);
    let text = String::from_utf8_lossy(&line);
    text.trim_end_matches([',', ';', '\t', ' ', '"'])
        .trim_start_matches('"')
        .trim()
        .to_owned()
}

/// The fields of a line without the empty ones at its end; quotes that do not close are ordinary.
fn fields(line: &[u8], delimiter: u8) -> Vec<Cow<'_, [u8]>> {
    let fields = split(line, delimiter, Quotes::Enclose)
        .or_else(|_| split(line, delimiter, Quotes::Ordinary));
    let mut fields = fields.unwrap_or_default();
    while fields
        .last()
        .is_some_and(|field| field.trim_ascii().is_empty())
    {
        fields.pop();
    }
    fields
}

/// The delimiter under which most fields of the rows are numbers, the header being divided too.
fn delimiter(plain: &[Line], decimal_comma: bool) -> u8 {
    let Some(first) = plain.first() else {
        return b'\t';
    };
    if memchr::memchr(b'\t', &first.bytes).is_some() {
        return b'\t';
    }
    let candidates: &[u8] = if decimal_comma { b"\t; " } else { b"\t,; " };
    let mut best = ((false, false, 0), b'\t');
    for &delimiter in candidates {
        if delimiter == b' ' && best.0.0 {
            break;
        }
        let n_first = fields(&first.bytes, delimiter).len();
        let rows: Vec<_> = plain
            .iter()
            .take(50)
            .map(|line| fields(&line.bytes, delimiter))
            .collect();
        let below = rows.get(1..).unwrap_or_default();
        let widest = below.iter().map(Vec::len).max().unwrap_or(n_first);
        let agree = widest > 1 && n_first.abs_diff(widest) <= 1;
        let n_numbers = below
            .iter()
            .flat_map(|row| row.iter().skip(1))
            .filter(|field| is_number_like(field))
            .count();
        let score = (agree, n_first > 1, n_numbers);
        if score > best.0 {
            best = (score, delimiter);
        }
    }
    best.1
}

fn delimiter_name(delimiter: u8) -> &'static str {
    match delimiter {
        b',' => "commas",
        b';' => "semicolons",
        b' ' => "blanks",
        _ => "tabs",
    }
}

/// Whether a field is a number in any notation that people write.
pub(super) fn is_number_like(field: &[u8]) -> bool {
    std::str::from_utf8(field).is_ok_and(|text| {
        let text = text.trim();
        text.parse::<f64>().is_ok()
            || number::is_decimal_comma(text)
            || number::may_have_thousands(text)
    })
}

fn is_named_header(line: &Line, delimiter: u8) -> bool {
    let text = without_hash(&line.bytes);
    let fields = fields(&text, delimiter);
    fields.len() > 1
        && fields
            .first()
            .is_some_and(|name| name.trim_ascii() == b"clade_name")
}

fn is_comment_header(
    line: &Line,
    delimiter: u8,
    rows: &[Vec<Cow<'_, [u8]>>],
    first_is_data: bool,
) -> bool {
    let text = without_hash(&line.bytes);
    let names = fields(&text, delimiter);
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let is_taken = text.starts_with(b"mpa_") || text.starts_with(b"tool_version=");
    names.len() > 1
        && !is_taken
        && names.len().abs_diff(width) <= 1
        && (first_is_data || is_named_header(line, delimiter))
}

/// Whether the first row has numbers where the rows below have them.
fn is_data(rows: &[Vec<Cow<'_, [u8]>>]) -> bool {
    let Some((first, below)) = rows.split_first() else {
        return false;
    };
    let is_number =
        |row: &[Cow<'_, [u8]>], at: usize| row.get(at).is_some_and(|field| is_number_like(field));
    if below.is_empty() {
        return (1..first.len()).any(|at| is_number(first, at));
    }
    let width = below.iter().map(Vec::len).max().unwrap_or(0);
    if first.len() + 1 == width && (0..first.len()).all(|at| is_number(first, at)) {
        // A header of numbers without a name over the labels.
        return false;
    }
    let mut numeric = (1..width)
        .filter(|&at| below.iter().filter(|row| is_number(row, at)).count() * 2 > below.len())
        .peekable();
    numeric.peek().is_some() && numeric.all(|at| is_number(first, at))
}

fn text_of<'a>(row: &'a [Cow<'_, [u8]>]) -> Cow<'a, str> {
    row.first()
        .map_or(Cow::Borrowed(""), |field| String::from_utf8_lossy(field))
}

fn is_taxon(label: &str) -> bool {
    has_rank(label)
        || is_taxon_path(label)
        || is_binomial(label)
        || super::draft::is_unclassified(label)
}

/// Whether the first row is a header whose ids are numbers: the name over the labels is blank, a
/// word for such a name, or no taxon where all labels are.
fn has_numbers_for_ids(rows: &[Vec<Cow<'_, [u8]>>]) -> bool {
    const WORDS: [&str; 6] = ["id", "index", "name", "names", "row.names", "label"];
    let corner = rows.first().map_or(Cow::Borrowed(""), |row| text_of(row));
    let corner = corner.trim();
    let below = rows.get(1..).unwrap_or_default();
    let n_taxa = below
        .iter()
        .filter(|row| is_taxon(text_of(row).trim()))
        .count();
    corner.is_empty()
        || from_corner(corner).is_some()
        || WORDS.iter().any(|word| corner.eq_ignore_ascii_case(word))
        || (!is_taxon(corner) && !below.is_empty() && n_taxa * 5 >= below.len() * 4)
}

/// What to ask where the first row is data and no header was found; nothing where it is clear.
fn missing_header(rows: &[Vec<Cow<'_, [u8]>>], delimiter: u8) -> Option<String> {
    if has_numbers_for_ids(rows) {
        return None;
    }
    let first = rows.first()?;
    let label = text_of(first);
    let below = rows.get(1..).unwrap_or_default();
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let n_taxa = below
        .iter()
        .filter(|row| is_taxon(text_of(row).trim()))
        .count();
    let labels_are_taxa = is_taxon(label.trim()) && n_taxa * 2 >= below.len();
    if labels_are_taxa && width == 2 {
        return None;
    }
    let shown = number::shown(label.as_bytes());
    let d = match delimiter {
        b'\t' => "<tab>".to_owned(),
        other => char::from(other).to_string(),
    };
    let example = if labels_are_taxa {
        format!("taxon{d}sample_1{d}sample_2")
    } else {
        format!("sample_id{d}s__Blautia_obeum{d}s__Segatella_copri")
    };
    Some(format!(
        "the header is missing: the row of `{shown}` has numbers like the rows below it; put a \
         line before it that names all {width} columns, such as `{example}` (if it is the header, \
         name its first field `taxon` or `sample_id`)"
    ))
}
