"""curl, wget and h2load straight at metergate: what they upload is charged exactly, and what they are told they hear."""

import json
import re

import wanting
from homeserver import Homeserver
from place import BINARY, Check, make_folder, run
from stage.metergate import Metergate
from test_fronts import UPLOAD, make_certificate

SIZE = 300_000
CONFIG = f"""\
[policy]
default_group = "free"

[policy.groups.free]
media_bytes = "{4 * SIZE}B/month"
"""
#: The ways of curl to speak, and which version that is. `https` over TLS.
WAYS = (
    ("http", ["--http1.1"], "1.1"),
    ("http", ["--http2-prior-knowledge"], "2"),
    ("http", ["--http2"], "1.1"),
    ("https", ["--http1.1"], "1.1"),
    ("https", ["--http2"], "2"),
)


class Clients(Check):
    """One metergate in the clear and one with TLS, before the same homeserver, the same for all checks."""

    @classmethod
    def setUpClass(cls):
        cls.home = make_folder(cls)
        cls.homeserver = Homeserver()
        cls.addClassCleanup(cls.homeserver.close)
        cls.certificate, key = make_certificate(cls.home)
        tls = f'\n[server.tls]\ncert = "{cls.certificate}"\nkey = "{key}"\n'
        cls.metergates = {}
        for scheme, server in (("http", ""), ("https", tls)):
            folder = make_folder(cls)
            metergate = Metergate(BINARY, folder, cls.homeserver.url, CONFIG, server=server)
            cls.addClassCleanup(metergate.end)
            cls.metergates[scheme] = metergate
        cls.file = cls.home / "file"
        cls.file.write_bytes(bytes(SIZE))

    def setUp(self):
        super().setUp()
        self.homeserver.seen.clear()

    def url(self, scheme):
        port = self.metergates[scheme].url.rsplit(":", 1)[1]
        return f"{scheme}://localhost:{port}{UPLOAD}"

    def charged(self, scheme, user):
        told = {}

        def is_over():
            told.update(self.metergates[scheme].usage_served(f"@{user}:example.org"))
            return told["reserved"] == 0

        self.assertTrue(self.homeserver.wait_for(is_over), told)
        return told["used"]

    def curl(self, scheme, user, *words, fed=False):
        """What curl says of its answer: version, status, bytes sent; and the answer."""
        curl = wanting.tool("curl", "curl straight at metergate")
        answer = self.folder / "answer"
        line = [curl, "--silent", "--show-error", "--cacert", self.certificate, "-o", answer, "-D", self.folder / "head"]
        line += ["-H", f"Authorization: Bearer {user}", "-w", "%{http_version} %{http_code} %{size_upload}", *words]
        line = " ".join(f"'{word}'" for word in (*line, self.url(scheme)))
        done = run("sh", "-c", f"{line} < {self.file if fed else '/dev/null'}", folder=self.folder)
        return done.stdout.split(), answer.read_text()

    def test_curl_uploads_in_every_way(self):
        for scheme, words, version in WAYS:
            user = "-".join((scheme, *words)).replace(".", "")
            with self.subTest(user):
                told, _ = self.curl(scheme, user, *words, "--data-binary", f"@{self.file}")
                self.assertEqual(told, [version, "200", str(SIZE)])
                # Of nobody knows what length.
                told, _ = self.curl(scheme, user, *words, "-X", "POST", "-T", "-", fed=True)
                self.assertEqual(told[:2], [version, "200"])
                self.assertEqual(self.homeserver.at(UPLOAD)[-1].headers.get("Transfer-Encoding"), "chunked")
                self.assertEqual(self.charged(scheme, user), 2 * SIZE)

    def test_curl_hears_a_refusal_in_every_way(self):
        large = self.folder / "large"
        large.write_bytes(bytes(40 * SIZE))
        for scheme, words, version in WAYS:
            user = "-".join(("no", scheme, *words)).replace(".", "")
            with self.subTest(user):
                # Whether it asks first or not. Over HTTP/2 curl 7.88 does not hear whoever says no to that: not nginx either.
                for expect in ("Expect: 100-continue", "Expect:")[version == "2" :]:
                    # Where the stream is reset right behind the answer, some versions lose its body now and then.
                    for _ in range(5 if version == "2" else 1):
                        told, answer = self.curl(scheme, user, *words, "-H", expect, "--data-binary", f"@{large}")
                        self.assertEqual(told[:2], [version, "429"])
                        if answer:
                            break
                    self.assertEqual(json.loads(answer)["errcode"], "M_LIMIT_EXCEEDED")
                    self.assertRegex((self.folder / "head").read_text().lower(), r"retry-after: \d+")
                    if (expect, version) == ("Expect: 100-continue", "1.1"):
                        self.assertEqual(told[2], "0", "it was told to go on")
                self.assertEqual(self.charged(scheme, user), 0)
        self.assertEqual(self.homeserver.at(UPLOAD), [])

    def test_curl_is_told_to_go_on(self):
        told, _ = self.curl("http", "on", "-H", "Expect: 100-continue", "--data-binary", f"@{self.file}")
        self.assertEqual(told[1:], ["200", str(SIZE)])
        self.assertIn("100 Continue", (self.folder / "head").read_text())
        self.assertEqual(self.charged("http", "on"), SIZE)

    def test_wget_uploads_and_hears_a_refusal(self):
        wget = wanting.tool("wget", "wget straight at metergate")
        for scheme in self.metergates:
            line = [wget, "--tries=1", "-S", "-O", "-", f"--ca-certificate={self.certificate}"]
            line += ["--header", "Authorization: Bearer wget", self.url(scheme)]
            for _ in range(4):
                done = run(*line, f"--post-file={self.file}", folder=self.folder)
                self.assertEqual(done.returncode, 0, done.stdout)
            self.assertEqual(self.charged(scheme, "wget"), 4 * SIZE)
            done = run(*line, f"--post-file={self.file}", folder=self.folder)
            # What it ends with when a server refuses.
            self.assertEqual(done.returncode, 8, done.stdout)
            self.assertIn("429 Too Many Requests", done.stdout)
            self.assertEqual(self.charged(scheme, "wget"), 4 * SIZE)

    def test_h2load_uploads_as_many_as_fit_and_no_more(self):
        h2load = wanting.tool("h2load", "h2load straight at metergate")
        for scheme, words in (("http", []), ("http", ["--h1"]), ("https", []), ("https", ["--h1"])):
            user = "-".join(("load", scheme, *words))
            with self.subTest(user):
                line = [h2load, "-n", "20", "-c", "2", *words, *(() if words else ("-m", "5")), "-d", self.file]
                done = run(*line, "-H", f"Authorization: Bearer {user}", self.url(scheme), folder=self.folder)
                self.assertEqual(re.findall(r"status codes: (.*)", done.stdout), ["4 2xx, 0 3xx, 16 4xx, 0 5xx"], done.stdout)
                self.assertEqual(self.charged(scheme, user), 4 * SIZE)
