"""Tests of action.yml: runs its steps as GitHub's runner does, against a server on loopback.

Steps with `run` are executed with the files and variables of a runner. Steps with `uses` are only
recorded. Usage: `.ci/tools python .ci/action.py`.
"""

import hashlib
import http.server
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import tomllib
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
TARGET_DIR = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute()
SPANSPEC = TARGET_DIR / "debug" / "spanspec"
TARGET = "x86_64-unknown-linux-musl"
DEADLINE = 120

PASSING = "name: passes\nrun: echo fine\nexpect: { stdout: { contains: fine } }\n"
FAILING = (
    "name: fails\nrun: echo '::error::from the system'\n"
    "expect: { stdout: { contains: fine } }\n"
)
MEASURED = (
    "name: measured\nrun: \"true\"\nrepeat: { times: 20 }\n"
    "budgets: [{ measure: response_time, regression: 20% }]\n"
)


class Job:
    """A job on a runner: a workspace, and the output of its steps."""

    def __init__(self, test, files, **env):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="spanspec-action-"))
        test.addCleanup(shutil.rmtree, self.folder)
        self.workspace = self.folder / "workspace"
        self.workspace.mkdir()
        for name in ("temp", "tools", "output"):
            (self.folder / name).mkdir()
        for name, text in files.items():
            path = self.workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.env = env
        self.log = ""
        self.recorded = []

    def read(self, name):
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def environment(self, step):
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SPANSPEC_", "GITHUB_", "RUNNER_", "INPUT_", "OTEL_"))
        }
        return kept | {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_JOB": "tests",
            "GITHUB_OUTPUT": str(self.folder / "output" / step),
            "GITHUB_PATH": str(self.folder / "path"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_ARCH": "X64",
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(self.folder / "temp"),
            "RUNNER_TOOL_CACHE": str(self.folder / "tools"),
            "SPANSPEC_ACTION_PROFILE": "dev",
            "SPANSPEC_ACTION_TARGET_DIR": str(TARGET_DIR),
        } | self.env

    def use(self, inputs, action_ref="main", during=None):
        """Runs the action. Returns its exit code and outputs."""
        known = {name: given.get("default", "") for name, given in ACTION["inputs"].items()}
        assert inputs.keys() <= known.keys(), inputs
        context = {f"inputs.{name}": value for name, value in (known | inputs).items()}
        context |= {"github.action_ref": action_ref, "strategy.job-index": "0"}
        code = 0
        for at, step in enumerate(ACTION["runs"]["steps"]):
            if code != 0 and "always()" not in step.get("if", ""):
                continue
            if "uses" in step:
                given = step.get("with", {}).items()
                self.recorded.append({key: substitute(str(value), context) for key, value in given})
                continue
            name = step.get("id", f"step-{at}")
            code = self.run(name, step, context, during) or code
            for key, value in outputs_of(self.read(f"output/{name}")).items():
                context[f"steps.{name}.outputs.{key}"] = value
        outputs = ACTION["outputs"].items()
        return code, {key: substitute(output["value"], context) for key, output in outputs}

    def run(self, name, step, context, during):
        env = {key: substitute(str(value), context) for key, value in step.get("env", {}).items()}
        script = self.folder / f"{name}.sh"
        script.write_text(step["run"])
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.workspace,
            env=self.environment(name) | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if during and name == "run":
            during(self, process)
        try:
            output, _ = process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
        self.log += output
        return process.returncode


def substitute(text, context):
    return re.sub(r"\$\{\{ *(.+?) *\}\}", lambda found: context.get(found[1], ""), text)


def outputs_of(text):
    """Parses GITHUB_OUTPUT: `NAME<<END`, the value, `END`."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        name, end = line.split("<<", 1)
        value = []
        for line in lines:
            if line == end:
                break
            value.append(line)
        found[name] = "\n".join(value)
    return found


class Releases(http.server.BaseHTTPRequestHandler):
    """A releases page that serves `server.files`."""

    def do_GET(self):
        if self.path == "/releases/latest":
            self.send_response(302)
            self.send_header("Location", f"{self.server.url}/releases/tag/v{self.server.version}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = self.server.files.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_):
        pass


def archive(test):
    """The files that the release workflow publishes, for the current build."""
    folder = tempfile.mkdtemp(prefix="spanspec-release-")
    test.addCleanup(shutil.rmtree, folder)
    package = ROOT / ".github/release/package.sh"
    subprocess.run([package, TARGET, SPANSPEC, folder], check=True, stdout=subprocess.DEVNULL)
    return {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()}


def server(test, files, version="9.9.9"):
    at = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Releases)
    at.url = f"http://127.0.0.1:{at.server_port}"
    at.version = version
    at.files = {f"/releases/download/v{version}/{name}": data for name, data in files.items()}
    threading.Thread(target=at.serve_forever, daemon=True).start()
    test.addCleanup(at.server_close)
    test.addCleanup(at.shutdown)
    return {"SPANSPEC_RELEASES": f"{at.url}/releases"}


class Steps(unittest.TestCase):
    """The definition in action.yml."""

    def test_no_script_contains_an_expression(self):
        for step in ACTION["runs"]["steps"]:
            self.assertNotIn("${{", step.get("run", ""))

    def test_every_input_is_used(self):
        text = (ROOT / "action.yml").read_text()
        used = set(re.findall(r"\$\{\{ inputs\.([a-z-]+) \}\}", text))
        self.assertEqual(used, set(ACTION["inputs"]))

    def test_every_input_and_output_is_documented(self):
        page = (ROOT / "docs/ci.md").read_text()
        for name in [*ACTION["inputs"], *ACTION["outputs"]]:
            self.assertIn(f"| `{name}` |", page)

    def test_examples_in_the_documentation_use_existing_inputs(self):
        uses = []

        def find(node):
            if isinstance(node, dict):
                if str(node.get("uses", "")).startswith("spanspec/"):
                    uses.append(node.get("with", {}))
                node = list(node.values())
            for below in node if isinstance(node, list) else []:
                find(below)

        page = (ROOT / "docs/ci.md").read_text()
        for block in re.findall(r"(?ms)^```yaml other\n(.*?)^```$", page):
            find(yaml.safe_load(block))
        self.assertGreater(len(uses), 2)
        for given in uses:
            self.assertLessEqual(given.keys(), ACTION["inputs"].keys())


class Runs(unittest.TestCase):
    """Runs of specs."""

    def test_specs_that_pass_are_counted(self):
        skipped = "name: later\nskip: not yet\nrun: 'true'\nexpect: { exit_code: 0 }\n"
        job = Job(self, {"specs/a.yaml": PASSING, "specs/b.yaml": skipped})
        code, outputs = job.use({"version": "source", "args": "--listen 127.0.0.1:0"})
        self.assertEqual(code, 0, job.log)
        self.assertEqual(
            outputs,
            {
                "passed": "1",
                "failed": "0",
                "errored": "0",
                "skipped": "1",
                "junit-path": "target/junit.xml",
                "html-path": "",
                "exit-code": "0",
            },
        )
        self.assertIn("## ✅ spanspec: 1 passed", job.read("summary"))
        self.assertIn("PASS  passes", job.log)
        cache, upload = job.recorded
        self.assertRegex(cache["key"], rf"^spanspec-source-{TARGET}-[0-9a-f]{{64}}$")
        self.assertEqual(cache["path"], job.read("path").strip())
        self.assertEqual(upload["name"], "spanspec-tests-0-1")
        self.assertEqual(upload["path"], str(job.workspace / "target/junit.xml"))

    def test_a_failure_ends_the_action_after_the_upload_of_reports_and_traces(self):
        job = Job(self, {"shop/specs/a.yaml": FAILING})
        inputs = {"working-directory": "shop", "args": "--listen 127.0.0.1:0", "junit": "j.xml"}
        code, outputs = job.use({**inputs, "version": "source"})
        self.assertEqual(code, 1, job.log)
        self.assertEqual((outputs["failed"], outputs["exit-code"]), ("1", "1"))
        self.assertEqual(outputs["junit-path"], "shop/j.xml")
        self.assertRegex(job.log, r"(?m)^::stop-commands::spanspec-")
        self.assertRegex(job.log, r"(?m)^::error file=\S+,line=3,col=\d+,title=fails::")
        self.assertIn("## ❌ spanspec: 1 failed", job.read("summary"))
        reports = job.recorded[-1]["path"].splitlines()
        self.assertIn(str(job.workspace / "shop/j.xml"), reports)
        # A second use in the same job finds the program, and its artifact has another name.
        job.use({**inputs, "version": "source"})
        self.assertIn("already installed", job.log)
        self.assertEqual(job.recorded[-1]["name"], "spanspec-tests-0-2")

    def test_summary_and_annotations_and_junit_can_be_switched_off(self):
        job = Job(self, {"specs/a.yaml": FAILING})
        off = {"summary": "false", "annotations": "false", "junit": ""}
        code, outputs = job.use({**off, "version": "source", "args": "--listen 127.0.0.1:0"})
        self.assertEqual((code, outputs["junit-path"]), (1, ""), job.log)
        self.assertNotRegex(job.log, r"(?m)^::error file=")
        self.assertEqual(job.read("summary"), "")

    def test_the_input_html_adds_an_html_report(self):
        job = Job(self, {"specs/a.yaml": PASSING})
        inputs = {"version": "source", "args": "--listen 127.0.0.1:0", "html": "out/report.html"}
        code, outputs = job.use(inputs)
        if "there is no report `html`" in job.log:
            self.assertEqual((code, outputs["html-path"]), (2, ""), job.log)
        else:
            self.assertEqual((code, outputs["html-path"]), (0, "out/report.html"), job.log)

    def test_a_spec_with_errors_is_reported_in_the_job(self):
        job = Job(self, {"specs/a.yaml": "nonsense: true\n", "target/junit.xml": "of yesterday"})
        code, outputs = job.use({"version": "source"})
        self.assertEqual((code, outputs["exit-code"], outputs["passed"]), (2, "2", "0"), job.log)
        self.assertEqual(outputs["junit-path"], "target/junit.xml")
        self.assertIn("::error file=specs/a.yaml,line=1,col=1,title=the run::unknown key `nonsense`", job.log)
        self.assertIn("nothing was run", job.read("summary"))
        self.assertIn("unknown key `nonsense`", job.read("summary"))

    def test_inputs_are_split_into_words_and_not_executed(self):
        job = Job(self, {"specs/a.yaml": PASSING, "specs/c.yaml": FAILING})
        inputs = {
            "version": "source",
            "specs": "'specs/a.yaml'",
            "args": "--listen 127.0.0.1:0 --var 'X=$(touch gotcha); touch gotcha `touch gotcha`' \n --quiet",
        }
        code, outputs = job.use(inputs)
        self.assertEqual((code, outputs["passed"], outputs["failed"]), (0, "1", "0"), job.log)
        self.assertFalse((job.workspace / "gotcha").exists())
        code, _ = job.use({**inputs, "args": "--var 'X=1"})
        self.assertEqual(code, 2)
        self.assertIn("`args` cannot be split into words", job.log)

    def test_the_input_baseline_sets_the_folder_of_baselines(self):
        job = Job(self, {"specs/a.yaml": MEASURED})
        inputs = {"version": "source", "baseline": "kept/here"}
        arguments = "--listen 127.0.0.1:0 --update-baselines always"
        code, _ = job.use(inputs | {"args": arguments})
        self.assertEqual(code, 0, job.log)
        written = [path.name for path in (job.workspace / "kept/here").rglob("*.json")]
        self.assertEqual(written, ["a.yaml.json"], job.log)

    def test_invalid_inputs_are_errors_with_help(self):
        messages = {
            "a folder": ({"working-directory": "nowhere"}, "`working-directory` does not exist: `nowhere`"),
            "a switch": ({"summary": "yes"}, "invalid `summary`: `yes`%0Ahelp: use true or false"),
            "a version": ({"version": "newest"}, "help: use a release such as 0.1.0, latest, or source"),
        }
        for what, (inputs, text) in messages.items():
            with self.subTest(what):
                job = Job(self, {"specs/a.yaml": PASSING})
                code, _ = job.use({"version": "source"} | inputs)
                self.assertEqual(code, 2, job.log)
                self.assertIn(text, job.log)

    def test_a_cancelled_job_writes_its_reports(self):
        def cancel(job, process):
            end = time.monotonic() + DEADLINE
            while not (job.workspace / "begun").exists():
                assert time.monotonic() < end and process.poll() is None, process.communicate()
                time.sleep(0.02)
            os.kill(process.pid, signal.SIGTERM)

        slow = "name: slow\nrun: sh -c 'touch begun; sleep 600'\nexpect: { exit_code: 0 }\n"
        job = Job(self, {"slow.yaml": slow})
        inputs = {"version": "source", "specs": "slow.yaml", "args": "--listen 127.0.0.1:0"}
        code, outputs = job.use(inputs, during=cancel)
        self.assertEqual((code, outputs["exit-code"]), (130, "130"), job.log)
        self.assertEqual(outputs["junit-path"], "target/junit.xml")


class Installs(unittest.TestCase):
    """Installation of the program."""

    def install(self, files, inputs, **more):
        job = Job(self, {"specs/a.yaml": PASSING}, **server(self, files))
        args = {"args": "--listen 127.0.0.1:0"}
        return (job, *job.use(inputs | args, **more))

    def test_a_release_is_downloaded_and_its_checksum_verified(self):
        files = archive(self)
        job, code, outputs = self.install(files, {"version": "v9.9.9"})
        self.assertEqual((code, outputs["passed"]), (0, "1"), job.log)
        self.assertEqual(job.recorded[0]["key"], f"spanspec-9.9.9-{TARGET}")

    def test_latest_is_the_newest_release(self):
        job, code, _ = self.install(archive(self), {"version": "latest"})
        self.assertEqual(code, 0, job.log)
        self.assertEqual(job.recorded[0]["key"], f"spanspec-9.9.9-{TARGET}")

    def test_an_archive_with_a_wrong_checksum_is_not_used(self):
        files = archive(self)
        name = f"spanspec-{TARGET}.tar.gz"
        files[name] = files[name][:-1] + b"!"
        job, code, _ = self.install(files, {"version": "9.9.9"})
        self.assertEqual(code, 2, job.log)
        found = hashlib.sha256(files[name]).hexdigest()
        self.assertIn(f": found SHA-256 {found}, expected ", job.log)
        self.assertEqual(job.read("path"), "")

    def test_an_archive_without_a_checksum_is_not_used(self):
        files = archive(self)
        del files[f"spanspec-{TARGET}.tar.gz.sha256"]
        job, code, _ = self.install(files, {"version": "9.9.9"})
        self.assertEqual(code, 2, job.log)
        self.assertIn("so the archive is not used", job.log)
        self.assertEqual(job.read("path"), "")

    def test_a_missing_release_is_an_error(self):
        job, code, _ = self.install({}, {"version": "1.2.3"})
        self.assertEqual(code, 2, job.log)
        self.assertIn("check that release 1.2.3 exists", job.log)

    def test_at_a_tag_the_action_installs_the_release_of_that_tag(self):
        version = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
        for ref, expected in {f"v{version}": version, "v1": version, "main": "source", "": "source"}.items():
            with self.subTest(ref):
                job = Job(self, {"specs/a.yaml": PASSING}, **server(self, archive(self), version))
                code, _ = job.use({"args": "--listen 127.0.0.1:0"}, action_ref=ref)
                self.assertEqual(code, 0, job.log)
                self.assertIn(f"spanspec {expected} for {TARGET}", job.log)

    def test_binstall_finds_every_archive_of_the_release_workflow(self):
        manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
        binstall = manifest["package"]["metadata"]["binstall"]
        release = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
        made = {row["target"] for row in release["jobs"]["build"]["strategy"]["matrix"]["include"]}
        plan = (ROOT / "action/plan.sh").read_text()
        self.assertEqual(set(re.findall(r"printf '(\w+-\w+-\w+(?:-\w+)?)'", plan)), made)
        for target in made:
            kind = binstall.get("overrides", {}).get(target, {}).get("pkg-fmt", binstall["pkg-fmt"])
            self.assertEqual(kind, "zip" if "windows" in target else "tgz")
        suffix = "{ archive-suffix }"
        self.assertTrue(binstall["pkg-url"].endswith("/v{ version }/{ name }-{ target }" + suffix))
        self.assertEqual(binstall["bin-dir"], "{ name }-{ target }/{ bin }{ binary-ext }")


if __name__ == "__main__":
    unittest.main(verbosity=2)
