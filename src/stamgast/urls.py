"""Every address of the product."""

from django.urls import URLPattern, URLResolver, include, path

from stamgast.api.v1 import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", api.urls),
    path("", include("stamgast.console.urls")),
]
handler400 = "stamgast.console.views.problems.bad_request"
handler403 = "stamgast.console.views.problems.forbidden"
handler404 = "stamgast.console.views.problems.not_found"
handler500 = "stamgast.console.views.problems.broken"
