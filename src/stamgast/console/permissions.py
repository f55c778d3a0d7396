"""Who may open what in the console: one table by the name of the address and the method. Nothing else decides it.

What has no line here is shown to nobody, and a method that has none is not answered. ``tests/test_permissions.py`` asks
every address with every method in every role and holds the answers against this table.

An owner may do everything. A marketer works on segments and the programme and sees who the customers are. An analyst sees
every figure and not one customer. An agent helps one customer at a time. A cashier finds the customer at the till, and sees
the score only. An auditor reads everything and writes nothing.
"""

from collections.abc import Mapping

from stamgast.access.types import Role

VISITOR = "visitor"  # who is not signed in

_OWNER = frozenset({Role.OWNER})
_STAFF = frozenset(Role)
_ANYBODY = _STAFF | {VISITOR}
_FIGURES = _STAFF - {Role.CASHIER}
_PEOPLE = _FIGURES - {Role.ANALYST}
_SOURCES = _FIGURES - {Role.AGENT}
_WRITERS = frozenset({Role.OWNER, Role.MARKETER})
_COUNTERS = _WRITERS | {Role.ANALYST}  # who says what is counted names no customer
_SIMULATORS = _WRITERS | {Role.ANALYST}  # who weighs a draft; what it would do to whom is for those who see people
_MESSAGES = _SOURCES - {Role.ANALYST}  # what a source sent, word for word, names customers
_HELPERS = frozenset({Role.OWNER, Role.AGENT})  # who has the person before them decides who it is

_OVERSIGHT = frozenset({Role.OWNER, Role.AUDITOR})
_TILL = frozenset({Role.OWNER, Role.AGENT, Role.CASHIER, Role.AUDITOR})

RULES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "console:sign_in": {"GET": _ANYBODY, "POST": _ANYBODY},
    "console:sign_out": {"POST": _ANYBODY},
    "console:language": {"POST": _ANYBODY},
    "console:sign_in_code": {"GET": _ANYBODY, "POST": _ANYBODY},
    "console:welcome": {"GET": _ANYBODY, "POST": _ANYBODY},
    "console:account": {"GET": _STAFF},
    "console:password": {"POST": _STAFF},
    "console:second_factor": {"GET": _STAFF, "POST": _STAFF},
    "console:second_factor_off": {"POST": _STAFF},
    "console:recovery_codes": {"POST": _STAFF},
    "console:end_sessions": {"POST": _STAFF},
    "console:till": {"GET": _TILL},
    "console:staff": {"GET": _OVERSIGHT, "POST": _OWNER},
    "console:second_factor_policy": {"POST": _OWNER},
    "console:staff_member": {"GET": _OVERSIGHT},
    "console:staff_role": {"POST": _OWNER},
    "console:staff_access": {"POST": _OWNER},
    "console:staff_link": {"POST": _OWNER},
    "console:staff_second_factor": {"POST": _OWNER},
    "console:keys": {"GET": _OVERSIGHT, "POST": _OWNER},
    "console:key_limit": {"POST": _OWNER},
    "console:revoke_api_key": {"GET": _OWNER, "POST": _OWNER},
    "console:trail": {"GET": _OVERSIGHT},
    "console:trail_csv": {"GET": _OVERSIGHT},
    "console:home": {"GET": _FIGURES},
    "console:live": {"GET": _FIGURES},
    "console:measures": {"GET": _FIGURES},
    "console:customers": {"GET": _PEOPLE},
    "console:customers_csv": {"GET": _PEOPLE - {Role.AGENT}},
    "console:views": {"GET": _PEOPLE, "POST": _PEOPLE},
    "console:shared_views": {"POST": _WRITERS},
    "console:view": {"GET": _PEOPLE, "POST": _PEOPLE},
    "console:share_view": {"POST": _WRITERS},
    "console:start_view": {"POST": _PEOPLE},
    "console:delete_view": {"GET": _PEOPLE, "POST": _PEOPLE},
    "console:customer": {"GET": _PEOPLE},
    "console:timeline": {"GET": _PEOPLE},
    "console:statement": {"GET": _PEOPLE},
    "console:statement_csv": {"GET": _PEOPLE},
    "console:donate": {"GET": _HELPERS, "POST": _HELPERS},
    "console:redeem": {"GET": _HELPERS, "POST": _HELPERS},
    "console:issue": {"GET": _OWNER, "POST": _OWNER},  # no limit of adjustments holds what a partner gives
    "console:adjust": {"GET": _PEOPLE, "POST": _HELPERS},
    "console:links": {"GET": _PEOPLE},
    "console:merge": {"GET": _HELPERS, "POST": _HELPERS},
    "console:separate": {"GET": _HELPERS, "POST": _HELPERS},
    "console:set_household": {"POST": _HELPERS},
    "console:pool": {"GET": _PEOPLE, "POST": _HELPERS},
    "console:withdraw": {"GET": _HELPERS, "POST": _HELPERS},
    "console:duplicates": {"GET": _PEOPLE, "POST": _HELPERS},
    "console:duplicate": {"GET": _PEOPLE, "POST": _HELPERS},
    "console:duplicate_undo": {"POST": _HELPERS},
    "console:why": {"GET": _PEOPLE},
    "console:erase": {"GET": _OWNER, "POST": _OWNER},
    "console:export": {"POST": _HELPERS - {Role.MARKETER}},
    "console:erasures": {"GET": _PEOPLE},
    "console:erasure_receipt": {"GET": _PEOPLE},
    "console:erasure_lift": {"POST": _OWNER},
    "console:consents": {"GET": _PEOPLE, "POST": _HELPERS},
    "console:consent_texts": {"GET": _FIGURES, "POST": _WRITERS},
    "console:consent_confirm": {"GET": _ANYBODY, "POST": _ANYBODY},
    "console:consent_withdraw": {"GET": _ANYBODY, "POST": _ANYBODY},
    "console:segments": {"GET": _FIGURES},
    "console:segment": {"GET": _FIGURES},
    "console:members": {"GET": _FIGURES},
    "console:changes": {"GET": _FIGURES},
    "console:changes_csv": {"GET": _PEOPLE - {Role.AGENT}},
    "console:traits": {"GET": _FIGURES},
    "console:new_trait": {"GET": _COUNTERS, "POST": _COUNTERS},
    "console:trait": {"GET": _FIGURES, "POST": _COUNTERS},
    "console:trait_remove": {"POST": _COUNTERS},
    "console:customer_traits": {"GET": _PEOPLE},
    "console:trait_why": {"GET": _PEOPLE},
    "console:programme": {"GET": _FIGURES},
    "console:programme_edit": {"GET": _WRITERS, "POST": _WRITERS},
    "console:ledger": {"GET": _SOURCES},
    "console:movements": {"GET": _SOURCES},
    "console:adjustments": {"GET": _PEOPLE},
    "console:adjustment_limit": {"POST": _OWNER},
    "console:adjustment_decide": {"POST": _WRITERS},
    "console:liability": {"GET": _SOURCES},
    "console:liability_csv": {"GET": _SOURCES},
    "console:valuation": {"POST": _OWNER},
    "console:settlement": {"GET": _SOURCES},
    "console:settlement_csv": {"GET": _SOURCES},
    "console:partners": {"GET": _SOURCES, "POST": _OWNER},
    "console:partner_close": {"POST": _OWNER},
    "console:partner_open": {"POST": _OWNER},
    "console:audit": {"GET": _SOURCES, "POST": _OWNER},
    "console:audit_stop": {"POST": _OWNER},
    "console:programme_draft": {"GET": _WRITERS, "POST": _WRITERS},
    "console:programme_versions": {"GET": _FIGURES},
    "console:programme_withdraw": {"POST": _WRITERS},
    "console:programme_revert": {"POST": _WRITERS},
    "console:programme_second_person": {"POST": _OWNER},
    "console:budgets": {"GET": _FIGURES},
    "console:budget_warning": {"GET": _FIGURES},
    "console:budget_close": {"POST": _WRITERS},
    "console:simulation": {"GET": _SIMULATORS, "POST": _SIMULATORS},
    "console:simulation_run": {"GET": _SIMULATORS},
    "console:simulation_on": {"POST": _SIMULATORS},
    "console:simulation_stop": {"POST": _SIMULATORS},
    "console:simulation_people": {"GET": _WRITERS},
    "console:simulation_people_csv": {"GET": _WRITERS},
    "console:insights": {"GET": _FIGURES},
    "console:retention": {"GET": _FIGURES},
    "console:cohorts": {"GET": _FIGURES},
    "console:repeat": {"GET": _FIGURES},
    "console:best": {"GET": _FIGURES},
    "console:behind": {"GET": _PEOPLE},
    "console:behind_csv": {"GET": _PEOPLE - {Role.AGENT}},
    "console:sources": {"GET": _SOURCES, "POST": _OWNER},
    "console:source": {"GET": _SOURCES},
    "console:uploads": {"GET": _MESSAGES, "POST": _WRITERS},
    "console:upload": {"GET": _MESSAGES, "POST": _WRITERS},
    "console:upload_stop": {"POST": _WRITERS},
    "console:upload_go_on": {"POST": _WRITERS},
    "console:upload_rejects": {"GET": _WRITERS},
    "console:strictness": {"POST": _OWNER},
    "console:new_key": {"POST": _OWNER},
    "console:revoke": {"GET": _OWNER, "POST": _OWNER},
    "console:refusals": {"GET": _MESSAGES},
    "console:refusal": {"GET": _MESSAGES, "POST": _OWNER},
    "console:dismissal": {"POST": _OWNER},
    "console:identity_rules": {"GET": _MESSAGES, "POST": _OWNER},
    "console:swallowers": {"GET": _MESSAGES},
    "console:webhooks": {"GET": _SOURCES, "POST": _OWNER},
    "console:webhook": {"GET": _SOURCES, "POST": _OWNER},
    "console:webhook_test": {"POST": _OWNER},
    "console:webhook_secret": {"POST": _OWNER},
    "console:webhook_switch": {"POST": _OWNER},
    "console:webhook_delete": {"GET": _OWNER, "POST": _OWNER},
    "console:webhook_all_again": {"POST": _OWNER},
    "console:webhook_delivery": {"GET": _SOURCES},
    "console:webhook_again": {"POST": _OWNER},
    "console:kinds": {"GET": _SOURCES},
    "console:kind": {"GET": _MESSAGES, "POST": _OWNER},
}


def roles_of(name: str, method: str) -> frozenset[str] | None:
    """Who may send this method to the address of this name; None where it is not answered at all."""
    return RULES.get(name, {}).get(method)


def may(role: str, name: str, method: str = "GET") -> bool:
    """Whether somebody in this role may."""
    return role in (roles_of(name, method) or ())


def may_see_people(role: str) -> bool:
    """Whether lists of figures may name the customers behind them."""
    return may(role, "console:customer")
