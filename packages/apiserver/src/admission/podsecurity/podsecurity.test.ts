import type { Pod } from '@keelson/api/generated/types/core/v1';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { describe, expect, test } from 'vitest';
import { type FakeAttributes, fakeWorld, type Given, pod, request } from '../testing.ts';
import type { PodLike } from './check.ts';
import { podSecurityConfig } from './config.ts';
import { podSecurity } from './index.ts';
import { PodSecurityMetrics } from './metrics.ts';
import type { Level, PolicyVersion } from './policy.ts';
import { showDetails, violations } from './standards.ts';

type Spec = Given<PodLike['spec']>;

const RESTRICTED: Spec = {
  securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [
    { name: 'c', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
    { name: 'd', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
  ],
};

function judge(level: Level, version: PolicyVersion, spec: Spec): string {
  return showDetails(violations({ level, version }, pod(spec as Given<Pod['spec']>)));
}

function withAnnotations(level: Level, version: PolicyVersion, annotations: Record<string, string>): string {
  return showDetails(violations({ level, version }, pod({}, { annotations })));
}

function container(...contexts: object[]): Spec {
  return { containers: contexts.map((c, i) => ({ name: 'abcde'[i]!, ...c })) };
}

function secured(...contexts: object[]): Spec {
  return container(...contexts.map((securityContext) => ({ securityContext })));
}

describe('the standards', () => {
  test.each<[string, Level, PolicyVersion, Spec, string]>([
    ['an ordinary pod', 'baseline', 'latest', {}, ''],
    [
      'an ordinary pod',
      'restricted',
      'latest',
      {},
      'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    ],
    [
      'before there was seccomp',
      'restricted',
      7,
      {},
      'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)',
    ],
    ['a careful pod', 'restricted', 'latest', RESTRICTED, ''],
    ['a version to come', 'restricted', 99, RESTRICTED, ''],
    ['anything', 'privileged', 'latest', { hostNetwork: true }, ''],
    ['a Windows pod', 'restricted', 25, { os: { name: 'windows' }, securityContext: { runAsNonRoot: true } }, ''],
    [
      'namespaces',
      'baseline',
      0,
      { hostNetwork: true, hostPID: true, hostIPC: true },
      'host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)',
    ],
    [
      'host paths',
      'baseline',
      0,
      {
        volumes: [
          { name: 'a', hostPath: {} },
          { name: 'b', hostPath: {} },
        ],
      },
      'hostPath volumes (volumes "a", "b")',
    ],
    [
      'ports',
      'baseline',
      0,
      container({ ports: [{ hostPort: 8080 }, { hostPort: 10250 }] }, { ports: [{ containerPort: 1 }] }),
      'hostPort (container "a" uses hostPorts 10250, 8080)',
    ],
    [
      'one port',
      'baseline',
      0,
      container({ ports: [{ hostPort: 1 }] }, { ports: [{ hostPort: 1 }] }),
      'hostPort (containers "a", "b" use hostPort 1)',
    ],
    [
      'probes',
      'baseline',
      34,
      container({ livenessProbe: { httpGet: { host: 'h' } }, lifecycle: { preStop: { tcpSocket: { host: 'g' } } } }),
      'probe or lifecycle host (container "a" uses probe or lifecycle hosts "g", "h")',
    ],
    ['probes before', 'baseline', 33, container({ livenessProbe: { httpGet: { host: 'h' } } }), ''],
    [
      'Windows hosts',
      'baseline',
      0,
      {
        securityContext: { windowsOptions: { hostProcess: true } },
        ...secured({ windowsOptions: { hostProcess: true } }),
      },
      'hostProcess (pod and container "a" must not set securityContext.windowsOptions.hostProcess=true)',
    ],
    [
      'privileged',
      'baseline',
      0,
      secured({ privileged: true }, {}, { privileged: true }),
      'privileged (containers "a", "c" must not set securityContext.privileged=true)',
    ],
    [
      'capabilities',
      'baseline',
      0,
      secured({ capabilities: { add: ['SYS_ADMIN', 'CHOWN', 'NET_RAW'] } }),
      'non-default capabilities (container "a" must not include "NET_RAW", "SYS_ADMIN" in securityContext.capabilities.add)',
    ],
    [
      'proc',
      'baseline',
      34,
      { hostUsers: false, ...secured({ procMount: 'Unmasked' }) },
      'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
    ],
    ['proc in a user namespace', 'baseline', 35, { hostUsers: false, ...secured({ procMount: 'Unmasked' }) }, ''],
    [
      'SELinux',
      'baseline',
      30,
      {
        securityContext: { seLinuxOptions: { type: 'bad', role: 'r' } },
        ...secured({ seLinuxOptions: { user: 'u', type: 'container_engine_t' } }),
      },
      'seLinuxOptions (pod and container "a" set forbidden securityContext.seLinuxOptions: types "bad", "container_engine_t"; user may not be set; role may not be set)',
    ],
    ['SELinux since', 'baseline', 31, secured({ seLinuxOptions: { type: 'container_engine_t' } }), ''],
    [
      'seccomp',
      'baseline',
      19,
      { securityContext: { seccompProfile: { type: 'Unconfined' } } },
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      'seccomp of a container',
      'restricted',
      19,
      { ...RESTRICTED, ...secured({ allowPrivilegeEscalation: false, seccompProfile: { type: 'Unconfined' } }) },
      'seccompProfile (container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      'AppArmor',
      'baseline',
      0,
      {
        securityContext: { appArmorProfile: { type: 'Unconfined' } },
        ...secured({ appArmorProfile: { type: 'Unconfined' } }),
      },
      'forbidden AppArmor profile (pod and container "a" must not set AppArmor profile type to "Unconfined")',
    ],
    [
      'sysctls',
      'baseline',
      28,
      {
        securityContext: {
          sysctls: [
            { name: 'net.ipv4.tcp_fin_timeout', value: '' },
            { name: 'net.ipv4.ip_local_reserved_ports', value: '' },
          ],
        },
      },
      'forbidden sysctls (net.ipv4.tcp_fin_timeout)',
    ],
    [
      'sysctls since',
      'baseline',
      29,
      { securityContext: { sysctls: [{ name: 'net.ipv4.tcp_fin_timeout', value: '' }] } },
      '',
    ],
    [
      'users',
      'restricted',
      22,
      { ...RESTRICTED, securityContext: { ...RESTRICTED?.securityContext, runAsUser: 0 } },
      '',
    ],
    [
      'users since',
      'restricted',
      23,
      { ...RESTRICTED, securityContext: { ...RESTRICTED?.securityContext, runAsUser: 0 } },
      'runAsUser=0 (pod must not set runAsUser=0)',
    ],
    [
      'users in a user namespace',
      'restricted',
      35,
      { ...RESTRICTED, hostUsers: false, securityContext: { runAsUser: 0, seccompProfile: { type: 'Localhost' } } },
      '',
    ],
    [
      'root',
      'restricted',
      34,
      { ...RESTRICTED, securityContext: { seccompProfile: { type: 'Localhost' }, runAsNonRoot: false } },
      'runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)',
    ],
    [
      'volumes',
      'restricted',
      22,
      {
        ...RESTRICTED,
        volumes: [{ name: 'a', nfs: {} }, { name: 'b', hostPath: {} }, { name: 'c', image: {} }, { name: 'd' }],
      },
      'restricted volume types (volumes "a", "b", "d" use restricted volume types "hostPath", "nfs", "unknown")',
    ],
  ])('%s: %s %s', (_, level, version, spec, expected) => {
    expect(judge(level, version, spec)).toBe(expected);
  });

  test('restricted capabilities name both what is kept and what is added', () => {
    const spec = {
      ...RESTRICTED,
      ...secured({ allowPrivilegeEscalation: false, capabilities: { add: ['CHOWN', 'NET_BIND_SERVICE'] } }),
    };
    expect(judge('restricted', 22, spec)).toBe(
      'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]; container "a" must not include "CHOWN" in securityContext.capabilities.add)',
    );
  });

  test.each([
    [
      'container.apparmor.security.beta.kubernetes.io/c',
      'unconfined',
      'forbidden AppArmor profile (annotation must not set AppArmor profile type to "container.apparmor.security.beta.kubernetes.io/c="unconfined"")',
    ],
    ['container.apparmor.security.beta.kubernetes.io/c', 'localhost/x', ''],
    [
      'seccomp.security.alpha.kubernetes.io/pod',
      'unconfined',
      'seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="unconfined")',
    ],
    ['container.seccomp.security.alpha.kubernetes.io/c', 'docker/default', ''],
    ['container.seccomp.security.alpha.kubernetes.io/other', 'unconfined', ''],
  ])('annotation %s=%s', (key, value, expected) => {
    expect(withAnnotations('baseline', 0, { [key]: value })).toBe(expected);
  });
});

const PREFIX = 'pod-security.kubernetes.io/';

function labels(given: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [PREFIX + key, value]));
}

function setUp(given: Record<string, string> = {}, config?: object) {
  const world = fakeWorld();
  const registry = new MetricsRegistry();
  world.objects.put('namespaces', { metadata: { name: 'ns', labels: labels(given) } });
  const plugin = podSecurity(world, podSecurityConfig(config), new PodSecurityMetrics(registry, 36));
  const validate = async (a: FakeAttributes): Promise<FakeAttributes> => {
    if (
      plugin.handles(
        a.operation,
        a.resource.group ? `${a.resource.resource}.${a.resource.group}` : a.resource.resource,
        a.subresource,
      )
    )
      await plugin.validate!(a);
    return a;
  };
  const figures = async () =>
    (await registry.text()).split('\n').filter((line) => line.startsWith('pod_security_') && !line.endsWith(' 0'));
  return { world, validate, figures };
}

const HOST = pod({ hostNetwork: true });
const HOST_TEXT = 'host namespaces (hostNetwork=true)';

describe('pods', () => {
  test('are refused by what is enforced', async () => {
    const { validate } = setUp({ enforce: 'baseline' });
    await expect(validate(request('CREATE', 'pods', HOST))).rejects.toMatchObject({
      code: 403,
      message: `pods "p" is forbidden: violates PodSecurity "baseline:latest": ${HOST_TEXT}`,
    });
  });

  test('that have no name yet are refused without one', async () => {
    const { validate } = setUp({ enforce: 'baseline' });
    const unnamed = pod({ hostNetwork: true }, { generateName: 'p-' });
    await expect(validate(request('CREATE', 'pods', unnamed, { name: '' }))).rejects.toThrow(
      /^pods is forbidden: violates/,
    );
  });

  test('are warned of and audited as the namespace wants', async () => {
    const { validate } = setUp({ audit: 'restricted', 'audit-version': 'v1.7', warn: 'baseline' });
    const { warnings, annotations } = await validate(request('CREATE', 'pods', HOST));
    expect(warnings).toEqual([`would violate PodSecurity "baseline:latest": ${HOST_TEXT}`]);
    expect(annotations).toEqual({
      'pod-security.kubernetes.io/audit-violations': `would violate PodSecurity "restricted:v1.7": ${HOST_TEXT}, runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)`,
      'pod-security.kubernetes.io/enforce-policy': 'privileged:latest',
    });
  });

  test('are counted', async () => {
    const { validate, figures } = setUp({ enforce: 'baseline', audit: 'restricted', 'audit-version': 'v1.99' });
    await expect(validate(request('CREATE', 'pods', HOST))).rejects.toThrow('violates PodSecurity');
    await validate(request('UPDATE', 'pods', HOST, { oldObject: HOST as never }));
    const count = (policy: string, mode: string) =>
      `pod_security_evaluations_total{decision="deny",mode="${mode}",${policy},request_operation="create",resource="pod",subresource=""} 1`;
    expect(await figures()).toEqual([
      count('policy_level="restricted",policy_version="future"', 'audit'),
      count('policy_level="baseline",policy_version="latest"', 'enforce'),
    ]);
  });

  test('of a namespace whose labels make no sense are judged strictly', async () => {
    const { validate } = setUp({ enforce: 'strict' });
    const attributes = request('CREATE', 'pods', pod());
    await expect(validate(attributes)).rejects.toThrow('violates PodSecurity "restricted:latest"');
    expect(attributes.annotations['pod-security.kubernetes.io/error']).toBe(
      'Failed to parse policy: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
    );
  });

  test('are judged again when another image runs', async () => {
    const { validate } = setUp({ enforce: 'baseline' });
    const other = pod({ hostNetwork: true, containers: [{ name: 'c', image: 'j' }] as never });
    await validate(request('UPDATE', 'pods', HOST, { oldObject: HOST as never }));
    await validate(request('UPDATE', 'pods', other, { subresource: 'status', oldObject: HOST as never }));
    await expect(validate(request('UPDATE', 'pods', other, { oldObject: HOST as never }))).rejects.toThrow(HOST_TEXT);
    const debugged = pod({ hostNetwork: true, ephemeralContainers: [{ name: 'e' }] as never });
    const more = { subresource: 'ephemeralcontainers', oldObject: HOST as never };
    await expect(validate(request('UPDATE', 'pods', debugged, more))).rejects.toThrow(HOST_TEXT);
  });

  test('are exempt by namespace, user and runtime class', async () => {
    const config = (exemptions: object) => ({
      apiVersion: 'pod-security.admission.config.k8s.io/v1',
      kind: 'PodSecurityConfiguration',
      defaults: { enforce: 'baseline' },
      exemptions,
    });
    for (const [exemptions, by] of [
      [{ namespaces: ['ns'] }, 'namespace'],
      [{ usernames: ['alice'] }, 'user'],
      [{ runtimeClasses: ['gvisor'] }, 'runtimeClass'],
    ] as const) {
      const { validate } = setUp({}, config(exemptions));
      const run = pod({ hostNetwork: true, runtimeClassName: 'gvisor' });
      const { annotations } = await validate(request('CREATE', 'pods', run));
      expect(annotations).toEqual({ 'pod-security.kubernetes.io/exempt': by });
    }
    const { validate } = setUp({}, config({}));
    await expect(validate(request('CREATE', 'pods', HOST))).rejects.toThrow('violates PodSecurity "baseline:latest"');
  });
});

test.each([
  ['deployments.apps', { spec: { template: { spec: HOST.spec } } }],
  ['cronjobs.batch', { spec: { jobTemplate: { spec: { template: { spec: HOST.spec } } } } }],
  ['podtemplates', { template: { spec: HOST.spec } }],
])('%s are only warned of', async (resource, object) => {
  const { validate } = setUp({ enforce: 'baseline' });
  const { warnings } = await validate(request('CREATE', resource, { metadata: {}, ...object }));
  expect(warnings).toEqual([`would violate PodSecurity "baseline:latest": ${HOST_TEXT}`]);
});

describe('namespaces', () => {
  function namespace(given: Record<string, string>): object {
    return { kind: 'Namespace', metadata: { name: 'ns', labels: labels(given) } };
  }
  function update(from: Record<string, string>, to: Record<string, string>): FakeAttributes {
    return request('UPDATE', 'namespaces', namespace(to), { oldObject: namespace(from) as never });
  }

  test('have labels that make sense', async () => {
    const { validate } = setUp();
    await expect(
      validate(request('CREATE', 'namespaces', namespace({ warn: 'x', 'audit-version': '1.2' }))),
    ).rejects.toMatchObject({
      code: 422,
      message:
        'Namespace "ns" is invalid: [metadata.labels[pod-security.kubernetes.io/audit-version]: Invalid value: "1.2": must be "latest" or "v1.x", metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: "x": must be one of privileged, baseline, restricted]',
    });
    await validate(update({ warn: 'x' }, { warn: 'x' }));
    await expect(validate(update({ warn: 'x' }, { warn: 'y' }))).rejects.toMatchObject({ code: 422 });
  });

  test('that tighten tell which pods would be refused', async () => {
    const { world, validate } = setUp();
    for (const name of ['b', 'a', 'c']) world.objects.put('pods', pod({ hostNetwork: true }, { name }));
    world.objects.put(
      'pods',
      pod({ hostPID: true, hostNetwork: true, volumes: [{ name: 'v', hostPath: {} }] as never }, { name: 'd' }),
    );
    const { warnings } = await validate(update({}, { enforce: 'baseline', 'enforce-version': 'v1.20' }));
    expect(warnings).toEqual([
      'existing pods in namespace "ns" violate the new PodSecurity enforce level "baseline:v1.20"',
      'a (and 2 other pods): host namespaces',
      'd: host namespaces, hostPath volumes',
    ]);
    expect((await validate(update({ enforce: 'restricted' }, { enforce: 'baseline' }))).warnings).toEqual([]);
  });

  test('that are exempt are told that their labels mean nothing', async () => {
    const { validate } = setUp(
      {},
      {
        apiVersion: 'pod-security.admission.config.k8s.io/v1',
        kind: 'PodSecurityConfiguration',
        exemptions: { namespaces: ['ns'] },
      },
    );
    const { warnings } = await validate(request('CREATE', 'namespaces', namespace({ enforce: 'restricted' })));
    expect(warnings).toEqual([
      'namespace "ns" is exempt from Pod Security, and the policy (enforce=restricted:latest) will be ignored',
    ]);
  });
});

test.each([
  [
    { defaults: { enforce: 'strict' } },
    'defaults.enforce: Invalid value: "strict": must be one of privileged, baseline, restricted',
  ],
  [
    { defaults: { 'audit-version': '1.2' } },
    'defaults.audit-version: Invalid value: "1.2": must be "latest" or "v1.x"',
  ],
  [
    { exemptions: { usernames: ['a', 'a', ''] } },
    '[exemptions.usernames[1]: Duplicate value: "a", exemptions.usernames[2]: Invalid value: "": username must not be empty]',
  ],
  [
    { exemption: {}, defaults: { x: 1 }, a: 1 },
    'strict decoding error: unknown field "a", unknown field "defaults.x", unknown field "exemption"',
  ],
])('the configuration %j is refused', (config, message) => {
  const kind = { apiVersion: 'pod-security.admission.config.k8s.io/v1', kind: 'PodSecurityConfiguration' };
  expect(() => podSecurityConfig({ ...kind, ...config })).toThrow(message);
});
