//! Mutated files, one stretch of inputs per reader: a table or an error, never a panic.
//!
//! `DONORMATCH_FUZZ` sets the inputs per reader (2,000 here; `make prove` runs a million). The
//! seeds are small files of our own making, and the genuine ones of `../shared/formats` under
//! 64 kB where that folder is; mutations come from a counter, so that a failure is found again:
//! `DONORMATCH_FUZZ_READER` names the readers to run (separated by commas), `DONORMATCH_FUZZ_FROM`
//! the first input.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

mod mutate;
mod readers;
mod seeds;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mutate::{Numbers, mutate};
use readers::read;

/// Decoders of containers, which may panic on damaged files behind the barrier of our reader.
const DECODERS: [&str; 4] = ["arrow-", "parquet-", "flatbuffers-", "hdf5-reader-"];

/// How often each line of a decoder has panicked.
#[derive(Clone, Default)]
struct Panics(Arc<Mutex<BTreeMap<String, u64>>>);

impl Panics {
    /// Counts the panics of decoders from now on instead of printing them: the backtraces of
    /// thousands would only cost time. A panic anywhere else is printed, and counted too, since
    /// the barrier around the decoders would hide it.
    fn watch() -> Self {
        let panics = Self::default();
        let counts = panics.clone();
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let place = panic
                .location()
                .map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
            if !is_decoder(&place) {
                print(panic);
            }
            // Another test that fails at the same time is not a reader's doing.
            if !place.starts_with("tests/") {
                *counts.lock().entry(place).or_insert(0) += 1;
            }
        }));
        panics
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The places counted since the last call.
    fn take(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut *self.lock())
    }
}

fn is_decoder(place: &str) -> bool {
    DECODERS.iter().any(|krate| place.contains(krate))
}

/// A number from the environment.
fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn no_mutated_file_makes_a_reader_panic() {
    let n_inputs = number("DONORMATCH_FUZZ", 2_000);
    let first = number("DONORMATCH_FUZZ_FROM", 0);
    let only = std::env::var("DONORMATCH_FUZZ_READER").ok();
    let seeds = seeds::seeds();
    let panics = Panics::watch();
    for (reader, seeds) in &seeds {
        let is_wanted = |only: &String| only.split(',').any(|only| only == *reader);
        if only.as_ref().is_some_and(|only| !is_wanted(only)) {
            continue;
        }
        let start = Instant::now();
        let mut slowest = (Duration::ZERO, 0);
        let mut n_read = 0_u64;
        for input in first..n_inputs {
            let mut numbers = Numbers(input);
            let seed = &seeds[numbers.below(seeds.len())];
            let other = &seeds[numbers.below(seeds.len())];
            let bytes = mutate(seed, other, &mut numbers);
            let begin = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| read(reader, &bytes)));
            slowest = slowest.max((begin.elapsed(), input));
            assert!(outcome.is_ok(), "input {input} of {reader} made it panic");
            n_read += u64::from(outcome.unwrap_or(false));
        }
        eprintln!(
            "{reader}: {n_inputs} inputs, {n_read} read, {} seeds, {:.1} s, slowest {:.3} s (input {})",
            seeds.len(),
            start.elapsed().as_secs_f64(),
            slowest.0.as_secs_f64(),
            slowest.1
        );
        for (place, n) in panics.take() {
            eprintln!("  {n} panics behind the barrier at {place}");
            assert!(
                is_decoder(&place),
                "{reader}: our own code panicked at {place}"
            );
        }
    }
}
