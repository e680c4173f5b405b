//! The evaluation room on real cohorts: Shannon diversity against response, cohort by cohort.

use std::collections::HashMap;
use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};

use approx::assert_relative_eq;
use donormatch::evaluation::{
    BootstrapParams, CohortValue, Comparator, Metric, PoolingScale, ReportParams, Scope,
    ScoredRows, delong, leave_one_group_out, number_groups, pool_cohorts, report,
};
use flate2::read::GzDecoder;

struct Cohorts {
    names: Vec<String>,
    subjects: Vec<u32>,
    outcomes: Vec<f64>,
    shannon: Vec<f64>,
}

fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/icb-thomas2023");
    folder.is_dir().then_some(folder)
}

fn read(folder: &Path) -> Result<Cohorts, Box<dyn Error>> {
    let shannon = read_shannon(&folder.join("profiles.metaphlan.tsv.gz"))?;
    let mut table = csv::ReaderBuilder::new()
        .delimiter(b'\t')
        .from_path(folder.join("metadata.tsv"))?;
    let headers = table.headers()?.clone();
    let column = |name: &str| {
        headers
            .iter()
            .position(|head| head == name)
            .ok_or("no column")
    };
    let (sample, cohort) = (column("sample_id")?, column("cohort")?);
    let (subject, response) = (column("subject")?, column("response_orr")?);
    let mut cohorts = Cohorts {
        names: Vec::new(),
        subjects: Vec::new(),
        outcomes: Vec::new(),
        shannon: Vec::new(),
    };
    let mut subjects = Vec::new();
    for row in table.records() {
        let row = row?;
        cohorts.names.push(row[cohort].to_owned());
        subjects.push(row[subject].to_owned());
        cohorts
            .outcomes
            .push(f64::from(u8::from(&row[response] == "R")));
        cohorts.shannon.push(shannon[&row[sample]]);
    }
    cohorts.subjects = number_groups(&subjects).0;
    Ok(cohorts)
}

/// −Σ p ln p of each sample, from percent.
fn read_shannon(path: &Path) -> Result<HashMap<String, f64>, Box<dyn Error>> {
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path)?).read_to_string(&mut text)?;
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let samples: Vec<&str> = lines.next().ok_or("empty")?.split('\t').skip(1).collect();
    let mut shannon = vec![0.0; samples.len()];
    for line in lines {
        for (sum, field) in shannon.iter_mut().zip(line.split('\t').skip(1)) {
            let p = field.parse::<f64>()? / 100.0;
            if p > 0.0 {
                *sum -= p * libm::log(p);
            }
        }
    }
    Ok(samples
        .into_iter()
        .map(str::to_owned)
        .zip(shannon)
        .collect())
}

// pandas, scikit-learn 1.9.1 (roc_auc_score by cohort), scipy 1.17.1 (Student's interval of the
// mean), NumPy 2.4.6 (DeLong by all pairs), statsmodels 0.15.0 (combine_effects, DerSimonian and
// Laird), all on the same table.
#[test]
fn diversity_alone_reaches_what_scikit_learn_says_it_does() -> Result<(), Box<dyn Error>> {
    let Some(folder) = folder() else {
        println!("skipped: ../shared/data/icb-thomas2023 is not there");
        return Ok(());
    };
    let data = read(&folder)?;
    let splits = leave_one_group_out(&data.names, Some(&data.subjects))?;
    assert_eq!((data.outcomes.len(), splits.len()), (808, 12));
    assert!(splits.iter().all(|split| split.dropped().is_empty()));
    let params = ReportParams {
        min_patients: 1,
        metrics: vec![Metric::RocAuc],
        bootstrap: BootstrapParams::default().with_n_resamples(500),
    };
    let comparator = Comparator::new("shannon", &data.shannon);
    let table = report(
        &[comparator],
        &data.outcomes,
        &data.subjects,
        &data.names,
        &params,
    )?;
    let find = |scope, cohort: &str| {
        let mut rows = table.iter();
        rows.find(|row| row.scope == scope && row.cohort == cohort)
            .ok_or("no row")
    };
    let value = |scope, cohort| Ok::<_, &str>(find(scope, cohort)?.value.unwrap_or(f64::NAN));
    assert_relative_eq!(
        value(Scope::Cohort, "DerosaL_2022")?,
        0.600_912_547_528_517_1,
        max_relative = 1e-12
    );
    assert_relative_eq!(
        value(Scope::Cohort, "McCullochJA_2022")?,
        0.417_433_414_043_583_53,
        max_relative = 1e-12
    );
    assert_relative_eq!(
        value(Scope::AllRows, "")?,
        0.562_053_929_605_446_4,
        max_relative = 1e-12
    );
    let mean = find(Scope::Mean, "")?;
    assert_relative_eq!(
        mean.value.unwrap_or(f64::NAN),
        0.560_206_981_061_177_4,
        max_relative = 1e-12
    );
    assert_relative_eq!(
        mean.lo.unwrap_or(f64::NAN),
        0.492_677_208_647_658_5,
        max_relative = 1e-9
    );
    assert_eq!((mean.n_rows, mean.n_events, mean.n_cohorts), (808, 263, 12));
    let areas = by_delong(&data, &splits)?;
    let pooled = pool_cohorts(&areas, PoolingScale::Identity, 0.95)?;
    assert_relative_eq!(
        pooled.value.unwrap_or(f64::NAN),
        0.569_958_932_894_507_8,
        max_relative = 1e-10
    );
    assert_relative_eq!(
        pooled.tau_squared.unwrap_or(f64::NAN),
        0.000_980_736_536_215_726_4,
        max_relative = 1e-8
    );
    Ok(())
}

fn by_delong(
    data: &Cohorts,
    splits: &[donormatch::evaluation::Split],
) -> Result<Vec<CohortValue>, Box<dyn Error>> {
    splits
        .iter()
        .map(|split| {
            let pick = |column: &[f64]| -> Vec<f64> {
                split.test().iter().map(|&row| column[row]).collect()
            };
            let (scores, outcomes) = (pick(&data.shannon), pick(&data.outcomes));
            let area = delong(&ScoredRows::new(&scores, &outcomes)?)?;
            Ok(CohortValue {
                cohort: split.name().to_owned(),
                value: area.auc,
                variance: area.variance,
            })
        })
        .collect()
}
