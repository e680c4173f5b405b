//! Numbers with few digits, which tell little of the data that they were learned from.

/// Powers of ten that a double holds exactly.
const EXACT: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Digits that tell any two doubles apart.
const MOST_DIGITS: i32 = 17;

/// The middle of `low < high`, rounded to as few significant digits as leave it strictly between the
/// two; where no decimal does, a number that `low` does not exceed and `high` does.
///
/// Half of a patient's value, to the last digit, would tell that value to whoever sees the number;
/// a decimal that many pairs of values share does not.
pub(crate) fn shortest_between(low: f64, high: f64) -> f64 {
    let middle = low / 2.0 + high / 2.0;
    if low < 0.0 && high > 0.0 && middle.abs() < 0.1 * (high - low) {
        return 0.0;
    }
    let magnitude = libm::floor(libm::log10(middle.abs()));
    if magnitude.is_finite() {
        for n_digits in 1..=MOST_DIGITS {
            let rounded = nearest_multiple(middle, magnitude as i32 + 1 - n_digits);
            if low < rounded && rounded < high {
                return rounded;
            }
        }
    }
    if middle >= low && middle < high {
        middle
    } else {
        low
    }
}

/// Significant digits of a number that stands for a training value, such as a threshold.
pub(crate) const DIGITS: i32 = 3;

/// Digits that a grid has where values differ in late ones only; what differs later is noise of
/// rounding.
const MOST_GRID_DIGITS: i32 = 9;

/// A grid that does not depend on the data but for the power of ten of their span: the decimals of
/// three significant digits, or, of values that lie far from 0 and close together (years), those that
/// have two digits below the first in which values that far apart differ. Values with no such decimal
/// between them are one value to whatever learns from them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    /// Power of ten of the span; `i32::MAX` where it does not matter.
    span: i32,
}

impl Grid {
    /// The grid of significant digits alone.
    pub(crate) const PLAIN: Self = Self { span: i32::MAX };

    /// The grid of values that are `span` apart at most.
    pub(crate) fn of_span(span: f64) -> Self {
        let span = libm::floor(libm::log10(span));
        let span = if span.is_finite() {
            span as i32
        } else {
            i32::MAX
        };
        Self { span }
    }

    /// Power of ten of the step at a number, where it has one.
    fn exponent(self, number: f64) -> Option<i32> {
        let magnitude = libm::floor(libm::log10(number.abs()));
        magnitude.is_finite().then(|| {
            let magnitude = magnitude as i32;
            (magnitude.min(self.span.saturating_add(1)) + 1 - DIGITS)
                .max(magnitude + 1 - MOST_GRID_DIGITS)
        })
    }

    /// The lowest number of the grid that is not below a number: numbers `low < high` are parted by
    /// the grid where that of `low` is below `high`.
    pub(crate) fn not_below(self, number: f64) -> f64 {
        let Some(exponent) = self.exponent(number) else {
            return number;
        };
        let nearest = nearest_multiple(number, exponent);
        let bound = if nearest >= number {
            nearest
        } else {
            nearest_multiple(nearest + power_of_ten(exponent), exponent)
        };
        if bound.is_finite() {
            bound.max(number)
        } else {
            number
        }
    }

    /// The number of the grid that is nearest to a number.
    pub(crate) fn nearest(self, number: f64) -> f64 {
        let nearest = self
            .exponent(number)
            .map_or(number, |exponent| nearest_multiple(number, exponent));
        if nearest.is_finite() { nearest } else { number }
    }

    /// A cut between numbers that the grid parts: the shortest decimal between them, unless it has
    /// more digits than the grid, whose lowest number not below `low` it is then.
    pub(crate) fn cut(self, low: f64, high: f64) -> f64 {
        let shortest = shortest_between(low, high);
        let middle = low / 2.0 + high / 2.0;
        let is_on_grid = self.exponent(middle).is_none_or(|exponent| {
            let on_grid = nearest_multiple(shortest, exponent);
            on_grid.to_bits() == shortest.to_bits()
        });
        let bound = self.not_below(low);
        if is_on_grid || bound >= high {
            shortest
        } else {
            bound
        }
    }
}

/// A cut moved by a billionth of itself, where that still parts: data that are decimals themselves
/// (fractions of 100,000 reads, percentages of few digits) would else lie on it, and their last bit
/// would say on which side. It hides nothing: what a cut tells is its decimal.
pub(crate) fn off_the_grid(cut: f64, high: f64) -> f64 {
    let moved = cut + 1e-9 * cut.abs();
    if moved < high { moved } else { cut }
}

fn power_of_ten(exponent: i32) -> f64 {
    match EXACT.get(exponent.unsigned_abs() as usize) {
        Some(power) if exponent >= 0 => *power,
        Some(power) => 1.0 / power,
        None => libm::exp10(f64::from(exponent)),
    }
}

/// The multiple of 10^`exponent` that is nearest to a number.
fn nearest_multiple(number: f64, exponent: i32) -> f64 {
    match EXACT.get(exponent.unsigned_abs() as usize) {
        Some(power) if exponent >= 0 => (number / power).round() * power,
        Some(power) => (number * power).round() / power,
        None => {
            let n_digits = libm::floor(libm::log10(number.abs())) - f64::from(exponent) + 1.0;
            rounded(number, n_digits.clamp(1.0, f64::from(MOST_DIGITS)) as usize)
        }
    }
}

/// A number rounded to `n_digits` significant digits.
pub(crate) fn rounded(number: f64, n_digits: usize) -> f64 {
    let decimals = n_digits.saturating_sub(1);
    format!("{number:.decimals$e}").parse().unwrap_or(number)
}

/// A number in single precision, where that holds one that is finite and not 0.
pub(crate) fn single(number: f64) -> f64 {
    let single = f64::from(number as f32);
    if single.is_finite() && single != 0.0 {
        single
    } else {
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::derive;

    #[test]
    fn a_value_on_the_grid_is_left_of_its_cut_whatever_its_last_bit() {
        let cut = off_the_grid(Grid::PLAIN.cut(0.423, 0.5), 0.5);
        assert!((0.423 + 1e-15..0.5).contains(&cut));
        let negative = off_the_grid(-0.423, -0.4);
        assert!((-0.423 + 1e-15..-0.4).contains(&negative));
        // No room to move in.
        let close = off_the_grid(0.423, 0.423 + 1e-13);
        assert!((close - 0.423).abs() <= 0.0);
    }

    #[test]
    fn a_cut_is_the_shortest_rounding_of_the_middle_that_parts() {
        // By hand.
        for (low, high, expected) in [
            (0.0, 1.05, 0.5),
            (0.0, 2.0, 1.0),
            (-1.0, 0.0, -0.5),
            (-1.0, 1.1, 0.0),
            (1.0, 2.0, 1.5),
            (9.6, 10.9, 10.0),
            (0.951, 0.999, 0.98),
            (1_600_000_000.0, 1_600_000_010.0, 1_600_000_005.0),
            (0.123_456_1, 0.123_456_9, 0.123_456_5),
            (3e-30, 5e-30, 4e-30),
            (3e40, 5e40, 4e40),
            (-1e300, 1e300, 0.0),
        ] {
            let found = shortest_between(low, high);
            assert!(
                (found - expected).abs() <= 1e-15 * expected.abs(),
                "{low} {high}: {found}"
            );
        }
    }

    #[test]
    fn a_cut_parts_any_two_numbers() {
        for number in 0..20_000_u64 {
            let bits = |stream| derive(number, stream);
            let (a, b) = match number % 3 {
                0 => (f64::from_bits(bits(0)), f64::from_bits(bits(1))),
                1 => (f64::from_bits(bits(0)), f64::from_bits(bits(0) ^ 1)),
                _ => (bits(0) as f64 * 1e-19, bits(1) as f64 * 1e-19),
            };
            let (low, high) = (a.min(b), a.max(b));
            if low < high && (high - low).is_finite() {
                let cut = shortest_between(low, high);
                assert!(low <= cut && cut < high, "{low:e} {high:e}: {cut:e}");
            }
        }
    }

    #[test]
    fn a_grid_has_three_digits_of_what_varies() {
        // By hand.
        for (span, number, not_below, nearest) in [
            (f64::NAN, 1.234_5, 1.24, 1.23),
            (f64::NAN, -1.234_5, -1.23, -1.23),
            (f64::NAN, 1.24, 1.24, 1.24),
            (f64::NAN, 0.999_6, 1.0, 1.0),
            (f64::NAN, 2_016.4, 2_020.0, 2_020.0),
            (23.0, 2_016.44, 2_017.0, 2_016.0),
            (0.4, 4.567_8, 4.57, 4.57),
            (1e-13, 1.000_000_000_1, 1.000_000_01, 1.0),
            (f64::NAN, 0.0, 0.0, 0.0),
            (f64::NAN, 3.217e-40, 3.22e-40, 3.22e-40),
            (f64::NAN, 3.217e40, 3.22e40, 3.22e40),
        ] {
            let grid = Grid::of_span(span);
            for (found, expected) in [
                (grid.not_below(number), not_below),
                (grid.nearest(number), nearest),
            ] {
                let expected: f64 = expected;
                assert!(
                    (found - expected).abs() <= 1e-15 * expected.abs(),
                    "{number}: {found:e}, expected {expected:e}"
                );
            }
        }
    }

    #[test]
    fn a_cut_of_a_grid_parts_and_has_few_digits() {
        for number in 0..20_000_u64 {
            let bits = |stream| derive(number, stream);
            let (a, b) = match number % 3 {
                0 => (f64::from_bits(bits(0)), f64::from_bits(bits(1))),
                1 => (bits(0) as f64 * 1e-19, bits(0) as f64 * 1.000_01e-19),
                _ => (bits(0) as f64 * 1e-19, bits(1) as f64 * -1e-19),
            };
            let (low, high) = (a.min(b), a.max(b));
            let grid = Grid::PLAIN;
            if low.abs().max(high.abs()) < 1e300 && grid.not_below(low) < high {
                let cut = grid.cut(low, high);
                assert!(low <= cut && cut < high, "{low:e} {high:e}: {cut:e}");
                let is_short = rounded(cut, 3).to_bits() == cut.to_bits();
                assert!(is_short || cut.abs() < 1e-300, "{low:e} {high:e}: {cut:e}");
            }
        }
    }

    #[test]
    fn rounding_keeps_the_digits_asked_for() {
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
        assert!(same(rounded(0.012_345, 2), 0.012));
        assert!(same(rounded(-98_765.0, 1), -100_000.0));
        assert!(same(rounded(0.0, 3), 0.0));
        assert!(
            same(single(0.5), 0.5) && same(single(1e300), 1e300) && same(single(1e-300), 1e-300)
        );
    }
}
