"""peers_mlflow.py - what MLflow writes, and says of it; verbs of peers.py."""
import json
import os
import pathlib


def mlflow_here(folder):
    """MLflow with its file store below `folder`."""
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
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
    # Else it starts a Python that finds them out, for ten seconds each.
    needs = {"pip_requirements": ["scikit-learn"]}
    mlflow.sklearn.save_model(
        model, folder / "sklearn", signature=infer_signature(
            x, model.predict(x), params={"threshold": 0.5}), **needs)
    mlflow.sklearn.save_model(model, folder / "pickled",
                              serialization_format="cloudpickle", **needs)

    class Twice(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input

    mlflow.pyfunc.save_model(
        folder / "pyfunc", python_model=Twice(), **needs,
        signature=ModelSignature(
            Schema([TensorSpec(numpy.dtype("float32"), (-1, 3, 224, 224),
                               "image")]),
            Schema([ColSpec(DataType.string, "label", required=False)])))
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(model, name="logged", **needs)
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


def mlflow_search(folder, path):
    """What MLflow's model registry, filled with what `path` says, finds for
    each filter; null: it refuses it."""
    mlflow_here(folder)
    from mlflow.entities.model_registry import ModelVersionTag, \
        RegisteredModelTag
    from mlflow.exceptions import MlflowException
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
    asked = json.loads(pathlib.Path(path).read_text())
    store = SqlAlchemyStore(f"sqlite:///{folder}/filters.db")
    for m in asked["models"]:
        store.create_registered_model(
            m["name"], [RegisteredModelTag(*t) for t in m["tags"].items()])
    for v in asked["versions"]:
        made = store.create_model_version(
            v["name"], v["source"], v["run"],
            [ModelVersionTag(*t) for t in v["tags"].items()])
        assert int(made.version) == v["number"]

    def versions(text, order=None):
        return [[v.name, int(v.version)] for v in
                store.search_model_versions(text, 1000, order)]

    def models(text):
        return [m.name for m in store.search_registered_models(text, 1000)]

    def answers(find, filters):
        for text in filters:
            try:
                yield find(text)
            except MlflowException:
                yield None

    return {"of_versions": list(answers(versions, asked["of_versions"])),
            "of_models": list(answers(models, asked["of_models"])),
            "orders": [versions("", order) for order in asked["orders"]]}
