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

    `recipe` is its folder here, and the start of its variables. `version_command` prints the
    version in the image. `programs` are the programs that the recipe copies, by their names in
    PROGRAMS; without any, it installs a package of the base image's release. `share` is the folder
    below /usr/share with the data of the programs. The stack runs without an `optional` image, and
    `requires` is the `replicas` of a service that this one depends on.
    """

    recipe: str
    repository: str
    version_command: tuple[str, ...]
    programs: tuple[str, ...] = ()
    prefix: str = ""
    share: str = ""
    optional: bool = False
    requires: str = ""

    @property
    def variable(self) -> str:
        """The variable for the tag."""
        return f"{self.recipe.replace('-', '_').upper()}_VERSION"

    @property
    def replicas(self) -> str:
        """The variable that leaves an optional image out."""
        return f"{self.recipe.upper()}_REPLICAS" if self.optional else ""


IMAGES: tuple[ImageSpec, ...] = (
    ImageSpec("python", "python", ("python", "--version")),
    ImageSpec("busybox", "busybox", ("/bin/busybox",)),
    ImageSpec("haproxy", "haproxy", ("haproxy", "-v")),
    ImageSpec(
        "prometheus",
        "prom/prometheus",
        ("/bin/prometheus", "--version"),
        programs=("prometheus", "promtool"),
        prefix="v",
        share="prometheus/web",
    ),
    ImageSpec(
        "alertmanager",
        "prom/alertmanager",
        ("/bin/alertmanager", "--version"),
        programs=("alertmanager", "amtool"),
        prefix="v",
        share="prometheus/alertmanager",
    ),
    ImageSpec(
        "node-exporter",
        "prom/node-exporter",
        ("/bin/node_exporter", "--version"),
        programs=("node_exporter",),
        prefix="v",
    ),
    ImageSpec(
        "blackbox-exporter",
        "prom/blackbox-exporter",
        ("/bin/blackbox_exporter", "--version"),
        programs=("blackbox_exporter",),
        prefix="v",
    ),
    ImageSpec(
        "pushgateway",
        "prom/pushgateway",
        ("/bin/pushgateway", "--version"),
        programs=("pushgateway",),
        prefix="v",
    ),
    ImageSpec(
        "loki",
        "grafana/loki",
        ("/usr/bin/loki", "--version"),
        programs=("loki",),
        optional=True,
    ),
    ImageSpec(
        "collector",
        "otel/opentelemetry-collector-contrib",
        ("/otelcol-contrib", "--version"),
        programs=("otelcol",),
        optional=True,
        requires="LOKI_REPLICAS",
    ),
    ImageSpec(
        "grafana",
        "grafana/grafana",
        ("/usr/share/grafana/bin/grafana", "-v"),
        programs=("grafana",),
        share="grafana",
        optional=True,
    ),
)
