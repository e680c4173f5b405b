use super::*;
use crate::cohort::MetadataTable;
use crate::profile::SubjectId;

const TODAY: &str = "2026-11-01";
/// Within every window of the panel.
const LATELY: &str = "2026-10-20";

fn today() -> Day {
    TODAY.parse().unwrap()
}

/// An answer that clears an entry.
fn clear(entry: &Entry) -> String {
    match entry.kind {
        Kind::Result | Kind::Answer => entry.negative[0].clone(),
        Kind::Date => "never".to_owned(),
        Kind::Number => entry.low.or(entry.high).unwrap().to_string(),
        Kind::List => "none".to_owned(),
        Kind::Text => "x".to_owned(),
    }
}

/// An answer that triggers an entry, if its kind has one.
fn triggering(entry: &Entry) -> Option<String> {
    match entry.kind {
        Kind::Result | Kind::Answer => Some(entry.positive[0].clone()),
        Kind::Date => Some(LATELY.to_owned()),
        Kind::Number => entry.high.map(|high| (high + 1.0).to_string()),
        Kind::List | Kind::Text => None,
    }
}

/// A table with one donor of a type, every entry clear but for the changes.
fn table(kind: &str, more: &[(&str, &str)], changes: &[(&str, &str)]) -> MetadataTable {
    let panel = Panel::bundled().unwrap();
    let mut fields = vec![
        ("donor_id".to_owned(), "D1".to_owned()),
        ("donor_type".to_owned(), kind.to_owned()),
        ("collected_on".to_owned(), LATELY.to_owned()),
    ];
    fields.extend(
        panel
            .entries
            .iter()
            .map(|entry| (entry.name.clone(), clear(entry))),
    );
    fields.extend(
        more.iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned())),
    );
    for (name, text) in changes {
        let place = fields.iter().position(|(field, _)| field == name);
        fields[place.unwrap()].1 = (*text).to_owned();
    }
    let line = |take: fn(&(String, String)) -> &str| -> String {
        fields.iter().map(take).collect::<Vec<_>>().join("\t")
    };
    let text = format!("{}\n{}\n", line(|field| &field.0), line(|field| &field.1));
    MetadataTable::parse("<records>", &text).unwrap()
}

fn screen_with(panel: &Panel, table: &MetadataTable) -> DonorScreening {
    let records = DonorRecords::from_table(table, panel).unwrap();
    panel.screen(&records, today()).unwrap().donors.remove(0)
}

fn screen(kind: &str, more: &[(&str, &str)], changes: &[(&str, &str)]) -> DonorScreening {
    screen_with(&Panel::bundled().unwrap(), &table(kind, more, changes))
}

const BATCH: [(&str, &str); 4] = [
    ("batch_id", "B1"),
    ("made_on", LATELY),
    ("expires_on", "2026-12-31"),
    ("units_available", "3"),
];

#[test]
fn a_donor_with_every_entry_clear_is_eligible_until_the_first_window_ends() {
    let donor = screen("healthy", &[], &[]);
    assert!(donor.eligible, "{}", donor.reasons());
    assert_eq!(
        donor.lapses_on.unwrap().to_string(),
        "2026-12-19",
        "60 days"
    );
    assert!(donor.lapses_by.is_some() && donor.overrides.is_empty());
}

#[test]
fn each_entry_of_the_panel_refuses_a_donor_by_itself() {
    let panel = Panel::bundled().unwrap();
    let decide = panel
        .entries
        .iter()
        .filter(|entry| entry.rule != Rule::Record);
    let mut n_tried = 0;
    for entry in decide {
        let kind = entry.applies_to[0].as_str();
        assert!(screen(kind, &[], &[]).eligible, "`{kind}` passes");
        let name = entry.name.as_str();
        let mut failing = vec![("pending", Cause::Pending)];
        if entry.required {
            failing.push(("", Cause::Missing));
        }
        if !matches!(entry.kind, Kind::List | Kind::Text) {
            failing.push(("perhaps", Cause::Unreadable));
        }
        let triggering = triggering(entry);
        if let Some(text) = &triggering {
            let cause = [Cause::Positive, Cause::Deferred];
            failing.push((text, cause[usize::from(entry.rule == Rule::Defer)]));
        }
        for (text, cause) in failing {
            let donor = screen(kind, &[], &[(name, text)]);
            let found: Vec<(&str, Cause)> = donor
                .findings
                .iter()
                .map(|finding| (finding.entry.as_str(), finding.cause))
                .collect();
            assert_eq!(found, [(name, cause)], "`{text}`");
            assert!(!donor.eligible && donor.lapses_on.is_none());
        }
        n_tried += 1;
    }
    assert!(n_tried > 60, "{n_tried} entries");
}

#[test]
fn entries_that_only_record_flag_and_decide_nothing() {
    let changes = [
        ("probiotics", "yes"),
        ("processing_minutes", "200"),
        ("cmv_igm", "positive"),
    ];
    let donor = screen("healthy", &[], &changes);
    assert!(donor.eligible);
    assert_eq!(
        donor.flags,
        [
            "probiotics: yes",
            "cmv_igm: positive",
            "processing_minutes: 200"
        ]
    );
    assert!(screen("healthy", &[], &[("probiotics", "")]).eligible);
}

#[test]
fn a_result_counts_within_its_window_only() {
    for (day, cause) in [
        ("2026-09-02", None),
        ("2026-09-01", Some(Cause::Expired)),
        ("2026-11-01", None),
        ("2026-11-02", Some(Cause::InTheFuture)),
        ("01/10/2026", Some(Cause::Unreadable)),
    ] {
        let donor = screen("healthy", &[("esbl_on", day)], &[]);
        assert_eq!(
            donor.findings.first().map(|finding| finding.cause),
            cause,
            "{day}"
        );
    }
    let undated = screen("healthy", &[], &[("collected_on", "")]);
    assert!(
        undated
            .findings
            .iter()
            .all(|finding| finding.cause == Cause::Undated)
    );
}

#[test]
fn a_deferral_ends_on_its_day() {
    let antibiotics = |day: &str| screen("healthy", &[], &[("antibiotics_last", day)]);
    let deferred = antibiotics("2026-06-01");
    assert_eq!(deferred.deferred_until().unwrap().to_string(), "2026-11-28");
    assert!(antibiotics("2026-05-05").eligible, "180 days before");
    assert!(
        !antibiotics("2026-12-01").eligible,
        "after the day of screening"
    );
    let travel = screen(
        "healthy",
        &[("travel_high_risk_on", LATELY)],
        &[("travel_high_risk", "yes")],
    );
    assert_eq!(travel.findings[0].cause, Cause::Deferred);
}

#[test]
fn a_batch_is_judged_by_the_day_of_its_donation() {
    let donor = screen("healthy", &BATCH, &[]);
    assert!(donor.eligible, "{}", donor.reasons());
    assert_eq!(donor.lapses_by.as_deref(), Some("expires_on"));
    let changed = |name: &str, text: &str| {
        let donor = screen("healthy", &BATCH, &[(name, text)]);
        donor.findings.first().map(|finding| finding.cause)
    };
    assert_eq!(
        changed("made_on", "2026-10-23"),
        Some(Cause::Expired),
        "questions, a day"
    );
    assert_eq!(changed("made_on", "2026-11-05"), Some(Cause::InTheFuture));
    assert_eq!(changed("made_on", ""), Some(Cause::Missing));
    assert_eq!(changed("expires_on", "2026-10-31"), Some(Cause::Expired));
    assert_eq!(changed("expires_on", TODAY), None, "the last day counts");
    assert_eq!(changed("units_available", "0"), Some(Cause::OutOfStock));
    let eaten = screen("healthy", &BATCH, &[("antibiotics_last", "2026-06-01")]);
    assert_eq!(
        eaten.deferred_until(),
        None,
        "waiting does not change a donation"
    );
}

#[test]
fn a_new_test_quarantines_batches_made_before_it() {
    let mut panel = Panel::bundled().unwrap();
    let entry = panel
        .entries
        .iter_mut()
        .find(|entry| entry.name == "mpox")
        .unwrap();
    entry.since = Some("2026-10-25".parse().unwrap());
    entry.required = true;
    let cause = |more: &[(&str, &str)], text: &str| {
        let more: Vec<_> = BATCH.iter().chain(more).copied().collect();
        let donor = screen_with(&panel, &table("healthy", &more, &[("mpox", text)]));
        donor.findings.first().map(|finding| finding.cause)
    };
    assert_eq!(cause(&[], ""), Some(Cause::Quarantined));
    assert_eq!(
        cause(&[], "negative"),
        Some(Cause::Quarantined),
        "tested before"
    );
    assert_eq!(
        cause(&[("mpox_on", "2026-10-28")], "negative"),
        None,
        "a retained aliquot"
    );
    assert_eq!(
        cause(&[("mpox_on", "2026-10-28")], "positive"),
        Some(Cause::Positive)
    );
    let later = panel
        .entries
        .iter_mut()
        .find(|entry| entry.name == "mpox")
        .unwrap();
    later.since = Some("2026-11-02".parse().unwrap());
    assert!(screen_with(&panel, &table("healthy", &BATCH, &[("mpox", "")])).eligible);
}

#[test]
fn a_responder_with_a_malignancy_needs_an_override_that_says_who_and_why() {
    let ill = [("personal_malignancy", "yes")];
    let by = ("personal_malignancy_override_by", "ethics board");
    let why = ("personal_malignancy_override_reason", "protocol 4.2");
    let lifted = screen("ici_responder_cr", &[by, why], &ill);
    assert!(lifted.eligible, "{}", lifted.reasons());
    assert_eq!(lifted.overrides[0].by, "ethics board");
    assert_eq!(lifted.overrides[0].reason, "protocol 4.2");
    assert!(
        !screen("ici_responder_cr", &[by], &ill).eligible,
        "why is not said"
    );
    assert!(
        !screen("healthy", &[by, why], &ill).eligible,
        "no responder"
    );
    let other = [("esbl_override_by", "x"), ("esbl_override_reason", "y")];
    assert!(!screen("ici_responder_cr", &other, &[("esbl", "positive")]).eligible);
}

#[test]
fn a_second_generation_donor_keeps_its_lineage() {
    let panel = Panel::bundled().unwrap();
    let text = "donor_id\tdonor_type\tparent_donor_id\nA\thealthy\t\nB\trecipient_responder\tA\n\
                C\trecipient_responder\tB\nD\trecipient_responder\t\n";
    let of = |text: &str| {
        let table = MetadataTable::parse("<records>", text).unwrap();
        panel.screen(&DonorRecords::from_table(&table, &panel).unwrap(), today())
    };
    let screening = of(text).unwrap();
    let lineage: Vec<&str> = screening.donors[2]
        .lineage
        .iter()
        .map(SubjectId::as_str)
        .collect();
    assert_eq!(lineage, ["B", "A"]);
    assert_eq!(screening.donors[3].findings[0].entry, "parent_donor_id");
    let ring = "donor_id\tparent_donor_id\nA\tB\nB\tA\n";
    assert!(
        of(ring)
            .unwrap_err()
            .to_string()
            .contains("comes from itself")
    );
}

#[test]
fn a_consortium_is_screened_as_a_product() {
    assert!(screen("consortium", &[], &[("strain_list", "a;b;c")]).eligible);
    let failed = screen("consortium", &[], &[("product_release", "fail")]);
    assert_eq!(failed.findings[0].cause, Cause::Positive);
    let unknown = screen("", &[], &[]);
    assert_eq!(unknown.findings[0].entry, "donor_type");
    let mut panel = Panel::bundled().unwrap();
    panel
        .entries
        .retain(|entry| !entry.applies_to.contains(&DonorType::Placebo));
    let text = "donor_id\tdonor_type\nP\tplacebo\n";
    let placebo = screen_with(&panel, &MetadataTable::parse("<records>", text).unwrap());
    assert_eq!(placebo.findings[0].cause, Cause::NotCovered);
}

#[test]
fn wide_long_and_toml_records_say_the_same() {
    let panel = Panel::bundled().unwrap();
    let wide = "donor_id,donor_type,collected_on,esbl,vre,vre_on,personal_malignancy,\
                personal_malignancy_override_by,personal_malignancy_override_reason\n\
                D1,ici_responder_pr,2026-10-20,negative,positive,2026-10-02,yes,board,4.2\n";
    let long = "donor_id,donor_type,collected_on,entry,result,on,override_by,override_reason\n\
                D1,ici_responder_pr,2026-10-20,esbl,negative,,,\nD1,,,vre,positive,2026-10-02,,\n\
                D1,,,personal_malignancy,yes,,board,4.2\n";
    let toml = "[[donor]]\ndonor_id = \"D1\"\ndonor_type = \"ici_responder_pr\"\ncollected_on = 2026-10-20\n\
                [donor.answers]\nesbl = \"negative\"\nvre = { result = \"positive\", on = 2026-10-02 }\n\
                personal_malignancy = { result = true, override_by = \"board\", override_reason = \"4.2\" }\n";
    let of_table = |text: &str| {
        let table = MetadataTable::parse("<records>", text).unwrap();
        DonorRecords::from_table(&table, &panel).unwrap()
    };
    let wide = of_table(wide);
    assert_eq!(wide, of_table(long));
    assert_eq!(wide, DonorRecords::parse_toml(toml, &panel).unwrap());
}

#[test]
fn an_unknown_field_or_a_donor_told_twice_is_refused() {
    let panel = Panel::bundled().unwrap();
    let message = |text: &str| {
        let table = MetadataTable::parse("<records>", text).unwrap();
        DonorRecords::from_table(&table, &panel)
            .unwrap_err()
            .to_string()
    };
    for (text, expected) in [
        ("donor_id\tesbI\nD1\tnegative\n", "`esbI`"),
        ("donor_id\tshoe_size\nD1\t43\n", "`shoe_size`"),
        (
            "donor_id\tesbl\nD1\tnegative\nD1\tnegative\n",
            "described twice",
        ),
        (
            "donor_id\tentry\tresult\nD1\tesbl\tnegative\nD1\tesbl\tpositive\n",
            "two results",
        ),
        ("donor_id\tentry\tresult\nD1\tesb\tnegative\n", "`esb`"),
        ("donor_id\tmade_on\nD1\t2026-01-01\n", "`batch_id`"),
        ("donor_id\tbatch_id\tmade_on\nD1\tB\tMonday\n", "YYYY-MM-DD"),
        ("donor_id\tdonor_type\nD1\trobot\n", "`robot`"),
        (
            "donor_id\tbatch_id\tunits_available\nD1\tB\t2.5\n",
            "whole number",
        ),
        ("esbl\nnegative\n", "no column `donor_id`"),
    ] {
        let found = message(text);
        assert!(
            found.to_lowercase().contains(&expected.to_lowercase()),
            "{found}"
        );
    }
    for toml in [
        "x = 1",
        "[[donor]]\nesbl = 1",
        "[[donor]]\ndonor_id = \"a\"\n[donor.answers]\nx = 1",
    ] {
        assert!(DonorRecords::parse_toml(toml, &panel).is_err(), "{toml}");
    }
}

#[test]
fn a_pair_is_refused_for_what_the_recipient_has() {
    let panel = Panel::bundled().unwrap();
    let records = table(
        "healthy",
        &[],
        &[
            ("cmv_igm", "positive"),
            ("allergens_ingested", "peanut; milk"),
        ],
    );
    let records = DonorRecords::from_table(&records, &panel).unwrap();
    let screening = panel.screen(&records, today()).unwrap();
    assert!(screening.donors[0].eligible);
    let text = "recipient_id\timmunosuppressed\tcmv\tebv\tallergies\tneutropenia\n\
                r1\tyes\tnegative\t\tnone\tno\nr2\tno\tnegative\t\tnone\tyes\nr3\tyes\tpositive\t\tnone\tno\n\
                r4\tno\t\t\tMilk\tno\nr5\t\t\t\t\tno\n";
    let recipients = MetadataTable::parse("<recipients>", text).unwrap();
    let recipients = RecipientRecords::from_table(recipients, &panel).unwrap();
    let pairs = panel
        .screen_pairs(&records, &screening, &recipients)
        .unwrap();
    let eligible: Vec<bool> = pairs.iter().map(|pair| pair.eligible).collect();
    assert_eq!(eligible, [false, true, true, false, false], "{pairs:?}");
    assert!(pairs[0].reasons[0].contains("cmv_igm") && pairs[3].reasons[0].contains("milk"));
    assert!(pairs[1].flags.contains(&"neutropenia: yes".to_owned()));
    let other = MetadataTable::parse("<recipients>", "recipient_id\tshoe\nr\t1\n").unwrap();
    assert!(RecipientRecords::from_table(other, &panel).is_err());
}
