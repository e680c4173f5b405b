//! The log of a trial and the utilities of a ranking, read from tables.

use std::collections::BTreeMap;

use ndarray::Array2;

use super::off_policy::LoggedRecipient;
use crate::cohort::MetadataTable;
use crate::profile::SubjectId;
use crate::{Error, Result};

/// The roles of a log.
const LOG_ROLES: [&str; 7] = [
    "recipient_id",
    "donor_id",
    "probability",
    "given",
    "outcome",
    "target",
    "predicted",
];

/// A log of a trial, one row for each recipient and each donor it could have had: `recipient_id`,
/// `donor_id`, `probability` (by which the trial chose the donor), `given` (yes in one row of a
/// recipient), `outcome` (in that row; 1 for a response), `target` (the probability under another
/// policy) and, where there is a model, `predicted`. Recipients without a known outcome are left
/// out.
///
/// # Errors
/// [`Error::File`] naming the column that is not there or the line that cannot be read, or a
/// recipient who was given no donor or several.
pub fn read_log(table: &MetadataTable) -> Result<Vec<LoggedRecipient>> {
    table.check_names(&LOG_ROLES)?;
    for role in &LOG_ROLES[..6] {
        table.require_column(role)?;
    }
    let mut rows_of: Vec<(String, Vec<usize>)> = Vec::new();
    let mut place: BTreeMap<String, usize> = BTreeMap::new();
    for row in 0..table.n_rows() {
        let recipient = table.required(row, "recipient_id")?;
        let at = *place.entry(recipient.to_owned()).or_insert_with(|| {
            rows_of.push((recipient.to_owned(), Vec::new()));
            rows_of.len() - 1
        });
        rows_of[at].1.push(row);
    }
    let has_model = table.has("predicted");
    let logged = rows_of
        .iter()
        .map(|(recipient, rows)| read_recipient(table, recipient, rows, has_model));
    let logged: Vec<Option<LoggedRecipient>> = logged.collect::<Result<_>>()?;
    Ok(logged.into_iter().flatten().collect())
}

fn read_recipient(
    table: &MetadataTable,
    recipient: &str,
    rows: &[usize],
    has_model: bool,
) -> Result<Option<LoggedRecipient>> {
    let mut given = None;
    for (donor, &row) in rows.iter().enumerate() {
        if table.outcome(row, "given")? == Some(true) {
            if given.is_some() {
                let message = format!("`{recipient}` was given a second donor");
                return Err(table.error_at(row, message));
            }
            given = Some((donor, row));
        }
    }
    let Some((donor, row)) = given else {
        let message = format!("`{recipient}` was given no donor");
        return Err(Error::file(table.path(), message));
    };
    let Some(outcome) = table.number(row, "outcome")? else {
        return Ok(None);
    };
    let numbers = |role: &str| -> Result<Vec<f64>> {
        let of = |&row: &usize| {
            table
                .number(row, role)?
                .ok_or_else(|| table.error_at(row, format!("`{role}` must not be blank")))
        };
        rows.iter().map(of).collect()
    };
    Ok(Some(LoggedRecipient {
        donor,
        probabilities: numbers("probability")?,
        outcome,
        target: numbers("target")?,
        predicted: if has_model {
            numbers("predicted")?
        } else {
            Vec::new()
        },
    }))
}

/// The utilities of a table of pairs, such as `donormatch rank` writes: columns `recipient_id`,
/// `donor_id` and `utility`; recipients × donors, with the donors' ids in the order in which they
/// first stand.
///
/// # Errors
/// [`Error::File`] naming the column that is not there, the line that cannot be read or repeats a
/// pair, or a pair that is missing.
pub fn read_utilities(table: &MetadataTable) -> Result<(Vec<SubjectId>, Array2<f64>)> {
    let roles = ["recipient_id", "donor_id", "utility"];
    for role in roles {
        table.require_column(role)?;
    }
    let (mut recipients, mut donors) = (Ids::default(), Ids::default());
    let mut cells = BTreeMap::new();
    for row in 0..table.n_rows() {
        let recipient = recipients.place(table.required(row, "recipient_id")?);
        let donor = donors.place(table.required(row, "donor_id")?);
        let utility = table
            .number(row, "utility")?
            .ok_or_else(|| table.error_at(row, "`utility` must not be blank"))?;
        if cells.insert((recipient, donor), utility).is_some() {
            return Err(table.error_at(row, "the pair stands in a row above"));
        }
    }
    let mut utility = Array2::zeros((recipients.names.len(), donors.names.len()));
    for ((recipient, donor), cell) in utility.indexed_iter_mut() {
        *cell = *cells.get(&(recipient, donor)).ok_or_else(|| {
            let message = format!(
                "no row of donor `{}` for recipient `{}`: every donor is needed for every recipient",
                donors.names[donor], recipients.names[recipient]
            );
            Error::file(table.path(), message)
        })?;
    }
    let ids = donors.names.into_iter().map(SubjectId::from);
    Ok((ids.collect(), utility))
}

/// Ids in the order in which they first stand.
#[derive(Default)]
struct Ids {
    names: Vec<String>,
    places: BTreeMap<String, usize>,
}

impl Ids {
    fn place(&mut self, name: &str) -> usize {
        if let Some(&place) = self.places.get(name) {
            return place;
        }
        let place = self.names.len();
        self.names.push(name.to_owned());
        self.places.insert(name.to_owned(), place);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "recipient_id\tdonor_id\tprobability\tgiven\toutcome\ttarget\n";

    fn log(rows: &str) -> Result<Vec<LoggedRecipient>> {
        read_log(&MetadataTable::parse("log.tsv", &format!("{HEAD}{rows}"))?)
    }

    #[test]
    fn a_log_has_one_donor_given_a_recipient() {
        let read = log("r1\ta\t0.5\tno\t\t1\nr1\tb\t0.5\tyes\t1\t0\nr2\ta\t1\tyes\t\t1\n").unwrap();
        assert_eq!(read.len(), 1, "the outcome of r2 is not known");
        assert_eq!((read[0].donor, read[0].outcome), (1, 1.0));
        assert_eq!(read[0].target, [1.0, 0.0]);
        let error = |rows| log(rows).unwrap_err().to_string();
        assert!(error("r1\ta\t1\tno\t\t1\n").contains("`r1` was given no donor"));
        assert!(error("r1\ta\t.5\tyes\t1\t1\nr1\tb\t.5\tyes\t1\t0\n").contains("line 3"));
        assert!(error("r1\ta\t\tyes\t1\t1\n").contains("`probability` must not be blank"));
    }

    #[test]
    fn utilities_are_a_whole_matrix_of_pairs() {
        let read = |rows: &str| {
            let text = format!("recipient_id\tdonor_id\tutility\n{rows}");
            read_utilities(&MetadataTable::parse("ranking.tsv", &text).unwrap())
        };
        let (ids, utility) = read("r1\tb\t1\nr1\ta\t2\nr2\ta\t3\nr2\tb\t4\n").unwrap();
        assert_eq!(ids, ["b", "a"].map(SubjectId::from));
        assert_eq!(utility, ndarray::array![[1.0, 2.0], [4.0, 3.0]]);
        let missing = read("r1\tb\t1\nr2\ta\t3\n").unwrap_err().to_string();
        assert!(
            missing.contains("no row of donor `a` for recipient `r1`"),
            "{missing}"
        );
        assert!(
            read("r1\tb\t1\nr1\tb\t3\n")
                .unwrap_err()
                .to_string()
                .contains("line 3")
        );
    }
}
