import type { Tracing } from '@keelson/apiserver/tracing/index';
import type { Logger } from '@keelson/component/logs/logger';
import { StartupError } from '../startup-error.ts';
import type { Egress } from './egress.ts';
import type { Values } from './flags.ts';

/** Undefined without `--tracing-config-file`; its code is loaded with it alone. @throws StartupError */
export async function openTracing(values: Values, logger: Logger, egress?: Egress): Promise<Tracing | undefined> {
  const path = values['tracing-config-file'];
  if (path === '') return undefined;
  const { startTracing } = await import('@keelson/apiserver/tracing/start');
  try {
    return await startTracing(path, logger, egress?.selector.dialer('controlplane'));
  } catch (error) {
    throw new StartupError((error as Error).message, 'correct the file that --tracing-config-file names');
  }
}
