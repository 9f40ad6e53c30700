/** What an installation takes from the machine that it is made on. */
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import type { MachineFacts } from './configuration/types.ts';
import { type Layout, TRUST_FOLDERS } from './layout.ts';

export async function machineFacts(): Promise<MachineFacts> {
  return { hostname: hostname().toLowerCase(), address: await outwardAddress(), newToken };
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

export function newToken(): string {
  const letters = (count: number) => Array.from({ length: count }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  return `${letters(6)}.${letters(16)}`;
}

/** Those of {@link TRUST_FOLDERS} that the machine has. */
export function trustFolders(layout: Layout): string[] {
  return TRUST_FOLDERS.filter((folder, i) => i === 0 || existsSync(layout.machine(folder)));
}

/** Of the etcd that the PATH finds; empty for none. */
export function etcdVersion(): Promise<string> {
  return new Promise((resolve) => {
    execFile('etcd', ['--version'], (_, stdout) => resolve(/etcd Version: (\S+)/.exec(stdout)?.[1] ?? ''));
  });
}

/** The address of the interface with the default route; of any that is not the loopback where there is no such route. */
async function outwardAddress(): Promise<string | undefined> {
  const interfaces = networkInterfaces();
  const preferred = await defaultInterface();
  const order = [...(preferred === undefined ? [] : [preferred]), ...Object.keys(interfaces)];
  const addresses = order
    .flatMap((name) => interfaces[name] ?? [])
    .filter(({ internal, scopeid }) => !internal && !scopeid);
  return (addresses.find(({ family }) => family === 'IPv4') ?? addresses[0])?.address;
}

const IS_UP = 0x1;

/** proc(5), /proc/net/route: lines of `Iface Destination Gateway Flags …`, numbers in hexadecimal. */
async function defaultInterface(): Promise<string | undefined> {
  const table = await readFile('/proc/net/route', 'utf8').catch(() => '');
  const rows = table
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'));
  return rows.find(([, to, , flags]) => to === '00000000' && (Number.parseInt(flags ?? '0', 16) & IS_UP) !== 0)?.[0];
}
