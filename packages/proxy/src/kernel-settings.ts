/** Limits and timeouts of the kernel's flows, that the proxy may be told to set (cmd/kube-proxy/app: setupConntrack). */
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Logger } from '@keelson/component/logs/logger';

/** Undefined and 0: as they are. Milliseconds. */
export interface ConntrackSettings {
  readonly maxPerCore: number;
  readonly min: number;
  readonly tcpEstablishedMs: number;
  readonly tcpCloseWaitMs: number;
  readonly udpMs: number;
  readonly udpStreamMs: number;
  readonly tcpBeLiberal: boolean;
}

const DIRECTORY = '/proc/sys/net/netfilter';
const BRIDGED = '/proc/sys/net/bridge/bridge-nf-call-iptables';

/** What cannot be set is logged: containers may not change it. */
export async function setConntrack(settings: ConntrackSettings, log: Logger): Promise<void> {
  const seconds = (ms: number) => Math.floor(ms / 1_000);
  const most = settings.maxPerCore === 0 ? 0 : Math.max(settings.min, settings.maxPerCore * availableParallelism());
  const wanted: Record<string, number> = {
    nf_conntrack_max: most,
    nf_conntrack_tcp_timeout_established: seconds(settings.tcpEstablishedMs),
    nf_conntrack_tcp_timeout_close_wait: seconds(settings.tcpCloseWaitMs),
    nf_conntrack_udp_timeout: seconds(settings.udpMs),
    nf_conntrack_udp_timeout_stream: seconds(settings.udpStreamMs),
    nf_conntrack_tcp_be_liberal: settings.tcpBeLiberal ? 1 : 0,
  };
  for (const [name, value] of Object.entries(wanted)) {
    if (value === 0) continue;
    const file = `${DIRECTORY}/${name}`;
    try {
      if (Number(await readFile(file, 'utf8')) !== value) await writeFile(file, String(value));
    } catch (error) {
      log.warn({ file, value, error }, 'A setting of the kernel could not be made');
    }
  }
}

/** Whether pods on one bridge reach each other through services. */
export async function showsBridged(): Promise<boolean> {
  return (await readFile(BRIDGED, 'utf8').catch(() => '0')).trim() === '1';
}
