"""What holds for every answer of the site, whoever made it: a page, a file, a redirect, an error."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

# Sensors, devices and money: no page of ours asks for them, and no page in a frame of ours could.
_NOT_USED = (
    *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "hid", "magnetometer"),
    *("microphone", "midi", "payment", "serial", "usb"),
)
HEADERS = {
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _NOT_USED),
    # Other sites' pages may not load what is here, not even as a picture that nobody sees. What is made for
    # them (a chart to embed, a badge, a card) says so itself.
    "Cross-Origin-Resource-Policy": "same-origin",
    # Public pages and static files say how long they may be kept. Whatever says nothing is about somebody.
    "Cache-Control": "no-store",
}
MULTIPART_OVERHEAD = 1_000_000  # bytes of a form beside its file

View = Callable[[HttpRequest], HttpResponseBase]


def safe_headers(get_response: View) -> View:
    """Middleware: give each answer the headers that Django has no setting for."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return answer


def bounded_requests(get_response: View) -> View:
    """Middleware: refuse a request that is larger than any upload may be, before a byte of it is read.

    Django reads a form before any view is asked, also of somebody who is not signed in, and writes its files
    to the disk. Without a length nothing is read at all.
    """

    def answer(request: HttpRequest) -> HttpResponseBase:
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0  # as Django takes it
        if length > settings.LARGEST_UPLOAD_BYTES + MULTIPART_OVERHEAD:
            response: HttpResponseBase = render(
                request, "413.html", {"megabytes": settings.LARGEST_UPLOAD_BYTES // 1_000_000}, status=413
            )
            response.headers["Connection"] = "close"
            return response
        return get_response(request)

    return answer
