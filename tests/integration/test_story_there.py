"""test_story_there.py - scripts/story in Debian's registry."""
import json
import os
import subprocess

import harness


def test_the_story_is_the_same_in_a_registry(mreg, plain, box):
    done = subprocess.run(
        [harness.ROOT / "scripts/story"], capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(box), "TMPDIR": str(box),
             "MREG": str(mreg.binary), "MREG_REGISTRY": f"{plain.host}/told"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert os.listdir(box) == ["home"]
    _, listed = plain.get("/v2/_catalog?n=9&last=told")
    name, = (n for n in json.loads(listed)["repositories"]
             if n.startswith("told/"))
    log = mreg.json("log", f"{plain.host}/{name}", "--verify")
    production, = (a for a in log["aliases"] if a["alias"] == "production")
    assert production["version"] == "v2" and production["differs"] is None
    assert log["count"] == len(log["events"]) == 33
