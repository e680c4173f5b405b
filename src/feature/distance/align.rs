//! Two tables over the same columns.

use std::collections::HashMap;

use crate::profile::{ProfileTable, Taxon};
use crate::{Error, Result};

/// Both tables over the union of their taxa in one order: those of the donors, then those that
/// only the recipients have. A taxon is known by its label.
///
/// A taxon that one table lacks becomes a column of zeros there. In a
/// [filtered](crate::profile::Completeness::Filtered) table such a zero may mean "not measured":
/// then prefer a table with the same columns for both sides.
///
/// # Errors
/// [`Error::Vocabulary`] where the tables name taxa in different vocabularies.
///
/// # Examples
/// ```
/// use donormatch::feature::align;
/// use donormatch::profile::{ProfileTable, Taxon, Unit};
///
/// let donors = ProfileTable::builder(Unit::Percent)
///     .taxa(["s__A", "s__B"].map(Taxon::new))
///     .sample("donor_1", vec![(0, 60.0), (1, 40.0)])
///     .build()?;
/// let recipients = ProfileTable::builder(Unit::Percent)
///     .taxa(["s__C", "s__A"].map(Taxon::new))
///     .sample("recipient_1", vec![(0, 70.0), (1, 30.0)])
///     .build()?;
/// let (donors, recipients) = align(&donors, &recipients)?;
/// assert_eq!(donors.taxa(), recipients.taxa());
/// assert_eq!(recipients.abundance().value(0, 0), 30.0);
/// # Ok::<(), donormatch::Error>(())
/// ```
pub fn align(
    donors: &ProfileTable,
    recipients: &ProfileTable,
) -> Result<(ProfileTable, ProfileTable)> {
    check_vocabulary(donors, recipients)?;
    let mut taxa: Vec<Taxon> = donors.taxa().to_vec();
    let columns: HashMap<&str, u32> = donors.taxa().iter().map(Taxon::label).zip(0..).collect();
    let mut targets = Vec::with_capacity(recipients.n_taxa());
    for taxon in recipients.taxa() {
        let target = columns.get(taxon.label()).copied().unwrap_or_else(|| {
            taxa.push(taxon.clone());
            taxa.len() as u32 - 1
        });
        targets.push(Some(target));
    }
    let same: Vec<Option<u32>> = (0..donors.n_taxa() as u32).map(Some).collect();
    Ok((
        donors.regroup(taxa.clone(), &same)?,
        recipients.regroup(taxa, &targets)?,
    ))
}

/// Refuses two tables that cannot be compared column by column.
pub(super) fn check_comparable(donors: &ProfileTable, recipients: &ProfileTable) -> Result<()> {
    check_vocabulary(donors, recipients)?;
    if donors.unit() != recipients.unit() {
        return Err(Error::unit(format!(
            "donors are in the unit `{}`, recipients in `{}`: close both with `closure` first",
            donors.unit(),
            recipients.unit()
        )));
    }
    let labels = |table: &ProfileTable| -> Vec<String> {
        let taxa = table.taxa().iter();
        taxa.map(|taxon| taxon.label().to_owned()).collect()
    };
    let (of_donors, of_recipients) = (labels(donors), labels(recipients));
    if of_donors == of_recipients {
        return Ok(());
    }
    let at = of_donors
        .iter()
        .zip(&of_recipients)
        .position(|(donor, recipient)| donor != recipient)
        .unwrap_or_else(|| of_donors.len().min(of_recipients.len()));
    let name = |labels: &[String]| labels.get(at).map_or("none", String::as_str).to_owned();
    Err(Error::table(format!(
        "column {at} is `{}` in the table of donors and `{}` in that of recipients: bring both \
         over the same taxa with `align`",
        name(&of_donors),
        name(&of_recipients)
    )))
}

fn check_vocabulary(donors: &ProfileTable, recipients: &ProfileTable) -> Result<()> {
    if donors.vocabulary() == recipients.vocabulary() {
        return Ok(());
    }
    Err(Error::Vocabulary {
        message: format!(
            "donors are named in the vocabulary `{}`, recipients in `{}`: `harmonize` both into \
             one first",
            donors.vocabulary(),
            recipients.vocabulary()
        ),
    })
}
