/** Kernel parameters that pods may set: those that are theirs alone (pkg/kubelet/sysctl). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { Rejection } from '../pods/admission.ts';
import { isHostNetwork } from '../pods/spec.ts';

const SAFE = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]);

/** With dots, as they are compared; in names with slashes these are what dots are in others. */
export function normalizeSysctl(name: string): string {
  const first = /[./]/.exec(name)?.[0];
  return first === '/' ? name.replace(/[./]/g, (c) => (c === '/' ? '.' : '/')) : name;
}

/** @param allowed names that the node's owner allows beside the safe ones, and patterns `name.*` */
export function admitSysctls(pod: Pod, allowed: readonly string[]): Rejection | undefined {
  const reject = (message: string): Rejection => ({
    reason: 'SysctlForbidden',
    message: `forbidden sysctl: ${message}`,
  });
  for (const { name } of pod.spec?.securityContext?.sysctls ?? []) {
    const sysctl = normalizeSysctl(name);
    const ok =
      SAFE.has(sysctl) ||
      allowed.some((each) => (each.endsWith('*') ? sysctl.startsWith(each.slice(0, -1)) : sysctl === each));
    if (!ok) return reject(`"${name}" not allowlisted`);
    if (sysctl.startsWith('net.') && isHostNetwork(pod)) return reject(`"${name}" not allowed with host net enabled`);
    if (!sysctl.startsWith('net.') && pod.spec?.hostIPC) return reject(`"${name}" not allowed with host ipc enabled`);
  }
  return undefined;
}
