//! An explanation as text, for reading on a terminal.

use std::fmt::Write as _;

use super::result::{Contribution, EndpointExplanation, Explanation, Measure};
use crate::profile::SubjectId;
use crate::text::printable;

/// Terms that are shown of an endpoint.
const MOST_TERMS: usize = 12;

/// Contributions below this are summed up as others.
const LEAST: f64 = 5e-4;

impl Explanation {
    /// The explanation for reading: the terms that add or take most, what the transplant is expected
    /// to change of them, and what is known of each.
    ///
    /// Control characters in ids are escaped. For machines use [`Explanation::to_tsv`] or
    /// [`Explanation::to_json`].
    pub fn to_text(&self) -> String {
        let mut out = format!("{}\n", self.research_use);
        let donor = printable(self.donor_id.as_str());
        let against = self.against_words();
        let _ = writeln!(
            out,
            "{donor} for {}, against {against}; {} draws, seed {}",
            printable(self.recipient_id.as_str()),
            self.n_draws,
            self.seed
        );
        if !self.eligible {
            let _ = writeln!(out, "{donor} is not eligible by screening");
        }
        for (name, explained) in self.endpoints() {
            write_endpoint(&mut out, name, explained);
        }
        self.write_counterfactual(&mut out);
        out
    }

    /// What the donor is compared with, in words.
    pub(crate) fn against_words(&self) -> String {
        match &self.against {
            Some(other) => printable(other.as_str()).into_owned(),
            None => format!("the mean of {} eligible donors", self.n_eligible),
        }
    }

    fn write_counterfactual(&self, out: &mut String) {
        let Some(counterfactual) = &self.counterfactual else {
            return;
        };
        let shown = |id: &SubjectId| printable(id.as_str()).into_owned();
        let (first, second) = (shown(&counterfactual.first), shown(&counterfactual.second));
        let _ = writeln!(
            out,
            "\nby utility {first} comes before {second} by {:.4}; for {second} to come first:",
            counterfactual.utility_gap
        );
        let by_response = match counterfactual.response_change {
            Some(change) => format!("{change:+.3} in its log-odds of response, whatever the term"),
            None => "no change of its log-odds of response would do".to_owned(),
        };
        let _ = writeln!(out, "  {by_response}");
        if let Some(change) = counterfactual.severe_irae_change {
            let _ = writeln!(
                out,
                "  {:+.3} in its log-odds of a severe event, whatever the term",
                -change
            );
        }
        let mut overtaking = counterfactual.swaps.iter().filter(|swap| swap.overtakes);
        let by_term = match overtaking.next() {
            Some(swap) => format!(
                "the same {} ({}) as {first} would do",
                printable(&swap.term),
                words(swap.endpoint)
            ),
            None => format!("no single term made the same as in {first} would do"),
        };
        let _ = writeln!(out, "  {by_term}");
        for one in &counterfactual.weights {
            let _ = writeln!(
                out,
                "  a weight of {} beyond {:.3} (now {})",
                words(one.weight),
                one.value_at_tie,
                one.value
            );
        }
    }
}

fn words(endpoint: &str) -> &str {
    match endpoint {
        "severe_irae" => "severe irAE",
        other => other,
    }
}

fn write_endpoint(out: &mut String, name: &str, explained: &EndpointExplanation) {
    let _ = writeln!(
        out,
        "\n{}: mean log-odds {:.3} against {:.3}, difference {:+.3}",
        words(name),
        explained.log_odds,
        explained.log_odds_against,
        explained.difference + 0.0
    );
    let (shown, rest): (Vec<_>, Vec<_>) = explained
        .contributions
        .iter()
        .enumerate()
        .partition(|(at, one)| *at < MOST_TERMS && one.contribution.abs() >= LEAST);
    let width = shown.iter().map(|(_, one)| one.term.chars().count()).max();
    for (_, one) in &shown {
        let term = printable(&one.term);
        let _ = writeln!(
            out,
            "  {:+.3}  {term:<width$}  {}",
            one.contribution,
            told(one),
            width = width.unwrap_or(0)
        );
    }
    if !rest.is_empty() {
        let sum: f64 = rest.iter().map(|(_, one)| one.contribution).sum();
        let _ = writeln!(out, "  {:+.3}  {} other terms", sum + 0.0, rest.len());
    }
}

/// What is expected to change of a term, and what is known of it.
fn told(one: &Contribution) -> String {
    let mut parts = Vec::new();
    if let (Some(measure), Some(expected), Some(against)) =
        (one.measure, one.expected, one.expected_against)
    {
        let number = |value: f64| match measure {
            Measure::Fraction => format!("{:.2} %", 100.0 * value),
            _ => format!("{value:.2}"),
        };
        let change = match one.baseline {
            Some(baseline) => format!("{} → {}", number(baseline), number(expected)),
            None => format!("{} in the donor", number(expected)),
        };
        let name = match measure {
            Measure::Fraction => String::new(),
            other => format!("{} ", other.as_str().replace('_', " ")),
        };
        parts.push(format!("{name}{change} (against {})", number(against)));
    }
    if let Some(grade) = one.grade {
        parts.push(grade.as_str().replace('_', " "));
    }
    if let Some(of) = one.heterogeneity {
        parts.push(format!(
            "same sign in {} of {} cohorts, I² {:.0} %",
            of.n_same_sign,
            of.n_cohorts,
            100.0 * of.i2
        ));
    }
    if !one.evidence.is_empty() && one.kind != super::TermKind::Genus {
        parts.push(one.evidence.clone());
    }
    parts.join("; ")
}
