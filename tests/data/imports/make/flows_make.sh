#!/bin/sh
# Record with mitmproxy: flows_make.sh PORT-OF-SERVER FOLDER (mitmdump on the PATH)
set -eu
mitmdump -q --listen-port 0 --mode "reverse:http://127.0.0.1:$1@8077" -w "$2/flows.mitm" --set hardump="$2/mitmdump.har" &
pid=$!
trap 'kill $pid; wait $pid' EXIT
asked='{"model":"m-1","stream":true,"messages":[{"role":"user","content":"Hi"}]}'
for path in /v1/chat/completions /gzip/v1/chat/completions /api/chat; do
    curl -s --retry 20 --retry-connrefused --retry-delay 1 -o /dev/null -H "Content-Type: application/json" \
        -d "$asked" "http://127.0.0.1:8077$path"
done
