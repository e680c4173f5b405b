//! Calendars against exhaustive search, which knows nothing of programs: it tries every batch for
//! every recipient and looks at the days itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use donormatch::Result;
use donormatch::cohort::screening::Day;
use donormatch::profile::SampleId;
use donormatch::ranking::{
    Batch, Calendar, CalendarParams, Constraint, Coverage, PairUtility, Prices, RecipientWindow,
};

/// Random numbers by `SplitMix64` (Steele, Lea and Flood 2014), the same on every machine.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

fn day(at: u64) -> Day {
    format!("2026-03-{:02}", at + 1).parse().unwrap()
}

#[derive(Debug)]
struct Small {
    params: CalendarParams,
    pairs: Vec<PairUtility>,
    batches: Vec<Batch>,
    windows: Vec<RecipientWindow>,
}

fn pick<T>(
    random: &mut SplitMix64,
    one_in: u64,
    value: impl FnOnce(&mut SplitMix64) -> T,
) -> Option<T> {
    (random.below(one_in) == 0).then(|| value(random))
}

fn word(random: &mut SplitMix64) -> String {
    ["a", "b"][random.below(2) as usize].to_owned()
}

/// One to four recipients, one to three donors, two to five batches over six days, and about half
/// of everything else that can be asked for.
fn small(seed: u64) -> Small {
    let mut random = SplitMix64(seed);
    let random = &mut random;
    let (n_recipients, n_donors) = (1 + random.below(4), 1 + random.below(3));
    let mut pairs = Vec::new();
    for recipient in 0..n_recipients {
        for donor in 0..n_donors {
            if recipient == 0 || donor == 0 || random.below(6) > 0 {
                pairs.push(PairUtility {
                    donor_id: format!("d{donor}").into(),
                    recipient_id: format!("r{recipient}").into(),
                    utility: random.uniform() - 0.3,
                });
            }
        }
    }
    let batches = (0..2 + random.below(4))
        .map(|at| batch(random, at, n_donors))
        .collect();
    let windows = (0..n_recipients)
        .filter_map(|at| window(random, at))
        .collect();
    let params = params(random, &pairs);
    Small {
        params,
        pairs,
        batches,
        windows,
    }
}

fn batch(random: &mut SplitMix64, at: u64, n_donors: u64) -> Batch {
    let donor = random.below(n_donors);
    let made = random.below(4);
    let room = pick(random, 2, word);
    Batch {
        made_on: (room.is_some() || random.below(2) == 0).then(|| day(made)),
        expires_on: pick(random, 2, |random| day(made + random.below(3))),
        arm: pick(random, 5, word),
        dose_cost: random.below(3) as f64,
        screening_cost: random.below(3) as f64,
        room,
        ..Batch::new(
            format!("d{donor}"),
            format!("b{at}"),
            random.below(4) as usize,
        )
    }
}

fn window(random: &mut SplitMix64, at: u64) -> Option<RecipientWindow> {
    let first = random.below(4);
    let window = RecipientWindow {
        not_before: pick(random, 2, |_| day(first)),
        not_after: pick(random, 2, |random| day(first + random.below(3))),
        arm: pick(random, 4, word),
        block: pick(random, 2, word),
        subgroup: pick(random, 2, word),
        ..RecipientWindow::new(format!("r{at}"))
    };
    (random.below(5) > 0).then_some(window)
}

fn params(random: &mut SplitMix64, pairs: &[PairUtility]) -> CalendarParams {
    let any = |random: &mut SplitMix64| {
        let pair = &pairs[random.below(pairs.len() as u64) as usize];
        (pair.donor_id.clone(), pair.recipient_id.clone())
    };
    let locked: BTreeSet<_> = pick(random, 4, any).into_iter().collect();
    let forbidden = pick(random, 3, any).into_iter();
    CalendarParams {
        coverage: [Coverage::Every, Coverage::Most, Coverage::Beneficial][random.below(3) as usize],
        capacities: pick(random, 4, |random| {
            (any(random).0, random.below(3) as usize)
        })
        .into_iter()
        .collect(),
        forbidden: forbidden.filter(|pair| !locked.contains(pair)).collect(),
        locked,
        min_utility: pick(random, 4, |random| random.uniform() * 0.5 - 0.2),
        max_per_block: pick(random, 3, |_| 1),
        max_utility_spread: pick(random, 4, |random| random.uniform() * 0.5),
        max_served_spread: pick(random, 4, SplitMix64::uniform),
        max_cost: pick(random, 3, |random| random.below(12) as f64),
        n_alternatives: 2,
        prices: Prices::OfEachBatch,
        max_nodes: 100_000,
    }
}

/// A complete choice: the batch of each recipient.
type Choice = Vec<Option<usize>>;

impl Small {
    fn recipients(&self) -> Vec<SampleId> {
        let mut seen = HashSet::new();
        let ids = self.pairs.iter().map(|pair| pair.recipient_id.clone());
        ids.filter(|id| seen.insert(id.clone())).collect()
    }

    fn utility(&self, recipient: &SampleId, batch: usize) -> Option<f64> {
        let donor = &self.batches[batch].donor_id;
        let of = |pair: &&PairUtility| pair.donor_id == *donor && pair.recipient_id == *recipient;
        self.pairs.iter().find(of).map(|pair| pair.utility)
    }

    fn of(&self, recipient: &SampleId) -> RecipientWindow {
        let known = self
            .windows
            .iter()
            .find(|one| one.recipient_id == *recipient);
        known
            .cloned()
            .unwrap_or_else(|| RecipientWindow::new(recipient.clone()))
    }

    /// Whether a batch can go to a recipient at all, by a look at every day of the month.
    fn can(&self, recipient: &SampleId, batch: usize, keeps: &dyn Fn(Constraint) -> bool) -> bool {
        let (own, lot) = (self.of(recipient), &self.batches[batch]);
        let (donor_id, recipient_id) = (lot.donor_id.clone(), recipient.clone());
        let Some(utility) = self.utility(recipient, batch) else {
            return false;
        };
        let by_window = keeps(Constraint::Window {
            recipient_id: recipient_id.clone(),
        });
        let by_dates = keeps(Constraint::Dates {
            batch_id: lot.batch_id.clone(),
        });
        let has_day = (0..20).map(day).any(|day| {
            let in_window = own.not_before.is_none_or(|first| first <= day)
                && own.not_after.is_none_or(|last| day <= last);
            let in_dates = lot.made_on.is_none_or(|first| first <= day)
                && lot.expires_on.is_none_or(|last| day <= last);
            (in_window || !by_window) && (in_dates || !by_dates)
        });
        let arms = (&own.arm, &lot.arm);
        let is_other_arm = matches!(arms, (Some(a), Some(b)) if a != b)
            && keeps(Constraint::Arm {
                recipient_id: recipient_id.clone(),
            });
        let pair = (donor_id.clone(), recipient_id.clone());
        let is_forbidden = self.params.forbidden.contains(&pair)
            && keeps(Constraint::Forbidden {
                donor_id,
                recipient_id,
            });
        let is_low = self
            .params
            .min_utility
            .is_some_and(|lowest| utility < lowest)
            && keeps(Constraint::MinUtility);
        has_day && !is_other_arm && !is_forbidden && !is_low
    }

    fn choices(&self, keeps: &dyn Fn(Constraint) -> bool) -> Vec<Choice> {
        let mut all: Vec<Choice> = vec![Vec::new()];
        for recipient in self.recipients() {
            let batches = (0..self.batches.len()).filter(|&at| self.can(&recipient, at, keeps));
            let options: Vec<Option<usize>> =
                batches.map(Some).chain(std::iter::once(None)).collect();
            all = all
                .iter()
                .flat_map(|one| {
                    options
                        .iter()
                        .map(|&next| [one.as_slice(), &[next]].concat())
                })
                .collect();
        }
        all.retain(|choice| self.holds(choice, keeps));
        all
    }

    fn holds(&self, choice: &Choice, keeps: &dyn Fn(Constraint) -> bool) -> bool {
        let recipients = self.recipients();
        let given = |batch: usize| choice.iter().filter(|one| **one == Some(batch)).count();
        let made: Vec<usize> = (0..self.batches.len())
            .filter(|&at| given(at) > 0)
            .collect();
        let lots = &self.batches;
        for &at in &made {
            let doses = Constraint::Doses {
                batch_id: lots[at].batch_id.clone(),
            };
            if given(at) > lots[at].doses && keeps(doses) {
                return false;
            }
            for &other in made.iter().filter(|&&other| other > at) {
                let (Some(one), Some(two)) = (&lots[at].room, &lots[other].room) else {
                    continue;
                };
                let Some(day) = lots[at]
                    .made_on
                    .filter(|day| lots[other].made_on == Some(*day))
                else {
                    continue;
                };
                let same_room = one == two
                    && keeps(Constraint::Room {
                        room: one.clone(),
                        day,
                    });
                let donor_id = lots[at].donor_id.clone();
                let same_donor = donor_id == lots[other].donor_id
                    && keeps(Constraint::DonorDay { donor_id, day });
                if same_room || same_donor {
                    return false;
                }
            }
        }
        let donor = |at: usize| choice[at].map(|batch| &lots[batch].donor_id);
        let is_locked = self.params.locked.iter().all(|(donor_id, recipient_id)| {
            let at = recipients.iter().position(|id| id == recipient_id).unwrap();
            let (donor_id, recipient_id) = (donor_id.clone(), recipient_id.clone());
            donor(at) == Some(&donor_id)
                || !keeps(Constraint::Locked {
                    donor_id,
                    recipient_id,
                })
        });
        let is_served = (0..recipients.len()).all(|at| {
            let recipient_id = recipients[at].clone();
            choice[at].is_some()
                || self.params.coverage != Coverage::Every
                || !keeps(Constraint::Served { recipient_id })
        });
        let within = self.params.capacities.iter().all(|(donor_id, most)| {
            let n = (0..choice.len())
                .filter(|&at| donor(at) == Some(donor_id))
                .count();
            n <= *most
                || !keeps(Constraint::Capacity {
                    donor_id: donor_id.clone(),
                })
        });
        is_locked
            && is_served
            && within
            && self.blocks_hold(choice, keeps)
            && self.spreads_hold(choice, keeps)
            && self.cost_holds(choice, keeps)
    }

    fn blocks_hold(&self, choice: &Choice, keeps: &dyn Fn(Constraint) -> bool) -> bool {
        let Some(most) = self.params.max_per_block else {
            return true;
        };
        let mut n = HashMap::new();
        for (id, batch) in self.recipients().iter().zip(choice) {
            if let (Some(block), Some(batch)) = (self.of(id).block, batch) {
                *n.entry((block, self.batches[*batch].donor_id.clone()))
                    .or_insert(0) += 1;
            }
        }
        n.into_iter()
            .all(|((block, _), n)| n <= most || !keeps(Constraint::MaxPerBlock { block }))
    }

    fn spreads_hold(&self, choice: &Choice, keeps: &dyn Fn(Constraint) -> bool) -> bool {
        let mut shares: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for (id, batch) in self.recipients().iter().zip(choice) {
            if let Some(subgroup) = self.of(id).subgroup {
                let utility = batch.map_or(0.0, |batch| self.utility(id, batch).unwrap());
                let served = if batch.is_some() { 1.0 } else { 0.0 };
                shares.entry(subgroup).or_default().push((utility, served));
            }
        }
        let spread = |of: fn(&(f64, f64)) -> f64| {
            let means = shares
                .values()
                .map(|all| all.iter().map(of).sum::<f64>() / all.len() as f64);
            let (lo, hi) = means.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), mean| {
                (lo.min(mean), hi.max(mean))
            });
            hi - lo
        };
        let within = |spread: f64, most: Option<f64>| most.is_none_or(|most| spread <= most + 1e-9);
        (within(spread(|one| one.0), self.params.max_utility_spread)
            || !keeps(Constraint::MaxUtilitySpread))
            && (within(spread(|one| one.1), self.params.max_served_spread)
                || !keeps(Constraint::MaxServedSpread))
    }

    fn cost_holds(&self, choice: &Choice, keeps: &dyn Fn(Constraint) -> bool) -> bool {
        let made: BTreeSet<usize> = choice.iter().flatten().copied().collect();
        let screenings: f64 = made.iter().map(|&at| self.batches[at].screening_cost).sum();
        let given = choice.iter().flatten();
        let doses: f64 = given.map(|&at| self.batches[at].dose_cost).sum();
        let most = self.params.max_cost;
        most.is_none_or(|most| doses + screenings <= most + 1e-9) || !keeps(Constraint::MaxCost)
    }

    /// Served where that counts, and total utility.
    fn worth(&self, choice: &Choice) -> (usize, f64) {
        let recipients = self.recipients();
        let given = recipients.iter().zip(choice);
        let utilities = given.filter_map(|(id, batch)| self.utility(id, (*batch)?));
        let n_served = choice.iter().flatten().count();
        let counts = self.params.coverage == Coverage::Most;
        (if counts { n_served } else { 0 }, utilities.sum())
    }

    fn assign(&self) -> Result<Calendar> {
        self.params
            .assign_pairs(&self.pairs, &self.batches, &self.windows)
    }

    /// The best worth of every set of donors for recipients that serves most, best first.
    fn by_search(&self) -> Vec<(usize, f64)> {
        let mut sets: BTreeMap<Vec<Option<String>>, (usize, f64)> = BTreeMap::new();
        for choice in self.choices(&|_| true) {
            let donor = |batch: &usize| self.batches[*batch].donor_id.to_string();
            let donors = choice
                .iter()
                .map(|batch| batch.as_ref().map(donor))
                .collect();
            sets.insert(donors, self.worth(&choice));
        }
        let mut found: Vec<(usize, f64)> = sets.into_values().collect();
        found.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)));
        let most = found.first().map_or(0, |one| one.0);
        found.retain(|one| one.0 == most);
        found
    }
}

#[test]
fn a_thousand_calendars_equal_exhaustive_search() {
    let (mut n_found, mut n_priced, mut n_alternatives) = (0, 0, 0);
    for seed in 0..1000 {
        let small = small(seed);
        let expected = small.by_search();
        let Ok(calendar) = small.assign() else {
            assert!(expected.is_empty(), "{seed}: {small:#?}");
            continue;
        };
        n_found += 1;
        let (n_served, best) = expected[0];
        assert!(
            (calendar.total_utility - best).abs() < 1e-6,
            "{seed}: {best} {calendar:#?}"
        );
        assert!(calendar.is_optimal(), "{seed}");
        if small.params.coverage == Coverage::Most {
            assert_eq!(calendar.transplants.len(), n_served, "{seed}");
        }
        // The transplants themselves keep to everything, and their days to both sides.
        let batch_of = |id: &SampleId| {
            let batch_id = &calendar.transplant_of(id)?.batch_id;
            small
                .batches
                .iter()
                .position(|batch| batch.batch_id == *batch_id)
        };
        let choice: Choice = small.recipients().iter().map(batch_of).collect();
        assert!(small.choices(&|_| true).contains(&choice), "{seed}");
        for one in &calendar.transplants {
            assert!(
                one.latest_day.is_none() || one.day <= one.latest_day,
                "{seed}"
            );
        }
        for (next, expected) in calendar.alternatives.iter().zip(expected.iter().skip(1)) {
            n_alternatives += 1;
            assert!((next.total_utility - expected.1).abs() < 1e-6, "{seed}");
            assert!(!next.changes.is_empty());
        }
        let n_next = expected.len().saturating_sub(1).min(2);
        assert_eq!(calendar.alternatives.len(), n_next, "{seed}");
        n_priced += check_prices(seed, &small, &calendar);
    }
    assert!(
        n_found > 400 && n_priced > 600 && n_alternatives > 600,
        "{n_found} {n_priced} {n_alternatives}"
    );
}

/// One more dose of a batch, the others that are not made put away.
fn check_prices(seed: u64, small: &Small, calendar: &Calendar) -> usize {
    let mut n_priced = 0;
    for used in calendar.batches.iter().filter(|used| used.n_given > 0) {
        let is_used = |batch: &&Batch| {
            let mut uses = calendar.batches.iter().filter(|one| one.n_given > 0);
            uses.any(|one| one.batch_id == batch.batch_id)
        };
        let mut batches: Vec<Batch> = small.batches.iter().filter(is_used).cloned().collect();
        for batch in batches
            .iter_mut()
            .filter(|batch| batch.batch_id == used.batch_id)
        {
            batch.doses += 1;
        }
        let more = Small {
            params: small.params.clone(),
            pairs: small.pairs.clone(),
            windows: small.windows.clone(),
            batches,
        };
        let (n_served, best) = more.by_search()[0];
        let price = used.price.unwrap();
        assert!(
            (price - (best - calendar.total_utility)).abs() < 1e-6,
            "{seed} {used:?} {best}"
        );
        if small.params.coverage == Coverage::Most {
            let n_more = n_served - calendar.transplants.len();
            assert_eq!(used.n_more_served, Some(n_more), "{seed}");
        }
        n_priced += 1;
    }
    n_priced
}

#[test]
fn a_conflict_is_minimal() {
    let mut n_conflicts = 0;
    for seed in 0..1000 {
        let small = small(seed);
        let conflict = small
            .params
            .conflict_of_pairs(&small.pairs, &small.batches, &small.windows)
            .unwrap();
        let is_possible = |kept: &HashSet<&Constraint>| {
            !small
                .choices(&|constraint| kept.contains(&constraint))
                .is_empty()
        };
        let Some(members) = conflict else {
            assert!(!small.by_search().is_empty(), "{seed}");
            continue;
        };
        n_conflicts += 1;
        let all: HashSet<&Constraint> = members.iter().collect();
        assert_eq!(all.len(), members.len());
        assert!(!is_possible(&all), "{seed}: {members:?} hold together");
        for member in &members {
            let mut rest = all.clone();
            rest.remove(member);
            assert!(
                is_possible(&rest),
                "{seed}: {member} is idle in {members:?}"
            );
        }
        let message = small.assign().unwrap_err().to_string();
        assert!(message.contains(&members[0].to_string()), "{message}");
    }
    assert!(n_conflicts > 100, "{n_conflicts}");
}
