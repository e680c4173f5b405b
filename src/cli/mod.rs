//! Arguments → the calls of the other rooms → text, JSON.
//!
//! Data go to stdout, everything else to stderr. Exit 0: done; 1: refused or failed, with one
//! message and its causes; 2: wrong usage; 130: ended by Ctrl-C. [`main`] is what the cargo binary
//! and the console script of the Python package run; [`run`] is the same with streams of one's own.

mod assign;
mod check;
mod completions;
mod diversity;
mod engraft;
mod evaluate;
mod evidence;
mod explain;
mod fit;
mod follow_up;
mod input;
mod inspect;
mod interrupt;
mod manual;
mod merge_sites;
mod plan;
mod predict;
mod rank;
mod screen;
mod signatures;
mod simulate;
mod site_summary;
mod streams;
mod table;
mod toposcore;
mod update;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};

use clap::{CommandFactory, Parser, Subcommand};

use crate::cancel;
use crate::memory;
use crate::{Error, Result};

pub use streams::Streams;
pub(in crate::cli) use table::{json, json_or_tsv, json_rows, tsv};

/// Match stool donors to cancer patients: predict the transplant, the response and the toxicity.
/// Research use only.
#[derive(Debug, Parser)]
#[command(name = "donormatch", version, about, max_term_width = 100)]
struct Arguments {
    /// Most memory that one job may take, in GiB; what cannot fit is refused
    #[arg(long, global = true, value_name = "GIB", default_value_t = 16.0)]
    max_memory: f64,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Rank(Box<rank::RankArguments>),
    Explain(Box<explain::ExplainArguments>),
    Assign(Box<assign::AssignArguments>),
    Screen(screen::ScreenArguments),
    Plan(plan::PlanArguments),
    Engraft(engraft::EngraftArguments),
    FollowUp(Box<follow_up::FollowUpArguments>),
    Predict(predict::PredictArguments),
    Simulate(simulate::SimulateArguments),
    Fit(fit::FitArguments),
    Update(update::UpdateArguments),
    SiteSummary(site_summary::SiteSummaryArguments),
    MergeSites(merge_sites::MergeSitesArguments),
    Evaluate(evaluate::EvaluateArguments),
    Evidence(evidence::EvidenceArguments),
    Check(check::CheckArguments),
    Inspect(inspect::InspectArguments),
    Signatures(signatures::SignaturesArguments),
    Diversity(diversity::DiversityArguments),
    Toposcore(toposcore::ToposcoreArguments),
    Completions(completions::CompletionsArguments),
    Manual(manual::ManualArguments),
}

/// Runs the command line on the process's own streams; gives the exit code. The first argument is
/// the name of the program.
///
/// Ctrl-C ends it within a second with exit code 130 and nothing half-written; a second one ends it
/// at once.
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    interrupt::ended_by_ctrl_c(move || {
        let (stdout, stderr) = (std::io::stdout(), std::io::stderr());
        let terminals = (stdout.is_terminal(), stderr.is_terminal());
        let (mut out, mut err) = (stdout.lock(), stderr);
        let streams = Streams::new(&mut out, &mut err).with_terminals(terminals.0, terminals.1);
        run_on(args, streams)
    })
}

/// Runs the command line with these streams, neither of them a terminal; gives the exit code. The
/// first argument is the name of the program.
///
/// # Examples
/// ```
/// let (mut out, mut err) = (Vec::new(), Vec::new());
/// let code = donormatch::cli::run(["donormatch", "--version"], &mut out, &mut err);
/// assert_eq!(code, 0);
/// assert!(out.starts_with(b"donormatch "));
/// ```
pub fn run<A: Into<OsString>>(
    args: impl IntoIterator<Item = A>,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> u8 {
    run_on(
        args.into_iter().map(Into::into),
        Streams::new(stdout, stderr),
    )
}

fn run_on(args: impl IntoIterator<Item = OsString>, mut streams: Streams<'_>) -> u8 {
    let arguments = match Arguments::try_parse_from(args) {
        Ok(arguments) => arguments,
        Err(usage) => return streams.usage(&usage),
    };
    let before = memory::max_memory();
    let done = limit_memory(arguments.max_memory)
        .and_then(|()| carry_out(arguments.command, &mut streams));
    memory::set_max_memory(before);
    // What a command that was told to end says else is a consequence.
    streams.finish(cancel::check().and(done))
}

fn limit_memory(gib: f64) -> Result<()> {
    if !(gib > 0.0 && gib.is_finite()) {
        let message = format!("expected a positive number of GiB, found {gib}");
        return Err(Error::parameter("max_memory", message));
    }
    memory::set_max_memory((gib * f64::from(1 << 30)) as u64);
    Ok(())
}

fn carry_out(command: Command, streams: &mut Streams<'_>) -> Result<()> {
    match command {
        Command::Rank(arguments) => arguments.run(streams),
        Command::Explain(arguments) => arguments.run(streams),
        Command::Assign(arguments) => arguments.run(streams),
        Command::Screen(arguments) => arguments.run(streams),
        Command::Plan(arguments) => arguments.run(streams),
        Command::Engraft(arguments) => arguments.run(streams),
        Command::FollowUp(arguments) => arguments.run(streams),
        Command::Predict(arguments) => arguments.run(streams),
        Command::Simulate(arguments) => arguments.run(streams),
        Command::Fit(arguments) => arguments.run(streams),
        Command::Update(arguments) => arguments.run(streams),
        Command::SiteSummary(arguments) => arguments.run(streams),
        Command::MergeSites(arguments) => arguments.run(streams),
        Command::Evaluate(arguments) => arguments.run(streams),
        Command::Evidence(arguments) => arguments.run(streams),
        Command::Check(arguments) => arguments.run(streams),
        Command::Inspect(arguments) => arguments.run(streams),
        Command::Signatures(arguments) => arguments.run(streams),
        Command::Diversity(arguments) => arguments.run(streams),
        Command::Toposcore(arguments) => arguments.run(streams),
        Command::Completions(arguments) => arguments.run(Arguments::command(), streams),
        Command::Manual(arguments) => arguments.run(Arguments::command(), streams),
    }
}
