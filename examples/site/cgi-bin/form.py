#!/usr/bin/env python3
"""A CGI program in Python: a form by POST. ../../cgi-bin has it in more languages, and with GET."""

import os
import sys
from html import escape
from urllib.parse import parse_qs

MAX_BODY_BYTES = 65536

sys.stdout.reconfigure(encoding="utf-8", errors="replace")


def fail(status, more=""):
    print(f"Status: {status}\nContent-Type: text/plain\n{more}\n{status}")
    sys.exit()


def read_form():
    method = os.environ["REQUEST_METHOD"]
    if method in ("GET", "HEAD"):
        return {}
    if method != "POST":
        fail("405 Method Not Allowed", "Allow: GET, HEAD, POST\n")
    if not os.environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        fail("415 Unsupported Media Type")
    length = int(os.environ.get("CONTENT_LENGTH") or 0)
    if length > MAX_BODY_BYTES:
        fail("413 Content Too Large")
    return parse_qs(sys.stdin.buffer.read(length).decode("utf-8", "replace"))


form = read_form()
# Escaped at once: nothing that a client sends gets into the page in another way.
name, message = (escape(form.get(field, [""])[0]) for field in ("name", "message"))
answer = ""
if form:
    answer = f"""<section class="panel answer" id="answer">
<h2>Hello, {name}!</h2>
<p class="text">{message}</p>
</section>
"""

print(f"""\
Content-Type: text/html; charset=utf-8
Content-Security-Policy: default-src 'self'
X-Content-Type-Options: nosniff

<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A form in Python</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header class="bar"><a class="home" href="/">xgi</a><span class="badge">CGI · Python</span></header>
<main class="narrow">
<h1>A form in Python</h1>
{answer}<form class="panel stack" method="post" action="form.py">
<label>Name <input name="name" value="{name}" maxlength="80" required></label>
<label>Message <textarea name="message" rows="3">{message}</textarea></label>
<p><button>Send</button></p>
</form>
<p class="note">A plain script, run in a fork of an interpreter that is there already.
<a href="./">More CGI programs</a></p>
</main>
</body>
</html>""")
