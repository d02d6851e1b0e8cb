#!/usr/bin/env python3
"""The figures of the monthly report as one would write them by hand, in plain DuckDB SQL and in polars, over the Parquet of a lake.

Usage: by_hand.py LAKE MANIFEST YEAR-MONTH. Prints one JSON object: seconds of each, the best of three, and figures to compare.
"""

import json
import sys
import time
from datetime import date

import duckdb
import polars as pl

LAKE, MANIFEST, MONTH = sys.argv[1:4]
YEAR, NUMBER = map(int, MONTH.split("-"))
START, END = date(YEAR, NUMBER, 1), date(YEAR + NUMBER // 12, NUMBER % 12 + 1, 1)
YEAR_AGO = date(YEAR - 1, NUMBER, 1)
TABLES = ["ticket", "conversation", "turn", "rating", "coverage"]
PARTS = json.load(open(MANIFEST))["tables"]
FILES = {table: [f"{LAKE}/{part['path']}" for part in PARTS[table]["parts"]] for table in TABLES}

# Table, column of its times, day that places a row in the month, column of its sector.
TIMES = [
    ("ticket", "queue_wait_s", "started_day", "sector"),
    ("ticket", "first_response_s", "started_day", "sector"),
    ("ticket", "handling_s", "closed_day", "sector"),
    ("conversation", "whole_wait_s", "started_day", "first_response_sector"),
    ("conversation", "resolution_s", "ended_day", "last_sector"),
    ("turn", "whole_s", "started_day", "sector"),
]


def with_duckdb():
    connection = duckdb.connect()
    for table, files in FILES.items():
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet({files}, hive_partitioning = false)")

    def rows(sql):
        return connection.execute(sql).fetchall()

    within = f"BETWEEN DATE '{START}' AND DATE '{END}' - 1"
    rows(f"SELECT count(*) FROM coverage WHERE resource = 'ticket' AND is_complete AND day {within}")
    volume = rows(
        f"""SELECT sector, count(*), count(DISTINCT conversation_id), count(*) FILTER (outcome = 'lost'), count(*) FILTER (outcome = 'abandoned')
        FROM ticket WHERE created_day {within} GROUP BY GROUPING SETS ((sector), ()) ORDER BY sector NULLS LAST"""
    )
    rows(f"SELECT sector, outcome, count(*) FROM ticket WHERE closed_day {within} GROUP BY GROUPING SETS ((sector, outcome), (outcome))")
    means = {}
    for table, column, day, sector in TIMES:
        found = rows(
            f"""SELECT {sector}, count({column}), avg({column}), quantile_cont({column}, [0.5, 0.9]), min({column}), max({column})
            FROM {table} WHERE {day} {within} GROUP BY GROUPING SETS (({sector}), ()) ORDER BY {sector} NULLS LAST"""
        )
        means[column] = found[-1][2]
    rated = rows(
        f"""SELECT sector, count(*), avg(CAST(is_satisfied AS INTEGER)), avg(score), {", ".join(f"count(*) FILTER (score = {n})" for n in range(1, 6))}
        FROM rating WHERE counted AND period_day {within} GROUP BY GROUPING SETS ((sector), ()) ORDER BY sector NULLS LAST"""
    )
    rows(f"SELECT started_day, count(*) FROM conversation WHERE started_day {within} GROUP BY started_day")
    rows(f"SELECT started_weekday, started_hour, count(*) FROM conversation WHERE started_day {within} GROUP BY ALL")
    rows(f"SELECT date_trunc('month', started_day), count(*) FROM conversation WHERE started_day >= DATE '{YEAR_AGO}' AND started_day < DATE '{END}' GROUP BY ALL")
    rows(
        f"""SELECT count(*) FROM conversation WHERE started_day < DATE '{END}' AND (ended_day IS NULL OR ended_day >= DATE '{END}')
        AND (first_response_day IS NULL OR first_response_day >= DATE '{END}')"""
    )
    served = rows(
        f"""SELECT count(DISTINCT customer_key) FROM conversation WHERE conversation_id IN (
            SELECT conversation_id FROM conversation WHERE first_response_day {within}
            UNION SELECT conversation_id FROM turn WHERE replied_day {within})"""
    )
    return {"tickets": volume[-1][1], "served": served[0][0], "response_mean_s": means["whole_s"], "csat_share": rated[-1][2]}


def with_polars():
    tables = {table: pl.scan_parquet(files, hive_partitioning=False) for table, files in FILES.items()}

    def within(day):
        return pl.col(day).is_between(START, END, closed="left")

    def both(frame, by, figures):
        return [frame.group_by(by).agg(figures), frame.select(figures)]

    ticket, conversation, turn, rating = (tables[name] for name in TABLES[:4])
    plans = [tables["coverage"].filter((pl.col("resource") == "ticket") & pl.col("is_complete") & within("day")).select(pl.len())]
    outcome = pl.col("outcome")
    counts = [pl.len(), pl.col("conversation_id").n_unique().alias("c"), (outcome == "lost").sum().alias("l"), (outcome == "abandoned").sum().alias("a")]
    volume = len(plans) + 1
    plans += both(ticket.filter(within("created_day")), "sector", counts)
    closed = ticket.filter(within("closed_day"))
    plans += [closed.group_by("sector", "outcome").agg(pl.len()), closed.group_by("outcome").agg(pl.len())]
    places = {}
    for table, column, day, sector in TIMES:
        value = pl.col(column)
        figures = [
            value.count().alias("n"),
            value.mean().alias("mean"),
            value.quantile(0.5, "linear").alias("median"),
            value.quantile(0.9, "linear").alias("p90"),
            value.min().alias("min"),
            value.max().alias("max"),
        ]
        places[column] = len(plans) + 1
        plans += both(tables[table].filter(within(day)), sector, figures)
    score = pl.col("score")
    figures = [pl.len(), pl.col("is_satisfied").mean().alias("share"), score.mean().alias("mean"), *[(score == n).sum().alias(f"s{n}") for n in range(1, 6)]]
    rated = len(plans) + 1
    plans += both(rating.filter(pl.col("counted") & within("period_day")), "sector", figures)
    begun = conversation.filter(within("started_day"))
    plans += [begun.group_by("started_day").agg(pl.len()), begun.group_by("started_weekday", "started_hour").agg(pl.len())]
    year = conversation.filter(pl.col("started_day").is_between(YEAR_AGO, END, closed="left"))
    plans.append(year.group_by(pl.col("started_day").dt.truncate("1mo")).agg(pl.len()))
    is_open = pl.col("ended_day").is_null() | (pl.col("ended_day") >= END)
    is_silent = pl.col("first_response_day").is_null() | (pl.col("first_response_day") >= END)
    plans.append(conversation.filter((pl.col("started_day") < END) & is_open & is_silent).select(pl.len()))
    reached = pl.concat(
        [
            conversation.filter(within("first_response_day")).select("conversation_id"),
            turn.filter(within("replied_day")).select("conversation_id"),
        ]
    ).unique()
    served = len(plans)
    plans.append(conversation.join(reached, on="conversation_id", how="semi").select(pl.col("customer_key").n_unique()))
    results = pl.collect_all(plans)
    return {
        "tickets": results[volume]["len"][0],
        "served": results[served].item(),
        "response_mean_s": results[places["whole_s"]]["mean"][0],
        "csat_share": results[rated]["share"][0],
    }


def best(work):
    seconds, figures = [], None
    for _ in range(3):
        began = time.perf_counter()
        figures = work()
        seconds.append(time.perf_counter() - began)
    return min(seconds), figures


seconds_duckdb, by_duckdb = best(with_duckdb)
seconds_polars, by_polars = best(with_polars)
for name, value in by_duckdb.items():
    assert abs(value - by_polars[name]) < 1e-9 * max(1, abs(value)), (name, value, by_polars[name])
print(json.dumps({"duckdb": seconds_duckdb, "polars": seconds_polars, "versions": [duckdb.__version__, pl.__version__], **by_duckdb}))
