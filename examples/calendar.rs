//! How long a calendar takes: `cargo run --release --example calendar -- 500 100 30 [ALTERNATIVES]
//! [prices]`. Utilities are made up: what a donor is worth to all, and to one.

#![expect(clippy::print_stdout, reason = "a program that shows figures")]

use std::error::Error;
use std::time::Instant;

use donormatch::cohort::screening::Day;
use donormatch::ranking::{Batch, CalendarParams, PairUtility, Prices, RecipientWindow};

/// Days on which fresh stool can be given, days of a recipient's window, doses of a batch, rooms.
const LASTS: u32 = 3;
const WINDOW: u32 = 7;
const DOSES: usize = 10;
const ROOMS: usize = 2;

/// Uniform numbers by xorshift, the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| -> Result<usize, std::num::ParseIntError> {
        args.get(at).map_or(Ok(default), |text| text.parse())
    };
    let (n_recipients, n_donors, n_days) = (number(0, 500)?, number(1, 100)?, number(2, 30)?);
    let first: Day = "2026-03-01".parse()?;
    let mut numbers = Numbers(88_172_645_463_325_252);
    let mut pairs = Vec::new();
    let worth: Vec<f64> = (0..n_donors).map(|_| 0.05 * numbers.normal()).collect();
    let mut windows = Vec::new();
    for recipient in 0..n_recipients {
        let n_starts = (n_days as u32).saturating_sub(WINDOW) + 1;
        let start = (numbers.uniform() * f64::from(n_starts)) as u32;
        windows.push(RecipientWindow {
            not_before: Some(first.plus(start)?),
            not_after: Some(first.plus(start + WINDOW - 1)?),
            ..RecipientWindow::new(format!("r{recipient:03}"))
        });
        for (donor, worth) in worth.iter().enumerate() {
            pairs.push(PairUtility {
                donor_id: format!("d{donor:03}").into(),
                recipient_id: format!("r{recipient:03}").into(),
                utility: worth + 0.03 * numbers.normal(),
            });
        }
    }
    let mut batches = Vec::new();
    for donor in 0..n_donors {
        for day in 0..n_days as u32 {
            let donor_id = format!("d{donor:03}");
            let batch_id = format!("{donor_id}-{day:02}");
            batches.push(Batch {
                made_on: Some(first.plus(day)?),
                expires_on: Some(first.plus(day + LASTS - 1)?),
                room: Some(format!("room {}", donor % ROOMS)),
                ..Batch::new(donor_id, batch_id, DOSES)
            });
        }
    }
    let params = CalendarParams {
        n_alternatives: number(3, 0)?,
        prices: if args.iter().any(|word| word == "prices") {
            Prices::OfEachBatch
        } else {
            Prices::Skip
        },
        ..CalendarParams::default()
    };
    let start = Instant::now();
    let calendar = params.assign_pairs(&pairs, &batches, &windows)?;
    let time = start.elapsed().as_secs_f64();
    println!("{n_recipients} recipients, {n_donors} donors, {n_days} days: {time:.1} s");
    println!("{}", calendar.verdict());
    for (at, one) in calendar.alternatives.iter().enumerate() {
        println!("alternative {}: utility {:.4}", at + 1, one.total_utility);
    }
    let priced = calendar.batches.iter().filter_map(|batch| batch.price);
    let prices: Vec<f64> = priced.collect();
    if let Some(highest) = prices.iter().copied().reduce(f64::max) {
        println!("{} prices, the highest {highest:.4}", prices.len());
    }
    Ok(())
}
