"""Targets: what each form finds, and what is said when it finds nothing."""

import os
import shutil
import sys
import tempfile
import unittest

import gateway  # noqa: F401  puts the package on sys.path

# isort: split
from xgi_worker import loader

SOURCE = """
class Site:
    def wsgi(self, environ, start_response): return ['wsgi']
    number = 7

site = Site()

def application(environ, start_response): return ['application']
def app(environ, start_response): return ['app']

def create_app(*args, **kwargs):
    def made(environ, start_response): return [args, kwargs]
    return made

def broken_factory(): raise KeyError('DATABASE_URL')
def none_factory(): pass
"""


def name_of(application):
    return application(None, None)[0]


class Loader(unittest.TestCase):
    def setUp(self):
        self.directory = os.path.realpath(tempfile.mkdtemp(prefix="xgi-test-"))
        self.addCleanup(shutil.rmtree, self.directory)
        path, modules = sys.path[:], set(sys.modules)

        def restore():
            sys.path[:] = path
            for name in set(sys.modules) - modules:
                del sys.modules[name]

        self.addCleanup(restore)
        sys.path.insert(0, self.directory)
        sys.dont_write_bytecode = True
        self.write("site_one.py", SOURCE)

    def write(self, name, source):
        path = os.path.join(self.directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(source)
        return path

    def refused(self, target):
        with self.assertRaises(loader.LoadError) as caught:
            loader.load(target)
        return caught.exception

    def test_module_alone_prefers_application(self):
        self.assertEqual(name_of(loader.load("site_one")), "application")

    def test_module_alone_takes_app(self):
        self.write("site_two.py", "def app(e, s): return ['only app']")
        self.assertEqual(name_of(loader.load("site_two")), "only app")

    def test_names_and_attributes(self):
        self.assertEqual(name_of(loader.load("site_one:app")), "app")
        self.assertEqual(name_of(loader.load("site_one:site.wsgi")), "wsgi")

    def test_factories(self):
        self.assertEqual(loader.load("site_one:create_app()")(None, None), [(), {}])
        made = loader.load("site_one:create_app('x.py:y', -1, [2.5, None], key={'a': (True,)})")
        self.assertEqual(made(None, None), [("x.py:y", -1, [2.5, None]), {"key": {"a": (True,)}}])

    def test_files(self):
        path = self.write(
            "project/my-site.py", "import beside\ndef app(e, s): return [beside.name, __name__]"
        )
        self.write("project/beside.py", "name = 'beside'")
        self.assertEqual(loader.load(path)(None, None), ["beside", "my-site"])
        self.assertEqual(sys.path[0], os.path.join(self.directory, "project"))
        path = self.write("project/other.py", "def run(e, s): return [__name__]")
        self.assertEqual(loader.load(path + ":run")(None, None), ["other"])

    def test_files_of_mod_wsgi(self):
        path = self.write("sub/site_four.wsgi", SOURCE)
        self.write("sub/site_four.py", "raise AssertionError('the other file')")
        sys.dont_write_bytecode = False
        self.assertEqual(name_of(loader.load(path)), "application")
        self.assertEqual(name_of(loader.load("%s:site.wsgi" % path)), "wsgi")
        self.assertEqual(name_of(loader.load("%s:create_app('a/b.wsgi')" % path)), ("a/b.wsgi",))
        # That of site_four.py would lie there.
        self.assertEqual(os.listdir(os.path.dirname(path)).count("__pycache__"), 0)
        self.assertEqual(sys.path[0], os.path.dirname(path))

    def test_a_file_named_like_a_module_in_use_does_not_replace_it(self):
        import types

        path = self.write("project/types.py", "def app(e, s): return ['mine']")
        self.assertEqual(name_of(loader.load(path)), "mine")
        self.assertIs(sys.modules["types"], types)

    def test_missing_module(self):
        error = self.refused("no_such_module_here:app")
        self.assertEqual(error.hint, "missing-module:no_such_module_here")
        self.assertIsInstance(error.cause, ModuleNotFoundError)

    def test_missing_module_inside(self):
        self.write("needs.py", "import no_such_library.part")
        self.assertEqual(self.refused("needs:app").hint, "missing-module:no_such_library")

    def test_missing_file(self):
        path = os.path.join(self.directory, "nothing.py")
        self.assertEqual(self.refused(path + ":app").hint, "missing-file:" + path)
        self.assertEqual(self.refused(self.directory + "/nothing.py").hint, "missing-file:" + path)

    def test_missing_attribute_suggests(self):
        error = self.refused("site_one:aplication")
        self.assertEqual(error.hint, "missing-attribute:aplication")
        self.assertEqual(
            str(error), "site_one has no attribute 'aplication'; did you mean 'application'?"
        )
        error = self.refused("site_one:site.wsgo")
        self.assertEqual(error.hint, "missing-attribute:wsgo")
        self.assertEqual(str(error), "site_one:site has no attribute 'wsgo'; did you mean 'wsgi'?")

    def test_one_hint_in_the_words_of_the_target(self):
        self.write("empty.py", "")
        path = self.write("project/empty-file.py", "app = None")
        for target, message in (
            ("empty", "empty has neither 'application' nor 'app'; name the callable: empty:callable"),
            ("empty:run", "empty has no attribute 'run'; name the callable: empty:callable"),
            (path + ":run.x", "{} has no attribute 'run'; did you mean 'app'?"),
            (path, "{}:app is None, not a WSGI callable; name the callable: {}:callable"),
        ):
            with self.subTest(target):
                self.assertEqual(str(self.refused(target)), message.replace("{}", path))

    def test_no_default(self):
        self.write("site_three.py", "def create_app(): pass")
        error = self.refused("site_three")
        self.assertEqual(error.hint, "missing-attribute:application")
        self.assertEqual(
            str(error),
            "site_three has neither 'application' nor 'app'; did you mean site_three:create_app()?",
        )

    def test_not_callable(self):
        error = self.refused("site_one:site.number")
        self.assertEqual(error.hint, "not-callable")
        self.assertIn("int", str(error))
        self.assertEqual(self.refused("site_one:none_factory()").hint, "not-callable")

    def test_async_callables(self):
        self.write(
            "asgi.py",
            "import functools\n"
            "async def app(scope, receive, send): pass\n"
            "class Site:\n"
            "    async def __call__(self, scope, receive, send): pass\n"
            "    async def method(self, scope, receive, send): pass\n"
            "site = Site()\n"
            "partial = functools.partial(app, None)\n"
            "def create_app(): return site\n"
            "class Answer:\n"
            "    def __init__(self, environ, start_response): pass\n"
            "    async def __call__(self): pass\n",
        )
        for name in ("app", "site", "site.method", "partial", "create_app()"):
            with self.subTest(name):
                error = self.refused("asgi:" + name)
                self.assertEqual(error.hint, "not-callable")
                self.assertEqual(
                    str(error),
                    "asgi:%s is an ASGI application (async def); this version serves WSGI" % name,
                )
        self.assertEqual(loader.load("asgi:Answer").__name__, "Answer")

    def test_factory_failed(self):
        error = self.refused("site_one:broken_factory()")
        self.assertEqual(error.hint, "factory-failed")
        self.assertIsInstance(error.cause, KeyError)
        self.assertEqual(self.refused("site_one:create_app(os.getcwd())").hint, "factory-failed")
        self.assertEqual(self.refused("site_one:create_app(1, 2, **x)").hint, "factory-failed")

    def test_raised(self):
        for source, kind in (
            ("1/0", ZeroDivisionError),
            ("def", SyntaxError),
            ("raise SystemExit(0)", SystemExit),
        ):
            with self.subTest(source):
                self.write("raises_%s.py" % kind.__name__, source)
                error = self.refused("raises_%s:app" % kind.__name__)
                self.assertEqual(error.hint, "raised")
                self.assertIsInstance(error.cause, kind)

    def test_attributes_that_are_loaded_when_they_are_asked_for(self):
        lazy = (
            "def __getattr__(name):\n"
            "    if name in ('application', 'late'): raise OSError('cannot load it')\n"
            "    raise AttributeError(name)\n"
        )
        self.write("lazy_site.py", lazy)
        for target in ("lazy_site", "lazy_site:late", "lazy_site:late.app", "lazy_site:late()"):
            with self.subTest(target):
                error = self.refused(target)
                self.assertEqual((error.hint, str(error)), ("raised", "cannot load it"))
                self.assertIsInstance(error.cause, OSError)

    def test_expressions_that_are_neither_name_nor_call(self):
        for expression in ("a b", "1", "site['x']", ""):
            with self.subTest(expression):
                self.assertTrue(self.refused("site_one:" + expression).hint.startswith("missing-attribute:"))


if __name__ == "__main__":
    unittest.main()
