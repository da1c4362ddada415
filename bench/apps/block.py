"""100 KB in one block: what the copy from the application to the client costs."""

BODY = bytes(index % 251 for index in range(100_000))
FIELDS = [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(BODY)))]


def app(environ, start_response):
    start_response("200 OK", list(FIELDS))
    return [BODY]
