"""Replay two trials outcome by outcome: `python docs/replay.py ../shared/data docs`.

Writes docs/replay.md and docs/replay.png: what the bundled matcher, without the arms of the trial,
says after each recipient's response. Recipients come in the order of the public table, since their
dates are not public. The engraftment model has seen the follow-ups of both trials, not their
responses; nothing here is a held-out figure. Needs pandas and matplotlib.
"""

import pathlib
import sys

import matplotlib.pyplot as plt
import pandas as pd

import donormatch as dm

TRIALS = {"Baruch": "BaruchEN_2021", "Davar": "DavarD_2021"}


def tables(data: pathlib.Path, study: str) -> tuple[pd.DataFrame, dm.Profiles]:
    folder = data / "fmt-davar-baruch2021"
    table = pd.read_csv(folder / "transplants.tsv", sep="\t")
    table = table[table["study"] == study].drop_duplicates("recipient")
    outcomes = pd.DataFrame(
        {
            "donor_id": table["donor_sample"].str.split(";").str[0],
            "donor": table["donor_subject"],
            "recipient_id": table["pre_sample"],
            "response": table["response"],
            "regimen": "anti-pd-1",
            "cancer": "melanoma",
            "line": "refractory",
        }
    ).dropna()
    # One sample a donor, so that outcomes of one donor stand together.
    outcomes["donor_id"] = outcomes.groupby("donor")["donor_id"].transform("first")
    return outcomes, dm.read_profiles(folder / "profiles.metaphlan.tsv.gz")


def replay(data: pathlib.Path, trial: str, study: str) -> pd.DataFrame:
    outcomes, profiles = tables(data, study)
    donors = profiles.select(sorted(set(outcomes["donor_id"])))
    recipients = profiles.select(list(outcomes["recipient_id"]))
    # Numbered as they first gave, not by the ids of the table.
    order = list(dict.fromkeys(outcomes["donor_id"]))
    names = {donor: f"donor {number}" for number, donor in enumerate(order, 1)}
    matcher = dm.Matcher.bundled()
    rows = []
    for n in range(1, len(outcomes) + 1):
        seen = outcomes.head(n).drop(columns="donor")
        learned = matcher.with_outcomes(
            donors, recipients, seen, trial="replay", without=[trial], method="exact"
        )
        cell = next(
            row
            for row in learned.evidence("cells")
            if row["endpoint"] == "response"
            and (row["cancer"], row["regimen"], row["line"], row["partner"])
            == ("melanoma", "anti-pd-1", "refractory", "none")
            and row["transplant"]
        )
        rows += [
            {
                "trial": trial,
                "n_outcomes": n,
                "donor": names[record["donor_id"]],
                "responders": f"{record['n_responders']} of {record['n_response']}",
                "effect": record["donor_effect"],
                "lo": record["donor_effect_lo"],
                "hi": record["donor_effect_hi"],
                "new_trial": cell["probability"],
            }
            for record in learned.evidence("donors")
        ]
    return pd.DataFrame(rows)


def main() -> None:
    data, output = map(pathlib.Path, sys.argv[1:3])
    found = {trial: replay(data, trial, study) for trial, study in TRIALS.items()}
    figure, axes = plt.subplots(1, len(found), figsize=(10, 4), sharey=True)
    lines = [
        "# Two trials replayed outcome by outcome",
        "",
        "`python docs/replay.py ../shared/data docs` makes this page and its picture. After each",
        "response the matcher, without the published arms of the trial, has learned from the whole",
        "table so far. The effect of a donor is what it adds to the log-odds of response, with its",
        "90 % interval; 0 is the average donor.",
        "",
        "![What the matcher says of each donor after each outcome](replay.png)",
    ]
    for axis, (trial, rows) in zip(axes, found.items(), strict=True):
        for donor, of_donor in rows.groupby("donor"):
            axis.plot(of_donor["n_outcomes"], of_donor["effect"], marker="o", ms=3, label=donor)
            axis.fill_between(of_donor["n_outcomes"], of_donor["lo"], of_donor["hi"], alpha=0.08)
        axis.axhline(0, color="0.5", lw=0.8)
        axis.set(title=trial, xlabel="outcomes so far")
        axis.legend(fontsize=7, frameon=False)
        last = rows[rows["n_outcomes"] == rows["n_outcomes"].max()]
        lines += [
            "",
            f"## {trial}",
            "",
            "| donor | responders | effect | 90 % interval |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| {row.donor} | {row.responders} | {row.effect:+.2f} | {row.lo:+.2f} to {row.hi:+.2f} |"
            for row in last.itertuples()
        ]
        first = rows[rows["n_outcomes"] == 1]["new_trial"].iloc[0]
        lines += [
            "",
            "Response with a transplant in another trial of refractory melanoma: "
            f"{100 * first:.0f} % after the first outcome, "
            f"{100 * last['new_trial'].iloc[0]:.0f} % after the last.",
        ]
    axes[0].set_ylabel("donor's effect on the log-odds of response")
    figure.tight_layout()
    figure.savefig(output / "replay.png", dpi=110)
    (output / "replay.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
