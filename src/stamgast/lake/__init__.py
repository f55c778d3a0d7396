"""The append-only copy of what happened, in Parquet by month. What the rows mean is known to the rooms they come from."""
