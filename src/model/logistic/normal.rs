//! Quantiles of the standard normal distribution, and the mean of a logit-normal one.

use super::model::probability_of_score;

/// The `p` quantile, relative error about 1e-15 (algorithm AS 241, PPND16); ±∞ at 0 and 1.
///
/// # References
/// Wichura, "The percentage points of the normal distribution", Appl. Stat. 37 (1988).
#[expect(clippy::excessive_precision, reason = "the published digits")]
pub(super) fn normal_quantile(p: f64) -> f64 {
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
pub(super) fn mean_probability(mean: f64, spread: f64) -> f64 {
    const HALF: i32 = 80;
    let mut sum = 0.0;
    let mut total = 0.0;
    for at in -HALF..=HALF {
        let z = f64::from(at) * 0.1;
        let weight = libm::exp(-0.5 * z * z);
        sum += weight * probability_of_score(mean + spread * z);
        total += weight;
    }
    sum / total
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    #[test]
    fn quantiles_equal_scipy() {
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
