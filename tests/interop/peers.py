"""peers.py - what the Python packages of others write and read.

usage: python peers.py VERB [WORD...]

Run by the Python that scripts/test-interop installed them into, which has no
pytest; prints the answer as JSON.  Nothing of mreg is in here: what a format
says is told as its own package tells it.
"""
import json
import os
import pathlib
import sys


def product(dims):
    n = 1
    for dim in dims:
        n *= int(dim)
    return n


# -- safetensors -----------------------------------------------------------------

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


# -- gguf ------------------------------------------------------------------------


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


# -- onnx ------------------------------------------------------------------------


def every_initializer():
    """(dims, TensorProto) of every type that the package can make."""
    import numpy
    from onnx import TensorProto, helper
    made = []
    for name, number in TensorProto.DataType.items():
        if name == "UNDEFINED":
            continue
        if name == "STRING":
            made.append(helper.make_tensor(name, number, [2],
                                           [b"a", b"\xff"]))
            continue
        bits = {"UINT4": 4, "INT4": 4, "FLOAT4E2M1": 4, "UINT2": 2,
                "INT2": 2, "FLOAT6E2M3": 6, "FLOAT6E3M2": 6}.get(name)
        if not bits:
            bits = 8 * numpy.dtype(
                helper.tensor_dtype_to_np_dtype(number)).itemsize
        made.append(helper.make_tensor(
            f"raw.{name}", number, [3, 3], bytes((9 * bits + 7) // 8),
            raw=True))
        if name not in ("FLOAT6E2M3", "FLOAT6E3M2"):
            made.append(helper.make_tensor(f"typed.{name}", number, [5],
                                           [0] * 5))
    return made


def onnx_opsets(folder):
    import onnx
    from onnx import TensorProto, helper
    for opset, ir in ((9, 3), (13, 7), (17, 8), (21, 10)):
        w = helper.make_tensor("w", TensorProto.FLOAT, [4, 2], [0.0] * 8)
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT,
                                                ["batch", 4])]
        if ir == 3:  # initializers are inputs there
            inputs.append(helper.make_tensor_value_info(
                "w", TensorProto.FLOAT, [4, 2]))
        graph = helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["y"])], f"of {opset}",
            inputs, [helper.make_tensor_value_info(
                "y", TensorProto.FLOAT, ["batch", 2])], [w])
        model = helper.make_model(
            graph, producer_name="acme", producer_version=str(opset),
            opset_imports=[helper.make_opsetid("", opset),
                           helper.make_opsetid("com.acme", 3)])
        model.ir_version = ir
        model.model_version = 2**40
        helper.set_model_props(model, {"model_license": "MIT", "a": "ö"})
        onnx.checker.check_model(model)
        onnx.save_model(model, folder / f"opset{opset}.onnx")


def onnx_ports(folder):
    """Inputs of all kinds of types, and tensors of all types."""
    import onnx
    from onnx import TensorProto, helper
    info = helper.make_tensor_value_info
    tensor = helper.make_tensor_type_proto
    inputs = [
        info("text", TensorProto.STRING, [None, 2]),
        info("scalar", TensorProto.INT64, []),
        info("unranked", TensorProto.DOUBLE, None),
        helper.make_sparse_tensor_value_info(
            "sparse", TensorProto.FLOAT, [3, "n"]),
        helper.make_value_info("sequence", helper.make_sequence_type_proto(
            tensor(TensorProto.FLOAT16, ["a", 1]))),
        helper.make_value_info("optional", helper.make_optional_type_proto(
            tensor(TensorProto.BOOL, [7]))),
        helper.make_value_info("maps", helper.make_sequence_type_proto(
            helper.make_map_type_proto(TensorProto.INT64, tensor(
                TensorProto.FLOAT, None)))),
    ]
    made = every_initializer()
    values = helper.make_tensor("sparse.w", TensorProto.FLOAT, [2], [1., 2.])
    indices = helper.make_tensor("sparse.i", TensorProto.INT64, [2], [1, 5])
    graph = helper.make_graph(
        [helper.make_node("Identity", ["text"], ["out"])], "ports", inputs,
        [info("out", TensorProto.STRING, [None, 2])], made,
        sparse_initializer=[helper.make_sparse_tensor(values, indices,
                                                      [3, 3])])
    onnx.save_model(helper.make_model(graph), folder / "ports.onnx")


def onnx_function(folder):
    import onnx
    from onnx import TensorProto, helper
    opset = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
    inner = helper.make_node(
        "Constant", [], ["c"], value=helper.make_tensor(
            "inner", TensorProto.FLOAT, [1], [2.0]))
    function = helper.make_function(
        "local", "Twice", ["a"], ["b"],
        [inner, helper.make_node("Mul", ["a", "c"], ["b"])], opset[:1])
    branch = helper.make_graph(
        [helper.make_node("Identity", ["deep"], ["r"])], "branch", [],
        [helper.make_tensor_value_info("r", TensorProto.FLOAT, [1])],
        [helper.make_tensor("deep", TensorProto.FLOAT, [1], [3.0])])
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Twice", ["x"], ["t"], domain="local"),
         helper.make_node("If", ["flag"], ["y"], then_branch=branch,
                          else_branch=branch)],
        "function", [info("x", TensorProto.FLOAT, [1]),
                     info("flag", TensorProto.BOOL, [])],
        [info("t", TensorProto.FLOAT, [1]),
         info("y", TensorProto.FLOAT, [1])])
    onnx.save_model(helper.make_model(graph, opset_imports=opset,
                                      functions=[function]),
                    folder / "function.onnx")


def onnx_external(folder):
    """Data beside the model; and the same model told that it is elsewhere."""
    import numpy
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    info = helper.make_tensor_value_info
    w = numpy.arange(4096, dtype=numpy.float32).reshape(64, 64)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "external",
        [info("x", TensorProto.FLOAT, ["n", 64])],
        [info("y", TensorProto.FLOAT, ["n", 64])],
        [numpy_helper.from_array(w, "w"),
         helper.make_tensor("small", TensorProto.FLOAT, [2], [1., 2.])])
    onnx.save_model(helper.make_model(graph), folder / "external.onnx",
                    save_as_external_data=True, location="external.bin",
                    size_threshold=1024)
    model = onnx.load_model(folder / "external.onnx",
                            load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "../elsewhere.bin"
    onnx.save_model(model, folder / "outside.onnx")


def onnx_write(folder):
    folder = pathlib.Path(folder)
    onnx_opsets(folder)
    onnx_ports(folder)
    onnx_function(folder)
    onnx_external(folder)


def element(number):
    """As numpy calls it."""
    from onnx import helper
    name = helper.tensor_dtype_to_np_dtype(number).name
    return "string" if name == "object" else name


def type_text(t):
    kind = t.WhichOneof("value")
    inner = getattr(t, kind)
    if kind == "tensor_type":
        return element(inner.elem_type)
    if kind == "sparse_tensor_type":
        return f"sparse({element(inner.elem_type)})"
    if kind == "map_type":
        return f"map({element(inner.key_type)},{type_text(inner.value_type)})"
    return f"{kind.removesuffix('_type')}({type_text(inner.elem_type)})"


def port(p):
    """[name, type, shape]; no shape of what is no tensor."""
    kind = p.type.WhichOneof("value")
    shape = None
    if kind.endswith("tensor_type") and \
            getattr(p.type, kind).HasField("shape"):
        shape = [str(d.dim_value) if d.HasField("dim_value")
                 else d.dim_param or "?"
                 for d in getattr(p.type, kind).shape.dim]
    return [p.name, type_text(p.type), shape]


def onnx_read(path):
    import onnx
    model = onnx.load_model(path, load_external_data=False)
    graph = model.graph
    tensors = [[t.name, onnx.TensorProto.DataType.Name(t.data_type),
                list(t.dims)] for t in graph.initializer]
    tensors += [[s.values.name,
                 onnx.TensorProto.DataType.Name(s.values.data_type),
                 list(s.values.dims)] for s in graph.sparse_initializer]
    known = {t[0] for t in tensors}
    return {"producer": model.producer_name, "ir": model.ir_version,
            "producer_version": model.producer_version, "name": graph.name,
            "opset": {o.domain: o.version for o in model.opset_import},
            "props": {p.key: p.value for p in model.metadata_props},
            "tensors": tensors,
            "parameters": sum(product(t[2]) for t in tensors),
            "inputs": [port(p) for p in graph.input if p.name not in known],
            "outputs": [port(p) for p in graph.output]}


# -- pickles ---------------------------------------------------------------------


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


def unpickle(stream):
    """What Python's own unpickler, given nothing real to call, is asked for by
    all pickles that follow each other; what is no pickle ends them."""
    import pickle
    names = set()

    class Reader(pickle._Unpickler):
        def find_class(self, module, name):
            self.seen.add(f"{module} {name}")
            return make_stub()

        def persistent_load(self, pid):
            return make_stub()

    first = True
    while True:
        at = stream.tell()
        if not stream.read(1):
            return names
        stream.seek(at)
        reader = Reader(stream, encoding="latin-1")
        reader.seen = set()
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
    import io
    import zipfile
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
    import pickle

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


def shipped(package, pattern):
    """Files of a package, which is not imported."""
    import importlib.util
    spec = importlib.util.find_spec(package)
    folder = pathlib.Path(spec.submodule_search_locations[0])
    return sorted(map(str, folder.glob(pattern)))


# -- keras -----------------------------------------------------------------------


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


# -- mlflow ----------------------------------------------------------------------


def mlflow_here(folder):
    """MLflow with its file store below `folder`."""
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["GIT_PYTHON_REFRESH"] = "quiet"
    import mlflow
    mlflow.set_tracking_uri((pathlib.Path(folder) / "mlruns").as_uri())
    return mlflow


def small_frame():
    import pandas
    return pandas.DataFrame({"age": [1.0, 2, 3, 4], "plan": list("abab"),
                             "y": [0, 1, 0, 1]})


def mlflow_run(folder):
    """A run with everything that a run can have, as MLflow's client shows
    it."""
    mlflow = mlflow_here(folder)
    frame = small_frame()
    mlflow.set_experiment("churn")
    with mlflow.start_run(run_name="first try") as active:
        mlflow.log_params({"C": 0.5, "optimizer/name": "lbfgs", "empty": "",
                           "lines": "a\nb", "größe": "ö" * 100})
        for step in (0, 1, 5, 2):
            mlflow.log_metric("loss", 1 / (step + 3), step=step)
        mlflow.log_metrics({"val/auc": 0.93, "big": 1e300, "zero": 0,
                            "negative": -1.5e-9, "with space": 3})
        mlflow.log_metric("lost", float("nan"))
        mlflow.set_tags({"team": "risk",
                         "mlflow.note.content": "# Note\nof two lines"})
        for name, context in (("train", "training"), ("held-out", "eval")):
            mlflow.log_input(mlflow.data.from_pandas(
                frame, source=f"s3://bucket/{name}.csv", name=name),
                context=context)
    run = mlflow.MlflowClient().get_run(active.info.run_id)
    experiment = pathlib.Path(folder) / "mlruns" / run.info.experiment_id
    return {
        "folder": str(experiment / run.info.run_id), "id": run.info.run_id,
        "metrics": {k: None if v != v else v
                    for k, v in run.data.metrics.items()},
        "params": run.data.params,
        "tags": {k: v for k, v in run.data.tags.items()
                 if not k.startswith("mlflow.")},
        "note": run.data.tags["mlflow.note.content"],
        "inputs": [[i.dataset.name, i.dataset.digest,
                    json.loads(i.dataset.source)["uri"], i.tags[0].value]
                   for i in run.inputs.dataset_inputs]}


def described(mlflow, folder):
    model = mlflow.models.Model.load(str(folder))
    signature = model.signature.to_dict() if model.signature else {}
    return {"folder": str(folder), "flavors": sorted(model.flavors),
            "run_id": model.run_id, "version": model.mlflow_version,
            "signature": {k: json.loads(v) for k, v in signature.items()
                          if v}}


def mlflow_models(folder):
    """Model folders of several flavors and signatures, as MLflow reads them."""
    mlflow = mlflow_here(folder)
    import numpy
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec
    from sklearn.linear_model import LogisticRegression
    folder = pathlib.Path(folder)
    frame = small_frame()
    x = frame[["age"]]
    model = LogisticRegression().fit(x, frame["y"])
    mlflow.sklearn.save_model(
        model, folder / "sklearn", signature=infer_signature(
            x, model.predict(x), params={"threshold": 0.5}))
    mlflow.sklearn.save_model(model, folder / "pickled",
                              serialization_format="cloudpickle")

    class Twice(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input

    mlflow.pyfunc.save_model(
        folder / "pyfunc", python_model=Twice(), signature=ModelSignature(
            Schema([TensorSpec(numpy.dtype("float32"), (-1, 3, 224, 224),
                               "image")]),
            Schema([ColSpec(DataType.string, "label", required=False)])))
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(model, name="logged")
    where = mlflow.artifacts.download_artifacts(
        logged.model_uri, dst_path=str(folder / "logged"))
    return [described(mlflow, f) for f in (
        folder / "sklearn", folder / "pickled", folder / "pyfunc",
        where.rstrip("/"))]


def mlflow_predict(folder):
    """What the model in it predicts, when MLflow loads it."""
    import mlflow
    loaded = mlflow.pyfunc.load_model(str(folder))
    return [int(n) for n in loaded.predict(small_frame()[["age"]])]


# -- olot ------------------------------------------------------------------------


def olot_layers(layout, readme, modelpack, *files):
    from olot.basics import oci_layers_on_top
    oci_layers_on_top(layout, list(files), readme,
                      add_modelpack=modelpack == "yes")


VERBS = (safetensors_write, safetensors_read, gguf_write, gguf_read,
         onnx_write, onnx_read, pickle_imports, pickle_write, shipped,
         keras_write, mlflow_run, mlflow_models, mlflow_predict, olot_layers)


def main(verb, *words):
    known = {f.__name__: f for f in VERBS}
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the packages print
    json.dump(known[verb](*words), out)


if __name__ == "__main__":
    main(*sys.argv[1:])
