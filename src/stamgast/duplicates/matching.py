"""From a table of records to pairs that are likely to be one person, with a probability and what agrees.

Pure but for the DuckDB in memory that it works in: no clock, no store, and the same table gives the same pairs. Splink does the
comparing and learning; what it compares is in ``model``, how records are written in ``normalising``.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from stamgast.duplicates import model
from stamgast.duplicates.normalising import NORMALISED
from stamgast.duplicates.types import RECORD, Likely

if TYPE_CHECKING:
    from splink import Linker

LEAST_PROBABILITY = 0.7
LARGEST_BLOCK = 60
"""Records that share a key. A larger block finds few pairs at a square of the cost, and others find those."""
ENOUGH_TO_LEARN = 2_000
LEAST_PAIRS_TO_LEARN = 100
SAMPLED_PAIRS = 1_000_000
SEED = 1
LEAST_ODDS = 1e-7
LEAST_CHANGE = 0.02
"""People move, marry, and get another address: what differs never rules out, whatever the duplicates learnt from were like."""
LEAST_AGREEMENT = 0.2
"""Where fewer of the pairs learnt from agree on a field, they were not duplicates, and the defaults stay."""
LEAST_DUPLICATES = 0.002
"""The least share of records that has a duplicate: with none found for certain there may still be some."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """How many records were left out of a key, because more shared it than ``LARGEST_BLOCK``."""

    block: str
    records: int


class Matcher:
    """Records that are compared with each other. Close it when done: it holds them in memory."""

    def __init__(self, records: pa.Table, *, threads: int | None = None) -> None:
        import duckdb  # heavy, and needed by no other part of a page

        self.count = records.num_rows
        self._database = duckdb.connect(":memory:")
        self._database.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        if threads:
            self._database.execute(f"SET threads = {threads}")
        self._database.register("records", records.select(RECORD))
        self._database.execute(f"CREATE TABLE written AS {NORMALISED}")
        self._database.unregister("records")
        self.left_out = self._write_keys()
        self._linker: Linker | None = None

    def __enter__(self) -> "Matcher":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._database.close()

    def learn(self) -> dict[str, Any]:
        """The odds of every level as these records show them, for ``use`` to go on with; the defaults where records are few."""
        odds: dict[str, dict[str, tuple[float, float]]] = {}
        expected = self._expected()
        if self.count >= ENOUGH_TO_LEARN:
            linker = self._new_linker(_settings({}, expected))
            training = linker.training
            training.estimate_u_using_random_sampling(
                max_pairs=SAMPLED_PAIRS, seed=SEED, min_count_per_level=None, num_chunks=1
            )
            for columns in model.TRAINING:
                rule = " AND ".join(f"l.{column} = r.{column}" for column in columns)
                if self._count_pairs(rule) >= LEAST_PAIRS_TO_LEARN:
                    training.estimate_parameters_using_expectation_maximisation(rule, max_pairs=SAMPLED_PAIRS)
            odds = _read_odds(linker)
        learnt = {"odds": odds, "expected": expected}
        self.use(learnt)
        return learnt

    def use(self, learnt: Mapping[str, Any]) -> None:
        """Goes on with what ``learn`` gave before."""
        self._linker = self._new_linker(_settings(learnt["odds"], learnt["expected"]))

    def likely(self, *, part: int, parts: int) -> list[Likely]:
        """The pairs of one of so many parts of the records, the likeliest first."""
        assert self._linker is not None, "learn or use first"
        found = self._linker.inference.predict_chunk(
            (part + 1, parts), (1, 1), threshold_match_probability=LEAST_PROBABILITY, warning_mode="never"
        )
        columns = ", ".join(f"gamma_{field}" for field in model.FIELDS)
        self._database.execute(
            f"""
            SELECT id_l, id_r, round(match_probability, 6) AS probability, {columns},
              {", ".join(f"coalesce({condition}, false)" for condition in model.PARTS.values())}
            FROM {found.physical_name} WHERE NOT ({model.HOUSEMATES})
            ORDER BY probability DESC, id_l, id_r
            """
        )
        pairs = [_likely(row) for row in self._database.fetchall()]
        found.drop_table_from_database_and_remove_from_cache()
        return pairs

    def _write_keys(self) -> list[Blocked]:
        """Adds a column a block to ``written``; where more records share a key than may, it is null."""
        keys = []
        for number, parts in enumerate(model.BLOCKS.values()):
            known = " AND ".join(f"{part} <> ''" for part in parts)
            keys.append(f"CASE WHEN {known} THEN hash({', '.join(parts)}) END AS key_{number}")
        self._database.execute(f"CREATE TABLE keyed AS SELECT *, {', '.join(keys)} FROM written")
        left_out = []
        for number, name in enumerate(model.BLOCKS):
            key = f"key_{number}"
            self._database.execute(
                f"UPDATE keyed SET {key} = NULL WHERE {key} IN "
                f"(SELECT {key} FROM keyed WHERE {key} IS NOT NULL GROUP BY {key} HAVING count(*) > {LARGEST_BLOCK})"
            )
            if count := self._database.fetchall()[0][0]:
                left_out.append(Blocked(name, int(count)))
        return left_out

    def _expected(self) -> float:
        """The probability that two records at random are one person's, from how often what is certain holds."""
        pairs = sum(self._count_pairs(rule) for rule in model.CERTAIN)
        least = self.count * LEAST_DUPLICATES
        return max(pairs / model.FOUND_BY_CERTAIN, least, 1) / max(self.count * (self.count - 1) / 2, 2)

    def _count_pairs(self, rule: str) -> int:
        columns = [side.strip().removeprefix("l.").partition(" ")[0] for side in rule.split(" AND ")]
        listed = ", ".join(columns)
        known = " AND ".join(f"{column} IS NOT NULL" for column in columns)
        self._database.execute(
            f"SELECT coalesce(sum(n * (n - 1) / 2), 0) FROM (SELECT count(*) AS n FROM written WHERE {known} GROUP BY {listed})"
        )
        return int(self._database.fetchall()[0][0])

    def _new_linker(self, settings: dict[str, Any]) -> "Linker":
        from splink import DuckDBAPI, Linker

        database = DuckDBAPI(self._database)
        # It tells its steps, and warns of levels that nobody reached.
        return Linker(database.register("keyed"), settings, log_level=logging.ERROR, validate_settings=False)


def _read_odds(linker: "Linker") -> dict[str, dict[str, tuple[float, float]]]:
    """What was learnt of each level, ``m`` and ``u``, within what can be."""
    odds: dict[str, dict[str, tuple[float, float]]] = {}
    for said in linker.misc.save_model_to_json()["comparisons"]:
        field = said["output_column_name"]
        learnt = {one["label_for_charts"]: one for one in said["comparison_levels"]}
        levels = model.FIELDS[field]
        is_sound = sum(float(learnt[level.code]["m_probability"] or 0) for level in levels[:2]) >= LEAST_AGREEMENT
        odds[field] = {}
        for level in levels:
            m = float(learnt[level.code]["m_probability"] or 0) if is_sound else level.m
            least = LEAST_CHANGE if level.code == model.DIFFERENT else LEAST_ODDS
            odds[field][level.code] = (max(m, least), max(float(learnt[level.code]["u_probability"] or 0), LEAST_ODDS))
    return odds


def _settings(odds: Mapping[str, Any], expected: float) -> dict[str, Any]:
    comparisons = [model.comparison(field) for field in model.FIELDS]
    for said in comparisons:
        for level in said["comparison_levels"]:
            if learnt := odds.get(said["output_column_name"], {}).get(level["label_for_charts"]):
                level["m_probability"], level["u_probability"] = learnt
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "id",
        "probability_two_random_records_match": expected,
        "blocking_rules_to_generate_predictions": [f"l.key_{number} = r.key_{number}" for number in range(len(model.BLOCKS))],
        "comparisons": comparisons,
        "retain_matching_columns": True,  # and the levels with them, from which the reasons come
        "retain_intermediate_calculation_columns": False,
        "additional_columns_to_retain": [],
    }


def _likely(row: tuple[Any, ...]) -> Likely:
    one, other, probability, *rest = row
    gammas, agrees = rest[: len(model.FIELDS)], rest[len(model.FIELDS) :]
    reasons = []
    for field, gamma in zip(model.FIELDS, gammas, strict=True):
        code = model.code_of(field, gamma)
        if code is None:
            continue
        if field == "address":
            reasons += [f"{part}:same" for part, does in zip(model.PARTS, agrees, strict=True) if does]
            if code == model.DIFFERENT:
                reasons.append("address:different")
        else:
            reasons.append(f"{field}:{code}")
    return Likely(one, other, float(probability), tuple(reasons))
