//! A day of the calendar.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A day of the calendar, written `YYYY-MM-DD`.
///
/// The crate reads no clock: whoever asks what holds today says which day that is.
///
/// # Examples
/// ```
/// use donormatch::cohort::screening::Day;
///
/// let day: Day = "2026-02-27".parse()?;
/// assert_eq!(day.plus(2)?.to_string(), "2026-03-01");
/// assert_eq!(day.plus(2)?.days_since(day), 2);
/// # Ok::<(), donormatch::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(Date);

impl Day {
    /// The day this many days later.
    ///
    /// # Errors
    /// [`Error::Table`] if the year would pass 9999.
    pub fn plus(self, days: u32) -> Result<Self> {
        let later = jiff::Span::new()
            .try_days(i64::from(days))
            .and_then(|span| self.0.checked_add(span));
        later
            .map(Self)
            .map_err(|_| Error::table(format!("`{self}` and {days} days passes the year 9999")))
    }

    /// Days from another day to this one; negative if this one comes first.
    pub fn days_since(self, other: Self) -> i64 {
        let days = |day: Self| (day.0 - Date::ZERO).get_days();
        i64::from(days(self)) - i64::from(days(other))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Day {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // Only this form: 03/04/2026 is another day on either side of the Atlantic.
        let is_iso = text.len() == 10 && text.is_ascii();
        let day = is_iso.then(|| text.parse::<Date>().ok()).flatten();
        day.map(Self)
            .ok_or_else(|| Error::table(format!("expected a day as `YYYY-MM-DD`, found `{text}`")))
    }
}

impl TryFrom<String> for Day {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_of_the_calendar_in_one_form_are_read() {
        for text in [
            "2026-02-30",
            "26-02-01",
            "01/02/2026",
            "2026-2-1",
            "",
            "2026-02-01T00",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
        assert_eq!(
            "2024-02-29".parse::<Day>().unwrap().to_string(),
            "2024-02-29"
        );
    }

    #[test]
    fn days_are_counted_over_leap_years_and_both_ways() {
        let (a, b): (Day, Day) = ("2023-12-31".parse().unwrap(), "2025-01-01".parse().unwrap());
        assert_eq!((b.days_since(a), a.days_since(b)), (367, -367));
        assert_eq!(a.plus(367).unwrap(), b);
        assert!(b.plus(u32::MAX).is_err());
    }
}
