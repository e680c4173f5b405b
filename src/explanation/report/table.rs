//! The heads of the tables and the axes of their bars.

use std::fmt::Write as _;

use crate::ranking::Ranking;
use crate::ranking::text::rounded;

/// Right ends of the two axes, shared by all recipients so that bars compare.
pub(super) struct Scale {
    pub(super) response: f64,
    pub(super) severe_irae: f64,
}

impl Scale {
    pub(super) fn of(ranking: &Ranking) -> Self {
        let end = |values: &mut dyn Iterator<Item = f64>| {
            let tenths = (values.fold(0.0_f64, f64::max) * 10.0 - 1e-9).ceil();
            tenths.clamp(1.0, 10.0) / 10.0
        };
        let rows = &ranking.rows;
        Self {
            response: end(&mut rows
                .iter()
                .flat_map(|r| [r.p_response_hi, r.p_response_baseline])),
            severe_irae: end(&mut rows.iter().map(|row| row.p_severe_irae_hi)),
        }
    }

    /// The columns of the donors.
    pub(super) fn columns(&self) -> [String; 13] {
        let axis = |name: &str, end: f64| format!("{name}<br>0 to {} %", rounded(100.0 * end));
        [
            "Rank".to_owned(),
            "Donor".to_owned(),
            "Verdict".to_owned(),
            axis("Response", self.response),
            axis("Severe irAE", self.severe_irae),
            "Myo-<br>carditis".to_owned(),
            "Response vs<br>random donor".to_owned(),
            "Utility".to_owned(),
            "P(better<br>than random)".to_owned(),
            "P(best)".to_owned(),
            "Places".to_owned(),
            "Taxa gained,<br>kept, lost".to_owned(),
            "Deleterious<br>lost".to_owned(),
        ]
    }
}

/// The columns of the recipients.
pub(super) const GLANCE: [&str; 9] = [
    "Recipient",
    "Verdicts",
    "Without<br>transplant",
    "First in order",
    "Its response",
    "First beats<br>second",
    "Responses missed in 100<br>first · random",
    "First tier",
    "Stays first under<br>other weights",
];

/// A table up to its body, in a region that a keyboard can reach and move where it is wider than the
/// page; the label is escaped.
pub(super) fn open_table(label: &str, class: &str, columns: &[impl AsRef<str>]) -> String {
    let mut out = format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{label}\">\
         <table{class}><thead><tr>"
    );
    for column in columns {
        let _ = write!(out, "<th scope=\"col\">{}", column.as_ref());
    }
    out.push_str("</tr></thead><tbody>\n");
    out
}
