"""hub.py - model folders as they come from elsewhere: a hub's, MLflow's, and a
pickle that runs something; and what is warned of them."""
import json

import harness
from weight_files import safetensors


class Opens:
    """What a pickle that runs something looks like."""

    def __reduce__(self):
        return (__import__("os").system, ("true",))


CARD = """\
---
license: apache-2.0
language: [en, de]
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags: [embeddings]
base_model: nreimers/MiniLM-L6
datasets:
- s2orc
- flax/stackexchange_xml
model-index:
- name: x
  results:
  - task: {type: sts}
    dataset: {name: d, type: d}
    metrics: [{type: cos, value: 0.9}]
---

# A model

Maps *sentences* to vectors.
"""


MLMODEL = """\
flavors:
  python_function: {loader_module: mlflow.sklearn, env: {conda: conda.yaml}}
  sklearn: {pickled_model: model.pkl, sklearn_version: 1.5.0}
mlflow_version: 2.14.1
run_id: a3f81c
signature:
  inputs: '[{"type": "double", "name": "x", "required": true}]'
  outputs: '[{"type": "long", "required": true}]'
  params: null
"""


def folder(out):
    """As one of Hugging Face."""
    harness.write(out / "model.safetensors", safetensors(
        {"a": ("F32", [100, 20]), "b": ("F32", [20])}))
    harness.write(out / "config.json", json.dumps(
        {"model_type": "bert", "architectures": ["BertModel"],
         "torch_dtype": "float16", "max_position_embeddings": 512}))
    harness.write(out / "README.md", CARD)
    return out


def warnings(result):
    return [line for line in result.stderr.splitlines()
            if line.startswith("warning")]
