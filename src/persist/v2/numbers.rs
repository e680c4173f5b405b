//! Lists of numbers, exact and small.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Floats as eight planes of bytes, the lowest byte of every number first: what the numbers have in
/// common (exponents, low bytes that are zero) stands side by side, and compresses.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Planes {
    bytes: Vec<u8>,
}

/// Bytes of a float.
const WIDTH: usize = 8;

impl Planes {
    pub fn of(numbers: impl ExactSizeIterator<Item = f64>) -> Self {
        let n = numbers.len();
        let mut bytes = vec![0; n * WIDTH];
        for (at, number) in numbers.enumerate() {
            for (plane, byte) in number.to_le_bytes().into_iter().enumerate() {
                bytes[plane * n + at] = byte;
            }
        }
        Self { bytes }
    }

    pub fn into_numbers(self) -> Result<Vec<f64>> {
        let n = self.bytes.len() / WIDTH;
        if n * WIDTH != self.bytes.len() {
            return Err(Error::model_file(format!(
                "expected {WIDTH} bytes a number, found {} bytes in all",
                self.bytes.len()
            )));
        }
        let number = |at| {
            let byte = |plane| self.bytes[plane * n + at];
            f64::from_le_bytes(std::array::from_fn(byte))
        };
        Ok((0..n).map(number).collect())
    }
}

/// Floats as the shortest decimals that read back to the same bits: digits × 10^exponent.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Decimals {
    digits: Vec<i64>,
    exponents: Vec<i16>,
}

impl Decimals {
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Result<Self> {
        let mut decimals = Self::default();
        for number in numbers {
            let (digits, exponent) = shortest(number)
                .ok_or_else(|| Error::model_file(format!("{number} is no finite number")))?;
            decimals.digits.push(digits);
            decimals.exponents.push(exponent);
        }
        Ok(decimals)
    }

    pub fn into_numbers(self) -> Result<Vec<f64>> {
        if self.digits.len() != self.exponents.len() {
            return Err(Error::model_file(format!(
                "{} exponents for {} decimals",
                self.exponents.len(),
                self.digits.len()
            )));
        }
        let number = |(digits, exponent): (&i64, &i16)| {
            format!("{digits}e{exponent}")
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .ok_or_else(|| {
                    Error::model_file(format!("{digits}e{exponent} is no finite number"))
                })
        };
        self.digits
            .iter()
            .zip(&self.exponents)
            .map(number)
            .collect()
    }
}

/// `-12.5` is (-125, -1).
fn shortest(number: f64) -> Option<(i64, i16)> {
    let text = format!("{number:e}");
    let (mantissa, exponent) = text.split_once('e')?;
    let n_decimals = mantissa.split_once('.').map_or(0, |(_, rest)| rest.len());
    let digits = mantissa.replace('.', "").parse().ok()?;
    Some((
        digits,
        exponent.parse::<i16>().ok()? - i16::try_from(n_decimals).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: [f64; 9] = [
        0.0,
        1.0,
        -12.5,
        0.1,
        1e300,
        5e-324,
        f64::MAX,
        f64::MIN_POSITIVE,
        1.0 / 3.0,
    ];

    #[test]
    fn numbers_come_back_to_the_bit() {
        let bits = |numbers: Vec<f64>| numbers.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        let expected = bits(NUMBERS.to_vec());
        let planes = Planes::of(NUMBERS.into_iter());
        assert_eq!(bits(planes.into_numbers().unwrap()), expected);
        let decimals = Decimals::of(NUMBERS).unwrap();
        assert_eq!(bits(decimals.into_numbers().unwrap()), expected);
    }

    #[test]
    fn a_decimal_has_the_digits_that_it_is_written_with() {
        assert_eq!(shortest(-12.5), Some((-125, -1)));
        assert_eq!(shortest(0.3), Some((3, -1)));
        assert_eq!(shortest(4000.0), Some((4, 3)));
        assert_eq!(shortest(f64::NAN), None);
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        let wrong = |digits, exponents| Decimals { digits, exponents }.into_numbers().is_err();
        assert!(wrong(vec![1], vec![400]));
        assert!(wrong(vec![1, 2], vec![0]));
        assert!(Decimals::of([f64::INFINITY]).is_err());
        assert!(Planes { bytes: vec![0; 9] }.into_numbers().is_err());
    }
}
