"""README.md and CHANGELOG.md: what they say can be done is done here, line by line."""

import json
import os
import re
import shlex

import wanting
from homeserver import Homeserver
from place import BINARY, Check, run, start_metergate
from stage import PROJECT

README = (PROJECT / "README.md").read_text()
CHANGELOG = (PROJECT / "CHANGELOG.md").read_text()
#: What belongs to the machine it is typed on, and is not run here: each a beginning of lines.
NOT_RUN = ("cargo build --release --locked", "sudo systemctl ", "sudo nginx -t", "head -c 32 /dev/urandom ", "cargo test --release --test fuzz ")


class Readme(Check):
    def test_every_configuration_is_fine_without_a_warning(self):
        blocks = fenced("toml")
        self.assertGreaterEqual(len(blocks), 2)
        for block in blocks:
            self.assertEqual(self.check_file(block), (0, "metergate.toml is fine\n"))

    def test_the_commands_work_one_after_the_other(self):
        lines = [line for line in shell_lines() if line.startswith("metergate ") and " --server " not in line]
        store = {
            "METERGATE_STORAGE": f"sqlite:{self.folder / 'readme.db'}",
            "PATH": f"{BINARY.parent}:{os.environ['PATH']}",
        }
        # What a line reads, and no line before it writes.
        (self.folder / "metergate.toml").write_text(fenced("toml")[0])
        for line in lines:
            with self.subTest(line):
                words = [BINARY, *shlex.split(line, comments=True)[1:]]
                if words[1] == "serve":
                    self.assert_serves(words)
                    continue
                if words[1] == "config":
                    self.assertEqual(self.check_file(fenced("toml")[0])[0], 0)
                    continue
                # The longest holds a store to its contract, by some 200 sentences.
                done = run("bash", "-c", line, folder=self.folder, env=store, timeout=900)
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_commands_work_through_a_server(self):
        homeserver = Homeserver()
        self.addCleanup(homeserver.close)
        group = 'default_group = "free"\n[policy.groups.free]\nmedia_bytes = "500MB"\n'
        metergate = start_metergate(self, self.folder, homeserver.url, f"[policy]\n{group}")
        lines = [line for line in shell_lines() if " --server " in line or line.startswith("METERGATE_SERVER=")]
        self.assertGreaterEqual(len(lines), 2)
        for line in lines:
            with self.subTest(line):
                line = line.replace("http://127.0.0.1:8400", metergate.admin_url)
                done = run("bash", "-c", line, folder=self.folder, env={"PATH": f"{BINARY.parent}:{os.environ['PATH']}"})
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_calls_of_the_api_work(self):
        curl = wanting.tool("curl", "README.md: the calls of the admin API")
        homeserver = Homeserver()
        self.addCleanup(homeserver.close)
        group = 'default_group = "free"\n[policy.groups.free]\nmedia_bytes = "500MB"\n'
        metergate = start_metergate(self, self.folder, homeserver.url, f"[policy]\n{group}")
        lines = [line for line in shell_lines() if line.startswith("curl ")]
        self.assertGreaterEqual(len(lines), 5)
        for line in lines:
            with self.subTest(line):
                line = line.replace("http://127.0.0.1:8400", metergate.admin_url)
                done = run(curl, "--silent", "--fail-with-body", *shlex.split(line)[1:], folder=self.folder)
                self.assertEqual(done.returncode, 0, done.stdout)
                if line.endswith("/metrics"):
                    self.assertIn("# HELP metergate_", done.stdout)
                    continue
                self.assertNotIn("error", json.loads(done.stdout))

    def test_no_line_is_left_out(self):
        """What is neither run by the other checks nor on the list of what is not run would be unchecked."""
        for line in shell_lines():
            words = shlex.split(line, comments=True)
            if words[0] in ("metergate", "curl") or line.startswith(("METERGATE_SERVER=", *NOT_RUN)):
                continue
            with self.subTest(line):
                named = [word for word in words if word.startswith(("deploy/", "tests/"))]
                made = [word for word in words if word.startswith(("target/", "/usr/bin", "/etc/"))]
                self.assertTrue(named or made, "nothing looks at this line")
                for name in named:
                    self.assertTrue((PROJECT / name).exists(), f"{name} is not there")

    def test_every_command_there_is_is_told(self):
        helped = run(BINARY, "--help", folder=self.folder).stdout
        commands = set(re.findall(r"^  ([a-z]+) +[A-Z]", helped, re.MULTILINE)) - {"metergate"}
        self.assertGreaterEqual(len(commands), 13)
        for command in commands:
            self.assertRegex(README, rf"metergate {command}\b")
            self.assertRegex(CHANGELOG, rf"`{command}[ `]")

    def test_every_link_leads_somewhere(self):
        for text in (README, CHANGELOG):
            for target in re.findall(r"\]\(([^)]+)\)", text):
                if not target.startswith("https://"):
                    self.assertTrue((PROJECT / target).exists(), target)

    def test_an_entry_that_says_half_is_refused_with_what_it_needs(self):
        code, told = self.check_file('[[meter]]\npath = "/x"')
        self.assertEqual(code, 2, told)
        self.assertRegex(told, r"metergate\.toml:1: \[meter\] needs count, like ")

    def assert_serves(self, words):
        places = ("--listen", "127.0.0.1:0", "--port", "0", "--storage", "memory:")
        words = [word for word in words if word not in ("--port", "8400")]
        ended = run("timeout", "--preserve-status", "2", *words, *places, folder=self.folder)
        self.assertEqual(ended.returncode, 0, ended.stdout)
        self.assertIn("listens", ended.stdout)

    def check_file(self, text):
        (self.folder / "metergate.toml").write_text(text)
        done = run(BINARY, "config", "check", "metergate.toml", folder=self.folder)
        return done.returncode, done.stdout


class Nginx(Check):
    def test_the_server_blocks_are_some(self):
        nginx = wanting.tool("nginx", "README.md: the server blocks for nginx")
        block = "".join(fenced("nginx"))
        files = PROJECT / "deploy" / "nginx"
        # Certificates are of the machine; so are ports below 1024.
        block = re.sub(r"listen (\d+) ssl http2;", r"listen 127.0.0.1:1\1;", block)
        block = re.sub(r" +ssl_certificate.*\n", "", block)
        block = block.replace("snippets/", f"{files}/")
        places = "".join(
            f"{kind}_temp_path {self.folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        whole = f"pid {self.folder}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{places}"
        (self.folder / "nginx.conf").write_text(f"{whole}include {files}/metergate.conf;\n{block}}}\n")
        words = ("-t", "-p", self.folder, "-c", self.folder / "nginx.conf", "-e", self.folder / "log")
        tested = run(nginx, *words, folder=self.folder)
        self.assertEqual(tested.returncode, 0, tested.stdout)


def fenced(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def shell_lines():
    """Every line to type, those in backticks within the text included."""
    lines = [line for block in fenced("sh") for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
    quoted = re.findall(r"`((?:metergate|docker) [^`…]+)`", prose)
    return [line for line in lines if line.strip()] + quoted
