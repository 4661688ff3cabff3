"""test_promote.py - aliases with gates where several people meet: on Debian's
registry, which has no lock, and in a local store, which has one."""
import foreign
import harness
import pytest

POLICY = """\
policy: 1
roles: {risk: [alice, bob]}
aliases:
  production:
    through: staging
    approvals: {risk: 1}
    current: known
"""


@pytest.fixture
def name(box):
    """A repository of its own."""
    return "promote-" + box.name.lower().replace("_", "x")


def push(user, box, name, number):
    folder = harness.small_model(box / f"m{number}", number)
    return user.json("push", folder, name, "--as", "pia")["digest"]


def give(user, box, name, text=POLICY):
    harness.write(box / "policy.yaml", text)
    return user.json("policy", "set", name, box / "policy.yaml")["digest"]


def rules(error):
    return [f["rule"] for f in error["findings"]]


def moves(user, name):
    events = user.json("log", name, "--alias", "production")["events"]
    return [e for e in events if e["kind"] == "alias_moved"]


def test_gates_are_asked_wherever_the_model_is(somewhere, box, name):
    digest = push(somewhere, box, name, 1)
    policy = give(somewhere, box, name)
    ref = f"{name}:v1"
    error = somewhere.fails(7, "promote", ref, "production")
    assert rules(error) == ["aliases.production.through.staging",
                            "aliases.production.approvals.risk"]
    assert rules(somewhere.fails(7, "alias", "set", ref, "production")) == \
        ["aliases.production"]
    assert moves(somewhere, name) == []
    somewhere.run("alias", "set", ref, "staging")
    # Logins are who they are: the policy names them where there are any.
    who = somewhere.json("request", ref, "production", "--as",
                         "ray")["requestedBy"]
    if who == "ray":
        somewhere.run("approve", ref, "production", "--as", "alice")
        done = somewhere.json("promote", ref, "production")
        assert (done["digest"], done["policy"]) == (digest, policy)
        move, = moves(somewhere, name)
        assert move["event"]["by"] == "promote"
        assert move["event"]["policy"] == policy
        out = box / "out"
        somewhere.run("pull", f"{name}:production", "-o", out,
                      "--require-policy")
        harness.assert_pulled(out, harness.tree(box / "m1"))
    else:
        assert rules(somewhere.fails(7, "promote", ref, "production")) == \
            ["aliases.production.approvals.risk"]


def test_many_who_promote_at_once_leave_one_history(shared, box, name):
    """Each is judged against what the alias has when it moves; who was not is
    told, and nothing is half done."""
    digests = {n: push(shared, box, name, n) for n in range(1, 5)}
    give(shared, box, name,
         "policy: 1\naliases: {production: {current: known}}\n")
    people = [shared.clone(box / f"home{n}") for n in digests]
    if shared.where == "local":
        for one in people:
            one.env["MREG_STORE"] = str(shared.store)
    started = [one.start("promote", f"{name}:v{n}", "production", "--json")
               for n, one in zip(digests, people)]
    done = [harness.finish(p) for p in started]
    # 4: moved meanwhile.  7: between another one's event and its tag.
    allowed = {0} if shared.where == "local" else {0, 4, 7}
    assert {r.status for r in done} <= allowed, "\n".join(map(str, done))
    shared.run("alias", "repair", name)
    made = moves(shared, name)
    assert {r.json["event"] for r in done if r.status == 0} <= \
        {m["digest"] for m in made}
    assert all(m["event"]["by"] == "promote" for m in made)
    assert shared.json("log", name, "--verify")["verified"] is True
    last = made[-1]["event"]["version"]
    assert all(one.json("resolve", f"{name}:production",
                        "--require-policy")["digest"] == last
               for one in people[:2])


def test_a_consumer_sees_what_was_moved_without_mreg(at_plain, plain, box,
                                                     name):
    first, second = (push(at_plain, box, name, n) for n in (1, 2))
    give(at_plain, box, name,
         "policy: 1\naliases: {production: {current: known}}\n")
    at_plain.run("promote", f"{name}:v1", "production")
    since = plain.mark()
    at_plain.run("resolve", f"{name}:production")
    assert not [r for r in plain.requests(since) if "tags/list" in r[1]]
    at_plain.run("resolve", f"{name}:production", "--require-policy")
    # As any other client would.
    _, document = plain.get(f"/v2/{name}/manifests/{second}", foreign.MANIFEST)
    foreign.Registry(plain.host, name).send(
        "PUT", "manifests/production", document,
        Content_Type=foreign.MANIFEST)
    assert at_plain.json("resolve", f"{name}:production")["digest"] == second
    error = at_plain.fails(7, "pull", f"{name}:production", "-o", box / "out",
                           "--require-policy")
    assert rules(error) == ["aliases.production"]
    assert "foreign" in error["findings"][0]["problem"]
    assert not (box / "out").exists()
    assert rules(at_plain.fails(7, "promote", f"{name}:v2", "production")) == \
        ["aliases.production.current"]
    at_plain.run("alias", "repair", name)
    assert at_plain.json("resolve", f"{name}:production",
                         "--require-policy")["digest"] == first
