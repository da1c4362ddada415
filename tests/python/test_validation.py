"""--validate: each rule of wsgiref.validate that an application can break, and what becomes of a violation."""

import unittest

from gateway import WorkerTest, frames

START_RESPONSE = 'PEP 3333, "The start_response() Callable"'
STREAMS = 'PEP 3333, "Input and Error Streams"'
BODY = 'PEP 3333, "Buffering and Streaming"'

# The path, what is told, and the section that has the rule. The request fails before its head.
VIOLATIONS = [
    ("one_argument", "Invalid number of arguments: ('200 OK',)", START_RESPONSE),
    ("keyword_argument", "No keyword arguments allowed", START_RESPONSE),
    ("status_bytes", "Status must be of type str (got b'200 OK')", START_RESPONSE),
    ("status_number", "Status must be of type str (got 200)", START_RESPONSE),
    ("status_short", "Status codes must be three characters: '20'", START_RESPONSE),
    ("status_word", "Status must begin with three digits: 'abc OK'", START_RESPONSE),
    ("status_empty", "Status must begin with three digits: ''", START_RESPONSE),
    ("status_low", "Status code is invalid: 99", START_RESPONSE),
    ("headers_tuple", "must be of type list", START_RESPONSE),
    ("header_list", "must be of type tuple", START_RESPONSE),
    ("header_of_three", "a header must be a tuple of two, its name and its value", START_RESPONSE),
    ("header_name_bytes", "Header name must be of type str (got b'X-A')", START_RESPONSE),
    ("header_value_bytes", "Header value must be of type str (got b'b')", START_RESPONSE),
    ("header_status", "The Status header cannot be used", START_RESPONSE),
    ("header_colon", "Header names may not contain ':' or '\\n': 'X-A:'", START_RESPONSE),
    ("header_line_end", "Header names may not contain ':' or '\\n': 'X-A\\n'", START_RESPONSE),
    ("header_digit", "Bad header name: '1-A'", START_RESPONSE),
    ("header_hyphen_at_end", "Names may not end in '-' or '_': 'X-A-'", START_RESPONSE),
    ("header_control", "Bad header value: 'b\\x01c'", START_RESPONSE),
    ("no_content_type", "No Content-Type header found", START_RESPONSE),
    ("content_type_with_204", "Content-Type header found in a 204 response", START_RESPONSE),
    ("content_type_with_304", "Content-Type header found in a 304 response", START_RESPONSE),
    ("exc_info_list", "exc_info ([1, 2, 3]) is not a tuple", 'PEP 3333, "Error Handling"'),
    ("returns_none", "must return an iterator", 'PEP 3333, "Specification Details"'),
    ("returns_false", "must return an iterator", 'PEP 3333, "Specification Details"'),
    ("returns_str", "You should not return a string", BODY),
    ("returns_bytes", "You should not return a string", BODY),
    ("block_str", "Iterator yielded non-bytestring ('text')", BODY),
    ("block_before_start_response", "start_response has not yet been called", BODY),
    ("write_str", "write() takes bytes", 'PEP 3333, "The write() Callable"'),
    ("read_all", "wsgi.input.read() takes one argument", STREAMS),
    ("read_two", "wsgi.input.read() takes one argument", STREAMS),
    ("readline_two", "wsgi.input.readline() takes at most one argument", STREAMS),
    ("readlines_two", "wsgi.input.readlines() takes at most one argument", STREAMS),
    ("input_close", "input.close() must not be called", STREAMS),
    ("errors_bytes", "wsgi.errors takes str", STREAMS),
    ("errors_lines_bytes", "wsgi.errors takes str", STREAMS),
    ("errors_close", "errors.close() must not be called", STREAMS),
    ("caught", "wsgi.input.read() takes one argument", STREAMS),
    ("caught_in_generator", "wsgi.input.read() takes one argument", STREAMS),
]

# Nothing of the application is on the stack when these are found.
OF_RESULT = {"returns_none", "returns_false", "returns_str", "returns_bytes"}
OF_RESULT |= {"block_str", "block_before_start_response"}


class Validation(WorkerTest):
    def start_validated(self, **options):
        return self.start("violations:app", hello={"validate": True}, **options)

    def test_each_violation_fails_its_request_and_is_told_once(self):
        gateway = self.start_validated()
        for name, message, section in VIOLATIONS:
            with self.subTest(name):
                answer = gateway.get("/" + name)
                self.assertEqual(answer.frames, ["ERROR"])
                self.assertEqual((answer.error["class"], answer.error["hint"]), ("WSGIViolation", "violation"))
                self.assertIn(message, answer.error["message"])
                self.assertIn("(%s)" % section, answer.error["message"])
                if name not in OF_RESULT:
                    self.assertIn("violations.py", answer.error["traceback"])
                self.assertNotIn("xgi_worker/", answer.error["traceback"])
                self.assertEqual(answer.logs, [])
        self.assertEqual(gateway.get("/good").body, b"good")

    def test_without_it_the_application_is_called_as_it_is(self):
        gateway = self.start("violations:app")
        self.assertEqual(gateway.get("/read_all").body, b"good")
        self.assertEqual(gateway.get("/no_content_type").body, b"x")
        self.assertEqual(gateway.get("/caught").logs, [])

    def test_behind_the_head_the_answer_is_cut(self):
        answer = self.start_validated().get("/block_bytearray_late")
        self.assertEqual(answer.frames, ["HEAD", "ERROR"])
        self.assertEqual(answer.body, b"sent")
        self.assertEqual(answer.error["hint"], "violation")

    def test_one_that_is_caught_at_the_end_cuts_the_answer(self):
        answer = self.start_validated().get("/caught_at_end")
        self.assertEqual(answer.frames, ["HEAD", "ERROR"])
        self.assertNotIn("StopIteration", answer.error["traceback"])

    def logged(self, answer, level=frames.LEVEL_ERROR):
        """The only record that the answer has beside it, its first line and the rest."""
        self.assertEqual([found for found, _ in answer.logs], [level])
        first, _, rest = answer.logs[0][1].partition("\n")
        self.assertTrue(first.startswith("XGI_WSGI_VALIDATE: "), first)
        return first, rest

    def test_in_close_it_is_a_record(self):
        answer = self.start_validated().get("/in_close?a=b", environ={"RAW_URI": "/in_close?a=b"})
        self.assertEqual((answer.body, answer.ended), (b"good", True))
        first, rest = self.logged(answer)
        self.assertIn("errors.close() must not be called (%s)" % STREAMS, first)
        self.assertTrue(first.endswith(" (GET /in_close?a=b)"), first)
        self.assertIn("violations.py", rest)

    def test_beside_another_exception_it_is_a_record(self):
        answer = self.start_validated().get("/raised_instead")
        self.assertEqual((answer.error["class"], answer.error.get("hint")), ("KeyError", None))
        self.assertIn("wsgi.input.read()", self.logged(answer)[0])

    def test_of_two_the_first_fails_the_request(self):
        answer = self.start_validated().get("/caught_twice")
        self.assertIn("wsgi.input.read()", answer.error["message"])
        self.assertIn("input.close()", self.logged(answer)[0])

    def test_what_was_returned_is_closed(self):
        answer = self.start_validated().get("/caught_and_closed")
        self.assertEqual(answer.error["hint"], "violation")
        self.assertEqual(answer.logs, [(frames.LEVEL_ERROR, "closed")])

    def test_what_the_application_raises_itself_is_no_violation(self):
        gateway = self.start_validated()
        for name, kind in (("own_assertion", "AssertionError"), ("own_value_error", "ValueError")):
            error = gateway.get("/" + name).error
            self.assertEqual((error["class"], error.get("hint")), (kind, None))
        answer = gateway.get("/close_raises")
        self.assertTrue(answer.ended)
        self.assertIn("close() of the application's iterable failed", answer.logs[0][1])
        self.assertIn("ZeroDivisionError", answer.logs[0][1])

    def test_a_warning_is_a_record_each_time(self):
        gateway = self.start_validated()
        for _ in range(2):
            answer = gateway.get("/good", method="PROPFIND")
            self.assertEqual((answer.status, answer.body), ("200 OK", b"good"))
            first, rest = self.logged(answer, frames.LEVEL_WARNING)
            self.assertIn("Unknown REQUEST_METHOD: 'PROPFIND'", first)
            self.assertTrue(first.endswith(" (PROPFIND /good)"), first)
            self.assertEqual(rest, "")

    def test_a_warning_about_the_status_comes_before_its_refusal(self):
        answer = self.start_validated().get("/status_without_space")
        self.assertEqual(answer.error["class"], "HeaderError")
        self.assertIn("should be a three-digit integer", self.logged(answer, frames.LEVEL_WARNING)[0])

    def test_in_a_thread_of_the_application_it_is_raised_there(self):
        self.assertIn(b"wsgi.input.read()", self.start_validated().get("/in_thread").body)

    def test_with_threads_each_is_told_with_its_request(self):
        gateway = self.start_validated(threads=4)
        for _ in range(5):
            for name in ("in_close", "caught_twice"):
                self.assertEqual(len(gateway.get("/" + name).logs), 1)

    def test_in_a_zygote(self):
        hello = {"validate": True}
        zygote = self.start_zygote("violations:app", hello=hello)
        gateway = self.start("violations:app", zygote=zygote, hello=hello)
        self.assertEqual(gateway.get("/read_all").error["hint"], "violation")
        self.assertEqual(gateway.get("/good").body, b"good")

    def test_the_environ_has_no_extension_that_contradicts_the_validator(self):
        self.assertNotIn(b"wsgi.input_terminated", self.start_validated().get("/keys").body.split())


if __name__ == "__main__":
    unittest.main()
