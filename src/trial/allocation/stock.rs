//! Doses in the freezer of a simulated trial: batches, their expiry, and rooms.

use super::scenario::Scenario;

/// Part of a week that processing one donor takes a room.
const DAY: f64 = 1.0 / 7.0;

/// The stool of all donors.
#[derive(Debug, Clone)]
pub(super) struct Stock {
    donors: Vec<DonorStock>,
    /// When each room is free again.
    rooms: Vec<f64>,
    doses_per_batch: u32,
    weeks_between: f64,
    expiry: f64,
}

/// The batch of one donor; a donor has one at a time.
#[derive(Debug, Clone, Copy)]
struct DonorStock {
    n_doses: u32,
    made: f64,
    /// When the donor may give again.
    gives_from: f64,
}

impl Stock {
    pub fn new(scenario: &Scenario, n_donors: usize) -> Self {
        let empty = DonorStock {
            n_doses: 0,
            made: f64::NEG_INFINITY,
            gives_from: 0.0,
        };
        Self {
            donors: vec![empty; n_donors],
            rooms: vec![0.0; scenario.n_rooms as usize],
            doses_per_batch: scenario.doses_per_batch,
            weeks_between: scenario.weeks_between_batches,
            expiry: scenario.expiry_weeks,
        }
    }

    /// Whether a donor has a dose in this week, or can give one.
    pub fn has_dose(&self, donor: usize, week: f64) -> bool {
        self.is_fresh(donor, week)
            || (self.donors[donor].gives_from <= week
                && self.rooms.iter().any(|&free| free <= week))
    }

    /// Takes a dose; a new batch is made where there is none.
    pub fn take(&mut self, donor: usize, week: f64) {
        if !self.is_fresh(donor, week) {
            if let Some(room) = self.rooms.iter_mut().find(|free| **free <= week) {
                *room = week + DAY;
            }
            self.donors[donor] = DonorStock {
                n_doses: self.doses_per_batch,
                made: week,
                gives_from: week + self.weeks_between,
            };
        }
        self.donors[donor].n_doses -= 1;
    }

    fn is_fresh(&self, donor: usize, week: f64) -> bool {
        let stock = &self.donors[donor];
        stock.n_doses > 0 && week < stock.made + self.expiry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_runs_out_expires_and_waits_for_the_room() {
        let scenario = Scenario {
            doses_per_batch: 2,
            weeks_between_batches: 3.0,
            expiry_weeks: 5.0,
            ..Scenario::default()
        };
        let mut stock = Stock::new(&scenario, 2);
        stock.take(0, 1.0);
        assert!(!stock.has_dose(1, 1.1), "the one room is taken that day");
        assert!(stock.has_dose(1, 1.2));
        stock.take(0, 1.2);
        assert!(
            !stock.has_dose(0, 3.9),
            "two doses, and the donor gives again in week 4"
        );
        stock.take(0, 4.0);
        assert!(stock.has_dose(0, 8.9));
        stock.take(1, 8.9);
        // The second dose of week 4 has expired, and donor 1 is processed that day.
        assert!(!stock.has_dose(0, 9.0) && stock.has_dose(0, 9.1));
    }
}
