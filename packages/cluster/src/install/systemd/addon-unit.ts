/** Units of systemd for what a cluster has beside its control plane. */
import type { PathName } from '../command-lines.ts';
import { commandLine, sandbox, unitText } from './units.ts';

export interface AddonUnit {
  readonly description: string;
  readonly command: readonly string[];
  readonly capabilities: readonly string[];
  /** Those below `/run` are made anew after the machine's start, by systemd, and stay when the unit ends. */
  readonly writable?: readonly string[];
}

const RUN = '/run/';

/** @param program the path of a program, by its name */
export function addonUnit(
  { description, command: [name = '', ...words], capabilities, writable = [] }: AddonUnit,
  program: PathName,
): string {
  const command = [program(name), ...words];
  const ofThisBoot = writable.filter((path) => path.startsWith(RUN)).map((path) => path.slice(RUN.length));
  const others = writable.filter((path) => !path.startsWith(RUN));
  return unitText({
    description,
    documentation: 'https://kubernetes.io/docs/concepts/cluster-administration/addons/',
    after: ['network-online.target', 'kubelet.service'],
    service: [
      ['Type', 'exec'],
      ['ExecStart', commandLine(command)],
      ['Restart', 'always'],
      ['RestartSec', '2s'],
      ['TimeoutStopSec', '10s'],
      ['LimitNOFILE', '65536'],
      ...(ofThisBoot.length === 0
        ? []
        : ([
            ['RuntimeDirectory', ofThisBoot.join(' ')],
            ['RuntimeDirectoryPreserve', 'yes'],
          ] as const)),
      ...sandbox(command, { writable: others, capabilities }),
    ],
  });
}
