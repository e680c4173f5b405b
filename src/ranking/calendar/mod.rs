//! Who gets whose dose on which day: batches with dates, windows of recipients, rooms.
//!
//! 1. [`Batch`]es + [`RecipientWindow`]s + [`CalendarParams`] + a [`Ranking`](super::Ranking) are
//!    checked into a case.
//! 2. The case, without the [`Constraint`]s that are set aside, becomes a program: a batch that has
//!    yet to be made is a yes or no, the doses then flow.
//! 3. A Lagrangian bound leaves the pairs that may be in a best calendar; these go to the exact
//!    solver of `microlp`. Small cases go there whole.
//! 4. [`Calendar`]: transplants by day, proven optimal or with the gap that is left, prices of one
//!    more dose, next best calendars; or a minimal set of constraints that conflict, by name.

mod alternative;
mod assign;
mod batch;
mod bound;
mod case;
mod conflict;
mod constraint;
mod feasible;
mod integer;
mod outcome;
mod params;
mod price;
mod program;
mod result;
mod solve;
mod table;
mod window;

pub use batch::{Batch, read_batches};
pub use constraint::Constraint;
pub use params::{CalendarParams, Prices};
pub use result::{
    Alternative, BatchUse, Calendar, ChangedPair, SubgroupShare, TRANSPLANT_COLUMNS, Transplant,
};
pub use window::{RecipientWindow, read_windows};
