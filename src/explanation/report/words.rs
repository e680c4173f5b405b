//! What flags mean, and what a ranking means, in plain words.

/// What a flag says, for those that the crate itself raises.
pub(super) fn flag_meaning(flag: &str) -> Option<&'static str> {
    let meaning = match flag {
        "not_eligible" => {
            "Screening does not let this donor through, or its screening is incomplete, pending or \
             out of date. It is shown, but takes no part in the ranking."
        }
        "prevotella_rich_donor_with_dual_inhibition" => {
            "The donor is rich in Prevotellaceae and the regimen blocks both PD-1 and CTLA-4. One \
             trial arm of 20 patients saw severe toxicity and myocarditis here; no cut-off is \
             validated. A reason to look closely, not an exclusion."
        }
        "prevotella_rich_donor" => {
            "The donor has more Prevotellaceae than nine in ten of the training patients. A signal \
             of toxicity was seen under dual inhibition only, in one trial; with one inhibitor none \
             is known."
        }
        "response_baseline_borrowed_from_other_cancers" => {
            "No trial of this regimen in this cancer stands behind the starting probability. In \
             first line it is the mean over the cancers that were studied, with a wider interval; \
             in refractory disease one figure, mostly of melanoma under PD-1 inhibition, stands \
             for all."
        }
        "severe_irae_baseline_borrowed_from_other_cancers" => {
            "No trial of this regimen in this cancer stands behind the rate of severe toxicity: it \
             is the mean over the cancers that were studied under the same regimen."
        }
        _ => return None,
    };
    Some(meaning)
}

/// A flag for reading: blanks instead of underscores.
pub(super) fn flag_words(flag: &str) -> String {
    flag.replace('_', " ")
}

/// What a place in the order means.
pub(super) const MEANS: [&str; 6] = [
    "Donors stand by mean utility: response, minus weighted toxicity, each against a random \
     eligible donor, averaged over draws from what the models hold possible. 0 is a random \
     eligible donor.",
    "Responses missed counts, of 100 transplants, the responses that the first donor, or a random \
     one, is expected to miss against the donor that would do best.",
    "A bar is the interval, its dot the mean. The dashed mark is the response expected from the \
     recipient's own baseline, without a transplant.",
    "A line between donors starts a new tier: at the level of the intervals all tiers are told \
     apart at once.",
    "Places gives the range of a donor's rank; at the level of the intervals the ranges of all \
     donors of a recipient hold at once.",
    "Exploratory is a second model of the same toxicity, on thinner ground: shown, never ranked \
     on.",
];

/// What it does not mean.
pub(super) const MEANS_NOT: [&str; 4] = [
    "Not a choice of donor for a patient: nobody has shown that following such an order improves \
     any outcome.",
    "Not a cause: taxa and predictions are associated with outcomes in small studies, and differ \
     between studies.",
    "Not a statement of safety: a low probability of toxicity does not clear a donor, and \
     screening comes first.",
    "Not the benefit of a transplant: donors are compared with one another, not with going \
     without.",
];
