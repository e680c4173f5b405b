//! Scores + outcomes → a [`Calibrator`] → probabilities.
//!
//! A calibrator is fitted on scores of rows that the model did not learn from (held-out scores of
//! the training rows), never on those that it will be tested on. All are monotone: the order of
//! scores is kept.

mod isotonic;
mod params;
mod small_newton;
mod venn_abers;

pub use isotonic::IsotonicMap;
pub use params::{CalibrationMethod, CalibrationParams, Calibrator, MethodLoss};
pub use venn_abers::VennAbersMap;

#[cfg(test)]
mod tests {
    use super::{CalibrationMethod, CalibrationParams, Calibrator};

    #[test]
    fn a_broken_curve_is_not_deserialized() {
        let scores = [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0];
        let outcomes = [0.0, 1.0, 0.0, 0.0, 1.0, 1.0];
        for (method, from, to) in [
            (
                CalibrationMethod::Isotonic,
                r#""values":[0.0,"#,
                r#""values":[1.5,"#,
            ),
            (
                CalibrationMethod::Isotonic,
                r#""scores":[-2.0,"#,
                r#""scores":["#,
            ),
            (
                CalibrationMethod::Isotonic,
                r#""scores":[-2.0,"#,
                r#""scores":[9.0,"#,
            ),
            (
                CalibrationMethod::VennAbers,
                r#""scores":[-2.0,"#,
                r#""scores":["#,
            ),
            (
                CalibrationMethod::VennAbers,
                r#""at":[["#,
                r#""at":[[7.0,7.0],["#,
            ),
        ] {
            let params = CalibrationParams {
                method,
                ..CalibrationParams::default()
            };
            let calibrator = params.fit(&scores, &outcomes, None, None).unwrap();
            let text = serde_json::to_string(&calibrator).unwrap();
            assert_eq!(
                serde_json::from_str::<Calibrator>(&text).unwrap(),
                calibrator
            );
            let broken = text.replacen(from, to, 1);
            assert_ne!(broken, text, "{from}");
            assert!(serde_json::from_str::<Calibrator>(&broken).is_err(), "{to}");
        }
    }
}
