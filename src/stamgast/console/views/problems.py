"""Pages that say what went wrong, in the house's own style. They ask the database nothing, for it may be what is wrong."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _


def problem_page(request: HttpRequest, status: int, *, detail: str = "") -> HttpResponse:
    """What happened, why, and where to go now."""
    titles = {
        400: _("We could not read that"),
        403: _("This is not yours to see"),
        404: _("There is nothing here"),
        409: _("Somebody was before you"),
        500: _("Something broke on our side"),
        503: _("The database does not answer"),
    }
    details = {
        400: _("The address or the form was incomplete. Go back and try once more."),
        403: _("Your session may have ended, or the form was open for too long. Go back, reload the page and try again."),
        404: _("The address may be old or have a typing error. Nothing was lost."),
        409: _("What you wanted to change was changed in the meantime. Go back and look again."),
        500: _(
            "It has been written down with the moment it happened. Try again; if it stays, tell the time to who "
            "looks after Stamgast."
        ),
        503: _("Activities that were accepted are safe. Try again in a minute."),
    }
    title = titles.get(status, titles[400])
    context = {"status": status, "title": title, "detail": detail or details.get(status, details[400])}
    return render(request, "console/problem.html", context, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 400."""
    return problem_page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponse:
    """Django's 403, a missing CSRF token among them."""
    return problem_page(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 404."""
    return problem_page(request, 404)


def broken(request: HttpRequest) -> HttpResponse:
    """Django's 500."""
    return problem_page(request, 500)
