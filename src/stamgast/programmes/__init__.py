"""Programme documents, their versions, and ``decide``: what activities are worth. Nothing is posted here."""
