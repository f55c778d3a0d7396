"""The measures of the home page in words, once the flow that computes them is there."""
from typing import Any
def measures_context(cursor: Any, *, weeks: int) -> dict[str, Any]:
    return {"measures": [], "charts": {}}
