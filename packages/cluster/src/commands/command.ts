import type { Vocabulary } from '@keelson/component/pflag/complete';
import { FlagError } from '@keelson/component/pflag/flags';
import { fileFault } from '../data-directory.ts';
import { StartupError } from '../startup-error.ts';
import type { Io } from './io.ts';

/** A command of `keelson`: what may be said to it, and what it does. */
export interface Command extends Vocabulary {
  /** @returns its exit code */
  readonly run: (argv: readonly string[], io: Io) => Promise<number>;
}

/** All commands by name, in the order of the help. */
export type Commands = Readonly<
  Record<
    string,
    {
      readonly summary: string;
      /** Its code is read when it is wanted. */
      readonly load: () => Promise<Command>;
    }
  >
>;

/** How the shell asks what can be typed next; what follows are the words behind `keelson`. */
export const COMPLETE = '__complete';

/** Runs a command. @returns its exit code: 1 for what its user can set right, which is told */
export async function outcomeOf(command: string, io: Io, run: () => Promise<void>): Promise<number> {
  try {
    await run();
    return 0;
  } catch (error) {
    tell(command, error, io);
    return 1;
  }
}

/** Tells what went wrong, and what to do about it. @throws what its user cannot set right */
export function tell(command: string, error: unknown, io: Io): void {
  if (error instanceof StartupError) io.stderr(`Error: ${error.message}\n       ${error.remedy}.\n`);
  else if (error instanceof FlagError) {
    const meant = error.meant === undefined ? '' : `Did you mean ${error.meant}?\n`;
    io.stderr(`Error: ${error.message}\n${meant}Run '${command} --help' for usage.\n`);
  } else if (isFileFault(error)) {
    io.stderr(`Error: cannot use ${error.path}: ${fileFault(error)}\n       see to that, and run this again.\n`);
  } else throw error;
}

/** What the system says of a file of this machine: nothing that is wrong with the program. */
function isFileFault(error: unknown): error is NodeJS.ErrnoException & { path: string } {
  const { code, path } = error as NodeJS.ErrnoException;
  return error instanceof Error && path !== undefined && ['EROFS', 'ENOSPC', 'EACCES', 'EPERM'].includes(code ?? '');
}
