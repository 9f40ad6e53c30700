import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseFlags } from '@keelson/component/pflag/flags';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configurationOf } from './configuration.ts';
import { flags } from './flags.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kubelet-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const HEAD = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n';

function write(name: string, text: string): string {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

function configured(...argv: string[]) {
  const { values, given } = parseFlags(flags, argv);
  return configurationOf(values, given);
}

describe('who may ask', () => {
  const closed = { anonymous: false, tokensHoldMs: 120_000, reviews: { allowedMs: 300_000, deniedMs: 30_000 } };
  it.each([
    ['nothing is said', '', [], closed],
    [
      'the file opens it',
      'authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}\nauthorization: {mode: AlwaysAllow}\n',
      [],
      { anonymous: true, tokensHoldMs: undefined, reviews: undefined },
    ],
    [
      'the file says for how long',
      'authentication: {webhook: {cacheTTL: 0s}}\nauthorization: {webhook: {cacheAuthorizedTTL: 1s}}\n',
      [],
      { ...closed, reviews: { allowedMs: 1000, deniedMs: 30_000 } },
    ],
    [
      'flags come before the file',
      'authentication: {anonymous: {enabled: true}}\nauthorization: {mode: AlwaysAllow}\n',
      ['--anonymous-auth=false', '--authorization-mode=Webhook', '--authentication-token-webhook-cache-ttl=5s'],
      { ...closed, tokensHoldMs: 5000 },
    ],
  ])('%s', async (_, text, more, access) => {
    const path = write('config.yaml', HEAD + text);
    expect((await configured(`--config=${path}`, ...more)).access).toEqual(access);
  });

  it('refuses modes that there are not', async () => {
    await expect(configured('--authorization-mode=Node')).rejects.toThrow('unknown authorization mode Node');
  });
});

it.each([
  ['maxPodss: 3\nnothing: 1\n', 'unknown field "maxPodss" (maxPods?), unknown field "nothing"'],
  [
    'logging: {what: 1, options: {json: {splitStreams: true}}}\nauthentication: {x509: {clientCAFiles: a}, anonymous: {enabled: false}}\n',
    'unknown field "authentication.x509.clientCAFiles" (clientCAFile?), unknown field "logging.options.json.splitStreams" (splitStream?), unknown field "logging.what"',
  ],
  [
    'registerWithTaints: [{key: a, effect: NoSchedule}, {key: b, effect: NoSchedule, effects: x}]\nevictionHard: {memory.available: 5%}\n',
    'unknown field "registerWithTaints[1].effects" (effect?)',
  ],
])('fields that there are not are told of, with what may have been meant: %s', async (text, problem) => {
  const path = write('config.yaml', `${HEAD}port: 1\n${text}`);
  const { port, faults } = await configured(`--config=${path}`);
  expect([port, faults]).toEqual([1, [{ path, problem: `strict decoding error: ${problem}` }]]);
});

it('what is right is told nothing of', async () => {
  const text = 'featureGates: {ContainerCheckpoint: true}\nreservedMemory: [{numaNode: 0, limits: {memory: 1Gi}}]\n';
  expect((await configured(`--config=${write('config.yaml', `${HEAD}${text}`)}`)).faults).toEqual([]);
});

describe('drop-ins', () => {
  it('are merged in the order of their names', async () => {
    const path = write('config.yaml', `${HEAD}port: 1\nsystemReserved: {memory: 1Gi, cpu: 100m}\n`);
    write('conf.d/20-b.conf', `${HEAD}port: 3\nsystemReserved: {cpu: null}\n`);
    write('conf.d/10-a/x.conf', `${HEAD}port: 2\nreadOnlyPort: 10255\nclusterDNS: [192.0.2.1]\n`);
    write('conf.d/30.yaml', 'not read');
    const all = await configured(`--config=${path}`, `--config-dir=${join(directory, 'conf.d')}`);
    expect(all).toMatchObject({ port: 3, readOnlyPort: 10255, clusterDNS: ['192.0.2.1'] });
    expect(all.shown).toMatchObject({ systemReserved: { memory: '1Gi' } });
    expect(all.skippedFiles).toEqual([join(directory, 'conf.d/30.yaml')]);
  });

  it.each([
    ['are of a kind', 'kind: Pod\napiVersion: v1\n', 'no KubeletConfiguration of kubelet.config.k8s.io/v1beta1'],
    ['are in a folder that is there', undefined, 'failed to walk through kubelet dropin directory'],
  ])('%s', async (_, text, message) => {
    if (text !== undefined) write('conf.d/a.conf', text);
    await expect(configured(`--config-dir=${join(directory, 'conf.d')}`)).rejects.toThrow(message);
  });
});

it('shows all fields as a KubeletConfiguration says them', async () => {
  const path = write('config.yaml', `${HEAD}nodeStatusUpdateFrequency: 1m\nevictionHard: {memory.available: 1Gi}\n`);
  const { shown } = await configured(`--config=${path}`, '--max-pods=7', '--fail-swap-on=false');
  expect(shown).toMatchObject({
    nodeStatusUpdateFrequency: '1m',
    evictionHard: { 'memory.available': '1Gi' },
    maxPods: 7,
    failSwapOn: false,
    imageGCHighThresholdPercent: 85,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true, cacheTTL: '2m0s' } },
    authorization: { mode: 'Webhook' },
    readOnlyPort: 0,
  });
});

describe('maps in flags', () => {
  it('have the notations that the kubelet has', async () => {
    const all = await configured(
      '--eviction-hard=memory.available<100Mi, nodefs.available<10%',
      '--eviction-hard=imagefs.available<5%',
      '--eviction-soft=nodefs.available<20%',
      '--eviction-soft-grace-period=nodefs.available=1m',
      '--cpu-manager-policy=static',
      '--kube-reserved=cpu=1',
      '--cpu-manager-policy-options=full-pcpus-only=true',
      '--cpu-manager-policy-options=strict-cpu-reservation=true',
    );
    expect(all.shown).toMatchObject({
      evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '10%', 'imagefs.available': '5%' },
      evictionSoft: { 'nodefs.available': '20%' },
      evictionSoftGracePeriod: { 'nodefs.available': '1m' },
      cpuManagerPolicyOptions: { 'full-pcpus-only': 'true', 'strict-cpu-reservation': 'true' },
    });
    const { values } = parseFlags(flags, ['--node-labels=node-role.kubernetes.io/edge,zone=a']);
    expect([...values['node-labels']]).toEqual([
      ['node-role.kubernetes.io/edge', ''],
      ['zone', 'a'],
    ]);
  });

  it.each([
    ['--eviction-hard=memory.available=100Mi', 'malformed pair, expect string<string'],
    ['--system-reserved=cpu', 'malformed pair, expect string=string'],
  ])('%s is refused', (flag, message) => {
    expect(() => parseFlags(flags, [flag])).toThrow(message);
  });
});

describe('feature gates', () => {
  const LONGEST = 'crashLoopBackOff: {maxContainerRestartPeriod: 10s}\n';
  it.each<[string, string[], object]>([
    ['', [], {}],
    [LONGEST, [], { maxMs: 10_000 }],
    ['', ['--feature-gates=ReduceDefaultCrashLoopBackOffDecay=true'], { firstMs: 1_000 }],
    [
      '',
      ['--feature-gates=ReduceDefaultCrashLoopBackOffDecay=true,KubeletCrashLoopBackOffMax=false'],
      { firstMs: 1_000, maxMs: 60_000 },
    ],
  ])('pauses between restarts with %j and %j', async (text, argv, crashLoop) => {
    const file = write('config.yaml', HEAD + text);
    expect((await configured(`--config=${file}`, ...argv)).crashLoop).toEqual(crashLoop);
  });

  it('what a gate does not let be set is refused, whether the flag or the file says so', async () => {
    const file = write('config.yaml', `${HEAD}${LONGEST}featureGates: {KubeletCrashLoopBackOffMax: false}\n`);
    await expect(configured(`--config=${file}`)).rejects.toThrow(
      'invalid configuration: FeatureGate KubeletCrashLoopBackOffMax not enabled, CrashLoopBackOff.MaxContainerRestartPeriod must not be set',
    );
    await expect(
      configured('--rotate-server-certificates', '--feature-gates=RotateKubeletServerCertificate=false'),
    ).rejects.toThrow(
      'invalid configuration: serverTLSBootstrap true requires feature gate RotateKubeletServerCertificate',
    );
  });

  it('images need no credentials of each pod without the gate', async () => {
    const { imageVerification } = await configured('--feature-gates=KubeletEnsureSecretPulledImages=false');
    expect(imageVerification?.policy).toBe('NeverVerify');
  });
});
