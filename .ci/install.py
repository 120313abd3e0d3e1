#!/usr/bin/env python3
"""Installs the backends, brokers and SDKs of .ci/backends.py, .ci/brokers.py and .ci/sdks.py into their cache: .ci/install.py

These scripts also install what they need; here it happens beside other steps. What cannot be had is skipped, as there.
"""

import time

import backends
import brokers
import sdks
from backends import CACHE, Skipped


def main():
    CACHE.mkdir(parents=True, exist_ok=True)
    named = [("collector", backends.install_collector)]
    named += [(kind.name, kind.install) for kind in backends.ALL]
    named += [("consumers in Node", brokers.install_node), ("consumers in Python", brokers.install_python)]
    named += [(kind.name, kind.install) for kind in brokers.ALL]
    named += [(f"SDK of {name}", sdk.install) for name, sdk in sdks.SDKS.items()]
    for name, install in named:
        begin = time.monotonic()
        try:
            install()
            print(f"{time.monotonic() - begin:6.0f} s  {name}", flush=True)
        except Skipped as why:
            print(f"SKIPPED: {name}: {why}", flush=True)


if __name__ == "__main__":
    main()
