//! Params, batches, windows and utilities, checked against each other.

use std::collections::{BTreeMap, BTreeSet};

use super::batch::Batch;
use super::constraint::Constraint;
use super::params::CalendarParams;
use super::window::RecipientWindow;
use crate::cohort::screening::Day;
use crate::profile::{SampleId, SubjectId};
use crate::ranking::assignment::{AssignmentParams, Coverage, PairUtility, UtilityTable};
use crate::{Error, Result};

/// First and last day, each where there is one.
pub(super) type Span = (Option<Day>, Option<Day>);

/// What a calendar is to be found for.
pub(super) struct Case<'a> {
    pub(super) params: &'a CalendarParams,
    pub(super) batches: &'a [Batch],
    pub(super) donors: Vec<&'a SubjectId>,
    pub(super) recipients: Vec<&'a SampleId>,
    /// By recipient, where the table of windows has it.
    pub(super) windows: Vec<Option<&'a RecipientWindow>>,
    /// By batch; `None` where its donor is eligible for nobody.
    pub(super) donor_of: Vec<Option<usize>>,
    /// Recipient × donor.
    pub(super) utilities: Vec<Vec<Option<f64>>>,
    /// The donor that is decided, by recipient.
    pub(super) locked: Vec<Option<usize>>,
}

impl<'a> Case<'a> {
    /// `known`: donors that were ranked, eligible or not.
    pub(super) fn new(
        params: &'a CalendarParams,
        pairs: &'a [PairUtility],
        recipients: Vec<&'a SampleId>,
        known: &BTreeSet<&SubjectId>,
        batches: &'a [Batch],
        windows: &'a [RecipientWindow],
    ) -> Result<Self> {
        check_params(params)?;
        let table = UtilityTable::new(pairs, recipients)?;
        let ids = AssignmentParams {
            capacities: params.capacities.clone(),
            forbidden: params.forbidden.clone(),
            locked: params.locked.clone(),
            ..AssignmentParams::default()
        };
        let locked = ids.check_ids(&table)?;
        check_batches(batches, known)?;
        Ok(Self {
            params,
            batches,
            windows: windows_of(&table, windows)?,
            donor_of: batches
                .iter()
                .map(|batch| table.donor(&batch.donor_id))
                .collect(),
            locked,
            donors: table.donors,
            recipients: table.recipients,
            utilities: table.utilities,
        })
    }

    pub(super) fn window(&self, recipient: usize) -> Span {
        self.windows[recipient].map_or((None, None), |one| (one.not_before, one.not_after))
    }

    pub(super) fn arm(&self, recipient: usize) -> Option<&'a str> {
        self.windows[recipient]?.arm.as_deref()
    }

    /// Recipients by their block.
    pub(super) fn blocks(&self) -> BTreeMap<&'a str, Vec<usize>> {
        self.grouped(|one| one.block.as_deref())
    }

    /// Recipients by their subgroup.
    pub(super) fn subgroups(&self) -> BTreeMap<&'a str, Vec<usize>> {
        self.grouped(|one| one.subgroup.as_deref())
    }

    fn grouped(
        &self,
        group: impl Fn(&'a RecipientWindow) -> Option<&'a str>,
    ) -> BTreeMap<&'a str, Vec<usize>> {
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (recipient, window) in self.windows.iter().enumerate() {
            if let Some(name) = window.and_then(&group) {
                groups.entry(name).or_default().push(recipient);
            }
        }
        groups
    }

    /// Every constraint that this case has: first who must be served, then the rest.
    pub(super) fn constraints(&self) -> (Vec<Constraint>, Vec<Constraint>) {
        let of = |recipient: &usize| self.recipients[*recipient].clone();
        let all: Vec<usize> = (0..self.recipients.len()).collect();
        let served = all
            .iter()
            .filter(|_| self.params.coverage == Coverage::Every);
        let served = served
            .map(|r| Constraint::Served {
                recipient_id: of(r),
            })
            .collect();
        let mut rest = Vec::new();
        for recipient in &all {
            let recipient_id = of(recipient);
            if self.window(*recipient) != (None, None) {
                rest.push(Constraint::Window {
                    recipient_id: recipient_id.clone(),
                });
            }
            if self.arm(*recipient).is_some() {
                rest.push(Constraint::Arm { recipient_id });
            }
        }
        self.of_batches(&mut rest);
        self.of_params(&mut rest);
        (served, rest)
    }

    fn of_batches(&self, found: &mut Vec<Constraint>) {
        let mut days = BTreeSet::new();
        for batch in self.batches {
            let batch_id = batch.batch_id.clone();
            if batch.made_on.is_some() || batch.expires_on.is_some() {
                found.push(Constraint::Dates {
                    batch_id: batch_id.clone(),
                });
            }
            found.push(Constraint::Doses { batch_id });
            if let (Some(room), Some(day)) = (&batch.room, batch.made_on) {
                let (room, donor_id) = (room.clone(), batch.donor_id.clone());
                days.insert(Constraint::Room { room, day });
                days.insert(Constraint::DonorDay { donor_id, day });
            }
        }
        found.extend(days);
    }

    fn of_params(&self, found: &mut Vec<Constraint>) {
        let params = self.params;
        found.extend(
            params
                .capacities
                .keys()
                .map(|donor_id| Constraint::Capacity {
                    donor_id: donor_id.clone(),
                }),
        );
        for (donor_id, recipient_id) in params.forbidden.iter().cloned() {
            found.push(Constraint::Forbidden {
                donor_id,
                recipient_id,
            });
        }
        for (donor_id, recipient_id) in params.locked.iter().cloned() {
            found.push(Constraint::Locked {
                donor_id,
                recipient_id,
            });
        }
        if params.max_per_block.is_some() {
            let blocks = self.blocks();
            found.extend(blocks.keys().map(|block| Constraint::MaxPerBlock {
                block: (*block).to_owned(),
            }));
        }
        let mut add = |is_set: Option<f64>, constraint| {
            found.extend(is_set.map(|_| constraint));
        };
        add(params.min_utility, Constraint::MinUtility);
        add(params.max_utility_spread, Constraint::MaxUtilitySpread);
        add(params.max_served_spread, Constraint::MaxServedSpread);
        add(params.max_cost, Constraint::MaxCost);
    }
}

fn check_params(params: &CalendarParams) -> Result<()> {
    let wrong = |name: &str, expected: &str, found: &dyn std::fmt::Display| {
        Err(Error::parameter(
            name,
            format!("expected {expected}, found {found}"),
        ))
    };
    for (name, value) in [
        ("max_utility_spread", params.max_utility_spread),
        ("max_served_spread", params.max_served_spread),
        ("max_cost", params.max_cost),
    ] {
        if let Some(value) = value.filter(|value| !(value.is_finite() && *value >= 0.0)) {
            return wrong(name, "a number from 0", &value);
        }
    }
    if let Some(value) = params.min_utility.filter(|value| !value.is_finite()) {
        return wrong("min_utility", "a finite number", &value);
    }
    if params.max_per_block == Some(0) {
        return wrong("max_per_block", "at least 1", &0);
    }
    if params.max_nodes == 0 {
        return wrong("max_nodes", "at least 1", &0);
    }
    Ok(())
}

fn check_batches(batches: &[Batch], known: &BTreeSet<&SubjectId>) -> Result<()> {
    let wrong = |message: String| Err(Error::parameter("batches", message));
    if batches.is_empty() {
        return wrong("there is no batch".to_owned());
    }
    let mut seen = BTreeSet::new();
    for batch in batches {
        let name = format!("batch `{}`", batch.batch_id);
        if !seen.insert(&batch.batch_id) {
            return wrong(format!("{name} occurs more than once"));
        }
        if !known.contains(&batch.donor_id) {
            let donor = &batch.donor_id;
            return wrong(format!("donor `{donor}` of {name} is not in the ranking"));
        }
        if let (Some(made_on), Some(expires_on)) = (batch.made_on, batch.expires_on)
            && expires_on < made_on
        {
            return wrong(format!(
                "{name} expires on {expires_on}, before it is made on {made_on}"
            ));
        }
        if batch.room.is_some() && batch.made_on.is_none() {
            return wrong(format!(
                "{name} has a room but no `made_on`: say on which day it would be made"
            ));
        }
        for (column, cost) in [
            ("dose_cost", batch.dose_cost),
            ("screening_cost", batch.screening_cost),
        ] {
            if !(cost.is_finite() && cost >= 0.0) {
                return wrong(format!(
                    "`{column}` of {name}: expected a number from 0, found {cost}"
                ));
            }
        }
    }
    Ok(())
}

fn windows_of<'a>(
    table: &UtilityTable<'a>,
    windows: &'a [RecipientWindow],
) -> Result<Vec<Option<&'a RecipientWindow>>> {
    let wrong = |message: String| Err(Error::parameter("recipients", message));
    let mut found = vec![None; table.recipients.len()];
    for window in windows {
        let name = format!("recipient `{}`", window.recipient_id);
        let Some(at) = table.recipient(&window.recipient_id) else {
            return wrong(format!("{name} is not in the ranking"));
        };
        if found[at].replace(window).is_some() {
            return wrong(format!("{name} occurs more than once"));
        }
        if let (Some(first), Some(last)) = (window.not_before, window.not_after)
            && last < first
        {
            return wrong(format!(
                "{name}: `not_after` {last} is before `not_before` {first}"
            ));
        }
    }
    Ok(found)
}
