#!/usr/bin/env bash
# The way of CMS's download-results-v2.sh and delete-job.sh, typed anew from what they are known to do:
# the status is not read; the files' names are guessed, from the contract and a number, until one is not
# there (404 or 500); what came is compressed. Then the job is deleted.
#
# Environment: IDP_URL, AUTH, API_URL, DIRECTORY, CONTRACT, JOB.
set -euo pipefail
cd "$DIRECTORY"

token() {
	curl -s -X POST "$IDP_URL?grant_type=client_credentials&scope=clientCreds" \
		-H "Content-Type: application/x-www-form-urlencoded" -H "Accept: application/json" -H "Authorization: Basic $AUTH" |
		jq --raw-output ".access_token"
}

for number in $(seq 1 1000); do
	name=$(printf "%s_%04d.ndjson" "$CONTRACT" "$number")
	code=$(curl -s -o "$name" -w "%{http_code}" "$API_URL/Job/$JOB/file/$name" -H "Accept: application/fhir+ndjson" -H "Authorization: Bearer $(token)")
	if [ "$code" = 404 ] || [ "$code" = 500 ]; then rm "$name" && break; fi
	gzip "$name"
done
curl -s -o /dev/null -w "%{http_code}" -X DELETE "$API_URL/Job/$JOB/\$status" -H "Authorization: Bearer $(token)"
