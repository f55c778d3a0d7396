"""The Complete Journey as a chain's year of purchases, from several sources."""
