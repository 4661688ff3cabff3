"""test_concurrency.py - many writers at once, some of them killed: every
version gets a number of its own, and none is lost."""
import contextlib
import hashlib
import http.client
import random
import threading
import time

from harness import Mreg, assert_pulled, finish, kill, small_model, tree, \
    write

PUSHERS = 16


def pushers_of(user, box):
    """Sixteen people with homes of their own, one store, one model each."""
    env = {k: v for k, v in user.env.items() if k.startswith("MREG_")}
    if user.where == "local":
        env["MREG_STORE"] = str(user.store)
    return [(Mreg(user.binary, box / f"home{i}", env),
             small_model(box / f"model{i}", f"{box}{i}"))
            for i in range(PUSHERS)]


def assert_all_there(user, name, digests):
    """Each digest has one number of its own, which its tag and the listing
    agree on; latest is the highest."""
    rows = user.json("ls", name)["versions"]
    assert sorted(row["digest"] for row in rows) == sorted(digests)
    numbers = {row["number"] for row in rows}
    assert len(numbers) == len(digests)
    for row in rows:
        assert not row["moved"], row
        assert user.json("resolve", f"{name}:v{row['number']}")["digest"] == \
            row["digest"]
    top = max(rows, key=lambda row: row["number"])
    assert user.json("resolve", f"{name}:latest")["digest"] == top["digest"]
    assert "latest" in top["tags"]


def test_sixteen_pushers_at_once_get_sixteen_numbers(shared, box):
    people = pushers_of(shared, box)
    started = [who.start("push", folder, "sixteen", "--json")
               for who, folder in people]
    results = [finish(p) for p in started]
    assert [r.status for r in results] == [0] * PUSHERS, \
        "\n".join(str(r) for r in results if r.status)
    pushed = [r.json for r in results]
    assert len({p["number"] for p in pushed}) == PUSHERS
    assert not any(p["identical"] for p in pushed)
    assert_all_there(shared, "sixteen", [p["digest"] for p in pushed])
    for p in pushed:
        assert shared.json("resolve", f"sixteen:v{p['number']}")["digest"] == \
            p["digest"]


def push_and_kill_three(people, name, window):
    """16 pushes at once, three of them killed within `window` seconds; the
    victims, how many of them still ran, and the results of the others."""
    rng = random.Random()
    begin = time.monotonic()
    started = [who.start("push", folder, name, "--json")
               for who, folder in people]
    moments = sorted((rng.uniform(0, window), i)
                     for i in rng.sample(range(PUSHERS), 3))
    met = 0
    for moment, i in moments:
        time.sleep(max(0, begin + moment - time.monotonic()))
        met += started[i].poll() is None
        kill(started[i])
    victims = {i for _, i in moments}
    results = [finish(p) for i, p in enumerate(started) if i not in victims]
    assert all(r.status == 0 for r in results), \
        f"killed at {moments}\n" + \
        "\n".join(str(r) for r in results if r.status)
    return victims, met, results


def test_three_of_sixteen_are_killed_and_run_again(shared, box):
    people = pushers_of(shared, box)
    # How long they are at it depends on the machine.
    window, met = 0.8, 0
    while not met and window > 0.01:
        name = f"killed-within-{window * 1000:.0f}"
        victims, met, results = push_and_kill_three(people, name, window)
        window /= 2
    assert met, "nobody was still running"
    digests = [r.json["digest"] for r in results]
    for i in victims:
        who, folder = people[i]
        digests.append(who.json("push", folder, name)["digest"])
    assert len(set(digests)) == PUSHERS
    assert_all_there(shared, name, digests)
    # Once more: all of them are there, and nothing is left to complete.
    for who, folder in people:
        assert who.json("push", folder, name)["identical"]
    assert_all_there(shared, name, digests)


def big_model(folder, seed):
    rng = random.Random(seed)
    for i in range(6):
        write(folder / f"w/part-{i}.bin", rng.randbytes(4_000_000))
    write(folder / "config.json", "{}")
    return folder


def test_two_pulls_into_one_folder_at_once(shared, box):
    folder = big_model(box / "m", "two pulls")
    shared.run("push", folder, "two-pulls")
    others = [shared.clone(box / f"puller{i}",
                           MREG_STORE=str(shared.store)) for i in range(3)]
    started = [who.start("pull", "two-pulls", "-o", box / "out", "--json")
               for who in others]
    results = [finish(p) for p in started]
    assert all(r.status == 0 for r in results), "\n".join(map(str, results))
    assert len({r.json["digest"] for r in results}) == 1
    assert_pulled(box / "out", tree(folder))


def test_two_versions_pulled_into_one_folder_leave_whole_files(shared, box):
    """Which of the two wins is open; no file may be a mixture."""
    folders = [big_model(box / f"m{i}", f"versions {i}") for i in (1, 2)]
    for folder in folders:
        shared.run("push", folder, "two-versions")
    started = [shared.start("pull", f"two-versions:v{n}", "-o", box / "out",
                            "--json") for n in (1, 2)]
    results = [finish(p) for p in started]
    assert all(r.status in (0, 4) for r in results), \
        "\n".join(map(str, results))
    assert any(r.status == 0 for r in results)
    trees = [tree(folder) for folder in folders]
    found = tree(box / "out")
    for path, what in found.items():
        if not path.rpartition("/")[2].startswith(".mreg-part-"):
            assert what in (trees[0][path], trees[1][path]), path
    shared.run("pull", "two-versions:v1", "-o", box / "out")
    assert_pulled(box / "out", trees[0])


def test_two_models_are_pushed_into_one_local_store_at_once(mreg, box):
    folders = [big_model(box / f"m{i}", f"store {i}") for i in (1, 2)]
    for names in ("one", "two"), ("both", "both"):
        started = [mreg.clone(box / f"{names[i]}{i}",
                              MREG_STORE=str(mreg.store)).start(
            "push", folders[i], names[i], "--json") for i in (0, 1)]
        results = [finish(p) for p in started]
        assert all(r.status == 0 for r in results), \
            "\n".join(map(str, results))
        for i in (0, 1):
            digest = results[i].json["digest"]
            out = box / f"out-{names[i]}-{i}"
            mreg.run("pull", f"{names[i]}@{digest}", "-o", out)
            assert_pulled(out, tree(folders[i]))
    assert len(mreg.json("ls", "both")["versions"]) == 2


@contextlib.contextmanager
def uploaders(plain, repository, data, count=3):
    """Others who send the same blob to the same repository all the time."""
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    stop = threading.Event()
    sent = []

    def send():
        c = http.client.HTTPConnection("127.0.0.1", plain.port)
        while not stop.is_set():
            c.request("POST", f"/v2/{repository}/blobs/uploads/")
            r = c.getresponse()
            r.read()
            where = r.headers["Location"]
            where = where[where.index("/v2/"):]
            c.request("PUT", f"{where}&digest={digest}", body=data, headers={
                "Content-Type": "application/octet-stream"})
            r = c.getresponse()
            r.read()
            sent.append(r.status)

    threads = [threading.Thread(target=send) for _ in range(count)]
    for t in threads:
        t.start()
    try:
        yield sent
    finally:
        stop.set()
        for t in threads:
            t.join()


def test_a_blob_that_others_send_at_the_same_time_is_no_trouble(
        at_plain, plain, box):
    """distribution 2.8 rewrites a blob's link in place: who looks at it in
    that moment is answered 500, and a manifest that names it 400 with
    DIGEST_INVALID."""
    folder = small_model(box / "m", "same blob")
    at_plain.run("push", folder, "same-blob")
    with uploaders(plain, "same-blob", (folder / "README.md").read_bytes()) \
            as sent, uploaders(plain, "same-blob", b"{}"):
        for i in range(6):
            write(folder / "config.json", f'{{"n": {i}}}')
            pushed = at_plain.json("push", folder, "same-blob")
            assert pushed["number"] == i + 2
    assert sent and set(sent) == {201}
    assert len(at_plain.json("ls", "same-blob")["versions"]) == 7
