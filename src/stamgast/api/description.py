"""What the description of the API says of every operation: how it refuses, and that a write may be sent again."""

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from stamgast.api.idempotency import HEADER, LONGEST_KEY

WRITES = frozenset(("post", "put", "patch", "delete"))
KEY = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    "description": "With the same key and request the write is done once and answered again; another request is refused.",
}
PROBLEM = {
    "type": "object",
    "description": "A refusal (RFC 9457). `code` never changes its meaning; `detail` is for people.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status", "code", "detail"],
}
REFUSED = {
    "description": "Refused",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class DescribedApi(NinjaAPI):
    """An API whose description holds what its operations share and their signatures do not show."""

    def get_openapi_schema(self, **named: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**named)
        document["components"]["schemas"]["Problem"] = PROBLEM
        for operations in document["paths"].values():
            for method, operation in operations.items():
                operation["responses"]["default"] = REFUSED
                if method in WRITES:
                    operation["parameters"] = [*operation.get("parameters", []), KEY]
        return document
