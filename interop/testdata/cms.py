"""The way of CMS's Python client of AB2D, job-cli.py, typed anew from what it is known to do:

  - requests, with its own headers: gzip is accepted and undone.
  - A new access token 90 seconds before expires_in is over, which has to be a number.
  - The job by the expression Job/(.*)/\\$status in Content-Location.
  - 202 goes on, 200 is the end, all else is an exception.
  - Files in pieces of 8 KiB; a status that is no success is an exception.

Arguments: token URL, Base64 of id and secret, FHIR base URL, directory.
"""

import json
import os
import re
import sys
import time

import requests

idp_url, auth, api_url, directory = sys.argv[1:]
token = None
renew_at = 0.0


def bearer():
    """The access token, a new one where it ends soon."""
    global token, renew_at
    if time.time() >= renew_at:
        answer = requests.post(
            idp_url,
            params={"grant_type": "client_credentials", "scope": "clientCreds"},
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json", "Authorization": "Basic " + auth},
        )
        answer.raise_for_status()
        token = answer.json()["access_token"]
        renew_at = time.time() + answer.json()["expires_in"] - 90
    return {"Authorization": "Bearer " + token}


answer = requests.get(
    api_url + "/Patient/$export",
    params={"_outputFormat": "application/fhir+ndjson", "_type": "ExplanationOfBenefit"},
    headers={"Accept": "application/json", "Prefer": "respond-async", **bearer()},
)
if answer.status_code != 202:
    raise SystemExit("not started: %d %s" % (answer.status_code, answer.text))
job = re.search(r"Job/(.*)/\$status", answer.headers["content-location"]).group(1)

while True:
    answer = requests.get(api_url + "/Job/" + job + "/$status", headers={"Accept": "application/json", "Prefer": "respond-async", **bearer()})
    if answer.status_code == 200:
        break
    if answer.status_code != 202:
        raise SystemExit("gave up: %d %s" % (answer.status_code, answer.text))
    time.sleep(1)  # 5 and 60 there

with open(os.path.join(directory, "manifest.json"), "w", encoding="utf-8") as f:
    json.dump(answer.json(), f)
for url in [output["url"] for output in answer.json()["output"]]:
    name = url.split("/")[-1]
    with requests.get(url, headers={"Accept": "application/fhir+ndjson", **bearer()}, stream=True) as answer:
        answer.raise_for_status()
        with open(os.path.join(directory, name), "wb") as f:
            for chunk in answer.iter_content(chunk_size=8192):
                f.write(chunk)
