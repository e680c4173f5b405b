//! One recipient's donors as a forest plot.

use std::fmt::Write as _;

use super::escape::escape;
use crate::profile::SampleId;
use crate::ranking::text::percent;
use crate::ranking::{Ranking, RankingRow};
use crate::{Error, Result};

/// Height of a donor's line, top of the first one, and the space below the last.
const LINE: f64 = 26.0;
const TOP: f64 = 104.0;
const BOTTOM: f64 = 74.0;
const WIDTH: f64 = 860.0;

/// Colors for both grounds; `currentColor` would be black inside an `<img>`.
const STYLE: &str = "text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:#24292c}\
.h{font-size:17px;font-weight:600}.s{fill:#667074;font-size:12px}.e{text-anchor:end}.m{text-anchor:middle}\
.g{stroke:#e4e2db}.r{stroke:#1f7a72;fill:#1f7a72}.t{stroke:#b5603c;fill:#b5603c}.b{stroke:#667074;stroke-dasharray:3 3}\
.bg{fill:#fbfaf7}.w{stroke-width:2.5;stroke-linecap:round}.x{opacity:.5}.a{fill:#8a6212}\
@media(prefers-color-scheme:dark){text{fill:#e3e6e5}.s{fill:#98a2a5}.g{stroke:#31373a}.r{stroke:#63bdb2;fill:#63bdb2}\
.t{stroke:#e09a77;fill:#e09a77}.b{stroke:#98a2a5}.bg{fill:#16191b}.a{fill:#e3bd6c}}";

/// A forest plot of one recipient's donors in order: response (dashed: without transplant) and
/// severe toxicity, mean and interval, as a standalone SVG that follows light and dark.
///
/// For a README, a notebook or a slide. It shows at most `max_donors` donors and says how many
/// follow; the verdict stands in the figure itself, so that it cannot be cut off.
///
/// # Errors
/// [`Error::Parameter`] where the ranking holds no such recipient or `max_donors` is 0.
pub fn ranking_figure(
    ranking: &Ranking,
    recipient: &SampleId,
    max_donors: usize,
) -> Result<String> {
    if max_donors == 0 {
        return Err(Error::parameter(
            "max_donors",
            "expected at least 1 donor, found 0",
        ));
    }
    let (summary, rows) = ranking
        .by_recipient()
        .find(|(summary, _)| summary.recipient_id == *recipient)
        .ok_or_else(|| {
            Error::parameter("recipient", format!("`{recipient}` is not in the ranking"))
        })?;
    let shown = &rows[..rows.len().min(max_donors)];
    let bottom = TOP + LINE * shown.len() as f64;
    let verdict = summary.verdict_line();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\"><title>Donors in order for {id}</title><style>{STYLE}\
         </style><rect class=\"bg\" width=\"100%\" height=\"100%\" rx=\"10\"/>\n<text class=\"h\" \
         x=\"24\" y=\"34\">Donors in order for {id}</text><text class=\"{class}\" x=\"24\" \
         y=\"56\">{verdict}</text>\n",
        height = bottom + BOTTOM,
        id = escape(recipient.as_str()),
        class = if summary.has_verdict() { "s" } else { "a" },
        verdict = escape(&verdict),
    );
    let baseline = shown.first().map(|row| row.p_response_baseline);
    let response = Panel::new(
        210.0,
        "Response",
        "r",
        shown,
        |row| [row.p_response_lo, row.p_response, row.p_response_hi],
        baseline,
    );
    let toxicity = Panel::new(
        550.0,
        "Severe irAE",
        "t",
        shown,
        |row| {
            [
                row.p_severe_irae_lo,
                row.p_severe_irae,
                row.p_severe_irae_hi,
            ]
        },
        None,
    );
    for panel in [&response, &toxicity] {
        out.push_str(&panel.axis(bottom));
    }
    for (at, row) in shown.iter().enumerate() {
        let y = TOP + LINE * (at as f64 + 0.5);
        let eligible = row.is_eligible();
        let rank = if eligible {
            row.rank.to_string()
        } else {
            "–".to_owned()
        };
        let _ = writeln!(
            out,
            "<g{}><text class=\"s e\" x=\"40\" y=\"{:.0}\">{rank}</text><text x=\"52\" \
             y=\"{:.0}\">{}</text>{}{}</g>",
            if eligible { "" } else { " class=\"x\"" },
            y + 4.5,
            y + 4.5,
            escape(&shortened(row.donor_id.as_str(), 18)),
            response.interval(row, y),
            toxicity.interval(row, y),
        );
    }
    let more = match rows.len() - shown.len() {
        0 => String::new(),
        n => format!("{n} more donors not shown. "),
    };
    let _ = writeln!(
        out,
        "<text class=\"s\" x=\"24\" y=\"{:.0}\">{more}Dot: mean. Line: {:.0} % interval. Dashed: \
         without transplant. Research use only, not for choosing a donor for a patient.</text></svg>",
        bottom + BOTTOM - 20.0,
        100.0 * ranking.params.level,
    );
    Ok(out)
}

/// One axis with the intervals of every donor.
struct Panel {
    left: f64,
    name: &'static str,
    class: &'static str,
    /// Right end of the axis, in tenths.
    n_tenths: usize,
    values: fn(&RankingRow) -> [f64; 3],
    mark: Option<f64>,
}

impl Panel {
    const WIDTH: f64 = 200.0;

    fn new(
        left: f64,
        name: &'static str,
        class: &'static str,
        rows: &[RankingRow],
        values: fn(&RankingRow) -> [f64; 3],
        mark: Option<f64>,
    ) -> Self {
        let largest = rows
            .iter()
            .map(|row| values(row)[2])
            .chain(mark)
            .fold(0.0, f64::max);
        Self {
            left,
            name,
            class,
            n_tenths: ((largest * 10.0 - 1e-9).ceil() as usize).clamp(1, 10),
            values,
            mark,
        }
    }

    fn x(&self, probability: f64) -> f64 {
        self.left + Self::WIDTH * probability * 10.0 / self.n_tenths as f64
    }

    fn axis(&self, bottom: f64) -> String {
        let mut out = format!(
            "<text class=\"s\" x=\"{:.0}\" y=\"{:.0}\">{}</text>",
            self.left,
            TOP - 12.0,
            self.name
        );
        let step = self.n_tenths.div_ceil(5);
        for tenths in (0..=self.n_tenths).step_by(step) {
            let x = self.x(tenths as f64 / 10.0);
            let _ = write!(
                out,
                "<path class=\"g\" d=\"M{x:.1} {TOP}V{bottom}\"/><text class=\"s m\" x=\"{x:.1}\" \
                 y=\"{:.0}\">{} %</text>",
                bottom + 18.0,
                tenths * 10
            );
        }
        if let Some(mark) = self.mark {
            let x = self.x(mark);
            let _ = write!(out, "<path class=\"b\" d=\"M{x:.1} {TOP}V{bottom}\"/>");
        }
        out.push('\n');
        out
    }

    fn interval(&self, row: &RankingRow, y: f64) -> String {
        let [lo, mean, hi] = (self.values)(row);
        format!(
            "<path class=\"{0} w\" d=\"M{1:.1} {y:.1}H{2:.1}\"/><circle class=\"{0}\" cx=\"{3:.1}\" \
             cy=\"{y:.1}\" r=\"4\"/><text class=\"s\" x=\"{4:.0}\" y=\"{5:.1}\">{6} ({7:.0}–{8:.0})</text>",
            self.class,
            self.x(lo),
            self.x(hi),
            self.x(mean),
            self.left + Self::WIDTH + 22.0,
            y + 4.5,
            percent(mean),
            100.0 * lo,
            100.0 * hi,
        )
    }
}

/// At most `n` characters, the last an ellipsis where some were cut.
fn shortened(text: &str, n: usize) -> String {
    if text.chars().count() <= n {
        text.to_owned()
    } else {
        text.chars().take(n - 1).chain(['…']).collect()
    }
}
