"""What mkdocs does not know by itself: pages made from the API and from files beside docs/, and folders in the navigation."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
FROM_ROOT = {"ARCHITECTURE.md": "architecture.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
EVERY_ENDPOINT = "every-endpoint.md"
REFERENCE = "Reference"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages, then fills the navigation."""
    for name, page in FROM_ROOT.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text("utf-8").replace("](docs/", "](")))
    files.append(File.generated(config, EVERY_ENDPOINT, content=every_endpoint()))
    config["nav"] = list(fill(config["nav"], [file.src_uri for file in files.documentation_pages()]))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links to files beside docs/ are written for those who read in the repository; here those files are pages."""
    for name, page in FROM_ROOT.items():
        markdown = markdown.replace(f"](../{name}", f"]({page}")
    return markdown


def fill(nav: list[Any], pages: list[str]) -> Iterator[Any]:
    """The navigation with each folder spelled out, and with every page that it does not name under "Reference"."""
    named = {line for entry in nav for line in lines_of(entry)}
    rest = [page for page in sorted(pages) if page not in named and not any(page.startswith(f) for f in named if f[-1] == "/")]
    for entry in nav:
        if isinstance(entry, str):
            yield entry
            continue
        [(title, value)] = entry.items()
        if isinstance(value, str) and value.endswith("/"):
            yield {title: sorted(page for page in pages if page.startswith(value))}
        elif title == REFERENCE:
            yield {title: [*value, *rest]}
        else:
            yield entry


def lines_of(entry: Any) -> Iterator[str]:
    """Every page and folder that an entry of the navigation names."""
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict):
        for value in entry.values():
            yield from lines_of(value)
    else:
        for one in entry:
            yield from lines_of(one)


def every_endpoint() -> str:
    """A page of every endpoint and shape, from the same OpenAPI document that the server answers with."""
    schema = openapi()
    parts = [
        "# Every endpoint\n\nMade from the OpenAPI document that your own server has at `/v1/openapi.json`. "
        "[The API](api.md) says how keys, pages and errors work.\n"
    ]
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            parts.append(endpoint(method.upper(), path, operation))
    parts.append("# Shapes\n")
    for name, shape in sorted(schema["components"]["schemas"].items()):
        rows = "".join(
            f"| `{field}` | {type_of(value)} | {'yes' if field in shape.get('required', ()) else ''} |\n"
            for field, value in shape.get("properties", {}).items()
        )
        parts.append(f"## {name}\n\n{plain(shape.get('description', ''))}\n")
        parts.append(f"| field | type | always there |\n|---|---|---|\n{rows}" if rows else "")
    return "\n".join(parts)


def openapi() -> dict[str, Any]:
    """The document itself; only the routes are loaded, no database is asked."""
    os.environ.setdefault("STAMGAST_SECRET_KEY", "only-for-the-tools-and-long-enough-to-be-accepted-as-one")
    os.environ.setdefault("STAMGAST_DATA", str(ROOT / ".venv" / "data"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stamgast.settings")
    import django

    django.setup()
    from stamgast.api.v1 import api

    return dict(api.get_openapi_schema(path_prefix="/v1/"))


def endpoint(method: str, path: str, operation: dict[str, Any]) -> str:
    """One endpoint: what it is for, what it takes, what it answers."""
    text = f"## {method} {path}\n\n**{operation['summary']}.** {plain(operation.get('description', ''))}\n\n"
    if parameters := operation.get("parameters"):
        text += "| parameter | in | type | default |\n|---|---|---|---|\n"
        for one in parameters:
            default = one["schema"].get("default")
            words = "must be given" if one.get("required") else "" if default in (None, "") else f"`{default}`"
            text += f"| `{one['name']}` | {one['in']} | {type_of(one['schema'])} | {words} |\n"
        text += "\n"
    for media, body in operation.get("requestBody", {}).get("content", {}).items():
        text += f"Takes {media}: {type_of(body['schema'])}\n\n"
    for status, answer in operation["responses"].items():
        shapes = [type_of(body["schema"]) for body in answer.get("content", {}).values() if "schema" in body]
        text += f"Answers {status}{': ' if shapes else ''}{', '.join(shapes)}\n\n"
    return text


def type_of(schema: dict[str, Any]) -> str:
    """A JSON Schema in a few words, with a link where it has a shape of its own."""
    if reference := schema.get("$ref"):
        name = reference.rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if options := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return " or ".join(type_of(option) for option in options)
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    if schema.get("enum"):
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if isinstance(extra := schema.get("additionalProperties"), dict) and extra:
        return f"object of {type_of(extra)}"
    words = str(schema.get("format") or schema.get("type") or "anything")
    limits = [f"{word} {schema[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema]
    return " ".join([words, *limits])


def plain(text: str) -> str:
    """A docstring's double backticks are code in Markdown too; its lines are one paragraph, and no table ends at a bar."""
    return re.sub(r"\s+", " ", text.replace("``", "`")).replace("|", "\\|").strip()
