//! What the matcher says about one donor and one recipient, draw by draw.

use serde::{Deserialize, Serialize};

use crate::profile::{SampleId, SubjectId};

/// Everything predicted about one pair. The draws of all donors of one recipient are aligned:
/// draw `b` uses the same model member, the same intercepts and the same random numbers for every
/// donor, so that differences between donors can be taken draw by draw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairPrediction {
    /// The donor.
    pub donor_id: SubjectId,
    /// The recipient's baseline sample.
    pub recipient_id: SampleId,
    /// Probability of objective response after the transplant, one a draw.
    pub p_response: Vec<f64>,
    /// Probability of objective response from the recipient's own baseline, without transplant, one
    /// a draw; a single number where it was not drawn.
    pub p_response_baseline: Vec<f64>,
    /// Mean log-odds of response by the evidence alone: cell, transplant and type of donor, before
    /// the microbiome and the donor's own record.
    #[serde(default)]
    pub evidence_log_odds: f64,
    /// Probability of a severe (grade 3 or more) immune-related adverse event, one a draw.
    pub p_severe_irae: Vec<f64>,
    /// Probability of myocarditis, one a draw.
    pub p_myocarditis: Vec<f64>,
    /// The same severe endpoint by the exploratory boosted model; reported, never ranked on.
    pub p_severe_irae_exploratory: Option<f64>,
    /// Number of taxa gained (absent in the recipient before, present after), one a draw; a single
    /// number where it was not drawn.
    pub n_gained: Vec<f32>,
    /// Number of the recipient's taxa kept, likewise.
    pub n_kept: Vec<f32>,
    /// Number of the recipient's taxa lost, likewise.
    pub n_lost: Vec<f32>,
    /// Expected number of the recipient's deleterious taxa (`luminate_depletion`) lost.
    pub deleterious_lost: f64,
    /// Fraction of Prevotellaceae in the donor; none where its profile was not read. Shown beside
    /// the toxicity, which goes by the part above the median of the training patients.
    #[serde(default)]
    pub donor_prevotellaceae: Option<f64>,
    /// Warnings in words of a fixed list, such as `prevotella_rich_donor_with_dual_inhibition`.
    pub flags: Vec<String>,
    /// Whether both profiles lie inside what the models know.
    pub in_domain: bool,
    /// Why not, where they do not.
    pub domain_reason: Option<String>,
    /// What the donor's own record in the trial adds.
    #[serde(default)]
    pub record: OwnRecord,
    /// Whether the donor may be ranked at all (screening); an ineligible donor is shown last.
    pub eligible: bool,
}

/// What a donor's own record in a trial adds, after [`Matcher::with_outcomes`](super::Matcher::with_outcomes);
/// without outcomes the counts are 0 and the effect is that of a donor of whom nothing is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct OwnRecord {
    /// Transplants of the donor so far.
    pub n_transplants: u32,
    /// Responders among them.
    pub n_responders: u32,
    /// Mean of what the donor adds to the log-odds of response.
    pub effect: f64,
    /// Lower end of its 90 % interval.
    pub effect_lo: f64,
    /// Upper end of its 90 % interval.
    pub effect_hi: f64,
}

/// What the matcher says of a patient without a transplant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselinePrediction {
    /// The sample.
    pub sample_id: SampleId,
    /// Probability of objective response, the mean over the draws.
    pub p_response_baseline: f64,
    /// Lower end of its 90 % interval.
    pub p_response_baseline_lo: f64,
    /// Upper end of its 90 % interval.
    pub p_response_baseline_hi: f64,
    /// Log-odds beyond the intercept, before the slope; 0 is the average training patient.
    pub score: f64,
    /// Whether the profile lies inside what the model knows.
    pub in_domain: bool,
    /// Why not, where it does not.
    pub domain_reason: Option<String>,
}
