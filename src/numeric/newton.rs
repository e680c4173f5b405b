//! Newton's method for a smooth convex function of a few numbers.

use super::cholesky::Cholesky;
use crate::cancel;

/// Most halvings of one step.
const MOST_HALVINGS: usize = 40;

/// A function to minimize.
pub(crate) trait Convex {
    /// Its value.
    fn value(&self, point: &[f64]) -> f64;

    /// Minus its gradient, and its matrix of second derivatives (row-major; the lower triangle is
    /// enough).
    fn derivatives(&self, point: &[f64]) -> (Vec<f64>, Vec<f64>);
}

/// When the search ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    /// The decrement (step · gradient, about twice the distance from the least value) at which the
    /// minimum is found.
    pub(crate) tolerance: f64,
    /// Most steps.
    pub(crate) max_steps: usize,
}

/// Why there is no minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoMinimum {
    /// The function has no curvature in some direction.
    Flat,
    /// It was not reached in the steps allowed.
    NotReached,
}

/// Where the function is least, and the factor of its second derivatives there.
///
/// A step that raises the value is halved; rounding is no rise.
pub(crate) fn minimize(
    function: &impl Convex,
    start: Vec<f64>,
    stop: Stop,
) -> Result<(Vec<f64>, Cholesky), NoMinimum> {
    let mut point = start;
    let mut value = function.value(&point);
    for _ in 0..stop.max_steps {
        if cancel::is_cancelled() {
            return Err(NoMinimum::NotReached);
        }
        let (descent, curvature) = function.derivatives(&point);
        let factor = Cholesky::new(point.len(), &curvature).ok_or(NoMinimum::Flat)?;
        let step = factor.solve(&descent);
        let decrement: f64 = step.iter().zip(&descent).map(|(s, g)| s * g).sum();
        if decrement <= stop.tolerance {
            return Ok((point, factor));
        }
        let mut share = 1.0;
        let mut moved = false;
        for _ in 0..MOST_HALVINGS {
            let trial: Vec<f64> = point
                .iter()
                .zip(&step)
                .map(|(b, s)| b + share * s)
                .collect();
            let trial_value = function.value(&trial);
            if trial_value <= value + 1e-13 * value.abs() {
                point = trial;
                value = trial_value;
                moved = true;
                break;
            }
            share *= 0.5;
        }
        if !moved {
            break;
        }
    }
    Err(NoMinimum::NotReached)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// a·(x − 1)² + (x − y)⁴ + b·y²
    struct Bowl {
        a: f64,
        b: f64,
    }

    impl Convex for Bowl {
        fn value(&self, p: &[f64]) -> f64 {
            self.a * (p[0] - 1.0).powi(2) + (p[0] - p[1]).powi(4) + self.b * p[1] * p[1]
        }

        fn derivatives(&self, p: &[f64]) -> (Vec<f64>, Vec<f64>) {
            let d = p[0] - p[1];
            let bend = 12.0 * d * d;
            (
                vec![
                    -2.0 * self.a * (p[0] - 1.0) - 4.0 * d.powi(3),
                    4.0 * d.powi(3) - 2.0 * self.b * p[1],
                ],
                vec![2.0 * self.a + bend, -bend, -bend, 2.0 * self.b + bend],
            )
        }
    }

    const STOP: Stop = Stop {
        tolerance: 1e-20,
        max_steps: 100,
    };

    #[test]
    fn the_gradient_is_0_at_the_minimum() {
        let bowl = Bowl { a: 3.0, b: 0.5 };
        let (point, _) = minimize(&bowl, vec![20.0, -30.0], STOP).unwrap();
        let (descent, _) = bowl.derivatives(&point);
        assert!(descent.iter().all(|g| g.abs() < 1e-9), "{descent:?}");
    }

    #[test]
    fn what_has_no_curvature_has_no_minimum() {
        let trough = Bowl { a: 1.0, b: 0.0 };
        let end = minimize(&trough, vec![0.0, 0.0], STOP).unwrap_err();
        assert_eq!(end, NoMinimum::Flat);
        let stop = Stop {
            max_steps: 1,
            ..STOP
        };
        let end = minimize(&Bowl { a: 1.0, b: 1.0 }, vec![9.0, -9.0], stop).unwrap_err();
        assert_eq!(end, NoMinimum::NotReached);
    }
}
