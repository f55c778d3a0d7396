"""Behind the one proxy that STAMGAST_HTTPS speaks of."""

from stamgast.asgi import _see_through_proxy


def test_the_visitor_came_by_https_from_the_address_that_the_proxy_added():
    scope = {
        "type": "http",
        "scheme": "http",
        "client": ("10.0.0.1", 5),
        "headers": [(b"x-forwarded-for", b"6.6.6.6, 192.0.2.7")],
    }
    _see_through_proxy(scope)
    assert (scope["scheme"], scope["client"]) == ("https", ("192.0.2.7", 0))


def test_a_proxy_that_names_no_visitor_leaves_the_address():
    scope = {"type": "http", "scheme": "http", "client": ("10.0.0.1", 5), "headers": []}
    _see_through_proxy(scope)
    assert (scope["scheme"], scope["client"]) == ("https", ("10.0.0.1", 5))
