/** An issuer of JSON Web Tokens, for tests. */
import { generateKeyPairSync } from 'node:crypto';
import { type SigningKey, signingKey } from '@keelson/component/jwt/keys';
import { sign } from '@keelson/component/jwt/sign';
import { type Said, startTestServer, type TestServer } from '../../webhook/testing.ts';

export interface TestIssuer {
  readonly server: TestServer;
  readonly url: string;
  /** The keys that are told of; the first signs. */
  keys: SigningKey[];
  /** Of the key set. */
  headers: Readonly<Record<string, string>>;
  /** Other paths. */
  readonly answers: Record<string, Said>;
  /** A token of these claims, with `iss`, `aud`, `exp` and `sub` where they are not given. */
  token(claims?: object, key?: SigningKey): Promise<string>;
  /** How often the keys were fetched. */
  fetches(): number;
}

export function newKey(kind: 'rsa' | 'ec' = 'ec'): SigningKey {
  const { privateKey } =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return signingKey(privateKey);
}

/** @param exp seconds since the epoch when its tokens expire */
export async function startIssuer(exp: number): Promise<TestIssuer> {
  const answers: Record<string, Said> = {};
  const server: TestServer = await startTestServer(({ path }) => {
    const known = answers[path];
    if (known) return known;
    if (path === '/.well-known/openid-configuration')
      return { body: JSON.stringify({ issuer: server.url, jwks_uri: `${server.url}/keys` }) };
    if (path !== '/keys') return { status: 404, body: '' };
    const keys = issuer.keys.map(({ key, id }) => ({ ...key.export({ format: 'jwk' }), kid: id, use: 'sig' }));
    return { body: JSON.stringify({ keys }), headers: issuer.headers };
  });
  const issuer: TestIssuer = {
    server,
    url: server.url,
    keys: [newKey()],
    headers: {},
    answers,
    token: (claims = {}, key = issuer.keys[0]!) =>
      sign(key, { iss: server.url, aud: 'us', exp, sub: 'jane', ...claims }),
    fetches: () => server.received.filter(({ path }) => path === '/keys').length,
  };
  return issuer;
}
