"""peers_onnx.py - what the package onnx writes and reads; verbs of peers.py."""
import pathlib


def product(dims):
    n = 1
    for dim in dims:
        n *= int(dim)
    return n


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
        shape = [d.dim_value if d.HasField("dim_value")
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
