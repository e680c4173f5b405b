//! A ranking as aligned text, for reading on a terminal.

use std::fmt::Write as _;

use super::{NOT_ELIGIBLE, Ranking, RankingRow, RecipientSummary};
use crate::text::printable;

/// The sentence that stands over every result meant for reading.
pub const RESEARCH_USE: &str = "Research use only: not a medical device, not for choosing a donor \
for a patient. Figures are associations, not proven effects.";

const HEADER: [&str; 9] = [
    "rank",
    "donor",
    "response",
    "vs random",
    "severe irAE",
    "myocarditis",
    "utility",
    "P(best)",
    "notes",
];

/// Columns read as text stand left, numbers right.
const LEFT: [bool; 9] = [false, true, false, false, false, false, false, false, true];

impl Ranking {
    /// The ranking for reading: one aligned block a recipient, abstention first where it applies,
    /// percentages rounded, the telling columns only.
    ///
    /// Without trailing blanks; control characters in ids are escaped, so that no id can steer
    /// the terminal. For machines use [`Ranking::to_tsv`].
    ///
    /// # Examples
    /// ```
    /// # use donormatch::ranking::{RESEARCH_USE, Ranking, RankingParams};
    /// # let ranking = Ranking {
    /// #     rows: vec![],
    /// #     summaries: vec![],
    /// #     donor_order_agreement: None,
    /// #     params: RankingParams::default(),
    /// # };
    /// assert!(ranking.to_text().starts_with(RESEARCH_USE));
    /// ```
    pub fn to_text(&self) -> String {
        let mut out = format!("{RESEARCH_USE}\n");
        for (summary, rows) in self.by_recipient() {
            write_recipient(&mut out, summary, rows);
        }
        let weights = &self.params.weights;
        let _ = write!(
            out,
            "\nutility = {}·(response − mean of eligible donors) − {}·severe irAE − {}·myocarditis; \
             {} % intervals\n",
            weights.response,
            weights.severe_irae,
            weights.myocarditis,
            rounded(100.0 * self.params.level),
        );
        if let Some(warning) = self.same_order_warning() {
            let _ = writeln!(out, "note: {warning}");
        }
        out
    }

    /// See [`same_order_warning`].
    pub fn same_order_warning(&self) -> Option<&'static str> {
        same_order_warning(self.donor_order_agreement)
    }
}

/// What to tell a reader where every recipient gets the same order of donors, by the
/// [`donor_order_agreement`](super::donor_order_agreement); `None` where orders differ or there is
/// nothing to compare.
pub fn same_order_warning(donor_order_agreement: Option<f64>) -> Option<&'static str> {
    donor_order_agreement
        .filter(|&agreement| agreement > 0.999)
        .map(|_| {
            "every recipient gets the same order of donors: here the models tell donors apart, \
             not pairs"
        })
}

fn write_recipient(out: &mut String, summary: &RecipientSummary, rows: &[RankingRow]) {
    let _ = write!(
        out,
        "\nrecipient {}",
        printable(summary.recipient_id.as_str())
    );
    if let Some(row) = rows.first() {
        let _ = write!(
            out,
            " (response without transplant {})",
            percent(row.p_response_baseline)
        );
    }
    out.push('\n');
    if summary.abstain {
        let _ = writeln!(out, "  ABSTAIN: {}", printable(&summary.reason));
    } else if let Some(p) = summary.p_first_beats_second {
        let _ = writeln!(
            out,
            "  the first beats the second in {} of draws",
            percent(p)
        );
    }
    let lines: Vec<[String; 9]> = std::iter::once(HEADER.map(str::to_owned))
        .chain(rows.iter().map(|row| cells(row, summary)))
        .collect();
    let widths: [usize; 9] = std::array::from_fn(|column| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or(0)
    });
    for line in &lines {
        let mut text = String::from(" ");
        for ((cell, width), left) in line.iter().zip(widths).zip(LEFT) {
            text.push(' ');
            let blanks = " ".repeat(width - cell.chars().count());
            let (before, after) = if left {
                ("", blanks.as_str())
            } else {
                (blanks.as_str(), "")
            };
            let _ = write!(text, "{before}{cell}{after}");
            text.push(' ');
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
}

fn cells(row: &RankingRow, summary: &RecipientSummary) -> [String; 9] {
    let eligible = row.is_eligible();
    // Reasons that hold for every row stand once above the table; this flag is its own reason.
    let flags = row
        .flags
        .iter()
        .map(String::as_str)
        .filter(|flag| *flag != NOT_ELIGIBLE);
    let own_reason = row.own_reason(summary);
    let notes = flags.chain((!own_reason.is_empty()).then_some(own_reason));
    [
        if eligible {
            row.rank.to_string()
        } else {
            "–".to_owned()
        },
        printable(row.donor_id.as_str()).into_owned(),
        with_interval(row.p_response, row.p_response_lo, row.p_response_hi),
        format!("{:+.1}", 100.0 * row.delta_response + 0.0),
        with_interval(
            row.p_severe_irae,
            row.p_severe_irae_lo,
            row.p_severe_irae_hi,
        ),
        percent(row.p_myocarditis),
        format!("{:+.3}", row.utility),
        percent(row.p_best),
        printable(&notes.collect::<Vec<_>>().join("; ")).into_owned(),
    ]
}

fn with_interval(mean: f64, lo: f64, hi: f64) -> String {
    format!("{} ({:.0}–{:.0})", percent(mean), 100.0 * lo, 100.0 * hi)
}

/// A probability for reading: whole percents, one more digit below ten.
pub(crate) fn percent(probability: f64) -> String {
    let percent = 100.0 * probability;
    if percent > 0.0 && percent < 9.95 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.0} %")
    }
}

/// At most six digits after the point, without trailing zeros.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::super::RankingParams;
    use super::super::synthetic::pair;
    use super::*;

    fn two_donors() -> Ranking {
        let mut second = pair("donor_with_a_long_name", "r1", vec![0.3; 40]);
        second.flags = vec!["prevotella_rich_donor_with_dual_inhibition".into()];
        RankingParams::default()
            .rank(&[pair("d1", "r1", vec![0.5; 40]), second])
            .unwrap()
    }

    #[test]
    fn the_table_reads_like_this() {
        // A snapshot of text, checked by eye.
        let expected = "\
recipient r1 (response without transplant 20 %)
  the first beats the second in 100 % of draws
  rank  donor                        response  vs random    severe irAE  myocarditis  utility  P(best)  notes
     1  d1                       50 % (50–50)      +10.0  10 % (10–10)        1.0 %   +0.020    100 %
     2  donor_with_a_long_name   30 % (30–30)      -10.0  10 % (10–10)        1.0 %   -0.180      0 %  prevotella_rich_donor_with_dual_inhibition
";
        let text = two_donors().to_text();
        let squeezed = |text: &str| -> Vec<String> {
            text.lines()
                .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect()
        };
        let body: Vec<String> = squeezed(&text)[2..7].to_vec();
        assert_eq!(body, squeezed(expected));
        let starts: Vec<usize> = text
            .lines()
            .skip(4)
            .take(3)
            .filter_map(|l| l.find("  "))
            .collect();
        assert_eq!(starts, [0, 0, 0]);
        assert!(text.lines().all(|line| line == line.trim_end()));
    }

    #[test]
    fn abstention_stands_first_and_is_not_repeated() {
        let pairs = ["a", "b"].map(|donor| pair(donor, "r", vec![0.4; 40]));
        let text = RankingParams::default().rank(&pairs).unwrap().to_text();
        assert_eq!(text.matches("no evidence to separate donors").count(), 1);
        assert!(text.contains("  ABSTAIN: no evidence"), "{text}");
    }

    #[test]
    fn an_id_cannot_steer_the_terminal() {
        let pairs = [pair("\u{1b}[2Jx\n\u{202e}y", "r\u{7}", vec![0.4; 40])];
        let text = RankingParams::default().rank(&pairs).unwrap().to_text();
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
        assert!(text.contains("\\u{1b}[2Jx\\u{a}"), "{text}");
    }

    #[test]
    fn the_same_order_for_everyone_is_told() {
        let pairs =
            ["r1", "r2"].map(|r| [pair("a", r, vec![0.5; 40]), pair("b", r, vec![0.3; 40])]);
        let ranking = RankingParams::default().rank(&pairs.concat()).unwrap();
        assert!(
            ranking
                .to_text()
                .contains("note: every recipient gets the same order")
        );
        assert!(two_donors().same_order_warning().is_none());
    }
}
