//! What each part of a prediction adds to the log-odds of one pair, draw by draw, against other
//! donors of the same recipient.

use std::collections::BTreeMap;

use ndarray::Array2;
use rayon::prelude::*;

use super::matcher::{Matcher, PredictParams};
use super::scene::{DonorSide, Outcomes, RecipientSide, Room, Scene, evidence_numbers, setting};
use crate::cancel;
use crate::cohort::screening::DonorType;
use crate::cohort::{Donors, TreatmentContext};
use crate::engraftment::{RealizedProfile, align_to_fractions};
use crate::evidence::Endpoint;
use crate::feature::COMMUNITY_FEATURES;
use crate::numeric::summary::mean;
use crate::profile::ProfileTable;
use crate::{Error, Result};

/// A part of the log-odds that is no feature of the community.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Cancer, checkpoint inhibitors, line and what is given beside them.
    Cell,
    /// The trial.
    Trial,
    /// That there is a transplant.
    Transplant,
    /// Where the stool comes from.
    DonorType,
    /// The donor's own record, or that donors differ.
    Record,
    /// The donor's richness in Prevotellaceae.
    Richness,
}

/// A part of the log-odds of a donor, and its mean over the others, one a draw.
#[derive(Debug, Clone)]
pub(crate) struct TermDraws {
    pub part: Part,
    pub donor: Vec<f64>,
    pub against: Vec<f64>,
}

/// What a community is expected to be: means over the draws.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    /// By column of [`Attribution::taxa`].
    pub fractions: Vec<f64>,
    /// By community feature.
    pub community: Vec<f64>,
}

/// The parts of the log-odds of a donor for a recipient, against other donors.
#[derive(Debug, Clone)]
pub(crate) struct Attribution {
    /// What response is made of but the features.
    pub response: Vec<TermDraws>,
    /// What each feature adds to the log-odds of response over the others, draws × features.
    pub features: Array2<f64>,
    /// Log-odds of response, one a draw, as they are predicted.
    pub response_log_odds: Vec<f64>,
    /// The mean of the others'.
    pub response_against: Vec<f64>,
    /// All that a severe event is made of.
    pub severe_irae: Vec<TermDraws>,
    pub severe_log_odds: Vec<f64>,
    pub severe_against: Vec<f64>,
    /// The columns of the fractions.
    pub taxa: ProfileTable,
    pub baseline: Expected,
    pub donor: Expected,
    pub against: Expected,
    /// Fraction of Prevotellaceae in the donor, and its mean over the others.
    pub prevotellaceae: [f64; 2],
}

/// What one draw gives.
struct DrawParts {
    features: Vec<f64>,
    /// Slope times score, the donor's and the mean of the others'.
    microbiome: [f64; 2],
    expected: [Expected; 2],
}

impl Matcher {
    /// Takes the prediction of one donor apart, against the others; `donors` has the donor first
    /// and then each of the others, `recipient` one row.
    ///
    /// # Errors
    /// As [`Matcher::predict`].
    pub(crate) fn attribute(
        &self,
        donors: &Donors,
        recipient: &ProfileTable,
        context: TreatmentContext,
        places: (usize, &[usize]),
        params: &PredictParams,
    ) -> Result<Attribution> {
        params.check()?;
        self.check_vocabulary("donors", donors.profiles())?;
        self.check_vocabulary("recipients", recipient)?;
        let (profiles, recipient) = align_to_fractions(donors.profiles(), recipient)?;
        let donors = donors.with_profiles(profiles)?;
        let cells = [context].into_iter().collect();
        let scene = Scene::new(self, &donors, recipient, &cells, params)?;
        let (donor, others) = places;
        let sides: Vec<DonorSide> = [donor]
            .iter()
            .chain(others)
            .map(|&row| scene.donor_side(row))
            .collect();
        let recipient = scene.recipient_side(0, context)?;
        scene.attribute(&sides, &recipient)
    }
}

impl Scene<'_> {
    /// Takes the prediction of the first donor apart, against the others.
    fn attribute(&self, donors: &[DonorSide], recipient: &RecipientSide) -> Result<Attribution> {
        let transplants = donors
            .iter()
            .map(|donor| {
                let transplant = donor.gives().then(|| self.transplant(donor, recipient));
                transplant.transpose()
            })
            .collect::<Result<Vec<_>>>()?;
        let outcomes = transplants
            .iter()
            .map(|one| one.as_ref().map(|one| self.outcomes(one)).transpose())
            .collect::<Result<Vec<_>>>()?;
        let drawn: Vec<DrawParts> = (0..self.n_draws())
            .into_par_iter()
            .map_init(
                || self.room(),
                |room, draw| {
                    cancel::check()?;
                    self.draw_parts(room, draw, &outcomes, recipient)
                },
            )
            .collect::<Result<_>>()?;
        self.assemble(donors, recipient, &drawn)
    }

    /// What the features add in one draw, and what the communities are.
    fn draw_parts(
        &self,
        room: &mut Room,
        draw: usize,
        outcomes: &[Option<Outcomes<'_, '_>>],
        recipient: &RecipientSide,
    ) -> Result<DrawParts> {
        let response = &self.matcher.response;
        let mut rows = Array2::zeros((outcomes.len(), response.schema.n_features()));
        let mut expected = [(); 2].map(|()| Expected::of_no_sample(self.donors.n_taxa()));
        let share = 1.0 / (outcomes.len() as f64 - 1.0);
        for (at, (outcomes, mut row)) in outcomes.iter().zip(rows.rows_mut()).enumerate() {
            let row = row
                .as_slice_mut()
                .ok_or_else(|| Error::table("the features do not fill their row"))?;
            self.fill_row(room, draw, outcomes.as_ref(), recipient, row);
            let share = if at == 0 { 1.0 } else { share };
            expected[at.min(1)].add(share, &room.profile, row);
        }
        let member = &response.members[self.member_of(draw)];
        let scores = member.scores(response.engine, rows.view())?;
        let slope = self.slope(draw);
        let (own, others) = rows.view().split_at(ndarray::Axis(0), 1);
        let mut features = member.differences(response.engine, own, others)?;
        for feature in &mut features {
            *feature *= slope;
        }
        Ok(DrawParts {
            features,
            microbiome: [slope * scores[0], slope * mean(&scores[1..])],
            expected,
        })
    }

    /// The community after a transplant, or the recipient's as it is, and its features.
    fn fill_row(
        &self,
        room: &mut Room,
        draw: usize,
        outcomes: Option<&Outcomes<'_, '_>>,
        recipient: &RecipientSide,
        row: &mut [f64],
    ) {
        let Room {
            profile, scratch, ..
        } = room;
        let Some((outcomes, factors)) = outcomes else {
            let (taxa, fractions) = self.recipients.abundance().row(recipient.row);
            profile.taxa = taxa.to_vec();
            profile.fractions = fractions.to_vec();
            let taxa = taxa.iter().copied().zip(fractions.iter().copied());
            return self.features.fill(taxa, row);
        };
        self.realize_profile(profile, (outcomes, factors), draw, recipient.shifts[draw]);
        let used_columns = &self.used_columns[self.member_of(draw)];
        let (taxa, fractions) = (&profile.taxa, &profile.fractions);
        self.features
            .fill_present(taxa, fractions, used_columns, scratch, |column, value| {
                row[column] = value;
            });
    }

    /// Joins what was drawn with the evidence.
    fn assemble(
        &self,
        donors: &[DonorSide],
        recipient: &RecipientSide,
        drawn: &[DrawParts],
    ) -> Result<Attribution> {
        let cell = self.cell(recipient.context)?;
        let microbiome = |which: usize| drawn.iter().map(move |parts| parts.microbiome[which]);
        let log_odds = |endpoint, donors: &[DonorSide]| {
            let mut sum = vec![0.0; self.n_draws()];
            let share = 1.0 / donors.len() as f64;
            for donor in donors {
                let shared = cell.given(donor);
                add(&mut sum, share, shared.of(endpoint));
                if donor.gives() {
                    add(&mut sum, share, donor.effect(endpoint));
                    if endpoint == Endpoint::SevereIrae {
                        add(&mut sum, share * donor.richness, &cell.severe_by_richness);
                    }
                }
            }
            sum
        };
        let (own, others) = donors.split_at(1);
        let response = |donors: &[DonorSide], which| {
            let mut sum = log_odds(Endpoint::Response, donors);
            sum.iter_mut()
                .zip(microbiome(which))
                .for_each(|(sum, by)| *sum += by);
            sum
        };
        let rows: Vec<f64> = drawn
            .iter()
            .flat_map(|parts| parts.features.clone())
            .collect();
        let n_features = self.matcher.response.schema.n_features();
        let (taxa, fractions) = self.recipients.abundance().row(recipient.row);
        let mut baseline = Expected::of_no_sample(self.donors.n_taxa());
        for (&taxon, &fraction) in taxa.iter().zip(fractions) {
            baseline.fractions[taxon as usize] = fraction;
        }
        baseline.community.clone_from(&recipient.community);
        Ok(Attribution {
            response: self.terms(Endpoint::Response, donors, recipient)?,
            features: Array2::from_shape_vec((drawn.len(), n_features), rows)
                .map_err(|_| Error::table("the features do not fill their rows"))?,
            response_log_odds: response(own, 0),
            response_against: response(others, 1),
            severe_irae: self.terms(Endpoint::SevereIrae, donors, recipient)?,
            severe_log_odds: log_odds(Endpoint::SevereIrae, own),
            severe_against: log_odds(Endpoint::SevereIrae, others),
            baseline,
            donor: Expected::mean_of(drawn, 0),
            against: Expected::mean_of(drawn, 1),
            prevotellaceae: [own, others].map(|donors| {
                mean(
                    &donors
                        .iter()
                        .map(|one| one.prevotellaceae)
                        .collect::<Vec<_>>(),
                )
            }),
            taxa: self.donors.clone(),
        })
    }

    /// The parts that are no feature of the community, each of the first donor and of the others.
    fn terms(
        &self,
        endpoint: Endpoint,
        donors: &[DonorSide],
        recipient: &RecipientSide,
    ) -> Result<Vec<TermDraws>> {
        let cell = self.cell(recipient.context)?;
        let mut terms: BTreeMap<Part, [Vec<f64>; 2]> = BTreeMap::new();
        let mut by_type: BTreeMap<Option<DonorType>, Vec<(Part, Vec<f64>)>> = BTreeMap::new();
        let share = 1.0 / (donors.len() as f64 - 1.0);
        for (at, donor) in donors.iter().enumerate() {
            let share = if at == 0 { 1.0 } else { share };
            let mut add_to = |part: Part, by: f64, draws: &[f64]| {
                let new = || [(); 2].map(|()| vec![0.0; self.n_draws()]);
                add(
                    &mut terms.entry(part).or_insert_with(new)[at.min(1)],
                    by,
                    draws,
                );
            };
            let shared = by_type
                .entry(donor.donor_type)
                .or_insert_with(|| self.evidence_parts(endpoint, recipient, donor));
            for (part, draws) in shared.iter() {
                add_to(*part, share, draws);
            }
            if donor.gives() {
                add_to(Part::Record, share, donor.effect(endpoint));
                if endpoint == Endpoint::SevereIrae {
                    add_to(
                        Part::Richness,
                        share * donor.richness,
                        &cell.severe_by_richness,
                    );
                }
            }
        }
        let terms = terms.into_iter();
        Ok(terms
            .map(|(part, [donor, against])| TermDraws {
                part,
                donor,
                against,
            })
            .collect())
    }

    /// What the evidence says of a cell and a type of donor, part by part.
    fn evidence_parts(
        &self,
        endpoint: Endpoint,
        recipient: &RecipientSide,
        donor: &DonorSide,
    ) -> Vec<(Part, Vec<f64>)> {
        let setting = setting(self.matcher, recipient.context, donor.donor_type);
        let numbers = evidence_numbers(self.params);
        let terms = self
            .matcher
            .evidence
            .log_odds_terms(endpoint, &setting, numbers);
        terms
            .into_iter()
            .map(|(name, draws)| (part_of(&name), draws))
            .collect()
    }
}

/// The part that a parameter of the evidence belongs to, see
/// [`evidence`](crate::evidence) for their names.
fn part_of(parameter: &str) -> Part {
    match parameter
        .split_once('[')
        .map_or(parameter, |(stem, _)| stem)
    {
        "trial" => Part::Trial,
        "transplant" | "transplant_line" | "uncontrolled" => Part::Transplant,
        "transplant_type" => Part::DonorType,
        _ => Part::Cell,
    }
}

fn add(sum: &mut [f64], by: f64, draws: &[f64]) {
    for (sum, draw) in sum.iter_mut().zip(draws) {
        *sum += by * draw;
    }
}

impl Expected {
    fn of_no_sample(n_taxa: usize) -> Self {
        Self {
            fractions: vec![0.0; n_taxa],
            community: vec![0.0; COMMUNITY_FEATURES.len()],
        }
    }

    fn add(&mut self, share: f64, profile: &RealizedProfile, row: &[f64]) {
        for (&taxon, fraction) in profile.taxa.iter().zip(&profile.fractions) {
            self.fractions[taxon as usize] += share * fraction;
        }
        add(&mut self.community, share, row);
    }

    fn mean_of(drawn: &[DrawParts], which: usize) -> Self {
        let n_taxa = drawn
            .first()
            .map_or(0, |parts| parts.expected[which].fractions.len());
        let mut mean = Self::of_no_sample(n_taxa);
        let share = 1.0 / drawn.len() as f64;
        for parts in drawn {
            add(&mut mean.fractions, share, &parts.expected[which].fractions);
            add(&mut mean.community, share, &parts.expected[which].community);
        }
        mean
    }
}
