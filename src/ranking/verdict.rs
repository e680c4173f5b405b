//! What may be said of a donor for a recipient, and what carries it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::draws::Share;

/// What the draws say of a donor against a random eligible donor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Better than a random eligible donor, as surely as
    /// [`RankingParams::prefer_above`](super::RankingParams::prefer_above) asks.
    Prefer,
    /// Worse than a random eligible donor, as surely.
    Avoid,
    /// Neither can be said.
    NoPreference,
    /// Nothing can be said: the donor is not eligible, or the pair lies outside what the models
    /// know.
    Abstain,
}

impl Verdict {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prefer => "prefer",
            Self::Avoid => "avoid",
            Self::NoPreference => "no_preference",
            Self::Abstain => "abstain",
        }
    }

    /// The word for reading.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NoPreference => "no preference",
            other => other.as_str(),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A part of the utility that can carry a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Term {
    /// The response gained or lost by the microbiome after the transplant.
    Response,
    /// The response gained or lost by what is known of such donors: their type.
    Evidence,
    /// The response gained or lost by the donor's own record in the trial.
    Record,
    /// Severe immune-related adverse events spared or added.
    SevereIrae,
    /// Myocarditis spared or added.
    Myocarditis,
}

impl Term {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Evidence => "evidence",
            Self::Record => "record",
            Self::SevereIrae => "severe_irae",
            Self::Myocarditis => "myocarditis",
        }
    }

    /// The word for reading.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::SevereIrae => "severe irAE",
            other => other.as_str(),
        }
    }

    /// The term that speaks most for a verdict, given what each adds to the mean utility; `None`
    /// where the verdict says nothing.
    pub(super) fn that_carries(verdict: Verdict, contributions: &[(Self, f64)]) -> Option<Self> {
        let sign = match verdict {
            Verdict::Prefer => 1.0,
            Verdict::Avoid => -1.0,
            Verdict::NoPreference | Verdict::Abstain => return None,
        };
        let most = |best: (Self, f64), next: &(Self, f64)| {
            if sign * next.1 > sign * best.1 {
                *next
            } else {
                best
            }
        };
        let (&first, rest) = contributions.split_first()?;
        Some(rest.iter().fold(first, most).0)
    }
}

/// Standard errors that a share must lie beyond its threshold before a verdict is passed.
const N_ERRORS: f64 = 3.0;

/// Standard errors that a share must lie from its threshold before drawing ends: more, since it is
/// looked at again and again.
const N_ERRORS_TO_END: f64 = 4.0;

impl Verdict {
    /// `prefer` where the share in which a donor is better than a random one lies above the
    /// threshold by more than its error, `avoid` where the share in which it is worse does.
    pub(super) fn of(better: Share, threshold: f64) -> Self {
        let error = N_ERRORS * better.se;
        if better.value - error > threshold {
            Self::Prefer
        } else if 1.0 - better.value - error > threshold {
            Self::Avoid
        } else {
            Self::NoPreference
        }
    }
}

/// Whether up to `times` as many draws could change the verdict: within its error the share is on
/// either side of what it must pass then.
pub(super) fn is_open(better: Share, threshold: f64, times: f64) -> bool {
    let certainty = better.value.max(1.0 - better.value);
    let to_pass = threshold + N_ERRORS * better.se / times.sqrt();
    (certainty - to_pass).abs() < N_ERRORS_TO_END * better.se
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_within_its_error_of_the_threshold_is_no_preference() {
        let of = |value, se| Verdict::of(Share { value, se }, 0.8);
        assert_eq!(of(0.84, 0.01), Verdict::Prefer);
        assert_eq!(of(0.82, 0.01), Verdict::NoPreference);
        assert_eq!(of(0.5, 0.2), Verdict::NoPreference);
        assert_eq!(of(0.18, 0.01), Verdict::NoPreference);
        assert_eq!(of(0.16, 0.01), Verdict::Avoid);
    }

    #[test]
    fn only_a_share_that_could_still_pass_or_fall_is_open() {
        let open = |value, times| is_open(Share { value, se: 0.01 }, 0.8, times);
        // A hundred times the draws leave a tenth of the error: 0.803 must be passed.
        assert!(open(0.84, 100.0) && open(0.77, 100.0) && open(0.17, 100.0));
        assert!(!open(0.85, 100.0) && !open(0.76, 100.0) && !open(0.5, 100.0));
    }

    #[test]
    fn words_are_those_of_json() {
        for verdict in [
            Verdict::Prefer,
            Verdict::Avoid,
            Verdict::NoPreference,
            Verdict::Abstain,
        ] {
            let json = serde_json::to_string(&verdict).unwrap();
            assert_eq!(json, format!("\"{verdict}\""));
        }
        for term in [Term::Response, Term::SevereIrae, Term::Myocarditis] {
            let json = serde_json::to_string(&term).unwrap();
            assert_eq!(json, format!("\"{}\"", term.as_str()));
        }
    }

    #[test]
    fn the_term_that_carries_is_the_one_that_adds_most_in_the_direction_of_the_verdict() {
        let terms = [
            (Term::Response, 0.1),
            (Term::SevereIrae, -0.3),
            (Term::Myocarditis, 0.2),
        ];
        let carries = |verdict| Term::that_carries(verdict, &terms);
        assert_eq!(carries(Verdict::Prefer), Some(Term::Myocarditis));
        assert_eq!(carries(Verdict::Avoid), Some(Term::SevereIrae));
        assert_eq!(carries(Verdict::NoPreference), None);
        assert_eq!(carries(Verdict::Abstain), None);
    }
}
