"""Refusals of conditions."""

from stamgast.kit.errors import StamgastError


class ConditionError(StamgastError):
    """A condition cannot be understood. ``path`` is where in the document, as in ``earn[1].when.all[0].field``."""

    code = "invalid_condition"

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}" if path else problem, path=path)
        self.path = path
        self.problem = problem
