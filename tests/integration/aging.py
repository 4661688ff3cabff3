"""aging.py - a user whose clock is ahead, events as others would write them,
and results against their schemas; for the tests of what is removed in time."""
import glob
import hashlib
import json
import pathlib

import jsonschema

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec"
EMPTY = "sha256:" + hashlib.sha256(b"{}").hexdigest()
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
EVENT_TYPE = "application/vnd.mreg.event.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
REF_NAME = "org.opencontainers.image.ref.name"


def strict(result, name):
    """The result of a command fits its schema, and has no member that the
    schema does not tell of."""
    schema = json.loads((SPEC / f"schemas/{name}.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(result)

    def look(value, part):
        if isinstance(value, dict):
            assert set(value) == set(part["properties"]) == \
                set(part["required"])
            for key, inner in value.items():
                look(inner, part["properties"][key])
        elif isinstance(value, list):
            for inner in value:
                look(inner, part["items"])

    look(result, schema)
    return result


def ahead(days, preload=()):
    """The environment of somebody so many days later; files keep the time
    they have."""
    library, = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    return {"LD_PRELOAD": " ".join([*map(str, preload), library]),
            "FAKETIME": f"+{days}d", "NO_FAKE_STAT": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # The linker's order does not matter: no allocator is replaced.
            "ASAN_OPTIONS": "verify_asan_link_order=0"}


def put_blob(layout, data):
    hexa = hashlib.sha256(data).hexdigest()
    (layout / "blobs/sha256" / hexa).write_bytes(data)
    return "sha256:" + hexa


def change_index(layout, change):
    """Hand the entries of index.json to `change` and write what it returns."""
    path = layout / "index.json"
    index = json.loads(path.read_text())
    index["manifests"] = change(index["manifests"])
    path.write_text(json.dumps(index))


def tag(layout, name, digest):
    """As another tool would tag it, or, without a digest, untag it."""
    def change(entries):
        rest = [e for e in entries
                if e.get("annotations", {}).get(REF_NAME) != name]
        if digest:
            size = (layout / "blobs" / digest.replace(":", "/")).stat().st_size
            rest.append({"mediaType": MANIFEST_TYPE, "digest": digest,
                         "size": size, "annotations": {REF_NAME: name}})
        return rest

    change_index(layout, change)


def next_event(mreg, name, kind, **fields):
    """Tag and manifest of an event, as somebody without mreg would append
    it."""
    log = mreg.json("log", name)
    seq = log["events"][-1]["seq"] + 1
    event = {"actor": "ada", "actorSource": "as", "kind": kind,
             "prev": sorted(log["heads"]), "seq": seq,
             "time": log["events"][-1]["time"], **fields}
    descriptor = {"mediaType": EMPTY_TYPE, "digest": EMPTY, "size": 2,
                  "data": "e30="}
    notes = {"org.mreg.event": json.dumps(event, sort_keys=True,
                                          separators=(",", ":"))}
    if "version" in fields:
        notes["org.mreg.event.version"] = fields["version"]
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE,
                "artifactType": EVENT_TYPE, "config": descriptor,
                "layers": [descriptor], "annotations": notes}
    data = json.dumps(manifest, separators=(",", ":")).encode()
    return f"mreg.log.{seq:08}.{hashlib.sha256(data).hexdigest()[:32]}", data


def write_event(mreg, layout, name, kind, **fields):
    """Append an event to the log of a local store."""
    name, data = next_event(mreg, name, kind, **fields)
    digest = put_blob(layout, data)
    tag(layout, name, digest)
    return digest
