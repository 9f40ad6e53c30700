/** What a pod shares with its node. */
import type { LifecycleHandler, Probe } from '@keelson/api/generated/types/core/v1';
import type { AnyContainer } from '@keelson/api/resources/pod-parts';
import {
  type Check,
  containersNamed,
  containersOf,
  namesOf,
  type PodCheck,
  plural,
  quoted,
  settersNamed,
  sorted,
} from '../check.ts';

const hostNamespaces: PodCheck = ({ spec }) => {
  const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => spec[name]);
  if (used.length === 0) return undefined;
  return { reason: 'host namespaces', detail: used.map((name) => `${name}=true`).join(', ') };
};

const hostPathVolumes: PodCheck = ({ spec }) => {
  const names = (spec.volumes ?? []).filter((v) => v.hostPath).map((v) => v.name);
  if (names.length === 0) return undefined;
  return { reason: 'hostPath volumes', detail: `${plural(names.length, 'volume', 'volumes')} ${quoted(names)}` };
};

const hostPorts: PodCheck = (pod) => {
  const portsOf = (c: AnyContainer) => (c.ports ?? []).flatMap((p) => (p.hostPort ? [String(p.hostPort)] : []));
  const bad = containersOf(pod, (c) => portsOf(c).length > 0);
  if (bad.length === 0) return undefined;
  const ports = sorted(bad.flatMap(portsOf));
  return {
    reason: 'hostPort',
    detail: `${containersNamed(namesOf(bad))} ${plural(bad.length, 'uses', 'use')} ${plural(ports.length, 'hostPort', 'hostPorts')} ${ports.join(', ')}`,
  };
};

const probedHosts: PodCheck = (pod) => {
  const bad = containersOf(pod, (c) => hostsOf(c).length > 0);
  if (bad.length === 0) return undefined;
  const names = sorted(namesOf(bad));
  const hosts = sorted(bad.flatMap(hostsOf));
  return {
    reason: 'probe or lifecycle host',
    detail: `${containersNamed(names)} ${plural(names.length, 'uses', 'use')} ${plural(hosts.length, 'probe or lifecycle host', 'probe or lifecycle hosts')} ${quoted(hosts)}`,
  };
};

function hostsOf(c: AnyContainer): string[] {
  const handlers: (Probe | LifecycleHandler | null | undefined)[] = [
    c.livenessProbe,
    c.readinessProbe,
    c.startupProbe,
    c.lifecycle?.postStart,
    c.lifecycle?.preStop,
  ];
  return handlers.flatMap((h) => [h?.httpGet?.host, h?.tcpSocket?.host]).flatMap((host) => (host ? [host] : []));
}

const windowsHostProcess: PodCheck = (pod) => {
  const whole = pod.spec.securityContext?.windowsOptions?.hostProcess === true;
  const bad = containersOf(pod, (c) => c.securityContext?.windowsOptions?.hostProcess === true);
  if (!whole && bad.length === 0) return undefined;
  return {
    reason: 'hostProcess',
    detail: `${settersNamed(whole, namesOf(bad))} must not set securityContext.windowsOptions.hostProcess=true`,
  };
};

export const HOST_CHECKS: readonly Check[] = [
  { id: 'hostNamespaces', level: 'baseline', since: [[0, hostNamespaces]] },
  { id: 'hostPathVolumes', level: 'baseline', since: [[0, hostPathVolumes]] },
  { id: 'hostPorts', level: 'baseline', since: [[0, hostPorts]] },
  { id: 'hostProbesAndHostLifecycle', level: 'baseline', since: [[34, probedHosts]] },
  { id: 'windowsHostProcess', level: 'baseline', since: [[0, windowsHostProcess]] },
];
