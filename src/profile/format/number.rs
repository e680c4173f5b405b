//! Numbers as profilers write them: bytes → a finite `f64` that is not negative.

use super::options::Decimal;

/// Powers of ten that an `f64` holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Reads an abundance, correctly rounded.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn abundance(field: &[u8]) -> Result<f64, String> {
    match plain_decimal(field) {
        Some(value) => Ok(value),
        None => any_notation(field),
    }
}

/// `12`, `0.25`, `100.0`: digits, at most one point, at most 15 digits. Mantissa and power of ten
/// are then exact, and one division rounds once (Clinger 1990).
fn plain_decimal(field: &[u8]) -> Option<f64> {
    let mut mantissa = 0_u64;
    let mut decimals = None;
    for &byte in field {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa * 10 + u64::from(byte - b'0');
                decimals = decimals.map(|n: usize| n + 1);
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            _ => return None,
        }
        if mantissa >= 1_000_000_000_000_000 {
            return None;
        }
    }
    let decimals = decimals.unwrap_or(0);
    let has_digits = field.len() > usize::from(field.contains(&b'.'));
    let power = EXACT_POWERS.get(decimals)?;
    has_digits.then(|| mantissa as f64 / power)
}

fn any_notation(field: &[u8]) -> Result<f64, String> {
    let shown = shown(field);
    let text = std::str::from_utf8(field).map_or("", str::trim);
    if text.is_empty() {
        return Err(if field.iter().all(u8::is_ascii_whitespace) {
            "expected an abundance, found an empty field (write 0 for not detected)".to_owned()
        } else {
            format!("expected an abundance, found `{shown}`")
        });
    }
    let starts_as_number = text
        .trim_start_matches(['+', '-'])
        .starts_with(|c: char| c.is_ascii_digit() || c == '.');
    match text.parse::<f64>() {
        Ok(value) if starts_as_number && value.is_finite() && value >= 0.0 => Ok(value.abs()),
        Ok(value) if starts_as_number && value < 0.0 => Err(format!(
            "expected an abundance of 0 or more, found `{shown}`"
        )),
        Ok(_) => Err(format!("expected a finite abundance, found `{shown}`")),
        Err(_) if may_have_thousands(text) && may_have_decimal_comma(text) => Err(format!(
            "found `{shown}`, a number with a comma before three digits: write `{}` if the comma \
             divides thousands; if it is a decimal comma, set `decimal` to `,`",
            text.replace(',', "")
        )),
        Err(_) if may_have_thousands(text) => Err(format!(
            "found `{shown}`, a number with a thousands separator: write it without"
        )),
        Err(_) if is_decimal_comma(text) => Err(format!(
            "found `{shown}`, a number with a decimal comma: set `decimal` to `,`"
        )),
        Err(_) if is_missing(text) => Err(format!(
            "expected an abundance, found the missing value `{shown}` (write 0 for not detected)"
        )),
        Err(_) => Err(format!("expected an abundance, found `{shown}`")),
    }
}

/// Reads an abundance whose decimals stand behind a comma.
///
/// # Errors
/// As [`abundance`]; a point in it is one that divides thousands, or the table is not as declared.
pub(super) fn abundance_with_comma(field: &[u8]) -> Result<f64, String> {
    if memchr::memchr(b'.', field).is_some() {
        return Err(format!(
            "found `{}`, a number with a point, and `decimal` is `,`: write it without thousands \
             separators, or leave `decimal` out",
            shown(field)
        ));
    }
    let text: Vec<u8> = field
        .iter()
        .map(|&byte| if byte == b',' { b'.' } else { byte })
        .collect();
    abundance(&text)
}

/// Reads an abundance whose decimals stand behind what `decimal` says, blanks around it allowed.
///
/// # Errors
/// As [`abundance`] and [`abundance_with_comma`].
pub(super) fn with_decimal(field: &[u8], decimal: Decimal) -> Result<f64, String> {
    match decimal {
        Decimal::Point => abundance(field.trim_ascii()),
        Decimal::Comma => abundance_with_comma(field.trim_ascii()),
    }
}

/// Whether the text is groups of three digits with a comma, point, apostrophe or space between,
/// such as `1,200`, `1'200` or `1.234.567`, perhaps with decimals behind.
pub(super) fn may_have_thousands(text: &str) -> bool {
    let separators = [',', '.', '\'', '\u{2019}', ' ', '\u{a0}', '\u{202f}', '_'];
    separators.iter().any(|&separator| {
        let mut groups = text.split(separator);
        let first = groups.next().unwrap_or_default();
        let rest: Vec<&str> = groups.collect();
        let Some((last, middle)) = rest.split_last() else {
            return false;
        };
        let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
        let decimals = last.get(3..).unwrap_or_default();
        (1..=3).contains(&first.len())
            && digits(first)
            && middle.iter().all(|group| group.len() == 3 && digits(group))
            && last.get(..3).is_some_and(digits)
            && (decimals.is_empty()
                || decimals.starts_with(['.', ',']) && decimals.get(1..).is_some_and(digits))
    })
}

/// Whether a comma before three digits could be a decimal comma: there is one, no more, and
/// nothing else tells it apart.
fn may_have_decimal_comma(text: &str) -> bool {
    is_decimal_comma(text) && !text.contains('.')
}

/// Whether the text is a number such as `1,5`.
pub(super) fn is_decimal_comma(text: &str) -> bool {
    text.matches(',').count() == 1
        && text.len() > 1
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b',' | b'-' | b'e' | b'E'))
        && text.replace(',', ".").parse::<f64>().is_ok()
}

pub(super) fn is_missing(text: &str) -> bool {
    ["na", "n/a", "null", "none", ".", "-", "?", "#n/a"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

/// The field for a message: at most 40 characters, control characters escaped.
pub(super) fn shown(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(field.get(..160).unwrap_or(field));
    let mut shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().count() > 40 || field.len() > 160 {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_number_is_rounded_as_the_standard_library_does() {
        for text in [
            "0",
            "0.0",
            "100.0",
            "41.5578",
            "1e-5",
            "9.45e-05",
            "3",
            ".5",
            "5.",
            "+2",
            "0.42652263580693",
            "0.0000295356678800023",
            "123456789012345678",
            "1E3",
            " 7 ",
        ] {
            let expected: f64 = text.trim().parse().unwrap();
            assert_eq!(
                abundance(text.as_bytes()).unwrap().to_bits(),
                expected.to_bits(),
                "{text}"
            );
        }
        assert_eq!(abundance(b"-0").unwrap().to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn what_is_not_an_abundance_is_named() {
        for (text, word) in [
            ("-1", "0 or more"),
            ("1e400", "finite"),
            ("NaN", "finite"),
            ("inf", "finite"),
            ("1,5", "decimal comma"),
            ("1,234,567", "a thousands separator"),
            ("1'200", "a thousands separator"),
            ("1.234.567", "a thousands separator"),
            ("1,234.5", "a thousands separator"),
            ("1.234,5", "a thousands separator"),
            ("1,200", "write `1200`"),
            ("NA", "missing"),
            ("", "empty"),
            ("abc", "`abc`"),
            (".", "missing"),
        ] {
            let message = abundance(text.as_bytes()).unwrap_err();
            assert!(message.contains(word), "{text}: {message}");
        }
        assert!(abundance(b"\xff").is_err());
    }

    proptest::proptest! {
        #[test]
        fn decimals_equal_the_standard_library(text in "[0-9]{0,17}\\.?[0-9]{0,17}") {
            if let Ok(expected) = text.parse::<f64>() {
                proptest::prop_assert_eq!(abundance(text.as_bytes()).unwrap().to_bits(), expected.to_bits());
            }
        }
    }
}
