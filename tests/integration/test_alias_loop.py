"""test_alias_loop.py - an alias is moved and rolled back by one while others
resolve and pull it again and again: every answer is one of the two versions,
and never an error."""
import shutil
import threading
import time

import harness

SECONDS = 8


def test_every_answer_is_one_of_the_two(shared, box):
    name = f"alias-loop-{shared.where}"
    digests, trees = {}, {}
    if shared.where == "local":
        shared.env["MREG_STORE"] = str(shared.store)
    for n in (1, 2):
        folder = harness.small_model(box / f"m{n}", f"loop{n}")
        digests[n] = shared.json("push", folder, name)["digest"]
        trees[digests[n]] = harness.tree(folder)
    shared.run("alias", "set", f"{name}:v1", "production")
    end, failed, seen = time.monotonic() + SECONDS, [], {1: [], 2: []}

    def move():
        who = shared.clone(box / "mover")
        while time.monotonic() < end:
            who.run("promote", f"{name}:v2", "production")
            who.run("rollback", f"{name}:production")

    def resolve(memory):
        who = shared.clone(box / f"resolver{memory}")
        while time.monotonic() < end:
            if not memory:
                shutil.rmtree(who.env["XDG_CACHE_HOME"], ignore_errors=True)
            seen[1].append(who.run("resolve", f"{name}:production")
                           .stdout.strip())

    def pull():
        who = shared.clone(box / "puller")
        while time.monotonic() < end:
            found = who.json("pull", f"{name}:production", "-o",
                             box / "served")["digest"]
            harness.assert_pulled(box / "served", trees[found])
            seen[2].append(found)

    def watched(work, *args):
        try:
            work(*args)
        except BaseException as why:  # told by the main thread
            failed.append(why)

    threads = [threading.Thread(target=watched, args=words) for words in
               ((move,), (resolve, True), (resolve, False), (pull,))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not failed, str(failed[0])
    for answers in seen.values():
        assert set(answers) == set(digests.values()), set(answers)
        assert len(answers) > 3
    shared.run("log", name, "--verify")
