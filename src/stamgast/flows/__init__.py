"""One business act that crosses rooms, one file each: the only place that orchestrates."""
