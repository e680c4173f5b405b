"""Plan trials: `python docs/planning.py docs [n_trials]`.

Writes docs/planning.md and docs/planning.png. Every table of the page stands below the command that
makes it. Needs matplotlib, and `donormatch` on the path.
"""

import csv
import io
import json
import pathlib
import shlex
import subprocess
import sys

import matplotlib.pyplot as plt

SIZES = (20, 40, 80, 160, 320)
SPREADS = {0.5: ":", 1.0: "--", 2.0: "-"}
COLORS = {"even": "#0072B2", "thompson": "#D55E00"}
#: One donor in five answers 3 log-odds better than the others' 10 %.
RARE = "--n-recipients 80 --p-response 0.1 --good-share 0.2 --good-effect 3"


def run(command: str) -> str:
    """What a command writes."""
    done = subprocess.run(shlex.split(command), check=True, capture_output=True, text=True)
    return done.stdout


def rows(command: str) -> list[dict[str, str]]:
    """The rows that a command writes."""
    return list(csv.DictReader(io.StringIO(run(command)), delimiter="\t"))


def block(*commands: str) -> str:
    """Commands as a block of the page."""
    return "```sh\n" + "\n".join(commands) + "\n```\n"


def table(header: list[str], lines: list[list[str]]) -> str:
    """A table of the page."""
    cells = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in cells) + "\n"


def rounded(text: str, digits: int = 2) -> str:
    """A number of a row, or a dash where it is blank."""
    return f"{float(text):.{digits}f}" if text else "–"


def baruch(n_trials: int) -> str:
    """Donor 1 from donor 2."""

    def trial(n: object) -> str:
        return (
            f"donormatch plan trial --n-recipients {n} --n-donors 2 --p-response 0.26 "
            "--donor-effects=1.37,-1.37 --policy even,thompson --set doses_per_batch=40 "
            f"--n-trials {n_trials}"
        )

    lines = []
    for n in (10, 20, 40, 60, 80):
        even, thompson = rows(trial(n))
        shown = [(one["power_donor"], 2) for one in (even, thompson)]
        shown += [(one["responders"], 1) for one in (even, thompson)]
        lines.append([str(n), *(rounded(*one) for one in shown)])
    fixed = "donormatch plan two-groups --rates 0.58,0.08"
    (plan,) = rows(fixed)
    header = ["recipients", "power, even", "power, thompson"]
    header += ["responders, even", "responders, thompson"]
    return f"""## Baruch: donor 1 from donor 2

Three of five recipients of donor 1 responded and none of five of donor 2. With half a response
added to each cell the rates are 0.58 and 0.08. If these were true, Fisher's exact test would need
{plan["n"]} recipients for a power of 0.8, half of them with each donor, where ten were treated:

{block(fixed)}
In a trial with dropout, death and failed engraftment (the defaults of `plan trial`), power is that
of a permutation test of donors; under `thompson` this test is not exact, see below.

{block(trial("N"))}
{table(header, lines)}"""


def luminate() -> str:
    """Donors rich in Prevotella from others, and myocarditis."""
    commands = [
        f"donormatch plan two-groups --rates {rich},{others} --ratio 2"
        for rich, others in (("0.90", "0.52"), ("0.83", "0.56"), ("0.75", "0.60"))
    ]
    lines = []
    for command, odds in zip(commands, ("8", "4", "2"), strict=True):
        (plan,) = rows(command)
        rates = command.split()[4].split(",")
        lines.append([odds, *rates, plan["n_first"], plan["n_second"], rounded(plan["power"])])
    header = ["odds ratio", "rate, rich", "rate, others"]
    header += ["recipients, rich", "recipients, others", "power"]
    return f"""## FMT-LUMinate: donors rich in *Prevotella* from others

Under both inhibitors 13 of 20 recipients had an event of grade 3 or more, and the report says that
events went with donors rich in *Prevotella*, without numbers by donor. The rates below are
therefore assumptions: a third of the recipients have a rich donor, and each pair of rates makes
0.65 over all.

{block(*commands)}
{table(header, lines)}
Each needs more than the twenty recipients there were. Myocarditis, three of 20 where about 0.3 % is
expected under both inhibitors, is another matter:

{safety()}"""


def safety() -> str:
    """When a trial stops for myocarditis."""
    command = "donormatch plan safety --n 20 --acceptable-rate 0.003 --rate 0.003,0.05,0.15 --json"
    told = json.loads(run(command))
    lines = [
        [f"{one['rate']:g}", f"{one['p_stop']:.3f}", f"{one['expected_patients']:.1f}"]
        for one in told["at_rates"]
    ]
    stop_at = told["boundary"]["stop_at"][-1]
    header = ["true rate", "trial stops", "recipients by then"]
    return f"""{block(command)}
{table(header, lines)}
A trial of 20 with this boundary stops at event {stop_at} at the latest: before the third."""


def rare(n_trials: int) -> str:
    """Power where few donors are good."""

    def trial(share: object, policy: str) -> str:
        return (
            "donormatch plan trial --n-recipients 75 --n-donors 6 --p-response 0.05 "
            f"--good-share {share} --good-effect 2.5 --set control_share=0.5 "
            f"--set transplant_effect=0 --set outcome_weeks=7 --set p_failed_engraftment=0 "
            f"--policy {policy} --n-trials {n_trials}"
        )

    (all_good,) = rows(trial(1, "even"))
    good = rounded(all_good["power_transplant"]), rounded(all_good["responders"], 1)
    lines = [["even, every donor good", *good]]
    for row in rows(trial(0.15, "even,blocked,thompson,greedy")):
        power, responders = row["power_transplant"], row["responders"]
        lines.append([f"{row['policy']}, 15 % good", rounded(power), rounded(responders, 1)])
    header = ["policy", "power against control", "expected responders"]
    return f"""## Few donors are good

Olesen, Gurry and Alm (2016, doi 10.1101/065383) simulated a trial in which the usual calculation
promises a power of about 100 %, differences between donors leave 9 %, and an adaptive allocation
gives 39 %. The same question, with a response of 5 % without a transplant and 39 % with a good
donor:

{block(trial(1, "even"), trial(0.15, "even,blocked,thompson,greedy"))}
{table(header, lines)}"""


def null(n_trials: int) -> str:
    """Type-I error where donors do not differ."""
    command = (
        "donormatch plan trial --n-recipients 40 --n-donors 4 --donor-sd 0 --p-response 0.3 "
        f"--set outcome_weeks=1 --n-rerandomizations 99 --n-trials {n_trials}"
    )
    lines = [
        [
            row["policy"],
            rounded(row["power_donor"], 3),
            rounded(row["power_donor_rerandomized"], 3),
        ]
        for row in rows(command)
    ]
    error = (0.05 * 0.95 / n_trials) ** 0.5
    header = ["policy", "permutation test", "randomization test"]
    return f"""## Type-I error

Where donors do not differ, a test at 0.05 should reject in 5 % of trials; the Monte-Carlo standard
error of the figures is {error:.3f}. The permutation test takes no account of how a policy follows
outcomes: under adaptive policies it rejects far too seldom, and the randomization test, which
allocates anew by the policy with the outcomes as they were, mends it. `prior` leaves nothing to
chance, so there is nothing to allocate anew and its randomization test can never reject.

{block(command)}
{table(header, lines)}"""


def power_curve(spread: float, n_trials: int) -> list[float]:
    """Power by recipients."""
    command = "donormatch plan trial --policy even --donor-sd {} --n-recipients {} --n-trials {}"
    return [float(rows(command.format(spread, n, n_trials))[0]["power_donor"]) for n in SIZES]


def draw(folder: pathlib.Path, n_trials: int) -> None:
    """Draw power by recipients, and regret where good donors are rare."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for spread, style in SPREADS.items():
        label = f"{spread:g}"
        power = power_curve(spread, n_trials)
        left.plot(SIZES, power, style, color=COLORS["even"], marker="o", label=label)
    left.axhline(0.8, color="0.7", linewidth=0.8)
    left.set(
        xscale="log", xlabel="recipients", ylabel="power to see a donor effect", ylim=(0, 1.03)
    )
    left.set_xticks(SIZES, [str(n) for n in SIZES])
    left.minorticks_off()
    left.legend(
        frameon=False, title="standard deviation\nof donors, log-odds", fontsize=8, title_fontsize=8
    )
    command = f"donormatch plan trial {RARE} --policy even,thompson --n-trials {n_trials} --json"
    for curve in json.loads(run(command))["curves"]:
        regret, policy = curve["regret"], curve["policy"]
        right.plot(range(1, len(regret) + 1), regret, color=COLORS[policy], label=policy)
    right.set(xlabel="recipients enrolled", ylabel="responders lost to the best donor")
    right.set_ylim(0, None)
    right.legend(frameon=False, title="one donor in five is good", fontsize=8, title_fontsize=8)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / "planning.png", dpi=150)


def picture(n_trials: int) -> str:
    """The picture and its commands."""
    power = "donormatch plan trial --policy even --donor-sd 0.5 --n-recipients 40"
    regret = f"donormatch plan trial {RARE} --policy even,thompson --curves regret.tsv"
    return f"""## Power and regret

![Power by recipients, and regret as recipients are enrolled](planning.png)

Left, six donors under even allocation; right, regret under even allocation and Thompson sampling.

{block(f"{power} --n-trials {n_trials}", f"{regret} --n-trials {n_trials}")}"""


def page(n_trials: int) -> str:
    """The page."""
    parts = [baruch(n_trials), luminate(), rare(n_trials), null(n_trials), picture(n_trials)]
    head = f"""# What a trial can show before it starts

`python docs/planning.py docs {n_trials}` makes this page and its picture. Every figure stands below
its command. Trials are simulated, with effects that are set, not known; no figure says which donor
suits a patient.

"""
    return head + "\n".join(part.rstrip() + "\n" for part in parts)


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    trials = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    draw(target, trials)
    (target / "planning.md").write_text(page(trials), encoding="utf-8")
