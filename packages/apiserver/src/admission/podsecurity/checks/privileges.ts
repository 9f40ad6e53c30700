/** What a container may do on its node: privileges, capabilities, users. */
import type { AnyContainer } from '@keelson/api/resources/pod-parts';
import {
  type Check,
  containersNamed,
  containersOf,
  namesOf,
  type PodCheck,
  quoted,
  settersNamed,
  sorted,
  unlessUserNamespace,
  unlessWindows,
} from '../check.ts';

const privileged: PodCheck = (pod) => {
  const bad = containersOf(pod, (c) => c.securityContext?.privileged === true);
  if (bad.length === 0) return undefined;
  const detail = `${containersNamed(namesOf(bad))} must not set securityContext.privileged=true`;
  return { reason: 'privileged', detail };
};

const allowPrivilegeEscalation: PodCheck = (pod) => {
  const bad = containersOf(pod, (c) => c.securityContext?.allowPrivilegeEscalation !== false);
  if (bad.length === 0) return undefined;
  return {
    reason: 'allowPrivilegeEscalation != false',
    detail: `${containersNamed(namesOf(bad))} must set securityContext.allowPrivilegeEscalation=false`,
  };
};

const DEFAULT_CAPABILITIES = new Set([
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE'],
  ...['SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'],
]);

function added(c: AnyContainer, allowed: ReadonlySet<string>): string[] {
  return (c.securityContext?.capabilities?.add ?? []).filter((name) => !allowed.has(name));
}

function mustNotAdd(containers: readonly AnyContainer[], allowed: ReadonlySet<string>): string {
  const names = sorted(containers.flatMap((c) => added(c, allowed)));
  return `${containersNamed(namesOf(containers))} must not include ${quoted(names)} in securityContext.capabilities.add`;
}

const baselineCapabilities: PodCheck = (pod) => {
  const bad = containersOf(pod, (c) => added(c, DEFAULT_CAPABILITIES).length > 0);
  if (bad.length === 0) return undefined;
  return { reason: 'non-default capabilities', detail: mustNotAdd(bad, DEFAULT_CAPABILITIES) };
};

const NET_BIND_SERVICE = new Set(['NET_BIND_SERVICE']);

const restrictedCapabilities: PodCheck = (pod) => {
  const keeping = containersOf(pod, (c) => !c.securityContext?.capabilities?.drop?.includes('ALL'));
  const adding = containersOf(pod, (c) => added(c, NET_BIND_SERVICE).length > 0);
  const details = [
    ...(keeping.length > 0
      ? [`${containersNamed(namesOf(keeping))} must set securityContext.capabilities.drop=["ALL"]`]
      : []),
    ...(adding.length > 0 ? [mustNotAdd(adding, NET_BIND_SERVICE)] : []),
  ];
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') };
};

const runAsNonRoot: PodCheck = (pod) => {
  const whole = pod.spec.securityContext?.runAsNonRoot ?? undefined;
  const reason = 'runAsNonRoot != true';
  const explicit = containersOf(pod, (c) => c.securityContext?.runAsNonRoot === false);
  if (whole === false || explicit.length > 0) {
    const setters = settersNamed(whole === false, namesOf(explicit));
    return { reason, detail: `${setters} must not set securityContext.runAsNonRoot=false` };
  }
  const implicit = containersOf(pod, (c) => !whole && (c.securityContext?.runAsNonRoot ?? undefined) === undefined);
  if (implicit.length === 0) return undefined;
  return { reason, detail: `pod or ${containersNamed(namesOf(implicit))} must set securityContext.runAsNonRoot=true` };
};

const runAsUser: PodCheck = (pod) => {
  const whole = pod.spec.securityContext?.runAsUser === 0;
  const bad = containersOf(pod, (c) => c.securityContext?.runAsUser === 0);
  if (!whole && bad.length === 0) return undefined;
  return { reason: 'runAsUser=0', detail: `${settersNamed(whole, namesOf(bad))} must not set runAsUser=0` };
};

const procMount: PodCheck = (pod) => {
  const bad = containersOf(pod, (c) => (c.securityContext?.procMount ?? 'Default') !== 'Default');
  if (bad.length === 0) return undefined;
  const types = sorted(bad.map((c) => c.securityContext!.procMount!));
  return {
    reason: 'procMount',
    detail: `${containersNamed(namesOf(bad))} must not set securityContext.procMount to ${quoted(types)}`,
  };
};

export const PRIVILEGE_CHECKS: readonly Check[] = [
  { id: 'privileged', level: 'baseline', since: [[0, privileged]] },
  {
    id: 'allowPrivilegeEscalation',
    level: 'restricted',
    since: [
      [8, allowPrivilegeEscalation],
      [25, unlessWindows(allowPrivilegeEscalation)],
    ],
  },
  { id: 'capabilities_baseline', level: 'baseline', since: [[0, baselineCapabilities]] },
  {
    id: 'capabilities_restricted',
    level: 'restricted',
    overrides: 'capabilities_baseline',
    since: [
      [22, restrictedCapabilities],
      [25, unlessWindows(restrictedCapabilities)],
    ],
  },
  {
    id: 'runAsNonRoot',
    level: 'restricted',
    since: [
      [0, runAsNonRoot],
      [35, unlessUserNamespace(runAsNonRoot)],
    ],
  },
  {
    id: 'runAsUser',
    level: 'restricted',
    since: [
      [23, runAsUser],
      [35, unlessUserNamespace(runAsUser)],
    ],
  },
  {
    id: 'procMount',
    level: 'baseline',
    since: [
      [0, procMount],
      [35, unlessUserNamespace(procMount)],
    ],
  },
  { id: 'procMount_restricted', level: 'restricted', overrides: 'procMount', since: [[35, procMount]] },
];
