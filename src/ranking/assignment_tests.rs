//! Tests of the assignment against exhaustive search.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::synthetic::{cohort, pair};
use super::*;

fn id<Id: From<String>>(prefix: &str, at: usize) -> Id {
    format!("{prefix}{at}").into()
}

/// Utilities of recipient × donor as pairs; `None` leaves the pair out.
fn pairs(utilities: &[Vec<Option<f64>>]) -> Vec<PairUtility> {
    let rows = utilities.iter().enumerate();
    rows.flat_map(|(r, row)| {
        row.iter().enumerate().filter_map(move |(d, utility)| {
            Some(PairUtility {
                donor_id: id("d", d),
                recipient_id: id("r", r),
                utility: (*utility)?,
            })
        })
    })
    .collect()
}

fn params(capacities: &[usize], coverage: Coverage) -> AssignmentParams {
    AssignmentParams {
        capacities: capacities
            .iter()
            .enumerate()
            .map(|(d, &c)| (id("d", d), c))
            .collect(),
        coverage,
        ..AssignmentParams::default()
    }
}

/// Most served, then highest utility, by trying everything; `count` false ignores the served.
fn by_search(
    utilities: &[Vec<Option<f64>>],
    capacities: &mut [usize],
    count: bool,
) -> (usize, f64) {
    let Some((row, rest)) = utilities.split_first() else {
        return (0, 0.0);
    };
    let mut best = by_search(rest, capacities, count);
    for (donor, utility) in row.iter().enumerate() {
        let Some(utility) = utility else { continue };
        if capacities[donor] == 0 {
            continue;
        }
        capacities[donor] -= 1;
        let (served, total) = by_search(rest, capacities, count);
        capacities[donor] += 1;
        let found = (served + usize::from(count), total + utility);
        if found.0 > best.0 || (found.0 == best.0 && found.1 > best.1) {
            best = found;
        }
    }
    best
}

fn complete(utilities: &[&[f64]]) -> Vec<Vec<Option<f64>>> {
    utilities
        .iter()
        .map(|row| row.iter().map(|u| Some(*u)).collect())
        .collect()
}

#[test]
fn the_best_assignment_equals_scipy() {
    // scipy.optimize.linear_sum_assignment(-U): r0–d1, r1–d0, r2–d2, total 9 + 8 + 6... by hand:
    // U = [[7, 9, 1], [8, 8, 2], [5, 7, 6]]: 9 + 8 + 6 = 23 beats every other permutation.
    let table = complete(&[&[7.0, 9.0, 1.0], &[8.0, 8.0, 2.0], &[5.0, 7.0, 6.0]]);
    let assignment = AssignmentParams::default()
        .assign_pairs(&pairs(&table))
        .unwrap();
    let chosen: Vec<_> = assignment
        .pairs
        .iter()
        .map(|pair| pair.donor_id.as_str())
        .collect();
    assert_eq!(chosen, ["d1", "d0", "d2"]);
    assert!((assignment.total_utility - 23.0).abs() < 1e-12);
}

#[test]
fn locked_and_forbidden_pairs_are_honored() {
    let table = complete(&[&[5.0, 1.0], &[4.0, 1.0]]);
    let locked = AssignmentParams {
        locked: BTreeSet::from([(id("d", 1), id("r", 0))]),
        ..AssignmentParams::default()
    };
    let assignment = locked.assign_pairs(&pairs(&table)).unwrap();
    assert_eq!(assignment.donor_of(&id("r", 0)), Some(&id("d", 1)));
    assert!(assignment.pairs[0].locked && !assignment.pairs[1].locked);
    let forbidden = AssignmentParams {
        forbidden: BTreeSet::from([(id("d", 0), id("r", 0))]),
        ..AssignmentParams::default()
    };
    let assignment = forbidden.assign_pairs(&pairs(&table)).unwrap();
    assert_eq!(assignment.donor_of(&id("r", 0)), Some(&id("d", 1)));
}

#[test]
fn an_impossible_demand_names_the_smallest_conflict() {
    // r0 and r1 can only take d0; r2 and r3 have d1 and d2 to themselves.
    let table = vec![
        vec![Some(1.0), None, None],
        vec![Some(1.0), None, None],
        vec![None, Some(1.0), Some(0.5)],
        vec![None, Some(1.0), Some(0.5)],
    ];
    let every = params(&[1, 1, 1], Coverage::Every);
    let message = every.assign_pairs(&pairs(&table)).unwrap_err().to_string();
    assert!(
        message.starts_with(
            "`capacities`: recipients `r0`, `r1` (2 of them) can only be served by donors `d0`, \
             which have 1 transplants left"
        ),
        "{message}"
    );
    let most = params(&[1, 1, 1], Coverage::Most)
        .assign_pairs(&pairs(&table))
        .unwrap();
    assert_eq!(most.unassigned, [id("r", 1)]);
    assert_eq!(most.donors[0].n_more_served, 1);
    let cut_off = AssignmentParams {
        forbidden: BTreeSet::from([(id("d", 0), id("r", 0))]),
        ..AssignmentParams::default()
    };
    let message = cut_off
        .assign_pairs(&pairs(&table))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("no donor is possible for recipient `r0`"),
        "{message}"
    );
}

#[test]
fn a_recipient_goes_without_where_no_donor_helps() {
    let table = complete(&[&[-0.1, -0.2], &[0.3, 0.1]]);
    let assignment = params(&[1, 1], Coverage::Beneficial)
        .assign_pairs(&pairs(&table))
        .unwrap();
    assert_eq!(assignment.unassigned, [id("r", 0)]);
    assert!((assignment.total_utility - 0.3).abs() < 1e-12);
}

#[test]
fn contradictions_are_refused_by_name() {
    let table = complete(&[&[1.0, 1.0], &[1.0, 1.0]]);
    let refused =
        |params: AssignmentParams| params.assign_pairs(&pairs(&table)).unwrap_err().to_string();
    let lock = |list: &[(usize, usize)]| AssignmentParams {
        locked: list
            .iter()
            .map(|&(d, r)| (id("d", d), id("r", r)))
            .collect(),
        ..AssignmentParams::default()
    };
    assert!(refused(lock(&[(0, 0), (1, 0)])).contains("for the same recipient"));
    assert!(refused(lock(&[(0, 0), (0, 1)])).contains("can give 1 transplants"));
    assert!(refused(lock(&[(7, 0)])).contains("donor `d7` is in none of the pairs"));
    let mut both = lock(&[(0, 0)]);
    both.forbidden = both.locked.clone();
    assert!(refused(both).contains("is forbidden as well"));
    assert!(refused(params(&[1, 1, 1], Coverage::Every)).starts_with("`capacities`: donor `d2`"));
    let default = AssignmentParams::default();
    assert!(default.assign_pairs(&[]).is_err());
    let nan = pairs(&complete(&[&[f64::NAN]]));
    assert!(
        default
            .assign_pairs(&nan)
            .unwrap_err()
            .to_string()
            .contains("finite utility")
    );
    let twice = [pairs(&table), pairs(&table)].concat();
    assert!(
        default
            .assign_pairs(&twice)
            .unwrap_err()
            .to_string()
            .contains("more than once")
    );
}

#[test]
fn a_ranking_is_shared_out_among_eligible_donors() {
    let mut predictions = cohort(3, 5, 25, 4);
    for pair in &mut predictions {
        pair.eligible = pair.donor_id.as_str() != "donor_02";
    }
    let ranking = RankingParams::default().rank(&predictions).unwrap();
    let params = AssignmentParams {
        default_capacity: 3,
        ..AssignmentParams::default()
    };
    let assignment = params.assign(&ranking).unwrap();
    assert_eq!(assignment.pairs.len(), 5);
    assert!(assignment.donors.iter().all(|donor| donor.n_assigned <= 3));
    assert!(
        assignment
            .donors
            .iter()
            .all(|donor| donor.donor_id.as_str() != "donor_02")
    );
    let mut alone = pair("d", "r", vec![0.5; 30]);
    alone.eligible = false;
    let ranking = RankingParams::default().rank(&[alone]).unwrap();
    assert!(
        params
            .assign(&ranking)
            .unwrap_err()
            .to_string()
            .contains("nothing to assign")
    );
}

#[test]
fn a_large_assignment_is_optimal_by_its_prices() {
    // Weak duality: for prices y of a place, no assignment can exceed Σ capacity·y + Σ over
    // recipients of max over donors of (utility − y). Meeting the bound proves the optimum
    // without a search.
    let (n_recipients, n_donors, capacity) = (400, 50, 8);
    let draws = super::synthetic::numbers(11, n_recipients * n_donors);
    let table: Vec<Vec<Option<f64>>> = draws
        .chunks(n_donors)
        .map(|row| row.iter().copied().map(Some).collect())
        .collect();
    let assignment = params(&vec![capacity; n_donors], Coverage::Every)
        .assign_pairs(&pairs(&table))
        .unwrap();
    assert!(
        assignment
            .donors
            .iter()
            .all(|donor| donor.n_assigned == capacity)
    );
    // Donors are sorted by id, which is not their number.
    let mut price = vec![0.0; n_donors];
    for donor in &assignment.donors {
        let at: usize = donor.donor_id.as_str()[1..].parse().unwrap();
        price[at] = donor.shadow_price;
    }
    let places: f64 = price.iter().map(|y| capacity as f64 * y).sum();
    let best = |row: &Vec<Option<f64>>| {
        let worth = row.iter().zip(&price).filter_map(|(u, y)| Some((*u)? - y));
        worth.fold(f64::MIN, f64::max)
    };
    let bound = places + table.iter().map(best).sum::<f64>();
    assert!((bound - assignment.total_utility).abs() < 1e-6, "{bound}");
}

/// Up to five recipients × four donors, one pair in five impossible, small capacities.
fn small_case() -> impl Strategy<Value = (Vec<Vec<Option<f64>>>, Vec<usize>)> {
    (1_usize..6, 1_usize..5).prop_flat_map(|(n_recipients, n_donors)| {
        let utility = proptest::option::weighted(0.8, -1.0_f64..1.0);
        let row = proptest::collection::vec(utility, n_donors);
        (
            proptest::collection::vec(row, n_recipients),
            proptest::collection::vec(0_usize..3, n_donors),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn assignments_equal_exhaustive_search((mut table, capacities) in small_case()) {
        // Every donor and recipient is known by at least one pair.
        for utility in &mut table[0] {
            utility.get_or_insert(-0.5);
        }
        for row in &mut table {
            row[0].get_or_insert(0.25);
        }
        let n_recipients = table.len();
        for coverage in [Coverage::Most, Coverage::Beneficial, Coverage::Every] {
            let count = coverage != Coverage::Beneficial;
            let (served, total) = by_search(&table, &mut capacities.clone(), count);
            let result = params(&capacities, coverage).assign_pairs(&pairs(&table));
            if coverage == Coverage::Every {
                prop_assert_eq!(result.is_ok(), served == n_recipients);
            }
            let Ok(found) = result else { continue };
            prop_assert!((found.total_utility - total).abs() < 1e-9, "{} {}", found.total_utility, total);
            if count {
                prop_assert_eq!(found.pairs.len(), served);
            }
            prop_assert_eq!(found.pairs.len() + found.unassigned.len(), n_recipients);
            for (donor, used) in found.donors.iter().enumerate() {
                prop_assert!(used.n_assigned <= capacities[donor]);
                let mut more = capacities.clone();
                more[donor] += 1;
                let (served_more, total_more) = by_search(&table, &mut more, count);
                prop_assert!((used.shadow_price - (total_more - total)).abs() < 1e-9);
                if count {
                    prop_assert_eq!(used.n_more_served, served_more - served);
                }
            }
        }
    }
}
