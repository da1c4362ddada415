#!/usr/bin/env python3
"""A form in Python: name, colour and message, by GET and by POST."""

import os
import re
import sys
from html import escape
from urllib.parse import parse_qs

MAX_BODY_BYTES = 65536
DEFAULT_COLOUR = "#4f46e5"

sys.stdout.reconfigure(encoding="utf-8", errors="replace")


def fail(status, more=""):
    print(f"Status: {status}\nContent-Type: text/plain\n{more}\n{status}")
    sys.exit()


def read_form():
    """The text of the form as it was sent: name=Ada&colour=%23ff0000"""
    method = os.environ["REQUEST_METHOD"]
    if method in ("GET", "HEAD"):
        return os.environ["QUERY_STRING"]
    if method != "POST":
        fail("405 Method Not Allowed", "Allow: GET, HEAD, POST\n")
    if not os.environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        fail("415 Unsupported Media Type")
    length = int(os.environ.get("CONTENT_LENGTH") or 0)
    if length > MAX_BODY_BYTES:
        fail("413 Content Too Large")
    return sys.stdin.buffer.read(length).decode("utf-8", "replace")


form = read_form()
fields = parse_qs(form, keep_blank_values=True)


def field(name):
    # Escaped at once: nothing that a client sends gets into the page in another way.
    return escape(fields.get(name, [""])[0])


name, colour, message = field("name"), field("colour"), field("message")
if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
    colour = DEFAULT_COLOUR

answer = ""
if form:
    answer = f"""<section class="answer">
<svg viewBox="0 0 1 1" preserveAspectRatio="none"><rect width="1" height="1" fill="{colour}"/></svg>
<h2>Hello, {name}!</h2>
<p>{message}</p>
<p class="note">By {os.environ["REQUEST_METHOD"]}, in {colour}.</p>
</section>
"""

print(f"""\
Content-Type: text/html; charset=utf-8
Content-Security-Policy: default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'
X-Content-Type-Options: nosniff

<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>A form in Python</title>
<link rel="stylesheet" href="style.cgi">
<nav>
<a href="./">Index</a> <a href="form.sh">Shell</a> <a href="form.py">Python</a>
<a href="form.pl">Perl</a> <a href="form-c">C</a>
</nav>
<main>
<h1>A form in Python</h1>
{answer}<form action="form.py">
<label>Name <input name="name" value="{name}" required></label>
<label>Colour <input name="colour" type="color" value="{colour}"></label>
<label>Message <textarea name="message" rows="3">{message}</textarea></label>
<p><button formmethod="get">Send with GET</button><button formmethod="post">Send with POST</button></p>
</form>
</main>""")
