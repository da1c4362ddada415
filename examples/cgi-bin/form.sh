#!/bin/sh
# A form in shell: name, colour and message, by GET and by POST.
#
# What keeps it safe: what a client sends is only ever inside "quotes", never the format of printf, and never meets eval.
set -u
# Bytes, in awk as well.
LC_ALL=C
export LC_ALL

MAX_BODY_BYTES=65536
DEFAULT_COLOUR='#4f46e5'

fail() {
  printf 'Status: %s\nContent-Type: text/plain\n%s\n%s\n' "$1" "${2:-}" "$1"
  exit
}

# The text of the form as it was sent: name=Ada&colour=%23ff0000
case $REQUEST_METHOD in
  GET | HEAD)
    form=$QUERY_STRING
    ;;
  POST)
    case ${CONTENT_TYPE:-} in
      application/x-www-form-urlencoded*) ;;
      *) fail '415 Unsupported Media Type' ;;
    esac
    [ "${CONTENT_LENGTH:-0}" -le "$MAX_BODY_BYTES" ] || fail '413 Content Too Large'
    form=$(head -c "${CONTENT_LENGTH:-0}")
    ;;
  *)
    fail '405 Method Not Allowed' 'Allow: GET, HEAD, POST
'
    ;;
esac

# The value of a field, escaped at once: nothing that a client sends gets into the page in another way.
field() {
  printf '%s' "$form" | awk -v wanted="$1" '
    BEGIN {
      RS = "&"
      for (i = 1; i < 256; i++) byte[sprintf("%02x", i)] = sprintf("%c", i)
    }
    {
      equals = index($0 "=", "=")
      if (decode(substr($0, 1, equals - 1)) != wanted) next
      printf "%s", escape(decode(substr($0, equals + 1)))
      exit
    }
    function decode(text,    done) {
      gsub(/\+/, " ", text)
      done = ""
      while (match(text, /%[0-9A-Fa-f][0-9A-Fa-f]/)) {
        done = done substr(text, 1, RSTART - 1) byte[tolower(substr(text, RSTART + 1, 2))]
        text = substr(text, RSTART + 3)
      }
      return done text
    }
    function escape(text) {
      gsub(/&/, "\\&amp;", text)
      gsub(/</, "\\&lt;", text)
      gsub(/>/, "\\&gt;", text)
      gsub(/"/, "\\&quot;", text)
      gsub(/\047/, "\\&#x27;", text)
      return text
    }'
}

name=$(field name)
colour=$(field colour)
message=$(field message)
case $colour in
  '#'[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]) ;;
  *) colour=$DEFAULT_COLOUR ;;
esac

# Here documents put variables in and look no further into what they hold.
cat <<END
Content-Type: text/html; charset=utf-8
Content-Security-Policy: default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'
X-Content-Type-Options: nosniff

<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>A form in Shell</title>
<link rel="stylesheet" href="style.cgi">
<nav>
<a href="./">Index</a> <a href="form.sh">Shell</a> <a href="form.py">Python</a>
<a href="form.pl">Perl</a> <a href="form-c">C</a>
</nav>
<main>
<h1>A form in Shell</h1>
END

[ -z "$form" ] || cat <<END
<section class="answer">
<svg viewBox="0 0 1 1" preserveAspectRatio="none"><rect width="1" height="1" fill="$colour"/></svg>
<h2>Hello, $name!</h2>
<p>$message</p>
<p class="note">By $REQUEST_METHOD, in $colour.</p>
</section>
END

cat <<END
<form action="form.sh">
<label>Name <input name="name" value="$name" required></label>
<label>Colour <input name="colour" type="color" value="$colour"></label>
<label>Message <textarea name="message" rows="3">$message</textarea></label>
<p><button formmethod="get">Send with GET</button><button formmethod="post">Send with POST</button></p>
</form>
</main>
END
