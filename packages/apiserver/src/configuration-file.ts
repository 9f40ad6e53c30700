/**
 * Files of the group apiserver.config.k8s.io that the server is told by, and that it reads again when they change
 * (AuthenticationConfiguration, AuthorizationConfiguration).
 */
import type { Clock } from '@keelson/api/clock';
import { decodeYamlDocument } from '@keelson/api/codec/yaml';
import { quote } from '@keelson/api/field';
import { ConfigFileError, type ConfigObject, readStrictly } from '@keelson/component/configfile';
import { errnoText } from '@keelson/component/go/errno';
import type { Logger } from '@keelson/component/logs/logger';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { asError } from './aggregate.ts';
import type { Reloadable } from './config.ts';
import { hashOf } from './metrics/hash.ts';
import { ReloadMetrics } from './metrics/reloads.ts';

/** The text of a configuration, and the files that it names. */
export interface FileText {
  readonly text: string;
  /** Why a file cannot be read; undefined where it can. */
  readonly problemOf: (path: string) => string | undefined;
}

const GROUP = 'apiserver.config.k8s.io';
/** Of what the server is told by. */
const CONFIG_VERSIONS = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `${GROUP}/${version}`);

/**
 * @param versions that may stand in `apiVersion`
 * @throws ConfigFileError: what is no YAML, another kind, or has fields that are unknown or set twice
 */
export function openConfiguration<T>(
  text: string,
  kind: string,
  read: (root: ConfigObject) => T,
  versions: readonly string[] = CONFIG_VERSIONS,
): T {
  const { value, duplicates } = decodeYamlDocument(Buffer.from(text));
  if (duplicates.length > 0) throw new ConfigFileError(`${STRICT}${duplicates.join(', ')}`);
  try {
    return readStrictly(value, (root) => {
      expectKind(root, kind, versions);
      return read(root);
    });
  } catch (error) {
    throw new ConfigFileError(asError(error).message);
  }
}

const STRICT = 'strict decoding error: ';

function expectKind(root: ConfigObject, kind: string, versions: readonly string[]): void {
  const apiVersion = root.string('apiVersion');
  const found = root.string('kind');
  const isKnown = versions.includes(apiVersion) && found.endsWith('Configuration');
  if (!isKnown) throw new ConfigFileError(`no kind ${quote(found)} is registered for version ${quote(apiVersion)}`);
  if (found !== kind) throw new ConfigFileError(`expected ${kind}, got *apiserver.${found}`);
}

/** Why a file cannot be read, in Go's words. */
export function openProblem(error: unknown, path: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const text = errnoText(code);
  return text === undefined ? message : `open ${path}: ${text}`;
}

/** What a configuration needs is not there yet: it is tried again after a while. */
export class NotYet extends Error {
  override readonly name = 'NotYet';
}

const AGAIN_MS = 60_000;

export interface ReloadOptions<T> {
  /** `authentication` or `authorization`. */
  readonly what: string;
  readonly file: Reloadable<string>;
  /** Takes a new text over. @throws Error where it cannot be used: what there was stays */
  readonly load: (text: string) => T | Promise<T>;
  readonly metrics: MetricsRegistry;
  /** Of this API server. */
  readonly identity: string;
  readonly clock: Clock;
  readonly now: () => Date;
  readonly logger: Logger;
}

/** Follows a file: each change is taken over, one after the other, or counted as a failure. */
export function followFile<T>(options: ReloadOptions<T>): void {
  const { what, file, load, metrics, identity, clock, now, logger } = options;
  const counts = new ReloadMetrics(metrics, { what, stability: 'BETA', identity, now });
  let last: string | undefined = file.get();
  counts.inForce(hashOf(last));
  let running: Promise<void> = Promise.resolve();
  const reload = async () => {
    const text = file.get();
    if (text === last) return;
    last = text;
    try {
      await load(text);
      counts.inForce(hashOf(text));
      counts.reloaded('success');
      logger.info({ what }, 'configuration reloaded');
    } catch (error) {
      counts.reloaded('failure');
      if (error instanceof NotYet) {
        last = undefined;
        clock.after(AGAIN_MS, changed, { background: true });
      }
      logger.error({ what, error: asError(error).message }, 'configuration not reloaded; what was read before stays');
    }
  };
  const changed = () => {
    running = running.then(reload);
  };
  file.onChange?.(changed);
}
