// A client of others, npm openid-client.
// node client.mjs keys DIR: makes a key pair for each algorithm of SMART, and DIR/jwks.json.
// node client.mjs token ISSUER CLIENT DIR ALG: gets a token by private_key_jwt, by what the issuer's metadata say.
// node client.mjs secret ISSUER CLIENT SECRET SCOPE [RESOURCE]: gets one by its secret.
import { webcrypto } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import * as openid from 'openid-client'

const kinds = {
    ES384: { name: 'ECDSA', namedCurve: 'P-384' },
    RS384: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
}

async function keys(dir) {
    const set = []
    for (const [alg, kind] of Object.entries(kinds)) {
        const pair = await webcrypto.subtle.generateKey(kind, true, ['sign', 'verify'])
        writeFileSync(`${dir}/${alg}.json`, JSON.stringify(await webcrypto.subtle.exportKey('jwk', pair.privateKey)), { mode: 0o600 })
        const { kty, crv, x, y, n, e } = await webcrypto.subtle.exportKey('jwk', pair.publicKey)
        set.push({ kty, crv, x, y, n, e, kid: alg, alg, use: 'sig' })
    }
    writeFileSync(`${dir}/jwks.json`, JSON.stringify({ keys: set }))
}

async function token(issuer, client, dir, alg) {
    const key = await webcrypto.subtle.importKey('jwk', JSON.parse(readFileSync(`${dir}/${alg}.json`)), kinds[alg], false, ['sign'])
    const config = await openid.discovery(new URL(issuer), client, undefined, openid.PrivateKeyJwt({ key, kid: alg }))
    const grant = await openid.clientCredentialsGrant(config, { scope: 'system/*.rs' })
    console.log(grant.access_token)
}

async function secret(issuer, client, secret, scope, resource) {
    const config = await openid.discovery(new URL(issuer), client, undefined, openid.ClientSecretBasic(secret))
    const grant = await openid.clientCredentialsGrant(config, resource ? { scope, resource } : { scope })
    console.log(grant.access_token)
}

await { keys, token, secret }[process.argv[2]](...process.argv.slice(3))
