#!/bin/sh
# Installs what the two services need into .venv, once; later runs only look.
set -e
test -x .venv/bin/pip || python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
