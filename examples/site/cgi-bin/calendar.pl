#!/usr/bin/perl -T
# A CGI program in Perl, without modules: a month, by the query ?2026-11.
use strict;
use warnings;

my @NAMES = qw(January February March April May June July August September October November December);

my (undef, undef, undef, $today, $this_month, $this_year) = localtime;
$this_month += 1;
$this_year += 1900;

my ($year, $month) = ($ENV{QUERY_STRING} // '') =~ /\A(\d{4})-(0[1-9]|1[0-2])\z/;
($year, $month) = ($this_year, $this_month) if !defined $month;
$month += 0;
# The Gregorian calendar, and four digits on both sides.
($year, $month) = ($this_year, $this_month) if $year < 1583 || $year > 9998;

sub days_in_month {
  return (31, $year % 4 == 0 && ($year % 100 != 0 || $year % 400 == 0) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[$month - 1];
}

# 0 is Monday. By Sakamoto's method.
sub weekday_of_first {
  my $y = $month < 3 ? $year - 1 : $year;
  my $offset = (0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4)[$month - 1];
  return ($y + int($y / 4) - int($y / 100) + int($y / 400) + $offset + 1 + 6) % 7;
}

sub query_of {
  my ($months) = @_;
  my $all = $year * 12 + $month - 1 + $months;
  return sprintf '%04d-%02d', int($all / 12), $all % 12 + 1;
}

my @cells = (('<td></td>') x weekday_of_first(), map {
  $_ == $today && $month == $this_month && $year == $this_year ? "<td class=\"today\">$_</td>" : "<td>$_</td>"
} 1 .. days_in_month());
push @cells, '<td></td>' while @cells % 7;
my $rows = '';
$rows .= '<tr>' . join('', splice @cells, 0, 7) . "</tr>\n" while @cells;
my ($before, $after) = (query_of(-1), query_of(1));

print <<"END";
Content-Type: text/html; charset=utf-8
Content-Security-Policy: default-src 'self'
X-Content-Type-Options: nosniff

<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A calendar in Perl</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header class="bar"><a class="home" href="/">xgi</a><span class="badge">CGI · Perl</span></header>
<main class="narrow">
<h1>$NAMES[$month - 1] $year</h1>
<table class="panel calendar">
<thead><tr><th>Mo</th><th>Tu</th><th>We</th><th>Th</th><th>Fr</th><th>Sa</th><th>Su</th></tr></thead>
<tbody>
$rows</tbody>
</table>
<p class="row"><a href="?$before">← $before</a> <a href="calendar.pl">today</a> <a href="?$after">$after →</a></p>
</main>
</body>
</html>
END
