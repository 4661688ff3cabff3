"""test_plain.py - a registry on a loopback port without TLS: asked for https
once, not by every command."""
import socket
import threading

import pytest

import harness

HANDSHAKE = b"\x16"  # the first byte of a TLS hello


class Relay:
    """A port that leads to `host`, and notes how each connection began."""

    def __init__(self, host):
        name, port = host.rsplit(":", 1)
        self.target = (name, int(port))
        self.first = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                mine, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.relay, args=(mine,),
                             daemon=True).start()

    def relay(self, mine):
        with mine, socket.create_connection(self.target) as other:
            data = mine.recv(65536)
            self.first.append(data[:1])
            back = threading.Thread(target=self.pump, args=(other, mine),
                                    daemon=True)
            back.start()
            try:
                while data:
                    other.sendall(data)
                    data = mine.recv(65536)
                other.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            back.join()

    @staticmethod
    def pump(source, to):
        try:
            while data := source.recv(65536):
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self.listener.close()

    def taken(self):
        """How the connections began since this was asked last."""
        seen, self.first = self.first, []
        return seen


@pytest.fixture
def relay(plain):
    relay = Relay(plain.host)
    yield relay
    relay.stop()


def hellos(seen):
    return [data for data in seen if data == HANDSHAKE]


def test_the_next_command_does_not_ask_for_tls(mreg, relay, box):
    folder = harness.small_model(box / "model", 7)
    mreg.env["MREG_REGISTRY"] = relay.host
    mreg.run("push", folder, "plain-once")
    assert len(hellos(relay.taken())) == 1
    assert mreg.json("push", folder, "plain-once")["identical"]
    mreg.run("pull", "plain-once", "-o", box / "out")
    assert not hellos(relay.taken())
    # Nor does one that only reads; what was opened and not used began with
    # nothing.
    mreg.run("resolve", "plain-once")
    assert {data for data in relay.taken() if data} == {b"G"}


def test_a_lost_state_only_asks_again(mreg, relay, box):
    folder = harness.small_model(box / "model", 8)
    mreg.env["MREG_REGISTRY"] = relay.host
    mreg.run("push", folder, "plain-lost")
    relay.taken()
    for path in (mreg.home / "cache/mreg").glob("state.db*"):
        path.unlink()
    assert mreg.json("push", folder, "plain-lost")["identical"]
    assert len(hellos(relay.taken())) == 1
