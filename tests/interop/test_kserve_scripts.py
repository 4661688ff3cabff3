"""test_kserve_scripts.py - the scripts that stand_in tests run are those of
KServe's source: of its newest release where that can be told.  A release whose
texts differ fails here first: see whether the stand-in understands them, and put
them into tests/integration/kserve_scripts.py."""
import json
import pathlib
import re

import pytest

import kserve_scripts
import programs


def literals(source):
    """Go's strings; what is put between two of them is IMAGE."""
    source = re.sub(r'"\s*\+\s*image\s*\+\s*"', "IMAGE", source)
    source = re.sub(r"^\s*//.*$", "", source, flags=re.MULTILINE)
    return {json.loads(text) for text in
            re.findall(r'"(?:[^"\\\n]|\\.)*"', source)}


def test_kserve_s_source_has_the_texts_that_were_tried():
    kserve = programs.load().get("kserve")
    if kserve is None or not kserve.path:
        pytest.skip("no source of KServe: " +
                    (kserve.why if kserve else "scripts/test-interop fetches it"))
    release = kserve.version.lstrip("v")
    newest = list(kserve_scripts.KSERVE)[-1]
    expected = kserve_scripts.KSERVE.get(release, kserve_scripts.KSERVE[newest])
    found = {text for text in literals(pathlib.Path(kserve.path).read_text())
             if re.search(r"/models\b.*&&", text)}
    assert found == {text for text in expected if text}, \
        f"KServe {release} runs other scripts than {newest}"
