//! A ranking as aligned text, for reading on a terminal.

use std::fmt::Write as _;

use serde::Serialize;

use super::{NOT_ELIGIBLE, Ranking, RankingRow, RecipientSummary, Verdict};
use crate::profile::SubjectId;
use crate::text::printable;
use crate::{Error, Result};

/// The sentence that stands over every result meant for reading.
pub const RESEARCH_USE: &str = "Research use only: not a medical device, not for choosing a donor \
for a patient. Figures are associations, not proven effects.";

/// A result with the notice that stands over it.
#[derive(Serialize)]
struct WithNotice<'a, T> {
    research_use: &'static str,
    #[serde(flatten)]
    result: &'a T,
}

/// A struct as indented JSON that begins with the notice, in `research_use`; numbers read back to
/// the same bits.
///
/// # Errors
/// [`Error::Table`] where it holds a number that JSON cannot.
pub(crate) fn json_with_notice(result: &impl Serialize) -> Result<String> {
    let whole = WithNotice {
        research_use: RESEARCH_USE,
        result,
    };
    serde_json::to_string_pretty(&whole).map_err(|error| Error::table(error.to_string()))
}

const HEADER: [&str; N_CELLS] = [
    "rank",
    "donor",
    "verdict",
    "response",
    "vs random",
    "severe irAE",
    "myocarditis",
    "utility",
    "P(better)",
    "P(best)",
    "notes",
];

const N_CELLS: usize = 11;

/// Columns read as text, by their place, stand left, numbers right.
const LEFT: [usize; 3] = [1, 2, 10];

/// Ids that a line of verdicts names at most.
const MAX_NAMED: usize = 6;

impl Ranking {
    /// The ranking for reading: one aligned block a recipient, whom to prefer and to avoid
    /// first, percentages rounded, the telling columns only.
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
    /// #     prefilter: None,
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
            "\nutility = {}·response − {}·severe irAE − {}·myocarditis, each minus its mean over the \
             eligible donors;\nprefer, avoid: better, worse than a random eligible donor in {} % of \
             draws; {} % intervals\n",
            weights.response,
            weights.severe_irae,
            weights.myocarditis,
            rounded(100.0 * self.params.prefer_above),
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

impl RankingRow {
    /// The verdict and what carries it, for reading.
    pub(crate) fn verdict_words(&self) -> String {
        match self.carried_by {
            Some(term) => format!("{} ({})", self.verdict.words(), term.words()),
            None => self.verdict.words().to_owned(),
        }
    }
}

impl RecipientSummary {
    /// Whom to prefer and whom to avoid, in one line.
    pub(crate) fn verdict_line(&self) -> String {
        if self.abstain.len() == self.n_donors {
            let reason = match self.reason.as_str() {
                "" => "every pair lies outside what the models know",
                reason => reason,
            };
            return format!("ABSTAIN: {reason}");
        }
        if !self.reason.is_empty() {
            return format!("no preference: {}", self.reason);
        }
        let parts = self
            .by_verdict()
            .into_iter()
            .filter_map(|(verdict, donors)| {
                let is_told = matches!(verdict, Verdict::Prefer | Verdict::Avoid);
                match donors.len() {
                    0 if is_told => Some(format!("{} nobody", verdict.words())),
                    0 => None,
                    _ if is_told => Some(format!("{} {}", verdict.words(), named(donors))),
                    n => Some(format!("{} {n}", verdict.words())),
                }
            });
        parts.collect::<Vec<_>>().join(" · ")
    }

    /// What the first donor of the order costs, in one line; empty with fewer than two.
    pub(crate) fn cost_line(&self) -> String {
        let (Some(p), Some(first), Some(random)) = (
            self.p_first_beats_second,
            self.regret_of_first,
            self.regret_of_random,
        ) else {
            return String::new();
        };
        format!(
            "the first beats the second in {} of {} draws; responses missed in 100 transplants: \
             first {:.1}, random {:.1}",
            percent(p),
            self.n_draws,
            first.responses_per_100,
            random.responses_per_100,
        )
    }
}

/// Some ids, and how many more there are.
fn named(ids: &[SubjectId]) -> String {
    let shown = ids.iter().take(MAX_NAMED).map(SubjectId::as_str);
    let shown = shown.collect::<Vec<_>>().join(", ");
    match ids.len().saturating_sub(MAX_NAMED) {
        0 => shown,
        n => format!("{shown} and {n} more"),
    }
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
    for line in [summary.verdict_line(), summary.cost_line()] {
        if !line.is_empty() {
            let _ = writeln!(out, "  {}", printable(&line));
        }
    }
    let lines: Vec<[String; N_CELLS]> = std::iter::once(HEADER.map(str::to_owned))
        .chain(rows.iter().map(|row| cells(row, summary)))
        .collect();
    let widths: [usize; N_CELLS] = std::array::from_fn(|column| {
        lines
            .iter()
            .map(|line| line[column].chars().count())
            .max()
            .unwrap_or(0)
    });
    for line in &lines {
        let mut text = String::from(" ");
        for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
            text.push(' ');
            let blanks = " ".repeat(width - cell.chars().count());
            let (before, after) = if LEFT.contains(&column) {
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

fn cells(row: &RankingRow, summary: &RecipientSummary) -> [String; N_CELLS] {
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
        row.verdict_words(),
        with_interval(row.p_response, row.p_response_lo, row.p_response_hi),
        format!("{:+.1}", 100.0 * row.delta_response + 0.0),
        with_interval(
            row.p_severe_irae,
            row.p_severe_irae_lo,
            row.p_severe_irae_hi,
        ),
        percent(row.p_myocarditis),
        format!("{:+.3}", row.utility + 0.0),
        percent(row.p_better_than_random),
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
  prefer d1 · avoid donor_with_a_long_name
  the first beats the second in 100 % of 40 draws; responses missed in 100 transplants: first 0.0, random 10.0
  rank  donor                   verdict                    response  vs random    severe irAE  myocarditis  utility  P(better)  P(best)  notes
     1  d1                      prefer (response)  50 % (50–50)      +10.0  10 % (10–10)        1.0 %   +0.100      100 %    100 %
     2  donor_with_a_long_name  avoid (response)   30 % (30–30)      -10.0  10 % (10–10)        1.0 %   -0.100        0 %      0 %  prevotella_rich_donor_with_dual_inhibition
";
        let text = two_donors().to_text();
        let squeezed = |text: &str| -> Vec<String> {
            text.lines()
                .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect()
        };
        let body: Vec<String> = squeezed(&text)[2..8].to_vec();
        assert_eq!(body, squeezed(expected));
        let starts: Vec<usize> = text
            .lines()
            .skip(5)
            .take(3)
            .filter_map(|l| l.find("  "))
            .collect();
        assert_eq!(starts, [0, 0, 0]);
        assert!(text.lines().all(|line| line == line.trim_end()));
    }

    #[test]
    fn a_reason_that_holds_for_all_stands_first_and_is_not_repeated() {
        let alone = RankingParams::default()
            .rank(&[pair("a", "r", vec![0.4; 40])])
            .unwrap()
            .to_text();
        assert_eq!(
            alone.matches("a single donor cannot be compared").count(),
            1
        );
        assert!(alone.contains("  no preference: a single"), "{alone}");
        let mut banned = pair("a", "r", vec![0.4; 40]);
        banned.eligible = false;
        let text = RankingParams::default().rank(&[banned]).unwrap().to_text();
        assert!(text.contains("  ABSTAIN: no donor is eligible"), "{text}");
    }

    #[test]
    fn a_large_set_is_counted() {
        let pairs: Vec<_> = (0..20)
            .map(|at| {
                pair(
                    &format!("d{at:02}"),
                    "r",
                    vec![f64::from(at / 10) / 2.0; 40],
                )
            })
            .collect();
        let text = RankingParams::default().rank(&pairs).unwrap().to_text();
        let line = "  prefer d10, d11, d12, d13, d14, d15 and 4 more · avoid d00,";
        assert!(text.contains(line), "{text}");
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
