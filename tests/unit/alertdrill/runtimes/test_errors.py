import pytest

from alertdrill.runtimes.errors import checker_error

PROMTOOL_FIELD = """\
Checking /srv/alerts/prometheus.yml
  WARNING: file "targets/alertmanager.json" for file_sd in alertmanager config does not exist

  FAILED: parsing YAML file /srv/alerts/prometheus.yml: yaml: unmarshal errors:
  line 4: field scrape_intervall not found in type config.plain
"""
PROMTOOL_RULE = """\
Checking prometheus.yml
  SUCCESS: 2 rule files found
 SUCCESS: prometheus.yml is valid prometheus config file syntax

Checking rules/availability.yml
Checking rules/pipeline.yml
  SUCCESS: 1 rules found

  FAILED:
rules/availability.yml: 24:15: group "availability", rule 2, "WebHighErrorRate": could not parse \
expression: 2:10: parse error: unexpected <by>
"""
AMTOOL = """\
Checking 'alertmanager.yml'  FAILED: undefined receiver "xresponder" used in route

amtool: error: failed to validate 1 file(s)
"""
HAPROXY = """\
[NOTICE]   (32111) : haproxy version is 2.6.12-1+deb12u4
[NOTICE]   (32111) : path to executable is /usr/sbin/haproxy
[ALERT]    (32111) : config : parsing [haproxy.cfg:28] : unknown keyword 'retires' in 'defaults' \
section; did you mean 'retries' maybe ?
[ALERT]    (32111) : config : Error(s) found in configuration file : haproxy.cfg
[ALERT]    (32111) : config : Fatal errors found in configuration.
"""
BLACKBOX = """\
time=2026-11-23T18:47:17.325Z level=INFO source=main.go:98 msg="Starting blackbox_exporter"
time=2026-11-23T18:47:17.325Z level=ERROR source=main.go:102 msg="Error loading config" \
err="error parsing config file: yaml: unmarshal errors:\\n  line 4: field foo not found"
"""
LOKI = """\
failed parsing config: loki.yml: yaml: unmarshal errors:
  line 2: field foo not found in type loki.ConfigWrapper. Use `-config.expand-env=true` flag
"""
OTELCOL = """\
Error: failed to get config: cannot unmarshal the configuration: decoding failed due to the \
following error(s):

'receivers' unknown type: "filelogg" for id: "filelogg" (valid values: [filelog file_log])
"""


@pytest.mark.parametrize(
    ("output", "begin", "culprit"),
    [
        (PROMTOOL_FIELD, "FAILED: parsing", "line 4: field scrape_intervall not found"),
        (PROMTOOL_RULE, "FAILED: rules/", "24:15: group"),
        (AMTOOL, "Checking", 'undefined receiver "xresponder"'),
        (HAPROXY, "[ALERT]", "[haproxy.cfg:28] : unknown keyword 'retires'"),
        (BLACKBOX, "time=", "line 4: field foo not found"),
        (LOKI, "failed parsing", "line 2: field foo not found"),
        (OTELCOL, "Error: failed", 'unknown type: "filelogg"'),
        ("odd\nwords\n", "odd words", "words"),
        ("\n", "the checker printed no error", "."),
    ],
    ids=["field", "rule", "amtool", "haproxy", "blackbox", "loki", "otelcol", "other", "silent"],
)
def test_error_names_the_cause(output: str, begin: str, culprit: str) -> None:
    messages = checker_error(output)
    assert messages.startswith(begin)
    assert culprit in messages
    assert "\n" not in messages
