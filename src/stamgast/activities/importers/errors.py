"""What an import refuses as a whole. Single rows that cannot be read are rejects and no errors."""

from stamgast.kit.errors import Kind, StamgastError

WRONG = ("broken", "column_twice", "empty", "encoding", "gone", "long_field", "no_header", "not_csv", "not_parquet", "type")
"""What can be wrong with a file, for an edge that says it in a language of its own."""


class InvalidMapping(StamgastError):
    """The mapping is not YAML, or does not say what a mapping has to say."""

    code = "invalid_mapping"


class UnreadableFile(StamgastError):
    """The file is missing, is not CSV or Parquet, or is in another encoding than the mapping says.

    ``details`` has ``wrong``, one of the words of ``WRONG``, and where there are such the ``column`` and the ``line``.
    """

    code = "unreadable_file"


class MissingColumn(StamgastError):
    """The mapping names a column that the file does not have."""

    code = "missing_column"


class ImportUnderWay(StamgastError):
    """Another process imports the same file with the same mapping at this moment."""

    code = "import_under_way"
    kind = Kind.CONFLICT
