//! Cells → text with tabs, for content that goes the way of every other text.

/// Adds a cell: what would divide cells or lines becomes a blank, quotes are enclosed in quotes.
pub(super) fn push_cell(out: &mut Vec<u8>, text: &str) {
    let text = text.replace(['\t', '\n', '\r'], " ");
    if text.contains('"') {
        out.push(b'"');
        out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}
