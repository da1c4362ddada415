#!/usr/bin/env python3
"""The index: links to the same form in four languages, and what a CGI program is given, its environment."""

import os
import sys
from html import escape

sys.stdout.reconfigure(encoding="utf-8", errors="replace")

FORMS = [
    ("form.sh", "Shell", "with awk"),
    ("form.py", "Python", "with the standard library"),
    ("form.pl", "Perl", "without modules"),
    ("form-c", "C", "with the C library"),
]


def link(file, language, means):
    # The working directory of a CGI program is the folder that it is in.
    if not os.access(file, os.X_OK):
        return f"<li>{language} <span class='note'>not compiled yet: <code>cc -o form-c form.c</code></span>"
    return f'<li><a href="{file}">{language}</a> <span class="note"><code>{file}</code>, {means}</span>'


def environment():
    # Bytes: a client may send what is no UTF-8.
    for name, value in sorted(os.environb.items()):
        yield name.decode("utf-8", "replace"), value.decode("utf-8", "replace")


links = "\n".join(link(*form) for form in FORMS)
rows = "\n".join(f"<tr><th>{escape(name)}<td>{escape(value)}" for name, value in environment())

print(f"""\
Content-Type: text/html; charset=utf-8
Content-Security-Policy: default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'
X-Content-Type-Options: nosniff

<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>CGI programs</title>
<link rel="stylesheet" href="style.cgi">
<main>
<h1>CGI programs</h1>
<p>Each of these is an executable file in <code>examples/cgi-bin</code>. For each request one is started, reads the
request from its environment and from standard input, and prints the answer.
<h2>The same form in four languages</h2>
<ul class="programs">
{links}
</ul>
<h2>What this program was given</h2>
<p class="note">Its environment. Send it something: <a href="?name=value&amp;more=%3Cb%3E">a query</a>.
<table>
{rows}
</table>
</main>""")
