//! The HTML page.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::ReportContext;
use super::escape::escape;
use super::table::{GLANCE, Scale, open_table};
use super::words::{MEANS, MEANS_NOT, flag_meaning, flag_words};
use crate::ranking::text::{percent, rounded};
use crate::ranking::{RESEARCH_USE, Ranking, RankingRow, RecipientSummary};

/// Rows shown at most; beyond it each recipient shows its first donors and says how many follow.
const MAX_ROWS: usize = 1000;

/// Width of a bar in pixels, as in the style sheet.
const BAR: f64 = 150.0;

/// The report of a ranking as one HTML file: banner, recipients at a glance, how to read it, the
/// donors of every recipient with interval bars, flags explained, notes and provenance.
///
/// Every text that came from outside is escaped. 15 recipients × 18 donors stay below 200 kB; over
/// 1000 rows only the first donors of each recipient are shown, and the page says so.
///
/// # Examples
/// ```
/// use donormatch::explanation::report::{self, ReportContext};
/// # use donormatch::ranking::{Ranking, RankingParams};
/// # let ranking = Ranking {
/// #     rows: vec![],
/// #     summaries: vec![],
/// #     donor_order_agreement: None,
/// #     params: RankingParams::default(),
/// #     prefilter: None,
/// # };
/// let context = ReportContext {
///     title: "Donors for the synthetic cohort".into(),
///     ..ReportContext::default()
/// };
/// let page = report::html(&ranking, &context);
/// assert!(page.contains("<h1>Donors for the synthetic cohort</h1>"));
/// assert!(!page.contains("<script"));
/// ```
pub fn html(ranking: &Ranking, context: &ReportContext) -> String {
    let title = match context.title.trim() {
        "" => "Donors in order",
        title => title,
    };
    let scale = Scale::of(ranking);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'; img-src data:\">\n<meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\">\n<title>{title}</title>\n<style>\n{css}\
         </style></head>\n<body><main>\n<p class=\"eyebrow\">donormatch</p>\n<h1>{title}</h1>\n\
         <p class=\"ruo\"><strong>Research use only.</strong> {use_note}</p>\n",
        title = escape(title),
        css = include_str!("report.css"),
        use_note = RESEARCH_USE
            .trim_start_matches("Research use only: ")
            .replacen("not", "Not", 1),
    );
    out.push_str(&facts(ranking, context));
    out.push_str(&glance(ranking));
    out.push_str(&reading_guide(ranking));
    let shown = rows_shown(ranking);
    for (at, (summary, rows)) in ranking.by_recipient().enumerate() {
        out.push_str(&recipient(at, summary, rows, shown, &scale));
    }
    out.push_str(&flags(ranking));
    out.push_str(&provenance(context));
    out.push_str("</main></body></html>\n");
    out
}

fn rows_shown(ranking: &Ranking) -> usize {
    if ranking.rows.len() <= MAX_ROWS {
        usize::MAX
    } else {
        (MAX_ROWS / ranking.summaries.len().max(1)).max(3)
    }
}

fn facts(ranking: &Ranking, context: &ReportContext) -> String {
    let weights = &ranking.params.weights;
    let n_draws: BTreeSet<usize> = ranking.summaries.iter().map(|one| one.n_draws).collect();
    let draws: Vec<String> = n_draws.iter().map(ToString::to_string).collect();
    let level = rounded(100.0 * ranking.params.level);
    let facts = [
        ("Model", escape(&context.model_name)),
        ("Regimen", escape(&context.regimen)),
        ("Cancer", escape(&context.cancer)),
        ("Line", escape(&context.line)),
        (
            "Weights",
            format!(
                "response {}, severe irAE {}, myocarditis {}",
                weights.response, weights.severe_irae, weights.myocarditis
            ),
        ),
        (
            "Intervals",
            format!("{level} % of {} draws", draws.join(" or ")),
        ),
        (
            "Seed",
            context
                .seed
                .map_or_else(String::new, |seed| seed.to_string()),
        ),
    ];
    let mut out = String::from("<dl class=\"facts\">\n");
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    out.push_str("</dl>\n");
    out
}

/// How many donors of a recipient are to be preferred and avoided.
fn pill(summary: &RecipientSummary) -> String {
    let text = if summary.has_verdict() {
        format!(
            "prefer {}, avoid {} of {}",
            summary.prefer.len(),
            summary.avoid.len(),
            summary.n_eligible
        )
    } else if summary.abstain.len() == summary.n_donors {
        "abstained".to_owned()
    } else {
        "no ground to prefer or avoid a donor".to_owned()
    };
    let class = if summary.has_verdict() { "" } else { " no" };
    format!("<span class=\"pill{class}\">{text}</span>")
}

fn glance(ranking: &Ranking) -> String {
    let mut out = String::from("<section><div class=\"head\"><h2>At a glance</h2></div>\n");
    out.push_str(&open_table("Recipients at a glance", "", &GLANCE));
    for (at, (summary, rows)) in ranking.by_recipient().enumerate() {
        let Some(first) = rows.first() else { continue };
        let n_tier = summary
            .standings
            .iter()
            .filter(|standing| standing.tier == 1)
            .count();
        let stable = summary
            .first_donor_stability
            .map_or("–".to_owned(), percent);
        let _ = writeln!(
            out,
            "<tr><td class=\"d\"><a href=\"#r{at}\">{}</a><td>{}<td>{}<td class=\"d\">{}<td>{}\
             <td>{}<td>{}<td>{n_tier} of {}<td>{stable}</tr>",
            escape(summary.recipient_id.as_str()),
            pill(summary),
            percent(first.p_response_baseline),
            escape(first.donor_id.as_str()),
            interval(first.p_response, first.p_response_lo, first.p_response_hi),
            summary.p_first_beats_second.map_or("–".to_owned(), percent),
            responses_missed(summary),
            summary.n_eligible,
        );
    }
    out.push_str("</tbody></table></div>\n");
    if let Some(warning) = ranking.same_order_warning() {
        let _ = writeln!(out, "<p class=\"ruo\">Note: {warning}.</p>");
    } else if let Some(sentence) = first_for_all(ranking) {
        let _ = writeln!(out, "<p class=\"ruo\">Note: {sentence}.</p>");
    }
    out.push_str("</section>\n");
    out
}

/// Where one donor comes first for every recipient: that the order is hardly personal; escaped.
fn first_for_all(ranking: &Ranking) -> Option<String> {
    let mut firsts = ranking
        .by_recipient()
        .map(|(_, rows)| rows.first().filter(|row| row.is_eligible()))
        .map(|row| row.map(|row| &row.donor_id));
    let donor = firsts.next().flatten()?;
    if ranking.summaries.len() < 2 || !firsts.all(|other| other == Some(donor)) {
        return None;
    }
    let agreement = ranking
        .donor_order_agreement
        .map_or_else(String::new, |tau| {
            format!(" (agreement of their orders, Kendall’s τ: {tau:.2})")
        });
    Some(format!(
        "{} comes first for all {} recipients: the order is hardly personal{agreement}",
        escape(donor.as_str()),
        ranking.summaries.len(),
    ))
}

fn responses_missed(summary: &RecipientSummary) -> String {
    let both = summary.regret_of_first.zip(summary.regret_of_random);
    both.map_or("–".to_owned(), |(first, random)| {
        format!(
            "{:.1} · {:.1}",
            first.responses_per_100, random.responses_per_100
        )
    })
}

fn reading_guide(ranking: &Ranking) -> String {
    let list = |items: &[&str]| format!("<li>{}</li>", items.join("</li>\n<li>"));
    format!(
        "<section><div class=\"cols\"><div><h3>What a rank means</h3><ul>\n{}</ul></div>\n\
         <div><h3>What it does not mean</h3><ul>\n{}</ul></div></div>\n\
         <p class=\"soft\">A donor is preferred where it is better than a random eligible one in {} \
         of the draws, and avoided where it is worse in as many. Of the others neither can be said: \
         their order means nothing.</p></section>\n",
        list(&MEANS),
        list(&MEANS_NOT),
        percent(ranking.params.prefer_above),
    )
}

fn recipient(
    at: usize,
    summary: &RecipientSummary,
    rows: &[RankingRow],
    shown: usize,
    scale: &Scale,
) -> String {
    let baseline = rows.first().map_or(0.0, |row| row.p_response_baseline);
    let mut out = format!(
        "<section id=\"r{at}\"><div class=\"head\"><h2>{}</h2><span class=\"soft\">response without \
         transplant {}</span>{}</div>\n",
        escape(summary.recipient_id.as_str()),
        percent(baseline),
        pill(summary),
    );
    let _ = writeln!(
        out,
        "<p class=\"{}\">{}</p>",
        if summary.has_verdict() { "soft" } else { "ruo" },
        escape(&summary.verdict_line())
    );
    let label = format!("Donors for {}", escape(summary.recipient_id.as_str()));
    out.push_str(&open_table(&label, " class=\"o\"", &scale.columns()));
    let mut tier = 1;
    for row in rows.iter().take(shown) {
        out.push_str(&donor(row, summary, &mut tier, scale));
    }
    out.push_str("</tbody></table></div>\n");
    if rows.len() > shown {
        let _ = writeln!(
            out,
            "<p class=\"soft\">{} more donors follow in the table of the ranking.</p>",
            rows.len() - shown
        );
    }
    out.push_str("</section>\n");
    out
}

fn donor(row: &RankingRow, summary: &RecipientSummary, tier: &mut usize, scale: &Scale) -> String {
    let standing = row
        .is_eligible()
        .then(|| summary.standings.get(row.rank - 1))
        .flatten();
    let class = match standing {
        None => " class=\"x\"",
        Some(standing) if standing.tier > *tier => {
            *tier = standing.tier;
            " class=\"t\""
        }
        Some(_) => "",
    };
    let mut name = escape(row.donor_id.as_str());
    for flag in &row.flags {
        let _ = write!(
            name,
            "<small class=\"flag\">{}</small>",
            escape(&flag_words(flag))
        );
    }
    let own_reason = row.own_reason(summary);
    if row.is_eligible() && !own_reason.is_empty() {
        let _ = write!(name, "<small>{}</small>", escape(own_reason));
    }
    let places = standing.map_or("–".to_owned(), |standing| {
        if standing.rank_lo == standing.rank_hi {
            standing.rank_lo.to_string()
        } else {
            format!("{}–{}", standing.rank_lo, standing.rank_hi)
        }
    });
    let rank = standing.map_or("–".to_owned(), |_| row.rank.to_string());
    format!(
        "<tr{class}><td>{rank}<td class=\"d\">{name}<td>{verdict}<td>{response}\
         <td>{severe_irae}<td>{}<td>{}<td>{}\
         <td>{}<td>{}<td>{places}<td>{:.0} · {:.0} · {:.0}\
         <td>{:.1}</tr>\n",
        percent(row.p_myocarditis),
        signed(100.0 * row.delta_response, 1),
        signed(row.utility, 3),
        percent(row.p_better_than_random),
        percent(row.p_best),
        row.n_gained,
        row.n_kept,
        row.n_lost,
        row.deleterious_lost,
        verdict = row.verdict_words(),
        response = response_cell(row, scale.response),
        severe_irae = severe_irae_cell(
            row,
            standing.and_then(|standing| standing.p_severe_irae_exploratory),
            scale.severe_irae
        ),
    )
}

fn response_cell(row: &RankingRow, end: f64) -> String {
    let [lo, mean, hi] = [row.p_response_lo, row.p_response, row.p_response_hi];
    let mark = Some(row.p_response_baseline / end);
    interval(mean, lo, hi) + &bar("r", [lo, mean, hi].map(|p| p / end), mark)
}

fn severe_irae_cell(row: &RankingRow, exploratory: Option<f64>, end: f64) -> String {
    let [lo, mean, hi] = [
        row.p_severe_irae_lo,
        row.p_severe_irae,
        row.p_severe_irae_hi,
    ];
    let exploratory = exploratory.map_or_else(String::new, |p| {
        format!("<small> · exploratory {}</small>", percent(p))
    });
    interval(mean, lo, hi) + &exploratory + &bar("s", [lo, mean, hi].map(|p| p / end), None)
}

fn interval(mean: f64, lo: f64, hi: f64) -> String {
    format!(
        "{} <small>{:.0}–{:.0}</small>",
        percent(mean),
        100.0 * lo,
        100.0 * hi
    )
}

/// A number with its sign, the minus a true one.
fn signed(value: f64, n_digits: usize) -> String {
    let digits = format!("{:.n_digits$}", value.abs());
    if digits.bytes().all(|byte| matches!(byte, b'0' | b'.')) {
        digits
    } else if value < 0.0 {
        format!("−{digits}")
    } else {
        format!("+{digits}")
    }
}

/// An interval as a bar with its mean; all numbers are also in the text, so readers skip it.
fn bar(class: &str, [lo, mean, hi]: [f64; 3], mark: Option<f64>) -> String {
    let x = |share: f64| 3.0 + share.clamp(0.0, 1.0) * (BAR - 6.0);
    let mark = mark.map_or_else(String::new, |mark| {
        format!("<path class=\"m\" d=\"M{:.1} 0V12\"/>", x(mark))
    });
    format!(
        "<svg class=\"{class}\" aria-hidden=\"true\">{mark}<path d=\"M{:.1} 6H{:.1}\"/>\
         <circle cx=\"{:.1}\" cy=\"6\" r=\"3.4\"/></svg>",
        x(lo),
        x(hi),
        x(mean)
    )
}

fn flags(ranking: &Ranking) -> String {
    let all: BTreeSet<&str> = ranking
        .rows
        .iter()
        .flat_map(|row| row.flags.iter().map(String::as_str))
        .collect();
    if all.is_empty() {
        return String::new();
    }
    let mut out = String::from("<section><h3>Flags</h3><dl class=\"flags\">\n");
    for flag in all {
        let meaning = flag_meaning(flag).unwrap_or("See the documentation of the model.");
        let _ = writeln!(
            out,
            "<dt>{}</dt><dd>{meaning}</dd>",
            escape(&flag_words(flag))
        );
    }
    out.push_str("</dl></section>\n");
    out
}

fn provenance(context: &ReportContext) -> String {
    if context.notes.is_empty() && context.provenance.is_empty() {
        return String::new();
    }
    let mut out = String::from("<section><h3>Notes and provenance</h3>\n");
    if !context.notes.is_empty() {
        out.push_str("<ul>\n");
        for note in &context.notes {
            let _ = writeln!(out, "<li>{}</li>", escape(note));
        }
        out.push_str("</ul>\n");
    }
    if !context.provenance.is_empty() {
        out.push_str("<dl class=\"facts\">\n");
        for (name, value) in &context.provenance {
            let _ = writeln!(
                out,
                "<div><dt>{}</dt><dd>{}</dd></div>",
                escape(name),
                escape(value)
            );
        }
        out.push_str("</dl>\n");
    }
    out.push_str("</section>\n");
    out
}
