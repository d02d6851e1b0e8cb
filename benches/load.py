#!/usr/bin/env python3
"""Measures loading: sizes, a load with few changes, throughput of a key, and the same pages through dlt and through DuckDB alone.

Usage: load.py BINARY [--sizes N,N,…] [--compare N] [--python PYTHON]
PYTHON is an interpreter that has dlt[duckdb]; without it the comparison is left out. Everything stays on loopback.
Prints Markdown; docs/benchmarks.md explains the rows.
"""

import argparse
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

NOW = "2026-11-22T15:00:00Z"
FROM = "2026-05-01"
DESK = "postmaster@desk.msging.net"
ANALYTICS = "postmaster@analytics.msging.net"
CATEGORY = "Pesquisa de satisfação"

# Loads with few changes that are made of each size, one after the other; the median is told.
CHANGES = 3


class Sim:
    """A simulated Blip in a process of its own."""

    def __init__(self, binary, tickets, *options):
        self.process = subprocess.Popen(
            [binary, "sim", "--tickets", str(tickets), "--now", NOW, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        started = json.loads(self.process.stdout.readline())
        self.base_url, self.key = started["base_url"], started["keys"]["desk"]
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.base_url).netloc)

    def command(self, to, uri, method="get", resource=None):
        body = {"id": "1", "to": to, "method": method, "uri": uri}
        if resource is not None:
            body |= {"type": "application/json", "resource": resource}
        headers = {"Authorization": f"Key {self.key}", "Content-Type": "application/json"}
        self.connection.request("POST", "/commands", json.dumps(body), headers)
        answer = json.loads(self.connection.getresponse().read())
        if answer["status"] != "success":
            raise RuntimeError(answer["reason"])
        return answer.get("resource")

    def pages(self, to, uri, take=100):
        skip, joint = 0, "&" if "?" in uri else "?"
        while True:
            items = self.command(to, f"{uri}{joint}$skip={skip}&$take={take}")["items"]
            yield items
            if len(items) < take:
                return
            skip += take

    def tickets(self):
        for month in range(5, 12):
            bounds = [f"2026-{m:02d}-01T03:00:00.000Z" for m in (month, month + 1)]
            text = f"storageDate ge datetimeoffset'{bounds[0]}' and storageDate lt datetimeoffset'{bounds[1]}'"
            yield from self.pages(DESK, "/tickets?$filter=" + urllib.parse.quote(text))

    def messages(self, ticket):
        for page in self.pages(DESK, f"/tickets/{ticket['id']}/messages?getFromOwnerIfTunnel=true"):
            yield [item | {"ticketId": ticket["id"], "customerIdentity": ticket["customerIdentity"]} for item in page]

    def events(self):
        category = urllib.parse.quote(CATEGORY)
        span = "startDate=2026-05-01&endDate=2026-11-30"
        actions = {item["action"] for page in self.pages(ANALYTICS, f"/event-track/{category}?{span}") for item in page}
        for action in sorted(actions):
            yield from self.pages(ANALYTICS, f"/event-track/{category}/{urllib.parse.quote(action, safe='')}?{span}", 500)

    def newest_tickets(self):
        """One ticket a customer, by which all their messages come."""
        newest = {}
        for page in self.tickets():
            for ticket in page:
                known = newest.get(ticket["customerIdentity"])
                if known is None or known["storageDate"] < ticket["storageDate"]:
                    newest[ticket["customerIdentity"]] = ticket
        return newest.values()

    def stop(self):
        self.process.kill()
        self.process.wait()


def project(binary, folder, sim, commands_per_second=50000):
    """Makes a project on the simulator: the settings of a demonstration with another address."""
    if not os.path.exists(f"{folder}/relato.toml"):
        subprocess.run([binary, "demo", "--out", folder, "--tickets", "10", "--now", NOW], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["rm", "-rf", f"{folder}/data", f"{folder}/output"], check=True)
    path = f"{folder}/relato.toml"
    text = open(path, encoding="utf-8").read()
    text = re.sub(r'^base_url = .*', f'base_url = "{sim.base_url}"', text, flags=re.M)
    text = re.sub(r'^commands_per_second = .*', f"commands_per_second = {commands_per_second}", text, flags=re.M)
    open(path, "w", encoding="utf-8").write(text)
    return folder


def measured(arguments, **more):
    """Runs a command; returns seconds, peak memory in MB, its output and the seconds of its stages."""
    with tempfile.TemporaryFile("w+") as out_file, tempfile.TemporaryFile("w+") as err_file:
        start = time.monotonic()
        process = subprocess.Popen(arguments, stdout=out_file, stderr=err_file, **more)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out_file.seek(0)
        err_file.seek(0)
        out, err = out_file.read(), err_file.read()
    stages = {}
    for line in err.splitlines():
        fields = json.loads(line)["fields"] if line.startswith("{") else {}
        if "ingest.stage" in fields:
            stages[fields["ingest.stage"]] = stages.get(fields["ingest.stage"], 0) + fields["duration_ms"] / 1000
    if process.returncode not in (0, 3):
        sys.exit(f"{arguments} ended with {process.returncode}\n{out}{err}")
    return seconds, usage.ru_maxrss // 1024, out, stages


def ingest(binary, folder):
    command = [binary, "ingest", "-v", "--format", "json", "--project", folder, "--now", NOW, "--from", FROM]
    seconds, peak, out, stages = measured(command)
    return seconds, peak, json.loads(out), stages


def rows(result):
    return result["ticket_answers_new_or_changed"] + result["messages_new"] + result["events_new"]


def sizes(binary, counts, work):
    print("| tickets | rows | load | rows/s | tickets/s | peak memory | reading | tables | again, nothing new | 0.1 % changed | of the whole |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for count in counts:
        sim = Sim(binary, count)
        folder = project(binary, f"{work}/size-{count}", sim)
        seconds, peak, result, stages = ingest(binary, folder)
        idle = statistics.median(ingest(binary, folder)[0] for _ in range(CHANGES))
        few = []
        for number in range(CHANGES):
            changes = max(1, count // 1000)
            change(sim, changes, changes * number)
            few.append(ingest(binary, folder))
        sim.stop()
        few, few_peak, changed, _ = sorted(few, key=lambda load: load[0])[CHANGES // 2]
        tables = stages.get("tables", 0)
        reading = sum(stages.values()) - tables
        print(
            f"| {count:,} | {rows(result):,} | {seconds:.1f} s | {rows(result) / seconds:,.0f} | {count / seconds:,.0f} | {peak} MB | {reading:.1f} s "
            f"| {tables:.1f} s | {idle:.2f} s | {few:.2f} s ({rows(changed)} rows, {few_peak} MB) | {100 * few / seconds:.1f} % |",
            flush=True,
        )
        subprocess.run(["rm", "-rf", folder], check=True)


def change(sim, count, start=0):
    """Changes `count` tickets of the last days from the one at `start` on: half of them get another tag, half are new."""
    text = "storageDate ge datetimeoffset'2026-11-18T03:00:00.000Z'"
    recent = [ticket for page in sim.pages(DESK, "/tickets?$filter=" + urllib.parse.quote(text)) for ticket in page]
    for number in range(start, start + count):
        ticket = recent[number % len(recent)]
        if number % 2:
            sim.command(DESK, f"/tickets/{ticket['id']}/change-tags", "set", {"id": ticket["id"], "tags": [f"tag {number}"]})
        else:
            sim.command(DESK, "/tickets", "set", {"customerIdentity": ticket["customerIdentity"], "team": "Suporte"})


def throughput(binary, work):
    """How much of a key's throughput a load uses, and whether it is ever refused."""
    limit = 150
    sim = Sim(binary, 6000, "--commands-per-second", str(limit))
    folder = project(binary, f"{work}/pace", sim, limit)
    seconds, _, result, stages = ingest(binary, folder)
    busy = stages["messages by customer"]
    used = result["customers_read"] / busy / limit
    sim.stop()
    print(f"\nA key of {limit} commands a second: {100 * used:.1f} % used while reading {result['customers_read']} customers in {busy:.1f} s;", end=" ")
    print("never refused (a refusal would have cost two minutes).\n")


DLT = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import dlt, duckdb, resource
from load import Sim
class Attached(Sim):
    def __init__(self, base_url, key):
        import http.client, urllib.parse
        self.base_url, self.key = base_url, key
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(base_url).netloc)
sim = Attached(sys.argv[2], sys.argv[3])
counted = 0
def count(pages):
    global counted
    for page in pages:
        counted += len(page)
        yield page
@dlt.resource(primary_key="id", write_disposition="merge")
def tickets():
    yield from count(sim.tickets())
@dlt.resource(primary_key="id", write_disposition="merge")
def messages():
    for ticket in sim.newest_tickets():
        yield from count(sim.messages(ticket))
@dlt.resource(primary_key=("storageDate", "action", "contact__identity"), write_disposition="merge")
def events():
    yield from count(sim.events())
start = time.monotonic()
pipeline = dlt.pipeline("bench", destination=dlt.destinations.duckdb(sys.argv[4]), dataset_name="raw", pipelines_dir=sys.argv[5])
pipeline.run([tickets(), messages(), events()])
print(json.dumps({"seconds": time.monotonic() - start, "rows": counted, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    "dlt": dlt.__version__, "duckdb": duckdb.__version__}))
"""

FLOOR = """
import duckdb, json, resource, sys, time
folder = sys.argv[1]
connection = duckdb.connect(f"{folder}/floor.duckdb")
start = time.monotonic()
for name, key in (("ticket", "id"), ("message", "id, customerIdentity"), ("event", "storageDate, action, contact")):
    connection.execute(f"CREATE TABLE incoming AS SELECT * FROM read_json('{folder}/{name}.ndjson', format = 'newline_delimited')")
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming LIMIT 0")
    connection.execute(f"INSERT INTO {name} SELECT DISTINCT ON ({key}) * FROM incoming ANTI JOIN {name} USING ({key})")
    connection.execute("DROP TABLE incoming")
connection.close()
print(json.dumps({"seconds": time.monotonic() - start, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
"""


def compare(binary, count, work, python):
    sim = Sim(binary, count)
    folder = project(binary, f"{work}/compare", sim)
    seconds, peak, result, stages = ingest(binary, folder)
    own = rows(result)
    reading = sum(stages.values()) - stages.get("tables", 0)
    for name, pages in (("ticket", sim.tickets()), ("event", sim.events())):
        with open(f"{work}/{name}.ndjson", "w", encoding="utf-8") as file:
            file.writelines(json.dumps(item, ensure_ascii=False) + "\n" for page in pages for item in page)
    with open(f"{work}/message.ndjson", "w", encoding="utf-8") as file:
        for ticket in sim.newest_tickets():
            file.writelines(json.dumps(item, ensure_ascii=False) + "\n" for page in sim.messages(ticket) for item in page)
    here = os.path.dirname(os.path.abspath(__file__))
    environment = os.environ | {"RUNTIME__DLTHUB_TELEMETRY": "false"}
    _, _, out, _ = measured([python, "-c", DLT, here, sim.base_url, sim.key, f"{work}/dlt.duckdb", f"{work}/dlt"], env=environment)
    dlt = json.loads(out.splitlines()[-1])
    sim.stop()
    _, _, out, _ = measured([python, "-c", FLOOR, work])
    floor = json.loads(out)
    rate, other = own / seconds, dlt["rows"] / dlt["seconds"]
    print(f"{count:,} tickets, {own:,} rows; dlt {dlt['dlt']} with DuckDB {dlt['duckdb']}\n")
    print("| | seconds | rows/s | peak memory |")
    print("|---|---|---|---|")
    print(f"| relato, tables and snapshot included | {seconds:.1f} | {rate:,.0f} | {peak} MB |")
    print(f"| relato, reading and storing only | {reading:.1f} | {own / reading:,.0f} | |")
    print(f"| dlt, merge | {dlt['seconds']:.1f} | {other:,.0f} | {dlt['peak_mb']} MB |")
    print(f"| DuckDB's read_json of the same records as files, and the same merge | {floor['seconds']:.1f} | {own / floor['seconds']:,.0f} | {floor['peak_mb']} MB |")
    print(
        f"\nrelato : dlt = {rate / other:.0f} times the rows/s, {peak / dlt['peak_mb']:.2f} of the memory; "
        f"relato's reading : floor = {reading / floor['seconds']:.1f} times the time\n"
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--sizes", default="20000,200000,1000000")
    parser.add_argument("--compare", type=int, default=20000)
    parser.add_argument("--python")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        if arguments.sizes:
            sizes(arguments.binary, [int(size) for size in arguments.sizes.split(",")], work)
            throughput(arguments.binary, work)
        if arguments.python:
            compare(arguments.binary, arguments.compare, work, arguments.python)


if __name__ == "__main__":
    main()
