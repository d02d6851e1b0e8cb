#!/usr/bin/env bash
# Makes a fixture of old data: a whole project as a released version leaves it, small, with a database whose rows are still in its write-ahead
# log, a snapshot, and a ledger with a publication, a scheduled report that was delivered, and records of questions.
#
#   tests/old/make.sh BINARY NAME     writes tests/old/NAME.tar.gz and tests/old/NAME.figures.json
#
# BINARY is `relato` of that version. Run it when a version with a new schema step is released, with that version's binary, and add the name to
# `FIXTURES` in tests/it/old_data.rs. What is committed is never made again: it is what installations have.
set -euo pipefail

binary=$(realpath "$1")
name=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
project=$work/project
now=2026-11-24T15:00:00Z
relato() { "$binary" --now "$now" --no-progress "$@"; }

relato demo --out "$project" --tickets 120 --months 3 --seed 11 >/dev/null
mkdir -p "$project/schedules" "$work/delivered"
cat >"$project/schedules/mensal.toml" <<TOML
report = "atendimento-mensal"
cron = "0 8 8 * *"
timezone = "America/Sao_Paulo"
period = "last-month"
formats = ["json"]
gate = "send"
missed = "last"
folder = "$work/delivered"
TOML
relato --project "$project" schedule run mensal --for 2026-11-09T11:00:00Z --send >/dev/null
relato --project "$project" query "SELECT count(*) AS tickets FROM ticket" >/dev/null
relato --project "$project" query "SELECT count(*) AS turns FROM turn" >/dev/null

# What a reader of these data must be told by every later version, too.
relato --project "$project" report atendimento-mensal --period 2026-10 --format json --out "$work/report" >/dev/null
python3 - "$work/report"/*.json >"$here/$name.figures.json" <<'PYTHON'
import json, sys

data = json.load(open(sys.argv[1]))
figures = next(block["content"]["figures"] for block in data["blocks"] if block["content"]["kind"] == "kpis")
print(json.dumps({figure["column"]["name"]: figure["value"] for figure in figures}, ensure_ascii=False, indent=1))
PYTHON
rm -rf "$project/output" "$project/data"/*.lock "$project/data/outbox" "$project/data/snapshots/readers"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="$now" -C "$work" -cf - project | gzip -9n >"$here/$name.tar.gz"
