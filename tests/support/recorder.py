"""recorder.py - servers that keep what they were sent: to see where
credentials go.  A web server that answers as a test wants, and a proxy."""
import base64
import http.server
import select
import socket
import ssl
import threading
import urllib.parse


class Seen:
    """One request."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.body = method, path, body
        self.headers = headers  # [(name, value)], names in lower case

    def header(self, name):
        return next((v for k, v in self.headers if k == name), None)

    @property
    def credentials(self):
        """Every header that could be one."""
        return [(k, v) for k, v in self.headers if k in (
            "authorization", "proxy-authorization", "cookie") or
            "auth" in k or "token" in k]


class Recorder:
    """Serves localhost:PORT until stop(); over TLS when given a certificate.

    `answer(seen)` returns (status, headers, body); None is 404."""

    def __init__(self, answer=None, cert=None):
        outer = self
        self.seen, self.answer = [], answer

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                size = int(self.headers.get("Content-Length", 0))
                seen = Seen(self.command, self.path,
                            [(k.lower(), v) for k, v in self.headers.items()],
                            self.rfile.read(size))
                outer.seen.append(seen)
                said = outer.answer(seen) if outer.answer else None
                status, headers, body = said or (404, {}, b"")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = serve

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *args: None
        if cert:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(cert.cert, cert.key)
            self.server.socket = tls.wrap_socket(
                self.server.socket, server_side=True,
                do_handshake_on_connect=False)
        self.port = self.server.server_port
        self.host = f"localhost:{self.port}"
        self.url = f"{'https' if cert else 'http'}://{self.host}"
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    @property
    def credentials(self):
        return [c for seen in self.seen for c in seen.credentials]


class Proxy:
    """A forward proxy on 127.0.0.1:PORT: CONNECT, and plain http with whole
    addresses.  Every host is on this machine: `hosts` maps HOST:PORT to a
    port here.  `need`: "USER:PASSWORD" it wants to see."""

    def __init__(self, hosts, need=None):
        self.hosts, self.heads, self.need = hosts, [], None
        if need:
            self.need = "Basic " + base64.b64encode(need.encode()).decode()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def stop(self):
        self.listener.close()

    def url(self, user=""):
        return f"http://{user}{'@' if user else ''}127.0.0.1:{self.port}"

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,),
                             daemon=True).start()

    @staticmethod
    def read_head(client):
        data = b""
        while b"\r\n\r\n" not in data:
            more = client.recv(65536)
            if not more:
                return None, b""
            data += more
        head, _, rest = data.partition(b"\r\n\r\n")
        return head.decode("latin-1"), rest

    def serve(self, client):
        with client:
            while True:
                head, rest = self.read_head(client)
                if head is None:
                    return
                self.heads.append(head)
                lines = head.split("\r\n")
                fields = {k.strip().lower(): v.strip() for k, _, v in
                          (line.partition(":") for line in lines[1:])}
                method, target, _ = lines[0].split(" ")
                if self.need and \
                        fields.get("proxy-authorization") != self.need:
                    client.sendall(
                        b"HTTP/1.1 407 Who are you\r\n"
                        b"Proxy-Authenticate: Basic realm=\"proxy\"\r\n"
                        b"Content-Length: 0\r\n\r\n")
                    continue
                if method != "CONNECT":
                    self.forward(client, lines, target, rest)
                    return
                if target not in self.hosts:
                    client.sendall(b"HTTP/1.1 403 Not there\r\n"
                                   b"Content-Length: 0\r\n\r\n")
                    return
                with socket.create_connection(
                        ("127.0.0.1", self.hosts[target])) as server:
                    client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                    self.pump(client, server)
                return

    def forward(self, client, lines, target, rest):
        """Plain http: one request, then what follows on both sides."""
        url = urllib.parse.urlsplit(target)
        method, _, version = lines[0].split(" ")
        path = urllib.parse.urlunsplit(("", "", url.path, url.query, ""))
        kept = [line for line in lines[1:]
                if not line.lower().startswith("proxy-")]
        head = "\r\n".join([f"{method} {path} {version}", *kept,
                            "Connection: close", "", ""])
        with socket.create_connection(
                ("127.0.0.1", self.hosts[url.netloc])) as server:
            server.sendall(head.encode("latin-1") + rest)
            self.pump(client, server)

    @staticmethod
    def pump(one, two):
        other = {one: two, two: one}
        while True:
            for side in select.select([one, two], [], [], 30)[0]:
                try:
                    data = side.recv(65536)
                    other[side].sendall(data)
                except OSError:
                    return
                if not data:
                    return
