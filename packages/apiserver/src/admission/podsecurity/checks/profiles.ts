/** Confinement by the node's kernel: seccomp, AppArmor, SELinux, sysctls. */
import { quote } from '@keelson/api/field';
import type { SELinuxOptions } from '@keelson/api/generated/types/core/v1';
import type { AnyContainer } from '@keelson/api/resources/pod-parts';
import {
  type Check,
  containersNamed,
  containersOf,
  namesOf,
  type PodCheck,
  type PodLike,
  plural,
  quoted,
  settersNamed,
  sorted,
  unlessWindows,
  type Violation,
} from '../check.ts';

const CONFINED = new Set(['RuntimeDefault', 'Localhost']);

const APPARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/';

const appArmor: PodCheck = (pod) => {
  const typeOf = (c: AnyContainer) => c.securityContext?.appArmorProfile?.type;
  const isBad = (type: string | undefined) => type !== undefined && !CONFINED.has(type);
  const whole = pod.spec.securityContext?.appArmorProfile?.type;
  const bad = containersOf(pod, (c) => isBad(typeOf(c)));
  const annotations = Object.entries(pod.metadata?.annotations ?? {})
    .filter(([key, value]) => key.startsWith(APPARMOR_ANNOTATION) && !/^($|runtime\/default$|localhost\/)/.test(value))
    .map(([key, value]) => `${key}=${quote(value)}`)
    .sort();
  const setters = [
    settersNamed(isBad(whole), namesOf(bad)),
    ...(annotations.length > 0 ? [plural(annotations.length, 'annotation', 'annotations')] : []),
  ].filter((setter) => setter !== '');
  if (setters.length === 0) return undefined;
  const values = [...sorted([whole, ...bad.map(typeOf)].filter((t) => t !== undefined && isBad(t)) as string[])];
  values.push(...annotations);
  return {
    reason: plural(values.length, 'forbidden AppArmor profile', 'forbidden AppArmor profiles'),
    detail: `${setters.join(' and ')} must not set AppArmor profile type to ${quoted(values)}`,
  };
};

const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';

const seccompAnnotations: PodCheck = (pod) => {
  const annotations = pod.metadata?.annotations ?? {};
  const keys = [SECCOMP_POD, ...namesOf(containersOf(pod, () => true)).map((name) => SECCOMP_CONTAINER + name)];
  const bad = sorted(
    keys.flatMap((key) => {
      const value = annotations[key];
      const ok = value === undefined || /^(runtime\/default|docker\/default)$|^localhost\//.test(value);
      return ok ? [] : [`${key}=${quote(value)}`];
    }),
  );
  if (bad.length === 0) return undefined;
  return {
    reason: 'seccompProfile',
    detail: `forbidden ${plural(bad.length, 'annotation', 'annotations')} ${bad.join(', ')}`,
  };
};

function seccompOf(c: AnyContainer): string | undefined {
  return c.securityContext?.seccompProfile?.type;
}

const seccompBaseline: PodCheck = (pod) => explicitSeccomp(pod);

function explicitSeccomp(pod: PodLike): Violation | undefined {
  const whole = pod.spec.securityContext?.seccompProfile?.type;
  const isBad = (type: string | undefined) => type !== undefined && !CONFINED.has(type);
  const bad = containersOf(pod, (c) => isBad(seccompOf(c)));
  const setters = settersNamed(isBad(whole), namesOf(bad));
  if (setters === '') return undefined;
  const values = sorted([...(isBad(whole) ? [whole!] : []), ...bad.map((c) => seccompOf(c)!)]);
  return {
    reason: 'seccompProfile',
    detail: `${setters} must not set securityContext.seccompProfile.type to ${quoted(values)}`,
  };
}

const seccompRestricted: PodCheck = (pod) => {
  const explicit = explicitSeccomp(pod);
  if (explicit || pod.spec.securityContext?.seccompProfile) return explicit;
  const silent = containersOf(pod, (c) => !c.securityContext?.seccompProfile);
  if (silent.length === 0) return undefined;
  return {
    reason: 'seccompProfile',
    detail: `pod or ${containersNamed(namesOf(silent))} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
};

function seLinux(types: ReadonlySet<string>): PodCheck {
  const isBad = (o: SELinuxOptions | null | undefined) =>
    o !== undefined && o !== null && (!types.has(o.type ?? '') || !!o.user || !!o.role);
  return (pod) => {
    const whole = pod.spec.securityContext?.seLinuxOptions;
    const containers = containersOf(pod, (c) => isBad(c.securityContext?.seLinuxOptions));
    const setters = settersNamed(isBad(whole), namesOf(containers));
    if (setters === '') return undefined;
    const options = [whole, ...containers.map((c) => c.securityContext?.seLinuxOptions)].flatMap((o) => (o ? [o] : []));
    const badTypes = sorted(options.map((o) => o.type ?? '').filter((type) => !types.has(type)));
    const problems = [
      ...(badTypes.length > 0 ? [`${plural(badTypes.length, 'type', 'types')} ${quoted(badTypes)}`] : []),
      ...(options.some((o) => o.user) ? ['user may not be set'] : []),
      ...(options.some((o) => o.role) ? ['role may not be set'] : []),
    ];
    return {
      reason: 'seLinuxOptions',
      detail: `${setters} set forbidden securityContext.seLinuxOptions: ${problems.join('; ')}`,
    };
  };
}

const SELINUX_TYPES = ['', 'container_t', 'container_init_t', 'container_kvm_t'];

function sysctls(allowed: ReadonlySet<string>): PodCheck {
  return ({ spec }) => {
    const bad = (spec.securityContext?.sysctls ?? []).map((s) => s.name).filter((name) => !allowed.has(name));
    return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
  };
}

const SYSCTLS = [
  'kernel.shm_rmid_forced',
  ...['ip_local_port_range', 'tcp_syncookies', 'ping_group_range', 'ip_unprivileged_port_start'].map(ipv4),
];
const SYSCTLS_27 = [...SYSCTLS, ipv4('ip_local_reserved_ports')];
const SYSCTLS_29 = [
  ...SYSCTLS_27,
  ...['tcp_keepalive_time', 'tcp_fin_timeout', 'tcp_keepalive_intvl', 'tcp_keepalive_probes'].map(ipv4),
];
const SYSCTLS_32 = [...SYSCTLS_29, ...['tcp_rmem', 'tcp_wmem'].map(ipv4)];

function ipv4(name: string): string {
  return `net.ipv4.${name}`;
}

export const PROFILE_CHECKS: readonly Check[] = [
  { id: 'appArmorProfile', level: 'baseline', since: [[0, appArmor]] },
  {
    id: 'seccompProfile_baseline',
    level: 'baseline',
    since: [
      [0, seccompAnnotations],
      [19, seccompBaseline],
    ],
  },
  {
    id: 'seccompProfile_restricted',
    level: 'restricted',
    overrides: 'seccompProfile_baseline',
    since: [
      [19, seccompRestricted],
      [25, unlessWindows(seccompRestricted)],
    ],
  },
  {
    id: 'seLinuxOptions',
    level: 'baseline',
    since: [
      [0, seLinux(new Set(SELINUX_TYPES))],
      [31, seLinux(new Set([...SELINUX_TYPES, 'container_engine_t']))],
    ],
  },
  {
    id: 'sysctls',
    level: 'baseline',
    since: [
      [0, sysctls(new Set(SYSCTLS))],
      [27, sysctls(new Set(SYSCTLS_27))],
      [29, sysctls(new Set(SYSCTLS_29))],
      [32, sysctls(new Set(SYSCTLS_32))],
    ],
  },
];
