#!/usr/bin/env bash
# Measures the monthly report over one large month, from the command to the files, with and without its row-level table.
#
# Usage: month.sh BINARY [TICKETS]
# Prints the seconds of each stage; `docs/benchmarks.md` explains them.
set -euo pipefail

binary=$1
tickets=${2:-1000000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$binary" demo --out "$work" --tickets 10 --now 2026-11-22T15:00:00Z >/dev/null
rm -rf "$work/data/snapshots" "$work/data/ledger.sqlite"
cargo bench --locked --quiet --bench reports -- "$tickets" 1 "$work/data/snapshots" >/dev/null

measured() {
    local start end
    start=$(date +%s%N)
    "$binary" report atendimento-mensal --project "$work" --period 2026-10 --now 2026-11-22T15:00:00Z -v "$@" >/dev/null 2>"$work/log" || [ $? = 3 ]
    end=$(date +%s%N)
    echo "$*: $(((end - start) / 1000000)) ms; $(sed -n 's/.*"report.stage":"\([a-z]*\)".*"duration_ms":\([0-9]*\).*/\1 \2 ms/p' "$work/log" | paste -sd, -)"
}

echo "$tickets tickets in one month"
measured --format xlsx,pdf --no-details
measured --format xlsx,pdf
measured --format csv --no-details
