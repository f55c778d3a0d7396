"""One file per place of the console. Views call queries, operations and flows, and decide nothing."""
