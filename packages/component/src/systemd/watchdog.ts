import type { Logger } from '../logs/logger.ts';
import type { Running } from '../running.ts';
import type { Notify } from './notify.ts';

const AGAIN_MS = 1000;

export interface WatchdogOptions {
  /** Within which systemd wants to hear of the process. */
  readonly timeoutMs: number;
  /** @returns what is wrong with the process; nothing: it is well */
  readonly problems: () => readonly string[];
  readonly notify: Notify;
  readonly logger: Logger;
}

/**
 * Tells systemd twice in each timeout that the process is well, and nothing when it is not: systemd starts it anew then
 * (pkg/kubelet/watchdog).
 */
export function startWatchdog({ timeoutMs, problems, notify, logger }: WatchdogOptions): Running {
  const { promise: done, resolve } = Promise.withResolvers<void>();
  let again: NodeJS.Timeout | undefined;
  const failed = (error: Error) => logger.error({ err: error.message }, 'Failed to notify watchdog');
  const tell = () => {
    clearTimeout(again);
    const [problem] = problems();
    if (problem !== undefined) {
      logger.error({ err: problem }, 'Do not notify watchdog this iteration as the kubelet is reportedly not healthy');
      return;
    }
    notify('WATCHDOG=1').catch((error: Error) => {
      logger.debug({ err: error.message }, 'Failed to notify systemd watchdog, retrying');
      again = setTimeout(() => void notify('WATCHDOG=1').catch(failed), AGAIN_MS);
    });
  };
  logger.info({ intervalMs: timeoutMs / 2 }, 'Starting systemd watchdog with interval');
  const timer = setInterval(tell, timeoutMs / 2);
  tell();
  return {
    done,
    stop: async () => {
      clearInterval(timer);
      clearTimeout(again);
      resolve();
    },
  };
}
