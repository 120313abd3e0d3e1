"""ClickHouse's engine (the package chdb) behind its HTTP interface, on loopback.

    python3 clickhouse.py PORT [FOLDER] [--user NAME --password WORD]

Prints `ready on PORT` when it listens; with port 0 the system chooses one. Stops when its standard input
closes, if that is a pipe. Queries run one after the other. It has what spanspec and the Collector's clickhouse
exporter need: bound parameters, default_format, exceptions with their codes and statuses, INSERT with its rows
in the body (also binary), and the format Native as the exporter's driver wants it. It has no compression, so
the exporter's endpoint must end with `?compress=none`; it ignores settings such as async_insert.
"""

import argparse
import base64
import io
import re
import stat
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

try:
    from chdb import session
except ImportError:
    sys.exit("chdb is not installed: pip install chdb")

STATUS = {60: 404, 81: 404, 46: 404, 47: 404, 36: 400, 62: 400, 456: 400, 457: 400, 516: 403, 497: 403}
LOCK = threading.Lock()
INSERT = re.compile(r"\s*(INSERT\s.*)\sFORMAT\s+(\w+)\s*", re.IGNORECASE | re.DOTALL)
# Bytes of a value in Native.
WIDTHS = {"UInt8": 1, "UInt16": 2, "UInt32": 4, "UInt64": 8, "Int8": 1, "Int16": 2, "Int32": 4, "Int64": 8}
# Says that the block is not one of overflows and has no bucket.
BLOCK_INFO = b"\1\0\2\xff\xff\xff\xff\0"
# The first protocol version that has a byte for a custom serialization after the type of a column.
CUSTOM_SERIALIZATION = 54454


def for_driver(native, version):
    """Blocks of Native with the bytes that a client of this protocol version expects and the engine leaves out.

    Columns have to be strings or integers, as in the answers to the driver's own queries (about the server, DESCRIBE).
    """
    data, additions = io.BytesIO(native), []

    def number():
        value = shift = 0
        while (byte := data.read(1)[0]) >= 128:
            value |= (byte & 127) << shift
            shift += 7
        return value | byte << shift

    def text():
        return data.read(number()).decode()

    while version > 0 and data.tell() < len(native):
        additions.append((data.tell(), BLOCK_INFO))
        columns, rows = number(), number()
        for _ in range(columns):
            name, kind = text(), text()
            if version >= CUSTOM_SERIALIZATION:
                additions.append((data.tell(), b"\0"))
            if kind == "String":
                for _ in range(rows):
                    data.seek(number(), io.SEEK_CUR)
            elif kind in WIDTHS:
                data.seek(rows * WIDTHS[kind], io.SEEK_CUR)
            else:
                raise ValueError(f"Column {name}: the type {kind} is not supported in the format Native")
    for at, addition in reversed(additions):
        native = native[:at] + addition + native[at:]
    return native


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fail(self, code, text):
        headers = {"Content-Type": "text/plain; charset=UTF-8", "X-ClickHouse-Exception-Code": str(code)}
        self.answer(STATUS.get(code, 500), (text + "\n").encode(), headers)

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def do_GET(self):
        if urlsplit(self.path).path == "/ping":
            return self.answer(200, b"Ok.\n", {})
        self.do_POST()

    def do_POST(self):
        options = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self.read_body()
        user, word = self.headers.get("X-ClickHouse-User"), self.headers.get("X-ClickHouse-Key")
        kind, _, text = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            user, _, word = base64.b64decode(text).decode().partition(":")
        if ARGUMENTS.user and (user, word) != (ARGUMENTS.user, ARGUMENTS.password):
            name = user or "default"
            return self.fail(
                516, f"Code: 516. DB::Exception: {name}: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)"
            )
        query, form = options.get("query", ""), options.get("default_format", "TabSeparated")
        parameters = {name[6:]: value for name, value in options.items() if name.startswith("param_")}
        insert = INSERT.fullmatch(query)
        try:
            with LOCK:
                SESSION.query(f"USE `{options.get('database', 'default')}`")
                if insert:
                    with SESSION.send_insert(insert[1], insert[2]) as rows:
                        rows.append(body)
                        rows.finish()
                    result = b""
                else:
                    query = "\n".join(part for part in (query, body.decode()) if part)
                    result = SESSION.query(query, form, params=parameters).bytes()
            if form == "Native":
                result = for_driver(result, int(options.get("client_protocol_version", 0)))
        except Exception as error:
            text = str(error).strip()
            code = re.search(r"Code: (\d+)", text)
            return self.fail(int(code[1]) if code else 1002, text[text.find("Code: "):] if code else text)
        self.answer(200, result, {"Content-Type": "application/x-ndjson; charset=UTF-8", "X-ClickHouse-Format": form})


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def stop_with_input(server):
    sys.stdin.buffer.read()
    server.shutdown()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("folder", nargs="?", default="")
    parser.add_argument("--user")
    parser.add_argument("--password", default="")
    ARGUMENTS = parser.parse_args()
    SESSION = session.Session(ARGUMENTS.folder)
    SERVER = Server(("127.0.0.1", ARGUMENTS.port), Handler)
    print(f"ready on {SERVER.server_address[1]}", flush=True)
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=stop_with_input, args=[SERVER], daemon=True).start()
    SERVER.serve_forever()
    with LOCK:
        SESSION.close()
        # Without this, the end of the process often crashes or hangs in the engine.
        os._exit(0)
