/**
 * What a client asks of log, exec, attach and port-forward, from the query (the conversions of url.Values in
 * pkg/apis/core/v1), and what a kubelet is asked for it.
 */
import { badRequest, invalid } from '@keelson/api/errors';
import * as field from '@keelson/api/field';
import type {
  PodAttachOptions,
  PodExecOptions,
  PodLogOptions,
  PodPortForwardOptions,
} from '@keelson/api/generated/types/core/v1';
import { formatSeconds, parseTime, ZERO_TIME_SECONDS } from '@keelson/api/time';
import { parseDecimal, parseUnsigned } from '@keelson/component/go/strconv';
import { isTrue } from '../requestinfo.ts';

/** @throws StatusError 400 for what can't be read */
export function logOptions(query: URLSearchParams): PodLogOptions {
  return {
    kind: 'PodLogOptions',
    apiVersion: 'v1',
    ...text(query, 'container'),
    ...flag(query, 'follow'),
    ...flag(query, 'previous'),
    ...integer(query, 'sinceSeconds'),
    ...time(query, 'sinceTime'),
    ...flag(query, 'timestamps'),
    ...integer(query, 'tailLines'),
    ...integer(query, 'limitBytes'),
    ...flag(query, 'insecureSkipTLSVerifyBackend'),
    ...(query.has('stream') ? { stream: query.get('stream')! } : {}),
  };
}

const STREAMS = ['Stdout', 'Stderr', 'All'];

/**
 * @param selectsStreams whether one of the outputs may be asked for
 * @throws StatusError 422 (pkg/apis/core/validation ValidatePodLogOptions)
 */
export function checkLogOptions(pod: string, options: PodLogOptions, selectsStreams = false): void {
  const { tailLines, limitBytes, sinceSeconds, sinceTime, stream } = options;
  const errors: field.ErrorList = [];
  const mustBePositive = (name: string, value: number | undefined) => {
    if (value !== undefined && value < 1) {
      errors.push(field.invalid(field.Path.of(name), value, 'must be greater than 0'));
    }
  };
  if (tailLines !== undefined && tailLines < 0) {
    errors.push(field.invalid(field.Path.of('tailLines'), tailLines, 'must be greater than or equal to 0'));
  }
  mustBePositive('limitBytes', limitBytes);
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    const message = 'at most one of `sinceTime` or `sinceSeconds` may be specified';
    errors.push(field.forbidden(field.Path.of('[]'), message));
  } else mustBePositive('sinceSeconds', sinceSeconds);
  if (!selectsStreams && stream !== undefined)
    errors.push(field.forbidden(field.Path.of('stream'), 'may not be specified'));
  if (selectsStreams && stream !== undefined && !STREAMS.includes(stream))
    errors.push(field.notSupported(field.Path.of('stream'), stream, STREAMS));
  if (selectsStreams && stream !== undefined && stream !== 'All' && tailLines !== undefined)
    errors.push(
      field.forbidden(field.Path.of('[]'), '`tailLines` and specific `stream` are mutually exclusive for now'),
    );
  if (errors.length > 0) throw invalid('', 'PodLogOptions', pod, errors);
}

export function attachOptions(query: URLSearchParams): PodAttachOptions {
  return { kind: 'PodAttachOptions', apiVersion: 'v1', ...streams(query), ...text(query, 'container') };
}

export function execOptions(query: URLSearchParams): PodExecOptions {
  const command = query.getAll('command');
  return {
    kind: 'PodExecOptions',
    apiVersion: 'v1',
    ...streams(query),
    ...text(query, 'container'),
    command: command.length > 0 ? command : null,
  };
}

/** @throws StatusError 400 */
export function portForwardOptions(query: URLSearchParams): PodPortForwardOptions {
  const ports = query.getAll('ports').flatMap((value) => value.split(',').map(port));
  return { kind: 'PodPortForwardOptions', apiVersion: 'v1', ...(ports.length > 0 ? { ports } : {}) };
}

export function logParams(options: PodLogOptions): string {
  return encode({
    follow: options.follow ? 'true' : undefined,
    previous: options.previous ? 'true' : undefined,
    timestamps: options.timestamps ? 'true' : undefined,
    sinceSeconds: options.sinceSeconds?.toString(),
    sinceTime: options.sinceTime ?? undefined,
    tailLines: options.tailLines?.toString(),
    limitBytes: options.limitBytes?.toString(),
    stream: options.stream,
  });
}

/** The kubelet has names of its own for the streams. */
export function streamParams(options: PodExecOptions | PodAttachOptions): string {
  return encode({
    input: options.stdin ? '1' : undefined,
    output: options.stdout ? '1' : undefined,
    error: options.stderr ? '1' : undefined,
    tty: options.tty ? '1' : undefined,
    command: 'command' in options ? (options.command ?? []) : [],
  });
}

export function portForwardParams({ ports = [] }: PodPortForwardOptions): string {
  return encode({ port: ports.length > 0 ? ports.join(',') : undefined });
}

function encode(values: Readonly<Record<string, string | readonly string[] | undefined>>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const v of typeof value === 'string' ? [value] : (value ?? [])) params.append(name, v);
  }
  params.sort();
  return params.toString();
}

function streams(query: URLSearchParams): Pick<PodAttachOptions, 'stdin' | 'stdout' | 'stderr' | 'tty'> {
  return { ...flag(query, 'stdin'), ...flag(query, 'stdout'), ...flag(query, 'stderr'), ...flag(query, 'tty') };
}

function flag<K extends string>(query: URLSearchParams, name: K): { [key in K]?: boolean } {
  return (isTrue(query, name) ? { [name]: true } : {}) as { [key in K]?: boolean };
}

function text<K extends string>(query: URLSearchParams, name: K): { [key in K]?: string } {
  const value = query.get(name);
  return (value ? { [name]: value } : {}) as { [key in K]?: string };
}

function integer<K extends string>(query: URLSearchParams, name: K): { [key in K]?: number } {
  const value = query.get(name);
  return (value === null ? {} : { [name]: parsed(() => parseDecimal(value, 64)) }) as { [key in K]?: number };
}

/** Empty stands for the zero time, which goes to the kubelet as it is. */
function time<K extends string>(query: URLSearchParams, name: K): { [key in K]?: string } {
  const value = query.get(name);
  if (value === null) return {};
  const isZero = value === '' || value === 'null';
  const seconds = isZero ? ZERO_TIME_SECONDS : parsed(() => parseTime(value)).seconds;
  return { [name]: formatSeconds(seconds) } as { [key in K]?: string };
}

function port(value: string): number {
  return parsed(() => parseUnsigned(value, 16), 'cannot convert to []int32: ');
}

/** @throws StatusError 400 with the text of what was thrown */
function parsed<T>(parse: () => T, prefix = ''): T {
  try {
    return parse();
  } catch (error) {
    throw badRequest(prefix + (error as Error).message);
  }
}
