// An authorization server that is not ours, npm oidc-provider, on https.
// node issuer.mjs PORT CERT KEY NAME: NAME is the kid of its signing key, which is new at each start.
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { Provider } from 'oidc-provider'

const [port, cert, key, kid] = process.argv.slice(2)
const signing = { ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }
const client = (client_id, scope) => ({
    client_id, client_secret: 'a-secret-of-the-outside-issuer', grant_types: ['client_credentials'], redirect_uris: [], response_types: [], scope,
})
const provider = new Provider(`https://localhost:${port}`, {
    clients: [client('sponsor', 'system/*.read other'), client('stranger', 'system/*.read')],
    jwks: { keys: [signing] },
    scopes: ['system/*.read', 'other'],
    features: {
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        resourceIndicators: {
            enabled: true,
            defaultResource: () => 'urn:ab2d',
            getResourceServerInfo: (_, resource) => ({
                scope: 'system/*.read other', audience: resource === 'urn:other' ? 'other' : 'AB2D', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } },
            }),
        },
    },
})
createServer({ cert: readFileSync(cert), key: readFileSync(key) }, provider.callback())
    .listen(Number(port), 'localhost', () => console.log('ready'))
