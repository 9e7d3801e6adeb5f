// For tools/conformance: keys for SMART's suite bdt and its client, their
// configurations, and a summary of what bdt reports. Without a command it is bdt's
// configuration.
const crypto = require("crypto")
const fs = require("fs")
const path = require("path")

const read = (file) => JSON.parse(fs.readFileSync(file, "utf8"))

// keys writes a key pair, and the address of the sandbox.
function keys(work, url, token) {
    const pair = crypto.generateKeyPairSync("ec", { namedCurve: "P-384" })
    const about = { kid: "conformance", alg: "ES384" }
    fs.writeFileSync(path.join(work, "keys.json"), JSON.stringify({ keys: [{ ...pair.publicKey.export({ format: "jwk" }), ...about, key_ops: ["verify"] }] }))
    fs.writeFileSync(path.join(work, "private.json"), JSON.stringify({ ...pair.privateKey.export({ format: "jwk" }), ...about, key_ops: ["sign"] }))
    fs.writeFileSync(path.join(work, "server.json"), JSON.stringify({ url, token: url + token }))
}

// client writes the configuration of SMART's bulk-data-client.
function client(work, url, token) {
    fs.mkdirSync(path.join(work, "smart"))
    const config = {
        fhirUrl: url + "/api/v2/fhir/", tokenUrl: url + token, clientId: "smart-client", privateKey: read(path.join(work, "private.json")),
        scope: "system/*.read", _type: "ExplanationOfBenefit", _outputFormat: "application/fhir+ndjson", destination: path.join(work, "smart"),
        accessTokenLifetime: 300, reporter: "text", lenient: false, parallelDownloads: 2, saveManifest: false, log: { enabled: false },
        requests: { timeout: 30000, strictSSL: false, headers: {} }, retryLimit: 2, downloadAttachments: false, ndjsonMaxLineLength: 1e8, ndjsonValidateFHIRResourceType: true,
        ndjsonValidateFHIRResourceCount: true, addDestinationToManifest: false, forceStandardFileNames: false, logResponseHeaders: [],
    }
    fs.writeFileSync(path.join(work, "bulk-data-client.js"), "module.exports = " + JSON.stringify(config))
}

// bdt is the configuration of bdt, as the environment asks for it.
function bdt() {
    const work = process.env.WORK, server = read(path.join(work, "server.json"))
    const ways = {
        "backend-services": { type: "backend-services", clientId: "bdt-client", privateKey: read(path.join(work, "private.json")), tokenSignAlgorithm: "ES384" },
        "client-credentials": {
            type: "client-credentials", clientId: "0oa2t0lsrdZw5uWRx297", clientSecret: "HHduWG6LogIvDIQuWgp3Zlo9OYMValTtH5OBcuHw",
            tokenEndpoint: server.token + "?grant_type=client_credentials",
        },
    }
    return {
        baseURL: server.url + "/api/" + process.env.API + "/fhir", groupExportEndpoint: "Group/Z0000/$export", fastestResource: "ExplanationOfBenefit",
        authentication: { ...ways[process.env.WAY], scope: "system/*.read" }, requests: { strictSSL: false, timeout: 30000 },
    }
}

// summary prints a row, the failures that are no decision, and of the others how many have
// which reason. It ends with 1 if a failure has none.
function summary(report, decisions, commit, name) {
    const reasons = fs.readFileSync(decisions, "utf8").split("\n").filter((l) => l && l[0] !== "#").map((l) => l.split(" | "))
    const counts = { succeeded: 0, failed: 0, "not-supported": 0 }
    const groups = [], failures = []
    for (const line of fs.readFileSync(report, "utf8").split("\n")) {
        if (line[0] !== "{") continue
        const { type, data } = JSON.parse(line)
        if (type === "groupStart") groups.push(data.name)
        if (type === "groupEnd") groups.pop()
        if (type !== "testEnd") continue
        counts[data.status] = (counts[data.status] || 0) + 1
        if (data.status === "failed") failures.push([...groups.slice(1), data.name].join(" > "))
    }
    const told = failures.map((f) => [f, (reasons.find(([pattern]) => f.includes(pattern)) || [])[1]])
    const bad = counts.succeeded === 0 || told.some(([, reason]) => !reason)
    const detail = `${counts.succeeded} pass, ${counts.failed} fail, ${counts["not-supported"]} not applicable`
    console.log(`${name.padEnd(26)} ${commit.padEnd(10)} ${(bad ? "FAILED" : "ok").padEnd(8)} ${detail}`)
    const byReason = new Map()
    for (const [failure, reason] of told) {
        if (!reason) console.log(`    FAILURE: ${failure}`)
        else byReason.set(reason, (byReason.get(reason) || 0) + 1)
    }
    for (const [reason, n] of byReason) console.log(`    ${String(n).padStart(2)} by decision: ${reason}`)
    return bad ? 1 : 0
}

const commands = { keys, client, summary }
if (require.main === module) process.exit(commands[process.argv[2]](...process.argv.slice(3)) || 0)
else module.exports = bdt()
