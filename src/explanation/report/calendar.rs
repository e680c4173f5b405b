//! A calendar of transplants as a picture.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::escape::escape;
use crate::cohort::screening::Day;
use crate::ranking::{BatchUse, Calendar};

/// Height of a batch's line, top of the first one, the space below the last, and where the days
/// begin and end.
const LINE: f64 = 22.0;
const TOP: f64 = 96.0;
const BOTTOM: f64 = 46.0;
const LEFT: f64 = 210.0;
const WIDTH: f64 = 860.0;
const RIGHT: f64 = 836.0;
/// Days with a name at most.
const NAMED_DAYS: i64 = 8;

/// Colors for both grounds.
const STYLE: &str = "text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:#24292c}\
.h{font-size:17px;font-weight:600}.s{fill:#667074;font-size:12px}.m{text-anchor:middle}.g{stroke:#e4e2db}\
.l{fill:#cfe3e0}.d{fill:#1f7a72}.n{fill:#fff;font-size:11px;font-weight:600}.bg{fill:#fbfaf7}\
@media(prefers-color-scheme:dark){text{fill:#e3e6e5}.s{fill:#98a2a5}.g{stroke:#31373a}.l{fill:#27413e}\
.d{fill:#63bdb2}.n{fill:#10201e}.bg{fill:#16191b}}";

/// The days of a calendar, left to right.
struct Days {
    first: Day,
    n: i64,
}

/// A line a batch: the days on which its doses last, and how many are given on which day; as a
/// standalone SVG that follows light and dark.
pub fn calendar_figure(calendar: &Calendar) -> String {
    let used: Vec<&BatchUse> = calendar
        .batches
        .iter()
        .filter(|batch| batch.n_given > 0)
        .collect();
    let bottom = TOP + LINE * used.len() as f64;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\"><title>Calendar of transplants</title>\
         <style>{STYLE}</style><rect class=\"bg\" width=\"100%\" height=\"100%\" rx=\"10\"/>\n\
         <text class=\"h\" x=\"24\" y=\"34\">Calendar of transplants</text>\
         <text class=\"s\" x=\"24\" y=\"56\">{verdict}</text>\n",
        height = bottom + BOTTOM,
        verdict = escape(&calendar.verdict()),
    );
    let days = Days::of(calendar);
    if let Some(days) = &days {
        out.push_str(&days.axis(bottom));
    }
    for (at, batch) in used.iter().enumerate() {
        let y = TOP + LINE * at as f64;
        let label = match &batch.room {
            Some(room) => format!("{}, room {room}", batch.batch_id),
            None => batch.batch_id.clone(),
        };
        let _ = writeln!(
            out,
            "<text x=\"24\" y=\"{:.0}\">{}</text>{}",
            y + 15.0,
            escape(&shortened(&label, 24)),
            line(calendar, batch, days.as_ref(), y),
        );
    }
    let _ = writeln!(
        out,
        "<text class=\"s\" x=\"24\" y=\"{:.0}\">Band: days on which a dose can be given; number: doses \
         given. Research use only.</text></svg>",
        bottom + 30.0
    );
    out
}

/// The band of a batch and the doses given of it.
fn line(calendar: &Calendar, batch: &BatchUse, days: Option<&Days>, y: f64) -> String {
    let mut out = String::new();
    let mut given: BTreeMap<Option<Day>, usize> = BTreeMap::new();
    for one in &calendar.transplants {
        if one.batch_id == batch.batch_id {
            *given.entry(one.day).or_default() += 1;
        }
    }
    if let Some(days) = days {
        let last = days.n - 1;
        let from = batch.made_on.map_or(0, |day| days.at(day)).clamp(0, last);
        let to = batch
            .expires_on
            .map_or(last, |day| days.at(day))
            .clamp(from, last);
        let _ = write!(
            out,
            "<rect class=\"l\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.0}\" rx=\"3\"/>",
            days.x(from),
            y + 3.0,
            days.x(to + 1) - days.x(from),
            LINE - 6.0
        );
    }
    for (day, n) in given {
        let (x, width) = match (days, day) {
            (Some(days), Some(day)) => (days.x(days.at(day)), days.width()),
            _ => (LEFT, 24.0),
        };
        let _ = write!(
            out,
            "<rect class=\"d\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.0}\" \
             rx=\"3\"/><text class=\"n m\" x=\"{:.1}\" y=\"{:.1}\">{n}</text>",
            y + 3.0,
            LINE - 6.0,
            x + 0.5 * width,
            y + 15.0
        );
    }
    out
}

impl Days {
    /// From the first to the last transplant or making of a batch; `None` without any day.
    fn of(calendar: &Calendar) -> Option<Self> {
        let used = calendar.batches.iter().filter(|batch| batch.n_given > 0);
        let made = used.filter_map(|batch| batch.made_on);
        let given = calendar.transplants.iter().filter_map(|one| one.day);
        let days: Vec<Day> = made.chain(given).collect();
        let (first, last) = (*days.iter().min()?, *days.iter().max()?);
        Some(Self {
            first,
            n: last.days_since(first) + 1,
        })
    }

    fn at(&self, day: Day) -> i64 {
        day.days_since(self.first)
    }

    fn width(&self) -> f64 {
        (RIGHT - LEFT) / self.n as f64
    }

    fn x(&self, at: i64) -> f64 {
        LEFT + self.width() * at as f64
    }

    fn axis(&self, bottom: f64) -> String {
        let mut out = String::new();
        let step = (self.n / NAMED_DAYS).max(1);
        for at in (0..self.n).step_by(usize::try_from(step).unwrap_or(1)) {
            let Ok(day) = u32::try_from(at)
                .map_err(drop)
                .and_then(|days| self.first.plus(days).map_err(drop))
            else {
                continue;
            };
            let x = self.x(at);
            let label = day.to_string();
            let label = label.get(5..).unwrap_or_default();
            let _ = writeln!(
                out,
                "<line class=\"g\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.0}\" y2=\"{bottom:.0}\"/>\
                 <text class=\"s\" x=\"{x:.1}\" y=\"{:.0}\">{label}</text>",
                TOP - 4.0,
                TOP - 10.0
            );
        }
        out
    }
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 1).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::{Batch, CalendarParams, PairUtility};

    #[test]
    fn a_picture_names_the_batches_and_escapes_them() {
        let pair = PairUtility {
            donor_id: "d".into(),
            recipient_id: "r".into(),
            utility: 0.5,
        };
        let batch = Batch {
            made_on: "2026-03-02".parse().ok(),
            expires_on: "2026-03-04".parse().ok(),
            ..Batch::new("d", "<b>", 1)
        };
        let calendar = CalendarParams::default()
            .assign_pairs(&[pair], &[batch], &[])
            .unwrap();
        let picture = calendar_figure(&calendar);
        assert!(picture.contains("&lt;b&gt;") && !picture.contains("<b>"));
        assert!(picture.contains(">03-02<") && picture.contains("proven best"));
        assert!(picture.contains("Research use only"));
    }
}
