//! How names are written: prefixes, brackets, spaces, points, placeholders.

/// A name without prefix, quotes and brackets, with single underscores between words:
/// `s__[Clostridium] innocuum` and `"Clostridium_innocuum"` both give `Clostridium_innocuum`.
pub(super) fn spelled(raw: &str) -> String {
    let name = without_prefix(raw.trim().trim_matches('"').trim());
    let name = without_r_prefix(name);
    let mut out = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '[' | ']' | '\'' | '"' | '(' | ')' => {}
            letter if letter.is_alphanumeric() => out.push(letter),
            _ => {
                if !out.is_empty() && !out.ends_with('_') {
                    out.push('_');
                }
            }
        }
    }
    while out.ends_with('_') {
        out.pop();
    }
    out
}

/// `X.Clostridium..innocuum` → `.Clostridium..innocuum`: R puts an `X` before a name that would begin
/// with a point, and a point for each bracket.
fn without_r_prefix(name: &str) -> &str {
    match name.strip_prefix('X') {
        Some(rest) if rest.starts_with('.') && rest.contains("..") => rest,
        _ => name,
    }
}

/// The form in which names are compared: [`spelled`], lower case.
pub(super) fn folded(raw: &str) -> String {
    spelled(raw).to_lowercase()
}

/// `s__X` → `X`; `D_6__X` → `X`.
pub(super) fn without_prefix(name: &str) -> &str {
    match name.split_once("__") {
        Some((prefix, rest)) if prefix.len() == 1 || prefix.starts_with("D_") => rest,
        _ => name,
    }
}

/// The SGB that a label names, without `_group`: `GGB12_SGB34_group` → `SGB34`, `EUK4932` → itself.
pub(super) fn sgb_in(name: &str) -> Option<String> {
    let name = without_prefix(name.trim().trim_matches('"')).to_ascii_uppercase();
    let name = name.strip_suffix("_GROUP").unwrap_or(&name);
    let start = name.rfind("SGB").or_else(|| name.rfind("EUK"))?;
    let (before, sgb) = name.split_at(start);
    let digits = &sgb[3..];
    let stands_alone = before.is_empty() || before.ends_with(['_', ' ', '[']);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (stands_alone && is_number).then(|| sgb.to_owned())
}

const NAMELESS_WORDS: [&str; 10] = [
    "other",
    "unclassified",
    "uncultured",
    "unidentified",
    "unassigned",
    "unknown",
    "unmapped",
    "ambiguous_taxa",
    "noname",
    "metagenome",
];

/// Whether a name says only that there is no name: `Other`, `uncultured`, `X_unclassified`, and
/// the numbered clades of `MetaPhlAn`, `GGB12`, `FGB3`, `OFGB3`, `CFGB3`.
pub(super) fn is_nameless(name: &str) -> bool {
    let name = folded(name);
    if name.is_empty() || name.bytes().all(|byte| !byte.is_ascii_alphabetic()) {
        return true;
    }
    if NAMELESS_WORDS.iter().any(|word| {
        name == *word
            || name
                .strip_prefix(word)
                .is_some_and(|rest| rest.starts_with('_'))
    }) {
        return true;
    }
    if name.ends_with("_unclassified") || name.ends_with("_noname") {
        return true;
    }
    if name.ends_with("_metagenome") {
        return true;
    }
    // `Family_XIII_Incertae_Sedis` is a family of its own
    if name.ends_with("incertae_sedis") && !name.contains("family_xi") {
        return true;
    }
    let number = ["ggb", "cfgb", "ofgb", "fgb"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix));
    number.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// The clade inside a nameless name: `unknown_Roseburia`, `Roseburia_unclassified`,
/// `Peptostreptococcaceae_noname_unclassified`.
pub(super) fn clade_of_nameless(name: &str) -> Option<String> {
    let name = spelled(name);
    let mut inner = name.as_str();
    loop {
        let shorter = ["unknown_", "uncultured_", "unclassified_", "unidentified_"]
            .iter()
            .find_map(|prefix| inner.strip_prefix(prefix))
            .or_else(|| {
                ["_unclassified", "_noname"]
                    .iter()
                    .find_map(|suffix| inner.strip_suffix(suffix))
            });
        match shorter {
            Some(rest) => inner = rest,
            None => break,
        }
    }
    (inner != name && !inner.is_empty() && !is_nameless(inner)).then(|| inner.to_owned())
}

/// `Blautia_A wexlerae_B` (spelled with underscores) → `Blautia_wexlerae`, where GTDB wrote a
/// suffix of capital letters; `None` where there is none to take off.
pub(super) fn without_gtdb_suffixes(spelled: &str) -> Option<String> {
    let words: Vec<&str> = spelled.split('_').collect();
    let kept: Vec<&str> = words
        .iter()
        .enumerate()
        .filter(|&(at, word)| at == 0 || !is_gtdb_suffix(word))
        .map(|(_, word)| *word)
        .collect();
    (kept.len() < words.len()).then(|| kept.join("_"))
}

fn is_gtdb_suffix(word: &str) -> bool {
    (1..=2).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_prefixes_and_spaces_do_not_matter() {
        for name in [
            "s__[Clostridium] innocuum",
            "Clostridium_innocuum",
            "\"clostridium innocuum\"",
        ] {
            assert_eq!(folded(name), "clostridium_innocuum");
        }
        assert_eq!(spelled("Clostridium_sp._CAG:138"), "Clostridium_sp_CAG_138");
        assert_eq!(spelled("D_6__Blautia obeum"), "Blautia_obeum");
        assert_eq!(spelled("X.Clostridium..innocuum"), "Clostridium_innocuum");
    }

    #[test]
    fn an_sgb_is_found_with_and_without_group() {
        assert_eq!(sgb_in("GGB1250_SGB1672_group").as_deref(), Some("SGB1672"));
        assert_eq!(sgb_in("t__SGB4933_group").as_deref(), Some("SGB4933"));
        assert_eq!(sgb_in("Collinsella_SGB14754").as_deref(), Some("SGB14754"));
        assert_eq!(sgb_in("GGB12"), None);
        assert_eq!(sgb_in("Blautia_obeum"), None);
    }

    #[test]
    fn names_that_name_nothing_are_seen() {
        for name in [
            "Other",
            "uncultured bacterium",
            "g__",
            "GGB123",
            "Lachnospiraceae_unclassified",
            "Lachnospiraceae_gen._incertae_sedis",
            "-1",
        ] {
            assert!(is_nameless(name), "{name}");
        }
        assert!(!is_nameless("GGB123_SGB456") && !is_nameless("Blautia"));
        assert_eq!(
            clade_of_nameless("unknown_Roseburia").as_deref(),
            Some("Roseburia")
        );
        assert_eq!(
            clade_of_nameless("Peptostreptococcaceae_noname_unclassified").as_deref(),
            Some("Peptostreptococcaceae")
        );
    }

    #[test]
    fn gtdb_suffixes_come_off_only_where_they_are() {
        assert_eq!(
            without_gtdb_suffixes("Blautia_A_wexlerae_B").as_deref(),
            Some("Blautia_wexlerae")
        );
        assert_eq!(without_gtdb_suffixes("Blautia_wexlerae"), None);
    }
}
