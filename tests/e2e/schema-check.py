#!/usr/bin/python3
"""Holds manifests against the JSON Schema, as an editor does.

Usage: schema-check.py SCHEMA good|bad FILE…    names the files that turn out otherwise; exit code 1 when any do.
"""
import json
import sys

import jsonschema
import yaml

schema = json.load(open(sys.argv[1], encoding="utf-8"))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
wrong = 0
for path in sys.argv[3:]:
    with open(path, encoding="utf-8") as file:
        errors = list(validator.iter_errors(yaml.safe_load(file)))
    if bool(errors) == (sys.argv[2] == "good"):
        wrong += 1
        print(f"{path}: not {sys.argv[2]}",
              *[f"  {list(e.absolute_path)}: {e.message[:200]}" for e in errors], sep="\n")
sys.exit(wrong > 0)
