"""An OTLP collector for tests: each span that comes, as a line of JSON in a file.

Usage: collector.py FILE     listens on 127.0.0.1:$PORT, HTTP with protobuf; runs until it is stopped
"""
import http.server
import json
import os
import sys


def fields(message):
    """(number, value) of a protobuf message: bytes, or an integer."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        tag = varint()
        kind = tag & 7
        if kind == 0:
            yield tag >> 3, varint()
            continue
        size = varint() if kind == 2 else 8 if kind == 1 else 4
        yield tag >> 3, message[at:at + size]
        at += size


def every(message, *path):
    """All that stands at a path of field numbers."""
    if not path:
        yield message
        return
    for number, value in fields(message):
        if number == path[0]:
            yield from every(value, *path[1:])


def first(message, *path):
    return next(every(message, *path), b"")


def service_of(resource_spans):
    for attribute in every(resource_spans, 1, 1):
        if first(attribute, 1) == b"service.name":
            return first(attribute, 2, 1).decode()
    return ""


class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/traces":
            for resource_spans in every(body, 1):
                for span in every(resource_spans, 2, 2):
                    self.keep(service_of(resource_spans), span)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def keep(self, service, span):
        line = {"service": service, "trace": first(span, 1).hex(), "span": first(span, 2).hex(),
                "parent": first(span, 4).hex(), "name": first(span, 5).decode()}
        with open(sys.argv[1], "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Collector).serve_forever()
