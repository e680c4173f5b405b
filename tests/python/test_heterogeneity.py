"""The table of how far cohorts agree: its arithmetic, and that it is what its script makes."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"

# Thirteen trials of the BCG vaccine (Colditz 1994): cases and others, vaccinated and not.
BCG = [
    (4, 119, 11, 128),
    (6, 300, 29, 274),
    (3, 228, 11, 209),
    (62, 13536, 248, 12619),
    (33, 5036, 47, 5761),
    (180, 1361, 372, 1079),
    (8, 2537, 10, 619),
    (505, 87886, 499, 87892),
    (29, 7470, 45, 7232),
    (17, 1699, 65, 1600),
    (186, 50448, 141, 27197),
    (5, 2493, 3, 2338),
    (27, 16886, 29, 17825),
]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("heterogeneity", ROOT / "assets/heterogeneity.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pooling_equals_metafor_on_the_trials_of_bcg(script):
    # rma(yi, vi, data = escalc("RR", ...), method = "DL") of metafor, as its documentation prints.
    effects = [math.log(a / (a + b) / (c / (c + d))) for a, b, c, d in BCG]
    variances = [1 / a - 1 / (a + b) + 1 / c - 1 / (c + d) for a, b, c, d in BCG]
    estimate, error, tau, i2 = script.pooled(effects, variances)
    assert estimate == pytest.approx(-0.7141, abs=5e-5)
    assert error == pytest.approx(0.1787, abs=5e-5)
    assert tau**2 == pytest.approx(0.3088, abs=5e-5)
    assert i2 == pytest.approx(0.9212, abs=5e-5)


def test_cohorts_that_agree_have_no_spread(script):
    estimate, _, tau, i2 = script.pooled([0.2, 0.2, 0.2], [0.1, 0.2, 0.3])
    assert (round(estimate, 12), tau, i2) == (0.2, 0.0, 0.0)


def test_a_difference_by_hand(script):
    # Means 3 and 2, both variances 2.5: d = 1 / sqrt(2.5), times 1 - 3 / (4 * 8 - 1) for Hedges' g.
    values = np.array([1.0, 2, 3, 4, 5, 0, 1, 2, 3, 4])
    responds = np.array([True] * 5 + [False] * 5)
    g = 28 / 31 / math.sqrt(2.5)
    log_odds_ratio, variance, n = script.difference(values, responds)
    assert log_odds_ratio == pytest.approx(g * math.pi / math.sqrt(3))
    assert variance == pytest.approx((10 / 25 + g**2 / 20) * math.pi**2 / 3)
    assert n == 10
    assert script.difference(values[1:], responds[1:]) is None
    assert script.difference(np.ones(10), responds) is None


@pytest.mark.skipif(not DATA.is_dir(), reason="the tables in `shared/data` are not here")
def test_the_table_is_what_its_script_makes(script, tmp_path):
    (tmp_path / "evidence").mkdir()
    script.main(DATA, tmp_path)
    made = (tmp_path / "evidence/heterogeneity-1.tsv").read_text(encoding="utf-8")
    assert made == (ROOT / "assets/evidence/heterogeneity-1.tsv").read_text(encoding="utf-8")
