"""What is refused of an upload. What is wrong with the file itself is told by ``importers.errors``."""

from stamgast.kit.errors import Kind, StamgastError


class UploadNotFound(StamgastError):
    """There is no upload with that id."""

    code = "upload_not_found"
    kind = Kind.NOT_FOUND


class UploadChanged(StamgastError):
    """The upload is not where it was when the page was made: somebody started it, or it ended."""

    code = "upload_changed"
    kind = Kind.CONFLICT


class UploadTooLarge(StamgastError):
    """The file is larger than STAMGAST_UPLOAD_MB."""

    code = "upload_too_large"


class NoRoomForUpload(StamgastError):
    """The disk has no room for the file."""

    code = "no_room_for_upload"
    kind = Kind.UNAVAILABLE


class UnsupportedFile(StamgastError):
    """The file is of a sort that is not read: compressed, a spreadsheet, something else. ``details`` has ``wrong``."""

    code = "unsupported_file"
