"""As much of S3 as Icechunk uses, in memory: get, put with conditions, list, delete. No signatures are checked."""

import hashlib
import re
import threading
from collections.abc import Callable
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every answer waits 40 ms
    objects: dict[str, bytes]
    lock: threading.Lock
    before_put: Callable[[], None]

    def log_message(self, *_):
        pass

    def key(self) -> str:
        return unquote(urlsplit(self.path).path)

    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()}

    def body(self) -> bytes:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return data
        plain = b""
        while data:
            head, data = data.split(b"\r\n", 1)
            size = int(head.split(b";")[0], 16)
            if size == 0:
                break
            plain, data = plain + data[:size], data[size + 2 :]
        return plain

    def answer(self, status: int, data: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        with suppress(BrokenPipeError, ConnectionResetError):  # the client may be dead
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

    def refuse(self, status: int, code: str) -> None:
        self.answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def do_PUT(self):
        data, key = self.body(), self.key()
        with self.lock:
            self.before_put()
            old = self.objects.get(key)
            if_match = self.headers.get("If-Match")
            if self.headers.get("If-None-Match") == "*" and old is not None:
                return self.refuse(412, "PreconditionFailed")
            if if_match is not None and (old is None or if_match.strip('"') != etag(old)):
                return self.refuse(412, "PreconditionFailed")
            self.objects[key] = data
        return self.answer(200, ETag=f'"{etag(data)}"')

    def do_GET(self):
        if "list-type" in self.query():
            return self.list()
        data = self.objects.get(self.key())
        if data is None:
            return self.refuse(404, "NoSuchKey")
        headers = {"ETag": f'"{etag(data)}"', "Last_Modified": self.date_time_string()}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted is None:
            return self.answer(200, data, **headers)
        first, last = int(wanted[1]), int(wanted[2] or len(data) - 1)
        part = data[first : last + 1]
        return self.answer(206, part, Content_Range=f"bytes {first}-{first + len(part) - 1}/{len(data)}", **headers)

    do_HEAD = do_GET

    def list(self) -> None:
        query, bucket = self.query(), self.key().rstrip("/") + "/"
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        contents, folders = [], set()
        for name, data in sorted(self.objects.items()):
            key = name.removeprefix(bucket)
            if name == key or not key.startswith(prefix):
                continue
            rest = key[len(prefix) :]
            if delimiter and delimiter in rest:
                folders.add(prefix + rest.split(delimiter)[0] + delimiter)
            else:
                contents.append(
                    f"<Contents><Key>{escape(key)}</Key><Size>{len(data)}</Size><ETag>{etag(data)}</ETag>"
                    f"<LastModified>{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}</LastModified></Contents>"
                )
        common = [f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in sorted(folders)]
        inside = "".join(["<IsTruncated>false</IsTruncated>", *contents, *common])
        self.answer(200, f"<ListBucketResult>{inside}</ListBucketResult>".encode(), Content_Type="application/xml")

    def do_DELETE(self):
        self.objects.pop(self.key(), None)
        self.answer(204)

    def do_POST(self):
        names = re.findall(r"<Key>(.*?)</Key>", self.body().decode())
        for name in names:
            self.objects.pop(f"{self.key().rstrip('/')}/{unescape(name)}", None)
        deleted = "".join(f"<Deleted><Key>{name}</Key></Deleted>" for name in names)
        self.answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode(), Content_Type="application/xml")


def etag(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


@contextmanager
def fake_s3(before_put: Callable[[], None] = lambda: None):
    """(endpoint, objects by /bucket/key) of a server that lives as long as the context.

    `before_put` is called when an object has arrived, before it is stored and the client answered.
    """
    objects: dict[str, bytes] = {}
    own = {"objects": objects, "lock": threading.Lock(), "before_put": staticmethod(before_put)}
    handler = type("Handler", (Handler,), own)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", objects
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
