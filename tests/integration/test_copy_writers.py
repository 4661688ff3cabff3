"""test_copy_writers.py - several processes at once that write the list of
what is attached to one manifest, where the registry does not keep it: nothing
is lost."""
import pytest

from harness import finish, small_model
from test_copy import EMPTY, Repository, digest, document, list_attached, own

# So few that each gets the lock in the time that it is waited for.
WRITERS = 4


@pytest.fixture
def sources(at_plain, plain, box):
    """One version in as many repositories, each with a document of its own."""
    name = f"writers-{own(box)}"
    small_model(box / "model", box.name, 3000)
    at_plain.run("push", box / "model", f"{plain.host}/{name}")
    out = []
    for i in range(WRITERS):
        r = Repository(plain, f"{name}-{i}")
        at_plain.run("copy", f"{plain.host}/{name}", r.ref)
        assert r.blob(b"{}")["digest"] == EMPTY["digest"]
        v1 = r.get("v1")
        r.report = digest(r.put(document(r, v1, f"report {i}")))
        list_attached(r, v1, r.get(r.report))
        out.append(r)
    return out


def test_writers_at_once_lose_nothing(at_plain, sources, plain):
    target = Repository(plain, f"{sources[0].name}-target")
    running = [at_plain.start("copy", f"{source.ref}:v1", target.ref)
               for source in sources]
    for process in running:
        done = finish(process)
        assert done.status == 0, done
    assert target.attached(digest(sources[0].get("v1"))) == {
        r.report for r in sources}
    assert target.missing() == []
    # One lock for one tag.
    assert len(list((at_plain.home / "cache/mreg/locks").iterdir())) == 1
