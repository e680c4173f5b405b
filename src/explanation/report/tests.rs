//! Tests of the page and the figure over synthetic predictions.

use super::{ReportContext, html, ranking_figure};
use crate::ranking::synthetic::{cohort, pair};
use crate::ranking::{Ranking, RankingParams};

const PAYLOADS: [&str; 20] = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "javascript:alert(1)",
    "<a href=javascript:alert(1)>x</a>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "]]><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<iframe srcdoc=\"<script>alert(1)</script>\">",
    "<math><mi//xlink:href=\"data:x,<script>alert(4)</script>\">",
    "` onmouseover=alert(1) x=`",
    "<body onload=alert(1)>",
    "<style>@import'//evil.example'</style>",
    "\u{0}<scr\u{0}ipt>alert(1)</scr\u{0}ipt>",
    "\u{202e}<\u{feff}script>alert(1)",
];

fn rank(pairs: &[crate::matcher::PairPrediction]) -> Ranking {
    RankingParams::default().rank(pairs).unwrap()
}

fn context(text: &str) -> ReportContext {
    ReportContext {
        title: text.into(),
        model_name: text.into(),
        regimen: text.into(),
        cancer: text.into(),
        line: text.into(),
        seed: Some(7),
        notes: vec![text.into()],
        provenance: vec![(text.into(), text.into())],
    }
}

/// The tags of a page in order, without their attributes' values.
fn tags(page: &str) -> Vec<&str> {
    page.split('<')
        .skip(1)
        .map(|tag| tag.split(['>', ' ', '\n']).next().unwrap_or(""))
        .collect()
}

#[test]
fn no_payload_changes_the_page() {
    let build = |text: &str| {
        let mut one = pair(text, text, vec![0.4; 30]);
        one.flags = vec![text.into()];
        one.in_domain = false;
        one.domain_reason = Some(text.into());
        let ranking = rank(&[one]);
        let figure = ranking_figure(&ranking, &text.into(), 5).unwrap();
        html(&ranking, &context(text)) + &figure
    };
    let plain = build("plain");
    for payload in PAYLOADS {
        let page = build(payload);
        assert_eq!(tags(&page), tags(&plain), "{payload}");
        for raw in [
            "<script",
            "</script",
            "onerror=",
            "onload=",
            "javascript:",
            "\u{0}",
            "\u{202e}",
        ] {
            assert!(!page.contains(raw), "{payload} leaves {raw}");
        }
    }
}

#[test]
fn a_page_names_no_address_outside_itself() {
    let page = html(&rank(&cohort(4, 3, 30, 1)), &context("plain"));
    for outside in [
        "http://", "https://", "url(", "@import", "<link", "<img", "<script", "src=",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn fifteen_recipients_and_eighteen_donors_fit_in_200_kilobytes() {
    let mut pairs = cohort(18, 15, 50, 1);
    for one in &mut pairs {
        one.p_severe_irae_exploratory = Some(0.123);
        one.flags = vec!["prevotella_rich_donor_with_dual_inhibition".into()];
        one.in_domain = false;
        one.domain_reason = Some("only 41 % of its abundance is known to the models".into());
    }
    let page = html(&rank(&pairs), &ReportContext::default());
    println!("{} bytes", page.len());
    assert!(page.len() < 200_000, "{} bytes", page.len());
    assert_eq!(page.matches("<section id=").count(), 15);
}

#[test]
fn a_large_ranking_is_cut_and_says_so() {
    let page = html(&rank(&cohort(60, 40, 20, 1)), &ReportContext::default());
    assert!(page.contains("35 more donors follow"));
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
}

#[test]
fn verdicts_and_research_use_stand_before_the_donors() {
    let pairs = ["a", "b"].map(|donor| pair(donor, "r", vec![0.4; 40]));
    let page = html(&rank(&pairs), &ReportContext::default());
    let place = |text: &str| {
        page.find(text)
            .unwrap_or_else(|| panic!("{text} is not in the page"))
    };
    assert!(place("Research use only") < place("At a glance"));
    assert!(
        place("prefer nobody · avoid nobody · no preference 2") < place("<th scope=\"col\">Donor")
    );
}

#[test]
fn a_table_that_may_scroll_can_be_reached_by_keyboard_and_is_named() {
    let page = html(&rank(&cohort(3, 2, 30, 1)), &ReportContext::default());
    let regions = page.matches("class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
    assert_eq!(regions.count(), 3);
    assert_eq!(page.matches("class=\"scroll\"").count(), 3);
    assert!(page.contains("aria-label=\"Donors for recipient_01\""));
    assert!(!page.contains("<th>"), "a header without scope");
}

#[test]
fn one_donor_first_for_everyone_is_said_unless_all_orders_are_the_same() {
    let of = |donor: &str, recipient: &str, p: f64| pair(donor, recipient, vec![p; 40]);
    let page = |third: [f64; 3]| {
        let pairs = [
            of("<a>", "r", 0.6),
            of("b", "r", 0.5),
            of("c", "r", 0.4),
            of("<a>", "s", third[0]),
            of("b", "s", third[1]),
            of("c", "s", third[2]),
        ];
        html(&rank(&pairs), &ReportContext::default())
    };
    let said = "&lt;a&gt; comes first for all 2 recipients";
    // b and c change places: two of three pairs of donors agree, so τ = (2 − 1) / 3.
    let hardly = page([0.6, 0.4, 0.5]);
    assert!(hardly.contains(said), "{hardly}");
    assert!(hardly.contains("τ: 0.33)"), "{hardly}");
    let same = page([0.6, 0.5, 0.4]);
    assert!(same.contains("every recipient gets the same order") && !same.contains(said));
    assert!(!page([0.4, 0.5, 0.6]).contains("comes first for all"));
}

/// Contrast of two colors by WCAG 2.2.
fn contrast(a: &str, b: &str) -> f64 {
    let luminance = |color: &str| {
        let part = |at: usize| {
            let part = f64::from(u8::from_str_radix(&color[at..at + 2], 16).unwrap()) / 255.0;
            if part <= 0.040_45 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn words_stand_out_from_their_ground_in_every_theme() {
    // The contrast of black and white is 21 by definition.
    assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 1e-12);
    let css = include_str!("report.css");
    let themes: Vec<&str> = css.lines().filter(|line| line.contains(":root{")).collect();
    assert_eq!(themes.len(), 3);
    for theme in themes {
        let color = |name: &str| {
            let value = theme.split(&format!("--{name}:")).nth(1).unwrap();
            let value = value.split([';', '}']).next().unwrap();
            match value.len() {
                4 => format!("{value}{}", &value[1..]),
                _ => value.to_owned(),
            }
        };
        for (word, ground) in [
            ("ink", "ground"),
            ("ink", "card"),
            ("soft", "ground"),
            ("soft", "card"),
            ("teal", "card"),
            ("teal", "green-bg"),
            ("amber", "card"),
            ("amber", "amber-bg"),
        ] {
            let found = contrast(&color(word), &color(ground));
            assert!(found >= 4.5, "{word} on {ground}: {found:.2} in {theme}");
        }
    }
}

#[test]
fn known_flags_are_explained() {
    let mut one = pair("a", "r", vec![0.4; 40]);
    one.flags = vec!["prevotella_rich_donor_with_dual_inhibition".into()];
    let page = html(&rank(&[one]), &ReportContext::default());
    assert!(page.contains("not an exclusion"));
}

#[test]
fn a_figure_refuses_an_unknown_recipient_and_says_what_it_leaves_out() {
    let ranking = rank(&cohort(6, 1, 30, 1));
    let figure = ranking_figure(&ranking, &"recipient_01".into(), 4).unwrap();
    assert!(figure.contains("2 more donors not shown"));
    assert_eq!(figure.matches("<circle").count(), 8);
    let error = ranking_figure(&ranking, &"nobody".into(), 4).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`recipient`: `nobody` is not in the ranking"
    );
    assert!(ranking_figure(&ranking, &"recipient_01".into(), 0).is_err());
}

#[test]
#[ignore = "writes a page to look at: cargo test --release --lib write_a_page -- --ignored"]
fn write_a_page() {
    let mut pairs = cohort(8, 4, 400, 3);
    for one in &mut pairs {
        one.p_severe_irae_exploratory = Some(0.17);
        if one.donor_id.as_str() == "donor_04" {
            one.flags = vec!["prevotella_rich_donor_with_dual_inhibition".into()];
        }
        if one.donor_id.as_str() == "donor_07" {
            one.eligible = false;
        }
        if one.recipient_id.as_str() == "recipient_02" {
            one.p_response = one
                .p_response
                .iter()
                .map(|p| 0.45 + 0.1 * (p - 0.45))
                .collect();
        }
        if one.recipient_id.as_str() == "recipient_04" && one.donor_id.as_str() == "donor_03" {
            one.p_response = one.p_response.iter().map(|p| p + 0.1).collect();
        }
        if one.recipient_id.as_str() == "recipient_03" && one.donor_id.as_str() == "donor_05" {
            one.in_domain = false;
            one.domain_reason = Some("only 41 % of its abundance is known to the models".into());
        }
    }
    let ranking = rank(&pairs);
    let context = ReportContext {
        title: "Donors for the synthetic cohort".into(),
        model_name: "bundled 0.1.0".into(),
        regimen: "anti-pd-1".into(),
        cancer: "melanoma".into(),
        line: "refractory".into(),
        seed: None,
        notes: vec!["7 % of the abundance of recipient_03 has no name in the models.".into()],
        provenance: vec![("Donor profiles".into(), "sha256 9f86d081884c7d65".into())],
    };
    let folder = std::env::temp_dir();
    std::fs::write(folder.join("report.html"), html(&ranking, &context)).unwrap();
    std::fs::write(folder.join("ranking.txt"), ranking.to_text()).unwrap();
    let figure = ranking_figure(&ranking, &"recipient_01".into(), 12).unwrap();
    std::fs::write(folder.join("ranking.svg"), figure).unwrap();
}
