"""Simulation: a draft replayed beside the programme in force, over the history, a part at a time."""
