#!/bin/sh
# Installs the requirements into .venv, unless they are installed.
set -e
test -x .venv/bin/pip || python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
