"""The console's own words for people, roles, scopes and what stands in the trail. No request, no database."""

from django.utils.translation import gettext as _


def role_label(role: str) -> str:
    """What a role is called, for a person."""
    labels = {
        "owner": _("Owner"),
        "marketer": _("Marketer"),
        "analyst": _("Analyst"),
        "agent": _("Service agent"),
        "cashier": _("Cashier"),
        "auditor": _("Auditor"),
    }
    return labels.get(role, role)


def role_sentence(role: str) -> str:
    """What a role is for."""
    sentences = {
        "owner": _("May do everything, and adds people."),
        "marketer": _("Works on segments and the programme, and sees who the customers are."),
        "analyst": _("Sees every figure and not one customer."),
        "agent": _("Helps customers: sees who they are and does what they ask."),
        "cashier": _("Finds a customer at the till and sees the score."),
        "auditor": _("Reads everything, the trail included, and changes nothing."),
    }
    return sentences.get(role, "")


def scope_sentence(scope: str) -> str:
    """What a scope lets a key do; one that has no words yet by its own name."""
    sentences = {
        "customers:read": _("read customers"),
        "measures:read": _("read measures"),
        "customers:write": _("change customers"),
        "consents:write": _("write down consent"),
        "segments:read": _("read segments"),
        "movements:read": _("read movements"),
        "points:spend": _("spend points and set them aside"),
        "points:reverse": _("give back spent points"),
        "points:transfer": _("transfer points between customers"),
        "points:adjust": _("put a balance right by hand"),
        "points:issue": _("give points on a partner's behalf"),
        "programmes:read": _("read programmes and their versions"),
        "programmes:draft": _("send drafts of a programme to review"),
        "*": _("everything"),
    }
    return sentences.get(scope, scope)


def agent_words(agent: str) -> str:
    """The browser and the system behind a User-Agent, as far as a person wants to know: Firefox on Linux."""
    browsers = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
    systems = (
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "Mac"),
        ("Linux", "Linux"),
    )
    browser = next((name for mark, name in browsers if mark in agent), "")
    system = next((name for mark, name in systems if mark in agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("a browser we do not know")


def action_label(action: str) -> str:
    """What was done, as the trail tells it; an action that has no words yet by its own name."""
    labels = {
        "create key": _("made an API key"),
        "revoke key": _("revoked an API key"),
        "set limit of key": _("changed the limit of an API key"),
        "create staff": _("added a person"),
        "set role": _("gave a person another role"),
        "shut out": _("shut a person out"),
        "let in": _("let a person in again"),
        "make link": _("made a link to choose a password"),
        "set password": _("chose a password"),
        "sign in": _("signed in"),
        "end sessions": _("ended sessions"),
        "turn on second factor": _("set up a second factor"),
        "turn off second factor": _("took a second factor away"),
        "use recovery code": _("used a recovery code"),
        "renew recovery codes": _("made new recovery codes"),
        "require second factor": _("decided who needs a second factor"),
        "seal with new secret": _("sealed with the new secret"),
        "create source": _("added a source"),
        "create source key": _("made a key for a source"),
        "revoke source key": _("revoked a key of a source"),
        "set strictness": _("changed how a source is answered"),
        "set schema": _("changed the schema of a kind"),
        "merge customers": _("made one customer of two"),
        "separate identifier": _("took an identifier away from a customer"),
        "withdraw judgement": _("took back who is one customer"),
        "set consent": _("wrote down a consent"),
        "publish consent text": _("published a text that asks for consent"),
        "export customers": _("exported customers"),
        "add trait": _("defined a computed trait"),
        "change trait": _("changed a computed trait"),
        "remove trait": _("removed a computed trait"),
        "publish programme": _("published a version of the programme"),
        "withdraw programme version": _("withdrew a version of the programme"),
        "begin programme draft": _("began a draft of the programme"),
        "edit programme draft": _("changed a draft of the programme"),
        "send programme draft to review": _("sent a draft of the programme to review"),
        "send programme draft back": _("sent a draft of the programme back"),
        "drop programme draft": _("threw a draft of the programme away"),
        "require second person": _("decided whether a second person publishes"),
        "make signing key": _("made the key that signs checkpoints"),
        "ask for audit": _("asked for an audit of the ledger"),
        "stop audit": _("stopped an audit of the ledger"),
        "give to a pool": _("gave points of a customer to the pool of their household"),
        "spend from a pool": _("spent points from the pool of a household"),
        "reverse a spend from a pool": _("gave a spend back to the pool of a household"),
        "take from a pool": _("moved points from the pool of a household to a customer"),
        "export statement": _("saved the statement of a customer"),
        "add partner": _("added a partner or charity"),
        "donate": _("gave points of a customer to a charity"),
        "redeem": _("used points of a customer at a partner"),
        "issue": _("gave a customer points of a partner"),
        "close partner": _("closed a partner or charity"),
        "open partner": _("opened a partner or charity again"),
        "set valuation": _("decided what points are worth in the books"),
        "adjust": _("put a balance right"),
        "propose adjustment": _("proposed to put a balance right"),
        "approve adjustment": _("approved that a balance is put right"),
        "refuse adjustment": _("refused that a balance is put right"),
        "set adjustment limit": _("decided from which amount a second person puts a balance right"),
        "keep shared view": _("kept a view for everybody"),
        "change shared view": _("changed everybody's view"),
        "share view": _("shared a view with everybody"),
        "take view back": _("took a view back from everybody"),
        "delete shared view": _("deleted everybody's view"),
    }
    return labels.get(action, action)
