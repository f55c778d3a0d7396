"""What this room refuses."""

from stamgast.kit.errors import Kind, StamgastError


class SegmentNotFound(StamgastError):
    """There is no segment of that name."""

    code = "segment_not_found"
    kind = Kind.NOT_FOUND
