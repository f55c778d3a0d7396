"""Where things stand in the arrays of the pass: for who fills and reads them, without loading the compiler."""

import numpy as np

UNTOUCHED = np.iinfo(np.int64).min
DOWN, NEAREST, UP = 0, 1, 2
GIVE, MULTIPLY, CARD = 0, 1, 2
NTH, EVERY, STREAK, CHALLENGE = 0, 1, 2, 3
# The columns of ``Programme.numbers``, one row a slot.
BASE, AMOUNT, ROUNDING, CAP, COUNTER, PERIOD, BEGINS, ENDS, KIND, GATE, CURRENCY = range(11)
NUMERATOR, DENOMINATOR, IS_STANDING, SOURCE, EACH, TIER = range(11, 17)
# The columns of ``Programme.turns``, one row a gate.
TURN, TURN_BASE, COUNT, TURN_COUNTER, TURN_PERIOD, VALUE, SEEN, TURN_BEGINS, TURN_ENDS = range(9)
REACHED = -1
"""Stands for what a challenge counted, once it has given in its period: nothing more can come of it there."""
NOBODY = -1
NO_REVIEW = 2**62
# What is kept of a customer.
HELD, PERIOD_FROM, PERIOD_END, REVIEW, INVITED, INVITED_ON, LAST_DAY = range(7)
# What a version says, one row a version.
HAS_TIERS, QUALIFY, IS_ROLLING, MONTHS, DAYS, FIRST_MONTH, GRACE_DAYS, GRACE_MONTHS, IS_SOFT, FIRST_LEVEL, END_LEVEL = range(11)
DAY_PERIOD = 11
# What a level says, one row a level.
NUMBER, THRESHOLD, INVITATION = range(3)
# What is written of a change, one column a change.
CUSTOMER, ACTIVITY, DAY, LEVEL, CAUSE, VERSION = range(6)
