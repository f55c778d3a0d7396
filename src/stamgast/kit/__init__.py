"""Clock, ids, money, paging, errors, the database cursor and the embedded server. No domain words live here."""
