//! The compiled half of the Python package: extract, release the interpreter, call the core, wrap.

#![expect(
    clippy::needless_pass_by_value,
    reason = "PyO3 extracts the arguments of a function by value"
)]
#![expect(
    clippy::cast_possible_wrap,
    reason = "places in memory fit into the 64-bit indices of NumPy"
)]

mod array;
mod batches;
mod calibration;
mod cli;
mod distributed;
mod engraftment;
mod error;
mod estimator;
mod evaluation;
mod feature;
mod follow_up;
mod matcher;
mod profiles;
mod ranking;
mod read;
mod runtime;
mod screening;
mod settings;
mod signature;
mod taxonomy;
mod text;
mod trial;

use pyo3::prelude::*;

/// The private extension module `donormatch._core`.
#[pymodule]
mod _core {
    use donormatch::taxonomy::HarmonizationReport;

    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_export]
    use super::batches::PyRankingBatches;
    #[pymodule_export]
    use super::calibration::{PyCalibrator, fit_calibrator};
    #[pymodule_export]
    use super::cli::run_cli;
    #[pymodule_export]
    use super::distributed::{PyChosenDonors, PyEngraftmentFolds, PyRankingTask, PyResponseFolds};
    #[pymodule_export]
    use super::engraftment::{call_losses, mismatched_null, observed_engraftment};
    #[pymodule_export]
    use super::estimator::{
        PyBoostingModel, PyLogisticModel, fit_boosting, fit_logistic, fit_logistic_cv,
        probabilities,
    };
    #[pymodule_export]
    use super::evaluation::{
        calibration_curve, compare, compare_by_delong, decision_curve, delong, estimate,
        grouped_k_fold, leave_one_group_out, mean_over_cohorts, number_groups, pool_cohorts,
        two_way_k_fold,
    };
    #[pymodule_export]
    use super::feature::{
        PyPhylogeny, clr, distances, diversity, pairwise, rarefy, rclr, read_tree, toposcore,
        toposcore_from_counts,
    };
    #[pymodule_export]
    use super::follow_up::{PyFollowUpReport, follow_up};
    #[pymodule_export]
    use super::matcher::{
        PyCohort, PyMatcher, PyPatientCohort, engraftment_folds, evaluate_engraftment,
        evaluate_response, fit_matcher, response_folds,
    };
    #[pymodule_export]
    use super::profiles::PyProfiles;
    #[pymodule_export]
    use super::ranking::{PyCalendar, PyRanking, rank_predictions};
    #[pymodule_export]
    use super::read::{
        check, check_of_bytes, merge_profiles, profiles_from_arrow, profiles_from_matrix,
        read_many_profiles, read_profiles, read_profiles_of_bytes, write_profiles,
    };
    #[pymodule_export]
    use super::runtime::{max_memory, n_threads, provoke_panic, set_max_memory, set_n_threads};
    #[pymodule_export]
    use super::screening::{screen, screening_panel};
    #[pymodule_export]
    use super::signature::{
        memberships, parse_signature, read_signature, signature, signature_names, signatures,
    };
    #[pymodule_export]
    use super::taxonomy::harmonize;
    #[pymodule_export]
    use super::text::printable;
    #[pymodule_export]
    use super::trial::{
        choose_pool, clopper_pearson, compare_policies, compare_policy, cox_snell_of_c_statistic,
        donors_of_pool, donors_to_screen, fisher_exact, fisher_power, off_policy_value,
        prediction_sample_size, safety_boundary, simulate, simulate_trial, two_groups,
    };

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        donormatch::barrier::hide_paths();
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("WARN_BELOW", HarmonizationReport::WARN_BELOW)
    }
}
