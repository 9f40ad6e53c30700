/**
 * Files of the group apiserver.config.k8s.io that the server is told by, and that it reads again when they change
 * (AuthenticationConfiguration, AuthorizationConfiguration).
 */
import { createHash } from 'node:crypto';
import type { Clock } from '@keelson/api/clock';
import { decodeYamlDocument } from '@keelson/api/codec/yaml';
import { quote } from '@keelson/api/field';
import { ConfigFileError, ConfigObject } from '@keelson/component/configfile';
import { Counter, Gauge } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { asError } from './aggregate.ts';
import type { Reloadable } from './config.ts';
import type { Logger } from './logger.ts';

/** The text of a configuration, and the files that it names. */
export interface FileText {
  readonly text: string;
  /** Why a file cannot be read; undefined where it can. */
  readonly problemOf: (path: string) => string | undefined;
}

const GROUP = 'apiserver.config.k8s.io';
const VERSIONS = ['v1', 'v1beta1', 'v1alpha1'];

/** @throws ConfigFileError: what is no YAML, another kind, or has fields that are unknown or set twice */
export function openConfiguration<T>(text: string, kind: string, read: (root: ConfigObject) => T): T {
  const { value, duplicates } = decodeYamlDocument(Buffer.from(text));
  if (duplicates.length > 0) throw new ConfigFileError(`${STRICT}${duplicates.join(', ')}`);
  const root = new ConfigObject(value);
  expectKind(root, kind);
  try {
    return read(root);
  } catch (error) {
    const { message } = asError(error);
    throw new ConfigFileError(message.startsWith('unknown field') ? `${STRICT}${message}` : message);
  }
}

const STRICT = 'strict decoding error: ';

function expectKind(root: ConfigObject, kind: string): void {
  const apiVersion = root.string('apiVersion');
  const found = root.string('kind');
  const isKnown = VERSIONS.some((version) => apiVersion === `${GROUP}/${version}`) && found.endsWith('Configuration');
  if (!isKnown) throw new ConfigFileError(`no kind ${quote(found)} is registered for version ${quote(apiVersion)}`);
  if (found !== kind) throw new ConfigFileError(`expected ${kind}, got *apiserver.${found}`);
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
  const id = hashOf(identity);
  const prefix = `apiserver_${what}_config_controller`;
  const labels = ['status', 'apiserver_id_hash'];
  const reloads = metrics.register(
    new Counter({
      name: `${prefix}_automatic_reloads_total`,
      help: `How often the ${what} configuration was read again.`,
      stability: 'BETA',
      labels,
    }),
  );
  const reloadedAt = metrics.register(
    new Gauge({
      name: `${prefix}_automatic_reload_last_timestamp_seconds`,
      help: `When the ${what} configuration was last read again.`,
      stability: 'BETA',
      labels,
    }),
  );
  const info = metrics.register(
    new Gauge({
      name: `${prefix}_last_config_info`,
      help: `The ${what} configuration in force, by its hash.`,
      stability: 'ALPHA',
      labels: ['apiserver_id_hash', 'hash'],
    }),
  );
  const inForce = (text: string) => {
    info.clear();
    info.with(id, hashOf(text)).value = 1;
  };
  const count = (status: 'success' | 'failure') => {
    reloads.with(status, id).inc();
    reloadedAt.with(status, id).value = now().getTime() / 1000;
  };
  let last: string | undefined = file.get();
  inForce(last);
  let running: Promise<void> = Promise.resolve();
  const reload = async () => {
    const text = file.get();
    if (text === last) return;
    last = text;
    try {
      await load(text);
      inForce(text);
      count('success');
      logger.info({ what }, 'configuration reloaded');
    } catch (error) {
      count('failure');
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

/** As metrics show what nobody is to read there. */
export function hashOf(data: string): string {
  return data === '' ? '' : `sha256:${createHash('sha256').update(data).digest('hex')}`;
}
