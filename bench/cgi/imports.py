#!/usr/bin/python3
"""Mostly imports, as many a script is. Each module has its part in the answer."""

import json
import os
import sqlite3
import sys
from http.cookies import SimpleCookie
from urllib.parse import parse_qsl

query = parse_qsl(os.environ["QUERY_STRING"])
cookies = SimpleCookie(os.environ.get("HTTP_COOKIE", ""))

database = sqlite3.connect(":memory:")
database.execute("CREATE TABLE fields (name TEXT, value TEXT)")
database.executemany("INSERT INTO fields VALUES (?, ?)", query)
longest = database.execute("SELECT max(length(value)) FROM fields").fetchone()[0]

document = {
    "cookies": {name: morsel.value for name, morsel in cookies.items()},
    "longest": longest,
    "query": dict(query),
}
sys.stdout.write(f"Content-Type: application/json\r\n\r\n{json.dumps(document, sort_keys=True)}\n")
