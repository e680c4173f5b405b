"""Figures of docs/planning.md: `python docs/planning.py [n_trials]`.

Draws docs/planning.png, and prints how many recipients it takes to tell donors apart, with effects
as in two published trials.
"""

import pathlib
import sys

import matplotlib.pyplot as plt

from donormatch import design

SIZES = (20, 40, 80, 160, 320)
#: Baruch 2021: 3 of 5 with donor 1, none of 5 with donor 2; with half a response added to each
#: cell, log-odds of 0.34 and -2.40.
BARUCH = {"p_response": 0.26, "donor_effects": {"fixed": [1.37, -1.37]}, "n_donors": 2}
#: FMT-LUMinate, dual inhibition: severe events where the donor is rich in Prevotellaceae and where
#: it is not. The report gives no numbers by donor: 0.5 and 1 in the log-odds are assumptions.
LUMINATE = {"dual_share": 1.0, "p_severe": 0.2, "n_donors": 4}
COLORS = {"even": "#0072B2", "thompson": "#D55E00"}


def baruch(n_trials: int) -> None:
    """Print the power to tell donor 1 from donor 2, by recipients."""
    print("recipients\tpolicy\tpower\tresponders")
    for n in SIZES:
        report = design.compare_policies(
            {**BARUCH, "n_recipients": n, "doses_per_batch": 40, "recipients_per_week": n / 40},
            policies=["even", "thompson"],
            n_trials=n_trials,
        )
        for row in report.rows:
            power, responders = row["power_donor"], row["responders"]
            print(f"{n}\t{row['policy']}\t{power:.2f}\t{responders:.1f}")


def luminate() -> None:
    """Print the recipients a group that tell rates of severe events apart."""
    print("rate, others\trate, rich\trecipients a group for a power of 0.8")
    for others, rich in [(0.43, 0.55), (0.43, 0.67), (0.2, 0.6)]:
        print(f"{others}\t{rich}\t{per_group(others, rich)}")


def per_group(first: float, second: float, power: float = 0.8) -> int:
    """The least recipients a group at which Fisher's test finds a difference with this power."""
    low, high = 2, 4
    while exact_power(high, first, second) < power:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (middle, high) if exact_power(middle, first, second) < power else (low, middle)
        )
    return high


def exact_power(n: int, first: float, second: float) -> float:
    """The share of trials of `n` a group, weighted by their probability, with p up to 0.05."""
    weights = [[binomial(k, n, p) for k in range(n + 1)] for p in (first, second)]
    likely = [[k for k, w in enumerate(of) if w > 1e-5] for of in weights]
    return sum(
        weights[0][a] * weights[1][b]
        for a in likely[0]
        for b in likely[1]
        if design.fisher_exact((a, n), (b, n)) <= 0.05
    )


def binomial(k: int, n: int, p: float) -> float:
    """The probability of k events in n."""
    import math

    return math.comb(n, k) * p**k * (1 - p) ** (n - k)


def curves(n_trials: int) -> None:
    """Draw power by recipients for three spreads of donors, and regret where good ones are rare."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for spread, style in [(0.5, ":"), (1.0, "--"), (2.0, "-")]:
        power = [
            design.compare_policies(
                {"n_recipients": n, "donor_effects": {"normal": spread}},
                policies=["even"],
                n_trials=n_trials,
            ).rows[0]["power_donor"]
            for n in SIZES
        ]
        label = f"donors differ by {spread:g} in log-odds"
        left.plot(SIZES, power, style, color=COLORS["even"], marker="o", label=label)
    left.axhline(0.8, color="0.7", linewidth=0.8)
    left.set(xscale="log", xlabel="recipients", ylabel="power to see a donor effect", ylim=(0, 1))
    left.set_xticks(SIZES, [str(n) for n in SIZES])
    left.minorticks_off()
    left.legend(frameon=False, fontsize=8)
    rare = {"p_response": 0.1, "donor_effects": {"rare": {"share": 0.2, "log_odds": 3.0}}}
    report = design.compare_policies(
        {**rare, "n_recipients": 80}, policies=["even", "thompson"], n_trials=n_trials
    )
    for policy, regret in report.curves.items():
        right.plot(range(1, 81), regret, color=COLORS[policy], label=policy)
    right.set(xlabel="recipients enrolled", ylabel="responders lost", ylim=(0, None))
    right.legend(frameon=False, title="one donor in five is good", fontsize=8, title_fontsize=8)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(pathlib.Path(__file__).with_suffix(".png"), dpi=150)


if __name__ == "__main__":
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    baruch(trials)
    luminate()
    curves(trials)
