"""What a key must hold to ask what: one table by the name of the address and the method. Nothing else decides it.

An address without a line here answers nobody: 403, whatever the key. Where one path takes several methods, its name is
that of its first operation. ``tests/test_permissions.py`` asks every address with every key and holds the answers against this.
"""

from collections.abc import Mapping

from stamgast.access.types import Scope

RULES: Mapping[str, Mapping[str, Scope]] = {
    "list_customers": {"GET": Scope.CUSTOMERS_READ},
    "read_one_customer": {"GET": Scope.CUSTOMERS_READ},
    "merge_customer": {"POST": Scope.CUSTOMERS_WRITE},
    "separate_customer": {"POST": Scope.CUSTOMERS_WRITE},
    "withdraw_one_judgement": {"POST": Scope.CUSTOMERS_WRITE},
    "set_customer_household": {"POST": Scope.CUSTOMERS_WRITE},
    "read_household": {"GET": Scope.CUSTOMERS_READ},
    "list_customer_links": {"GET": Scope.CUSTOMERS_READ},
    "list_duplicates": {"GET": Scope.CUSTOMERS_READ},
    "list_customer_movements": {"GET": Scope.MOVEMENTS_READ},
    "list_customer_balances": {"GET": Scope.MOVEMENTS_READ},
    "read_customer_statement": {"GET": Scope.MOVEMENTS_READ},
    "list_customer_consents": {"GET": Scope.CUSTOMERS_READ},
    "put_consent": {"PUT": Scope.CONSENTS_WRITE},
    "list_traits": {"GET": Scope.CUSTOMERS_READ},
    "list_timeline": {"GET": Scope.CUSTOMERS_READ},
    "export_customer": {"GET": Scope.CUSTOMERS_EXPORT},
    "erase_customer": {"POST": Scope.CUSTOMERS_ERASE},
    "read_erasure": {"GET": Scope.CUSTOMERS_ERASE},
    "lift_one": {"POST": Scope.CUSTOMERS_ERASE},
    "read_movement": {"GET": Scope.MOVEMENTS_READ},
    "explain_one_movement": {"GET": Scope.MOVEMENTS_READ},
    "spend_points": {"POST": Scope.POINTS_SPEND},
    "hold_points": {"POST": Scope.POINTS_SPEND},
    "capture_hold": {"POST": Scope.POINTS_SPEND},
    "release_hold": {"POST": Scope.POINTS_SPEND},
    "reverse_spend": {"POST": Scope.POINTS_REVERSE},
    "transfer_points": {"POST": Scope.POINTS_TRANSFER},
    "adjust_points": {"POST": Scope.POINTS_ADJUST},
    "donate_points": {"POST": Scope.POINTS_SPEND},
    "redeem_points": {"POST": Scope.POINTS_SPEND},
    "issue_points": {"POST": Scope.POINTS_ISSUE},
    "list_all_partners": {"GET": Scope.PROGRAMMES_READ},
    "list_all_settlements": {"GET": Scope.MEASURES_READ},
    "read_household_pool": {"GET": Scope.MOVEMENTS_READ},
    "list_pool_movements": {"GET": Scope.MOVEMENTS_READ},
    "give_points_to_pool": {"POST": Scope.POINTS_TRANSFER},
    "spend_points_from_pool": {"POST": Scope.POINTS_SPEND},
    "reverse_spend_of_pool": {"POST": Scope.POINTS_REVERSE},
    "take_points_from_pool": {"POST": Scope.POINTS_TRANSFER},
    "list_segments": {"GET": Scope.SEGMENTS_READ},
    "read_segment": {"GET": Scope.SEGMENTS_READ},
    "read_measure": {"GET": Scope.MEASURES_READ},
    "list_members": {"GET": Scope.SEGMENTS_READ},
    "list_programmes": {"GET": Scope.PROGRAMMES_READ},
    "read_programme_schema": {"GET": Scope.PROGRAMMES_READ},
    "list_programme_versions": {"GET": Scope.PROGRAMMES_READ},
    "read_programme_version": {"GET": Scope.PROGRAMMES_READ},
    "add_programme_draft": {"POST": Scope.PROGRAMMES_DRAFT},
}


def scope_of(name: str, method: str) -> Scope | None:
    """The scope that this method of the address of this name needs; None where nobody may."""
    return RULES.get(name, {}).get(method)
