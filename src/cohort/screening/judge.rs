//! From the records and the panel to what the gate says. Fails closed.

use super::day::Day;
use super::donor_type::DonorType;
use super::panel::{Entry, Kind, Panel, Rule};
use super::record::{Answer, Batch, DonorRecord, DonorRecords};
use super::result::{Cause, DonorScreening, Finding, Override, Screening};
use crate::profile::SubjectId;
use crate::{Error, Result};

/// Words that say that a result is not in yet.
const PENDING: [&str; 4] = ["pending", "awaited", "in progress", "ordered"];

impl Panel {
    /// Says for every donor, or batch of a donor, whether it may be used on a day.
    ///
    /// The gate fails closed: an entry that applies and is missing, pending, unreadable, undated or
    /// out of its window makes the donor not eligible, whatever else is known. Entries with
    /// `rule = "record"` only flag. Research use only: this is no clearance of a donor.
    ///
    /// # Errors
    /// [`Error::Table`] if donors are each other's parents.
    ///
    /// # Examples
    /// ```
    /// use donormatch::cohort::MetadataTable;
    /// use donormatch::cohort::screening::{Cause, DonorRecords, Panel};
    ///
    /// let panel = Panel::bundled()?;
    /// let text = "donor_id\tdonor_type\tcollected_on\tesbl\nD1\thealthy\t2026-10-01\tpositive\n";
    /// let table = MetadataTable::parse("<records>", text)?;
    /// let records = DonorRecords::from_table(&table, &panel)?;
    /// let screening = panel.screen(&records, "2026-10-15".parse()?)?;
    /// assert_eq!(screening.n_eligible(), 0);
    /// let causes: Vec<Cause> = screening.donors[0].findings.iter().map(|f| f.cause).collect();
    /// assert!(causes.contains(&Cause::Positive) && causes.contains(&Cause::Missing));
    /// # Ok::<(), donormatch::Error>(())
    /// ```
    pub fn screen(&self, records: &DonorRecords, on: Day) -> Result<Screening> {
        let judge = |record| screened(self, records, record, on);
        Ok(Screening {
            panel: self.name.clone(),
            version: self.version,
            panel_digest: self.digest.clone(),
            on,
            donors: records.records().iter().map(judge).collect::<Result<_>>()?,
        })
    }
}

fn screened(
    panel: &Panel,
    records: &DonorRecords,
    record: &DonorRecord,
    on: Day,
) -> Result<DonorScreening> {
    let lineage = lineage(records, record)?;
    let mut verdict = Verdict::default();
    verdict.of_record(record);
    if let Some(batch) = &record.batch {
        verdict.of_batch(batch, on);
    }
    let mut n_entries = 0;
    for entry in panel.entries.iter().filter(|entry| applies(entry, record)) {
        n_entries += usize::from(entry.rule != Rule::Record);
        verdict.of_entry(entry, record, on)?;
    }
    if n_entries == 0 {
        let kind = record.donor_type.map_or("unknown", DonorType::as_str);
        let detail = format!("the panel has no entry for `{kind}`");
        verdict.find("donor_type", Cause::NotCovered, detail, None);
    }
    let eligible = verdict.findings.is_empty();
    let lapse = verdict.lapse.filter(|_| eligible);
    Ok(DonorScreening {
        donor_id: record.donor_id.clone(),
        batch_id: record.batch.as_ref().map(|batch| batch.batch_id.clone()),
        donor_type: record.donor_type,
        lineage,
        eligible,
        findings: verdict.findings,
        lapses_on: lapse.as_ref().map(|(day, _)| *day),
        lapses_by: lapse.map(|(_, entry)| entry),
        overrides: verdict.overrides,
        flags: verdict.flags,
    })
}

/// Whether an entry is for a donor; if its type is not known, it is screened as a person.
fn applies(entry: &Entry, record: &DonorRecord) -> bool {
    let kind = record.donor_type.unwrap_or(DonorType::Healthy);
    entry.applies_to.contains(&kind)
}

/// The donors before this one, nearest first.
fn lineage(records: &DonorRecords, record: &DonorRecord) -> Result<Vec<SubjectId>> {
    let mut lineage: Vec<SubjectId> = Vec::new();
    let mut next = record.parent_donor_id.as_ref();
    while let Some(parent) = next {
        if *parent == record.donor_id || lineage.contains(parent) {
            let donor = &record.donor_id;
            let message = format!("donor `{donor}` comes from itself by way of `{parent}`");
            return Err(Error::table(message));
        }
        lineage.push(parent.clone());
        next = records
            .of(parent)
            .and_then(|one| one.parent_donor_id.as_ref());
    }
    Ok(lineage)
}

/// What is known of an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reading {
    Triggers,
    Clears,
    Event(Day),
    Pending,
    Unreadable,
}

fn reading(entry: &Entry, text: &str) -> Reading {
    let word = text.trim().to_lowercase();
    if PENDING.contains(&word.as_str()) {
        return Reading::Pending;
    }
    match entry.kind {
        Kind::Result | Kind::Answer if entry.positive.contains(&word) => Reading::Triggers,
        Kind::Result | Kind::Answer if entry.negative.contains(&word) => Reading::Clears,
        Kind::Result | Kind::Answer => Reading::Unreadable,
        Kind::Date if word == "never" => Reading::Clears,
        Kind::Date => word.parse().map_or(Reading::Unreadable, Reading::Event),
        Kind::Number => match word.parse::<f64>() {
            Ok(number) if !number.is_finite() => Reading::Unreadable,
            Ok(number) => {
                let is_low = entry.low.is_some_and(|low| number < low);
                let is_high = entry.high.is_some_and(|high| number > high);
                [Reading::Clears, Reading::Triggers][usize::from(is_low || is_high)]
            }
            Err(_) => Reading::Unreadable,
        },
        Kind::List | Kind::Text => Reading::Clears,
    }
}

/// What was found so far of one donor or batch.
#[derive(Debug, Default)]
struct Verdict {
    findings: Vec<Finding>,
    overrides: Vec<Override>,
    flags: Vec<String>,
    lapse: Option<(Day, String)>,
}

impl Verdict {
    fn find(&mut self, entry: &str, cause: Cause, detail: String, until: Option<Day>) {
        self.findings.push(Finding {
            entry: entry.to_owned(),
            cause,
            detail,
            until,
        });
    }

    fn lapse(&mut self, day: Day, entry: &str) {
        if self.lapse.as_ref().is_none_or(|(first, _)| day < *first) {
            self.lapse = Some((day, entry.to_owned()));
        }
    }

    fn of_record(&mut self, record: &DonorRecord) {
        if record.donor_type.is_none() {
            self.find(
                "donor_type",
                Cause::Missing,
                "not recorded".to_owned(),
                None,
            );
        }
        let is_second = record.donor_type == Some(DonorType::RecipientResponder);
        if is_second && record.parent_donor_id.is_none() {
            let detail = "a second-generation donor needs its parent".to_owned();
            self.find("parent_donor_id", Cause::Missing, detail, None);
        }
    }

    fn of_batch(&mut self, batch: &Batch, on: Day) {
        match batch.made_on {
            None => self.find("made_on", Cause::Missing, "not recorded".to_owned(), None),
            Some(made) if made > on => {
                let detail = format!("made on {made}, after the day of screening");
                self.find("made_on", Cause::InTheFuture, detail, Some(made));
            }
            Some(_) => {}
        }
        match batch.expires_on {
            None => self.find(
                "expires_on",
                Cause::Missing,
                "not recorded".to_owned(),
                None,
            ),
            Some(last) if last < on => {
                let detail = format!("the batch expired on {last}");
                self.find("expires_on", Cause::Expired, detail, None);
            }
            Some(last) => self.lapse(last, "expires_on"),
        }
        if batch.units_available == Some(0) {
            self.find(
                "units_available",
                Cause::OutOfStock,
                "no dose is left".to_owned(),
                None,
            );
        }
    }

    fn of_entry(&mut self, entry: &Entry, record: &DonorRecord, on: Day) -> Result<()> {
        if entry.since.is_some_and(|since| since > on) {
            return Ok(());
        }
        let answer = record
            .answers
            .get(&entry.name)
            .filter(|one| !one.text.is_empty());
        let batch = record.batch.as_ref();
        if entry.rule == Rule::Record {
            self.flags
                .extend(answer.and_then(|answer| flag(entry, answer)));
            return Ok(());
        }
        let made_on = batch.and_then(|batch| batch.made_on);
        let quarantine = entry
            .since
            .filter(|since| made_on.is_some_and(|made| made < *since));
        let Some(answer) = answer else {
            if let Some(since) = quarantine {
                let detail = format!("made before the test entered the panel on {since}");
                self.find(&entry.name, Cause::Quarantined, detail, None);
            } else if entry.required {
                self.find(&entry.name, Cause::Missing, "not recorded".to_owned(), None);
            }
            return Ok(());
        };
        let one = Dated::of(answer, on, made_on, quarantine);
        self.of_answer(entry, record, &one)
    }

    fn of_answer(&mut self, entry: &Entry, record: &DonorRecord, one: &Dated<'_>) -> Result<()> {
        let (name, text) = (entry.name.as_str(), one.answer.text.as_str());
        match reading(entry, text) {
            Reading::Pending => self.find(name, Cause::Pending, format!("`{text}`"), None),
            Reading::Unreadable => {
                let detail = format!("`{text}`: expected {}", expected(entry));
                self.find(name, Cause::Unreadable, detail, None);
            }
            Reading::Triggers if entry.rule == Rule::Exclude => {
                self.of_exclusion(entry, record, one.answer);
                self.of_window(entry, one)?;
            }
            Reading::Triggers => self.of_deferral(entry, one, None)?,
            Reading::Event(day) => self.of_deferral(entry, one, Some(day))?,
            Reading::Clears => self.of_window(entry, one)?,
        }
        Ok(())
    }

    /// A result that excludes, unless an override says who lifted that and why.
    fn of_exclusion(&mut self, entry: &Entry, record: &DonorRecord, answer: &Answer) {
        let may_be_lifted = record
            .donor_type
            .is_some_and(|kind| entry.override_for.contains(&kind));
        let is_lifted = !answer.override_by.is_empty() && !answer.override_reason.is_empty();
        if may_be_lifted && is_lifted {
            self.overrides.push(Override {
                entry: entry.name.clone(),
                by: answer.override_by.clone(),
                reason: answer.override_reason.clone(),
            });
            return;
        }
        let advice = if may_be_lifted {
            "; an override needs `override_by` and `override_reason`"
        } else {
            ""
        };
        let detail = format!("`{}` excludes{advice}", answer.text);
        self.find(&entry.name, Cause::Positive, detail, None);
    }

    /// A result or an event that defers from its day on.
    fn of_deferral(&mut self, entry: &Entry, one: &Dated<'_>, event: Option<Day>) -> Result<()> {
        let name = &entry.name;
        let Some(days) = entry.defer_days else {
            let detail = format!("`{}` defers until a clear result", one.answer.text);
            self.find(name, Cause::Deferred, detail, None);
            return Ok(());
        };
        let Some(from) = event.or(one.day()) else {
            return self.of_window(entry, one);
        };
        let reference = one.made_on.unwrap_or(one.on);
        if event.is_some_and(|day| day > reference) {
            let detail = format!(
                "the last event, {from}, lies after {reference}: the time before it is not known"
            );
            self.find(name, Cause::Unreadable, detail, None);
            return Ok(());
        }
        let until = from.plus(days)?;
        if until > reference {
            let detail = format!("{days} days from {from}");
            // What a donor did before a donation does not change by waiting.
            let ends = one.made_on.is_none().then_some(until);
            self.find(name, Cause::Deferred, detail, ends);
            return Ok(());
        }
        self.of_window(entry, one)
    }

    /// Whether a result is of the right time.
    fn of_window(&mut self, entry: &Entry, one: &Dated<'_>) -> Result<()> {
        let name = &entry.name;
        let Some(valid_days) = entry.valid_days else {
            return Ok(());
        };
        let Some(day) = one.day() else {
            let (cause, detail) = if one.answer.on.is_empty() {
                (Cause::Undated, "its day is not recorded".to_owned())
            } else {
                let detail = format!("`{}`: expected a day as `YYYY-MM-DD`", one.answer.on);
                (Cause::Unreadable, detail)
            };
            self.find(name, cause, detail, None);
            return Ok(());
        };
        if day > one.on {
            let detail = format!("dated {day}, after the day of screening");
            self.find(name, Cause::InTheFuture, detail, None);
            return Ok(());
        }
        if let Some(since) = one.quarantine {
            if day < since {
                let detail = format!("no retained aliquot was tested since {since}");
                self.find(name, Cause::Quarantined, detail, None);
            }
            return Ok(());
        }
        if let Some(made_on) = one.made_on {
            let window = i64::from(entry.donation_days.unwrap_or(valid_days));
            let apart = day.days_since(made_on).abs();
            if apart > window {
                let detail = format!("{apart} days from the donation; the window is {window}");
                self.find(name, Cause::Expired, detail, None);
            }
            return Ok(());
        }
        let last = day.plus(valid_days)?;
        if last < one.on {
            let detail = format!("of {day}; it held until {last}");
            self.find(name, Cause::Expired, detail, None);
        } else {
            self.lapse(last, name);
        }
        Ok(())
    }
}

/// An answer with the days that it is judged by.
#[derive(Debug)]
struct Dated<'a> {
    answer: &'a Answer,
    /// The day of screening.
    on: Day,
    /// The day of the donation, for a batch.
    made_on: Option<Day>,
    /// The day from which a retained aliquot must have been tested.
    quarantine: Option<Day>,
}

impl<'a> Dated<'a> {
    fn of(answer: &'a Answer, on: Day, made_on: Option<Day>, quarantine: Option<Day>) -> Self {
        Self {
            answer,
            on,
            made_on,
            quarantine,
        }
    }

    fn day(&self) -> Option<Day> {
        self.answer.on.parse().ok()
    }
}

/// What is to be said of an answer that decides nothing.
fn flag(entry: &Entry, answer: &Answer) -> Option<String> {
    let text = &answer.text;
    match reading(entry, text) {
        Reading::Triggers => Some(format!("{}: {text}", entry.name)),
        Reading::Pending | Reading::Unreadable => {
            Some(format!("{}: `{text}` is not known", entry.name))
        }
        Reading::Clears | Reading::Event(_) => None,
    }
}

fn expected(entry: &Entry) -> String {
    let words = |words: &[String]| format!("`{}`", words.join("`, `"));
    match entry.kind {
        Kind::Result | Kind::Answer => {
            format!("{} or {}", words(&entry.positive), words(&entry.negative))
        }
        Kind::Date => "a day as `YYYY-MM-DD` or `never`".to_owned(),
        Kind::Number => "a number".to_owned(),
        Kind::List | Kind::Text => "words".to_owned(),
    }
}
