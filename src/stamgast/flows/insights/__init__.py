"""The questions of the pages of insights, one file each. Each asks the summary, never PostgreSQL, and keeps what it found."""
