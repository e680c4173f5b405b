"""The joint model of evidence in PyMC, for comparison: `python reference.py > reference.json`.

Reads assets/evidence/arms-1.tsv and builds the log density of src/evidence/layout.rs anew, by
PyMC's own words; prints for each endpoint mean, standard deviation and Monte-Carlo standard error of
every parameter. Needs pymc and nutpie; versions stand in the output.
"""

import csv
import json
import math
import pathlib

import arviz as az
import nutpie
import pymc as pm

ARMS = pathlib.Path(__file__).parents[3] / "assets/evidence/arms-1.tsv"
# Slopes of made-up cohorts, to test that part of the model too: estimate, standard error.
SLOPES = [(0.5, 0.2), (0.1, 0.15), (-0.2, 0.4)]
TYPES = {
    "healthy": "healthy",
    "ici_responder_cr": "responder",
    "ici_responder_pr": "responder",
    "recipient_responder": "responder",
    "consortium": "consortium",
}
LEVELS = {
    "cancer": ["melanoma", "lung", "kidney", "other"],
    "regimen": ["anti-pd-1", "anti-ctla-4", "anti-pd-1+anti-ctla-4"],
    "partner": ["vegf_inhibitor", "chemotherapy", "other"],
}
REFRACTORY = {"first": 0.0, "refractory": 1.0, "mixed": 0.5}


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def arms(n: str, events: str):
    with ARMS.open() as file:
        for arm in csv.DictReader(file, delimiter="\t"):
            if arm[n]:
                yield arm, int(arm[n]), int(arm[events])


def group(name: str, prior: float, levels):
    sd = pm.HalfNormal(f"sd[{name}]", prior)
    return {
        level: pm.Deterministic(f"{name}[{level}]", sd * pm.Normal(f"z {name} {level}"))
        for level in levels
    }


def logistic(rows, is_response: bool) -> None:
    cells = {}
    for arm, *_ in rows:
        if arm["line"] != "mixed":
            words = (arm["cancer"], arm["regimen"], arm["line"], arm["partner"])
            cells["|".join(words)] = None
    trials = dict.fromkeys(arm["trial"] for arm, *_ in rows)
    donors = dict.fromkeys(f"{a['trial']}|{a['donor']}" for a, *_ in rows if a["donor"])
    intercept = pm.Normal("intercept", -0.5, 1)
    effects = {name: group(name, 0.7, levels) for name, levels in LEVELS.items()}
    cell, trial = group("cell", 0.3, cells), group("trial", 0.3, trials)
    donor = group("donor", 0.5, donors)
    line = pm.Normal("line[refractory]", 0, 1)
    transplant = pm.Normal("transplant", 0, 0.5)
    by_line = pm.Normal("transplant_line[refractory]", 0, 0.25)
    kinds = dict.fromkeys(TYPES.values())
    by_type = {kind: pm.Normal(f"transplant_type[{kind}]", 0, 0.25) for kind in kinds}
    uncontrolled = pm.Normal("uncontrolled", 0.2, 0.3)
    any_ae = None if is_response else pm.Normal("any_ae", 0.3, 0.3)
    for number, (arm, n, events) in enumerate(rows):
        eta = intercept + effects["cancer"][arm["cancer"]] + effects["regimen"][arm["regimen"]]
        if arm["partner"] != "none":
            eta += effects["partner"][arm["partner"]]
        refractory = REFRACTORY[arm["line"]]
        eta += refractory * line + trial[arm["trial"]]
        if arm["line"] != "mixed":
            words = (arm["cancer"], arm["regimen"], arm["line"], arm["partner"])
            eta += cell["|".join(words)]
        if any_ae is not None and arm["severe_definition"] == "any_ae":
            eta += any_ae
        if arm["donor_type"] in TYPES:
            eta += transplant + refractory * by_line + by_type[TYPES[arm["donor_type"]]]
            if arm["control"] == "none":
                eta += uncontrolled
            if arm["donor"]:
                eta += donor[f"{arm['trial']}|{arm['donor']}"]
        pm.Binomial(f"y{number}", n=n, logit_p=eta, observed=events)
    if is_response:
        slope = pm.Normal("slope", 0, 0.5)
        spread = pm.HalfNormal("sd[slope]", 0.3)
        for number, (estimate, error) in enumerate(SLOPES):
            sd = pm.math.sqrt(spread**2 + error**2)
            pm.Normal(f"slope{number}", slope, sd, observed=estimate)


def myocarditis(rows) -> None:
    dual = pm.Normal("intercept[dual]", logit(0.003), 0.3)
    one = pm.Normal("intercept[one]", logit(0.0006), 0.5)
    transplant = pm.Normal("transplant", 0, 1)
    trial = group("trial", 0.7, dict.fromkeys(arm["trial"] for arm, *_ in rows))
    for number, (arm, n, events) in enumerate(rows):
        eta = dual if arm["regimen"] == "anti-pd-1+anti-ctla-4" else one
        eta = eta + trial[arm["trial"]]
        if arm["donor_type"] in TYPES:
            eta = eta + transplant
        pm.Binomial(f"y{number}", n=n, logit_p=eta, observed=events)


def summary(build) -> dict:
    with pm.Model() as model:
        build()
    compiled = nutpie.compile_pymc_model(model)
    trace = nutpie.sample(
        compiled, chains=4, tune=2000, draws=5000, seed=1, target_accept=0.95, progress_bar=False
    )
    table = az.summary(trace, kind="all", round_to="none")
    names = [name for name in table.index if not name.startswith("z ")]
    return {
        name: [float(table.loc[name, column]) for column in ("mean", "sd", "mcse_mean")]
        for name in names
    }


def main() -> None:
    found = {
        "pymc": pm.__version__,
        "nutpie": nutpie.__version__,
        "response": summary(lambda: logistic(list(arms("n_response", "responders")), True)),
        "severe_irae": summary(lambda: logistic(list(arms("n_severe", "severe")), False)),
        "myocarditis": summary(lambda: myocarditis(list(arms("n_myocarditis", "myocarditis")))),
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
