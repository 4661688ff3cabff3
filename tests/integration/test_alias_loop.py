"""test_alias_loop.py - an alias is moved and rolled back by one while others
resolve and pull it again and again, some of them what its policy allows: every
answer is one of the two versions, and never an error."""
import re
import shutil
import threading
import time

import harness

SECONDS = 8
GATES = """\
policy: 1
aliases:
  production:
    require: description
"""


def test_every_answer_is_one_of_the_two(shared, box):
    name = f"alias-loop-{shared.where}"
    digests, trees = {}, {}
    if shared.where == "local":
        shared.env["MREG_STORE"] = str(shared.store)
    for n in (1, 2):
        folder = harness.small_model(box / f"m{n}", f"loop{n}")
        digests[n] = shared.json("push", folder, name, "--description",
                                 "who leaves")["digest"]
        trees[digests[n]] = harness.tree(folder)
        shared.run("image", f"{name}:v{n}")
    shared.run("policy", "set", name, harness.write(box / "p.yaml", GATES))
    shared.run("promote", f"{name}:v1", "production")
    failed, seen = [], {}
    end = time.monotonic() + SECONDS

    def move():
        who = shared.clone(box / "mover")
        while time.monotonic() < end:
            who.run("promote", f"{name}:v2", "production")
            who.run("rollback", f"{name}:production")

    def resolve(memory, *words):
        who = shared.clone(box / f"resolver{len(words)}-{memory}")
        answers = seen.setdefault(("resolve", memory, *words), [])
        while time.monotonic() < end:
            if not memory:
                shutil.rmtree(who.env["XDG_CACHE_HOME"], ignore_errors=True)
            said = who.run("resolve", f"{name}:production", *words).stdout
            if "--format" in words:
                said, = re.findall("org.mreg.digest: \"?([^\"\\n]*)", said)
            answers.append(said.strip())

    def pull(*words):
        who = shared.clone(box / f"puller{len(words)}")
        out = box / f"served{len(words)}"
        answers = seen.setdefault(("pull", *words), [])
        while time.monotonic() < end:
            found = who.json("pull", f"{name}:production", "-o", out,
                             *words)["digest"]
            harness.assert_pulled(out, trees[found])
            answers.append(found)

    def watched(work, *args):
        try:
            work(*args)
        except BaseException as why:  # told by the main thread
            failed.append(why)

    demand = "--require-policy"
    consumers = [(resolve, True), (resolve, False), (resolve, True, demand),
                 (pull,), (pull, demand)]
    if shared.where != "local":  # which no cluster can reach
        consumers.append((resolve, True, "--format", "kserve", demand))
    threads = [threading.Thread(target=watched, args=words) for words in
               ((move,), *consumers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not failed, str(failed[0])
    assert len(seen) == len(consumers)
    for who, answers in seen.items():
        assert set(answers) == set(digests.values()), (who, set(answers))
        assert len(answers) > 3
    shared.run("log", name, "--verify")
