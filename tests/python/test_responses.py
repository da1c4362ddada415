"""PEP 3333 as seen on the wire: one worker, one path for each way to answer (applications/responses.py)."""

import json
import os
import struct
import unittest

from gateway import Gateway, WorkerTest, frames, wait_until


class ResponseTest(WorkerTest):
    """All tests of a class share one worker: none of the requests may hurt the next."""

    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway("responses:app")

    @classmethod
    def tearDownClass(cls):
        cls.gateway.close()

    def setUp(self):
        self.closed()

    def closed(self):
        return json.loads(self.gateway.get("/closed").body.decode())

    def check(self, path, status, expected, names, **options):
        answer = self.gateway.get(path, **options)
        self.assertEqual(
            (answer.error, answer.status, answer.body, answer.frames), (None, status, expected, names)
        )
        self.assertTrue(answer.ended)
        return answer

    def check_error(self, path, kind, expected=b"", status=None, **options):
        answer = self.gateway.get(path, **options)
        self.assertFalse(answer.ended)
        self.assertIsNotNone(answer.error)
        self.assertEqual((answer.error["class"], answer.status, answer.body), (kind, status, expected))
        self.assertNotIn("hint", answer.error)
        self.assertNotIn("xgi_worker/", answer.error["traceback"])
        self.assertIn(kind, answer.error["traceback"])
        return answer


class Environ(ResponseTest):
    def test_every_key(self):
        shown = json.loads(
            self.gateway.get(
                "/show_environ?q=1", environ={"HTTP_X": "caf\xe9", "SERVER_SOFTWARE": "later"}
            ).body.decode()
        )
        expected = {
            "type(environ)": "dict",
            "REQUEST_METHOD": "'GET'",
            "SCRIPT_NAME": "''",
            "PATH_INFO": "'/show_environ'",
            "QUERY_STRING": "'q=1'",
            "HTTP_X": "'caf\xe9'",
            "SERVER_SOFTWARE": "'later'",
            "GATEWAY_INTERFACE": "'CGI/1.1'",
            "wsgi.version": "(1, 0)",
            "wsgi.url_scheme": "'http'",
            "wsgi.multithread": "False",
            "wsgi.multiprocess": "True",
            "wsgi.run_once": "False",
            "wsgi.input_terminated": "True",
        }
        self.assertEqual({name: shown[name] for name in expected}, expected)
        self.assertIn("wsgi.file_wrapper", shown)
        self.assertIn("wsgi.input", shown)

    def test_environ_is_fresh_for_each_request(self):
        self.gateway.get("/show_environ", environ={"HTTP_ONCE": "1"})
        shown = json.loads(self.gateway.get("/show_environ").body.decode())
        self.assertNotIn("HTTP_ONCE", shown)


class Input(ResponseTest):
    def test_inline_and_spooled_bodies(self):
        for spool in (False, True):
            for body in (b"", b"abc", bytes(range(256)) * 1024):
                answer = self.check("/echo", "200 OK", body, ["HEAD"], method="POST", body=body, spool=spool)
                self.assertIn(("X-Again", "b''"), answer.headers)

    def test_every_way_to_read(self):
        body = b"abcd\nefgh\nijkl\nmnop\nqrst"
        expected = [b"ab", b"cd\n", b"efg", [b"h\n"], [b"ijkl\n", b"mnop\n", b"qrst"], b"", b""]
        for spool in (False, True):
            self.check(
                "/read_in_all_ways",
                "200 OK",
                repr(expected).encode(),
                ["HEAD"],
                method="POST",
                body=body,
                spool=spool,
            )

    def test_a_missing_file_fails_only_its_request(self):
        stream, frame = self.gateway.encode("/echo", method="POST", body=b"x", spool=True)
        os.unlink(os.path.join(self.gateway.directory, "body-%d" % stream))
        self.gateway.data.send(frame)
        self.assertEqual(self.gateway.answer(stream).error["class"], "FileNotFoundError")
        self.check("/two_blocks", "200 OK", b"one,two", ["HEAD"])


class Bodies(ResponseTest):
    def test_complete_blocks_are_one_frame_with_their_length(self):
        answer = self.check("/two_blocks", "200 OK", b"one,two", ["HEAD"])
        self.assertEqual(answer.headers, [("Content-Type", "text/plain"), ("Content-Length", "7")])

    def test_empty_bodies_have_length_0(self):
        for path in ("/empty_list", "/empty_blocks"):
            self.assertIn(("Content-Length", "0"), self.check(path, "200 OK", b"", ["HEAD"]).headers)
        self.assertEqual(self.closed(), ["empty_blocks"])

    def test_a_stream_goes_out_block_by_block_without_a_length(self):
        answer = self.check("/stream", "200 OK", b"one,two", ["HEAD", "DATA", "END"])
        self.assertEqual(answer.headers, [("Content-Type", "text/plain")])
        self.assertEqual(self.closed(), ["stream"])

    def test_start_response_may_come_with_the_first_block(self):
        self.check("/late_start", "200 OK", b"late", ["HEAD", "END"])

    def test_a_block_that_fills_the_length_is_sent_before_the_next_is_asked_for(self):
        self.check("/sized_stream", "200 OK", b"full", ["HEAD", "END"])

    def test_a_big_list_is_split_and_waits_for_credit(self):
        body = bytes(range(256)) * 4096
        stream = self.gateway.send("/big")
        received = b""
        while len(received) < 262144:
            frame = self.gateway.data.receive()
            received += (
                frame.payload
                if frame.kind == frames.DATA
                else frame.payload[8 + frames.U32.unpack_from(frame.payload, 4)[0] :]
            )
        self.assertEqual(len(received), 262144)
        self.gateway.tell(frames.PING, 0, b"12345678")
        self.assertEqual(self.gateway.control.receive().payload, b"12345678")
        self.assertTrue(self.gateway.data.is_silent())
        self.gateway.tell(frames.CREDIT, stream, frames.U32.pack(10))
        self.assertEqual(len(self.gateway.data.receive().payload), 10)
        self.gateway.tell(frames.CREDIT, stream, frames.U32.pack(len(body)))
        answer = self.gateway.answer(stream, grant=False)
        self.assertTrue(answer.ended)
        self.assertEqual(received + body[262144:262154] + answer.body, body)

    def test_many_small_blocks_that_exceed_the_credit(self):
        body = b"".join(b"%06d\n" % number for number in range(100000))
        answer = self.gateway.get("/many_small")
        self.assertTrue(answer.ended)
        self.assertEqual(answer.body, body)

    def test_head_requests_get_no_body(self):
        for path, length in (
            ("/two_blocks", "7"),
            ("/big", str(1 << 20)),
            ("/sized_stream", "4"),
            ("/too_short_list", "9"),
        ):
            answer = self.check(path, "200 OK", b"", ["HEAD"], method="HEAD")
            self.assertIn(("Content-Length", length), answer.headers)
        for path in ("/stream", "/empty_list", "/write"):
            answer = self.check(path, "200 OK", b"", ["HEAD"], method="HEAD")
            self.assertNotIn("Content-Length", dict(answer.headers))
        self.assertEqual(self.closed(), ["sized_stream", "stream"])

    def test_204_and_304_have_no_body(self):
        answer = self.check("/no_content", "204 No Content", b"", ["HEAD"])
        self.assertEqual(answer.headers, [("X-Kept", "yes")])
        answer = self.check("/not_modified", "304 Not Modified", b"", ["HEAD"])
        self.assertEqual(answer.headers, [("Content-Length", "4")])
        self.assertEqual(self.closed(), ["not_modified"])

    def test_write(self):
        self.check("/write", "200 OK", b"written,returned", ["HEAD", "DATA", "END"])
        self.check("/write_sized", "200 OK", b"written,returned", ["HEAD", "DATA", "END"])
        self.check_error("/write_text", "TypeError")


class ContentLength(ResponseTest):
    def test_more_is_never_sent(self):
        for path in ("/too_long_list", "/too_long_stream"):
            answer = self.gateway.get(path)
            self.assertTrue(answer.ended)
            self.assertEqual(answer.body, b"abc")
            self.assertEqual([level for level, _ in answer.logs], [frames.LEVEL_WARNING])
            self.assertIn("longer than its Content-Length of 3", answer.logs[0][1])
        self.assertEqual(self.closed(), ["too_long_stream"])

    def test_less_is_never_ended(self):
        self.check_error("/too_short_list", "ContentLengthMismatch", b"abc", "200 OK")
        self.check_error("/too_short_stream", "ContentLengthMismatch", b"abc", "200 OK")
        self.check_error("/too_short_empty", "ContentLengthMismatch")
        self.assertEqual(self.closed(), ["too_short_stream"])


class Failures(ResponseTest):
    def test_before_the_head(self):
        answer = self.check_error("/fails_before_head", "KeyError")
        self.assertEqual(answer.error["message"], "'before'")
        self.assertIn("responses.py", answer.error["traceback"])
        self.check_error("/fails_before_first_block", "ValueError")
        self.assertEqual(self.closed(), ["fails_before_first_block"])

    def test_after_the_head(self):
        self.check_error("/fails_when_half_sent", "LookupError", b"half", "200 OK")
        self.assertEqual(self.closed(), ["fails_when_half_sent"])

    def test_start_response_never_called(self):
        self.check_error("/never_starts", "AssertionError")
        self.check_error("/never_starts_list", "AssertionError")
        self.assertEqual(self.closed(), ["never_starts"])

    def test_results_of_the_wrong_kind(self):
        for path in ("/returns_none", "/returns_bytes", "/returns_text"):
            self.check_error(path, "TypeError")
        self.check_error("/yields_text", "TypeError", b"a", "200 OK")
        self.assertEqual(self.closed(), ["yields_text"])

    def test_close_that_fails_is_only_logged(self):
        answer = self.gateway.get("/close_fails")
        self.assertTrue(answer.ended)
        self.assertEqual(answer.body, b"fine")
        ((level, text),) = answer.logs
        self.assertEqual(level, frames.LEVEL_ERROR)
        self.assertIn("OSError: while closing", text)

    def test_exits_are_failures_and_the_worker_lives_on(self):
        for path, kind in (
            ("/exits", "SystemExit"),
            ("/interrupts", "KeyboardInterrupt"),
            ("/out_of_memory", "MemoryError"),
        ):
            self.check_error(path, kind)
        self.check("/two_blocks", "200 OK", b"one,two", ["HEAD"])


class StartResponse(ResponseTest):
    def test_twice(self):
        self.assertIn("exc_info", self.check_error("/twice", "AssertionError").error["message"])

    def test_exc_info_before_the_head_replaces_it(self):
        answer = self.check("/again_before_head", "500 Replaced", b"error page", ["HEAD"])
        self.assertEqual(answer.headers, [("X-New", "1"), ("Content-Length", "10")])

    def test_exc_info_after_the_head_raises_it(self):
        answer = self.check_error("/again_after_head", "ValueError", b"sent", "200 OK")
        self.assertIn("again_after_head", answer.error["traceback"])

    def test_an_error_page_may_follow_a_bad_header(self):
        self.check("/bad_header_then_error_page", "500 Oops", b"page", ["HEAD"])

    def test_a_bad_header_that_is_swallowed_still_fails_the_request(self):
        self.check_error("/bad_header_swallowed", "HeaderError")

    def refused(self, arguments, word):
        answer = self.check_error("/start_with?" + arguments, "HeaderError")
        self.assertIn(word, answer.error["message"])
        self.assertIn("responses.py", answer.error["traceback"])
        self.assertNotIn("During handling", answer.error["traceback"])

    def test_statuses(self):
        for status in (
            "'200'",
            "'OK'",
            "200",
            "b'200 OK'",
            "'20 OK'",
            "'2000 OK'",
            "'200\\tOK'",
            "'200 O\\r\\nK'",
            "'200 O\\u2713'",
        ):
            self.refused(status + ", []", "status")
        self.refused("'101 Switching Protocols', []", "interim")
        self.refused("'600 Much', []", "200 to 599")
        self.check("/start_with?'599 ', []", "599 ", b"ok", ["HEAD"])

    def test_header_lists(self):
        self.refused("'200 OK', (('X', 'y'),)", "list")
        for field in ("['X', 'y']", "('X',)", "('X', 'y', 'z')", "'Xy'", "None"):
            self.refused("'200 OK', [%s]" % field, "tuple (name, value)")
        self.refused("'200 OK', [(b'X', 'y')]", "name must be a str")
        self.refused("'200 OK', [('X', b'y')]", "value must be a str")
        self.refused("'200 OK', [('X', 3)]", "value must be a str")

    def test_header_names(self):
        for name in ("", "X Y", "X:", "X\\r\\n", "\xe9", "X\\x00", "(X)"):
            self.refused("'200 OK', [('%s', 'y')]" % name, "token")

    def test_header_values(self):
        for code in [*range(9), *range(10, 32), 127]:
            self.refused("'200 OK', [('X', 'a\\x%02xb')]" % code, "control character")
        self.refused("'200 OK', [('X', '\\u20ac')]", "latin-1")
        answer = self.check(
            "/start_with?'200 OK', [('X', 'a\\tb \xe9'), ('x', '')]", "200 OK", b"ok", ["HEAD"]
        )
        self.assertEqual(answer.headers[:2], [("X", "a\tb \xe9"), ("x", "")])

    def test_hop_by_hop(self):
        for name in (
            "Connection",
            "keep-alive",
            "Transfer-Encoding",
            "UPGRADE",
            "TE",
            "Trailers",
            "Proxy-Authenticate",
        ):
            self.refused("'200 OK', [('%s', 'chunked')]" % name, "hop-by-hop")

    def test_content_length(self):
        for value in ("", "+2", "-2", "2, 2", " 2", "0x2", "\xb2", "2.0"):
            self.refused("'200 OK', [('content-length', '%s')]" % value, "digits")
        self.refused("'200 OK', [('Content-Length', '2'), ('content-length', '2')]", "more than once")
        self.check("/start_with?'200 OK', [('CONTENT-LENGTH', '2')]", "200 OK", b"ok", ["HEAD"])

    def test_a_head_that_fits_no_frame(self):
        self.refused("'200 OK', [('X', 'y' * 200000)]", "long")

    def test_what_was_good_once_is_checked_again_when_it_differs(self):
        self.check("/start_with?'200 OK', [('X', 'y')]", "200 OK", b"ok", ["HEAD"])
        self.check("/start_with?'200 OK', [('X', 'y')]", "200 OK", b"ok", ["HEAD"])
        self.refused("'200 OK', [('X', 'y\\n')]", "control")


class Errors(ResponseTest):
    def test_lines_carry_the_stream(self):
        stream = self.gateway.send("/log")
        answer = self.gateway.answer(stream)
        self.assertEqual(answer.body, b"logged")
        self.assertEqual(
            [text for _, text in answer.logs],
            ["a line", "two\nlines", "and ", "the rest \\udc80 ü", "no bytes"],
        )
        self.assertEqual({level for level, _ in answer.logs}, {frames.LEVEL_ERROR})
        later = self.gateway.send("/log_late")
        frame = self.gateway.data.receive()
        self.assertEqual((frame.kind, frame.stream, frame.payload), (frames.LOG, stream, b"after the end"))
        self.assertEqual(self.gateway.answer(later).body, b"ok")

    def test_what_one_write_completes_is_one_record(self):
        ((_, text),) = self.gateway.get("/log_exception").logs
        lines = text.split("\n")
        self.assertEqual(lines[:2], ["it failed", "Traceback (most recent call last):"])
        self.assertEqual(lines[-1], "KeyError: 'missing'")

    def test_a_record_too_long_is_cut_at_line_ends_if_it_can(self):
        records = [text for _, text in self.gateway.get("/log_much").logs]
        self.assertEqual(records[0], "begin " + "x" * 100000 + "\nshort")
        self.assertEqual("".join(records[1:-1]), "y" * 300000 + "\nlast")
        self.assertEqual(records[-1], "rest")
        self.assertLessEqual(max(map(len, records)), 128 * 1024)


class Files(ResponseTest):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.gateway.directory, "served.bin")
        self.content = bytes(range(256)) * 1024
        with open(self.path, "wb") as file:
            file.write(self.content)

    def offer(self, *args, **options):
        """Sends a request and returns (stream, headers, offset, length, path) of the FILE that comes."""
        stream = self.gateway.send(*args, **options)
        head = self.gateway.data.receive()
        self.assertEqual((head.kind, head.flags), (frames.HEAD, 0), head.payload)
        file = self.gateway.data.receive()
        self.assertEqual(file.kind, frames.FILE)
        offset, length, *version = struct.unpack_from("<5Qq", file.payload)
        path = file.payload[48:].decode()
        status = os.stat(path)
        self.assertEqual([status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns], version)
        return stream, head.payload, offset, length, path

    def test_taken(self):
        stream, head, offset, length, path = self.offer("/file?" + self.path)
        self.assertEqual((offset, length, path), (3, len(self.content) - 3, os.path.realpath(self.path)))
        self.assertIn(b"\0Content-Length\0%d" % length, head)
        self.gateway.tell(frames.FILE_ACK, stream, flags=frames.TAKEN)
        answer = self.gateway.answer(stream)
        self.assertEqual((answer.frames, answer.body, answer.ended), (["END"], b"", True))
        self.assertEqual(self.closed(), ["file"])

    def test_not_taken(self):
        stream, *_ = self.offer("/file?" + self.path)
        self.gateway.tell(frames.FILE_ACK, stream)
        answer = self.gateway.answer(stream)
        self.assertTrue(answer.ended)
        self.assertEqual(answer.body, self.content[3:])
        self.assertEqual(self.closed(), ["file"])

    def test_not_taken_and_written_to(self):
        stream, *_ = self.offer("/file?" + self.path)
        with open(self.path, "ab") as file:
            file.write(b"more")
        self.gateway.tell(frames.FILE_ACK, stream)
        answer = self.gateway.answer(stream)
        self.assertEqual((answer.body, answer.error["class"]), (b"", "FileChanged"))
        self.assertEqual(self.closed(), ["file"])

    def test_content_length_is_the_cap(self):
        stream, _, offset, length, _ = self.offer("/file?%s&100" % self.path)
        self.assertEqual((offset, length), (3, 100))
        self.gateway.tell(frames.FILE_ACK, stream)
        self.assertEqual(self.gateway.answer(stream).body, self.content[3:103])

    def test_a_file_shorter_than_the_content_length(self):
        stream, _, _, length, _ = self.offer("/file?%s&999999" % self.path)
        self.assertEqual(length, len(self.content) - 3)
        self.gateway.tell(frames.FILE_ACK, stream, flags=frames.TAKEN)
        self.assertEqual(self.gateway.answer(stream).error["class"], "ContentLengthMismatch")

    def test_head(self):
        answer = self.check("/file?" + self.path, "200 OK", b"", ["HEAD"], method="HEAD")
        self.assertIn(("Content-Length", str(len(self.content) - 3)), answer.headers)
        self.assertEqual(self.closed(), ["file"])

    def test_abort_while_the_answer_is_awaited(self):
        stream, *_ = self.offer("/file?" + self.path)
        self.gateway.tell(frames.ABORT, stream)
        self.assertEqual(self.gateway.answer(stream).error["class"], "ClientDisconnected")
        self.assertEqual(self.closed(), ["file"])

    def test_temporary_files(self):
        stream, _, offset, length, path = self.offer("/temporary_file?named")
        self.assertEqual((offset, length), (0, 17))
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"temporary content")
        self.gateway.tell(frames.FILE_ACK, stream, flags=frames.TAKEN)
        self.assertTrue(self.gateway.answer(stream).ended)
        wait_until(lambda: not os.path.exists(path), "the temporary file is gone")

    @unittest.skipUnless(os.path.isdir("/proc/self/fd"), "needs /proc")
    def test_a_file_without_a_name(self):
        stream, _, _, _, path = self.offer("/temporary_file?unnamed")
        self.assertTrue(path.startswith("/proc/%d/fd/" % self.gateway.process.pid))
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"temporary content")
        self.gateway.tell(frames.FILE_ACK, stream, flags=frames.TAKEN)
        self.assertTrue(self.gateway.answer(stream).ended)

    def test_what_read_changes_is_not_handed_over(self):
        path = os.path.join(self.gateway.directory, "served.gz")
        answer = self.gateway.get("/gzip_file?" + path)
        self.assertEqual(answer.body, b"not compressed" * 100)
        self.assertNotIn("FILE", answer.frames)

    def test_files_in_memory(self):
        self.check("/bytes_file", "200 OK", b"in memory", ["HEAD", "DATA", "DATA", "END"])


if __name__ == "__main__":
    unittest.main()
