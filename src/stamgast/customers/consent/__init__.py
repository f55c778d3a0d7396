"""What a customer allows, per purpose and channel: every change with its proof, what follows from them, and the texts shown.

Not here: sending anything. Whoever sends asks ``queries.may_contact`` first.
"""
