"""The codec against tests/vectors/frames.json: whole, byte by byte, split at each offset, and corrupt."""

import json
import os
import socket
import struct
import threading
import unittest

from gateway import ROOT, frames

# isort: split
from xgi_cgi.command import Command
from xgi_cgi.settings import Settings
from xgi_worker.file_wrapper import RegularFile
from xgi_worker.inbox import Inbox

with open(os.path.join(ROOT, "tests", "vectors", "frames.json"), encoding="utf-8") as file:
    VECTORS = json.load(file)

TO_WORKER = [vector for vector in VECTORS["valid"] if vector["way"] == frames.TO_WORKER]
TO_GATEWAY = [vector for vector in VECTORS["valid"] if vector["way"] == frames.TO_GATEWAY]
TO_LAUNCHER = [vector for vector in TO_WORKER if vector["channel"] == frames.LAUNCHER_CHANNEL]


def head_text(fields):
    return "\0".join([fields["status"], *(part for pair in fields["headers"] for part in pair)]).encode(
        "latin-1"
    )


def rules_of(channel):
    return frames.LAUNCHER_RULES if channel == frames.LAUNCHER_CHANNEL else frames.RULES


def decode(frame, channel):
    """The fields of a frame to the worker or the launcher, as in the vectors; they also read what it means."""
    name = rules_of(channel)[frame.kind].name
    fields = {"type": name, "stream": frame.stream, "flags": frame.flags}
    if name == "HELLO":
        fields["settings"] = frames.decode_json(frame.payload)
        if channel == frames.LAUNCHER_CHANNEL:
            Settings(fields["settings"])
    elif name == "RUN":
        text, environ, body = frames.decode_run(frame.payload)
        Command(frame.payload, frame.flags == frames.MORE)
        fields["command"] = frames.decode_json(text)
        fields["environ"] = pairs_of(environ)
        fields["bodyHex"] = body.hex()
    elif name == "REQUEST":
        text, body = frames.decode_request(frame.payload)
        fields["environ"] = pairs_of(text)
        fields["bodyHex"] = body.hex()
    elif name == "BODY":
        fields["bodyHex"] = frame.payload.hex()
    elif name == "CREDIT":
        (fields["credit"],) = frames.decode_u32s(frame.payload)
    elif name == "RECALL":
        fields["streams"] = list(frames.decode_u32s(frame.payload))
    elif name == "SIGNAL":
        fields["pid"], fields["signal"] = frames.decode_u32s(frame.payload)
    elif name == "PING":
        fields["payloadHex"] = frame.payload.hex()
    elif name == "FORK":
        fields.update(frames.decode_json(frame.payload))
    return fields


def pairs_of(environ):
    parts = environ.decode("latin-1").split("\0") if environ else []
    return [list(pair) for pair in zip(parts[::2], parts[1::2])]


def encode(fields):
    """The bytes of a frame to the gateway, with the functions that the worker and the launcher use."""
    name, stream = fields["type"], fields["stream"]
    body = bytes.fromhex(fields.get("bodyHex", ""))
    if name == "AUTH":
        channels = {"D": frames.DATA_CHANNEL, "C": frames.CONTROL_CHANNEL, "Z": frames.ZYGOTE_CHANNEL}
        return frames.encode_auth(fields["token"], channels[fields["role"]])
    if name == "READY":
        return frames.encode_json(frames.READY, fields["info"])
    if name == "HEAD":
        last = bool(fields["flags"])
        return frames.encode_head(stream, head_text(fields), len(body), fields["serviceTime"], last) + body
    if name == "DATA":
        return frames.encode_data(stream, len(body)) + body
    if name == "END":
        return frames.encode_end(stream, fields["serviceTime"])
    if name == "FILE":
        size, mtime, device, inode = (int(fields[key]) for key in ("size", "mtimeNs", "device", "inode"))
        file = RegularFile(None, fields["offset"], size, mtime, device, inode, fields["path"].encode())
        return frames.encode_file(stream, fields["length"], file)
    if name == "LOG":
        return frames.encode_log(stream, fields["flags"], fields["text"])
    if name == "RECALLED":
        return frames.encode_u32s(frames.RECALLED, fields["streams"])
    if name == "PONG":
        return frames.encode(frames.PONG, 0, bytes.fromhex(fields["payloadHex"]))
    if name == "FILES":
        return frames.encode_files(fields["files"]) or frames.encode_json(frames.FILES, {"files": []})
    if name == "STARTED":
        return frames.encode(frames.STARTED, stream, frames.U32.pack(fields["pid"]), fields["flags"])
    if name == "STDERR":
        return frames.encode(frames.STDERR, stream, body)
    if name == "BODY_CREDIT":
        return frames.encode(frames.BODY_CREDIT, stream, frames.U32.pack(fields["credit"]))
    if name == "BODY_CLOSED":
        return frames.encode(frames.BODY_CLOSED, stream)
    if name in ("FORKED", "EXITED"):
        members = {key: fields[key] for key in fields if key not in ("type", "stream", "flags")}
        if "stderrDropped" in members:
            return frames.encode(frames.EXITED, stream, json.dumps(members, separators=(",", ":")).encode())
        return frames.encode_json(getattr(frames, name), members)
    raise AssertionError("no vector should have type %s" % name)


class ValidFrames(unittest.TestCase):
    def test_every_type_has_a_vector(self):
        self.assertEqual(
            {v["frame"]["type"] for v in VECTORS["valid"]},
            {rule.name for rules in (frames.RULES, frames.LAUNCHER_RULES) for rule in rules.values()},
        )

    def test_every_type_of_a_launcher_has_a_vector(self):
        self.assertEqual(
            {v["frame"]["type"] for v in VECTORS["valid"] if v["channel"] == frames.LAUNCHER_CHANNEL},
            {rule.name for rule in frames.LAUNCHER_RULES.values()},
        )

    def test_to_worker_whole(self):
        for vector in TO_WORKER:
            with self.subTest(vector["name"]):
                decoder = frames.Decoder(vector["way"], vector["channel"])
                found = decoder.feed(bytes.fromhex(vector["hex"]))
                self.assertEqual([decode(frame, vector["channel"]) for frame in found], [vector["frame"]])

    def test_to_worker_byte_by_byte(self):
        for vector in TO_WORKER:
            with self.subTest(vector["name"]):
                decoder = frames.Decoder(vector["way"], vector["channel"])
                data = bytes.fromhex(vector["hex"])
                for index in range(len(data) - 1):
                    self.assertEqual(decoder.feed(data[index : index + 1]), [])
                found = decoder.feed(data[-1:])
                self.assertEqual([decode(frame, vector["channel"]) for frame in found], [vector["frame"]])

    def test_to_worker_split_at_each_offset_of_all_in_a_row(self):
        self.split_at_each_offset([vector for vector in TO_WORKER if vector not in TO_LAUNCHER], None)

    def test_to_launcher_split_at_each_offset_of_all_in_a_row(self):
        self.split_at_each_offset(TO_LAUNCHER, frames.LAUNCHER_CHANNEL)

    def split_at_each_offset(self, vectors, channel):
        data = b"".join(bytes.fromhex(vector["hex"]) for vector in vectors)
        expected = [vector["frame"] for vector in vectors]
        for split in range(len(data) + 1):
            decoder = frames.Decoder(frames.TO_WORKER, channel)
            found = decoder.feed(data[:split]) + decoder.feed(data[split:])
            self.assertEqual([decode(frame, channel) for frame in found], expected, "split at %d" % split)

    def test_to_gateway_is_encoded_to_the_byte(self):
        for vector in TO_GATEWAY:
            with self.subTest(vector["name"]):
                if vector["frame"]["type"] == "ERROR":
                    fields = vector["frame"]
                    self.assertEqual(
                        json.loads(bytes.fromhex(vector["hex"])[16:].decode()),
                        json.loads(
                            frames.encode_error(fields["stream"], fields["serviceTime"], fields["failure"])[
                                16:
                            ].decode()
                        ),
                    )
                    continue
                self.assertEqual(encode(vector["frame"]).hex(), vector["hex"])

    def test_to_gateway_is_accepted(self):
        for vector in TO_GATEWAY:
            with self.subTest(vector["name"]):
                (frame,) = frames.Decoder(vector["way"], vector["channel"]).feed(bytes.fromhex(vector["hex"]))
                self.assertEqual(rules_of(vector["channel"])[frame.kind].name, vector["frame"]["type"])


class ManyFiles(unittest.TestCase):
    def test_they_are_split_over_frames(self):
        paths = ["/srv/%05d/%s.py" % (index, "\u00e9" * 100) for index in range(3000)]
        decoder = frames.Decoder(frames.TO_GATEWAY, frames.CONTROL_CHANNEL)
        found = [frames.decode_json(frame.payload)["files"] for frame in decoder.feed(frames.encode_files(paths))]
        self.assertGreater(len(found), 1)
        self.assertEqual([path for part in found for path in part], paths)

    def test_none(self):
        self.assertEqual(frames.encode_files([]), b"")


class CorruptFrames(unittest.TestCase):
    def corrupt(self):
        return [vector for vector in VECTORS["corrupt"] if not self.is_judged_by_the_gateway(vector)]

    @staticmethod
    def is_judged_by_the_gateway(vector):
        """What only the reader of a payload finds, where the reader is the gateway."""
        return vector["way"] == frames.TO_GATEWAY and (
            vector["error"] == "bad-json" or vector["name"] == "head-longer-than-its-payload"
        )

    def refuse(self, vector, pieces):
        decoder = frames.Decoder(vector["way"], vector["channel"])
        with self.assertRaises(frames.ProtocolError) as caught:
            for piece in pieces:
                for frame in decoder.feed(piece):
                    decode(frame, vector["channel"])
        self.assertEqual(caught.exception.reason, vector["error"])

    def test_whole_and_byte_by_byte(self):
        for vector in self.corrupt():
            with self.subTest(vector["name"]):
                data = bytes.fromhex(vector["hex"])
                self.refuse(vector, [data])
                self.refuse(vector, [data[index : index + 1] for index in range(len(data))])

    def test_a_bad_header_is_refused_before_its_payload_comes(self):
        late = ("bad-json", "payload-too-short", "payload-length")
        for vector in self.corrupt():
            if vector["error"] not in late:
                with self.subTest(vector["name"]):
                    self.refuse(vector, [bytes.fromhex(vector["hex"])[:12]])


class InboxReading(unittest.TestCase):
    """The hot path has a parser of its own; it must read the same."""

    def setUp(self):
        self.gateway, worker = socket.socketpair()
        self.addCleanup(self.gateway.close)
        self.addCleanup(worker.close)
        self.gateway.settimeout(20)
        worker.settimeout(20)
        self.inbox = Inbox(worker)

    REQUESTS = [vector for vector in TO_WORKER if vector["frame"]["type"] == "REQUEST"]

    def expected(self):
        return [
            (
                vector["frame"]["stream"],
                vector["frame"]["flags"],
                "\0".join(part for pair in vector["frame"]["environ"] for part in pair).encode("latin-1"),
                bytes.fromhex(vector["frame"]["bodyHex"]),
            )
            for vector in self.REQUESTS
        ]

    def test_requests_in_one_read(self):
        self.gateway.sendall(b"".join(bytes.fromhex(vector["hex"]) for vector in self.REQUESTS))
        self.assertEqual(self.inbox.receive(), self.expected())

    def test_split_at_each_offset(self):
        data = b"".join(bytes.fromhex(vector["hex"]) for vector in self.REQUESTS)
        expected = self.expected()
        for split in range(1, len(data)):
            found = []
            for part in (data[:split], data[split:]):
                found += self.inbox._parse(self.inbox._rest + part)
            self.assertEqual(found, expected, "split at %d" % split)

    def test_a_frame_larger_than_one_read(self):
        body = bytes(range(256)) * 2048
        payload = frames.U32.pack(3) + b"A\0b" + body
        sender = threading.Thread(
            target=self.gateway.sendall, args=(frames.encode(frames.REQUEST, 9, payload, frames.SAFE),)
        )
        sender.start()
        self.assertEqual(self.inbox.receive(), [(9, frames.SAFE, b"A\0b", body)])
        sender.join()

    def test_drain_after_requests(self):
        first = bytes.fromhex(self.REQUESTS[0]["hex"])
        self.gateway.sendall(first + frames.encode(frames.DRAIN))
        self.assertEqual(len(self.inbox.receive()), 1)
        self.assertIsNone(self.inbox.receive())
        self.assertTrue(self.inbox.draining)

    def test_the_end_of_the_channel(self):
        self.gateway.sendall(bytes.fromhex(self.REQUESTS[0]["hex"])[:-1])
        self.gateway.shutdown(socket.SHUT_WR)
        self.assertIsNone(self.inbox.receive())

    def test_corrupt_requests(self):
        for vector in VECTORS["corrupt"]:
            if (
                vector["way"] != frames.TO_WORKER
                or vector["channel"] != "data"
                or vector["error"] == "bad-json"
            ):
                continue
            with self.subTest(vector["name"]):
                with self.assertRaises(frames.ProtocolError) as caught:
                    self.inbox._parse(bytes.fromhex(vector["hex"]))
                self.assertEqual(caught.exception.reason, vector["error"])

    def test_corrupt_after_valid(self):
        with self.assertRaises(frames.ProtocolError):
            self.inbox._parse(
                bytes.fromhex(self.REQUESTS[0]["hex"]) + struct.pack("<IIBBH", 4, 0, 2, 0, 0) + b"\0\0\0\0"
            )


if __name__ == "__main__":
    unittest.main()
