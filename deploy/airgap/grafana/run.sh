#!/bin/bash
# Take the value of every GF_…__FILE from the file that it names, then become Grafana.
set -eu
for name in $(compgen -v GF_ | grep '__FILE$' || true); do
    wanted="${name%__FILE}"
    if [[ -n "${!wanted:-}" ]]; then
        echo "$name and $wanted are both set: leave one out." >&2
        exit 1
    fi
    export "$wanted=$(< "${!name}")"
    unset "$name"
done
exec /usr/share/grafana/bin/grafana server \
    --homepath="$GF_PATHS_HOME" --config="$GF_PATHS_CONFIG" \
    cfg:default.log.mode=console \
    "cfg:default.paths.data=$GF_PATHS_DATA" "cfg:default.paths.logs=$GF_PATHS_LOGS" \
    "cfg:default.paths.plugins=$GF_PATHS_PLUGINS" \
    "cfg:default.paths.provisioning=$GF_PATHS_PROVISIONING" "$@"
