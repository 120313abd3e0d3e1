#!/usr/bin/env python3
"""Publishes messages through real brokers to instrumented consumers: .ci/brokers.py [--minutes N]

Fetches the brokers into a cache, starts them on loopback, and runs the specs of tests/brokers. Then
it publishes messages that must be errors, and compares what a user reads. Lists what it skipped.

The cache is the folder $SPANSPEC_BACKENDS, by default `backends` in the target folder.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
import zlib
from pathlib import Path

from backends import CACHE, HERE, SPANSPEC, TARGET, Processes, Skipped, free_port, install_venv, need, run

CONFIG = HERE / "tests" / "brokers"
PASSWORD = "s3cret-pw"
NATS = "v2.15.2"
ERLANG = "base asn1 crypto public-key mnesia runtime-tools ssl eldap inets os-mon parsetools syntax-tools tools xmerl"


def install_node():
    """The consumers' packages for Node. Returns the folder of modules."""
    need("node")
    need("npm")
    folder = CACHE / "consumers"
    packages = CONFIG / "package.json"
    installed = folder / "installed.json"
    if not installed.exists() or installed.read_text() != packages.read_text():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(packages, folder / "package.json")
        run("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", cwd=folder, log=CACHE / "consumers.log")
        shutil.copy(packages, installed)
    return folder / "node_modules"


def install_python():
    """The consumers' packages for Python, and moto. Returns the folder of programs."""
    packages = CONFIG / "requirements.txt"
    # A changed list has an environment of its own.
    version = zlib.crc32(packages.read_bytes())
    return install_venv(f"brokers-{version:08x}", "--requirement", packages).parent


class Kafka:
    """Maven Central: 43 MB."""

    name = "kafka"

    @staticmethod
    def install():
        need("mvn")
        need("java")
        folder = CACHE / "kafka-4.4.0"
        if not (folder / "ready").exists():
            pom = CONFIG / "kafka" / "pom.xml"
            copy = ["dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
            run("mvn", "-q", "-B", "-f", pom, *copy, log=CACHE / "kafka.log")
            (folder / "ready").touch()
        return folder

    def start(self, jars, processes, folder):
        plain, sasl, controller = free_port(), free_port(), free_port()
        jaas = "org.apache.kafka.common.security"
        scram = f"{jaas}.scram.ScramLoginModule required;"
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{plain},SASL://127.0.0.1:{sasl},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain},SASL://127.0.0.1:{sasl}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "listener.name.sasl.plain.sasl.jaas.config": f'{jaas}.plain.PlainLoginModule required user_alice="{PASSWORD}";',
            "listener.name.sasl.scram-sha-256.sasl.jaas.config": scram,
            "listener.name.sasl.scram-sha-512.sasl.jaas.config": scram,
            "offsets.topic.replication.factor": 1,
            "group.initial.rebalance.delay.ms": 0,
            # spanspec must create no topic although the broker would.
            "auto.create.topics.enable": "true",
            "log.dirs": folder / "kafka-data",
        }
        properties = folder / "kafka.properties"
        properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        java = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*"]
        users = [f"SCRAM-SHA-{bits}=[name=alice,password={PASSWORD}]" for bits in (256, 512)]
        users = [part for user in users for part in ("--add-scram", user)]
        storage = ["kafka.tools.StorageTool", "format", "-t", "c3BhbnNwZWMtYnJva2Vycw", "-c", properties]
        run(*java, *storage, *users, log=folder / "kafka-format.log")
        processes.start("kafka", [*java, "kafka.Kafka", properties], ready=plain)
        return {"KAFKA": f"127.0.0.1:{plain}", "KAFKA_SASL": f"127.0.0.1:{sasl}"}


class Nats:
    """Go module proxy: half a minute of compilation."""

    name = "nats"

    @staticmethod
    def install():
        need("go")
        program = CACHE / f"nats-server-{NATS}"
        if not program.exists():
            package = f"github.com/nats-io/nats-server/v2@{NATS}"
            run("go", "install", "-ldflags=-s -w", package, env={"GOBIN": str(CACHE)}, log=CACHE / "nats.log")
            (CACHE / "nats-server").rename(program)
        return program

    def start(self, program, processes, folder):
        port = free_port()
        config = folder / "nats.conf"
        users = f'{{ user: alice, password: "{PASSWORD}" }}, {{ user: anyone, password: "" }}'
        config.write_text(
            f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{folder}/nats-data" }}\n'
            f"authorization {{ users: [{users}] }}\nno_auth_user: anyone\n"
        )
        processes.start("nats", [program, "-c", config], ready=port)
        return {"NATS": f"127.0.0.1:{port}"}


class RabbitMq:
    """Debian: 35 MB, without an installation."""

    name = "rabbitmq"

    @staticmethod
    def install():
        need("apt-get")
        need("dpkg")
        folder = CACHE / "rabbitmq"
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            packages = ["rabbitmq-server", *(f"erlang-{name}" for name in ERLANG.split())]
            run("apt-get", "download", *packages, cwd=folder, log=CACHE / "rabbitmq.log")
            for package in folder.glob("*.deb"):
                run("dpkg", "-x", package, folder, log=CACHE / "rabbitmq.log")
                package.unlink()
            for script in (folder / "usr/lib/erlang").glob("**/bin/erl"):
                script.write_text(script.read_text().replace("ROOTDIR=/usr/", f"ROOTDIR={folder}/usr/"))
            (folder / "ready").touch()
        return folder

    def start(self, root, processes, folder):
        port, distribution, names = free_port(), free_port(), free_port()
        erlang = root / "usr/lib/erlang"
        data = folder / "rabbitmq-data"
        data.mkdir()
        (data / "plugins").write_text("[].")
        [server] = root.glob("usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server")
        [daemon] = erlang.glob("erts-*/bin/epmd")
        env = {
            "PATH": f"{erlang}/bin:{os.environ['PATH']}",
            "HOME": str(data),
            "ERL_EPMD_PORT": str(names),
            "RABBITMQ_NODENAME": "spanspec@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(data),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(data / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(data / "rabbit"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +S 1",
        }
        processes.start("epmd", [daemon, "-address", "127.0.0.1", "-port", names], ready=names)
        processes.start("rabbitmq", ["sh", server], env, ready=port, seconds=120)
        return {"AMQP": f"amqp://127.0.0.1:{port}"}


class Sqs:
    """moto, from PyPI."""

    name = "sqs"
    install = staticmethod(install_python)

    def start(self, programs, processes, folder):
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": PASSWORD}
        processes.start("sqs", [programs / "moto_server", "-H", "127.0.0.1", "-p", port], keys, ready=f"{address}/moto-api/")
        return {"SQS": address, **keys}


ALL = [Kafka, Nats, RabbitMq, Sqs]


def spanspec(*arguments, cwd, env):
    command = [SPANSPEC, "run", "--color", "never", "--no-annotations", "--no-save-traces", "--listen", "127.0.0.1:0", *arguments]
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def unread(broker, folder, env):
    """Publishes the messages that are errors. Returns what is wrong with the output."""
    bad = CONFIG / broker / "bad.yaml"
    text = bad.read_text()
    used = [name for name in env if "${%s}" % name in text]
    variables = [part for name in used for part in ("--var", f"{name}={env[name]}")]
    code, output = spanspec("--config", HERE / ".github" / "empty.yaml", *variables, bad, cwd=folder, env=env)
    (folder / f"{broker}-bad.txt").write_text(output)
    lines = text.splitlines()
    read = " ".join(output.split())
    wrong = [f"nobody reads: {line[9:]}" for line in lines if line.startswith("# reads: ") and line[9:] not in read]
    number = sum(line.startswith("name: ") for line in lines)
    if code != 3 or f"{number} errored in" not in read:
        wrong.append(f"not all of {number} messages are errors (exit code {code})")
    if PASSWORD in output or "other-pw" in output:
        wrong.append("a password is in the output")
    return wrong and [*wrong, output]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", help="a broker, instead of all; repeatable")
    parser.add_argument("--minutes", type=float, default=15, help="time for all; later brokers are skipped")
    arguments = parser.parse_args()
    start = time.monotonic()
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = TARGET / "brokers-run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "large.txt").write_text("x" * 5_000_000)
    try:
        modules, programs = install_node(), install_python()
    except Skipped as why:
        print(f"skipped all: {why}")
        return
    failed = False
    for broker in ALL:
        if arguments.only and broker.name not in arguments.only:
            continue
        begun = time.monotonic()
        try:
            if time.monotonic() - start > 60 * arguments.minutes:
                raise Skipped(f"not reached within {arguments.minutes:g} minutes")
            installed = broker.install()
        except Skipped as why:
            print(f"{broker.name}: skipped: {why}")
            continue
        processes = Processes(folder)
        try:
            env = {
                **broker().start(installed, processes, folder),
                "PASSWORD": PASSWORD,
                "LARGE": str(folder / "large.txt"),
                "CLOSED": str(free_port()),
            }
            consumers = {**env, "NODE_PATH": str(modules), "PATH": f"{programs}:{os.environ['PATH']}"}
            code, output = spanspec(cwd=CONFIG / broker.name, env=consumers)
            wrong = [output] if code else unread(broker.name, folder, env)
        finally:
            processes.end()
        failed |= bool(wrong)
        verdict = "\n".join(["FAILED", *wrong]) if wrong else output.strip().splitlines()[-1]
        print(f"{broker.name}: {verdict} ({time.monotonic() - begun:.0f} s)")
    sys.exit(failed)


if __name__ == "__main__":
    main()
