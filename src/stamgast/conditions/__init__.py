"""The small condition language: parse, explain, compile to a closure for one row and to an Ibis expression for sets."""
