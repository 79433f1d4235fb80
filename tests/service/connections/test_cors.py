"""Headers for pages of other origins."""

from service.connections.cors import cors

ALLOWED = ("https://app.example.com", "https://*.example.org")


def test_an_allowed_page_may_read_with_its_cookies():
    assert cors({"Origin": "https://a.example.org"}, "h", ALLOWED) == {
        "Access-Control-Allow-Origin": "https://a.example.org",
        "Access-Control-Allow-Credentials": "true",
        "Vary": "Origin",
    }


def test_a_foreign_page_and_no_page_get_nothing():
    assert cors({"Origin": "https://evil.example"}, "h", ALLOWED) == {}
    assert cors({}, "h", ALLOWED) == {}


def test_a_page_of_our_own_host_is_always_allowed():
    assert cors({"Origin": "http://h:8000"}, "h:8000", ())["Access-Control-Allow-Origin"] == "http://h:8000"


def test_a_preflight_may_send_the_headers_that_it_names():
    headers = {"Origin": ALLOWED[0], "Access-Control-Request-Headers": "content-type, x-a"}
    found = cors(headers, "h", ALLOWED)
    assert found["Access-Control-Allow-Headers"] == "content-type, x-a"
    assert int(found["Access-Control-Max-Age"]) > 0
    assert "Access-Control-Allow-Headers" not in cors(
        {**headers, "Access-Control-Request-Headers": "null"}, "h", ALLOWED
    )
