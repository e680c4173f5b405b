//! The parameters of each endpoint with their priors, and which of them a patient's log-odds are
//! made of.
//!
//! | parameter | response, severe events | myocarditis |
//! |---|---|---|
//! | `intercept` | N(−0.5, 1) | by number of inhibitors: N(logit 0.003, 0.3) dual, N(logit 0.0006, 0.5) one |
//! | `cancer[·]`, `regimen[·]`, `partner[·]` | N(0, σ), each with its own σ ~ HalfN(0.7) | – |
//! | `line[refractory]` | N(0, 1) | – |
//! | `cell[·]` | N(0, σ), σ ~ HalfN(0.3) | – |
//! | `trial[·]` | N(0, σ), σ ~ HalfN(0.3) | N(0, σ), σ ~ HalfN(0.7) |
//! | `transplant` | N(0, 0.5) | N(0, 1) |
//! | `transplant_line[refractory]`, `transplant_type[·]` | N(0, 0.25) | – |
//! | `uncontrolled` | N(0.2, 0.3) | – |
//! | `any_ae` (severe events alone) | N(0.3, 0.3) | – |
//! | `slope` (response alone), `slope[·]` of a trial | N(0, 0.5), N(slope, τ), τ ~ HalfN(0.3) | – |
//! | `donor[·]` | N(0, σ), σ ~ HalfN(0.5) | – |
//! | `prevotellaceae`, `prevotellaceae_dual` | – (response); N(0, 0.3), N(0.3, 0.5) (severe) | N(0, 0.3), N(0.3, 0.5) |
//!
//! `partner[none]` is no parameter: nothing given has no effect. The terms that say which trial,
//! cell or donor it is have draws of their own once outcomes of it were seen, and are drawn from
//! their group until then.

use super::arm::is_transplant;
use super::density::Scale;
use super::endpoint::Endpoint;
use crate::cohort::screening::DonorType;
use crate::cohort::{Cancer, Line, Partner, Regimen};
use crate::numeric::logistic::logit;

/// What the log-odds of an event depend on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting<'a> {
    /// The cancer.
    pub cancer: Cancer,
    /// The checkpoint inhibitors.
    pub regimen: Regimen,
    /// The line of treatment; none for a mixture of both.
    pub line: Option<Line>,
    /// What is given beside the inhibitors.
    pub partner: Partner,
    /// The trial.
    pub trial: &'a str,
    /// The transplant, if there is one.
    pub transplant: Option<Given<'a>>,
    /// Whether any adverse event counts as severe, not immune-related ones alone.
    pub any_ae: bool,
}

/// A transplant that is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Given<'a> {
    /// Where the stool comes from, where known.
    pub donor_type: Option<DonorType>,
    /// The donor, where the outcomes of each are told apart.
    pub donor: Option<&'a str>,
    /// Whether it is an arm of a trial without a randomized control.
    pub is_uncontrolled: bool,
    /// Standardized score of the microbiome after the transplant; 0 where only the arm is known.
    pub score: f64,
    /// Richness of the donor in Prevotellaceae; 0 where only the arm is known.
    pub richness: f64,
}

impl<'a> Setting<'a> {
    /// The same without a transplant; a placebo or one's own stool is none.
    #[must_use]
    pub fn without_transplant(self) -> Self {
        Self {
            transplant: None,
            ..self
        }
    }

    fn given(&self) -> Option<Given<'a>> {
        let given = self.transplant?;
        given.donor_type.is_none_or(is_transplant).then_some(given)
    }
}

/// A parameter by its name, and what it is multiplied by.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Term {
    pub(super) name: String,
    pub(super) by: f64,
}

/// The groups of parameters whose standard deviation is learned: name, scale of its half-normal
/// prior.
pub(super) fn groups(endpoint: Endpoint) -> &'static [(&'static str, f64)] {
    match endpoint {
        Endpoint::Response => &[
            ("cancer", 0.7),
            ("regimen", 0.7),
            ("partner", 0.7),
            ("cell", 0.3),
            ("trial", 0.3),
            ("donor", 0.5),
            ("slope", 0.3),
        ],
        Endpoint::SevereIrae => &[
            ("cancer", 0.7),
            ("regimen", 0.7),
            ("partner", 0.7),
            ("cell", 0.3),
            ("trial", 0.3),
            ("donor", 0.5),
        ],
        Endpoint::Myocarditis => &[("trial", 0.7)],
    }
}

/// The group that a parameter belongs to, such as `trial` for `trial[TACITO]`.
pub(super) fn group_of(endpoint: Endpoint, name: &str) -> Option<&'static str> {
    let (stem, _) = name.split_once('[')?;
    let groups = groups(endpoint).iter();
    groups.map(|group| group.0).find(|group| *group == stem)
}

/// Mean and scale of a parameter's prior; the scale of a group by its number.
pub(super) fn prior(endpoint: Endpoint, name: &str) -> (f64, Scale) {
    if let Some(group) = group_of(endpoint, name) {
        let number = groups(endpoint).iter().position(|one| one.0 == group);
        return (0.0, Scale::Group(number.unwrap_or(0)));
    }
    let stem = name.split_once('[').map_or(name, |(stem, _)| stem);
    let (mean, sd) = match (endpoint, stem, name) {
        (Endpoint::Myocarditis, "intercept", "intercept[dual]") => (logit(0.003), 0.3),
        (Endpoint::Myocarditis, "intercept", _) => (logit(0.0006), 0.5),
        (_, "intercept", _) => (-0.5, 1.0),
        (_, "line", _) | (Endpoint::Myocarditis, "transplant", _) => (0.0, 1.0),
        (_, "transplant" | "slope", _) => (0.0, 0.5),
        (_, "transplant_line" | "transplant_type", _) => (0.0, 0.25),
        (_, "uncontrolled", _) => (0.2, 0.3),
        (_, "any_ae", _) => (0.3, 0.3),
        (_, "prevotellaceae", _) => (0.0, 0.3),
        (_, "prevotellaceae_dual", _) => (0.3, 0.5),
        // A name that no layout gives.
        _ => (0.0, f64::NAN),
    };
    (mean, Scale::Fixed(sd))
}

/// The parameters that every fit of an endpoint has, whatever the arms are.
pub(super) fn always(endpoint: Endpoint) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &str| names.push(name.to_owned());
    if endpoint == Endpoint::Myocarditis {
        add("intercept[dual]");
        add("intercept[one]");
        add("transplant");
    } else {
        add("intercept");
        for one in Cancer::ALL {
            add(&format!("cancer[{one}]"));
        }
        for one in Regimen::ALL {
            add(&format!("regimen[{one}]"));
        }
        for one in Partner::ALL.iter().filter(|one| **one != Partner::None) {
            add(&format!("partner[{one}]"));
        }
        add("line[refractory]");
        add("transplant");
        add("transplant_line[refractory]");
        for one in TYPES {
            add(&format!("transplant_type[{one}]"));
        }
        add("uncontrolled");
    }
    match endpoint {
        Endpoint::Response => add("slope"),
        Endpoint::SevereIrae => add("any_ae"),
        Endpoint::Myocarditis => {}
    }
    if endpoint != Endpoint::Response {
        add("prevotellaceae");
        add("prevotellaceae_dual");
    }
    names
}

/// The sources of stool that have an effect of their own.
const TYPES: [&str; 3] = ["healthy", "responder", "consortium"];

fn type_of(donor_type: DonorType) -> Option<&'static str> {
    match donor_type {
        DonorType::Healthy => Some("healthy"),
        DonorType::IciResponderCr | DonorType::IciResponderPr | DonorType::RecipientResponder => {
            Some("responder")
        }
        DonorType::Consortium => Some("consortium"),
        DonorType::Placebo | DonorType::Autologous => None,
    }
}

/// The parameters that the log-odds of an event are the sum of.
pub(super) fn terms(endpoint: Endpoint, setting: &Setting<'_>) -> Vec<Term> {
    let mut terms = Vec::with_capacity(16);
    let mut add = |name: String, by: f64| terms.push(Term { name, by });
    shared_terms(endpoint, setting, &mut add);
    if let Some(given) = setting.given() {
        transplant_terms(endpoint, setting, &given, &mut add);
    }
    terms
}

fn shared_terms(endpoint: Endpoint, setting: &Setting<'_>, add: &mut impl FnMut(String, f64)) {
    let Setting {
        cancer,
        regimen,
        line,
        partner,
        trial,
        ..
    } = setting;
    if endpoint == Endpoint::Myocarditis {
        let which = if regimen.is_dual() { "dual" } else { "one" };
        add(format!("intercept[{which}]"), 1.0);
        add(format!("trial[{trial}]"), 1.0);
        return;
    }
    add("intercept".to_owned(), 1.0);
    add(format!("cancer[{cancer}]"), 1.0);
    add(format!("regimen[{regimen}]"), 1.0);
    if *partner != Partner::None {
        add(format!("partner[{partner}]"), 1.0);
    }
    if refractory(*line) > 0.0 {
        add("line[refractory]".to_owned(), refractory(*line));
    }
    if let Some(line) = line {
        add(format!("cell[{cancer}|{regimen}|{line}|{partner}]"), 1.0);
    }
    add(format!("trial[{trial}]"), 1.0);
    if endpoint == Endpoint::SevereIrae && setting.any_ae {
        add("any_ae".to_owned(), 1.0);
    }
}

fn transplant_terms(
    endpoint: Endpoint,
    setting: &Setting<'_>,
    given: &Given<'_>,
    add: &mut impl FnMut(String, f64),
) {
    add("transplant".to_owned(), 1.0);
    if endpoint != Endpoint::Response && given.richness != 0.0 {
        add("prevotellaceae".to_owned(), given.richness);
        if setting.regimen.is_dual() {
            add("prevotellaceae_dual".to_owned(), given.richness);
        }
    }
    if endpoint == Endpoint::Myocarditis {
        return;
    }
    if refractory(setting.line) > 0.0 {
        let name = "transplant_line[refractory]".to_owned();
        add(name, refractory(setting.line));
    }
    if let Some(name) = given.donor_type.and_then(type_of) {
        add(format!("transplant_type[{name}]"), 1.0);
    }
    if given.is_uncontrolled {
        add("uncontrolled".to_owned(), 1.0);
    }
    if let Some(donor) = given.donor {
        add(donor_name(setting.trial, donor), 1.0);
    }
    if endpoint == Endpoint::Response && given.score != 0.0 {
        // b[t] = slope + what the trial adds to it.
        add("slope".to_owned(), given.score);
        add(slope_name(setting.trial), given.score);
    }
}

pub(super) fn donor_name(trial: &str, donor: &str) -> String {
    format!("donor[{trial}|{donor}]")
}

pub(super) fn slope_name(trial: &str) -> String {
    format!("slope[{trial}]")
}

/// The part of an arm's patients whose disease was refractory; half where an arm does not say.
fn refractory(line: Option<Line>) -> f64 {
    match line {
        Some(Line::First) => 0.0,
        Some(Line::Refractory) => 1.0,
        None => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(donor_type: Option<DonorType>) -> Setting<'static> {
        Setting {
            cancer: Cancer::Melanoma,
            regimen: Regimen::Dual,
            line: Some(Line::Refractory),
            partner: Partner::None,
            trial: "t",
            transplant: Some(Given {
                donor_type,
                donor: Some("d"),
                is_uncontrolled: true,
                score: 0.5,
                richness: 1.5,
            }),
            any_ae: false,
        }
    }

    fn names(endpoint: Endpoint, setting: &Setting<'_>) -> Vec<String> {
        terms(endpoint, setting)
            .into_iter()
            .map(|term| term.name)
            .collect()
    }

    #[test]
    fn a_placebo_and_ones_own_stool_are_no_transplant() {
        for endpoint in Endpoint::ALL {
            let without = names(endpoint, &setting(None).without_transplant());
            for donor_type in [DonorType::Placebo, DonorType::Autologous] {
                assert_eq!(names(endpoint, &setting(Some(donor_type))), without);
            }
        }
    }

    #[test]
    fn richness_moves_toxicity_and_score_moves_response() {
        let both = setting(Some(DonorType::Healthy));
        let response = names(Endpoint::Response, &both);
        assert!(response.contains(&"slope[t]".to_owned()));
        assert!(
            !response
                .iter()
                .any(|name| name.starts_with("prevotellaceae"))
        );
        let severe = names(Endpoint::SevereIrae, &both);
        assert!(severe.contains(&"prevotellaceae_dual".to_owned()));
        assert!(!severe.iter().any(|name| name.starts_with("slope")));
    }

    #[test]
    fn every_term_has_a_prior_of_its_own() {
        for endpoint in Endpoint::ALL {
            for term in terms(endpoint, &setting(Some(DonorType::Healthy))) {
                let known = always(endpoint).contains(&term.name);
                assert!(
                    known || group_of(endpoint, &term.name).is_some(),
                    "{}",
                    term.name
                );
            }
        }
    }
}
