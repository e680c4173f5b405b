//! The innermost loops over the lines of a column.
//!
//! Every sum is kept in partial sums that are added in a fixed order: additions need not wait for
//! one another, and all processors give the same bits.

/// Partial sums that are added to at once: two registers of SSE2.
const WIDTH: usize = 4;

/// Groups of them that take turns.
const DEPTH: usize = 4;

/// Vectors that are padded to a multiple of this leave [`dense_dot`] no remainder.
pub(super) const LANES: usize = WIDTH * DEPTH;

/// Σ aᵢ bᵢ.
#[inline]
pub(super) fn dense_dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [[0.0; WIDTH]; DEPTH];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for (depth, sums) in sums.iter_mut().enumerate() {
            for (lane, sum) in sums.iter_mut().enumerate() {
                *sum += a[depth * WIDTH + lane] * b[depth * WIDTH + lane];
            }
        }
    }
    let mut total = [0.0; WIDTH];
    for (lane, total) in total.iter_mut().enumerate() {
        *total = (sums[0][lane] + sums[1][lane]) + (sums[2][lane] + sums[3][lane]);
    }
    let rest = a_rest.iter().zip(b_rest);
    rest.fold(add_lanes(total), |sum, (a, b)| sum + a * b)
}

/// The halves first, as a register is folded.
#[inline]
fn add_lanes(sums: [f64; WIDTH]) -> f64 {
    (sums[0] + sums[2]) + (sums[1] + sums[3])
}

/// `out += a x`.
#[inline]
pub(super) fn dense_axpy(a: f64, x: &[f64], out: &mut [f64]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out += a * x;
    }
}

/// Σ valuesₖ vector\[rowsₖ\].
///
/// # Safety
/// Every row is below the length of `vector`.
#[inline]
#[expect(
    unsafe_code,
    reason = "without the check of each row a choice of λ takes 0.95 of the time"
)]
pub(super) unsafe fn sparse_dot(rows: &[u32], values: &[f64], vector: &[f64]) -> f64 {
    let at = |row: u32| {
        debug_assert!((row as usize) < vector.len());
        // SAFETY: the caller's promise.
        unsafe { *vector.get_unchecked(row as usize) }
    };
    let mut sums = [0.0; WIDTH];
    let (row_chunks, row_rest) = rows.as_chunks::<WIDTH>();
    let (value_chunks, value_rest) = values.as_chunks::<WIDTH>();
    for (rows, values) in row_chunks.iter().zip(value_chunks) {
        for lane in 0..WIDTH {
            sums[lane] += values[lane] * at(rows[lane]);
        }
    }
    let rest = row_rest.iter().zip(value_rest);
    rest.fold(add_lanes(sums), |sum, (&row, value)| sum + value * at(row))
}

/// `out[rowsₖ] += a valuesₖ`.
///
/// # Safety
/// Every row is below the length of `out`.
#[inline]
#[expect(
    unsafe_code,
    reason = "without the check of each row a choice of λ takes 0.95 of the time"
)]
pub(super) unsafe fn sparse_axpy(a: f64, rows: &[u32], values: &[f64], out: &mut [f64]) {
    for (&row, &value) in rows.iter().zip(values) {
        debug_assert!((row as usize) < out.len());
        // SAFETY: the caller's promise.
        *unsafe { out.get_unchecked_mut(row as usize) } += a * value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_rows_and_whole_columns_give_the_same_sums() {
        for n in [0_u32, 1, 3, 16, 17, 40, 67] {
            let rows: Vec<u32> = (0..n).filter(|row| row % 3 != 1).collect();
            let values: Vec<f64> = rows.iter().map(|&row| f64::from(row).sin()).collect();
            let vector: Vec<f64> = (0..n).map(|row| f64::from(row).cos()).collect();
            let mut whole = vec![0.0; vector.len()];
            for (&row, &value) in rows.iter().zip(&values) {
                whole[row as usize] = value;
            }
            let plain = whole.iter().zip(&vector).map(|(a, b)| a * b).sum();
            let (mut one, mut other) = (vector.clone(), vector.clone());
            dense_axpy(0.5, &whole, &mut one);
            // SAFETY: rows are below `n`, the length of both vectors.
            #[expect(unsafe_code, reason = "what is tested")]
            let sparse = unsafe {
                sparse_axpy(0.5, &rows, &values, &mut other);
                sparse_dot(&rows, &values, &vector)
            };
            approx::assert_abs_diff_eq!(dense_dot(&whole, &vector), plain, epsilon = 1e-13);
            approx::assert_abs_diff_eq!(sparse, plain, epsilon = 1e-13);
            assert_eq!(one, other);
        }
    }
}
