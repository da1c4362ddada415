#!/bin/sh
# The style sheet, for a folder of CGI programs serves nothing but what programs say.
cat <<'END'
Content-Type: text/css; charset=utf-8
Cache-Control: max-age=3600

:root {
  --ink: #1f2430;
  --muted: #667085;
  --line: #dfe3ea;
  --paper: #ffffff;
  --ground: #f4f6fa;
  --accent: #4f46e5;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e9f0;
    --muted: #98a2b3;
    --line: #303747;
    --paper: #1b202c;
    --ground: #12161f;
    --accent: #8b85ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0;
  padding: 2rem 1rem 4rem;
  background: var(--ground);
  color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif;
}
nav, main { max-width: 46rem; margin: 0 auto; }
nav { display: flex; flex-wrap: wrap; gap: 0.4rem 1.2rem; margin-bottom: 2rem; }
a { color: var(--accent); }
nav a { text-decoration: none; font-weight: 600; }
nav a:hover { text-decoration: underline; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 0.75rem; }
code { font: 0.9em ui-monospace, monospace; }
.note { color: var(--muted); font-size: 0.9rem; }
form, .answer, .programs, table {
  background: var(--paper);
  border: 1px solid var(--line);
  border-radius: 0.75rem;
}
form { display: grid; gap: 1rem; padding: 1.5rem; }
label { display: grid; gap: 0.3rem; font-weight: 600; }
input, textarea {
  width: 100%;
  padding: 0.55rem 0.7rem;
  border: 1px solid var(--line);
  border-radius: 0.5rem;
  background: var(--ground);
  color: inherit;
  font: inherit;
  font-weight: 400;
}
input[type="color"] { width: 4rem; height: 2.6rem; padding: 0.2rem; }
form p { display: flex; flex-wrap: wrap; gap: 0.6rem; margin: 0; }
button {
  padding: 0.6rem 1.1rem;
  border: 0;
  border-radius: 0.5rem;
  background: var(--accent);
  color: var(--paper);
  font: inherit;
  font-weight: 600;
  cursor: pointer;
}
.answer { position: relative; margin-bottom: 1.5rem; padding: 1.25rem 1.5rem 1.25rem 2.25rem; overflow: hidden; overflow-wrap: anywhere; }
.answer svg { position: absolute; inset: 0 auto 0 0; width: 0.75rem; height: 100%; }
.answer h2 { margin: 0 0 0.25rem; }
.answer p { margin: 0.25rem 0; white-space: pre-wrap; }
.programs { list-style: none; margin: 0; padding: 0; }
.programs li { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; padding: 0.8rem 1.25rem; }
.programs li + li { border-top: 1px solid var(--line); }
.programs a { min-width: 5rem; font-weight: 600; }
table { width: 100%; border-collapse: separate; border-spacing: 0; overflow: hidden; font-size: 0.9rem; }
th, td { padding: 0.45rem 1rem; text-align: left; vertical-align: top; }
tr + tr > * { border-top: 1px solid var(--line); }
th { width: 1%; white-space: nowrap; font: 600 0.85rem/1.7 ui-monospace, monospace; }
td { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
END
