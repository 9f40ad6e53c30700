import { systemClock } from '@keelson/api/clock';
import { readYaml } from '@keelson/api/codec/yaml';
import { logBackend } from '@keelson/apiserver/audit/log';
import { LogFile, standardOutput } from '@keelson/apiserver/audit/logfile';
import { type AuditPolicy, auditPolicy } from '@keelson/apiserver/audit/policy';
import { type AuditBackend, allOf, auditSink, type SinkOptions } from '@keelson/apiserver/audit/sink';
import { webhookBackend } from '@keelson/apiserver/audit/webhook';
import type { ServerConfig } from '@keelson/apiserver/config';
import type { Dial } from '@keelson/apiserver/connect/dial';
import { KubeconfigWebhook } from '@keelson/apiserver/webhook/kubeconfig';
import { quote } from '@keelson/component/go/strconv';
import type { Logger } from '@keelson/component/logs/logger';
import type { Values } from './flags.ts';

/** Where events may go; the flags of each begin with `audit-log-` and `audit-webhook-`. */
type Plugin = 'log' | 'webhook';

const MODES = ['batch', 'blocking', 'blocking-strict'] as const;
const FORMATS = ['legacy', 'json'] as const;
const VERSION = 'audit.k8s.io/v1';
const MEGABYTE = 1024 * 1024;

/** What is wrong with the flags, in the words of kube-apiserver (apiserver/pkg/server/options/audit.go). */
export function auditErrors(values: Values): (string | false)[] {
  const isLogged = values['audit-log-path'] !== '';
  const isPosted = values['audit-webhook-config-file'] !== '';
  return [...(isLogged ? logErrors(values) : []), ...(isPosted ? pluginErrors('webhook', values) : [])];
}

function logErrors(values: Values): (string | false)[] {
  const format = values['audit-log-format'];
  const notNegative = (['audit-log-maxage', 'audit-log-maxbackup', 'audit-log-maxsize'] as const).map(
    (flag) => values[flag] < 0 && `--${flag} ${values[flag]} can't be a negative number`,
  );
  return [
    ...pluginErrors('log', values),
    !FORMATS.some((known) => known === format) &&
      `invalid audit log format ${format}, allowed formats are ${quote(FORMATS.join(','))}`,
    ...notNegative,
  ];
}

function pluginErrors(plugin: Plugin, values: Values): (string | false)[] {
  const eventSize = values[`audit-${plugin}-truncate-max-event-size`];
  const batchSize = values[`audit-${plugin}-truncate-max-batch-size`];
  return [
    modeError(plugin, values),
    eventSize <= 0
      ? `invalid audit truncate ${plugin} max event size ${eventSize}, must be a positive number`
      : batchSize < eventSize &&
        `invalid audit truncate ${plugin} max batch size ${batchSize}, must be greater than max event size (${eventSize})`,
    values[`audit-${plugin}-version`] !== VERSION &&
      `invalid group version, allowed versions are [{"audit.k8s.io" "v1"}]`,
  ];
}

function modeError(plugin: Plugin, values: Values): string | false {
  const mode = values[`audit-${plugin}-mode`];
  if (!MODES.some((known) => known === mode)) {
    return `invalid audit ${plugin} mode ${mode}, allowed modes are ${quote(MODES.join(','))}`;
  }
  if (mode !== 'batch') return false;
  const isThrottled = values[`audit-${plugin}-batch-throttle-enable`];
  const wrong = (
    [
      ['buffer size', values[`audit-${plugin}-batch-buffer-size`], true],
      ['max batch size', values[`audit-${plugin}-batch-max-size`], true],
      ['throttle QPS', values[`audit-${plugin}-batch-throttle-qps`], isThrottled],
      ['throttle burst', values[`audit-${plugin}-batch-throttle-burst`], isThrottled],
    ] as const
  ).find(([, value, matters]) => matters && value <= 0);
  return wrong !== undefined && `invalid audit batch ${plugin} ${wrong[0]} ${wrong[1]}, must be a positive number`;
}

/** Reads a policy from YAML or JSON. @throws Error with what is wrong with it */
export function readAuditPolicy(text: string): AuditPolicy {
  return auditPolicy(readYaml(text));
}

/** Opens the log that is named. @throws the error of the file system */
export async function auditLog(values: Values, logger: Logger): Promise<AuditBackend | undefined> {
  const path = values['audit-log-path'];
  if (path === '') return undefined;
  const file = {
    path,
    maxBytes: values['audit-log-maxsize'] * MEGABYTE,
    maxBackups: values['audit-log-maxbackup'],
    maxAgeDays: values['audit-log-maxage'],
    compress: values['audit-log-compress'],
    now: () => new Date(),
    onError: (error: Error) => logger.error({ error: error.message }, 'old audit logs were not put in order'),
  };
  const writer = path === '-' ? standardOutput : await LogFile.open(file);
  return logBackend(writer, values['audit-log-format'] === 'legacy' ? 'legacy' : 'json');
}

/** The webhook that a kubeconfig names. @throws KubeconfigError, or the error of the file system */
export function auditWebhook(values: Values, dial: Dial | undefined): AuditBackend | undefined {
  const path = values['audit-webhook-config-file'];
  if (path === '') return undefined;
  const world = { clock: systemClock, random: Math.random, dial };
  const backoffMs = values['audit-webhook-batch-initial-backoff'] || values['audit-webhook-initial-backoff'];
  return webhookBackend(KubeconfigWebhook.open(path, world), world, backoffMs);
}

/** Without a policy nothing is recorded, without a backend there is nowhere to record it. */
export function auditConfig(
  values: Values,
  policy: AuditPolicy | undefined,
  backends: { readonly [name in Plugin]: AuditBackend | undefined },
): ServerConfig['audit'] {
  const { log, webhook } = backends;
  const options = [
    ...(log ? [sinkOptions('log', values, log)] : []),
    ...(webhook ? [sinkOptions('webhook', values, webhook)] : []),
  ];
  if (policy === undefined || options.length === 0) return undefined;
  return { policy, sink: (onLost) => allOf(options.map((each) => auditSink({ ...each, onLost }))) };
}

function sinkOptions(plugin: Plugin, values: Values, backend: AuditBackend): Omit<SinkOptions, 'onLost'> {
  const throttle = {
    qps: values[`audit-${plugin}-batch-throttle-qps`],
    burst: values[`audit-${plugin}-batch-throttle-burst`],
  };
  const truncate = {
    maxEventBytes: values[`audit-${plugin}-truncate-max-event-size`],
    maxBatchBytes: values[`audit-${plugin}-truncate-max-batch-size`],
  };
  return {
    backend,
    mode: MODES.find((mode) => mode === values[`audit-${plugin}-mode`]) ?? 'blocking',
    batch: {
      bufferSize: values[`audit-${plugin}-batch-buffer-size`],
      maxSize: values[`audit-${plugin}-batch-max-size`],
      maxWaitMs: values[`audit-${plugin}-batch-max-wait`],
      ...(values[`audit-${plugin}-batch-throttle-enable`] ? { throttle } : {}),
    },
    ...(values[`audit-${plugin}-truncate-enabled`] ? { truncate } : {}),
    clock: systemClock,
  };
}
