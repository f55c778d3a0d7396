"""Named sets of customers by condition: who is in, who came in, who left, and when."""
