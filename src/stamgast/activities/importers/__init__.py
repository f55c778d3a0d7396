"""Files to activities: a mapping says what the columns mean, rows become messages, messages go the one way in.

``mapping`` reads and checks the mapping, ``reading`` brings a file into DuckDB as text, ``grouping`` makes one row a message
of it, ``messages`` writes the message, ``operations`` stores them and remembers how far a file got. What an activity is,
and whether it is acceptable, is decided by the room's own ``messages`` and ``operations``, not here.
"""
