"""WSGI middleware of the configuration: what it is called with, in which order, and what stops the start."""

import unittest

from gateway import WorkerTest

SOURCE = """
import json

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [json.dumps(environ.get("test.way", [])).encode()]

class Marks:
    def __init__(self, application, name="", **options):
        self.application, self.mark = application, [name, options]

    def __call__(self, environ, start_response):
        environ.setdefault("test.way", []).append(self.mark)
        return self.application(environ, start_response)

class Group:
    inner = Marks

def returns_none(application): pass
def raises(application): raise KeyError("setting")
async def asgi(scope, receive, send): pass
def returns_asgi(application): return asgi
number = 3

def __getattr__(name):
    if name == "lazy": raise OSError("cannot load it")
    raise AttributeError(name)
"""


class Middleware(WorkerTest):
    def setUp(self):
        sources = {"lacks": "import nothing_of_this_name\n", "broken": "def (\n"}
        self.folder_of_modules = self.folder(application=SOURCE, **sources)

    def start_with(self, *middleware):
        listed = [{"target": target, "options": options} for target, options in middleware]
        hello = {"middleware": listed}
        return self.start("application:app", search_path=[self.folder_of_modules], hello=hello)

    def test_the_first_is_the_outermost(self):
        options = {"a": [1, None, {"b": True}], "caf\u00e9": 1.5}
        gateway = self.start_with(
            ("application:Marks", dict(options, name="one")),
            ("application:Group.inner", {"name": "two"}),
            ("application:Marks", {}),
        )
        expected = b'[["one", {"a": [1, null, {"b": true}], "caf\\u00e9": 1.5}], ["two", {}], ["", {}]]'
        self.assertEqual(gateway.get("/").body, expected)

    def test_the_validator_is_outside_of_it(self):
        directory = self.folder(
            application=SOURCE,
            breaking="def wrap(application):\n  return lambda e, s: application(e, s) and ['text']\n",
        )
        hello = {"middleware": [{"target": "breaking:wrap", "options": {}}], "validate": True}
        gateway = self.start("application:app", search_path=[directory], hello=hello)
        self.assertEqual(gateway.get("/").error["hint"], "violation")

    def test_in_a_zygote(self):
        hello = {"middleware": [{"target": "application:Marks", "options": {"name": "one"}}]}
        path = [self.folder_of_modules]
        zygote = self.start_zygote("application:app", search_path=path, hello=hello)
        gateway = self.start("application:app", search_path=path, zygote=zygote, hello=hello)
        self.assertEqual(gateway.get("/").body, b'[["one", {}]]')
        hello["middleware"][0]["target"] = "application:raises"
        zygote = self.start_zygote("application:app", search_path=path, hello=hello)
        self.assertEqual((zygote.boot_error["middleware"], zygote.exit_status()), (0, 3))

    def test_its_files_are_watched(self):
        hello = {"middleware": [{"target": "late:wrap", "options": {}}]}
        directory = self.folder(application=SOURCE, late="def wrap(application): return application\n")
        gateway = self.start("application:app", search_path=[directory], watch=True, hello=hello)
        self.assertIn(directory + "/late.py", gateway.files)

    def test_what_stops_the_start(self):
        for target, options, hint, message, traceback in (
            ("nothing_here:Marks", {}, "missing-module:nothing_here", "No module named", "ModuleNotFoundError"),
            ("lacks:Marks", {}, "missing-module:nothing_of_this_name", "No module named", "lacks.py"),
            ("broken:Marks", {}, "raised", "invalid syntax", "broken.py"),
            ("application:lazy", {}, "raised", "cannot load it", "OSError"),
            ("application:Mark", {}, "missing-attribute:Mark", "no attribute 'Mark'; did you mean 'Marks'?", ""),
            ("application:zzz", {}, "missing-attribute:zzz", "application has no attribute 'zzz'; check the name", ""),
            ("application:Group.outer", {}, "missing-attribute:outer", "application:Group has no attribute", ""),
            ("application:number", {}, "not-callable", "application:number is of type int", ""),
            ("application:returns_none", {}, "not-callable", "application:returns_none returned None", ""),
            ("application:returns_asgi", {}, "not-callable", "returned an ASGI application", ""),
            ("application:raises", {}, "factory-failed", "'setting'", "in raises"),
            ("application:raises", {"a": 1}, "factory-failed", "unexpected keyword argument", "TypeError"),
        ):
            with self.subTest(target, options=options):
                gateway = self.start_with(("application:Marks", {}), (target, options))
                error = gateway.boot_error
                self.assertEqual((error["hint"], error["middleware"]), (hint, 1))
                self.assertIn(message, error["message"])
                self.assertIn(traceback, error["traceback"])
                self.assertEqual(error["traceback"] == "", traceback == "")
                self.assertNotIn("xgi_worker/", error["traceback"])
                self.assertEqual(gateway.exit_status(), 3)

    def test_the_application_is_loaded_first(self):
        hello = {"middleware": [{"target": "nothing_here:Marks", "options": {}}]}
        gateway = self.start("application:ap", search_path=[self.folder_of_modules], hello=hello)
        self.assertEqual(gateway.boot_error["hint"], "missing-attribute:ap")
        self.assertNotIn("middleware", gateway.boot_error)

    def test_a_hello_that_is_wrong_is_a_protocol_error(self):
        for item in (1, {"target": "a:b"}, {"target": 1, "options": {}}, {"target": "a:b", "options": []}):
            gateway = self.start("hello:app", hello={"middleware": [item]}, boot=False)
            with self.assertRaises(AssertionError):
                gateway.boot()
            self.assertEqual(gateway.exit_status(), 1)


if __name__ == "__main__":
    unittest.main()
