"""What users of other loyalty engines complain about in public, each as a test of this one.

A test's name says what should be so, and the first line of its docstring whose complaint it is and its number. What other
engines were told of with numbers is tested with those numbers. Each runs the real way round: messages are read, stored, decided
and posted, points are spent, and at the end of every test the audit finds nothing.

Out of scope, because what is complained of is not here yet:

- prices, vouchers, gift cards and their usage limits: saleor #544, PR #15855, #17453, #14920, #16768; django-oscar PR #4612,
  #4580; medusa PR #13760, #11259, #8829; reaction #6820, #6823; PrestaShop #29493. What they teach about points is tested: a
  balance, a hold and a rule's cap raced for by many (``test_redemption``), and rules that give more together than was paid
  (``test_stacking``).
- allocating revenue to points: ``insights/tests/test_liability.py`` has the numbers of the standard.
- bringing balances over from another engine (Voucherify, OCA/OpenUpgrade #4187): no importer of balances is there yet.
- checking who stands at the till before points are spent (odoo #207624): that is the till's.
"""
