"""peers_kserve.py - what KServe's storage initializer runs, as it runs it.

usage: python peers_kserve.py URI FOLDER

Run by the Python that scripts/test-interop installed kserve-storage into, which
has no pytest.  Nothing of it is changed or replaced."""
import sys

from kserve_storage import Storage


if __name__ == "__main__":
    Storage.download(sys.argv[1], sys.argv[2])
