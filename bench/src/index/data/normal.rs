//! The quantiles of the normal distribution.

use super::order::Unit;

/// Horner's rule, the constant first.
fn polynomial(coefficients: [f64; 8], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// Beyond this root of a logarithm (p below 1e-11) no set has keys, and the tail is held there.
const FARTHEST: f64 = 5.0;

/// The standard normal quantile to about 16 digits, by the rational approximations PPND16 of Wichura ("Algorithm
/// AS 241", Applied Statistics 1988), without those for tails below 1e-11.
pub(super) fn quantile(unit: Unit) -> f64 {
    let from_middle = if unit.from_zero < 0.5 { unit.from_zero - 0.5 } else { 0.5 - unit.from_one };
    if from_middle.abs() <= 0.425 {
        let r = 0.180625 - from_middle * from_middle;
        return from_middle * polynomial(MIDDLE_ABOVE, r) / polynomial(MIDDLE_BELOW, r);
    }
    let tail = unit.from_zero.min(unit.from_one).max(f64::MIN_POSITIVE);
    let r = (-tail.ln()).sqrt().min(FARTHEST) - 1.6;
    let size = polynomial(TAIL_ABOVE, r) / polynomial(TAIL_BELOW, r);
    if from_middle < 0.0 { -size } else { size }
}

const MIDDLE_ABOVE: [f64; 8] = [
    3.387_132_872_796_366_5,
    1.331_416_678_917_843_8e2,
    1.971_590_950_306_551_3e3,
    1.373_169_376_550_946e4,
    4.592_195_393_154_987e4,
    6.726_577_092_700_87e4,
    3.343_057_558_358_813e4,
    2.509_080_928_730_122_7e3,
];
const MIDDLE_BELOW: [f64; 8] = [
    1.0,
    4.231_333_070_160_091e1,
    6.871_870_074_920_579e2,
    5.394_196_021_424_751e3,
    2.121_379_430_158_66e4,
    3.930_789_580_009_271e4,
    2.872_908_573_572_194_3e4,
    5.226_495_278_852_854e3,
];
const TAIL_ABOVE: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    2.417_807_251_774_506e-1,
    2.272_384_498_926_918_4e-2,
    7.745_450_142_783_414e-4,
];
const TAIL_BELOW: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    6.897_673_349_851e-1,
    1.481_039_764_274_800_8e-1,
    1.519_866_656_361_645_7e-2,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_quantiles_come_out() {
        let cases = [(0.5, 0.0), (0.975, 1.959_963_984_540_054), (0.001, -3.090_232_306_167_813_5)];
        for (share, expected) in cases {
            let found = quantile(Unit { from_zero: share, from_one: 1.0 - share });
            assert!((found - expected).abs() < 1e-12, "{share}: {found}");
        }
        let tail = quantile(Unit { from_zero: 1e-9, from_one: 1.0 });
        assert!((tail + 5.997_807_015_007_687).abs() < 1e-9, "{tail}");
    }
}
