//! One way to use wider registers where the processor has them.

/// Calls the first of two functions where the processor has AVX2, else the second. Both must run the
/// same body: the first has `#[target_feature(enable = "avx2")]` and calls the second, which is
/// inlined. No fused operation is used, so that both give the same bits.
macro_rules! in_avx2 {
    ($avx2:expr, $portable:expr) => {{
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, asked just above.
            #[expect(
                unsafe_code,
                reason = "same bits as the portable body in half of the time"
            )]
            return unsafe { $avx2 };
        }
        $portable
    }};
}

pub(crate) use in_avx2;
