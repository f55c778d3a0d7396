"""How to read a simulation: of whom and what it is, and under which behaviour."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stamgast.console import reader
from stamgast.console.words import currency_label
from stamgast.flows.simulation.answering import Answer, CurrencyAnswer


def notes_of(answer: Answer) -> list[str]:
    numbers = {
        "some": reader.number(answer.looked_at),
        "all": reader.number(answer.customers),
        "activities": reader.number(answer.activities),
        "seconds": reader.number(answer.seconds, 1),
        "when": reader.weekday(answer.read_at),
    }
    notes = [
        _(
            "Worked out in %(seconds)s s for %(some)s of %(all)s customers, a sample that is always the same, with "
            "%(activities)s activities. Figures are estimates of all; intervals hold the whole nineteen times out of twenty."
        )
        % numbers
        if answer.is_estimate
        else _("Worked out in %(seconds)s s for all %(all)s customers, with %(activities)s activities.") % numbers,
        _("What came in up to %(when)s counts. The programme in force is taken with all its versions, as they held.") % numbers,
    ]
    if answer.waiting:
        notes.append(
            ngettext(
                "When the history was read, %(count)s activity was waiting to be decided and did not count. The worker decides "
                "them: simulate again later, and read the history anew.",
                "When the history was read, %(count)s activities were waiting to be decided and did not count. The worker "
                "decides them: simulate again later, and read the history anew.",
                answer.waiting,
            )
            % {"count": reader.number(answer.waiting)}
        )
    if answer.since is not None:
        notes.append(
            _("The draft takes effect on %(day)s; what was given before is outstanding on both sides and does not count.")
            % {"day": reader.day(answer.since)}
        )
    if answer.redemption is not None:
        notes.append(
            _(
                "Behaviour: %(share)s of what is given is redeemed, evenly over a year or over its life where that is shorter. "
                "The rest expires when the document says so."
            )
            % {"share": reader.percent(answer.redemption / 10_000)}
        )
    else:
        notes.append(_("Behaviour: as points of each age were redeemed until now, by the ledger."))
        if not all(one.is_firm for one in answer.currencies):
            notes.append(_("The history is too short for that, or too little was redeemed: state a share instead."))
    counted = [name for one in answer.currencies if (name := _only_counted(one))]
    if counted:
        names = {"currencies": ", ".join(counted)}
        notes.append(
            _("Only counted, and not to be spent: %(currencies)s. None of it is redeemed, and it has no breakage.") % names
        )
    return notes


def _only_counted(one: CurrencyAnswer) -> str:
    """The name of a currency that cannot be spent, with the side where it is one alone; nothing where it can be spent."""
    label = currency_label(one.currency)
    if one.is_spendable_before and one.is_spendable_after:
        return ""
    if one.is_spendable_before:
        return f"{label} ({_('Draft')})"
    return f"{label} ({_('In force')})" if one.is_spendable_after else label
