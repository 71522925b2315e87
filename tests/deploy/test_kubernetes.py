"""deploy/kubernetes, as far as that goes without a cluster: Kubernetes' own schemas, what belongs together, and the
configuration in it, which metergate itself checks and runs by."""

import re
import os
import tomllib
from ipaddress import ip_address

import yaml_files
from homeserver import Homeserver
from place import BINARY, DEPLOY, Check, run, start
from stage import free_port
from stage.matrix import ask

MANIFEST = DEPLOY / "kubernetes" / "continuwuity.yaml"
#: The oldest and the newest whose schemas are looked at.
VERSIONS = ("1.30", "1.36")


class Kubernetes(Check):
    @classmethod
    def setUpClass(cls):
        cls.documents = yaml_files.read(MANIFEST)
        cls.pod = cls.one("Deployment", "continuwuity")["spec"]["template"]["spec"]
        cls.metergate, cls.homeserver = cls.pod["containers"]
        cls.text = cls.one("ConfigMap", "metergate")["data"]["metergate.toml"]
        cls.config = tomllib.loads(cls.text)
        cls.variables = {it["name"]: it["value"] for it in cls.metergate["env"]}

    @classmethod
    def one(cls, kind, name):
        (found,) = (it for it in cls.documents if (it["kind"], it["metadata"]["name"]) == (kind, name))
        return found

    def test_kubernetes_understands_it(self):
        for version in VERSIONS:
            with self.subTest(version):
                self.assertEqual(yaml_files.complaints(MANIFEST, version), "")

    def test_a_slip_would_be_seen(self):
        wrong = MANIFEST.read_text().replace("readOnlyRootFilesystem:", "readonlyRootFilesystem:", 1)
        (self.folder / "wrong.yaml").write_text(wrong)
        self.assertIn("readonlyRootFilesystem", yaml_files.complaints(self.folder / "wrong.yaml", VERSIONS[-1]))

    def test_metergate_takes_its_configuration_and_answers_its_probes(self):
        """By the arguments and the file in the manifest, but for what is of the machine."""
        homeserver = Homeserver()
        self.addCleanup(homeserver.close)
        port, admin_port = free_port(), free_port()
        token = self.folder / "token"
        token.write_text("correct-horse-battery-staple\n")
        here = {
            "0.0.0.0:8400": f"0.0.0.0:{admin_port}",
            "http://127.0.0.1:8008": homeserver.url,
            self.config["admin"]["token_file"]: str(token),
        }
        text = self.text
        for there, place in here.items():
            self.assertEqual(text.count(there), 1, there)
            text = text.replace(there, place)
        file = self.folder / "metergate.toml"
        file.write_text(text)
        checked = run(BINARY, "config", "check", file, folder=self.folder)
        self.assertEqual((checked.returncode, checked.stdout), (0, f"{file} is fine\n"))
        words = [word.replace("/etc/metergate/metergate.toml", str(file)) for word in self.metergate["args"]]
        self.assertIn(str(file), words)
        said = {"0.0.0.0:8010": f"127.0.0.1:{port}", "/var/lib/metergate/": f"{self.folder}/"}
        env = dict(os.environ)
        for name, value in self.variables.items():
            (there,) = (there for there in said if there in value)
            env[name] = value.replace(there, said[there])
        child = start(self, [BINARY, *words], self.folder / "log", cwd=self.folder, env=env)
        answers = lambda path: status_of(f"http://127.0.0.1:{admin_port}", path)
        probes = [self.metergate[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")]
        self.assertEqual(probes, ["/healthz", "/healthz", "/readyz"])
        self.assertTrue(homeserver.wait_for(lambda: all(answers(path) == 200 for path in probes)), child.last_lines())
        # Nobody without the token gets at more.
        self.assertEqual(answers("/v1/subjects"), 401)
        homeserver.close()
        self.assertTrue(homeserver.wait_for(lambda: (answers("/healthz"), answers("/readyz")) == (200, 503)))

    def test_ports_lead_where_they_should(self):
        ports = {port["name"]: port["containerPort"] for port in self.metergate["ports"]}
        listens = {"matrix": self.variables["METERGATE_SERVER__LISTEN"], "admin": self.config["admin"]["listen"]}
        for name, address in listens.items():
            host, port = address.rsplit(":", 1)
            self.assertTrue(ip_address(host).is_unspecified, address)
            self.assertEqual(ports[name], int(port))
        for kind in ("startup", "liveness", "readiness"):
            self.assertEqual(self.metergate[f"{kind}Probe"]["httpGet"]["port"], "admin")
        (port,) = self.one("Service", "continuwuity")["spec"]["ports"]
        self.assertEqual(port["targetPort"], "matrix")

    def test_only_metergate_reaches_the_homeserver(self):
        told = {it["name"]: it["value"] for it in self.homeserver["env"]}
        there = f"http://{told['CONTINUWUITY_ADDRESS']}:{told['CONTINUWUITY_PORT']}"
        self.assertTrue(ip_address(told["CONTINUWUITY_ADDRESS"]).is_loopback)
        self.assertEqual(self.config["upstream"]["url"], there)
        self.assertNotIn("ports", self.homeserver)
        deployment = self.one("Deployment", "continuwuity")["spec"]
        self.assertEqual(deployment["selector"]["matchLabels"], deployment["template"]["metadata"]["labels"])
        selected = self.one("Service", "continuwuity")["spec"]["selector"]
        self.assertEqual(selected, deployment["template"]["metadata"]["labels"])

    def test_every_volume_is_there_and_every_path_is_on_one(self):
        volumes = {volume["name"]: volume for volume in self.pod["volumes"]}
        for container in (self.metergate, self.homeserver):
            for mount in container["volumeMounts"]:
                self.assertIn(mount["name"], volumes)
        self.one("ConfigMap", volumes["config"]["configMap"]["name"])
        for name in ("books", "homeserver"):
            self.one("PersistentVolumeClaim", volumes[name]["persistentVolumeClaim"]["claimName"])
        mounts = {mount["mountPath"]: mount for mount in self.metergate["volumeMounts"]}
        needed = {
            self.metergate["args"][self.metergate["args"].index("--config") + 1]: True,
            self.config["admin"]["token_file"]: True,
            self.variables["METERGATE_STORAGE"].removeprefix("sqlite:"): False,
        }
        for path, only_read in needed.items():
            folder, name = path.rsplit("/", 1)
            self.assertEqual(mounts[folder].get("readOnly", False), only_read, path)
        # The names of the files: of the ConfigMap's, and of the secret's that the first comment makes.
        self.assertIn("metergate.toml", self.one("ConfigMap", "metergate")["data"])
        self.assertRegex(MANIFEST.read_text(), r"create secret generic metergate --from-literal=token=")
        self.assertEqual(volumes["token"]["secret"]["secretName"], "metergate")

    def test_it_is_confined_as_the_service_is(self):
        """What deploy/systemd/metergate.service takes away, as far as Kubernetes has a word for it."""
        unit = (DEPLOY / "systemd" / "metergate.service").read_text()
        for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "DynamicUser=yes"):
            self.assertIn(f"\n{line}\n", unit)
        self.assertIn("\nSystemCallFilter=", unit)
        for container in (self.metergate, self.homeserver):
            context = container["securityContext"]
            self.assertFalse(context["allowPrivilegeEscalation"])
            self.assertTrue(context["readOnlyRootFilesystem"])
            self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
            self.assertGreater(context["runAsUser"], 0)
        self.assertTrue(self.pod["securityContext"]["runAsNonRoot"])
        self.assertEqual(self.pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertFalse(self.pod["automountServiceAccountToken"])
        self.assertEqual(self.metergate["securityContext"]["runAsUser"], self.user_of_the_image())
        (stop,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
        self.assertEqual(self.pod["terminationGracePeriodSeconds"], int(stop))

    def user_of_the_image(self):
        return int(re.search(r"useradd .*--uid (\d+)", (DEPLOY / "Dockerfile").read_text())[1])

    def test_its_books_are_never_opened_twice(self):
        deployment = self.one("Deployment", "continuwuity")["spec"]
        self.assertEqual((deployment["replicas"], deployment["strategy"]), (1, {"type": "Recreate"}))
        for name in ("metergate", "continuwuity"):
            self.assertEqual(self.one("PersistentVolumeClaim", name)["spec"]["accessModes"], ["ReadWriteOncePod"])


def status_of(url, path):
    try:
        return ask(url, "GET", path, timeout=5).status
    except OSError:
        return None
