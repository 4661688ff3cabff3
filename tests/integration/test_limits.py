"""test_limits.py - how fast a session may be: --limit-rate, both ways."""
import time

import pytest

from harness import MIB, assert_pulled, small_model, tree

SIZE = 8 * MIB
RATE = "4MiB"
# Two seconds' worth, of which one may come at once.
LEAST_S = 1.0


@pytest.fixture
def model(box):
    return small_model(box / "model", "limits", SIZE)


def took(run):
    began = time.monotonic()
    run()
    return time.monotonic() - began


def test_a_limited_push_is_not_faster(at_plain, model, box):
    """And what arrives is what was sent."""
    assert took(lambda: at_plain.run(
        "push", model, "limits/push", "--limit-rate", RATE)) >= LEAST_S
    at_plain.run("pull", "limits/push", "-o", box / "out")
    assert_pulled(box / "out", tree(model))


def test_a_limited_pull_is_not_faster(at_plain, model, box):
    at_plain.run("push", model, "limits/pull")
    assert took(lambda: at_plain.run(
        "pull", "limits/pull", "-o", box / "out",
        "--limit-rate", RATE)) >= LEAST_S
    assert_pulled(box / "out", tree(model))


def test_the_environment_limits_too(at_plain, model, box):
    """Both ways together, in one session each."""
    at_plain.env["MREG_LIMIT_RATE"] = RATE
    assert took(lambda: at_plain.run("push", model, "limits/env")) >= LEAST_S
    assert took(lambda: at_plain.run("pull", "limits/env", "-o",
                                     box / "out")) >= LEAST_S
    assert_pulled(box / "out", tree(model))
