"""deploy/Dockerfile and deploy/compose.yaml, as far as that goes without an engine to build and run them."""

import fnmatch
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from ipaddress import ip_address, ip_network
from pathlib import Path

import wanting
from homeserver import Homeserver
from place import BINARY, DEPLOY, Check, run, start_metergate
from stage import PROJECT, free_port

DOCKERFILE = DEPLOY / "Dockerfile"
COMPOSE = DEPLOY / "compose.yaml"


class Image(Check):
    def test_what_is_copied_is_there_and_enough_for_cargo(self):
        cargo = wanting.tool("cargo", "deploy/Dockerfile: what it copies is enough for cargo")
        for source, into in copied():
            self.assertFalse(is_ignored(source), f".dockerignore keeps {source} from the image")
            there, here = PROJECT / source, self.folder / into
            self.assertTrue(there.exists(), f"{source} is not there")
            if there.is_dir():
                shutil.copytree(there, here)
            else:
                here.mkdir(exist_ok=True)
                shutil.copy(there, here)
        words = ("metadata", "--no-deps", "--locked", "--offline", "--format-version", "1")
        read = subprocess.run([cargo, *words], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(read.returncode, 0, read.stderr)
        (package,) = json.loads(read.stdout)["packages"]
        needed = {target["kind"][0]: Path(target["src_path"]) for target in package["targets"]}
        for kind in ("lib", "bin"):
            self.assertTrue(needed[kind].exists(), f"{needed[kind]} is not copied")
        self.assertEqual(included_from_elsewhere(), [], "files that are compiled in, and not copied")

    def test_its_compiler_is_new_enough(self):
        (version,) = re.findall(r"^FROM rust:(\d+\.\d+)-", DOCKERFILE.read_text(), re.MULTILINE)
        needed = tomllib.loads((PROJECT / "Cargo.toml").read_text())["package"]["rust-version"]
        self.assertGreaterEqual(numbers(version), numbers(needed))

    def test_builder_and_image_are_the_same_debian(self):
        """The binary is linked with the C library of the one, and runs with that of the other."""
        builder, image = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE)
        self.assertEqual(builder.rsplit("-", 1)[1], image.split(":")[1].removesuffix("-slim"))

    def test_it_runs_as_nobody_special(self):
        self.assertRegex(DOCKERFILE.read_text(), r"(?m)^USER metergate$")

    def test_its_health_check_tells_alive_from_dead(self):
        bash = wanting.tool("bash", "deploy/Dockerfile: the health check")
        homeserver = Homeserver()
        self.addCleanup(homeserver.close)
        metergate = start_metergate(self, self.folder, homeserver.url, "")
        program, *words = json.loads(re.search(r"(?m)^HEALTHCHECK .*\\\n +CMD (\[.*\])$", DOCKERFILE.read_text())[1])
        self.assertEqual(program, "bash")
        for port, healthy in ((metergate.admin_url.rsplit(":")[-1], True), (free_port(), False)):
            there = [word.replace("127.0.0.1/8400", f"127.0.0.1/{port}") for word in words]
            self.assertNotEqual(there, words)
            self.assertEqual(run(bash, *there, folder=self.folder).returncode == 0, healthy)


class Compose(Check):
    def test_compose_understands_it(self):
        command = ["docker", "compose"]
        if not wanting.program("docker") or run(*command, "version", folder=self.folder).returncode != 0:
            command = [wanting.tool("docker-compose", "deploy/compose.yaml, by compose itself")]
        checked = run(*command, "-f", COMPOSE, "config", "--quiet", folder=self.folder)
        self.assertEqual((checked.returncode, checked.stdout), (0, ""))

    def test_only_metergate_can_be_reached_and_only_from_this_machine(self):
        services = self.read()["services"]
        self.assertEqual(services["metergate"]["ports"], ["127.0.0.1:8010:8010"])
        self.assertNotIn("ports", services["homeserver"])

    def test_metergate_passes_on_to_the_homeserver(self):
        services = self.read()["services"]
        upstream = services["metergate"]["command"].split("--upstream ")[1].split()[0]
        port = services["homeserver"]["environment"]["CONTINUWUITY_PORT"]
        self.assertEqual(upstream, f"http://homeserver:{port}")

    def test_each_keeps_its_data_in_a_volume(self):
        whole = self.read()
        kept = {name: service["volumes"] for name, service in whole["services"].items()}
        database = whole["services"]["homeserver"]["environment"]["CONTINUWUITY_DATABASE_PATH"]
        volume = re.search(r"(?m)^VOLUME (\S+)$", DOCKERFILE.read_text())[1]
        self.assertEqual(kept, {"metergate": [f"metergate:{volume}"], "homeserver": [f"continuwuity:{database}"]})
        self.assertEqual(set(whole["volumes"]), {"metergate", "continuwuity"})
        self.assertTrue(said_in_dockerfile()["METERGATE_STORAGE"].startswith(f"sqlite:{volume}/"))

    def test_the_trusted_proxy_is_the_gateway(self):
        whole = self.read()
        (network,) = whole["networks"]["default"]["ipam"]["config"]
        self.assertIn(ip_address(network["gateway"]), ip_network(network["subnet"]))
        trusted = whole["services"]["metergate"]["environment"]["METERGATE_SERVER__TRUSTED_PROXIES"]
        self.assertEqual(trusted, network["gateway"])

    def test_its_build_is_the_dockerfile(self):
        build = self.read()["services"]["metergate"]["build"]
        self.assertEqual((COMPOSE.parent / build["context"]).resolve(), PROJECT)
        self.assertEqual(PROJECT / build["dockerfile"], DOCKERFILE)

    def test_metergate_takes_every_word_of_it(self):
        """Starts it with the flags and variables of image and compose file; only addresses are of this machine."""
        service = self.read()["services"]["metergate"]
        environment = said_in_dockerfile() | service["environment"]
        places = ("--listen", "127.0.0.1:0", "--port", "0", "--storage", "memory:")
        command = ("timeout", "--preserve-status", "2", BINARY, *shlex.split(service["command"]), *places)
        ended = run(*command, folder=self.folder, env=environment)
        self.assertEqual(ended.returncode, 0, ended.stdout)
        self.assertIn("proxy listens", ended.stdout)
        with self.subTest("a word that is not one would be noticed"):
            ended = run(*command, folder=self.folder, env=environment | {"METERGATE_SERVER__TRUSTED_PROXY": "::1"})
            self.assertEqual(ended.returncode, 2, ended.stdout)
        with self.subTest("the address it listens at is one"):
            (self.folder / "m.toml").write_text(f'[server]\nlisten = "{environment["METERGATE_SERVER__LISTEN"]}"\n')
            ended = run(BINARY, "config", "check", "m.toml", folder=self.folder)
            self.assertEqual(ended.returncode, 0, ended.stdout)

    def read(self):
        read = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"
        for python in (sys.executable, "/usr/bin/python3"):
            done = subprocess.run([python, "-c", read], input=COMPOSE.read_text(), capture_output=True, text=True)
            if done.returncode == 0:
                return json.loads(done.stdout)
            self.assertIn("No module named 'yaml'", done.stderr)
        return wanting.not_here("deploy/compose.yaml, what is in it: Python has no yaml on this machine")


def copied():
    """What COPY takes from the project, and the directory it becomes or goes into."""
    lines = re.findall(r"(?m)^COPY (?!--from)(.+)$", DOCKERFILE.read_text())
    for *sources, into in (line.split() for line in lines):
        for source in sources:
            yield source, into


def is_ignored(name):
    """Whether .dockerignore leaves out `name`, which lies at the root; the last line that matches counts."""
    ignored = False
    for line in (PROJECT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#") and fnmatch.fnmatch(name, line.removeprefix("!")):
            ignored = not line.startswith("!")
    return ignored


def included_from_elsewhere():
    """The files that src/ compiles in from outside of src/; what only a doctest reads is not compiled in."""
    inside = PROJECT / "src"
    for source in inside.rglob("*.rs"):
        code = re.sub(r"#\[cfg\(doctest\)\]\n.*\n", "", source.read_text())
        for name in re.findall(r'include_(?:str|bytes)!\(\s*"([^"]+)"', code):
            if not (source.parent / name).resolve().is_relative_to(inside):
                return [f"{source}: {name}"]
    return []


def said_in_dockerfile():
    return dict(re.findall(r"(?m)^ENV (\w+)=(\S+)$", DOCKERFILE.read_text()))


def numbers(version):
    return [int(part) for part in version.split(".")]
