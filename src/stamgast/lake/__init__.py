"""The append-only copy of what happened, in Parquet by month. What the rows mean is known to the rooms they come from.

``export`` brings the folder up to date and may be killed at any moment; ``check`` holds it against PostgreSQL;
``open_lake`` gives Ibis tables over it. The manifest alone says which files count: see decision 060.
"""
