//! Rows as bytes: how many of the model's thresholds each value exceeds.
//!
//! All that trees ask of a value is on which side of their thresholds it lies, so that a byte
//! says it all, and sixteen rows are asked in one instruction. A feature with more thresholds
//! than a byte can tell apart has several columns of bytes.

use crate::model::MatrixView;
use crate::model::boosting::model::BoostingModel;
use crate::model::boosting::predict::gather;

/// Rows are kept in multiples of this, so that loops over them need no remainder.
pub(super) const LANES: usize = 16;

/// Thresholds that one column tells apart: codes 0 to 254.
const MOST_BORDERS: usize = 254;

/// The code of a missing value: above and, codes being a circle, just below all others.
const MISSING: u8 = u8::MAX;

/// A side of one threshold, asked of the codes of a column: those from `start` on, `span` more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Test {
    column: u32,
    start: u8,
    span: u8,
    /// Bit of the pattern that is taken back where the row is on the other side.
    bit: u32,
}

/// The thresholds of a model by feature.
#[derive(Debug)]
pub(super) struct Borders {
    /// Rising, by place among the used features.
    borders: Vec<Vec<f64>>,
    /// First column of each place, then their number.
    columns: Vec<u32>,
}

impl Borders {
    pub(super) fn new(model: &BoostingModel, used: &[u32]) -> Self {
        let borders = model.thresholds_of(used);
        let mut columns = vec![0];
        let mut n_columns = 0;
        for borders in &borders {
            n_columns += borders.len().div_ceil(MOST_BORDERS) as u32;
            columns.push(n_columns);
        }
        Self { borders, columns }
    }

    /// Whether a value is at most `threshold`, a missing one too if `has_missing`.
    pub(super) fn at_most(&self, place: u32, threshold: f64, has_missing: bool, bit: u32) -> Test {
        let (column, rank) = self.find(place, threshold);
        Test {
            column,
            start: if has_missing { MISSING } else { 0 },
            span: rank + u8::from(has_missing),
            bit,
        }
    }

    /// Whether a value is above `threshold`, a missing one too if `has_missing`.
    pub(super) fn above(&self, place: u32, threshold: f64, has_missing: bool, bit: u32) -> Test {
        let (column, rank) = self.find(place, threshold);
        Test {
            column,
            start: rank + 1,
            span: MISSING - 2 - rank + u8::from(has_missing),
            bit,
        }
    }

    /// The column that knows a threshold, and the highest code of the values at most as high.
    fn find(&self, place: u32, threshold: f64) -> (u32, u8) {
        let place = place as usize;
        let rank = self.borders[place].partition_point(|&border| border < threshold);
        let column = self.columns[place] + (rank / MOST_BORDERS) as u32;
        (column, (rank % MOST_BORDERS) as u8)
    }

    /// The codes of the rows `first..first + n_rows`.
    pub(super) fn encode(
        &self,
        features: MatrixView<'_>,
        used: &[u32],
        first: usize,
        n_rows: usize,
    ) -> Codes {
        let width = used.len().max(1);
        let stride = n_rows.next_multiple_of(LANES);
        let mut rows = vec![0.0; stride * width];
        gather(features, used, first, &mut rows[..n_rows * width]);
        let n_columns = self.columns.last().map_or(0, |&n| n as usize);
        let mut bytes = Vec::with_capacity(n_columns * stride);
        for (place, borders) in self.borders.iter().enumerate() {
            for borders in borders.chunks(MOST_BORDERS) {
                for rows in rows.chunks_exact(width * LANES) {
                    bytes.extend(encode_lanes(
                        borders,
                        &std::array::from_fn(|lane| rows[lane * width + place]),
                    ));
                }
            }
        }
        Codes {
            bytes,
            n_rows,
            stride,
        }
    }
}

/// The number of borders that each value exceeds; all lanes take the same steps.
fn encode_lanes(borders: &[f64], values: &[f64; LANES]) -> [u8; LANES] {
    let mut codes = [0_usize; LANES];
    let mut n_left = borders.len();
    while n_left > 0 {
        let half = n_left.div_ceil(2);
        for (code, value) in codes.iter_mut().zip(values) {
            *code += usize::from(borders[*code + half - 1] < *value) * half;
        }
        n_left -= half;
    }
    std::array::from_fn(|lane| {
        if values[lane].is_nan() {
            MISSING
        } else {
            codes[lane] as u8
        }
    })
}

/// Rows as codes, column by column.
#[derive(Debug)]
pub(super) struct Codes {
    bytes: Vec<u8>,
    pub(super) n_rows: usize,
    /// Bytes a column: the rows and some more, up to a multiple of [`LANES`].
    pub(super) stride: usize,
}

impl Codes {
    /// How each row passes the tests: bit j of its pattern stays 1 where no test takes it back.
    /// Bits 0 to 7 of all rows come first, then bits 8 to 15, ….
    pub(super) fn patterns(&self, tests: &[Test], n_bits: usize, patterns: &mut Vec<u8>) {
        patterns.clear();
        let all = full(n_bits).to_le_bytes();
        for &all in &all[..n_bits.div_ceil(8)] {
            patterns.resize(patterns.len() + self.stride, all);
        }
        for test in tests {
            let codes = &self.bytes[test.column as usize * self.stride..][..self.stride];
            let patterns = &mut patterns[test.bit as usize / 8 * self.stride..][..self.stride];
            let others = !(1_u8 << (test.bit % 8));
            for (pattern, code) in patterns.iter_mut().zip(codes) {
                let is_met = code.wrapping_sub(test.start) <= test.span;
                *pattern &= others | u8::from(is_met).wrapping_neg();
            }
        }
    }

    /// The pattern of one row.
    pub(super) fn pattern_of(&self, patterns: &[u8], row: usize) -> u64 {
        let bytes = patterns.chunks_exact(self.stride).enumerate();
        bytes.fold(0, |pattern, (byte, patterns)| {
            pattern | u64::from(patterns[row]) << (8 * byte)
        })
    }
}

/// The pattern of who meets all of `d` conditions.
pub(super) fn full(d: usize) -> u64 {
    if d >= 64 { u64::MAX } else { (1 << d) - 1 }
}
