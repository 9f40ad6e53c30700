import { unless } from '@keelson/component/files';
import { giveBackMemory } from './memory.ts';

/** What a command reads and writes beside its arguments. */
export interface Io {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Width of the terminal, 0 when the output is none. */
  readonly columns: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls `stop` when the process is asked to end. */
  readonly onStop: (stop: () => void) => void;
}

/** npm passes a Ctrl-C on that the terminal has sent already: signals this close to each other are one. */
const sameKeystrokeMs = 300;

/** The process that this code runs in: SIGINT and SIGTERM ask it to end, a second one ends it at once. */
function processIo(): Io {
  // Who read the output may have gone, as `head` does: what is under way goes on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', unless('EPIPE'));
  return {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    columns: process.stdout.isTTY ? process.stdout.columns : 0,
    env: process.env,
    onStop(stop) {
      let askedAt: number | undefined;
      const ask = () => {
        if (askedAt === undefined) {
          askedAt = performance.now();
          stop();
        } else if (performance.now() - askedAt > sameKeystrokeMs) process.exit(1);
      };
      process.on('SIGINT', ask);
      process.on('SIGTERM', ask);
    },
  };
}

/**
 * Runs a command as the whole of this process. The exit code is the command's; what it left open does not hold the
 * process up.
 */
export async function runAsProcess(main: (argv: readonly string[], io: Io) => Promise<number>): Promise<void> {
  process.on('SIGHUP', () => {});
  // What a command waits for may not hold the process up by itself.
  giveBackMemory();
  const stayAlive = setInterval(() => {}, 2 ** 30);
  const code = await main(process.argv.slice(2), processIo());
  clearInterval(stayAlive);
  process.exitCode = code;
  setTimeout(() => process.exit(code), 1000).unref();
}
