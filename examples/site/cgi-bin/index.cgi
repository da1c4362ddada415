#!/bin/sh
# A CGI program in POSIX shell: what it was given is its environment, and what it prints is the answer.
set -u

escape() {
  sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'
}

cat <<END
Content-Type: text/html; charset=utf-8
Content-Security-Policy: default-src 'self'
X-Content-Type-Options: nosniff

<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>CGI programs</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header class="bar"><a class="home" href="/">xgi</a><span class="badge">CGI · Shell</span></header>
<main class="narrow">
<h1>CGI programs</h1>
<p class="lead">Each is an executable file in <code>examples/site/cgi-bin</code>: this one in shell, <a href="form.py">a form in
Python</a>, <a href="calendar.pl">a calendar in Perl</a>.</p>
<h2>What this program was given</h2>
<p>Its environment. Send it something: <a href="?name=value&amp;more=%3Cb%3E">a query</a>, <a href="index.cgi/some/path">a
path</a>.</p>
<table class="panel mono">
<tbody>
END
env | LC_ALL=C sort | escape | sed -n 's|^\([A-Z][A-Z0-9_]*\)=\(.*\)|<tr><th>\1</th><td>\2</td></tr>|p'
cat <<'END'
</tbody>
</table>
</main>
</body>
</html>
END
