"""``stamgast programme``: documents that say what activities are worth."""

import json
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stamgast.cli.setting_up import ACTOR, database, read_settings, set_up_django
from stamgast.kit.clock import utc_now
from stamgast.kit.progress import progress

if TYPE_CHECKING:
    from stamgast.programmes.linting import Lint
    from stamgast.programmes.terms import Document

FILE = click.Path(path_type=Path, dir_okay=False)
MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"])


@click.group("programme")
def command() -> None:
    """Check, compare, publish and export programme documents."""


@command.command("check")
@click.argument("file", type=FILE)
@click.option(
    "--value", "values", multiple=True, metavar="CURRENCY=MONEY", help="What one of a currency is worth: points=0.01."
)
@click.option("--shop", is_flag=True, help="Hold it also against the kinds of activities that this shop knows.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, each problem and finding with its line and place.")
@click.pass_context
def check(context: click.Context, file: Path, values: tuple[str, ...], shop: bool, as_json: bool) -> None:
    """Say whether a document is a programme, what is wrong with it line by line, and what cannot be meant.

    Errors end it with exit code 2; warnings and notes do not.
    """
    from stamgast.programmes.errors import InvalidProgramme
    from stamgast.programmes.linting import lint, say_finding
    from stamgast.programmes.reading import read_file

    worths = dict(_worth(value) for value in values)
    try:
        document = _load(str(file), read_file(file))
    except InvalidProgramme as error:
        if not as_json:
            raise
        click.echo(json.dumps({"is_sound": False, "problems": error.details.get("problems", []), "findings": []}))
        context.exit(2)
    for currency in worths.keys() - document.currencies.keys():
        raise click.BadParameter(f"The programme has no currency {currency!r}. It has {', '.join(document.currencies)}.")
    kinds = None
    if shop:
        with database("programme check"):
            from stamgast.activities.queries import list_kinds
            from stamgast.kit.database import open_cursor

            with open_cursor() as cursor:
                kinds = [kind.name for kind in list_kinds(cursor)]
    found = lint(document, at=utc_now(), kinds=kinds, worths=worths)
    if as_json:
        told = [
            {
                "level": one.level,
                "code": one.code,
                "line": one.line,
                "path": one.path,
                "sentence": say_finding(one, "en", document.timezone),
            }
            for one in found.findings
        ]
        assumed = {currency: str(worth) for currency, worth in found.worths.items()}
        click.echo(json.dumps({"is_sound": not found.has_errors, "problems": [], "findings": told, "assumed_worths": assumed}))
    else:
        _tell(file, document, found)
        says = "says what cannot be meant: see the errors above" if found.has_errors else "is sound"
        click.echo(f"{file}: programme {document.programme!r} {says}.")
    if found.has_errors:
        context.exit(2)


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of programme documents, for editors that check while one types."""
    from stamgast.programmes.documents import read_schema

    click.echo(read_schema(), nl=False)


def _load(name: str, text: str) -> "Document":
    """The document of a file, which a refusal names: two may be compared."""
    from stamgast.programmes.documents import load
    from stamgast.programmes.errors import InvalidProgramme

    try:
        return load(text)
    except InvalidProgramme as error:
        raise InvalidProgramme(f"{name}: {error.message}", **error.details) from None


@command.command("diff")
@click.argument("before")
@click.argument("after", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON, place by place.")
def diff(before: str, after: str | None, as_json: bool) -> None:
    """Say in words what one document says otherwise than another.

    Each is a file or the number of a version. One alone is held against the version in force.
    """
    from stamgast.programmes.reading import read_file

    texts = [one for one in (before, after) if one is not None]
    numbers = [one for one in texts if one.isdecimal()]
    if numbers or after is None:
        with database("programme diff"):
            from stamgast.kit.database import open_cursor
            from stamgast.programmes.queries import get_programme
            from stamgast.programmes.versions import find_in_force, get_version

            with open_cursor() as cursor:
                versions = get_programme(cursor).versions
            documents = [get_version(versions, int(one)).document if one.isdecimal() else read_file(Path(one)) for one in texts]
            if after is None:
                in_force = find_in_force(versions, utc_now())
                documents.insert(0, in_force.document if in_force else versions[0].document)
    else:
        read_settings()
        set_up_django()
        documents = [read_file(Path(one)) for one in texts]
    from stamgast.console.programme_words import differences
    from stamgast.programmes.comparing import compare, plain

    was, now = (_load(name, text) for name, text in zip(["the version in force", *texts][-2:], documents, strict=True))
    changes = compare(was, now)
    sentences = differences(was, now, "en") if changes else []
    if as_json:
        told = [
            {
                "place": one.place,
                "kind": one.kind,
                "before": plain(one.before),
                "after": plain(one.after),
                "line": one.line,
            }
            for one in changes
        ]
        click.echo(json.dumps({"sentences": sentences, "changes": told}, ensure_ascii=False))
    else:
        click.echo("\n".join(sentences) if sentences else "They say the same.")


@command.command("export")
@click.argument("version", type=int, required=False)
@click.option("--out", type=FILE, help="The file to write. Left out: standard output.")
def export(version: int | None, out: Path | None) -> None:
    """Write the document of a version, to the letter; the one in force when no number is given."""
    with database("programme export"):
        from stamgast.kit.database import open_cursor
        from stamgast.programmes.queries import get_programme, list_withdrawn
        from stamgast.programmes.versions import find_in_force, get_version

        with open_cursor() as cursor:
            programme = get_programme(cursor)
            every = [*programme.versions, *(one.version for one in list_withdrawn(cursor, programme.name))]
        if version is None:
            found = find_in_force(programme.versions, utc_now()) or programme.versions[0]
        else:
            found = get_version(every, version)
    if out is None:
        click.echo(found.document, nl=False)
    else:
        out.write_text(found.document, "utf-8")
        click.echo(f"{out}: version {found.version} of {found.programme!r}, sha256 {found.sha256}.", err=True)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_all(as_json: bool) -> None:
    """List the versions of the programme, withdrawn ones too, and the drafts that are worked on."""
    with database("programme list"):
        from stamgast.kit.database import open_cursor
        from stamgast.programmes.drafts import list_drafts
        from stamgast.programmes.queries import get_programme, list_withdrawn
        from stamgast.programmes.versions import find_in_force

        with open_cursor() as cursor:
            programme = get_programme(cursor)
            withdrawn = {one.version.version: one for one in list_withdrawn(cursor, programme.name)}
            drafts = list_drafts(cursor, programme.name, limit=500).rows
    now = utc_now()
    in_force = find_in_force(programme.versions, now)
    versions = sorted([*programme.versions, *(one.version for one in withdrawn.values())], key=lambda one: one.version)
    rows: list[dict[str, Any]] = []
    for one in versions:
        state = "replaced"
        if one.version in withdrawn:
            state = "withdrawn"
        elif one == in_force:
            state = "in force"
        elif one.effective_from > now:
            state = "scheduled"
        rows.append(
            {
                "version": one.version,
                "state": state,
                "effective_from": one.effective_from.isoformat(),
                "published_at": one.published_at.isoformat(),
                "published_by": one.published_by,
                "reason": one.reason,
                "sha256": one.sha256,
            }
        )
    if as_json:
        told = [
            {"id": str(one.id), "title": one.title, "state": one.state, "base": one.base, "owner": one.owner} for one in drafts
        ]
        click.echo(json.dumps({"programme": programme.name, "versions": rows, "drafts": told}, ensure_ascii=False))
        return
    for row in rows:
        click.echo(
            f"{row['version']:>4}  {row['state']:<10} from {row['effective_from']}  {row['published_by']}: {row['reason']}"
        )
    for draft in drafts:
        click.echo(f"draft {draft.id}  {draft.state:<7} on version {draft.base}  {draft.owner}: {draft.title}")


@command.command("publish")
@click.argument("file", type=FILE)
@click.option(
    "--effective-from", type=MOMENT, help="From when it is in force, in UTC unless it says otherwise. Left out: from now on."
)
@click.option("--reason", default="published from the command line", show_default=True, help="Why, for the record.")
@click.option("--after", type=int, help="Only if this is still the newest version: what the document was made from.")
def publish(file: Path, effective_from: datetime | None, reason: str, after: int | None) -> None:
    """Put a document in force; activities since then are decided again and the difference is posted.

    What the linter calls an error is not published, and ends it with exit code 2.
    """
    from stamgast.programmes.documents import load
    from stamgast.programmes.linting import lint
    from stamgast.programmes.reading import read_file

    text = read_file(file)
    at = utc_now()
    since = at if effective_from is None else effective_from if effective_from.tzinfo else effective_from.replace(tzinfo=UTC)
    with database("programme publish"), progress("Deciding again") as bar:
        from stamgast.activities.queries import list_kinds
        from stamgast.console.programme_words import differences
        from stamgast.flows.publish import publish_programme
        from stamgast.kit.database import open_cursor
        from stamgast.programmes.queries import find_programme
        from stamgast.programmes.versions import find_in_force

        with open_cursor() as cursor:
            kinds = [kind.name for kind in list_kinds(cursor)]
            known = find_programme(cursor)
        document = load(text)
        _tell(file, document, lint(document, at=since, kinds=kinds))
        before = find_in_force(known.versions, since) if known is not None else None
        if before is not None and before.document != text:
            click.echo("\n".join(differences(load(before.document), document, "en")), err=True)
        version = publish_programme(
            text, effective_from=since, at=at, actor=ACTOR, reason=reason, progress=bar.reach, after=after
        )
    says = "is scheduled: it holds" if version.effective_from > at else "is in force"
    later = [one for one in known.versions if one.effective_from > version.effective_from] if known is not None else []
    follower = min(later, key=lambda one: (one.effective_from, -one.version), default=None)
    until = ""
    if follower is not None:  # a correction of the past does not reach over what was published for later
        says = "holds" if follower.effective_from <= at else says
        until = f" until {follower.effective_from.isoformat()}, when version {follower.version} takes its place"
    click.echo(f"Version {version.version} of {version.programme!r} {says} from {version.effective_from.isoformat()}{until}.")


@command.command("withdraw")
@click.argument("version", type=int)
@click.option("--reason", required=True, help="Why, for the record.")
def withdraw(version: int, reason: str) -> None:
    """Take back a version that is scheduled for later. Of the one in force, publish the one before again: revert."""
    with database("programme withdraw"):
        from stamgast.flows.publish import withdraw_version

        withdrawn = withdraw_version(version, at=utc_now(), actor=ACTOR, reason=reason)
    click.echo(f"Version {withdrawn.version} of {withdrawn.programme!r} is withdrawn. Nothing was decided by it.")


@command.command("revert")
@click.argument("version", type=int)
@click.option("--reason", required=True, help="Why, for the record.")
def revert(version: int, reason: str) -> None:
    """Put the version before VERSION in force again, from now on. VERSION is the one in force."""
    with database("programme revert"):
        from stamgast.flows.publish import publish_one_before

        published = publish_one_before(version, at=utc_now(), actor=ACTOR, reason=reason)
    click.echo(f"Version {published.version} of {published.programme!r} is in force: what held before version {version}.")


@command.command("draft")
@click.argument("file", type=FILE)
@click.option("--title", required=True, help="What the draft is called, so that others find it.")
@click.option("--reason", required=True, help="Why, for who reviews it.")
def draft(file: Path, title: str, reason: str) -> None:
    """Keep a document as a draft and send it to review: somebody publishes it in the console."""
    from stamgast.programmes.reading import read_file

    text = read_file(file)
    with database("programme draft"):
        from stamgast.kit.database import transaction
        from stamgast.programmes.documents import load
        from stamgast.programmes.drafts import begin_draft, send_to_review
        from stamgast.programmes.queries import get_programme

        now = utc_now()
        with transaction() as cursor:
            programme = get_programme(cursor, load(text).programme)
            kept = begin_draft(
                cursor, programme=programme.name, title=title, document=text, base=programme.latest, at=now, actor=ACTOR
            )
            send_to_review(cursor, kept.id, revision=kept.revision, reason=reason, at=now, actor=ACTOR)
    click.echo(f"Draft {kept.id} waits for review: /programme/drafts/{kept.id}")


@command.command("activities")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def activities(folder: Path) -> None:
    """Write every activity to FOLDER as Parquet, as this shop decides them: what `stamgast replay` reads."""
    with database("programme activities"), progress("Writing activities") as bar:
        from stamgast.flows.export_activities import export_activities

        count = export_activities(folder, report=bar.reach)
    click.echo(f"{count:,} activities are in {folder}.")


def _tell(file: Path, document: "Document", found: "Lint") -> None:
    """Findings on standard error, each with its line."""
    from stamgast.programmes.linting import say_finding

    for one in found.findings:
        click.echo(f"{file}:{one.line}: {one.level}: {say_finding(one, 'en', document.timezone)}", err=True)


def _worth(text: str) -> tuple[str, Decimal]:
    currency, _, money = text.partition("=")
    try:
        worth = Decimal(money)
    except InvalidOperation:
        worth = Decimal("NaN")
    if not currency or not worth.is_finite() or worth <= 0:
        raise click.BadParameter(f"{text!r} is not a currency and what one of it is worth, such as points=0.01.")
    return currency, worth
