"""How fast questions start and run, beside DuckDB's command line and its Python package on the same Parquet with the same threads.

Usage: python benches/questions.py RELATO LAKE DUCKDB PYTHON [ROUNDS]

RELATO is the release binary, LAKE the folder that `cargo bench --bench reports -- 83333 60 LAKE` leaves, DUCKDB the command line of the
PyPI package duckdb-cli, PYTHON an interpreter with the PyPI package duckdb. All answer each question in turns, the commands by writing CSV,
Python by fetching the rows; the median counts. "Engine" is what each says of the running alone: Relato's log from the SQL to the file of the
answer, DuckDB's timer, Python's from the SQL to the rows. Prints Markdown.
"""

import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SETTINGS = """
[organization]
name = "Bench"
timezone = "America/Sao_Paulo"
[[blip.key]]
name = "desk"
base_url = "http://127.0.0.1:9"
key_env = "NONE"
roles = ["desk"]
[satisfaction]
source = "none"
[privacy]
pseudonym_key_env = "NONE"
[query]
threads = 2
max_memory_mb = 2048
"""

QUESTIONS = [
    ("one number", "SELECT count(*) AS n FROM ticket"),
    ("tickets by sector of a month", "SELECT sector, count(*) AS n FROM ticket WHERE created_day >= DATE '2026-03-01' AND created_day < DATE '2026-04-01' GROUP BY sector ORDER BY n DESC"),
    ("tickets by sector of all years", "SELECT sector, count(*) AS n, avg(queue_wait_s) AS wait FROM ticket GROUP BY sector ORDER BY n DESC"),
    ("percentiles by attendant", "SELECT agent, percentile_cont(0.9) WITHIN GROUP (ORDER BY first_response_s) AS p90 FROM ticket GROUP BY agent ORDER BY p90 DESC"),
    ("the longest hundred waits", "SELECT conversation_id, whole_wait_s FROM conversation ORDER BY whole_wait_s DESC, conversation_id LIMIT 100"),
    ("customers who came often", "SELECT customer_key, count(*) AS n FROM conversation GROUP BY customer_key ORDER BY n DESC, customer_key LIMIT 20"),
    ("one conversation", "SELECT * FROM ticket WHERE conversation_id = 'ticket-2500000'"),
    ("turns joined to conversations", "SELECT conversation.first_sector, avg(turn.own_s) AS own FROM turn JOIN conversation USING (conversation_id) WHERE turn.started_day >= DATE '2026-01-01' GROUP BY 1 ORDER BY 1"),
    ("months beside the months before", "SELECT month, n, n - lag(n) OVER (ORDER BY month) AS change FROM (SELECT date_trunc('month', started_day) AS month, count(*) AS n FROM conversation GROUP BY 1) ORDER BY month"),
    ("eighty thousand rows out", "SELECT ticket_id, sector, agent, created_local, queue_wait_s FROM ticket WHERE created_day >= DATE '2026-03-01' AND created_day < DATE '2026-04-01' ORDER BY ticket_id"),
]


PACKAGE = """
import duckdb, sys, time
connection = duckdb.connect()
connection.execute(sys.argv[1])
began = time.perf_counter()
connection.execute(sys.argv[2]).fetchall()
print(f"Run Time (s): real {time.perf_counter() - began:.6f}")
"""


def seconds(command):
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    took = time.perf_counter() - began
    if done.returncode != 0:
        sys.exit(f"{command[0]}: {done.stderr.decode()}")
    said = done.stderr.decode() + done.stdout.decode()[-300:]
    ours = re.search(r'"query.engine_ms":([0-9.]+)', said)
    theirs = re.search(r"Run Time \(s\): real ([0-9.]+)", said)
    return took, float(ours[1]) / 1000 if ours else float(theirs[1])


def linked(source, target):
    """Gives a file a second name, or copies it where there can be none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def main():
    # Links are kept: an interpreter knows its packages by the place where it was asked for.
    relato, lake, duckdb, python = (pathlib.Path(argument).absolute() for argument in sys.argv[1:5])
    rounds = int(sys.argv[5]) if len(sys.argv) > 5 else 11
    manifest = json.loads(sorted((lake / "manifests").glob("*.json"))[-1].read_text())
    files = {table: [str(lake / part["path"]) for part in contents["parts"]] for table, contents in manifest["tables"].items()}
    with tempfile.TemporaryDirectory() as folder:
        project = pathlib.Path(folder)
        (project / "relato.toml").write_text(SETTINGS)
        (project / "data").mkdir()
        # A project has its snapshots in its own folder.
        shutil.copytree(lake, project / "data" / "snapshots", copy_function=linked)

        def ours(sql):
            return [str(relato), "--project", folder, "query", sql, "--format", "csv", "-v"]

        def opening(sql):
            views = "".join(f"CREATE VIEW {table} AS FROM read_parquet({paths}, hive_partitioning = false);" for table, paths in files.items() if table in sql)
            return f"SET threads = 2; SET memory_limit = '2GB'; {views}"

        def theirs(sql):
            return [str(duckdb), "-csv", "-c", opening(sql), "-c", ".timer on", "-c", f"{sql};"]

        def packages(sql):
            return [str(python), "-c", PACKAGE, opening(sql), sql]

        def medians(sql):
            """Seconds of the whole command and of the engine: ours, the command line's, the package's."""
            sides = (ours, theirs, packages)
            rows = [[seconds(side(sql)) for side in sides] for _ in range(rounds)]
            return [statistics.median(values) for side in zip(*rows) for values in zip(*side)]

        start = medians("SELECT 1 AS one")
        opened = medians("SELECT count(*) AS n FROM ticket WHERE FALSE")
        tickets = manifest["tables"]["ticket"]["rows"]
        print(f"{tickets:,} tickets in {len(files['ticket'])} parts; the median of {rounds} commands each, in turns.\n")
        print(f"Start, `SELECT 1`: relato {start[0] * 1000:.0f} ms, DuckDB {start[2] * 1000:.0f} ms. With the table of tickets opened: {opened[0] * 1000:.0f} and {opened[2] * 1000:.0f} ms.\n")
        print("| question | engine: relato | DuckDB's command line | ratio | its Python package | ratio | command: relato | DuckDB's | ratio |")
        print("|---|---|---|---|---|---|---|---|---|")
        for name, sql in QUESTIONS:
            us, our_engine, them, their_engine, _, package = medians(sql)
            engines = f"{our_engine * 1000:.0f} ms | {their_engine * 1000:.0f} ms | {our_engine / their_engine:.2f} | {package * 1000:.0f} ms | {our_engine / package:.2f}"
            print(f"| {name} | {engines} | {us:.3f} s | {them:.3f} s | {us / them:.2f} |", flush=True)


main()
