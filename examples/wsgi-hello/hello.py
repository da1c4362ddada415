"""A WSGI application that shows what the gateway gives it. Standard library only.

/        the environ of the request, as a page
/clock   a response that is sent block by block while it is made
/echo    what a form posted

Run it with `xgi examples/wsgi-hello/hello.py`.
"""
import html
import time
from urllib.parse import parse_qsl

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
  h1 {{ font-size: 1.6rem; }}
  table {{ border-collapse: collapse; width: 100%; }}
  th, td {{ text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884; }}
  th, td, pre {{ font: 14px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }}
  th {{ font-weight: 600; white-space: nowrap; }}
  input {{ font: inherit; padding: .25rem .5rem; }}
</style>
<h1>{title}</h1>
{content}
</html>
"""

HOME = """<p>This page was made by a Python program behind xgi. Try the
<a href="/clock">clock</a>, which arrives second by second, or post a form:</p>
<form action="/echo" method="post">
  <input name="name" value="World" aria-label="Name"> <input type="submit" value="Greet">
</form>
<h2>The environ of this request</h2>
<table>{rows}</table>
"""

MAX_FORM_BYTES = 64 * 1024


def application(environ, start_response):
    """The WSGI entry point: finds the view by path, refuses other methods."""
    methods, view = ROUTES.get(environ["PATH_INFO"], (("GET",), not_found))
    method = environ["REQUEST_METHOD"]
    if method not in methods and not (method == "HEAD" and "GET" in methods):
        start_response("405 Method Not Allowed", [("Allow", ", ".join(methods)), ("Content-Length", "0")])
        return [b""]
    return view(environ, start_response)


def home(environ, start_response):
    rows = "".join(
        "<tr><th>{}<td>{}".format(html.escape(name), html.escape(repr(environ[name])))
        for name in sorted(environ)
    )
    return page(start_response, "Hello from WSGI", HOME.format(rows=rows))


def clock(environ, start_response):
    """A generator: each block goes to the client as soon as it is made."""
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])

    def ticks():
        for number in range(1, 6):
            yield "{}  {}\n".format(number, time.strftime("%H:%M:%S")).encode()
            time.sleep(1)
        yield b"done\n"

    return ticks()


def echo(environ, start_response):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > MAX_FORM_BYTES:
        return page(start_response, "That is too much", "<p>At most 64 KiB.</p>", "413 Content Too Large")
    fields = parse_qsl(environ["wsgi.input"].read(length).decode("utf-8", "replace"), keep_blank_values=True)
    name = dict(fields).get("name") or "nobody"
    rows = "".join("<tr><th>{}<td>{}".format(*map(html.escape, field)) for field in fields)
    content = '<table>{}</table>\n<p><a href="/">Back</a></p>'.format(rows)
    return page(start_response, "Hello, {}!".format(html.escape(name)), content)


def not_found(environ, start_response):
    content = '<p>Nothing is at this path. <a href="/">Back</a></p>'
    return page(start_response, "Not found", content, "404 Not Found")


def page(start_response, title, content, status="200 OK"):
    body = PAGE.format(title=title, content=content).encode()
    start_response(
        status, [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))]
    )
    return [body]


ROUTES = {
    "/": (("GET",), home),
    "/clock": (("GET",), clock),
    "/echo": (("POST",), echo),
}
