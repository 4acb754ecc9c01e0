"""The configuration files of a stack: committed, generated, and replaced by a drill.

The load balancer's files, beside lb/haproxy.cfg, are its backends, its path maps and a Lua filter.
"""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from string import Template

from ..config import ROOT, derived
from ..config.service import Service
from ..config.services import SERVICES, longest_response, ops_port
from ..timescale.render import language_of, render
from .errors import UnknownTargetError

# Configuration files below a runtime's etc, and the committed file or folder of each. Each runtime
# has its own scrape configuration besides.
SOURCES: Mapping[str, str] = {
    "prometheus/prometheus.yml": "prometheus/prometheus.yml",
    "prometheus/rules": "prometheus/rules",
    "alertmanager/alertmanager.yml": "alerting/alertmanager.yml",
    # Loki calls its only tenant `fake`.
    "loki/rules/fake": "loki/rules",
    "loki/overrides.yml": "loki/overrides.yml",
}
# Folders for extra files, which a drill adds and removes.
DROP_IN_FOLDERS = ("prometheus/rules.d", "prometheus/scrape.d")
# Programs that reload their files by themselves, and that a SIGHUP would end.
SELF_RELOADING = ("loki",)
# Holds the URL that Alertmanager sends notifications to; only the runtime knows it.
WEBHOOK_URL_FILE = "alertmanager/webhook_url"
LB_FILE = ROOT / "lb" / "haproxy.cfg"
BACKEND_TEMPLATE = ROOT / "lb" / "backend.cfg"
DEADLINE_FILE = ROOT / "lb" / "deadline.lua"
# Two backends for each service; and for each frontend, a map from path to service.
BACKENDS_FILE = "backends.cfg"
# The variable with the digest of its files in a load balancer that has read them.
LB_DIGEST = "LB_DIGEST"
# In the order in which a request passes them.
FRONTENDS = ("public", "internal")


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file in one step, so that no reader sees a partial file, and never through a link.

    In containers each program runs as another user, so all may read it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not named `.yml`, so that no program reads it as a configuration.
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.replace(path)


def create_secret(file: Path, mode: int) -> str:
    """Return the secret in a file; write a random one if the file does not exist or is empty."""
    if not file.exists() or not file.stat().st_size:  # empty: cut off by a crash
        write_atomically(file, secrets.token_urlsafe(32), mode)
    return file.read_text(encoding="utf-8").strip()


def write_json(path: Path, content: object) -> None:
    """Write a JSON file atomically."""
    write_atomically(path, json.dumps(content, indent=2) + "\n")


def rendered(source: str, speed: float) -> Mapping[str, str]:
    """Return the text at a speed of a committed file, or of each file of a folder, by name."""
    path = ROOT / source
    files = sorted(path.glob("*.yml")) if path.is_dir() else [path]
    return {file.name: render(_text(file), speed, language_of(source)) for file in files}


def has_own_text(source: str) -> bool:
    """Return whether a committed folder differs from what this stack reads.

    It lacks the objectives and the limits of services that other repositories declare.
    """
    rules = SOURCES["prometheus/rules"]
    return source == rules and any(service.file for service in SERVICES.values())


def _text(file: Path) -> str:
    if file == ROOT / derived.RULES:
        return derived.rules(SERVICES)
    return file.read_text(encoding="utf-8")


def require_replaceable(sources: Mapping[str, str], component: str, name: str) -> str:
    """Return the path below etc of a file that a drill may replace or add."""
    whole = f"{component}/{name}"
    path = PurePosixPath(whole)
    extra = str(path.parent) in DROP_IN_FOLDERS and path.suffix == ".yml"
    committed = whole in sources and not (ROOT / sources[whole]).is_dir()
    if not extra and not committed and whole != WEBHOOK_URL_FILE:
        folders = ", ".join(f"{folder}/*.yml" for folder in DROP_IN_FOLDERS)
        raise UnknownTargetError(
            f"{whole} can't be configured: use {folders} or a main configuration file."
        )
    return whole


def target(address: str, service: str, instance: str, **labels: str) -> dict[str, object]:
    """Return an address as a target of Prometheus's file discovery."""
    return {"targets": [address], "labels": {"service": service, "instance": instance, **labels}}


def probe_target(url: str, blackbox: str) -> dict[str, object]:
    """Return the public URL as a target of the blackbox exporter at an address."""
    return target(url, "lb", "public", __blackbox__=blackbox)


def lb_files(addresses: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """Return the load balancer's files by name; `addresses` is {service: {instance: host:port}}."""
    pattern = Template(BACKEND_TEMPLATE.read_text(encoding="utf-8"))
    # Longer than any request may take, so that a stop or a reload cuts no request off.
    stop = math.ceil(longest_response(SERVICES) + 2)
    backends = f"global\n    hard-stop-after {stop}s\n"
    for name, instances in addresses.items():
        servers = [_server(instance, address) for instance, address in instances.items()]
        large = [
            f"    server {instance} {address} track {name}/{instance}"
            for instance, address in instances.items()
        ]
        service = SERVICES[name]
        if service.sticky:
            servers, large = [
                [
                    f"{line} cookie {instance}"
                    for line, instance in zip(lines, instances, strict=True)
                ]
                for lines in (servers, large)
            ]
        backends += pattern.substitute(
            service=name,
            capacity=service.capacity,
            refuses_chunks=int(service.server == "granian" or service.limits.body is not None),
            response=_milliseconds(service.limits.response),
            rules=_rules(service),
            servers="\n".join(servers),
            large_servers="\n".join(large),
        )
    files = {BACKENDS_FILE: backends, DEADLINE_FILE.name: DEADLINE_FILE.read_text(encoding="utf-8")}
    for frontend in FRONTENDS:
        lines = ["# Each path, and the service that receives it and everything below it."]
        for name in addresses:
            service = SERVICES[name]
            host = service.host if service.host and frontend == "public" else ""
            # The slash keeps `/orders` from `/ordersheet`.
            lines += [f"{host}{path.rstrip('/')}/ {name}" for path in getattr(service, frontend)]
        files[f"{frontend}.map"] = "\n".join(lines) + "\n"
    files[BACKENDS_FILE] += f"global\n    setenv {LB_DIGEST} {lb_digest(files)}\n"
    return files


def lb_digest(files: Mapping[str, str]) -> str:
    """Return a digest of the load balancer's configuration: the committed file, and these."""
    texts = [LB_FILE.read_text(encoding="utf-8"), *(files[name] for name in sorted(files))]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def _rules(service: Service) -> str:
    """Return the rules of a service for both of its backends."""
    limits, lines = service.limits, ""
    if limits.headers:
        lines += _refusal(
            f"{{ req.hdrs,length gt {limits.headers} }}",
            (431, "Request Header Fields Too Large"),
            f"The header has more than {limits.headers} bytes.",
        )
    if limits.body:
        lines += _refusal(
            f"{{ req.body_size gt {limits.body} }}",
            (413, "Content Too Large"),
            f"The body has more than {limits.body} bytes.",
        )
    if limits.tunnel_timeout:
        timeout = _milliseconds(limits.tunnel_timeout)
        lines += (
            f"    timeout tunnel {timeout}\n    http-request set-timeout server {timeout}"
            " if { req.fhdr(accept) -m sub text/event-stream }\n"
        )
    if service.sticky:
        name = f"ALERTDRILL_{service.variable}"
        lines += f"    cookie {name} insert indirect nocache httponly attr SameSite=Lax\n"
    return lines + _strip_prefix(service)


def _refusal(condition: str, status: tuple[int, str], detail: str) -> str:
    """Return a rule that answers with a problem document (RFC 9457)."""
    code, title = status
    problem = {"type": "about:blank", "title": title, "status": code, "detail": detail}
    text = json.dumps({**problem, "request_id": "%[var(txn.request_id)]"}, separators=(",", ":"))
    return (
        f"    http-request return status {code} content-type application/problem+json"
        f" lf-string '{text}' if {condition}\n"
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f}ms"


def _strip_prefix(service: Service) -> str:
    """Return the rules that remove a service's public path from its requests, if it wants that."""
    if not service.strip_prefix:
        return ""
    [prefix] = service.public
    pattern = prefix.replace(".", r"\.")
    public = "if { fe_name public }"
    return (
        f"    http-request set-header X-Forwarded-Prefix {prefix} {public}\n"
        f"    http-request set-path %[path,regsub(^{pattern}/?,/)] {public}\n"
    )


def _server(instance: str, address: str) -> str:
    """Return the line of a server: requests go to its port, checks to that of its operations."""
    port = int(address.rpartition(":")[2])
    return f"    server {instance} {address} check port {ops_port(port)}"
