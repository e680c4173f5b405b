//! Natural logarithms of many numbers at once, without branches, so that the compiler works on
//! several side by side.

use super::simd::in_avx2;

/// High and low part of ln 2 and the coefficients of the series, those of `libm::log`.
const LN2_HI: f64 = 6.931_471_803_691_238e-1;
const LN2_LO: f64 = 1.908_214_929_270_587_7e-10;
const SERIES: [f64; 7] = [
    6.666_666_666_666_735e-1,
    3.999_999_999_940_942e-1,
    2.857_142_874_366_239e-1,
    2.222_219_843_214_978_4e-1,
    1.818_357_216_161_805e-1,
    1.531_383_769_920_937_3e-1,
    1.479_819_860_511_658_6e-1,
];

/// Bits of √½, with its lower half cleared: what a mantissa is scaled to lie above.
const ROOT_HALF: u64 = 0x3fe6_a09e << 32;
const MANTISSA: u64 = (1 << 52) - 1;
/// Bits of 2⁵²: a whole number below 2⁵² in their lower part makes 2⁵² + that number.
const TWO_52: u64 = 0x4330 << 48;

/// ln x of a positive normal number: the same bits as `libm::log`.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "must take the instruction set of its caller"
)]
fn ln(x: f64) -> f64 {
    let shifted = x.to_bits().wrapping_add((0x3ff0 << 48) - ROOT_HALF);
    let exponent = f64::from_bits((shifted >> 52) | TWO_52) - (4_503_599_627_370_496.0 + 1023.0);
    let f = f64::from_bits((shifted & MANTISSA) + ROOT_HALF) - 1.0;
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let odd = w * (SERIES[1] + w * (SERIES[3] + w * SERIES[5]));
    let even = z * (SERIES[0] + w * (SERIES[2] + w * (SERIES[4] + w * SERIES[6])));
    s * (half_square + (even + odd)) + exponent * LN2_LO - half_square + f + exponent * LN2_HI
}

/// Writes ln x over every x; all must be positive and normal.
pub(crate) fn ln_all(values: &mut [f64]) {
    in_avx2!(ln_all_avx2(values), ln_all_with(values));
}

/// Writes ln(1 + x) over every x; all must be 0 or more and finite.
pub(crate) fn ln_1p_all(values: &mut [f64]) {
    in_avx2!(ln_1p_all_avx2(values), ln_1p_all_with(values));
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn ln_all_avx2(values: &mut [f64]) {
    ln_all_with(values);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn ln_1p_all_avx2(values: &mut [f64]) {
    ln_1p_all_with(values);
}

#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "must take the instruction set of its caller"
)]
fn ln_all_with(values: &mut [f64]) {
    for value in values {
        *value = ln(*value);
    }
}

#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "must take the instruction set of its caller"
)]
fn ln_1p_all_with(values: &mut [f64]) {
    for value in values {
        let sum = 1.0 + *value;
        // What the sum lost, to first order.
        *value = ln(sum) + (*value - (sum - 1.0)) / sum;
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::numeric::random::{derive, uniform};

    #[test]
    fn many_logarithms_are_those_of_libm() {
        let x: Vec<f64> = (0..20_000)
            .map(|k| libm::pow(10.0, 30.0 * uniform(derive(7, k)) - 20.0))
            .chain([1.0, 0.5, 2.0, f64::MIN_POSITIVE, f64::MAX, 1.0 - 1e-16])
            .collect();
        let (mut logs, mut shifted) = (x.clone(), x.clone());
        ln_all(&mut logs);
        ln_1p_all(&mut shifted[..20_000]);
        for (x, found) in x.iter().zip(logs) {
            assert_eq!(found.to_bits(), libm::log(*x).to_bits(), "ln {x}");
            let mut portable = [*x];
            ln_all_with(&mut portable);
            assert_eq!(found.to_bits(), portable[0].to_bits(), "ln {x}");
        }
        for (x, found) in x[..20_000].iter().zip(shifted) {
            assert_relative_eq!(found, libm::log1p(*x), max_relative = 4e-16);
        }
    }
}
