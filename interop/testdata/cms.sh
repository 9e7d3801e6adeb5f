#!/usr/bin/env bash
# The way of CMS's bash client of AB2D: bootstrap.sh, start-job.sh, monitor-job.sh and
# download-results.sh, typed anew from what they are known to do:
#
#   - A new access token for each step and for each file; the parameters in the query string.
#   - Two Accept headers at the kick-off. Of the time zone of SINCE the ":" are encoded, a "+" is not.
#   - The job's address is found by the spellings content-location and Content-Location only.
#   - The job is done when a line of the answer has the word ExplanationOfBenefit, and that line is
#     the manifest. 403 gets a new token, 202 and 200 go on, all else gives up, also 429.
#   - Files are what comes after /file/ in output, without --fail and without a checksum.
#
# Environment: IDP_URL, AUTH, API_URL, DIRECTORY; SINCE may be empty. PAUSE is 60 seconds there.
set -euo pipefail
cd "$DIRECTORY"

token() {
	curl -s -X POST "$IDP_URL?grant_type=client_credentials&scope=clientCreds" \
		-H "Content-Type: application/x-www-form-urlencoded" -H "Accept: application/json" -H "Authorization: Basic $AUTH" |
		jq --raw-output ".access_token"
}

url="$API_URL/Patient/\$export?_outputFormat=application%2Ffhir%2Bndjson&_type=ExplanationOfBenefit"
if [ -n "$SINCE" ]; then url="$url&_since=${SINCE//:/%3A}"; fi
answer=$(curl -s -D - "$url" -H "Accept: application/json" -H "Accept: application/fhir+json" -H "Prefer: respond-async" \
	-H "Authorization: Bearer $(token)")
if ! head -1 <<<"$answer" | grep -q " 202"; then echo "not started: $answer" && exit 1; fi
job=$(grep -E "^(content-location|Content-Location)" <<<"$answer" | sed -E 's|.*/Job/(.*)/\$status.*|\1|')
echo "$job" >jobId.txt

bearer=$(token)
while true; do
	code=$(curl -s -D response.headers -o response.body -w "%{http_code}" "$API_URL/Job/$job/\$status" \
		-H "Accept: application/json" -H "Authorization: Bearer $bearer")
	cat response.headers response.body >response.json
	if grep -q "ExplanationOfBenefit" response.json; then break; fi
	case $code in
	403) bearer=$(token) ;;
	202 | 200) sleep "$PAUSE" ;;
	*) echo "gave up: $code" && exit 1 ;;
	esac
done

grep "ExplanationOfBenefit" response.json | jq --raw-output ".output[].url" >urls.txt
while read -r url; do
	name=${url##*/file/}
	if [ -f "$name" ]; then continue; fi
	curl -s "$API_URL/Job/$job/file/$name" -H "Accept: application/fhir+ndjson" -H "Authorization: Bearer $(token)" >"$name"
done <urls.txt
