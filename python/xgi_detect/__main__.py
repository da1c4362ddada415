"""Says what an application is, for `xgi` without a TARGET: which callable, and which static files go with it.

Usage: ``python3 …/xgi_detect FOLDERS django SETTINGS`` or ``… FOLDERS wsgi MODULE``. FOLDERS, a list in JSON, are put
in front of ``sys.path``. Prints one JSON object:

    {"target": "shop:app" or null, "framework": "Flask 3.1" or null, "error": null or a sentence,
     "static": [{"url": "/static/", "folder": absolute, "label": ""}, …], "uncollected": false}

``static`` is in the order in which the folders are searched. It imports the application, as a worker does, and nothing
of that reaches standard output. Standard library only, CPython 3.8 and later.
"""

import importlib
import json
import os
import sys

_NAMES = ("application", "app")
_FACTORIES = ("create_app", "make_app")


def main():
    folders, kind, name = sys.argv[1:]
    answer_fd = os.dup(1)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.path[:1] = json.loads(folders)
    answer = {"target": None, "framework": None, "error": None, "static": [], "uncollected": False}
    try:
        answer.update(_ask_django(name) if kind == "django" else _ask_wsgi(name))
    except BaseException as error:
        answer["error"] = "%s: %s" % (type(error).__name__, error)
    with os.fdopen(answer_fd, "w") as stream:
        json.dump(answer, stream)
    # Threads that the application has started are not waited for.
    os._exit(0)


def _ask_django(settings_module):
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module)
    import django
    from django.conf import settings

    django.setup()
    answer = {
        "framework": "Django %s" % django.get_version(),
        "target": _django_target(settings),
    }
    url = settings.STATIC_URL
    if not url or not settings.is_overridden("STATIC_URL"):
        return answer
    if settings.STATIC_ROOT and _has_files(settings.STATIC_ROOT):
        answer["static"] = [_static(url, settings.STATIC_ROOT)]
    elif "django.contrib.staticfiles" in settings.INSTALLED_APPS:
        answer["uncollected"] = True
        answer["static"] = list(_django_static(url))
    return answer


def _django_target(settings):
    name = settings.WSGI_APPLICATION
    if name is None:
        return "django.core.wsgi:get_wsgi_application()"
    return ":".join(name.rsplit(".", 1))


def _django_static(url):
    from django.contrib.staticfiles.finders import get_finders

    for finder in get_finders():
        # FileSystemFinder: STATICFILES_DIRS.
        for prefix, folder in getattr(finder, "locations", ()):
            yield _static(url + (prefix + "/" if prefix else ""), folder)
        # AppDirectoriesFinder: the folder static of each app, by its name.
        storages = getattr(finder, "storages", {})
        for name in getattr(finder, "apps", ()):
            yield _static(url, storages[name].location, name.rsplit(".", 1)[-1])


def _ask_wsgi(module_name):
    module = importlib.import_module(module_name)
    name = next((name for name in _NAMES if hasattr(module, name)), None)
    if name is None:
        name = next((name for name in _FACTORIES if callable(getattr(module, name, None))), None)
        if name is None:
            return {}
        application = getattr(module, name)()
        name += "()"
    else:
        application = getattr(module, name)
    answer = {"target": "%s:%s" % (module_name, name)}
    # It may be wrapped: app = Flask(…); application = ProxyFix(app).
    flask = next((value for value in [application, *vars(module).values()] if _is_flask(value)), None)
    if flask is not None:
        answer["framework"] = _flask_name()
        if flask.has_static_folder and flask.static_url_path:
            answer["static"] = [_static(flask.static_url_path, flask.static_folder)]
    return answer


def _is_flask(value):
    return any(base.__name__ == "Flask" and base.__module__ == "flask.app" for base in type(value).__mro__)


def _flask_name():
    try:
        from importlib.metadata import version

        return "Flask %s" % version("flask")
    except Exception:
        return "Flask"


def _static(url, folder, label=""):
    return {"url": url, "folder": os.path.abspath(os.fspath(folder)), "label": label}


def _has_files(folder):
    try:
        return len(os.listdir(folder)) > 0
    except OSError:
        return False


if __name__ == "__main__":
    main()
