"""The smallest honest answer: 13 bytes of plain text with a Content-Length."""

BODY = b"Hello, World!"
FIELDS = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]


def app(environ, start_response):
    start_response("200 OK", list(FIELDS))
    return [BODY]
