"""Servers that stand before metergate in `test_fronts`: each with requests streamed, and gathered first.

Their configurations say as little as they can; what is recommended lies in deploy/.
"""

import os
import re
import subprocess

import wanting

_NGINX = """\
{user}
pid nginx.pid;
error_log nginx-error.log info;
daemon off;
worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    client_max_body_size 0;
    map $http_upgrade $hop {{ default upgrade; '' ''; }}
    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{tls_port} ssl http2;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        location / {{
            proxy_pass {upstream};
            proxy_http_version 1.1;
            proxy_request_buffering {gathers};
            proxy_buffering off;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $hop;
        }}
    }}
}}
"""

_CADDY = """\
{{
    admin off
    auto_https off
}}
(passing) {{
    bind 127.0.0.1
    reverse_proxy {upstream} {{
        flush_interval -1
        {gathers}
    }}
}}
http://:{port} {{
    import passing
}}
https://:{tls_port} {{
    tls {certificate} {key}
    import passing
}}
"""

_HAPROXY = """\
global
    maxconn 500
defaults
    mode http
    timeout http-request 30s
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 10m
frontend clients
    bind 127.0.0.1:{port}
    bind 127.0.0.1:{tls_port} ssl crt {both} alpn h2,http/1.1
    {gathers}
    http-request del-header X-Forwarded-For
    option forwardfor
    default_backend metergate
backend metergate
    server metergate {address}
"""


def _version_of_caddy():
    """As two numbers, the newest where there is none: whoever needs it says so."""
    program = wanting.program("caddy")
    told = subprocess.run([program, "version"], capture_output=True, text=True).stdout if program else ""
    numbers = re.match(r"v?(\d+)\.(\d+)", told)
    return tuple(int(number) for number in numbers.groups()) if numbers else (2, 99)


class Front:
    """A server: its name, its program, and how it is started in a folder."""

    def __init__(self, name, configuration, gathers, command, cuts_senders=False):
        self.name = name
        self.cuts_senders = cuts_senders
        self._configuration, self._gathers, self._command = configuration, gathers, command

    def write(self, folder, gathering, **values):
        """Writes its configuration; returns the command that starts it."""
        file = folder / "front.conf"
        values |= {
            "gathers": self._gathers[gathering],
            "user": "user root;" if os.geteuid() == 0 else "",
            "address": values["upstream"].removeprefix("http://"),
        }
        file.write_text(self._configuration.format(**values))
        return [word.format(file=file, folder=folder) for word in self._command]


FRONTS = (
    Front("nginx", _NGINX, ("off", "on"), ["nginx", "-p", "{folder}", "-c", "{file}", "-e", "nginx-error.log"]),
    Front(
        "caddy",
        _CADDY,
        # By its newer name since 2.7.
        ("", "request_buffers 100MB" if _version_of_caddy() >= (2, 7) else "buffer_requests"),
        ["caddy", "run", "--config", "{file}", "--adapter", "caddyfile"],
        # Where it streams, whoever still sends much is told nothing until he ends, and may be cut off: its library reads
        # 256 KiB of a body that nobody wants, and no more.
        cuts_senders=True,
    ),
    Front("haproxy", _HAPROXY, ("", "option http-buffer-request"), ["haproxy", "-db", "-f", "{file}"]),
)
