//! Where a recipient starts before the microbiome is looked at: intercepts by regimen, cancer and
//! line, from published trial arms, as normal distributions of log-odds.

use serde::{Deserialize, Serialize};

use crate::cohort::{Cancer, Line, Regimen, TreatmentContext};

/// A normal distribution on the log-odds scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LogOdds {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation.
    pub sd: f64,
}

impl LogOdds {
    fn of(probability: f64, sd: f64) -> Self {
        Self {
            mean: logit(probability),
            sd,
        }
    }

    /// The median probability.
    pub fn probability(self) -> f64 {
        crate::numeric::logistic::plain_sigmoid(self.mean)
    }
}

fn logit(probability: f64) -> f64 {
    libm::log(probability / (1.0 - probability))
}

/// Objective response to checkpoint inhibition alone, first line: (regimen, cancer, rate).
///
/// `CheckMate` 067 (melanoma: nivolumab 43.7 %, nivolumab + ipilimumab 57.6 %, ipilimumab 19 %),
/// KEYNOTE-024 (lung, PD-L1 ≥ 50 %: pembrolizumab 44.8 %), `CheckMate` 214 (kidney, intermediate and
/// poor risk: nivolumab + ipilimumab 42 %).
const RESPONSE_FIRST_LINE: [(Regimen, Cancer, f64); 5] = [
    (Regimen::AntiPd1, Cancer::Melanoma, 0.437),
    (Regimen::AntiPd1, Cancer::Lung, 0.448),
    (Regimen::AntiCtla4, Cancer::Melanoma, 0.19),
    (Regimen::Dual, Cancer::Melanoma, 0.576),
    (Regimen::Dual, Cancer::Kidney, 0.42),
];

/// Severe adverse events under checkpoint inhibition alone, from the same trials; the kidney rate
/// is unverified in the source.
const SEVERE_IRAE: [(Regimen, Cancer, f64); 5] = [
    (Regimen::AntiPd1, Cancer::Melanoma, 0.163),
    (Regimen::AntiPd1, Cancer::Lung, 0.266),
    (Regimen::AntiCtla4, Cancer::Melanoma, 0.273),
    (Regimen::Dual, Cancer::Melanoma, 0.55),
    (Regimen::Dual, Cancer::Kidney, 0.46),
];

/// Spread of a baseline whose very cell was studied.
const SD_KNOWN: f64 = 0.25;
/// Spread of a baseline borrowed from other cancers under the same regimen: a judgement.
const SD_BORROWED: f64 = 0.5;

/// Response of refractory disease to inhibition again, alone: no adequate trial; from memory of
/// the field, and wide.
const REFRACTORY: f64 = 0.07;
const SD_REFRACTORY: f64 = 1.0;

/// The effect of a transplant on the log-odds of response: TACITO, the only randomized trial with
/// efficacy results (log odds ratio 0.85, standard error 0.62), shrunk by Normal(0, 0.5).
pub const TRANSPLANT_EFFECT: LogOdds = LogOdds {
    mean: 0.33,
    sd: 0.39,
};

/// Spread between trials: the scale of the half-normal prior of the study effect.
const SD_BETWEEN_TRIALS: f64 = 0.5;

/// Arms of transplant + checkpoint inhibitor in refractory disease: (trial, responders, evaluable).
pub const REFRACTORY_ARMS: [(&str, u32, u32); 6] = [
    ("BaruchEN_2021", 3, 10),
    ("DavarD_2021", 3, 15),
    ("Kim_Park_2024", 1, 13),
    ("Zhang_Peng", 2, 10),
    ("RENMIN_215", 4, 20),
    ("MITRIC", 0, 9),
];

/// The intercepts of one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ResponseBaseline {
    /// Log-odds of response without a transplant.
    pub alone: LogOdds,
    /// Log-odds of response with an average transplant.
    pub with_transplant: LogOdds,
    /// Whether it is borrowed from other cancers or regimens: the very cell was not studied.
    pub is_borrowed: bool,
}

/// The response intercepts of a regimen, cancer and line; `leave_out` names a trial whose own
/// outcome must not be in the intercept, because it is being judged.
///
/// First line: the published rate without transplant plus [`TRANSPLANT_EFFECT`]. Refractory: a wide
/// prior updated with the arms of [`REFRACTORY_ARMS`], each with a spread between trials of 0.5;
/// one intercept for every regimen and cancer, since the arms are too few to tell them apart, and
/// borrowed for all but PD-1 inhibition in melanoma.
pub fn response_baseline(context: TreatmentContext, leave_out: Option<&str>) -> ResponseBaseline {
    match context.line {
        Line::First => {
            let (rate, is_borrowed) =
                rate_of(&RESPONSE_FIRST_LINE, context.regimen, context.cancer);
            let alone = LogOdds::of(rate, if is_borrowed { SD_BORROWED } else { SD_KNOWN });
            ResponseBaseline {
                alone,
                with_transplant: sum(alone, TRANSPLANT_EFFECT),
                is_borrowed,
            }
        }
        Line::Refractory => ResponseBaseline {
            is_borrowed: (context.regimen, context.cancer) != (Regimen::AntiPd1, Cancer::Melanoma),
            ..refractory_baseline(leave_out)
        },
    }
}

/// The severe-toxicity intercept of a regimen and cancer; its spread is the prior's (0.3).
pub fn severe_irae_baseline(context: TreatmentContext) -> LogOdds {
    LogOdds::of(severe_irae_rate(context).0, 0.3)
}

/// Whether that intercept is borrowed from other cancers under the same regimen.
pub fn severe_irae_is_borrowed(context: TreatmentContext) -> bool {
    severe_irae_rate(context).1
}

fn severe_irae_rate(context: TreatmentContext) -> (f64, bool) {
    rate_of(&SEVERE_IRAE, context.regimen, context.cancer)
}

/// The myocarditis intercept: 0.3 % under dual inhibition, 0.06 % under one inhibitor (Johnson et
/// al. 2016, NEJM 375:1749); anti-CTLA-4 alone is taken as one inhibitor, without a source.
pub fn myocarditis_baseline(context: TreatmentContext) -> LogOdds {
    LogOdds::of(
        if context.regimen.is_dual() {
            0.003
        } else {
            0.0006
        },
        0.5,
    )
}

/// The rate of the cell, or the mean over the cancers studied under the same regimen.
fn rate_of(cells: &[(Regimen, Cancer, f64)], regimen: Regimen, cancer: Cancer) -> (f64, bool) {
    let same: Vec<&(Regimen, Cancer, f64)> =
        cells.iter().filter(|cell| cell.0 == regimen).collect();
    match same.iter().find(|cell| cell.1 == cancer) {
        Some(cell) => (cell.2, false),
        None => (
            same.iter().map(|cell| cell.2).sum::<f64>() / same.len() as f64,
            true,
        ),
    }
}

/// Sum of two independent normal distributions.
fn sum(a: LogOdds, b: LogOdds) -> LogOdds {
    LogOdds {
        mean: a.mean + b.mean,
        sd: a.sd.hypot(b.sd),
    }
}

fn refractory_baseline(leave_out: Option<&str>) -> ResponseBaseline {
    let prior = LogOdds::of(REFRACTORY, SD_REFRACTORY);
    let arms = REFRACTORY_ARMS
        .iter()
        .filter(|arm| Some(arm.0) != leave_out);
    let with_transplant = pooled(
        sum(prior, TRANSPLANT_EFFECT),
        arms.map(|arm| (arm.1, arm.2)),
    );
    // What the arms moved the sum by is shared out to its two parts by their prior variances.
    let total = prior.sd.powi(2) + TRANSPLANT_EFFECT.sd.powi(2);
    let share = prior.sd.powi(2) / total;
    let moved = with_transplant.mean - (prior.mean + TRANSPLANT_EFFECT.mean);
    let variance = prior.sd.powi(2) - share.powi(2) * (total - with_transplant.sd.powi(2));
    let alone = LogOdds {
        mean: prior.mean + share * moved,
        sd: variance.sqrt(),
    };
    ResponseBaseline {
        alone,
        with_transplant,
        is_borrowed: false,
    }
}

/// Normal prior × arms, each arm's log-odds (with half a patient added to either side, Haldane and
/// Anscombe) normal around the common mean with its own variance and that between trials.
fn pooled(prior: LogOdds, arms: impl Iterator<Item = (u32, u32)>) -> LogOdds {
    let mut precision = prior.sd.powi(-2);
    let mut weighted = prior.mean * precision;
    for (responders, n) in arms {
        let yes = f64::from(responders) + 0.5;
        let no = f64::from(n - responders) + 0.5;
        let weight = 1.0 / (1.0 / yes + 1.0 / no + SD_BETWEEN_TRIALS.powi(2));
        precision += weight;
        weighted += weight * libm::log(yes / no);
    }
    LogOdds {
        mean: weighted / precision,
        sd: precision.sqrt().recip(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(regimen: Regimen, cancer: Cancer, line: Line) -> TreatmentContext {
        TreatmentContext {
            regimen,
            cancer,
            line,
        }
    }

    #[test]
    fn refractory_starts_near_17_percent_and_first_line_near_60() {
        let refractory = context(Regimen::AntiPd1, Cancer::Melanoma, Line::Refractory);
        let p = response_baseline(refractory, None)
            .with_transplant
            .probability();
        // 13 of 77 responded over the six arms.
        assert!((0.12..0.20).contains(&p), "{p}");
        let rates = [
            (Regimen::AntiPd1, Cancer::Melanoma),
            (Regimen::AntiPd1, Cancer::Lung),
            (Regimen::Dual, Cancer::Melanoma),
        ]
        .map(|(regimen, cancer)| {
            let first = context(regimen, cancer, Line::First);
            response_baseline(first, None).with_transplant.probability()
        });
        let mean = rates.iter().sum::<f64>() / 3.0;
        assert!((0.5..0.68).contains(&mean), "{rates:?}");
    }

    #[test]
    fn a_trial_left_out_does_not_move_its_own_intercept() {
        let refractory = context(Regimen::AntiPd1, Cancer::Melanoma, Line::Refractory);
        let all = response_baseline(refractory, None).with_transplant;
        let without = response_baseline(refractory, Some("BaruchEN_2021")).with_transplant;
        assert!(without.mean < all.mean && without.sd > all.sd);
    }

    #[test]
    fn an_unstudied_cell_is_borrowed_and_wider() {
        let kidney = context(Regimen::AntiPd1, Cancer::Kidney, Line::First);
        let baseline = response_baseline(kidney, None);
        assert!(baseline.is_borrowed && baseline.alone.sd > SD_KNOWN);
    }
}
