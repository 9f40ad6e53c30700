/** /statusz: what this process is, and since when (apiserver/pkg/server/statusz). */
import { formatTime } from '@keelson/api/time';
import type { VersionInfo } from '../health/root.ts';
import type { Page } from './page.ts';

export interface StatuszOptions {
  readonly component: string;
  readonly version: VersionInfo;
  readonly startedAt: Date;
  readonly now: () => Date;
  /** What GET / lists. */
  readonly paths: () => readonly string[];
}

/** What serves the API, not those who look after the server. */
const NOT_SHOWN: ReadonlySet<string> = new Set(['/apis', '/api', '/openid', '/openapi', '/.well-known']);

export function statusz({ component, version, startedAt, now, paths }: StatuszOptions): Page {
  const binaryVersion = version.gitVersion.replace(/^v/, '');
  const emulationVersion = `${version.emulationMajor}.${version.emulationMinor}`;
  const uptime = (): number => Math.max(0, Math.floor((now().getTime() - startedAt.getTime()) / 1000));
  const shown = (): string[] => [...new Set(paths().map((path) => `/${path.split('/')[1]}`))].filter(isShown).sort();
  return {
    kind: 'Statusz',
    component,
    text: () =>
      [
        '',
        `Started: ${unixDate(startedAt)}`,
        `Up: ${clockTime(uptime())}`,
        `Go version: ${version.goVersion}`,
        `Binary version: ${binaryVersion}`,
        `Emulation version: ${emulationVersion}`,
        `Paths: ${shown().join(' ')}`,
        '',
      ].join('\n'),
    fields: () => ({
      startTime: formatTime(startedAt),
      uptimeSeconds: uptime(),
      goVersion: version.goVersion,
      binaryVersion,
      emulationVersion,
      paths: shown(),
    }),
  };
}

function isShown(path: string): boolean {
  return path !== '/' && !NOT_SHOWN.has(path);
}

function clockTime(seconds: number): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${Math.floor(seconds / 3600)} hr ${two(Math.floor(seconds / 60) % 60)} min ${two(seconds % 60)} sec`;
}

/** `Mon Jan  2 15:04:05 UTC 2006` */
function unixDate(date: Date): string {
  const [day = '', dd = '', month = '', year = '', time = ''] = date.toUTCString().replace(',', '').split(' ');
  return `${day} ${month} ${String(Number(dd)).padStart(2)} ${time} UTC ${year}`;
}
