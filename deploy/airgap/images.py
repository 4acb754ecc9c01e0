"""The third-party images of the stack, and how to build each. Data."""

from __future__ import annotations

from dataclasses import dataclass

# Debian 13 has Python 3.13, which the services are written for, and a C library that the programs
# of the development suite run on.
SUITE = "trixie"
BASE = f"debian:{SUITE}-local"
# The suffix of local tags, to distinguish them from a registry's images.
LOCAL_SUFFIX = "-local"

# The tag of our own images, which are built from apps/Dockerfile and only moved here.
OWN_VERSION_VARIABLE = "ALERTDRILL_VERSION"

# docker-compose.yml's pull policy; a host without a registry sets it to `never`.
PULL_POLICY = "PULL_POLICY"


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """An image under the name that `docker-compose.yml` uses.

    `variable` sets its tag. `recipe` is its folder here. `programs` are the programs that the
    recipe copies, by their names in PROGRAMS; without any, it installs a package of the base
    image's release.
    `version_command` prints the version in the image. `share` is the folder below /usr/share with
    the data of the programs. `replicas` is the variable that disables the service; an image without
    it is required. `requires` is the `replicas` of a service that this one depends on.
    """

    repository: str
    variable: str
    recipe: str
    version_command: tuple[str, ...]
    programs: tuple[str, ...] = ()
    prefix: str = ""
    share: str = ""
    replicas: str = ""
    requires: str = ""

    def name(self, version: str) -> str:
        """Return the image's whole name for a version of the program inside."""
        return f"{self.repository}:{self.prefix}{version}{LOCAL_SUFFIX}"


IMAGES: tuple[ImageSpec, ...] = (
    ImageSpec(
        repository="python",
        variable="PYTHON_VERSION",
        recipe="python",
        version_command=("python", "--version"),
    ),
    ImageSpec(
        repository="busybox",
        variable="BUSYBOX_VERSION",
        recipe="busybox",
        version_command=("/bin/busybox",),
    ),
    ImageSpec(
        repository="haproxy",
        variable="HAPROXY_VERSION",
        recipe="haproxy",
        version_command=("haproxy", "-v"),
    ),
    ImageSpec(
        repository="prom/prometheus",
        variable="PROMETHEUS_VERSION",
        recipe="prometheus",
        version_command=("/bin/prometheus", "--version"),
        programs=("prometheus", "promtool"),
        prefix="v",
        share="prometheus/web",
    ),
    ImageSpec(
        repository="prom/alertmanager",
        variable="ALERTMANAGER_VERSION",
        recipe="alertmanager",
        version_command=("/bin/alertmanager", "--version"),
        programs=("alertmanager", "amtool"),
        prefix="v",
        share="prometheus/alertmanager",
    ),
    ImageSpec(
        repository="prom/node-exporter",
        variable="NODE_EXPORTER_VERSION",
        recipe="node-exporter",
        version_command=("/bin/node_exporter", "--version"),
        programs=("node_exporter",),
        prefix="v",
    ),
    ImageSpec(
        repository="prom/blackbox-exporter",
        variable="BLACKBOX_EXPORTER_VERSION",
        recipe="blackbox-exporter",
        version_command=("/bin/blackbox_exporter", "--version"),
        programs=("blackbox_exporter",),
        prefix="v",
    ),
    ImageSpec(
        repository="prom/pushgateway",
        variable="PUSHGATEWAY_VERSION",
        recipe="pushgateway",
        version_command=("/bin/pushgateway", "--version"),
        programs=("pushgateway",),
        prefix="v",
    ),
    ImageSpec(
        repository="grafana/loki",
        variable="LOKI_VERSION",
        recipe="loki",
        version_command=("/usr/bin/loki", "--version"),
        programs=("loki",),
        replicas="LOKI_REPLICAS",
    ),
    ImageSpec(
        repository="otel/opentelemetry-collector-contrib",
        variable="COLLECTOR_VERSION",
        recipe="collector",
        version_command=("/otelcol-contrib", "--version"),
        programs=("otelcol",),
        replicas="COLLECTOR_REPLICAS",
        requires="LOKI_REPLICAS",
    ),
    ImageSpec(
        repository="grafana/grafana",
        variable="GRAFANA_VERSION",
        recipe="grafana",
        version_command=("/usr/share/grafana/bin/grafana", "-v"),
        programs=("grafana",),
        share="grafana",
        replicas="GRAFANA_REPLICAS",
    ),
)
