"""peers_pickle.py - pickles that Python, joblib and numpy write, and what Python
imports for them; verbs of peers.py."""
import io
import os
import pathlib
import pickle
import random
import zipfile


class Kind(type):
    """Of stubs: classes whose instances are such classes again, whatever is
    done to them."""

    def __call__(cls, *args, **kwargs):
        return make_stub()

    def ignore(cls, *args):
        pass

    __setstate__ = __setitem__ = append = extend = add = ignore


def make_stub():
    return type.__call__(Kind, "Stub", (), {
        "__new__": lambda cls, *args, **kwargs: make_stub()})


class Reader(pickle._Unpickler):
    """Python's own unpickler, given nothing real to call."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seen = set()

    def find_class(self, module, name):
        self.seen.add(f"{module} {name}")
        return make_stub()

    def persistent_load(self, pid):
        return make_stub()


def unpickle(stream):
    """What all pickles that follow each other ask for; what is no pickle ends
    them."""
    names, first = set(), True
    while True:
        at = stream.tell()
        if not stream.read(1):
            return names
        stream.seek(at)
        reader = Reader(stream, encoding="latin-1")
        try:
            reader.load()
        except (pickle.UnpicklingError, LookupError, EOFError):
            if first:
                raise
            return names
        names |= reader.seen
        first = False


def pickle_imports(path):
    """"module name" of everything that loading the pickles in a file asks
    for: of a PyTorch archive, or a file of pickles."""
    names = set()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as z:
            for member in z.namelist():
                if member.endswith(".pkl"):
                    names |= unpickle(io.BytesIO(z.read(member)))
    else:
        with open(path, "rb") as f:
            names = unpickle(f)
    return sorted(names)


def pickle_write(folder):

    import joblib
    import numpy
    from sklearn.linear_model import LogisticRegression
    folder = pathlib.Path(folder)
    x = numpy.arange(40.0).reshape(20, 2)
    model = LogisticRegression().fit(x, [0, 1] * 10)
    joblib.dump(model, folder / "model.joblib")
    joblib.dump(model, folder / "compressed.joblib", compress=3)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with open(folder / f"protocol{protocol}.pkl", "wb") as f:
            pickle.dump({"model": model, "names": ("a", "b")}, f, protocol)
    with open(folder / "calls.pkl", "wb") as f:
        pickle.dump([os.system, eval], f)
    numpy.save(folder / "plain.npy", x)
    numpy.save(folder / "objects.npy", numpy.array([{1}, "x"], object))
    numpy.savez(folder / "arrays.npz", a=x, b=x)


# -- mutants -------------------------------------------------------------------


def mutate(rng, data, pieces):
    """A few changes at random: bytes replaced, left out, put in; `pieces` are
    what a change rather puts there."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 4))):
        at, how = rng.randrange(len(data) or 1), rng.random()
        if how < 0.3:
            data[at:at + 1] = bytes([rng.randrange(256)])
        elif how < 0.5:
            data[at:at + 1] = rng.choice(pieces)
        elif how < 0.7:
            del data[at:at + rng.choice((1, 2, 5))]
        elif how < 0.9:
            data[at:at] = rng.choice(pieces) + rng.choice(pieces)
        else:
            begin = rng.randrange(len(data) or 1)
            data[at:at] = data[begin:begin + rng.randrange(40)]
    return bytes(data)


OPCODES = [bytes([c]) for c in b"()]}NK.cRib0123\x80\x85\x86\x87\x93\x94\x95"
           b"\x8c\x81\x8fhjqrgpt2oQPVX"]


def pickle_mutants(folder, seed, count):
    """Pickles that were changed at random; {name: what Python asks for until
    it ends or fails}."""
    rng, told = random.Random(int(seed)), {}
    folder = pathlib.Path(folder)
    plain = [pickle.dumps({"a": os.system, "b": [eval, print], "c": {1: (2.5,)
                           }, "d": pathlib.PurePosixPath("x")}, protocol)
             for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for i in range(int(count)):
        path = folder / f"{i:04}.pkl"
        path.write_bytes(mutate(rng, rng.choice(plain), OPCODES))
        with open(path, "rb") as f:
            reader = Reader(f, encoding="latin-1")
            try:
                reader.load()
            except Exception:  # whatever such a thing comes to
                pass
            told[path.name] = sorted(reader.seen)
    return told
