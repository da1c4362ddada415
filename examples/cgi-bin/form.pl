#!/usr/bin/perl -T
# A form in Perl: name, colour and message, by GET and by POST.
use strict;
use warnings;

use constant MAX_BODY_BYTES => 65536;
use constant DEFAULT_COLOUR => '#4f46e5';

my %ESCAPES = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;', '"' => '&quot;', "'" => '&#x27;');

binmode STDIN;
binmode STDOUT;

sub fail {
  my ($status, $more) = @_;
  print "Status: $status\nContent-Type: text/plain\n", $more // '', "\n$status\n";
  exit;
}

# The text of the form as it was sent: name=Ada&colour=%23ff0000
sub read_form {
  my $method = $ENV{REQUEST_METHOD};
  return $ENV{QUERY_STRING} if $method eq 'GET' || $method eq 'HEAD';
  fail('405 Method Not Allowed', "Allow: GET, HEAD, POST\n") if $method ne 'POST';
  fail('415 Unsupported Media Type') if ($ENV{CONTENT_TYPE} // '') !~ m{^application/x-www-form-urlencoded};
  my $length = $ENV{CONTENT_LENGTH} || 0;
  fail('413 Content Too Large') if $length > MAX_BODY_BYTES;
  my $body;
  read STDIN, $body, $length;
  return $body;
}

sub decode {
  my ($text) = @_;
  $text =~ tr/+/ /;
  $text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
  return $text;
}

my $form = read_form();

# Escaped at once: nothing that a client sends gets into the page in another way.
sub field {
  my ($wanted) = @_;
  for my $pair (split /&/, $form) {
    my ($name, $value) = map { decode($_) } split /=/, $pair, 2;
    next if !defined $name || $name ne $wanted;
    $value //= '';
    $value =~ s/([&<>"'])/$ESCAPES{$1}/g;
    return $value;
  }
  return '';
}

my ($name, $colour, $message) = (field('name'), field('colour'), field('message'));
$colour = DEFAULT_COLOUR if $colour !~ /\A#[0-9a-fA-F]{6}\z/;

my $answer = $form eq '' ? '' : <<"END";
<section class="answer">
<svg viewBox="0 0 1 1" preserveAspectRatio="none"><rect width="1" height="1" fill="$colour"/></svg>
<h2>Hello, $name!</h2>
<p>$message</p>
<p class="note">By $ENV{REQUEST_METHOD}, in $colour.</p>
</section>
END

print <<"END";
Content-Type: text/html; charset=utf-8
Content-Security-Policy: default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'
X-Content-Type-Options: nosniff

<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>A form in Perl</title>
<link rel="stylesheet" href="style.cgi">
<nav>
<a href="./">Index</a> <a href="form.sh">Shell</a> <a href="form.py">Python</a>
<a href="form.pl">Perl</a> <a href="form-c">C</a>
</nav>
<main>
<h1>A form in Perl</h1>
$answer<form action="form.pl">
<label>Name <input name="name" value="$name" required></label>
<label>Colour <input name="colour" type="color" value="$colour"></label>
<label>Message <textarea name="message" rows="3">$message</textarea></label>
<p><button formmethod="get">Send with GET</button><button formmethod="post">Send with POST</button></p>
</form>
</main>
END
