//! Means and quantiles.

/// The arithmetic mean; NaN of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The quantile of rising values, at least one, by linear interpolation (type 7 of Hyndman and
/// Fan 1996, NumPy's default).
pub(crate) fn quantile(rising: &[f64], probability: f64) -> f64 {
    let position = probability * (rising.len() - 1) as f64;
    let below = (position.floor() as usize).min(rising.len() - 1);
    let above = (below + 1).min(rising.len() - 1);
    let share = position - below as f64;
    rising[below] + share * (rising[above] - rising[below])
}
