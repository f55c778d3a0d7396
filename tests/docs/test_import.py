"""The example of docs/import.md runs, and says what the page says."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stamgast.activities.catalogue import builtin_catalogue
from stamgast.activities.importers.mapping import read_mapping, read_schema
from stamgast.activities.importers.running import Edges, import_file
from stamgast.activities.messages import Reader
from stamgast.cli.import_ import sentence
from stamgast.kit.database import transaction

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/import.md").read_text("utf-8")


@pytest.mark.django_db(transaction=True)
def test_the_example_says_what_the_page_says(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    outcome = import_file(
        Path("examples/receipts.csv"),
        read_mapping(Path("examples/receipts.yaml").read_text("utf-8")),
        source_name=None,
        reader=Reader(builtin_catalogue(), currency="EUR", region="NL"),
        edges=Edges(transaction, lambda: datetime(2026, 6, 1, tzinfo=UTC), "test"),
    )
    command, said = PAGE.split("```console\n$ ")[1].split("```")[0].split("\n", 1)
    assert command == "stamgast import examples/receipts.csv --mapping examples/receipts.yaml"
    assert sentence(outcome) == said.rstrip()


def test_every_field_of_a_mapping_is_described():
    schema = read_schema()
    fields = [*schema["properties"], *schema["properties"]["csv"]["properties"]]
    assert [field for field in fields if f"`{field}`" not in PAGE] == []
