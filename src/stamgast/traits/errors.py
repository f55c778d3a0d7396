"""Refusals of the room."""

from stamgast.kit.errors import Kind, StamgastError


class InvalidTrait(StamgastError):
    """A definition cannot be understood. ``path`` is where in the document, as in ``when.all[0].field``."""

    code = "invalid_trait"

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}" if path else problem, path=path)
        self.path = path
        self.problem = problem


class TraitExists(StamgastError):
    """There is another trait of this name."""

    code = "trait_exists"
    kind = Kind.CONFLICT


class TraitNotFound(StamgastError):
    """There is no trait of this name, or it was removed."""

    code = "trait_not_found"
    kind = Kind.NOT_FOUND


class TraitChanged(StamgastError):
    """Somebody else saved another version meanwhile."""

    code = "trait_changed"
    kind = Kind.CONFLICT
