#!/bin/sh
# Installs the requirements into .venv, and generates the modules of the protos into gen/.
set -e
test -x .venv/bin/pip || python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
mkdir -p gen
.venv/bin/python -m grpc_tools.protoc -Iprotos --python_out=gen --grpc_python_out=gen protos/shop/v1/*.proto
