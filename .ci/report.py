"""Checks JSON reports against the published schema: report.py REPORT…

Stricter than the schema: a key of a report that the schema does not describe is an error.
"""

import json
import pathlib
import sys

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCHEMA = json.loads((ROOT / "docs/report.schema.json").read_text())


def closed(schema):
    """The schema without permission for additional keys."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        schema.setdefault("additionalProperties", False)
    return schema


kind = jsonschema.validators.validator_for(SCHEMA)
kind.check_schema(SCHEMA)
validator = kind(closed(SCHEMA))
wrong = [
    f"{name}: {error.json_path}: {error.message}"
    for name in sys.argv[1:]
    for error in validator.iter_errors(json.loads(pathlib.Path(name).read_text()))
]
sys.exit("\n".join(wrong) or print(f"{len(sys.argv) - 1} JSON reports match the schema"))
