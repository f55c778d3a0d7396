"""The site builds strictly, fetches nothing, has every page, and a link that leads nowhere stops it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FETCHED = re.compile(r"""<(?:script|img|iframe|source)[^>]*\ssrc=["']?(?:https?:)?//|<link[^>]*\shref=["']?(?:https?:)?//""")


def build(root: Path, site: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mkdocs", "build", "--config-file", str(root / "mkdocs.yml"), "--site-dir", str(site)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the site is made of, to be changed at will."""
    root = tmp_path / "root"
    shutil.copytree(ROOT / "docs", root / "docs")
    shutil.copytree(ROOT / "scripts", root / "scripts")
    for file in (ROOT / "mkdocs.yml", *ROOT.glob("*.md")):
        shutil.copy(file, root)
    return root


def test_every_page_is_in_the_site_and_nothing_is_fetched(tmp_path: Path) -> None:
    done = build(ROOT, tmp_path)
    assert done.returncode == 0, done.stderr
    sources = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in ROOT.glob("docs/**/*.md")}
    pages = {path.relative_to(tmp_path) for path in tmp_path.glob("**/*.html")}
    assert pages - sources == {
        Path(f"{name}.html") for name in ("404", "architecture", "changelog", "contributing", "every-endpoint")
    }
    assert sources <= pages
    home = (tmp_path / "index.html").read_text()
    assert [page for page in sources - {Path("index.html")} if f'href="{page}"' not in home] == []
    assert [page for page in pages if FETCHED.search((tmp_path / page).read_text())] == []
    assert "/v1/customers/{reference}" in (tmp_path / "every-endpoint.html").read_text()


@pytest.mark.parametrize("link", ["operation.md#no-such-heading", "no-such-page.md"])
def test_a_link_that_leads_nowhere_stops_the_build(copy: Path, tmp_path: Path, link: str) -> None:
    with (copy / "docs" / "start.md").open("a") as page:
        page.write(f"\n[Nowhere]({link})\n")
    done = build(copy, tmp_path / "site")
    assert done.returncode == 1
    assert link in done.stderr


def test_a_new_page_needs_no_other_file(copy: Path, tmp_path: Path) -> None:
    (copy / "docs" / "something-new.md").write_text("# Something new\n")
    done = build(copy, tmp_path / "site")
    assert done.returncode == 0, done.stderr
    assert 'href="something-new.html"' in (tmp_path / "site" / "index.html").read_text()
