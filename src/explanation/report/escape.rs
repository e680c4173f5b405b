//! Foreign text in HTML and SVG.

use crate::text::printable;

/// Text as HTML or SVG that can neither open a tag or an attribute nor form a link, wherever it
/// stands. Control and direction characters are written out.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            '=' => out.push_str("&#61;"),
            ':' => out.push_str("&#58;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_that_html_reads_as_markup_is_left() {
        assert_eq!(
            escape("<a href='javascript:x' onerror=\"`&`\">\u{0}é"),
            "&lt;a href&#61;&#39;javascript&#58;x&#39; onerror&#61;&quot;&#96;&amp;&#96;&quot;&gt;\
             \\u{0}é"
        );
    }
}
