/** Files that an installation writes anew whenever they are not as they should be. */
import type { InstallContext } from './phase.ts';

/**
 * Writes a file and says so, or says that it was right already.
 * @param phase whose line it is
 * @returns whether it was written
 */
export async function ensureFile(
  { files, layout, report }: Pick<InstallContext, 'files' | 'layout' | 'report'>,
  phase: string,
  path: string,
  text: string,
  mode = 0o600,
): Promise<boolean> {
  const isRight = (await files.read(path)) === text;
  if (!isRight) await files.write(path, text, mode);
  report(`[${phase}] ${isRight ? 'kept' : 'wrote'} ${layout.local(path)}`);
  return !isRight;
}
