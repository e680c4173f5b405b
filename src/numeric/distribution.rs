//! The normal, logit-normal and Student distributions that intervals need.

use std::f64::consts::SQRT_2;

use super::logistic::sigmoid;

/// P(Z ≤ z) of the standard normal.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}

/// The `p` quantile, relative error about 1e-15 (algorithm AS 241, PPND16); ±∞ at 0 and 1.
///
/// # References
/// Wichura, "The percentage points of the normal distribution", Appl. Stat. 37 (1988).
#[expect(clippy::excessive_precision, reason = "the published digits")]
pub(crate) fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 8] = [
        3.387_132_872_796_366_608_0,
        1.331_416_678_917_843_774_5e2,
        1.971_590_950_306_551_442_7e3,
        1.373_169_376_550_946_112_5e4,
        4.592_195_393_154_987_145_7e4,
        6.726_577_092_700_870_085_3e4,
        3.343_057_558_358_812_810_5e4,
        2.509_080_928_730_122_672_7e3,
    ];
    const B: [f64; 8] = [
        1.0,
        4.231_333_070_160_091_125_2e1,
        6.871_870_074_920_579_083e2,
        5.394_196_021_424_751_107_7e3,
        2.121_379_430_158_659_586_7e4,
        3.930_789_580_009_271_061e4,
        2.872_908_573_572_194_267_4e4,
        5.226_495_278_852_854_561e3,
    ];
    const C: [f64; 8] = [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_9,
        5.769_497_221_460_691_405_5,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        2.417_807_251_774_506_117_7e-1,
        2.272_384_498_926_918_458_33e-2,
        7.745_450_142_783_414_076_4e-4,
    ];
    const D: [f64; 8] = [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_4,
        6.897_673_349_851_000_045_5e-1,
        1.481_039_764_274_800_745_9e-1,
        1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946e-4,
        1.050_750_071_644_416_843_24e-9,
    ];
    const E: [f64; 8] = [
        6.657_904_643_501_103_777_2,
        5.463_784_911_164_114_369_9,
        1.784_826_539_917_291_335_8,
        2.965_605_718_285_048_912_3e-1,
        2.653_218_952_657_612_309_3e-2,
        1.242_660_947_388_078_438_6e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ];
    const F: [f64; 8] = [
        1.0,
        5.998_322_065_558_879_376_9e-1,
        1.369_298_809_227_358_053_1e-1,
        1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591e-4,
        1.846_318_317_510_054_681_8e-5,
        1.421_511_758_316_445_888_7e-7,
        2.044_263_103_389_939_785_64e-15,
    ];
    let ratio = |top: &[f64; 8], bottom: &[f64; 8], x: f64| {
        let horner = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, &c| sum * x + c);
        horner(top) / horner(bottom)
    };
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&A, &B, 0.180_625 - q * q);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail <= 0.0 {
        return f64::INFINITY.copysign(q);
    }
    let r = (-libm::log(tail)).sqrt();
    let size = if r <= 5.0 {
        ratio(&C, &D, r - 1.6)
    } else {
        ratio(&E, &F, r - 5.0)
    };
    size.copysign(q)
}

/// E[1 / (1 + exp(−s))] for s ~ N(mean, spread²), by the trapezoidal rule over eight spreads;
/// within 1e-10 of adaptive quadrature for spreads up to 3.
pub(crate) fn mean_probability(mean: f64, spread: f64) -> f64 {
    const HALF: i32 = 80;
    let mut sum = 0.0;
    let mut total = 0.0;
    for at in -HALF..=HALF {
        let z = f64::from(at) * 0.1;
        let weight = libm::exp(-0.5 * z * z);
        sum += weight * sigmoid(mean + spread * z);
        total += weight;
    }
    sum / total
}

/// Two-sided p value of a standard normal statistic.
pub(crate) fn normal_p_value(z: f64) -> f64 {
    libm::erfc(z.abs() / SQRT_2)
}

/// The t with P(T ≤ t) = p of Student's distribution with `df` degrees of freedom, by bisection.
pub(crate) fn student_quantile(p: f64, df: f64) -> f64 {
    if p < 0.5 {
        return -student_quantile(1.0 - p, df);
    }
    let (mut low, mut high) = (0.0, 1.0);
    while student_cdf(high, df) < p && high < 1e12 {
        high *= 2.0;
    }
    for _ in 0..120 {
        let middle = 0.5 * (low + high);
        if student_cdf(middle, df) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// P(T ≤ t) for t of 0 or more.
fn student_cdf(t: f64, df: f64) -> f64 {
    1.0 - 0.5 * incomplete_beta(0.5 * df, 0.5, df / (df + t * t))
}

/// The regularized incomplete beta function by its continued fraction (Lentz's method; Press et
/// al., Numerical Recipes, section 6.4).
pub(crate) fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let log_front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)
        + a * libm::log(x)
        + b * libm::log1p(-x);
    if x < (a + 1.0) / (a + b + 2.0) {
        libm::exp(log_front) * beta_fraction(a, b, x) / a
    } else {
        1.0 - libm::exp(log_front) * beta_fraction(b, a, 1.0 - x) / b
    }
}

fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guard = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..300 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    // scipy 1.17.1: scipy.stats.norm.ppf, norm.cdf, t.ppf.
    #[test]
    fn quantiles_are_those_of_scipy() {
        assert_relative_eq!(
            normal_quantile(0.975),
            1.959_963_984_540_054,
            max_relative = 1e-14
        );
        assert_relative_eq!(
            normal_quantile(1e-10),
            -6.361_340_902_404_056,
            max_relative = 1e-12
        );
        assert_relative_eq!(
            normal_cdf(-1.5),
            0.066_807_201_268_858_07,
            max_relative = 1e-14
        );
        assert_relative_eq!(
            student_quantile(0.975, 1.0),
            12.706_204_736_174_694,
            max_relative = 1e-10
        );
        assert_relative_eq!(
            student_quantile(0.975, 4.0),
            2.776_445_105_197_793,
            max_relative = 1e-10
        );
        assert_relative_eq!(
            student_quantile(0.95, 30.0),
            1.697_260_886_593_957,
            max_relative = 1e-10
        );
        assert_relative_eq!(
            student_quantile(0.1, 3.0),
            -1.637_744_353_696_21,
            max_relative = 1e-10
        );
    }

    #[test]
    fn normal_quantiles_in_the_tails_are_those_of_scipy() {
        // scipy 1.17.1, scipy.stats.norm.ppf
        for (p, expected) in [
            (0.5, 0.0),
            (0.6, 0.253_347_103_135_799_7),
            (0.975, 1.959_963_984_540_054),
            (0.05, -1.644_853_626_951_472_9),
            (1e-10, -6.361_340_902_404_056),
            (1e-20, -9.262_340_089_798_408),
        ] {
            assert_relative_eq!(
                normal_quantile(p),
                expected,
                max_relative = 1e-13,
                epsilon = 1e-15
            );
        }
        assert!(normal_quantile(0.0) == f64::NEG_INFINITY);
    }

    #[test]
    fn the_mean_of_a_logit_normal_equals_quadrature() {
        // scipy 1.17.1, scipy.integrate.quad of expit(m + s z) × norm.pdf(z), epsabs 1e-13.
        for (mean, spread, expected) in [
            (0.5, 1.0, 0.602_027_132_816_75),
            (-2.0, 3.0, 0.282_576_014_104_323_65),
            (1.0, 0.0, 0.731_058_578_630_005),
        ] {
            assert_relative_eq!(mean_probability(mean, spread), expected, epsilon = 1e-10);
        }
    }
}
