//! A program for the exact solver of `microlp`.

use microlp::{
    ComparisonOp, LinearExpr, OptimizationDirection, Problem, ResumeOptions, SolveOptions,
    SolveOutcome, TerminationReason, Variable,
};

use super::outcome::{Found, Outcome};
use super::program::{Chosen, Pair, Program, Term};
use crate::{Error, Result, cancel};

/// Nodes between two looks at whether the job was told to end.
const SLICE: u64 = 50;

/// The program in the solver's own variables.
struct Written {
    problem: Problem,
    pairs: Vec<Variable>,
    lots: Vec<Option<Variable>>,
}

/// The best choice, or the best within so many nodes of branch and bound.
///
/// A day of a donor is a yes or no; given these the doses flow, so that their variables need to be
/// whole only where a row counts them.
pub(super) fn solve(
    program: &Program,
    start: Option<&Chosen>,
    max_nodes: Option<usize>,
) -> Result<Outcome> {
    let is_hopeless = |terms: &[(Term, f64)], at_most: f64| terms.is_empty() && at_most < 0.0;
    if program
        .rows
        .iter()
        .any(|row| is_hopeless(&row.terms, row.at_most))
    {
        return Ok(Outcome::Impossible);
    }
    let written = write(program);
    let mut options = SolveOptions::default();
    let mut n_left = max_nodes.map_or(u64::MAX, |n| n as u64);
    options.node_limit = Some(n_left.min(SLICE));
    options.warm_start = start.map(|chosen| hint(program, &written, chosen));
    let mut outcome = match written.problem.solve_with(options) {
        Err(microlp::Error::Infeasible) => return Ok(Outcome::Impossible),
        other => other.map_err(failed)?,
    };
    while outcome.termination_reason() == TerminationReason::NodeLimit && n_left > SLICE {
        cancel::check()?;
        n_left -= SLICE;
        let mut options = ResumeOptions::default();
        options.node_limit = Some(n_left.min(SLICE));
        outcome = match outcome.resume_with(options) {
            Err(microlp::Error::Infeasible) => return Ok(Outcome::Impossible),
            other => other.map_err(failed)?,
        };
    }
    read(program, &written, &outcome)
}

fn failed(error: microlp::Error) -> Error {
    Error::convergence(format!("the solver of the calendar gave up: {error}"))
}

fn write(program: &Program) -> Written {
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let is_whole = !program.rows.is_empty();
    let pairs: Vec<Variable> = program
        .pairs
        .iter()
        .map(|pair| {
            if is_whole {
                problem.add_binary_var(pair.utility)
            } else {
                problem.add_var(pair.utility, (0.0, 1.0))
            }
        })
        .collect();
    let lots: Vec<Option<Variable>> = program
        .lots
        .iter()
        .map(|lot| lot.is_switched.then(|| problem.add_binary_var(0.0)))
        .collect();
    let mut written = Written {
        problem,
        pairs,
        lots,
    };
    written.add_doses(program);
    written.add_recipients(program);
    written.add_groups(program);
    for row in &program.rows {
        let terms = row.terms.iter().filter_map(|(term, coefficient)| {
            let variable = match *term {
                Term::Pair(at) => written.pairs[at],
                Term::Lot(at) => written.lots[at]?,
            };
            Some((variable, *coefficient))
        });
        let terms: LinearExpr = terms.collect();
        written
            .problem
            .add_constraint(terms, ComparisonOp::Le, row.at_most);
    }
    written
}

impl Written {
    fn add_doses(&mut self, program: &Program) {
        let mut given: Vec<Vec<(Variable, f64)>> = vec![Vec::new(); program.lots.len()];
        for (pair, &variable) in program.pairs.iter().zip(&self.pairs) {
            given[pair.batch].push((variable, 1.0));
        }
        for (lot, (given, switch)) in program.lots.iter().zip(given.iter_mut().zip(&self.lots)) {
            if given.is_empty() {
                continue;
            }
            let Some(switch) = *switch else {
                self.problem
                    .add_constraint(given.as_slice(), ComparisonOp::Le, lot.doses as f64);
                continue;
            };
            // Implied for whole numbers, and what makes the relaxation tight.
            for &(variable, _) in given.iter() {
                let link = [(variable, 1.0), (switch, -1.0)];
                self.problem.add_constraint(link, ComparisonOp::Le, 0.0);
            }
            if lot.doses < given.len() {
                given.push((switch, -(lot.doses as f64)));
                self.problem
                    .add_constraint(given.as_slice(), ComparisonOp::Le, 0.0);
            }
        }
    }

    fn add_recipients(&mut self, program: &Program) {
        let mut doses: Vec<Vec<(Variable, f64)>> = vec![Vec::new(); program.must.len()];
        for (pair, &variable) in program.pairs.iter().zip(&self.pairs) {
            doses[pair.recipient].push((variable, 1.0));
        }
        for (doses, must) in doses.iter().zip(&program.must) {
            let (relation, n) = if *must {
                (ComparisonOp::Eq, 1.0)
            } else {
                (ComparisonOp::Le, 1.0)
            };
            if *must || !doses.is_empty() {
                self.problem.add_constraint(doses.as_slice(), relation, n);
            }
        }
    }

    fn add_groups(&mut self, program: &Program) {
        let mut groups: Vec<Vec<(Variable, f64)>> = vec![Vec::new(); program.n_groups];
        for (lot, switch) in program.lots.iter().zip(&self.lots) {
            if let (Some(group), Some(switch)) = (lot.group, *switch) {
                groups[group].push((switch, 1.0));
            }
        }
        for group in groups.iter().filter(|group| group.len() > 1) {
            self.problem
                .add_constraint(group.as_slice(), ComparisonOp::Le, 1.0);
        }
    }
}

fn hint(program: &Program, written: &Written, chosen: &Chosen) -> Vec<(Variable, f64)> {
    let mut hint: Vec<(Variable, f64)> = written.pairs.iter().map(|&one| (one, 0.0)).collect();
    for &at in chosen.iter().flatten() {
        hint[at].1 = 1.0;
    }
    let lots = written.lots.iter().zip(program.used(chosen));
    hint.extend(lots.filter_map(|(lot, n)| Some(((*lot)?, f64::from(u8::from(n > 0))))));
    hint
}

fn read(program: &Program, written: &Written, outcome: &SolveOutcome) -> Result<Outcome> {
    let bound = outcome.stats().best_bound.unwrap_or(f64::INFINITY);
    let Some(solution) = outcome.solution() else {
        return Ok(Outcome::Unknown);
    };
    let mut chosen: Chosen = vec![None; program.must.len()];
    let pairs: &[Pair] = &program.pairs;
    for (at, (pair, variable)) in pairs.iter().zip(&written.pairs).enumerate() {
        if solution.var_value(*variable) > 0.5 {
            chosen[pair.recipient] = Some(at);
        }
    }
    if !program.allows(&chosen) {
        return Err(Error::convergence(
            "the solver of the calendar gave an answer that breaks a constraint by rounding",
        ));
    }
    let value = program.value(&chosen);
    let bound = if outcome.is_optimal() {
        value
    } else {
        bound.max(value)
    };
    Ok(Outcome::Found(Found { chosen, bound }))
}
