import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manualWorld } from '../testing/world.ts';
import { inClusterConfig, parseKubeconfig } from './kubeconfig.ts';
import { Reloading } from './tls.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const kubeconfig = (user: string, cluster = '') => `
current-context: here
contexts:
- {name: here, context: {cluster: c, user: u, namespace: mine}}
- {name: there, context: {cluster: d, user: u}}
clusters:
- {name: c, cluster: {server: "https://c:6443", certificate-authority-data: ${base64('CA')}${cluster}}}
- {name: d, cluster: {server: "https://d:6443", certificate-authority: pki/ca.crt, insecure-skip-tls-verify: true}}
users:
- {name: u, user: {${user}}}
`;

describe('kubeconfig', () => {
  it('the current context, with embedded data', () => {
    const text = kubeconfig(`client-certificate-data: ${base64('CERT')}, client-key-data: ${base64('KEY')}`);
    expect(parseKubeconfig(text, '/etc')).toMatchObject({
      server: 'https://c:6443',
      namespace: 'mine',
      tls: { ca: { text: 'CA' }, certificate: { text: 'CERT' }, key: { text: 'KEY' } },
    });
  });

  it('a name and a password, and a proxy', () => {
    const text = kubeconfig('username: jane, password: "a:b"', ', proxy-url: "http://p:3128"');
    const { basic, proxy } = parseKubeconfig(text, '/');
    expect(Buffer.from(basic!.replace('Basic ', ''), 'base64').toString()).toBe('jane:a:b');
    expect(proxy?.href).toBe('http://p:3128/');
  });

  it('another context, with files beside it', () => {
    const text = kubeconfig(
      'client-certificate: u.crt, client-key: /keys/u.key, tokenFile: t, token: not-this, as: jane',
    );
    expect(parseKubeconfig(text, '/etc', 'there')).toMatchObject({
      server: 'https://d:6443',
      namespace: 'default',
      tls: {
        ca: { file: '/etc/pki/ca.crt' },
        certificate: { file: '/etc/u.crt' },
        key: { file: '/keys/u.key' },
        insecureSkipVerify: true,
      },
      token: { file: '/etc/t' },
      impersonate: { user: 'jane' },
    });
  });

  it('a user of whom nothing is said', () => {
    const text = kubeconfig('').replace('{name: u, user: {}}', '{name: u}');
    expect(parseKubeconfig(text, '/')).toMatchObject({ server: 'https://c:6443', token: undefined });
  });

  it.each([
    ['', 'the kubeconfig is empty'],
    ['null', 'the kubeconfig is empty'],
    ['{', 'the kubeconfig is no YAML'],
    ['kind: Config', 'the kubeconfig has no current-context'],
    ['current-context: x', 'the kubeconfig has no context "x"'],
    [kubeconfig('exec: {command: x}'), 'apiVersion must be specified for u to use exec authentication plugin'],
    [
      kubeconfig('', ', proxy-url: "ftp://p:1"'),
      `invalid 'proxy-url' "ftp://p:1" for cluster "c": unsupported scheme "ftp", must be http, https, or socks5`,
    ],
    [kubeconfig('', ', proxy-url: "p"'), `invalid 'proxy-url' "p" for cluster "c": it is no URL`],
    [
      kubeconfig('', ', proxy-url: "ftp://jane:a:b@c@p:1"'),
      `invalid 'proxy-url' "ftp://jane:xxxxx@p:1" for cluster "c": unsupported scheme "ftp", must be http, https, or socks5`,
    ],
    [
      kubeconfig('token: *hunter'),
      'the kubeconfig is no YAML: error converting YAML to JSON: yaml: line 10, column 27: unknown anchor referenced',
    ],
    [
      kubeconfig('token: t, username: a'),
      'more than one authentication method found for u; found [token basicAuth], only one is allowed',
    ],
  ])('%j', (text, message) => {
    expect(() => parseKubeconfig(text, '/')).toThrow(message);
  });
});

describe('files', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'keelson-kubeconfig-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('a pod finds its service account', async () => {
    await writeFile(join(directory, 'namespace'), 'team\n');
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    expect(await inClusterConfig(env, directory)).toEqual({
      server: 'https://[fd00::1]:443',
      namespace: 'team',
      tls: { ca: { file: join(directory, 'ca.crt') } },
      token: { file: join(directory, 'token') },
    });
    await expect(inClusterConfig({}, directory)).rejects.toThrow('not in a cluster');
  });

  it('are read again now and then, or when refused, and missed when gone', async () => {
    const { clock } = manualWorld();
    const file = join(directory, 'rotating');
    const text = new Reloading({ file }, clock);
    await expect(text.get()).rejects.toThrow('ENOENT');
    await writeFile(file, 'one');
    expect(await text.get()).toBe('one');
    await writeFile(file, 'two');
    expect(await text.get()).toBe('one');
    clock.advance(10_000);
    expect(await text.get()).toBe('two');
    await writeFile(file, 'three');
    text.distrust();
    expect(await text.get()).toBe('three');
    await rm(file);
    clock.advance(10_000);
    expect(await text.get()).toBe('three');
  });
});

it('no problem of a kubeconfig tells what is secret in it', () => {
  const secret = 'hunter2sEcReT';
  const text = kubeconfig(
    `token: ${secret}, client-key-data: ${secret}, password: ${secret}`,
    `, proxy-url: "a:${secret}@p"`,
  );
  const told: string[] = [];
  // Whatever YAML knows, put anywhere before a secret or into it.
  for (const mark of [
    '*',
    '&',
    '!',
    '!!int ',
    '@',
    '`',
    '%',
    '"',
    "'",
    '|',
    '>',
    '- ',
    '? ',
    ': ',
    '{',
    '[',
    ']',
    '}',
    ', ',
    '\t',
    '\n',
    '\0',
  ])
    for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + 1))
      for (const where of [at - 3, at - 2, at - 1, at, at + 7, at + secret.length])
        try {
          parseKubeconfig(text.slice(0, where) + mark + text.slice(where), '/');
        } catch (error) {
          told.push((error as Error).message);
        }
  expect(told.length).toBeGreaterThan(100);
  expect(told.filter((message) => /hunter2|sEcReT/.test(message))).toEqual([]);
});
