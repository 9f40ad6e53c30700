/** The services of this machine. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { StartupError } from '../../startup-error.ts';

/** What starts services; a machine that is not this one, or has no systemd, has none. */
export interface Services {
  /** Starts a unit, now and with the machine; one that runs is started anew. @throws StartupError */
  start(unit: string): Promise<void>;
  /** Starts a unit anew, and waits until it has. @throws StartupError */
  restart(unit: string): Promise<void>;
  /** Ends it, and has it start no more; nothing happens where there is no such unit. @throws StartupError where it goes on */
  stop(unit: string): Promise<void>;
}

/** Whether systemd is what this machine was booted with (sd_booted(3)). */
export const hasSystemd = () => existsSync('/run/systemd/system');

const run = promisify(execFile);

async function startBy(unit: string, ...restart: string[]): Promise<void> {
  try {
    await run('systemctl', ['daemon-reload']);
    await run('systemctl', ['enable', unit]);
    await run('systemctl', [...restart, unit]);
  } catch (error) {
    throw new StartupError(
      `${unit} cannot be started: ${(error as Error).message.trim()}`,
      `see 'systemctl status ${unit}' and 'journalctl -u ${unit}'`,
    );
  }
}

export const systemdServices: Services = {
  start: (unit) => startBy(unit, 'restart', '--no-block'),
  restart: (unit) => startBy(unit, 'restart'),
  async stop(unit) {
    try {
      await run('systemctl', ['disable', '--now', unit]);
    } catch (error) {
      const isActive = await run('systemctl', ['is-active', '--quiet', unit]).then(
        () => true,
        () => false,
      );
      if (!isActive) return;
      throw new StartupError(
        `${unit} cannot be stopped: ${(error as Error).message.trim()}`,
        `end it, and run this again`,
      );
    }
  },
};
