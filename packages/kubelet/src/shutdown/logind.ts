/**
 * systemd's login manager: it announces that the machine is about to go down, and waits for those who hold a lock
 * (systemd.io/INHIBITOR_LOCKS; pkg/kubelet/nodeshutdown/systemd). It is spoken to by programs that come with it: a lock is a file
 * descriptor, which Node cannot be sent over D-Bus, so that `systemd-inhibit` holds it.
 */
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';

export interface Logind {
  /** For how long it waits at most, in milliseconds. @throws Error where it does not answer */
  delayMs(): Promise<number>;
  /** Has it wait longer; it takes that over in its own time. @throws Error */
  setDelay(ms: number): Promise<void>;
  /** From when this resolves it waits, until the lock is released or this process ends. @throws Error */
  lock(): Promise<Lock>;
  /** @param seen the machine is about to go down, or does not go down after all. @throws Error */
  watch(seen: (isShuttingDown: boolean) => void): Promise<Watch>;
}

export interface Lock {
  release(): void;
}

export interface Watch {
  /** Resolves when nothing is seen any more. */
  readonly ended: Promise<void>;
  stop(): void;
}

export interface LogindOptions {
  /** Folder of what machines add to its configuration. */
  readonly configuration?: string;
  /** Of the programs that are run. */
  readonly env?: NodeJS.ProcessEnv;
}

const SERVICE = 'org.freedesktop.login1';
const PATH = '/org/freedesktop/login1';
const MANAGER = `${SERVICE}.Manager`;
const ANNOUNCEMENTS = `type='signal',sender='${SERVICE}',path='${PATH}',interface='${MANAGER}',member='PrepareForShutdown'`;
const CALL_TIMEOUT_MS = 25_000;
const HANGUP = '1';

const run = promisify(execFile);

/** That of this machine. Nothing is asked of it before a call. */
export function systemdLogind({
  configuration = '/etc/systemd/logind.conf.d',
  env = process.env,
}: LogindOptions = {}): Logind {
  const busctl = async (...args: string[]) =>
    (await run('busctl', ['--system', '--json=short', ...args], { env, timeout: CALL_TIMEOUT_MS })).stdout;
  return {
    async delayMs() {
      const said = await busctl('get-property', SERVICE, PATH, MANAGER, 'InhibitDelayMaxUSec');
      return (JSON.parse(said) as { readonly data: number }).data / 1000;
    },

    async setDelay(ms) {
      await mkdir(configuration, { recursive: true, mode: 0o755 });
      const text = `# Set by the kubelet\n[Login]\nInhibitDelayMaxSec=${Math.round(ms / 1000)}\n`;
      await writeFile(join(configuration, '99-kubelet.conf'), text, { mode: 0o644 });
      const systemd = ['org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager'];
      await busctl('call', ...systemd, 'KillUnit', 'ssi', 'systemd-logind.service', 'all', HANGUP);
    },

    async lock() {
      const why = 'Kubelet needs time to handle node shutdown';
      const what = ['--what=shutdown', '--who=kubelet', `--why=${why}`, '--mode=delay'];
      // What it runs ends with its input, which ends with this process at the latest.
      const args = [...what, 'sh', '-c', 'echo && exec cat'];
      const child = spawn('systemd-inhibit', args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
      await said(child, {});
      return { release: () => void child.stdin.end() };
    },

    async watch(seen) {
      const args = ['--system', '--json=short', `--match=${ANNOUNCEMENTS}`, 'monitor'];
      const child = spawn('busctl', args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
      const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
      createInterface({ input: child.stdout }).on('line', (line) => {
        const announced = announcement(line);
        if (announced !== undefined) seen(announced);
      });
      await said(child, { errors: /^Monitoring/m });
      return { ended, stop: () => void child.kill() };
    },
  };
}

/** Anything, or on the stream of errors what it says there. */
interface Ready {
  readonly errors?: RegExp;
}

function announcement(line: string): boolean | undefined {
  try {
    const { payload } = JSON.parse(line) as { readonly payload?: { readonly data?: readonly unknown[] } };
    const [isShuttingDown] = payload?.data ?? [];
    return typeof isShuttingDown === 'boolean' ? isShuttingDown : undefined;
  } catch {
    return undefined;
  }
}

/** Resolves when a program says that it is ready. @throws Error in its own words where it ends before, or takes too long */
async function said(child: ChildProcessByStdio<Writable, Readable, Readable>, ready: Ready): Promise<void> {
  let words = '';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.stderr.on('data', (part: Buffer) => {
    words = `${words}${part}`.slice(-1024);
    if (ready.errors?.test(words)) resolve();
  });
  if (!ready.errors) child.stdout.once('data', () => resolve());
  child.stdin.on('error', () => {});
  child.once('error', reject);
  child.once('close', (code) => reject(new Error(words.trim() || `${child.spawnfile} ended with ${code}`)));
  const timer = setTimeout(() => child.kill(), CALL_TIMEOUT_MS);
  await promise.finally(() => clearTimeout(timer));
}
