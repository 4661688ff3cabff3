"""peers.py - what the Python packages of others write and read.

usage: python peers.py VERB [WORD...]

Run by the Python that scripts/test-interop installed them into, which has no
pytest; prints the answer as JSON.  Nothing of mreg is in here: what a format
says is told as its own package tells it.  Packages are imported by the verbs
that need them.
"""
import json
import os
import pathlib
import random
import struct
import sys

import peers_mlflow
import peers_onnx
import peers_pickle
from peers_pickle import mutate


def product(dims):
    n = 1
    for dim in dims:
        n *= int(dim)
    return n


# -- safetensors ---------------------------------------------------------------

# As its TensorSpec calls them, and bits of an element.
SAFETENSORS = {
    "bool": 8, "uint8": 8, "int8": 8, "int16": 16, "uint16": 16,
    "float16": 16, "bfloat16": 16, "int32": 32, "uint32": 32, "float32": 32,
    "int64": 64, "uint64": 64, "float64": 64, "complex64": 64,
    "float8_e4m3fn": 8, "float8_e5m2": 8, "float8_e4m3fnuz": 8,
    "float8_e5m2fnuz": 8, "float8_e8m0fnu": 8,
    "float4_e2m1fn_x2": 8,  # of two, and so is its shape
}


def safetensors_write(folder):
    """A file with every type, and a model of two shards as transformers names
    them."""
    import numpy
    from safetensors import TensorSpec, serialize_file
    from safetensors.numpy import save_file
    folder = pathlib.Path(folder)
    zeros = numpy.zeros(64, numpy.uint8)
    serialize_file(
        {name: TensorSpec(dtype=name, shape=shape,
                          data_ptr=zeros.ctypes.data,
                          data_len=product(shape) * bits // 8)
         for (name, bits), shape in zip(
             SAFETENSORS.items(), [[2, 3], [], [0, 4], [1, 1, 1, 5]] * 5)},
        str(folder / "every-type.safetensors"), {"note": "größe \u6a21"})
    shards = [{f"layers.{n}.weight": numpy.full((n + 2, 3), n, "float16")
               for n in range(k, k + 3)} for k in (0, 3)]
    where = {}
    for i, tensors in enumerate(shards):
        name = f"model-{i + 1:05}-of-00002.safetensors"
        save_file(tensors, folder / name, {"format": "np"})
        where.update(dict.fromkeys(tensors, name))
    total = sum(t.nbytes for tensors in shards for t in tensors.values())
    (folder / "model.safetensors.index.json").write_text(json.dumps(
        {"metadata": {"total_size": total}, "weight_map": where}, indent=2))


def safetensors_read(path):
    from safetensors import safe_open
    tensors = {}
    with safe_open(path, framework="np") as f:
        for name in f.keys():
            s = f.get_slice(name)
            tensors[name] = [s.get_dtype(), s.get_shape()]
        return {"metadata": f.metadata() or {}, "tensors": tensors,
                "parameters": sum(product(d) for _, d in tensors.values())}


def safetensors_mutants(folder, source, seed, count):
    """Files whose headers were changed at random; {name: what the package
    reads in it, or None where it refuses}."""
    rng, told = random.Random(int(seed)), {}
    folder = pathlib.Path(folder)
    files = sorted(pathlib.Path(source).glob("*.safetensors"))
    for i in range(int(count)):
        data = rng.choice(files).read_bytes()
        size, = struct.unpack_from("<Q", data)
        head = mutate(rng, data[8:8 + size].rstrip(b" "), (
            b"0", b"1", b"-1", b"1.0", b"e1", b'"', b",", b"[]", b"{}"))
        path = folder / f"{i:04}.safetensors"
        path.write_bytes(struct.pack("<Q", len(head)) + head +
                         data[8 + size:])
        try:
            told[path.name] = safetensors_read(path)["tensors"]
        except Exception:  # it has many of its own
            told[path.name] = None
    return told


# -- gguf ----------------------------------------------------------------------


def gguf_write(folder):
    """One file with every type of tensor and of value, and smaller ones that
    are quantized as a whole."""
    import gguf
    import numpy
    folder = pathlib.Path(folder)
    w = gguf.GGUFWriter(folder / "every-type.gguf", "llama")
    w.add_name("Every Type")
    w.add_license("apache-2.0")
    w.add_context_length(131072)
    w.add_tokenizer_model("gpt2")
    w.add_token_list([b"a", b"\xc3\xb6", b"\xff"] * 300)
    w.add_token_scores([0.5] * 900)
    w.add_chat_template("{% for m in messages %}{{ m }}{% endfor %}")
    w.add_base_model_count(1)
    w.add_base_model_organization(0, "acme")
    w.add_base_model_name(0, "base")
    w.add_uint8("t.uint8", 255)
    w.add_int8("t.int8", -128)
    w.add_uint16("t.uint16", 65535)
    w.add_int16("t.int16", -32768)
    w.add_uint32("t.uint32", 2**32 - 1)
    w.add_int32("t.int32", -2**31)
    w.add_uint64("t.uint64", 2**64 - 1)
    w.add_int64("t.int64", -2**63)
    w.add_float32("t.float32", 1e-05)
    w.add_float64("t.float64", 0.1)
    w.add_bool("t.bool", True)
    w.add_string("t.string", "größe")
    for kind in gguf.GGMLQuantizationType:
        block, size = gguf.GGML_QUANT_SIZES[kind]
        if kind.name == "Q8_1":  # never in files
            continue
        raw = numpy.zeros((3, 2 * size), numpy.uint8)
        w.add_tensor(f"blk.{kind.value}.{kind.name}", raw, raw_dtype=kind,
                     raw_shape=raw.shape)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    rng = numpy.random.default_rng(1)
    values = rng.standard_normal((4, 512)).astype(numpy.float32)
    for name, endian, alignment in (
            ("Q4_0", gguf.GGUFEndian.LITTLE, 0), ("Q8_0", None, 64),
            ("Q5_1", gguf.GGUFEndian.LITTLE, 8), ("TQ2_0", None, 0),
            ("F32", gguf.GGUFEndian.BIG, 0)):
        kind = gguf.GGMLQuantizationType[name]
        w = gguf.GGUFWriter(folder / f"{name}.gguf", "bert",
                            **({"endianess": endian} if endian else {}))
        if alignment:
            w.add_custom_alignment(alignment)
        if name != "TQ2_0":
            w.add_file_type(int(gguf.LlamaFileType[
                "ALL_F32" if name == "F32" else f"MOSTLY_{name}"]))
        w.add_tensor("norm", values[0])
        data = gguf.quants.quantize(values, kind)
        w.add_tensor("w", data, **(
            {"raw_dtype": kind} if name != "F32" else {}))
        w.write_header_to_file()
        w.write_kv_data_to_file()
        w.write_tensors_to_file()
        w.close()


def gguf_read(path):
    import gguf
    r = gguf.GGUFReader(path)
    scalars = {}
    for key, field in r.fields.items():
        if key.startswith("GGUF."):  # of the file's beginning
            continue
        if field.types[0] == gguf.GGUFValueType.ARRAY:
            scalars[key] = f"[{len(field.data)}]"
        else:
            scalars[key] = field.contents()
            if field.types[0] == gguf.GGUFValueType.FLOAT32:
                scalars[key] = float(scalars[key])
    return {"fields": {k: v if isinstance(v, (str, int, float, bool))
                       else v.item() for k, v in scalars.items()},
            "tensors": {t.name: [t.tensor_type.name,
                                 [int(d) for d in t.shape],
                                 int(t.n_elements), int(t.n_bytes)]
                        for t in r.tensors}}


# -- keras ---------------------------------------------------------------------


def keras_write(folder):
    """The same small model in both of Keras's formats; and one with a Lambda
    layer."""
    os.environ["KERAS_BACKEND"] = "jax"
    import keras
    from keras import layers
    folder = pathlib.Path(folder)

    def double(x):
        return x * 2

    def model(*more):
        return keras.Sequential([keras.Input((4,)), layers.Dense(
            3, activation="relu"), *more, layers.Dense(1)], name="small")

    plain = model(layers.Dropout(0.5))
    plain.save(folder / "small.keras")
    plain.save(folder / "small.h5")
    model(layers.Lambda(double, output_shape=(3,))).save(
        folder / "code.keras")
    return {"class": type(plain).__name__, "version": keras.__version__}


# -- others --------------------------------------------------------------------


def shipped(package, pattern):
    """Files of a package, which is not imported."""
    import importlib.util
    spec = importlib.util.find_spec(package)
    folder = pathlib.Path(spec.submodule_search_locations[0])
    return sorted(map(str, folder.glob(pattern)))


def olot_layers(layout, readme, modelpack, *files):
    from olot.basics import oci_layers_on_top
    oci_layers_on_top(layout, list(files), readme,
                      add_modelpack=modelpack == "yes")


def olot_extract(layout, folder):
    from olot.basics import crawl_ocilayout_blobs_to_extract
    return crawl_ocilayout_blobs_to_extract(pathlib.Path(layout),
                                            pathlib.Path(folder))


VERBS = (safetensors_write, safetensors_mutants, safetensors_read, gguf_write,
         gguf_read, keras_write, olot_extract, olot_layers, shipped,
         peers_mlflow.mlflow_run, peers_mlflow.mlflow_models,
         peers_mlflow.mlflow_predict, peers_mlflow.mlflow_search,
         peers_onnx.onnx_write,
         peers_onnx.onnx_read, peers_pickle.pickle_write,
         peers_pickle.pickle_imports, peers_pickle.pickle_mutants)


def main(verb, *words):
    known = {f.__name__: f for f in VERBS}
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the packages print
    json.dump(known[verb](*words), out)


if __name__ == "__main__":
    main(*sys.argv[1:])
