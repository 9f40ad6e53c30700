/** What a service tells systemd (sd_notify(3), sd_watchdog_enabled(3)). */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { formatDuration } from '../go/duration.ts';
import { atoi } from '../go/strconv.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type Notify = (state: string) => Promise<void>;

const run = promisify(execFile);
const TIMEOUT_MS = 10_000;

/**
 * Tells the service manager: `READY=1`, `WATCHDOG=1`. Node has no datagram sockets of Unix: systemd's own program, which
 * speaks in the name of the process that started it, says it.
 * @throws Error where there is no service manager, or it was not reached
 */
export function notifier(environment: Environment): Notify {
  return async (state) => {
    if (!isNotified(environment)) throw new Error('notification not supported - (i.e. NOTIFY_SOCKET is unset)');
    await run('systemd-notify', [state], { env: { ...environment }, timeout: TIMEOUT_MS });
  };
}

/** Whether somebody wants to be told. */
export function isNotified({ NOTIFY_SOCKET: socket = '' }: Environment): boolean {
  return socket !== '';
}

/** A second is too short for a check and its repetition. */
const MIN_WATCHDOG_MS = 1000;

/**
 * @returns within how many milliseconds systemd wants to hear `WATCHDOG=1`; undefined where it does not wait for this process
 * @throws Error, in upstream's words, for an environment that makes no sense
 */
export function watchdogTimeout(environment: Environment, pid: number): number | undefined {
  const { WATCHDOG_USEC: micros = '', WATCHDOG_PID: of = '' } = environment;
  if (micros === '') return undefined;
  const interval = numberIn('WATCHDOG_USEC', micros);
  if (interval <= 0) throw new Error('configure watchdog: error WATCHDOG_USEC must be a positive number');
  if (of !== '' && numberIn('WATCHDOG_PID', of) !== pid) return undefined;
  const ms = interval / 1000;
  if (ms <= MIN_WATCHDOG_MS) throw new Error(`configure watchdog timeout too small: ${formatDuration(ms)}`);
  return ms;
}

function numberIn(name: string, text: string): number {
  try {
    return atoi(text);
  } catch (error) {
    throw new Error(`configure watchdog: error converting ${name}: ${(error as Error).message}`);
  }
}
