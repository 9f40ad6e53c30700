import { quote } from '../go/strconv.ts';
import type { Stream } from './output.ts';
import type { Verbosity } from './verbosity.ts';

/** Key-value pairs of a log line. Never secrets, tokens or bodies. */
export type Fields = object;

/** What components log with. */
export interface Logger {
  /** For those who look for a fault; shown from verbosity 4 on. */
  debug(fields: Fields, message: string): void;
  /** Shown from verbosity 2 on, where upstream's components log the steps of their work. */
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
}

/** Where nobody listens. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export interface LoggerOptions {
  /** `--logging-format`: klog's lines, or one JSON object for each. */
  readonly format: 'text' | 'json';
  readonly verbosity: Verbosity;
  /** Stands where klog has file and line. */
  readonly component: string;
  readonly pid: number;
  readonly now: () => Date;
  /** Warnings are errors in text, and none in JSON, as upstream's are. */
  readonly write: (line: string, stream: Stream) => void;
}

const levels = { debug: ['I', 4], info: ['I', 2], warn: ['W', 0], error: ['E', 0] } as const;
type Level = keyof typeof levels;

/** A logger that writes as the Kubernetes components do (klog's text, or component-base's JSON). */
export function createLogger(options: LoggerOptions): Logger {
  const isJson = options.format === 'json';
  const encode = isJson ? jsonLine : textLine;
  const at = (level: Level) => {
    const [severity, verbosity] = levels[level];
    const stream = (isJson ? level !== 'error' : severity === 'I') ? 'info' : 'error';
    const log = (fields: Fields, message: string): void => {
      if (options.verbosity.shows(verbosity, log)) options.write(encode(options, level, fields, message), stream);
    };
    return log;
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** `I1121 11:44:26.998000   15854 apiserver] "message" key="value"`, in the local time zone like klog's. */
function textLine(options: LoggerOptions, level: Level, fields: Fields, message: string): string {
  const now = options.now();
  const two = (n: number) => String(n).padStart(2, '0');
  const date = `${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
  const micros = `${String(now.getMilliseconds()).padStart(3, '0')}000`;
  const head = `${levels[level][0]}${date} ${time}.${micros} ${String(options.pid).padStart(7)} ${options.component}]`;
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${textValue(value)}`);
  return `${head} ${quote(message)}${pairs.join('')}\n`;
}

function textValue(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (value instanceof Error) return quote(value.message);
  if (value instanceof Date) return quote(value.toISOString());
  return JSON.stringify(value) ?? String(value);
}

function jsonLine(options: LoggerOptions, level: Level, fields: Fields, message: string): string {
  const values = Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? value.message : value]);
  const v = level === 'error' ? {} : { v: levels[level][1] };
  const line = {
    ts: options.now().getTime(),
    caller: options.component,
    msg: message,
    ...v,
    ...Object.fromEntries(values),
  };
  return `${JSON.stringify(line)}\n`;
}
