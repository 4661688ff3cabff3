"""token_server.py - a token server as docker's registry expects one.

Basic credentials in, a JWT signed with RS256 out, for the scopes that the user
may have.  It speaks TLS, counts what it was asked, and can issue tokens that
end at once: the registry allows a minute of skew (its Leeway), so these are
issued as if their minute were over.
"""
import base64
import http.server
import json
import math
import secrets
import ssl
import threading
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

REGISTRY_LEEWAY_S = 60  # distribution 2.8, registry/auth/token/token.go


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Asked:
    """One request for a token."""

    def __init__(self, user, scopes, status, form):
        self.user = user      # None: anonymous, or refused
        self.scopes = scopes  # as they came: "repository:a/b:pull,push"
        self.status = status
        self.form = form      # POST, with the grant type in a form


class TokenServer:
    """Serves https://localhost:PORT/token until stop().

    `users`: {name: (password, actions)}, actions such as {"pull", "push"};
    "*" is what listing the catalog takes.
    `refresh`: identity tokens, which a form may hold instead of a password.
    `life_s`: how long from now a registry takes its tokens, up to a second
    longer: a JWT counts in whole ones.
    """

    def __init__(self, cert, key, issuer, service, users):
        self.issuer, self.service, self.users = issuer, service, users
        self.life_s = 300
        self.asked = []
        self.refresh = {}        # {identity token: user}
        self.post_status = None  # what a form gets instead of an answer
        self._key = serialization.load_pem_private_key(
            key.read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate(cert.read_bytes())
        self._x5c = base64.b64encode(certificate.public_bytes(
            serialization.Encoding.DER)).decode()
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(cert, key)
        # The handshake belongs into the request's own thread.
        server.socket = tls.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
        self._server = server
        self.realm = f"https://localhost:{server.server_port}/token"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def token(self, user, access):
        now = math.ceil(time.time())
        end = now + self.life_s - REGISTRY_LEEWAY_S
        head = {"typ": "JWT", "alg": "RS256", "x5c": [self._x5c]}
        body = {"iss": self.issuer, "sub": user or "", "aud": self.service,
                "exp": end, "nbf": min(now, end) - 10, "iat": now - 1,
                "jti": secrets.token_hex(8), "access": access}
        text = ".".join(b64url(json.dumps(part).encode())
                        for part in (head, body))
        sign = self._key.sign(text.encode(), padding.PKCS1v15(),
                              hashes.SHA256())
        return f"{text}.{b64url(sign)}"

    def _grant(self, user, scopes):
        allowed = self.users[user][1] if user else set()
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":", 2)
            access.append({"type": kind, "name": name, "actions": [
                a for a in actions.split(",") if a in allowed]})
        return access

    def answer(self, user, password, query, form):
        """(status, document)"""
        scopes = [word for scope in query.get("scope", [])
                  for word in scope.split()]
        known = user is None or (user in self.users and
                                 self.users[user][0] == password)
        good = known and query.get("service") == [self.service]
        status = 200 if good else 401 if not known else 400
        self.asked.append(Asked(user if good else None, scopes, status, form))
        if not good:
            return status, {"details": "incorrect username or password"}
        # No "expires_in": clients then count on 60 s, and are wrong here.
        return 200, {"token": self.token(user, self._grant(user, scopes))}

    def _handler(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                user = password = None
                basic = self.headers.get("Authorization", "")
                if basic.startswith("Basic "):
                    user, _, password = base64.b64decode(
                        basic[6:]).decode().partition(":")
                self.reply(url.path, user, password,
                           urllib.parse.parse_qs(url.query), False)

            def do_POST(self):
                size = int(self.headers.get("Content-Length", 0))
                form = urllib.parse.parse_qs(self.rfile.read(size).decode())
                if outer.post_status:
                    outer.asked.append(Asked(None, [], outer.post_status,
                                             True))
                    self.send(outer.post_status, {})
                    return
                user = form.get("username", [None])[0]
                password = form.get("password", [None])[0]
                if form.get("grant_type") == ["refresh_token"]:
                    user = outer.refresh.get(form["refresh_token"][0], "?")
                    password = outer.users.get(user, ("",))[0]
                self.reply(self.path, user, password, form, True)

            def reply(self, path, user, password, query, form):
                status, document = 404, {}
                if path == "/token":
                    status, document = outer.answer(user, password, query,
                                                    form)
                self.send(status, document)

            def send(self, status, document):
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        return Handler
