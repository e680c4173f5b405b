//! Donors for many recipients at once, when every donor can give only so often.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use super::Ranking;
use super::flow::{Cost, Problem, Solution};
use crate::profile::{SampleId, SubjectId};
use crate::{Error, Result};

/// How many recipients must be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Every recipient exactly one donor, or an error that names who stands in whose way.
    #[default]
    Every,
    /// As many recipients as the donors allow, then the highest total utility.
    Most,
    /// The highest total utility: a recipient goes without where every donor left has a utility
    /// below 0, that is, does worse for it than a random eligible donor.
    Beneficial,
}

/// How donors are shared out between recipients: capacities, pairs that must or must not be, and
/// how many recipients must be served.
///
/// # Examples
/// ```
/// use donormatch::ranking::{AssignmentParams, PairUtility};
///
/// let pair = |donor: &str, recipient: &str, utility| PairUtility {
///     donor_id: donor.into(),
///     recipient_id: recipient.into(),
///     utility,
/// };
/// // Both recipients do best with d1, which can give once; r2 loses more by going without it.
/// let pairs = [
///     pair("d1", "r1", 0.3),
///     pair("d2", "r1", 0.2),
///     pair("d1", "r2", 0.3),
///     pair("d2", "r2", 0.0),
/// ];
/// let assignment = AssignmentParams::default().assign_pairs(&pairs)?;
/// assert_eq!(assignment.donor_of(&"r2".into()).map(|d| d.as_str()), Some("d1"));
/// assert!((assignment.total_utility - 0.5).abs() < 1e-12);
/// // One more dose of d1 would let r1 have it too: worth 0.1.
/// assert!((assignment.donors[0].shadow_price - 0.1).abs() < 1e-12);
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AssignmentParams {
    /// Transplants that a donor can give where [`AssignmentParams::capacities`] does not say.
    /// Default 1.
    pub default_capacity: usize,
    /// Transplants that these donors can give.
    pub capacities: BTreeMap<SubjectId, usize>,
    /// Pairs of donor and recipient that must not be.
    pub forbidden: BTreeSet<(SubjectId, SampleId)>,
    /// Pairs of donor and recipient that are already decided; they count toward the capacity.
    pub locked: BTreeSet<(SubjectId, SampleId)>,
    /// How many recipients must be served. Default [`Coverage::Every`].
    pub coverage: Coverage,
}

impl Default for AssignmentParams {
    fn default() -> Self {
        Self {
            default_capacity: 1,
            capacities: BTreeMap::new(),
            forbidden: BTreeSet::new(),
            locked: BTreeSet::new(),
            coverage: Coverage::default(),
        }
    }
}

/// What one donor is worth to one recipient; a pair without an entry is impossible.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairUtility {
    /// The donor.
    pub donor_id: SubjectId,
    /// The recipient's baseline sample.
    pub recipient_id: SampleId,
    /// Higher is better.
    pub utility: f64,
}

/// One transplant of an [`Assignment`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssignedPair {
    /// The donor.
    pub donor_id: SubjectId,
    /// The recipient's baseline sample.
    pub recipient_id: SampleId,
    /// Its utility.
    pub utility: f64,
    /// Whether it was decided before.
    pub locked: bool,
}

/// How far one donor is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DonorUse {
    /// The donor.
    pub donor_id: SubjectId,
    /// Transplants it can give.
    pub capacity: usize,
    /// Transplants it gives.
    pub n_assigned: usize,
    /// What one more transplant of this donor would add to the total utility, all else arranged
    /// anew. Below 0 only where it serves one more recipient at a utility below 0.
    pub shadow_price: f64,
    /// How many more recipients one more transplant of this donor would serve.
    pub n_more_served: usize,
}

/// Who gets whose transplant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// One pair a served recipient, recipients in the order first met.
    pub pairs: Vec<AssignedPair>,
    /// Recipients without a donor.
    pub unassigned: Vec<SampleId>,
    /// Sum of the utilities.
    pub total_utility: f64,
    /// Every donor, by id.
    pub donors: Vec<DonorUse>,
}

impl Assignment {
    /// The donor that a recipient gets.
    pub fn donor_of(&self, recipient: &SampleId) -> Option<&SubjectId> {
        self.pairs
            .iter()
            .find(|pair| pair.recipient_id == *recipient)
            .map(|pair| &pair.donor_id)
    }
}

impl AssignmentParams {
    /// Shares out the eligible donors of a ranking by mean utility.
    ///
    /// Every verdict takes part: where donors cannot be told apart, any of them serves.
    ///
    /// # Errors
    /// As [`AssignmentParams::assign_pairs`].
    pub fn assign(&self, ranking: &Ranking) -> Result<Assignment> {
        let eligible = ranking.rows.iter().filter(|row| row.is_eligible());
        let pairs: Vec<PairUtility> = eligible
            .map(|row| PairUtility {
                donor_id: row.donor_id.clone(),
                recipient_id: row.recipient_id.clone(),
                utility: row.utility,
            })
            .collect();
        let recipients = ranking.summaries.iter().map(|one| &one.recipient_id);
        self.assign_of(&pairs, recipients.collect())
    }

    /// The assignment of highest total utility under the capacities.
    ///
    /// Solved exactly as a minimum-cost flow by successive shortest paths with potentials, the
    /// capacities kept on the donors: `O(R·(R + D)·D)` for R recipients and D donors. Recipients
    /// served come before utility (lexicographic costs), so that no "big M" can drown a utility.
    /// Ties go to the donor whose id sorts first, recipients taken in the order first met.
    ///
    /// # Errors
    /// [`Error::Table`] for no pairs, a pair twice, or a utility that is not finite.
    /// [`Error::Parameter`] named `capacities`, `forbidden` or `locked` for an unknown id, a
    /// locked pair that is forbidden or impossible, two donors locked to one recipient, more
    /// locked pairs than a capacity. With [`Coverage::Every`], [`Error::Parameter`] named
    /// `capacities` with the smallest group of recipients that compete for too few transplants.
    ///
    /// # References
    /// Edmonds and Karp 1972 (successive shortest paths with potentials); Hall 1935 (the group
    /// that cannot be served).
    pub fn assign_pairs(&self, pairs: &[PairUtility]) -> Result<Assignment> {
        let mut seen = HashSet::new();
        let recipients = pairs
            .iter()
            .map(|pair| &pair.recipient_id)
            .filter(|id| seen.insert(*id))
            .collect();
        self.assign_of(pairs, recipients)
    }

    /// The same for these recipients, with or without a pair.
    pub(super) fn assign_of(
        &self,
        pairs: &[PairUtility],
        recipients: Vec<&SampleId>,
    ) -> Result<Assignment> {
        let table = UtilityTable::new(pairs, recipients)?;
        let locked = self.check_ids(&table)?;
        let capacities: Vec<usize> = table
            .donors
            .iter()
            .map(|donor| {
                self.capacities
                    .get(*donor)
                    .copied()
                    .unwrap_or(self.default_capacity)
            })
            .collect();
        let mut free = capacities.clone();
        for (recipient, donor) in locked.iter().enumerate() {
            let Some(donor) = *donor else { continue };
            free[donor] = free[donor].checked_sub(1).ok_or_else(|| {
                Error::parameter(
                    "locked",
                    format!(
                        "donor `{}` can give {} transplants, fewer than are locked (the one for \
                         recipient `{}` is too many); raise its capacity or unlock a pair",
                        table.donors[donor], capacities[donor], table.recipients[recipient]
                    ),
                )
            })?;
        }
        let open: Vec<usize> = (0..table.recipients.len())
            .filter(|&r| locked[r].is_none())
            .collect();
        let problem = self.problem(&table, &open, free);
        let solution = problem.solve();
        if self.coverage == Coverage::Every {
            check_everyone_is_served(&table, &open, &problem, &solution)?;
        }
        let mut chosen = locked.clone();
        for (&recipient, donor) in open.iter().zip(&solution.donor_of) {
            chosen[recipient] = *donor;
        }
        Ok(report(
            &table,
            &capacities,
            &locked,
            &chosen,
            &problem.worth_of_one_more(&solution),
        ))
    }

    fn problem(&self, table: &UtilityTable, open: &[usize], capacities: Vec<usize>) -> Problem {
        let missed = i64::from(self.coverage != Coverage::Beneficial);
        let costs = open
            .iter()
            .map(|&recipient| {
                let utilities = table.utilities[recipient].iter().enumerate();
                utilities
                    .map(|(donor, utility)| {
                        let key = (
                            table.donors[donor].clone(),
                            table.recipients[recipient].clone(),
                        );
                        let allowed = !self.forbidden.contains(&key);
                        utility
                            .filter(|_| allowed)
                            .map(|utility| Cost::new(0, -utility))
                    })
                    .collect()
            })
            .collect();
        Problem {
            costs,
            capacities,
            unassigned: Cost::new(missed, 0.0),
        }
    }

    /// Checks that every id of the params is known; gives each recipient's locked donor.
    pub(super) fn check_ids(&self, table: &UtilityTable) -> Result<Vec<Option<usize>>> {
        let unknown = |name: &str, kind: &str, id: &dyn fmt::Display| {
            Error::parameter(name, format!("{kind} `{id}` is in none of the pairs"))
        };
        for donor in self.capacities.keys() {
            table
                .donor(donor)
                .ok_or_else(|| unknown("capacities", "donor", donor))?;
        }
        for (donor, recipient) in &self.forbidden {
            table
                .donor(donor)
                .ok_or_else(|| unknown("forbidden", "donor", donor))?;
            table
                .recipient(recipient)
                .ok_or_else(|| unknown("forbidden", "recipient", recipient))?;
        }
        let mut locked = vec![None; table.recipients.len()];
        for pair in &self.locked {
            let (donor, recipient) = pair;
            let d = table
                .donor(donor)
                .ok_or_else(|| unknown("locked", "donor", donor))?;
            let r = table
                .recipient(recipient)
                .ok_or_else(|| unknown("locked", "recipient", recipient))?;
            let problem = if self.forbidden.contains(pair) {
                Some("is forbidden as well".to_owned())
            } else if table.utilities[r][d].is_none() {
                Some("is not among the eligible pairs".to_owned())
            } else {
                locked[r].map(|other: usize| {
                    format!(
                        "comes beside donor `{}` for the same recipient",
                        table.donors[other]
                    )
                })
            };
            if let Some(problem) = problem {
                return Err(Error::parameter(
                    "locked",
                    format!("donor `{donor}` for recipient `{recipient}` {problem}"),
                ));
            }
            locked[r] = Some(d);
        }
        Ok(locked)
    }
}

fn check_everyone_is_served(
    table: &UtilityTable,
    open: &[usize],
    problem: &Problem,
    solution: &Solution,
) -> Result<()> {
    let Some(conflict) = problem.conflict(solution) else {
        return Ok(());
    };
    let recipients = listed(
        conflict
            .recipients
            .iter()
            .map(|&r| table.recipients[open[r]]),
    );
    let message = if conflict.donors.is_empty() {
        format!(
            "no donor is possible for recipient {recipients}: every pair with it is forbidden or not eligible"
        )
    } else {
        let n_left: usize = conflict.donors.iter().map(|&d| problem.capacities[d]).sum();
        format!(
            "recipients {recipients} ({} of them) can only be served by donors {}, which have \
             {n_left} transplants left between them; raise a capacity, allow a forbidden pair, \
             or ask for `most` instead of `every`",
            conflict.recipients.len(),
            listed(conflict.donors.iter().map(|&d| table.donors[d])),
        )
    };
    Err(Error::parameter("capacities", message))
}

/// The pairs as a table: recipients as first met, donors by id.
pub(super) struct UtilityTable<'a> {
    pub(super) donors: Vec<&'a SubjectId>,
    pub(super) recipients: Vec<&'a SampleId>,
    places: HashMap<&'a SampleId, usize>,
    /// Recipient × donor.
    pub(super) utilities: Vec<Vec<Option<f64>>>,
}

impl<'a> UtilityTable<'a> {
    pub(super) fn new(pairs: &'a [PairUtility], recipients: Vec<&'a SampleId>) -> Result<Self> {
        if pairs.is_empty() {
            return Err(Error::table(
                "there is nothing to assign: no pair of an eligible donor and a recipient",
            ));
        }
        let donors: BTreeSet<&SubjectId> = pairs.iter().map(|pair| &pair.donor_id).collect();
        let donors: Vec<&SubjectId> = donors.into_iter().collect();
        let places: HashMap<&SampleId, usize> = recipients.iter().copied().zip(0..).collect();
        let mut utilities = vec![vec![None; donors.len()]; recipients.len()];
        for pair in pairs {
            let name = format!(
                "donor `{}` for recipient `{}`",
                pair.donor_id, pair.recipient_id
            );
            if !pair.utility.is_finite() {
                return Err(Error::table(format!(
                    "{name}: expected a finite utility, found {}",
                    pair.utility
                )));
            }
            let found = donors
                .binary_search(&&pair.donor_id)
                .ok()
                .zip(places.get(&pair.recipient_id))
                .and_then(|(d, &r)| utilities.get_mut(r)?.get_mut(d));
            match found {
                Some(entry) if entry.is_none() => *entry = Some(pair.utility),
                _ => return Err(Error::table(format!("{name} occurs more than once"))),
            }
        }
        Ok(Self {
            donors,
            recipients,
            places,
            utilities,
        })
    }

    pub(super) fn donor(&self, id: &SubjectId) -> Option<usize> {
        self.donors.binary_search(&id).ok()
    }

    pub(super) fn recipient(&self, id: &SampleId) -> Option<usize> {
        self.places.get(id).copied()
    }
}

fn report(
    table: &UtilityTable,
    capacities: &[usize],
    locked: &[Option<usize>],
    chosen: &[Option<usize>],
    worth: &[Cost],
) -> Assignment {
    let mut n_assigned = vec![0; capacities.len()];
    let mut pairs = Vec::new();
    let mut unassigned = Vec::new();
    for (recipient, donor) in chosen.iter().enumerate() {
        let id = table.recipients[recipient];
        let served = donor.and_then(|donor| Some((donor, table.utilities[recipient][donor]?)));
        let Some((donor, utility)) = served else {
            unassigned.push(id.clone());
            continue;
        };
        n_assigned[donor] += 1;
        pairs.push(AssignedPair {
            donor_id: table.donors[donor].clone(),
            recipient_id: id.clone(),
            utility,
            locked: locked[recipient].is_some(),
        });
    }
    let donors = table
        .donors
        .iter()
        .zip(capacities)
        .zip(n_assigned.iter().zip(worth));
    Assignment {
        total_utility: pairs.iter().map(|pair| pair.utility).sum(),
        pairs,
        unassigned,
        donors: donors
            .map(|((donor, &capacity), (&n_assigned, worth))| DonorUse {
                donor_id: (*donor).clone(),
                capacity,
                n_assigned,
                shadow_price: worth.value(),
                n_more_served: usize::try_from(worth.missed()).unwrap_or(0),
            })
            .collect(),
    }
}

/// At most ten ids in backquotes, and how many more there are.
pub(super) fn listed<'a, Id: fmt::Display + 'a>(
    ids: impl ExactSizeIterator<Item = &'a Id>,
) -> String {
    let n_more = ids.len().saturating_sub(10);
    let mut text = ids
        .take(10)
        .map(|id| format!("`{id}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if n_more > 0 {
        let _ = write!(text, " and {n_more} more");
    }
    text
}
