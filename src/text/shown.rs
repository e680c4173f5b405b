//! Foreign text in messages: nothing in it moves the cursor, turns the direction or ends the line.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};

/// Whether a character acts on a terminal or on the order of the text instead of being read:
/// controls, line and paragraph separators, marks of direction, and the invisible tags with which
/// text is hidden.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Foreign text as it may be shown: characters that act on a terminal or on the order of the text
/// are written out, as `\u{1b}`, so that it stays one line.
///
/// # Examples
/// ```
/// assert_eq!(donormatch::printable("s__A\u{1b}[2J\n"), "s__A\\u{1b}[2J\\u{a}");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, acts)
}

/// [`printable`] of a table or a page of text: tabs and line ends are its own and stay.
#[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "the shell's"))]
pub(crate) fn printable_table(text: &str) -> Cow<'_, str> {
    escaped(text, |c| acts(c) && c != '\n' && c != '\t')
}

fn escaped(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// What `T` displays, made [`printable`].
#[derive(Debug)]
pub(crate) struct Shown<T>(pub(crate) T);

impl<T: Display> Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Escaping(f);
        write!(out, "{}", self.0)
    }
}

/// A writer that makes what passes [`printable`].
struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(&printable(text))
    }
}

/// A number of bytes for people to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = self.0 as f64 / f64::from(1 << 30);
        if gib >= 1.0 {
            write!(f, "{gib:.1} GiB")
        } else {
            write!(f, "{:.1} MiB", gib * 1024.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_or_on_the_direction_is_written_out() {
        assert_eq!(
            printable("a\u{1b}]0;x\u{7}\n\u{9b}31m\u{202e}b\u{2028}c\u{2066}"),
            "a\\u{1b}]0;x\\u{7}\\u{a}\\u{9b}31m\\u{202e}b\\u{2028}c\\u{2066}"
        );
    }

    #[test]
    fn letters_of_every_script_are_left_alone() {
        for text in ["Bläutia", "患者_1", "مريض", "👩‍⚕️", "a b-c_d|e;f"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn a_table_keeps_its_tabs_and_lines() {
        assert_eq!(printable_table("a\tb\r\u{1b}\n"), "a\tb\\u{d}\\u{1b}\n");
    }

    #[test]
    fn what_is_displayed_in_pieces_is_escaped_whole() {
        assert_eq!(
            Shown(format_args!("`{}`: {}", "\u{8}", 1)).to_string(),
            "`\\u{8}`: 1"
        );
    }
}
