#!/usr/bin/env bash
# Instructions of the hot kernels, counted by valgrind: a number that a busy machine cannot move.
# Run it before and after a change. Needs valgrind (`apt-get install valgrind`).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v valgrind >/dev/null || { echo "missing: valgrind, 'apt-get install valgrind'" >&2; exit 1; }
[[ -x target/peers-venv/bin/python ]] && python=target/peers-venv/bin/python || python=${PYTHON:-python3}
"$python" -c 'import numpy' || { echo "missing: numpy; run benches/peers/run once" >&2; exit 1; }

cargo build --quiet --release --locked --example peers
ours=${CARGO_TARGET_DIR:-target}/release/examples/peers
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" - "$folder" <<'PYTHON'
import json, pathlib, sys

sys.path.insert(0, "benches/peers")
import jobs

folder = pathlib.Path(sys.argv[1])
table = jobs.write_table(folder, "wide", *jobs.zero_inflated(300, 1000, 1))
kernels = {
    "boosting": {"kind": "boosting_fit", "n_rounds": 20, "max_depth": 3},
    "drawn": {"kind": "boosting_fit", "n_rounds": 20, "max_depth": 3, "node_column_fraction": 0.1},
    "cuts": {"kind": "boosting_fit", "n_rounds": 20, "max_depth": 3, "random_thresholds": True},
    "path": {"kind": "path", "n_lambdas": 20},
    "shap3": {"kind": "shap", "n_rounds": 100, "max_depth": 3},
    "shap6": {"kind": "shap", "n_rounds": 100, "max_depth": 6},
    "predict": {"kind": "predict", "n_rounds": 100, "max_depth": 3},
}
for name, job in kernels.items():
    (folder / f"{name}.json").write_text(json.dumps(job | {"table": table, "threads": 1}))
PYTHON

echo "| kernel | instructions |"
echo "|---|--:|"
count() {
  # Only what runs below `run_once` is counted, on the one thread there is.
  echo | valgrind --quiet --tool=callgrind --collect-atstart=no --toggle-collect='peers::run_once*' \
    --callgrind-out-file="$folder/$1.out" "$ours" "$folder/$1.json" >/dev/null
  local total
  total=$(awk '/^(summary|totals):/ { n = $2 } END { print n }' "$folder/$1.out")
  printf '| %s | %s |\n' "$2" "$(printf '%d' "$total" | sed -E ':a;s/^([0-9]+)([0-9]{3})/\1,\2/;ta')"
}
count boosting "boosting, 300 × 1,000, 20 rounds of depth 3"
count drawn "the same, each node drawing a tenth of the columns"
count cuts "the same, each node drawing a threshold of each column"
count path "lasso path, 300 × 1,000, 20 λ"
count shap3 "TreeSHAP, 300 × 1,000, 100 trees of depth 3"
count shap6 "TreeSHAP, 300 × 1,000, 100 trees of depth 6"
count predict "scores, 300 × 1,000, 100 trees of depth 3"
