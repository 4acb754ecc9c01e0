#!/bin/bash
# Set every variable GF_… from the file that GF_…__FILE names, then run Grafana.
set -eu
for name in $(compgen -v GF_ | grep '__FILE$' || true); do
    variable="${name%__FILE}"
    if [[ -n "${!variable:-}" ]]; then
        echo "$name and $variable are both set: unset one of them." >&2
        exit 1
    fi
    export "$variable=$(< "${!name}")"
    unset "$name"
done
exec /usr/share/grafana/bin/grafana server \
    --homepath="$GF_PATHS_HOME" --config="$GF_PATHS_CONFIG" \
    cfg:default.log.mode=console \
    "cfg:default.paths.data=$GF_PATHS_DATA" "cfg:default.paths.logs=$GF_PATHS_LOGS" \
    "cfg:default.paths.plugins=$GF_PATHS_PLUGINS" \
    "cfg:default.paths.provisioning=$GF_PATHS_PROVISIONING" "$@"
