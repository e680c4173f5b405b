//! Rankings written as they are worked out: the same bits as in memory, both files or none.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;

use donormatch::Error;
use donormatch::cohort::{Donors, TreatmentContext};
use donormatch::matcher::{Matcher, PredictParams};
use donormatch::output::Access;
use donormatch::persist;
use donormatch::profile::ProfileTable;
use donormatch::ranking::{
    COLUMNS, Column, DonorOrders, RankedRecipient, RankingJob, RankingParams, columns,
};
use donormatch::taxonomy::{HarmonizeParams, Target, harmonize};
use donormatch::trial::SimulationParams;

use crate::cli::SCENE;

/// Tables, models and settings that a job can borrow.
pub struct Bank {
    pub matcher: Matcher,
    pub donors: Donors,
    pub recipients: ProfileTable,
    pub contexts: Vec<TreatmentContext>,
    pub predict: PredictParams,
}

pub static BANK: LazyLock<Bank> = LazyLock::new(|| {
    let cohort = SimulationParams {
        n_donors: 9,
        n_recipients: 70,
        ..SimulationParams::default()
    };
    let cohort = cohort.simulate().unwrap();
    let harmonized = |table| {
        let params = HarmonizeParams::new(Target::Species);
        harmonize(table, &params).unwrap().0
    };
    let mut predict = PredictParams::default();
    predict.n_draws = 20;
    Bank {
        matcher: persist::read(SCENE.path("tiny.dmm")).unwrap().0,
        donors: harmonized(&cohort.donors).into(),
        recipients: harmonized(&cohort.recipients),
        contexts: cohort.contexts,
        predict,
    }
});

impl Bank {
    pub fn job<'a>(&'a self, params: &'a RankingParams) -> RankingJob<'a> {
        RankingJob {
            matcher: &self.matcher,
            donors: &self.donors,
            recipients: &self.recipients,
            contexts: &self.contexts,
            predict: &self.predict,
            params,
        }
    }
}

/// Few enough draws for a test, and yet more for some recipients than for others.
fn params() -> RankingParams {
    RankingParams {
        max_draws: 80,
        ..RankingParams::default()
    }
}

fn top(n: usize) -> RankingParams {
    RankingParams {
        top: Some(n),
        ..params()
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The table in a file: TSV, gzipped or not.
fn table(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    let mut text = String::new();
    if path.extension().is_some_and(|ending| ending == "gz") {
        let mut unpacked = flate2::read::GzDecoder::new(&bytes[..]);
        unpacked.read_to_string(&mut text).unwrap();
        return text;
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn files_hold_the_rows_and_summaries_of_the_ranking_in_memory() {
    for params in [params(), top(4)] {
        let job = BANK.job(&params);
        let ranking = job.rank().unwrap();
        for ending in ["tsv", "tsv.gz"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(format!("pairs.{ending}"));
            let mut n_told = 0;
            let written = job
                .write(&path, Access::Private, |_| {
                    n_told += 1;
                    Ok(())
                })
                .unwrap();
            assert_eq!((n_told, written.n_recipients), (70, 70));
            assert_eq!(written.n_rows, ranking.rows.len() as u64);
            let outside = ranking.rows.iter().filter(|row| !row.in_domain);
            assert_eq!(written.n_outside, outside.count() as u64);
            assert_eq!(table(&path), ranking.to_tsv().unwrap());
            let expected = ["pairs.summary.json".to_owned(), format!("pairs.{ending}")];
            assert_eq!(names(folder.path()), expected);
            let text = fs::read_to_string(&written.summary_path).unwrap();
            let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
            let whole: serde_json::Value =
                serde_json::from_str(&ranking.to_json().unwrap()).unwrap();
            for key in ["summaries", "donor_order_agreement", "params"] {
                assert_eq!(summary[key], whole[key], "{key}");
            }
            assert_eq!(summary["predict"]["n_draws"], 20);
        }
    }
}

#[cfg(feature = "containers")]
#[test]
fn parquet_holds_the_same_columns_to_the_bit() {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float64Type, Int64Type};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    let params = params();
    let ranking = BANK.job(&params).rank().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.parquet");
    let job = BANK.job(&params);
    job.write(&path, Access::Shared, |_| Ok(())).unwrap();
    let file = fs::File::open(&path).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let reader = builder.with_batch_size(10_000).build().unwrap();
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    assert_eq!(batches.len(), 1);
    let schema = batches[0].schema();
    let found: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    assert_eq!(found, COLUMNS);
    for (array, expected) in batches[0].columns().iter().zip(columns(&ranking.rows)) {
        match expected {
            Column::Text(texts) => {
                let found = array.as_string::<i32>().iter();
                assert!(found.eq(texts.iter().map(|text| Some(text.as_str()))));
            }
            Column::Whole(numbers) => {
                assert_eq!(array.as_primitive::<Int64Type>().values(), &numbers[..]);
            }
            Column::Number(numbers) => {
                let found = array.as_primitive::<Float64Type>().values().iter();
                let bits = |numbers: &f64| numbers.to_bits();
                assert!(found.map(bits).eq(numbers.iter().map(bits)));
            }
            Column::Truth(truths) => {
                assert!(array.as_boolean().iter().eq(truths.into_iter().map(Some)));
            }
        }
    }
    let again = folder.path().join("again.parquet");
    let one = rayon::ThreadPoolBuilder::new().num_threads(1);
    let write = || job.write(&again, Access::Shared, |_| Ok(()));
    one.build().unwrap().install(write).unwrap();
    assert_eq!(fs::read(&path).unwrap(), fs::read(&again).unwrap());
}

#[test]
fn fewer_donors_are_shown_and_no_figure_changes() {
    let (all, few) = (params(), top(2));
    let (all, few) = (
        BANK.job(&all).rank().unwrap(),
        BANK.job(&few).rank().unwrap(),
    );
    assert_eq!(all.donor_order_agreement, few.donor_order_agreement);
    assert_eq!(few.rows.len(), 2 * 70);
    for ((whole, rows), (summary, shown)) in all.by_recipient().zip(few.by_recipient()) {
        assert_eq!(shown, &rows[..2]);
        assert_eq!(summary.standings, whole.standings[..2]);
        assert_eq!(summary.n_donors, 9);
        assert_eq!(summary.weight_cases, whole.weight_cases);
    }
    let bytes = persist::to_transfer(&few).unwrap();
    assert_eq!(
        persist::from_transfer::<donormatch::ranking::Ranking>(&bytes).unwrap(),
        few
    );
}

#[test]
fn neither_threads_nor_the_recipients_at_a_time_change_a_bit() {
    let params = top(5);
    let job = BANK.job(&params);
    let ranked = |rows_at_a_time: usize| -> (Vec<RankedRecipient>, Option<f64>) {
        let mut orders = DonorOrders::default();
        let mut all = Vec::new();
        for start in (0..70).step_by(rows_at_a_time) {
            let rows = start..70.min(start + rows_at_a_time);
            let keep = |recipient| {
                all.push(recipient);
                Ok(())
            };
            job.rank_rows(rows, &mut orders, keep).unwrap();
        }
        (all, orders.agreement())
    };
    let expected = ranked(70);
    assert_eq!(expected.0.len(), 70);
    let n_draws = expected.0.iter().map(|one| one.summary.n_draws);
    let n_draws: BTreeSet<usize> = n_draws.collect();
    assert!(n_draws.contains(&80), "{n_draws:?}");
    assert!(n_draws.iter().all(|n| [20, 40, 80].contains(n)));
    assert!(expected.1.is_some());
    for n_threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads);
        pool.build().unwrap().install(|| {
            for rows_at_a_time in [1, 3, 32, 70] {
                // Numbers of one value have the same text only where they have the same bits.
                let found = ranked(rows_at_a_time);
                assert_eq!(found, expected);
                assert_eq!(format!("{found:?}"), format!("{expected:?}"));
            }
        });
    }
}

#[test]
fn what_fails_midway_leaves_the_old_files_and_nothing_else() {
    let params = params();
    let folder = tempfile::tempdir().unwrap();
    for ending in ["parquet", "tsv", "tsv.gz"] {
        let path = folder.path().join(format!("pairs.{ending}"));
        fs::write(&path, "old rows").unwrap();
        let summary = folder.path().join("pairs.summary.json");
        fs::write(&summary, "old summaries").unwrap();
        let mut n_done = 0;
        let job = BANK.job(&params);
        let error = job
            .write(&path, Access::Private, |_| {
                n_done += 1;
                if n_done == 60 {
                    return Err(Error::table("enough"));
                }
                Ok(())
            })
            .unwrap_err();
        assert!(error.to_string().contains("enough"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "old rows");
        assert_eq!(fs::read_to_string(&summary).unwrap(), "old summaries");
        let expected = [format!("pairs.{ending}"), "pairs.summary.json".to_owned()];
        let mut expected = expected.to_vec();
        expected.sort();
        assert_eq!(names(folder.path()), expected);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn recipients_that_are_not_there_are_refused() {
    let params = params();
    let job = BANK.job(&params);
    for rows in [60..80, 3..3] {
        let refused = job.rank_rows(rows, &mut DonorOrders::default(), |_| Ok(()));
        assert!(refused.is_err());
    }
    let none = top(0);
    let error = BANK.job(&none).rank().unwrap_err().to_string();
    assert!(error.starts_with("`top`"), "{error}");
}
