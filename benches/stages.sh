#!/usr/bin/env bash
# Measures the stages of the demonstration, peak memory and start-up time.
#
# Usage: stages.sh BINARY [TICKETS…]
# Prints a Markdown table; `docs/benchmarks.md` explains the rows.
set -euo pipefail

binary=$1
shift
sizes=("${@:-}")
[ -n "${sizes[0]}" ] || sizes=(20000 200000)
work=$(mktemp -d)
sim=""
trap '[ -z "$sim" ] || kill "$sim"; rm -rf "$work"' EXIT

startup() {
    local start end runs=40
    "$binary" --version >/dev/null
    start=$(date +%s%N)
    for ((run = 0; run < runs; run++)); do "$binary" --version >/dev/null; done
    end=$(date +%s%N)
    echo "$(((end - start) / runs / 1000)) µs"
}

echo "start-up of \`relato --version\`: $(startup)"
echo
for size in "${sizes[@]}"; do
    "$binary" demo --out "$work/demo-$size" --tickets "$size" --now 2026-11-22T15:00:00Z >"$work/out"
    echo "$size tickets"
    sed -n '/^Time$/,/^Next$/p' "$work/out" | sed '1d;$d'
    # The same project once more, against the same simulated Blip: what a scheduled run costs when little is new.
    "$binary" sim --tickets "$size" --now 2026-11-22T15:00:00Z >"$work/sim-$size" 2>/dev/null &
    sim=$!
    until address=$(grep -os 'http://[0-9.:]*' "$work/sim-$size"); do sleep 0.1; done
    sed -i "s#^base_url = .*#base_url = \"$address\"#" "$work/demo-$size/relato.toml"
    start=$(date +%s%N)
    "$binary" ingest --project "$work/demo-$size" --now 2026-11-22T15:00:00Z >/dev/null
    end=$(date +%s%N)
    kill "$sim"
    sim=""
    echo "  load again           $(printf '%7d.%02d' $(((end - start) / 1000000000)) $(((end - start) / 10000000 % 100))) s"
    start=$(date +%s%N)
    "$binary" report atendimento-mensal --project "$work/demo-$size" --period 2026-10 --out "$work/again" --now 2026-11-22T15:00:00Z >/dev/null
    end=$(date +%s%N)
    echo "  report again         $(printf '%7d.%02d' $(((end - start) / 1000000000)) $(((end - start) / 10000000 % 100))) s"
    echo
done
