#!/bin/sh
# The agent roll-out on Conductor. Needs a server (CONDUCTOR_SERVER_URL), a worker (`httptask worker conductor`), and curl.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
server="${CONDUCTOR_SERVER_URL:-http://localhost:8080}"
api="${server%/api}/api"
json='Content-Type: application/json'

# The workflow file as it is: one command makes it a workflow of Conductor. Arguments are further options of that command.
httptask deploy conductor "$@" "$here/../../roll_out_agent_update.yaml"
curl -sS --fail -H "$json" -d '{"poolType": "AD"}' "$api/workflow/roll_out_agent_update"
echo

# Single tasks in a workflow that is written for Conductor.
curl -sS --fail -H "$json" -X PUT -d "[$(cat "$here/update_one_pool.json")]" "$api/metadata/workflow" > /dev/null
curl -sS --fail -H "$json" -d '{"poolType": "LDAP", "every": "1s"}' "$api/workflow/update_one_pool_by_hand"
echo
