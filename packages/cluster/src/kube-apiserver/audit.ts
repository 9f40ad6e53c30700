import { LogFile, standardOutput } from '@keelson/apiserver/audit/logfile';
import { type AuditPolicy, auditPolicy } from '@keelson/apiserver/audit/policy';
import { type LogSinkOptions, logSink } from '@keelson/apiserver/audit/sink';
import type { ServerConfig } from '@keelson/apiserver/config';
import { quote } from '@keelson/component/go/strconv';
import type { Logger } from '@keelson/component/logs/logger';
import { systemClock } from '@keelson/storage/clock';
import type { Values } from './flags.ts';

const MODES = ['batch', 'blocking', 'blocking-strict'] as const;
const FORMATS = ['legacy', 'json'] as const;
const VERSION = 'audit.k8s.io/v1';
const MEGABYTE = 1024 * 1024;

/** What is wrong with the flags, in the words of kube-apiserver (apiserver/pkg/server/options/audit.go). */
export function auditErrors(values: Values): (string | false)[] {
  if (values['audit-log-path'] === '') return [];
  const [eventSize, batchSize] = [
    values['audit-log-truncate-max-event-size'],
    values['audit-log-truncate-max-batch-size'],
  ];
  const format = values['audit-log-format'];
  const notNegative = (['audit-log-maxage', 'audit-log-maxbackup', 'audit-log-maxsize'] as const).map(
    (flag) => values[flag] < 0 && `--${flag} ${values[flag]} can't be a negative number`,
  );
  return [
    modeError(values),
    eventSize <= 0
      ? `invalid audit truncate log max event size ${eventSize}, must be a positive number`
      : batchSize < eventSize &&
        `invalid audit truncate log max batch size ${batchSize}, must be greater than max event size (${eventSize})`,
    values['audit-log-version'] !== VERSION && `invalid group version, allowed versions are [{"audit.k8s.io" "v1"}]`,
    !FORMATS.some((known) => known === format) &&
      `invalid audit log format ${format}, allowed formats are ${quote(FORMATS.join(','))}`,
    ...notNegative,
  ];
}

function modeError(values: Values): string | false {
  const mode = values['audit-log-mode'];
  if (!MODES.some((known) => known === mode)) {
    return `invalid audit log mode ${mode}, allowed modes are ${quote(MODES.join(','))}`;
  }
  if (mode !== 'batch') return false;
  const { 'audit-log-batch-throttle-qps': qps, 'audit-log-batch-throttle-burst': burst } = values;
  const wrong = (
    [
      ['buffer size', values['audit-log-batch-buffer-size'], true],
      ['max batch size', values['audit-log-batch-max-size'], true],
      ['throttle QPS', qps, values['audit-log-batch-throttle-enable']],
      ['throttle burst', burst, values['audit-log-batch-throttle-enable']],
    ] as const
  ).find(([, value, matters]) => matters && value <= 0);
  return wrong !== undefined && `invalid audit batch log ${wrong[0]} ${wrong[1]}, must be a positive number`;
}

/** Reads a policy from YAML or JSON. @throws Error with what is wrong with it */
export async function readAuditPolicy(text: string): Promise<AuditPolicy> {
  const { load } = await import('js-yaml');
  return auditPolicy(load(text));
}

/**
 * Opens the log. Without a policy nothing is recorded, without a path there is nowhere to record it.
 * @throws the error of the file system
 */
export async function auditConfig(
  values: Values,
  policy: AuditPolicy | undefined,
  logger: Logger,
): Promise<ServerConfig['audit']> {
  const path = values['audit-log-path'];
  const onError = (error: Error) => logger.error({ error: error.message }, 'audit events were not recorded');
  const options: Omit<LogSinkOptions, 'writer'> = {
    format: values['audit-log-format'] === 'legacy' ? 'legacy' : 'json',
    mode: MODES.find((mode) => mode === values['audit-log-mode']) ?? 'blocking',
    batch: {
      bufferSize: values['audit-log-batch-buffer-size'],
      maxSize: values['audit-log-batch-max-size'],
      maxWaitMs: values['audit-log-batch-max-wait'],
      ...throttle(values),
    },
    ...truncate(values),
    clock: systemClock,
    onError,
  };
  const file = {
    path,
    maxBytes: values['audit-log-maxsize'] * MEGABYTE,
    maxBackups: values['audit-log-maxbackup'],
    maxAgeDays: values['audit-log-maxage'],
    compress: values['audit-log-compress'],
    now: () => new Date(),
    onError,
  };
  if (policy === undefined || path === '') return undefined;
  const writer = path === '-' ? standardOutput : await LogFile.open(file);
  return { policy, sink: logSink({ ...options, writer }) };
}

function throttle(values: Values): Pick<LogSinkOptions['batch'], 'throttle'> {
  const [qps, burst] = [values['audit-log-batch-throttle-qps'], values['audit-log-batch-throttle-burst']];
  return values['audit-log-batch-throttle-enable'] ? { throttle: { qps, burst } } : {};
}

function truncate(values: Values): Pick<LogSinkOptions, 'truncate'> {
  const maxEventBytes = values['audit-log-truncate-max-event-size'];
  return values['audit-log-truncate-enabled'] ? { truncate: { maxEventBytes } } : {};
}
