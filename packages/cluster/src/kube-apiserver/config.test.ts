import { cpSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseFlags } from '@keelson/component/pflag/flags';
import { openStore } from '@keelson/storage/open';
import type { Store } from '@keelson/storage/store';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { loggingDescriptions } from '../commands/logging.ts';
import { ClusterPki, ensureClusterPki } from '../pki/cluster-pki.ts';
import { serverConfig } from './config.ts';
import { descriptions, flags, type Values } from './flags.ts';
import { WatchedFiles } from './reloadable.ts';
import { validate } from './validation.ts';

let root: string;
let pki: ClusterPki;
let store: Store;
const logger = { debug() {}, info() {}, warn() {}, error: vi.fn() };
const files = new WatchedFiles(logger, 50);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'keelson-config-'));
  pki = new ClusterPki(join(root, 'pki'));
  await ensureClusterPki(pki, ['localhost'], 'node', new Date());
  store = await openStore({ engine: 'memory' });
});
afterAll(async () => {
  files.close();
  await store.close();
  await rm(root, { recursive: true });
});

const required = () => [
  '--service-account-issuer=https://issuer.example',
  `--service-account-key-file=${pki.serviceAccountPublicKeyFile}`,
  `--service-account-signing-key-file=${pki.serviceAccountKeyFile}`,
  `--cert-dir=${join(root, 'certs')}`,
];

/** The command of kubeadm's manifest, with its paths in the test's directory. */
const kubeadm = () => [
  '--advertise-address=10.0.0.10',
  '--allow-privileged=true',
  '--authorization-mode=Node,RBAC',
  `--client-ca-file=${pki.certificateFile('ca')}`,
  '--enable-admission-plugins=NodeRestriction',
  '--enable-bootstrap-token-auth=true',
  '--etcd-servers=https://127.0.0.1:2379',
  `--kubelet-client-certificate=${pki.certificateFile('apiserver-kubelet-client')}`,
  `--kubelet-client-key=${pki.keyFile('apiserver-kubelet-client')}`,
  '--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname',
  `--proxy-client-cert-file=${pki.certificateFile('front-proxy-client')}`,
  `--proxy-client-key-file=${pki.keyFile('front-proxy-client')}`,
  '--requestheader-allowed-names=front-proxy-client',
  `--requestheader-client-ca-file=${pki.certificateFile('front-proxy-ca')}`,
  '--requestheader-extra-headers-prefix=X-Remote-Extra-',
  '--requestheader-group-headers=X-Remote-Group',
  '--requestheader-username-headers=X-Remote-User',
  '--secure-port=6443',
  '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
  `--service-account-key-file=${pki.serviceAccountPublicKeyFile}`,
  `--service-account-signing-key-file=${pki.serviceAccountKeyFile}`,
  '--service-cluster-ip-range=10.96.0.0/12',
  `--tls-cert-file=${pki.certificateFile('apiserver')}`,
  `--tls-private-key-file=${pki.keyFile('apiserver')}`,
];

/** Files that only few have. */
const more = async () => {
  const put = async (name: string, text: string) => {
    await writeFile(join(root, name), text);
    return join(root, name);
  };
  const policy = await put('policy.yaml', '{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}');
  const hook = await put(
    'hook.yaml',
    `current-context: hook
contexts: [{name: hook, context: {cluster: hook}}]
clusters: [{name: hook, cluster: {server: "https://127.0.0.1:1/"}}]
`,
  );
  return [
    ...required(),
    `--audit-policy-file=${policy}`,
    `--audit-log-path=${join(root, 'audit.log')}`,
    `--audit-webhook-config-file=${hook}`,
    '--oidc-issuer-url=https://other.example',
    '--oidc-client-id=us',
    '--oidc-groups-claim=groups',
    `--authentication-token-webhook-config-file=${hook}`,
    '--authorization-mode=ABAC,Webhook',
    `--authorization-policy-file=${await put('policies', '{"user": "jane"}')}`,
    `--authorization-webhook-config-file=${hook}`,
  ];
};

const configOf = (...argv: string[]) => serverConfig(parseFlags(flags, argv).values, { store, logger, files });

test("kubeadm's command line", async () => {
  const config = await configOf(...kubeadm());
  expect(config).toMatchObject({
    advertiseAddress: '10.0.0.10',
    bindAddress: '0.0.0.0',
    securePort: 6443,
    allowPrivileged: true,
    anonymousAuth: true,
    enableBootstrapTokens: true,
    enableAdmissionPlugins: ['NodeRestriction'],
    serviceClusterIpRanges: ['10.96.0.0/12'],
    serviceNodePortRange: { from: 30000, size: 2768 },
    requestTimeoutSeconds: 60,
    minRequestTimeoutSeconds: 1800,
    eventTtlSeconds: 3600,
    requestHeader: { allowedNames: ['front-proxy-client'], usernameHeaders: ['X-Remote-User'] },
    kubelet: { preferredAddressTypes: ['InternalIP', 'ExternalIP', 'Hostname'] },
  });
  expect(config.serviceAccounts?.issuers).toEqual(['https://kubernetes.default.svc.cluster.local']);
  expect(config.serviceAccounts?.apiAudiences).toEqual(['https://kubernetes.default.svc.cluster.local']);
  expect(config.clientCa?.get()).toContain('BEGIN CERTIFICATE');
  expect(config.servingCertificate.get().key).toContain('PRIVATE KEY');
});

test('authorities of clients and of proxies overlap only where the proxies are named', async () => {
  const bundle = join(root, 'both.crt');
  const proxies = await readFile(pki.certificateFile('front-proxy-ca'), 'utf8');
  await writeFile(bundle, `${proxies}\n${await readFile(pki.certificateFile('ca'), 'utf8')}`);
  const errorsOf = (...argv: string[]) => {
    const { values, given } = parseFlags(flags, argv);
    return validate(values, given);
  };
  const unnamed = kubeadm().filter((flag) => !flag.startsWith('--requestheader-allowed-names'));
  expect(errorsOf(...unnamed)).toEqual([]);
  expect(errorsOf(...kubeadm(), `--client-ca-file=${bundle}`)).toEqual([]);
  expect(errorsOf(...unnamed, `--client-ca-file=${bundle}`)).toEqual([
    '--requestheader-client-ca-file and --client-ca-file contain overlapping certificates; --requestheader-allowed-names must be specified to ensure regular client certificates cannot set authenticating proxy headers for arbitrary users',
  ]);
});

test('no --authorization-mode: all is allowed, so nobody is anonymous', async () => {
  expect(await configOf(...required())).toMatchObject({
    authorization: { configuration: [{ type: 'AlwaysAllow', name: 'alwaysallow' }] },
    anonymousAuth: false,
  });
});

test('an issuer that flags are about', async () => {
  const issuer = ['--oidc-issuer-url=https://issuer.example', '--oidc-client-id=us'];
  const mapped = async (...argv: string[]) => {
    const { jwt } = await configOf(...required().slice(1), '--service-account-issuer=x', ...issuer, ...argv);
    return { ...jwt!.configuration.jwt[0]!.claimMappings, algorithms: jwt!.algorithms };
  };
  expect(await mapped()).toMatchObject({
    username: { claim: 'sub', prefix: 'https://issuer.example#' },
    groups: { claim: '' },
    algorithms: ['RS256'],
  });
  expect(await mapped('--oidc-username-claim=email', '--oidc-groups-claim=g', '--oidc-groups-prefix=o:')).toMatchObject(
    {
      username: { claim: 'email', prefix: '' },
      groups: { claim: 'g', prefix: 'o:' },
    },
  );
  expect(await mapped('--oidc-username-prefix=-')).toMatchObject({ username: { claim: 'sub', prefix: '' } });
  await expect(configOf(...required(), ...issuer)).rejects.toThrow(
    'jwt[0].issuer.url: Invalid value: "https://issuer.example": URL must not overlap with disallowed issuers: [https://issuer.example]',
  );
});

test('where requests may be anonymous, the file says', async () => {
  const path = join(root, 'authentication.yaml');
  const config = (anonymous: string) =>
    `apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\nanonymous: ${anonymous}\n`;
  await writeFile(path, config('{enabled: true, conditions: [{path: /livez}]}'));
  const argv = [...required(), `--authentication-config=${path}`];
  expect(await configOf(...argv)).toMatchObject({ anonymousAuth: true, anonymousPaths: ['/livez'] });
  await writeFile(path, config('{conditions: [{path: /livez}]}'));
  await expect(configOf(...argv)).rejects.toThrow(
    'anonymous.conditions: Invalid value: [{"Path":"/livez"}]: enabled should be set to true when conditions are defined',
  );
});

test('tokens are read from the file', async () => {
  const path = join(root, 'tokens.csv');
  await writeFile(path, 'secret,jane,1,"a,b"\n');
  const { tokens } = await configOf(...required(), `--token-auth-file=${path}`);
  expect(tokens?.get('secret')).toMatchObject({ name: 'jane', uid: '1', groups: ['a', 'b'] });
});

test.each([
  [[], undefined],
  [['--admission-control='], []],
  [['--admission-control=AlwaysAdmit,ServiceAccount'], ['AlwaysAdmit', 'ServiceAccount']],
])('%j: those and no other admission plug-ins', async (argv, expected) => {
  const { values, given } = parseFlags(flags, [...required(), ...argv]);
  expect((await serverConfig(values, { store, logger, files, given })).onlyAdmissionPlugins).toEqual(expected);
});

test('admission plug-ins are told what the file and those beside it say', async () => {
  const path = join(root, 'admission.yaml');
  await writeFile(join(root, 'events.yaml'), 'limits: []\n');
  await writeFile(
    path,
    `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- {name: EventRateLimit, path: events.yaml}
- {name: PodSecurity, configuration: {defaults: {enforce: baseline}}}
`,
  );
  const { admissionControlConfig } = await configOf(...required(), `--admission-control-config-file=${path}`);
  expect(Object.fromEntries(admissionControlConfig!)).toEqual({
    EventRateLimit: { limits: [] },
    PodSecurity: { defaults: { enforce: 'baseline' } },
  });
});

test.each([
  [['--admission-control-config-file=/dev/null'], '--admission-control-config-file /dev/null: '],
  [['--client-ca-file=/nonexistent'], '--client-ca-file /nonexistent: there is no such file'],
  [
    ['--authorization-mode=Webhook', '--authorization-webhook-config-file=/nonexistent'],
    '--authorization-webhook-config-file /nonexistent: there is no such file',
  ],
  [['--authorization-config=/nonexistent'], '--authorization-config /nonexistent: there is no such file'],
  [['--authentication-config=/dev/null'], 'from file "/dev/null": empty config data'],
  [['--token-auth-file=/nonexistent'], '--token-auth-file /nonexistent: there is no such file'],
  [['--service-account-key-file=/dev/null'], '--service-account-key-file /dev/null: '],
  [['--tls-cert-file=/nonexistent'], '--tls-cert-file and --tls-private-key-file belong together'],
])('%j is explained', async (argv, message) => {
  await expect(configOf(...required(), ...argv)).rejects.toThrow(message);
});

test('a key that does not fit its certificate is explained', async () => {
  const pair = [
    `--tls-cert-file=${pki.certificateFile('apiserver')}`,
    `--tls-private-key-file=${pki.keyFile('admin')}`,
  ];
  await expect(configOf(...required(), ...pair)).rejects.toThrow('the key belongs to another certificate');
});

test('a certificate that is replaced on disk is taken up, a broken one is not', async () => {
  const [cert, key] = [join(root, 'tls.crt'), join(root, 'tls.key')];
  const put = (name: 'apiserver' | 'admin') => {
    cpSync(pki.certificateFile(name), cert);
    cpSync(pki.keyFile(name), key);
  };
  put('apiserver');
  const config = await configOf(...required(), `--tls-cert-file=${cert}`, `--tls-private-key-file=${key}`);
  const before = config.servingCertificate.get();
  const changed = vi.fn();
  config.servingCertificate.onChange?.(changed);
  await writeFile(cert, 'nonsense');
  await vi.waitFor(() => expect(logger.error).toHaveBeenCalled(), { timeout: 12_000, interval: 100 });
  expect(config.servingCertificate.get()).toEqual(before);
  put('admin');
  await vi.waitFor(() => expect(changed).toHaveBeenCalled(), { timeout: 12_000, interval: 100 });
  expect(config.servingCertificate.get()).not.toEqual(before);
});

/** Read where the process, its log and its store are set up, or validated, not in the configuration of the server. */
const readElsewhere = [
  'egress-selector-config-file',
  'tracing-config-file',
  'audit-log-version',
  'audit-webhook-version',
  'help',
  'version',
  'v',
  'logging-format',
  ...Object.keys(loggingDescriptions),
  'storage',
  'data-dir',
  'etcd-servers',
  'etcd-servers-overrides',
  'etcd-cafile',
  'etcd-certfile',
  'etcd-keyfile',
  'etcd-prefix',
  'storage-initialization-timeout',
];

test('the flags said to have an effect are those that are read', async () => {
  const read = new Set<string>(readElsewhere);
  const watch = (values: Values) =>
    new Proxy(values, {
      get(target, name: keyof Values) {
        read.add(name);
        return target[name];
      },
    });
  const context = { store, logger, files };
  await serverConfig(watch(parseFlags(flags, kubeadm()).values), context);
  const { values, given } = parseFlags(flags, [...(await more()), '--admission-control=']);
  await serverConfig(watch(values), { ...context, given });
  expect([...read].sort()).toEqual(Object.keys(descriptions).sort());
});
