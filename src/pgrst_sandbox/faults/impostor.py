"""What answers in PostgREST's place: for `gateway.serving`."""

from pgrst_sandbox.faults.gateway import Request, Response


def page(request: Request) -> Response:
    """A web site, or a single-page fallback: the same HTML for every path."""
    del request
    return Response(
        headers={"Content-Type": "text/html"}, body=b"<!doctype html><title>app</title>"
    )


def json_not_found(request: Request) -> Response:
    """Another API: it knows no path."""
    del request
    return Response(404, {"Content-Type": "application/json"}, b'{"error": "Not Found"}')


def json_ok(request: Request) -> Response:
    """A mock that finds everything."""
    del request
    return Response(headers={"Content-Type": "application/json"}, body=b"[]")


def green(request: Request) -> Response:
    """A cache that answers everything with what once was the plan of somebody's probe."""
    del request
    headers = {"Server": "postgrest/14.14", "Content-Type": "application/json"}
    body = b"""{"code": "PGRST122", "details": "Invalid preferences: x-pgrst-gate-0a1b2c3d4e5f=1",
        "hint": null, "message": "Invalid preferences given with handling=strict"}"""
    return Response(400, headers, body)
