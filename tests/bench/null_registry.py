"""null_registry.py - a registry that keeps documents in memory and throws large
bodies away: nothing but the client is measured.

Serves one client's push: uploads whole, streamed or in chunks, manifests, tags.
Digests are believed.
"""
import hashlib
import json
import re
import socket
import threading
import urllib.parse

KEPT_BYTES = 1 << 20
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Gone(Exception):
    """The client closed its connection."""


class Connection:
    def __init__(self, server, sock):
        self.server, self.sock = server, sock
        self.buffer = b""
        self.block = bytearray(1 << 20)

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise Gone
        self.buffer += data

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("latin-1")

    def take(self, n, kept):
        """`n` bytes, of which `kept` gets what it has room for."""
        while n:
            if self.buffer:
                data, self.buffer = self.buffer[:n], self.buffer[n:]
            else:
                got = self.sock.recv_into(self.block, min(n, len(self.block)))
                if not got:
                    raise Gone
                data = memoryview(self.block)[:got]
            if len(kept) + len(data) <= KEPT_BYTES:
                kept += data
            n -= len(data)

    def body(self, headers):
        """(size, its bytes where they are few)"""
        kept = bytearray()
        if headers.get("transfer-encoding", "").lower() == "chunked":
            size = 0
            while n := int(self.line().split(";")[0], 16):
                self.take(n, kept)
                self.line()
                size += n
            while self.line():
                pass
        else:
            size = int(headers.get("content-length", 0))
            self.take(size, kept)
        return size, bytes(kept) if len(kept) == size else b""

    def answer(self, status, headers, body=b"", head=False):
        headers.setdefault("Content-Length", len(body))
        text = f"HTTP/1.1 {status} status\r\n" + "".join(
            f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
        self.sock.sendall(text.encode() + (b"" if head else body))

    def one(self):
        method, target, _ = self.line().split(" ", 2)
        headers = {}
        while line := self.line():
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        size, body = self.body(headers)
        status, out, data = self.server.handle(
            method, urllib.parse.urlsplit(target), headers, size, body)
        self.answer(status, out, data, method == "HEAD")

    def serve(self):
        try:
            while True:
                self.one()
        except (Gone, OSError):
            self.sock.close()


class NullRegistry:
    def __init__(self):
        self.lock = threading.Lock()
        self.blobs, self.manifests, self.tags, self.sessions = {}, {}, {}, {}
        self.discarded = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.host = f"localhost:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Connection(self, sock).serve,
                             daemon=True).start()

    def stop(self):
        self.listener.close()

    def handle(self, method, url, headers, size, body):
        with self.lock:
            for pattern, answer in (
                    (r"/v2/?$", lambda *_: (200, {}, b"{}")),
                    (r"/v2/(.+)/blobs/uploads/?$", self.begin),
                    (r"/v2/(.+)/blobs/uploads/(\d+)$", self.upload),
                    (r"/v2/(.+)/blobs/([^/]+)$", self.blob),
                    (r"/v2/(.+)/manifests/([^/]+)$", self.manifest),
                    (r"/v2/(.+)/tags/list$", self.list),
                    (r"/v2/(.+)/referrers/([^/]+)$", self.referrers)):
                m = re.match(pattern, url.path)
                if m:
                    query = dict(urllib.parse.parse_qsl(url.query))
                    return answer(m, method, query, headers, size, body)
        return 404, {}, b""

    def begin(self, m, method, query, headers, size, body):
        number = str(len(self.sessions) + 1)
        self.sessions[number] = (0, b"")
        return 202, {"Location": f"/v2/{m[1]}/blobs/uploads/{number}",
                     "Range": "0-0"}, b""

    def upload(self, m, method, query, headers, size, body):
        before, kept = self.sessions.get(m[2], (0, b""))
        total = before + size
        self.discarded += size
        self.sessions[m[2]] = total, kept + body
        if method != "PUT":
            return 202, {"Location": f"/v2/{m[1]}/blobs/uploads/{m[2]}",
                         "Range": f"0-{max(total - 1, 0)}"}, b""
        digest = query["digest"]
        self.blobs[digest] = total, kept + body
        return 201, {"Location": f"/v2/{m[1]}/blobs/{digest}",
                     "Docker-Content-Digest": digest}, b""

    def blob(self, m, method, query, headers, size, body):
        if m[2] not in self.blobs:
            return 404, {}, b""
        total, data = self.blobs[m[2]]
        out = {"Docker-Content-Digest": m[2],
               "Content-Type": "application/octet-stream"}
        if method == "HEAD":
            return 200, {**out, "Content-Length": total}, b""
        return (200, out, data) if len(data) == total else (500, {}, b"")

    def manifest(self, m, method, query, headers, size, body):
        digest = m[2]
        if method == "PUT":
            digest = "sha256:" + hashlib.sha256(body).hexdigest()
            kind = headers.get("content-type", MANIFEST)
            self.manifests[digest] = kind, body
            if not m[2].startswith("sha256:"):
                self.tags[m[2]] = digest
            return 201, {"Location": f"/v2/{m[1]}/manifests/{digest}",
                         "Docker-Content-Digest": digest}, b""
        digest = self.tags.get(digest, digest)
        if digest not in self.manifests:
            return 404, {"Content-Type": "application/json"}, \
                b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'
        if method == "DELETE":
            self.tags.pop(m[2], None)
            return 202, {}, b""
        kind, data = self.manifests[digest]
        return 200, {"Content-Type": kind,
                     "Docker-Content-Digest": digest}, data

    def list(self, m, method, query, headers, size, body):
        if not self.tags:
            return 404, {"Content-Type": "application/json"}, \
                b'{"errors":[{"code":"NAME_UNKNOWN"}]}'
        return 200, {"Content-Type": "application/json"}, json.dumps(
            {"name": m[1], "tags": sorted(self.tags)}).encode()

    def referrers(self, m, method, query, headers, size, body):
        return 404, {}, b""
