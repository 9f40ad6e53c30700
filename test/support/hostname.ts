/** Programs that take their machine for another one than it is: they see another name of it. */
import { execFileSync } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';

/** Who is not root is so in a namespace of its own. */
const unshare = ['unshare', '--uts', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'])];
const NAME = '/proc/sys/kernel/hostname';

/** Why there can be no such programs here; undefined when there can. */
export function noHostnames(): string | undefined {
  try {
    execFileSync(unshare[0]!, [...unshare.slice(1), 'sh', '-c', `echo other > ${NAME}`], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'names of machines cannot be changed here';
  }
}

/** Writes a program that runs another one so. @param file where to */
export async function underHostname(hostname: string, program: string, file: string): Promise<string> {
  const run = `${unshare.join(' ')} sh -c 'echo ${hostname} > ${NAME}; exec "$0" "$@"' ${program} "$@"`;
  await writeFile(file, `#!/bin/sh\nexec ${run}\n`);
  await chmod(file, 0o755);
  return file;
}
