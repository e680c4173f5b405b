use proptest::prelude::*;

use super::*;
use crate::numeric::groups::members;

fn told<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn too_few_groups_are_an_error_that_names_the_fix() {
    assert_eq!(
        told(GroupedKFold::new(5).splits(&[0, 0, 1, 1], None, 0)),
        "2 groups in 4 rows cannot fill 5 folds; set `n_folds` to 2 or fewer, or leave one group \
         out at a time"
    );
    assert_eq!(
        told(GroupedKFold::new(2).splits(&[0, 0, 0, 1], None, 0)),
        "group 0 holds 3 of 4 rows, more than `max_group_share` = 0.5; part what links its rows, \
         or raise `max_group_share`"
    );
    assert!(
        told(TwoWayKFold::new(2, 3).splits(Regime::BothNew, &[0, 1, 2], &[0, 0, 1], 0))
            .starts_with("recipients: 2 groups in 3 rows cannot fill 3 folds")
    );
    assert_eq!(
        told(leave_one_group_out(&["A", "A"], None)),
        "1 groups in 2 rows: leaving one out needs at least 2"
    );
    assert!(told(GroupedKFold::new(2).splits(&[], None, 0)).starts_with("0 groups in 0 rows"));
}

#[test]
fn params_and_columns_out_of_range_are_refused() {
    let groups = [0, 1, 2, 3];
    assert!(told(GroupedKFold::new(1).splits(&groups, None, 0)).starts_with("`n_folds`"));
    let never = GroupedKFold::new(2).with_n_repeats(0);
    assert!(told(never.splits(&groups, None, 0)).starts_with("`n_repeats`"));
    let share = GroupedKFold::new(2).with_max_group_share(0.0);
    assert!(told(share.splits(&groups, None, 0)).starts_with("`max_group_share`"));
    assert!(
        GroupedKFold::new(2)
            .splits(&groups, Some(&[0.0]), 0)
            .is_err()
    );
    assert!(
        GroupedKFold::new(2)
            .splits(&groups, Some(&[0.0, 1.0, 2.0, 0.0]), 0)
            .is_err()
    );
    let one = TwoWayKFold::new(1, 2).splits(Regime::NewDonor, &groups, &groups, 0);
    assert!(told(one).starts_with("`n_donor_folds`"));
    assert!(
        TwoWayKFold::default()
            .splits(Regime::NewDonor, &groups, &[0], 0)
            .is_err()
    );
    assert!(leave_one_group_out(&groups, Some(&[0])).is_err());
    assert!(link_groups(&[vec![1]], &[1, 2]).is_err());
}

#[test]
fn a_split_cannot_overlap_or_be_empty() {
    assert_eq!(
        told(Split::new("a", vec![], vec![0])),
        "split `a` has no training rows"
    );
    assert_eq!(
        told(Split::new("a", vec![0, 1], vec![1])),
        "split `a` names row 1 twice"
    );
    let split = Split::new("a", vec![1, 0], vec![2]).unwrap();
    assert_eq!(split.training(), [0, 1]);
    assert_eq!(
        told(split.check_groups("donor", &[5, 6, 5])),
        "leak: split `a` has donor 5 on both sides"
    );
    assert!(split.check_groups("donor", &[5, 6, 7]).is_ok());
    assert_eq!(
        told(split.check_groups("donor", &[5])),
        "split `a` names row 1 of 1 rows"
    );
}

// By hand: 12 groups of one row with 4 events into 4 folds leave 3 rows and 1 event in each.
#[test]
fn events_are_dealt_evenly_where_groups_allow() {
    let groups: Vec<u32> = (0..12).collect();
    let outcomes: Vec<f64> = (0..12).map(|row| f64::from(u8::from(row < 4))).collect();
    for seed in 0..20 {
        let splits = GroupedKFold::new(4)
            .splits(&groups, Some(&outcomes), seed)
            .unwrap();
        for split in splits {
            assert_eq!(split.test().len(), 3);
            assert_eq!(split.test().iter().filter(|&&row| row < 4).count(), 1);
        }
    }
}

#[test]
fn repeats_deal_anew_and_seeds_repeat_exactly() {
    let groups: Vec<u32> = (0..30).collect();
    let k_fold = GroupedKFold::new(3).with_n_repeats(2);
    let splits = k_fold.splits(&groups, None, 9).unwrap();
    assert_eq!(splits.len(), 6);
    assert_eq!(splits[3].name(), "repeat 2/2, fold 1/3");
    assert_ne!(splits[0].test(), splits[3].test());
    assert_eq!(splits, k_fold.splits(&groups, None, 9).unwrap());
    assert_ne!(splits, k_fold.splits(&groups, None, 10).unwrap());
}

#[test]
fn a_study_linked_to_all_others_cannot_be_left_out() {
    let error = told(leave_one_group_out(&["A", "B", "B"], Some(&[1, 1, 1])));
    assert!(
        error.starts_with("leaving out `A` leaves nothing to learn from"),
        "{error}"
    );
}

// By hand: donors {0, 1} × recipients {0, 1} all crossed; testing pair (0, 0) drops the pairs
// (0, 1) and (1, 0) and leaves (1, 1).
#[test]
fn dropped_pairs_say_which_side_is_tested() {
    let splits = TwoWayKFold::new(2, 2)
        .splits(Regime::BothNew, &[0, 0, 1, 1], &[0, 1, 0, 1], 4)
        .unwrap();
    let split = splits.iter().find(|split| split.test() == [0]).unwrap();
    assert_eq!(split.training(), [3]);
    let expected = [
        (1, DropReason::DonorTested),
        (2, DropReason::RecipientTested),
    ];
    assert_eq!(
        split.dropped(),
        expected.map(|(row, reason)| DroppedRow { row, reason })
    );
}

#[test]
fn a_crossing_without_training_rows_is_an_error() {
    // Recipient 0 met every donor, donor 0 every recipient: nothing is apart from (0, 0).
    let (donors, recipients) = ([0, 0, 1], [0, 1, 0]);
    let two_way = TwoWayKFold {
        max_group_share: 1.0,
        ..TwoWayKFold::new(2, 2)
    };
    let error = told(two_way.splits(Regime::BothNew, &donors, &recipients, 0));
    assert!(error.contains("leaves nothing to learn from"), "{error}");
    assert!(
        two_way
            .splits(Regime::NewDonor, &donors, &recipients, 0)
            .is_ok()
    );
}

#[test]
fn nested_splits_never_see_the_outer_test() {
    let groups: Vec<u32> = (0..40).map(|row| row / 2).collect();
    let outcomes: Vec<f64> = (0..40).map(|row| f64::from(row % 2)).collect();
    for outer in GroupedKFold::new(4).splits(&groups, None, 0).unwrap() {
        let inner = GroupedKFold::new(3)
            .nested_splits(&outer, &groups, Some(&outcomes), 1)
            .unwrap();
        for split in &inner {
            split.check_groups("group", &groups).unwrap();
            let rows = split.training().iter().chain(split.test());
            assert!(rows.clone().all(|row| outer.training().contains(row)));
            assert_eq!(rows.count(), outer.training().len());
            assert!(split.name().starts_with(outer.name()));
        }
    }
}

#[test]
fn a_row_without_donors_is_linked_by_its_recipient_only() {
    let none: [Vec<u32>; 3] = [vec![], vec![], vec![4]];
    assert_eq!(link_groups(&none, &["a", "b", "a"]).unwrap(), [0, 1, 0]);
}

fn groups(n_labels: u32) -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(0..n_labels, 12..80)
}

proptest! {
    #[test]
    fn no_group_stands_on_both_sides_and_every_row_is_tested_once(
        groups in groups(15), n_folds in 2_usize..5, seed in 0_u64..1000
    ) {
        let k_fold = GroupedKFold::new(n_folds).with_n_repeats(2).with_max_group_share(1.0);
        let Ok(splits) = k_fold.splits(&groups, None, seed) else {
            return Ok(()); // fewer groups than folds
        };
        prop_assert_eq!(splits.len(), 2 * n_folds);
        for repeat in splits.chunks(n_folds) {
            let mut tested: Vec<usize> = Vec::new();
            for split in repeat {
                prop_assert!(split.check_groups("group", &groups).is_ok());
                prop_assert_eq!(split.training().len() + split.test().len(), groups.len());
                tested.extend(split.test());
            }
            tested.sort_unstable();
            prop_assert_eq!(tested, (0..groups.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn folds_differ_by_no_more_than_the_largest_group(groups in groups(15), seed in 0_u64..100) {
        let k_fold = GroupedKFold::new(3).with_max_group_share(1.0);
        let Ok(splits) = k_fold.splits(&groups, None, seed) else { return Ok(()) };
        let sizes: Vec<usize> = splits.iter().map(|split| split.test().len()).collect();
        let largest = members(&groups).iter().map(Vec::len).max().unwrap();
        prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= largest);
    }

    #[test]
    fn two_way_splits_keep_what_is_new_new(
        pairs in prop::collection::vec((0_u32..8, 0_u32..30), 20..80), seed in 0_u64..1000
    ) {
        let (donors, recipients): (Vec<u32>, Vec<u32>) = pairs.into_iter().unzip();
        let two_way = TwoWayKFold { max_group_share: 1.0, ..TwoWayKFold::new(3, 3) };
        for regime in [Regime::NewDonor, Regime::NewRecipient, Regime::BothNew] {
            let Ok(splits) = two_way.splits(regime, &donors, &recipients, seed) else { continue };
            let mut tested: Vec<usize> = Vec::new();
            for split in &splits {
                if regime != Regime::NewRecipient {
                    prop_assert!(split.check_groups("donor", &donors).is_ok());
                }
                if regime != Regime::NewDonor {
                    prop_assert!(split.check_groups("recipient", &recipients).is_ok());
                }
                let n = split.training().len() + split.test().len() + split.dropped().len();
                prop_assert_eq!(n, donors.len());
                tested.extend(split.test());
            }
            tested.sort_unstable();
            prop_assert_eq!(tested, (0..donors.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn linked_groups_are_the_connected_components(
        rows in prop::collection::vec((prop::collection::vec(0_u32..9, 0..3), 0_u32..9), 1..25)
    ) {
        let (donors, recipients): (Vec<Vec<u32>>, Vec<u32>) = rows.into_iter().unzip();
        let groups = link_groups(&donors, &recipients).unwrap();
        let n = groups.len();
        // Brute force: reachability by repeated passes over all pairs.
        let mut reached: Vec<usize> = (0..n).collect();
        for _ in 0..n {
            for a in 0..n {
                for b in 0..n {
                    let shared = recipients[a] == recipients[b]
                        || donors[a].iter().any(|donor| donors[b].contains(donor));
                    if shared {
                        let least = reached[a].min(reached[b]);
                        (reached[a], reached[b]) = (least, least);
                    }
                }
            }
        }
        for a in 0..n {
            for b in 0..n {
                prop_assert_eq!(groups[a] == groups[b], reached[a] == reached[b]);
            }
        }
    }

    #[test]
    fn leaving_out_drops_only_what_is_linked(
        rows in prop::collection::vec((0_u32..5, 0_u32..40), 10..60)
    ) {
        let (studies, subjects): (Vec<u32>, Vec<u32>) = rows.into_iter().unzip();
        let Ok(splits) = leave_one_group_out(&studies, Some(&subjects)) else { return Ok(()) };
        for split in splits {
            prop_assert!(split.check_groups("study", &studies).is_ok());
            prop_assert!(split.check_groups("subject", &subjects).is_ok());
            let tested: Vec<u32> = split.test().iter().map(|&row| subjects[row]).collect();
            for dropped in split.dropped() {
                prop_assert!(tested.contains(&subjects[dropped.row]));
            }
        }
    }
}

#[test]
fn far_too_many_folds_or_repeats_are_refused_before_room_is_made_for_them() {
    let groups: Vec<u32> = (0..50).collect();
    for n_folds in [51, 1_000_000_000, usize::MAX] {
        let error = GroupedKFold::new(n_folds).splits(&groups, None, 0);
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains(&format!("cannot fill {n_folds} folds")),
            "{error}"
        );
        let pairs = TwoWayKFold::new(n_folds, 2);
        for regime in [Regime::NewDonor, Regime::BothNew] {
            assert!(pairs.splits(regime, &groups, &groups, 0).is_err());
        }
    }
    for n_repeats in [0, 10_001, usize::MAX] {
        let repeated = GroupedKFold::new(5).with_n_repeats(n_repeats);
        let error = repeated.splits(&groups, None, 0).unwrap_err().to_string();
        assert!(error.contains("`n_repeats`"), "{error}");
    }
}
