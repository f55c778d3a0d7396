"""The Complete Journey as a chain's year of purchases, from several sources: 2,469 households of one American grocer.

``prepare`` writes the files that such sources would send, ``load`` imports them as anybody would import their own, and
``summary`` says what came out. Nothing here knows how activities are stored, decided or measured.
"""
