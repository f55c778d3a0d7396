"""Programme documents, their versions, and ``decide``: what activities are worth. Nothing is posted here.

The room is a library too, with no server, database or settings (docs/guides/library.md)::

    from stamgast.programmes import load, replay

    for decisions in replay(load("club.yaml"), "activities/"):
        ...

Inside, the doors are imported by module, so that starting Django does not load the compiler:

- ``types``: the columns ``ACTIVITIES``, ``DECISIONS``, ``STATES``; ``Version``, ``Decisions``, ``Explanation``
- ``documents``: ``load(text) -> Document``, ``default_document(timezone) -> str``
- ``programme``: ``Programme``, ``compile_programme(versions) -> Programme``
- ``deciding``: ``decide(programme, states, activities) -> Decisions``, ``review_tiers(programme, states, until)``, ``warm()``
- ``standing``: ``find_standing(programme, states, at)``, what a member has reached
- ``explaining``: ``explain(programme, activity, states=None, language="en") -> Explanation``
- ``linting``: ``lint(document, at=…) -> Lint``
- ``operations``: ``publish``, ``withdraw``, ``save_states``, ``save_tiers``, ``forget_states``
- ``drafts``: drafts from first word to review
- ``queries``: ``get_programme``, ``load_states``, ``list_versions``
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stamgast.programmes.library import load, replay

__all__ = ["load", "replay"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from stamgast.programmes import library

        return getattr(library, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
