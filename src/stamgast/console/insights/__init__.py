"""Insights in words and pictures: for each page its title, its figures, its chart and the table behind it. No request."""
