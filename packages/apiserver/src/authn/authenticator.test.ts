import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type AuthenticationRequest,
  type Authenticator,
  anonymous,
  firstOf,
  forApiAudiences,
  orElse,
  type PeerCertificates,
  withAuthenticatedGroup,
} from './authenticator.ts';
import { bearerToken, bearerWarning, SPACE_WARNING, websocketToken } from './bearer.ts';
import { HeaderValues } from './headers.ts';
import { requestHeader } from './requestheader.ts';
import { cachedTokens } from './tokencache.ts';
import { parseTokenFile, staticTokens } from './tokenfile.ts';
import { clientCertificates } from './x509.ts';

const request = (
  headers: Record<string, string | string[]> = {},
  more: Partial<AuthenticationRequest> = {},
): AuthenticationRequest => ({ headers: HeaderValues.of(headers), path: '/api', audiences: ['api'], ...more });

const tokens = staticTokens(parseTokenFile('good,admin,7,"a,b"\n\n"quo""ted",bob,8\n,nobody,9\n', 'f'));

describe('the token file', () => {
  test('names users and groups', async () => {
    expect(await tokens('good', [])).toEqual({ user: { name: 'admin', uid: '7', groups: ['a', 'b'], extra: {} } });
    expect(await tokens('quo"ted', [])).toMatchObject({ user: { name: 'bob', groups: [] } });
    expect(await tokens('', [])).toBeUndefined();
  });
  test('must have three columns', () => {
    expect(() => parseTokenFile('a,b\n', 'tokens.csv')).toThrow(
      "token file 'tokens.csv' must have at least 3 columns (token, user name, user uid), found 2",
    );
  });
  test.each([
    ['tok"en,u,1\n', 'parse error on line 1, column 4: bare " in non-quoted-field'],
    ['a,u,1\n"token,u,1', 'parse error on line 2, column 11: extraneous or missing " in quoted-field'],
  ])('%j is refused without a word of what is in it', (text, problem) => {
    expect(() => parseTokenFile(text, 'f')).toThrow(new Error(problem));
  });
});

describe('a bearer token', () => {
  const authenticate = bearerToken(forApiAudiences(['api'], tokens));
  test.each(['Bearer good', 'bearer good', ' BEARER good x'])('%j is read', async (authorization) => {
    expect(await authenticate(request({ authorization }))).toMatchObject({
      user: { name: 'admin' },
      audiences: ['api'],
    });
  });
  test.each(['Bearer', 'good', 'Basic YTpi', 'Bearer  ', 'Bearer  good', ''])('%j is none', async (authorization) => {
    expect(await authenticate(request({ authorization }))).toBeUndefined();
  });
  test('that nobody knows is an error', async () => {
    await expect(authenticate(request({ authorization: 'Bearer nope' }))).rejects.toThrow('invalid bearer token');
    const elsewhere = request({ authorization: 'Bearer good' }, { audiences: ['other'] });
    await expect(authenticate(elsewhere)).rejects.toThrow('invalid bearer token');
  });
  test('behind two spaces is warned about', () => {
    expect(bearerWarning('Bearer  good')).toBe(SPACE_WARNING);
    expect(bearerWarning('Bearer good')).toBeUndefined();
  });
});

describe('a websocket', () => {
  const authenticate = websocketToken(tokens);
  const carrying = (...protocols: string[]) =>
    request({ connection: 'keep-alive, Upgrade', upgrade: 'websocket', 'sec-websocket-protocol': protocols });
  const encoded = `base64url.bearer.authorization.k8s.io.${Buffer.from('good').toString('base64url')}`;

  test('carries its token as a subprotocol', async () => {
    expect(await authenticate(carrying(`${encoded}, v4.channel.k8s.io`))).toMatchObject({ user: { name: 'admin' } });
    expect(await authenticate(carrying('v4.channel.k8s.io'))).toBeUndefined();
    expect(await authenticate(request({ 'sec-websocket-protocol': encoded }))).toBeUndefined();
  });
  test.each([
    [[encoded], 'missing additional subprotocol'],
    [[encoded, encoded, 'a'], 'multiple base64.bearer.authorization tokens specified'],
    [['base64url.bearer.authorization.k8s.io.%', 'a'], 'invalid base64.bearer.authorization token encoding'],
    [['base64url.bearer.authorization.k8s.io._w', 'a'], 'invalid base64.bearer.authorization token'],
  ])('%#: %s', async (protocols, message) => {
    await expect(authenticate(carrying(...protocols))).rejects.toThrow(message);
  });
});

describe('several authenticators', () => {
  const fails =
    (message: string): Authenticator =>
    async () => {
      throw new Error(message);
    };
  test('fail together, each message once', async () => {
    const all = firstOf([fails('a'), firstOf([fails('b'), fails('a')]), async () => undefined]);
    await expect(all(request())).rejects.toThrow(/^\[a, b\]$/);
    expect(await firstOf([fails('a'), anonymous()])(request())).toMatchObject({ user: { name: 'system:anonymous' } });
  });
  test('the anonymous come last, never after an error', async () => {
    await expect(orElse(fails('bad token'), anonymous())(request())).rejects.toThrow('bad token');
    expect(await orElse(async () => undefined, anonymous(['/livez']))(request())).toBeUndefined();
  });
  test.each([
    ['alice', ['devs'], ['devs', 'system:authenticated']],
    ['alice', ['system:unauthenticated'], ['system:unauthenticated']],
    ['system:anonymous', [], []],
  ])('%s of %j becomes %j', async (name, groups, expected) => {
    const inner = async () => ({ user: { name, uid: '', groups, extra: {} } });
    expect((await withAuthenticatedGroup(inner)(request()))!.user.groups).toEqual(expected);
  });
});

describe('the cache', () => {
  test('keeps successes for their time, failures not at all, and asks once at a time', async () => {
    let now = 1000;
    let asked = 0;
    const cached = cachedTokens(
      async (token, audiences) => {
        asked++;
        return tokens(token, audiences);
      },
      { successTtlMs: 10_000, failureTtlMs: 0, now: () => now },
    );
    await Promise.all([cached('good', []), cached('good', [])]);
    expect(asked).toBe(1);
    now = 10_999;
    await cached('good', []);
    await cached('good', ['other']);
    expect(asked).toBe(2);
    now = 11_001;
    await cached('good', []);
    await cached('nope', []);
    await cached('nope', []);
    expect(asked).toBe(5);
  });
});

describe('certificates', () => {
  const now = () => Date.now();
  let ca: X509Certificate;
  let otherCa: X509Certificate;
  let alice: X509Certificate;
  let twoUids: X509Certificate;
  const peer = (certificate: X509Certificate, verified = true): PeerCertificates => ({
    chain: [certificate],
    verified,
  });

  beforeAll(() => {
    const dir = mkdtempSync(join(tmpdir(), 'keelson-x509-'));
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const certificate = (name: string) => new X509Certificate(readFileSync(join(dir, `${name}.crt`)));
    for (const name of ['ca', 'other'])
      openssl(
        'req',
        '-x509',
        ...key,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.crt`,
        '-subj',
        `/CN=${name}`,
        '-days',
        '2',
      );
    writeFileSync(
      join(dir, 'oids'),
      'oid_section=o\n[o]\nkubeuid=1.3.6.1.4.1.57683.2\n[req]\ndistinguished_name=d\n[d]\n',
    );
    const sign = (name: string, subject: string) => {
      openssl('req', '-config', 'oids', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
      openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        'ca.crt',
        '-CAkey',
        'ca.key',
        '-out',
        `${name}.crt`,
        '-days',
        '1',
      );
      return certificate(name);
    };
    ca = certificate('ca');
    otherCa = certificate('other');
    alice = sign('alice', '/O=devs/O=ops, inc/CN=alice/kubeuid=42');
    twoUids = sign('two', '/CN=alice/kubeuid=1/kubeuid=2');
  });

  test('name the user, groups and uid', async () => {
    const seconds: number[] = [];
    const by = clientCertificates(() => [ca], now, { readsUid: true, shown: (left) => seconds.push(left) });
    const found = await by(request({}, { peer: peer(alice) }));
    expect(seconds).toEqual([expect.closeTo((Date.parse(alice.validTo) - now()) / 1000, -1)]);
    expect(found!.user).toMatchObject({ name: 'alice', groups: ['devs', 'ops, inc'], uid: '42' });
    expect(found!.user.extra['authentication.kubernetes.io/credential-id']![0]).toMatch(/^X509SHA256=[0-9a-f]{64}$/);
  });
  test('must lead to the right authority, be verified and be in time', async () => {
    const by = (root: X509Certificate, at = now) => clientCertificates(() => [root], at, { readsUid: true });
    const shown = request({}, { peer: peer(alice) });
    await expect(by(otherCa)(shown)).rejects.toThrow('certificate signed by unknown authority');
    await expect(by(ca)(request({}, { peer: peer(alice, false) }))).rejects.toThrow('could not be verified');
    await expect(by(ca, () => Date.now() + 3 * 86_400_000)(shown)).rejects.toThrow('has expired');
    await expect(by(ca)(request({}, { peer: peer(twoUids) }))).rejects.toThrow('expected 1 UID');
    expect(await by(ca)(request())).toBeUndefined();
    const blind = clientCertificates(() => [ca], now, { readsUid: false });
    for (const leaf of [alice, twoUids]) expect((await blind(request({}, { peer: peer(leaf) })))!.user.uid).toBe('');
  });
  test('lead to a root of version 1, which says of none what it may do, and through no such authority', async () => {
    const by = clientCertificates(() => [version1.root], now, { readsUid: true });
    const [direct, indirect] = [version1.direct, version1.indirect].map((leaf) =>
      request({}, { peer: { chain: [leaf, version1.middle], verified: true } }),
    );
    expect((await by(direct!))!.user.name).toBe('direct');
    await expect(by(indirect!)).rejects.toThrow('certificate signed by unknown authority');
  });
  test('of a front proxy let headers name the user', async () => {
    const options = {
      pool: () => [ca],
      now,
      usernameHeaders: ['X-Remote-User'],
      uidHeaders: ['X-Remote-Uid'],
      groupHeaders: ['X-Remote-Group'],
      extraHeaderPrefixes: ['X-Remote-Extra-'],
    };
    const headers = { 'x-remote-user': 'bob', 'x-remote-group': ['a, b', 'c'], 'X-Remote-Extra-Acme.com%2FScope': 's' };
    const proxied = request(headers, { peer: peer(alice) });
    expect((await requestHeader({ ...options, allowedNames: ['alice'] })(proxied))!.user).toEqual({
      name: 'bob',
      uid: '',
      groups: ['a, b', 'c'],
      extra: { 'acme.com/scope': ['s'] },
    });
    await expect(requestHeader({ ...options, allowedNames: ['proxy'] })(proxied)).rejects.toThrow(
      'x509: subject with cn=alice is not in the allowed list',
    );
    expect(await requestHeader({ ...options, allowedNames: [] })(request(headers))).toBeUndefined();
  });
});

const der = (base64: string) => new X509Certificate(Buffer.from(base64, 'base64'));

/** Of version 1, for a hundred years from 2026: the root signed `middle` and `direct`, `middle` signed `indirect`. */
const version1 = {
  root: der(
    'MIIBGjCBwQIUWVVE4bsAj0afUP9LV+lgSLXETYAwCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEcm9vdDAgFw0yNjExMjIyMzE0NTRaGA8yMTI2MTAyOTIzMTQ1NFowDzENMAsGA1UEAwwEcm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJIWiR6TUdOr8U7wy5ORKvHgAFXwwA/c7P97DKhs1fXj2xJEXlc9rC6fFF8fnl9VogWc3x+1yDQ86b3+Y/ijcekwCgYIKoZIzj0EAwIDSAAwRQIgRw8Ir8K0x0zuBJjSHCspbBtBXNOSYWUdzIW7mUcPO78CIQCOg2DtTVKVDdFvRqo/h6yP7+gODCLKuaD7SK1pBVYkpg==',
  ),
  middle: der(
    'MIIBHTCBwwIUD1nOICrxyXZiV7Z1e9M8QaYBm2AwCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEcm9vdDAgFw0yNjExMjIyMzE0NTRaGA8yMTI2MTAyOTIzMTQ1NFowETEPMA0GA1UEAwwGbWlkZGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEkk6k6aJo1yN0Tvxeny+wGCskZV5fSvKys+XeRUIKVooXtLoSqrzIUFHEMeKLmagYeZWFzcaqpbJ1giU4rZRdszAKBggqhkjOPQQDAgNJADBGAiEA7Qhd8A9UmQ3RPvnWLnIjMe9yVxhpZlAc35u5PEDXCYoCIQDv8vXpualJFx+nT4x+CCY7nTbSgRAQErFTndcCft+xzA==',
  ),
  direct: der(
    'MIIBHDCBwwIUD1nOICrxyXZiV7Z1e9M8QaYBm2EwCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEcm9vdDAgFw0yNjExMjIyMzE0NTRaGA8yMTI2MTAyOTIzMTQ1NFowETEPMA0GA1UEAwwGZGlyZWN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQb2rbdOed5Ug12c04Ypr3/t278zeN9+X2RVwqTjvx1rztmmo47Lizwh6vyKUJW4mJniXdhmRflt1LNfiF8NcCTAKBggqhkjOPQQDAgNIADBFAiBS7WYKiUBGV+qWgXEL36xh0lgWl74C0tVtdBfGJ+pbKQIhALclhpGQa0BwntyvpZ5iETas9jGeQqKtkC9CTP/73o0w',
  ),
  indirect: der(
    'MIIBIDCBxwIUNnsi3kApd1aimcSfFThDpt6KouYwCgYIKoZIzj0EAwIwETEPMA0GA1UEAwwGbWlkZGxlMCAXDTI2MTEyMjIzMTQ1NFoYDzIxMjYxMDI5MjMxNDU0WjATMREwDwYDVQQDDAhpbmRpcmVjdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEQA0jLGuUTYa80LoHKHzaPxFBnM9i2iJqiHFokU9Pquk8WK07qZ9vSCCuNwUltAU9wLYqqF66rprbTmTlhamHIwCgYIKoZIzj0EAwIDSAAwRQIgEtfw7wjgnunz4QKp+TgIlhXl3Pb+9eVjgcNvFnLmExACIQCUeIQFxCNvEuSijjk8NJl/Qj0G6l9DoUL6wnPzTej18Q==',
  ),
};
