"""Runs queries of Relato on a Spark cluster and writes each result as Parquet.

Usage: spark-submit [OPTIONS] run_queries.py JOB

JOB is a folder that the driver and every worker see. `job.json` in it says what to run; `result.json` is written last, when everything
there is to be read is there. Lines on standard output that begin with `relato:` tell how far it is. Whoever asked writes a new number to the
file `alive` twice a second; when it does not change any more nobody waits, and the job ends.
"""

import json
import os
import re
import sys
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor
from datetime import date

from pyspark.sql import Observation, SparkSession
from pyspark.sql import functions as F

PATIENCE_S = 20

# What Spark would do otherwise is not what the queries mean: times have no zone, text is as it stands, nothing broken is passed over.
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parser.escapedStringLiterals": "true",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
}


def tell(**what):
    print("relato:" + json.dumps(what), flush=True)


def in_sparks_words(sql):
    """Parameters begin with a colon; what stands in text and comments stays."""
    return re.sub(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*)|\$(\w+)", lambda found: found[1] or ":" + found[2], sql)


def value(told):
    kind, content = next(iter(told.items()))
    return date.fromisoformat(content) if kind == "date" else content


def session_with(spark, query, job, schemas):
    """A session of its own in which the tables are the parts that the query is to read. What columns parts have is looked up once."""
    session = spark.newSession()
    for key, setting in SETTINGS.items():
        session.conf.set(key, setting)
    for table, parts in query["tables"].items():
        known = schemas.get(tuple(parts))
        rows = session.read.schema(known).parquet(*parts) if known else session.read.parquet(*parts)
        schemas[tuple(parts)] = rows.schema
        for column, made in job["later_columns"].get(table, []):
            if column not in rows.columns:
                rows = rows.selectExpr("*", f"{made} AS {column}")
        rows.createOrReplaceTempView(table)
    for table, columns in job["later_tables"].items():
        session.sql(f"SELECT {columns} WHERE FALSE").createOrReplaceTempView(table)
    return session


def reason(error):
    """What Spark calls the error or its cause, which begins with a word in brackets; otherwise the first line that says something."""
    text = str(getattr(error, "desc", None) or error)
    named = re.findall(r"\[[A-Z_.]{8,}\] .+", text)
    causes = re.findall(r"Caused by: (?:[\w$.]+: )?(.+)", text)
    lines = [line.strip() for line in [*named, *reversed(causes), *text.splitlines()] if line.strip()]
    plain = [line for line in lines if not line.startswith(("An error occurred", "at ", ": "))]
    return (plain or lines or [type(error).__name__])[0][:600]


def run(spark, query, job, schemas, folder):
    """Writes the result in the query's order, over as many files as it takes, and returns its rows."""
    began = time.monotonic()
    session = session_with(spark, query, job, schemas)
    arguments = {name: value(told) for name, told in query["parameters"].items()}
    counted = Observation()
    result = session.sql(in_sparks_words(query["sql"]), args=arguments).observe(counted, F.count(F.lit(1)).alias("rows"))
    result.write.parquet(os.path.join(folder, query["id"]))
    rows = counted.get["rows"]
    tell(event="query", name=query["name"], rows=rows, ms=round((time.monotonic() - began) * 1000))
    return rows


def watch(spark, folder, is_over):
    """Tells of executors that are lost, and ends the job when nobody waits for it any more."""
    context = spark.sparkContext._jsc.sc()
    known, last, since = set(), None, time.monotonic()
    while not is_over.wait(1):
        try:
            with open(os.path.join(folder, "alive")) as file:
                alive = file.read()
        except OSError:
            alive = None
        if alive != last and alive is not None:
            last, since = alive, time.monotonic()
        if time.monotonic() - since > PATIENCE_S:
            tell(event="abandoned")
            spark.sparkContext.cancelAllJobs()
            spark.stop()
            os._exit(4)
        try:
            names, found = context.getExecutorMemoryStatus().keysIterator(), set()
            while names.hasNext():
                found.add(names.next())
        except Exception:
            continue
        for executor in known - found:
            tell(event="executor_lost", executor=executor)
        known = found


def main():
    folder = sys.argv[1]
    with open(os.path.join(folder, "job.json")) as file:
        job = json.load(file)
    spark = SparkSession.builder.appName("relato").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    is_over = threading.Event()
    threading.Thread(target=watch, args=(spark, folder, is_over), daemon=True).start()
    tell(event="started", spark=spark.version, queries=len(job["queries"]))
    schemas, rows, failed = {}, {}, None
    with ThreadPoolExecutor(job["parallel"]) as pool:
        running = [(query, pool.submit(run, spark, query, job, schemas, folder)) for query in job["queries"]]
        for query, future in running:
            try:
                rows[query["id"]] = future.result()
            except (Exception, CancelledError) as error:
                # The first that fails tells why; the others are stopped by it.
                failed = failed or {"query": query["name"], "reason": reason(error)}
                for _, other in running:
                    other.cancel()
                spark.sparkContext.cancelAllJobs()
    is_over.set()
    path = os.path.join(folder, "result.json")
    with open(path + ".part", "w") as file:
        json.dump({"failed": failed, "rows": rows}, file)
    os.replace(path + ".part", path)
    spark.stop()


if __name__ == "__main__":
    main()
