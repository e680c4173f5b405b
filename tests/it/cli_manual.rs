//! Completions of shells and manual pages, made from the very definition of the commands.

use std::collections::BTreeSet;
use std::fs;

use crate::cli::run;

/// The commands that the help lists, but for `help` itself.
fn commands() -> Vec<String> {
    let help = run(&["--help"]).out;
    help.lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        // A summary that is too long goes on below, deeper in.
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn completions_of_every_shell_know_every_command_and_flag() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let done = run(&["completions", shell]);
        assert_eq!(done.code, 0, "{}", done.err);
        for word in commands()
            .iter()
            .map(String::as_str)
            .chain(["prefer-above", "n-donors"])
        {
            assert!(done.out.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(run(&["completions", "cmd"]).code, 2);
}

#[test]
fn every_command_has_a_manual_page_with_its_options() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("new/man1");
    let done = run(&["manual", into.to_str().unwrap()]);
    assert_eq!(done.code, 0, "{}", done.err);
    let pages: BTreeSet<String> = fs::read_dir(&into)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for command in commands() {
        assert!(
            pages.contains(&format!("donormatch-{command}.1")),
            "{command}: {pages:?}"
        );
    }
    assert!(pages.contains("donormatch.1") && pages.contains("donormatch-plan-donors.1"));
    assert!(
        done.err.contains(&format!("{} manual pages", pages.len())),
        "{}",
        done.err
    );
    let rank = fs::read_to_string(into.join("donormatch-rank.1")).unwrap();
    assert!(
        rank.contains(r"\-\-prefer\-above") && rank.contains("Example"),
        "{rank}"
    );
}

#[test]
fn a_folder_of_manual_pages_that_is_a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    fs::write(&taken, "").unwrap();
    let done = run(&["manual", taken.to_str().unwrap()]);
    assert_eq!(done.code, 1);
    assert!(done.err.contains("taken"), "{}", done.err);
}

#[test]
fn help_is_wrapped_to_a_hundred_columns_at_most() {
    for command in commands() {
        let help = run(&[&command, "--help"]).out;
        let (told, _) = help.split_once("Example:").unwrap();
        for line in told.lines().filter(|line| !line.starts_with("Usage:")) {
            assert!(line.chars().count() <= 100, "{command}: {line}");
        }
    }
}
