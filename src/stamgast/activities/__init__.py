"""Intake: sources and their keys, the catalogue of kinds, activities, refusals and importers.

What activities are worth is not known here.
"""
