"""Every measure, as a function from Ibis tables to an Ibis table. No Django, no SQL text, no database of its own."""
