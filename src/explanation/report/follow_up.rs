//! Transplants followed up, as one HTML file with a section a recipient.

use std::fmt::Write as _;

use super::escape::escape;
use crate::cohort::UNNAMED_STUDY;
use crate::explanation::follow_up::{Change, FollowUpReport, FollowUpRow, PredictedCounts};
use crate::ranking::RESEARCH_USE;
use crate::ranking::text::percent;

/// Taxa of each kind that a section names; the JSON has all.
const NAMED: usize = 40;

const STYLE: &str = ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;\
margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:right;\
padding:.25rem .5rem;border-bottom:1px solid #8886}th:first-child,td:first-child{text-align:left}.ruo{border-left:\
4px solid #b5603c;padding-left:1rem}section{margin-top:2.5rem}@media print{section+section{break-before:page}}details{margin:.5rem 0}\
.wide{overflow-x:auto}";

/// One self-contained page: no script, no address outside the file; it opens offline and prints.
///
/// Every text that came from outside is escaped.
pub fn follow_up_page(report: &FollowUpReport) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta \
         http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>After the transplant</title><style>{STYLE}</style></head>\n<body><main>\n\
         <h1>After the transplant</h1>\n<p class=\"ruo\"><strong>{}</strong></p>\n<p>{}</p>\n",
        escape(RESEARCH_USE),
        escape(&report.verdict()),
    );
    out.push_str(
        "<p>PEDS: share of the donor’s taxa found after the transplant. PPRS: share of the \
         recipient’s own taxa still there. “Over” is what lies above mismatched pairs of the \
         same study, or above those without a transplant. “Expected” is what the model predicted, \
         with the 90 % interval, over the taxa of donor and recipient; “seen” counts the same \
         taxa.</p>\n",
    );
    let of_recipient = report
        .rows
        .chunk_by(|a, b| (&a.study, &a.recipient_id) == (&b.study, &b.recipient_id));
    for rows in of_recipient {
        out.push_str(&section(rows));
    }
    out.push_str("</main></body></html>\n");
    out
}

fn section(rows: &[FollowUpRow]) -> String {
    let Some(first) = rows.first() else {
        return String::new();
    };
    let study = if first.study.as_str() == UNNAMED_STUDY {
        String::new()
    } else {
        format!(", {}", first.study)
    };
    let mut out = format!(
        "<section><h2>{}{}</h2><p>Donor {}, {} taxa before.</p>\n<div class=\"wide\"><table>\
         <thead><tr><th scope=\"col\">Day</th>{}</tr></thead><tbody>\n",
        escape(first.recipient_id.as_str()),
        escape(&study),
        escape(first.donor_id.as_str()),
        first.n_baseline,
        [
            "PEDS",
            "over mismatched",
            "over placebo",
            "p",
            "PPRS",
            "over placebo",
            "gained",
            "from donor",
            "expected gained",
            "kept",
            "expected kept",
            "lost",
            "still there of first gained",
        ]
        .map(|name| format!("<th scope=\"col\">{name}</th>"))
        .concat(),
    );
    for row in rows {
        out.push_str(&line(row));
    }
    out.push_str("</tbody></table></div>\n");
    if let Some(last) = rows.last() {
        for (change, heading) in [
            (Change::GainedFromDonor, "Gained, and in the donor"),
            (Change::Gained, "Gained, not seen in the donor"),
            (Change::Lost, "Lost"),
        ] {
            out.push_str(&taxa(last, change, heading));
        }
    }
    out.push_str("</section>\n");
    out
}

fn line(row: &FollowUpRow) -> String {
    let share = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), percent);
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |p| format!("{p:.3}"));
    let expected = |of: &dyn Fn(&PredictedCounts) -> ([f64; 3], usize)| {
        row.predicted.as_ref().map_or_else(
            || "–".to_owned(),
            |counts| {
                let ([mean, lo, hi], seen) = of(counts);
                format!("{mean:.0} ({lo:.0} to {hi:.0}), seen {seen}")
            },
        )
    };
    let day = row
        .day
        .map_or_else(|| "–".to_owned(), |day| day.to_string());
    let cells = [
        percent(row.peds),
        share(row.peds_over_mismatched),
        share(row.peds_over_placebo),
        number(row.p_value),
        percent(row.pprs),
        share(row.pprs_over_placebo),
        row.n_gained.to_string(),
        row.n_gained_from_donor.to_string(),
        expected(&|one| {
            (
                [one.n_gained, one.n_gained_lo, one.n_gained_hi],
                one.n_gained_seen,
            )
        }),
        row.n_kept.to_string(),
        expected(&|one| ([one.n_kept, one.n_kept_lo, one.n_kept_hi], one.n_kept_seen)),
        row.n_lost.to_string(),
        share(row.persistence),
    ];
    let cells = cells.join("</td><td>");
    format!("<tr><td>{day}</td><td>{cells}</td></tr>\n")
}

fn taxa(row: &FollowUpRow, change: Change, heading: &str) -> String {
    let names: Vec<&str> = row
        .taxa
        .iter()
        .filter(|one| one.change == change)
        .map(|one| one.taxon.as_str())
        .collect();
    if names.is_empty() {
        return String::new();
    }
    let mut out = format!("<details><summary>{heading}: {}</summary><p>", names.len());
    let shown: Vec<String> = names.iter().take(NAMED).map(|name| escape(name)).collect();
    out.push_str(&shown.join(", "));
    if names.len() > NAMED {
        let _ = write!(out, " and {} more", names.len() - NAMED);
    }
    out.push_str("</p></details>\n");
    out
}
