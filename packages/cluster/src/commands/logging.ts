/** How a component logs, as its flags say (k8s.io/component-base/logs/api/v1). */
import { Quantity } from '@keelson/api/quantity';
import { FeatureGateError, FeatureGates, parseFeatureGates } from '@keelson/component/featuregate/featuregate';
import { formatDuration } from '@keelson/component/go/duration';
import { quote } from '@keelson/component/go/strconv';
import { createLogger, type Logger } from '@keelson/component/logs/logger';
import { logOutput } from '@keelson/component/logs/output';
import { type ModuleLevel, Verbosity } from '@keelson/component/logs/verbosity';
import type { FlagDescriptions } from '@keelson/component/pflag/usage';
import { durationOf } from '../component-config.ts';
import type { Io } from './io.ts';

type Gates = ReadonlyMap<string, boolean> | ReadonlyMap<string, readonly string[]>;

/** Components that are not upstream's have the first two alone. */
export interface LoggingValues {
  readonly v: number;
  readonly 'logging-format': string;
  readonly vmodule?: readonly ModuleLevel[];
  readonly 'log-flush-frequency'?: number;
  readonly 'log-text-split-stream'?: boolean;
  readonly 'log-text-info-buffer-size'?: string;
  readonly 'log-json-split-stream'?: boolean;
  readonly 'log-json-info-buffer-size'?: string;
  readonly 'feature-gates'?: Gates;
}

/** What a component's configuration file says of logs (LoggingConfiguration), and of gates, which decide about them. */
export interface LoggingFile {
  readonly logging?: {
    readonly format?: string;
    /** As Go writes durations, or nanoseconds. */
    readonly flushFrequency?: string | number;
    readonly verbosity?: number;
    readonly vmodule?: readonly { readonly filePattern: string; readonly verbosity: number }[];
    readonly options?: { readonly text?: OutputOptions; readonly json?: OutputOptions };
  } | null;
  readonly featureGates?: Readonly<Record<string, boolean>> | null;
}

interface OutputOptions {
  readonly splitStream?: boolean;
  readonly infoBufferSize?: string | number;
}

/**
 * The values of flags, where flags that were not given say what the file says.
 * @throws StartupError for a time that is none
 */
export function behindFlags<V extends LoggingValues>(
  values: V,
  given: ReadonlySet<string>,
  { logging, featureGates }: LoggingFile,
): V {
  const { format, flushFrequency, verbosity, vmodule, options } = logging ?? {};
  const flushMs = typeof flushFrequency === 'string' ? durationOf(flushFrequency) : (flushFrequency ?? 0) / 1e6;
  const sizeOf = (output: OutputOptions | undefined) =>
    output?.infoBufferSize === undefined ? undefined : String(output.infoBufferSize);
  // Empty values mean the same as none.
  const said: Partial<LoggingValues> = {
    ...(verbosity ? { v: verbosity } : {}),
    ...(format ? { 'logging-format': format } : {}),
    ...(vmodule ? { vmodule: vmodule.map(({ filePattern: pattern, verbosity: level }) => ({ pattern, level })) } : {}),
    ...(flushMs === 0 ? {} : { 'log-flush-frequency': flushMs }),
    'log-text-split-stream': options?.text?.splitStream,
    'log-text-info-buffer-size': sizeOf(options?.text),
    'log-json-split-stream': options?.json?.splitStream,
    'log-json-info-buffer-size': sizeOf(options?.json),
  };
  const gates = new Map([...Object.entries(featureGates ?? {}), ...(values['feature-gates'] ?? [])] as [
    string,
    boolean,
  ][]);
  const fromFile = Object.entries(said).filter(([flag, value]) => value !== undefined && !given.has(flag));
  return { ...values, ...Object.fromEntries(fromFile), 'feature-gates': gates };
}

export const loggingDescriptions = {
  'log-flush-frequency': 'How often log lines that are gathered are written.',
  'log-json-info-buffer-size': 'The same for JSON.',
  'log-json-split-stream': 'The same for JSON.',
  'log-text-info-buffer-size':
    'Bytes of log lines that are gathered before they are written, with --log-text-split-stream; 0: none.',
  'log-text-split-stream':
    'Write what is no error to the standard output, errors to the standard error. For the gate LoggingAlphaOptions, which is off by default.',
  vmodule: 'How much single source files log, by patterns of their names without the ending: server=4,watch*=4.',
} as const satisfies FlagDescriptions;

/** Gates that decide about logs. */
export const LOGGING_GATES = ['LoggingAlphaOptions', 'LoggingBetaOptions'] as const;

/** @returns what is wrong with the flags of logs, in upstream's words; nothing where the gates themselves are wrong */
export function loggingErrors(values: LoggingValues): string[] {
  const gates = gatesOf(values['feature-gates']);
  if (gates === undefined) return [];
  const { 'logging-format': format, 'log-flush-frequency': frequency = 1, vmodule = [] } = values;
  const isKnown = format === 'text' || format === 'json';
  const errors = [
    frequency <= 0 && `flushFrequency: Invalid value: ${quote(formatDuration(frequency))}: Must be greater than zero`,
    !isKnown && `format: Invalid value: ${quote(format)}: Unsupported log format`,
    format === 'json' &&
      !gates.enabled('LoggingBetaOptions') &&
      'format: Forbidden: Log format json is disabled, see LoggingBetaOptions feature',
    vmodule.length > 0 && !['', 'text'].includes(format) && 'vmodule: Forbidden: Only supported for text log format',
    ...vmodule.map(moduleError),
    ...(gates.enabled('LoggingAlphaOptions') ? [] : FORMATS.flatMap((each) => forbiddenOptions(values, each))),
  ];
  return errors.filter((error) => error !== false);
}

function moduleError({ pattern }: ModuleLevel, i: number): string | false {
  if (pattern === '') return `vmodule[${i}]: Required value: File pattern must not be empty`;
  if (!/[=,]/.test(pattern)) return false;
  return `vmodule[${i}]: Invalid value: ${quote(pattern)}: File pattern must not contain equal sign or comma`;
}

export interface Log {
  readonly logger: Logger;
  readonly verbosity: Verbosity;
  /** When no more is logged. */
  readonly close: () => void;
}

/** @param values without errors */
export function openLog(component: string, values: LoggingValues, io: Io): Log {
  const format = values['logging-format'] === 'json' ? 'json' : 'text';
  const bufferBytes = bytesOf(values[`log-${format}-info-buffer-size`]);
  const splits = values[`log-${format}-split-stream`] ?? false;
  const { write, flush } = logOutput(io, { splits, bufferBytes });
  const timer = splits && bufferBytes > 0 ? setInterval(flush, values['log-flush-frequency']).unref() : undefined;
  const verbosity = new Verbosity(values.v, values.vmodule);
  const logger = createLogger({ format, verbosity, component, pid: process.pid, now: () => new Date(), write });
  const close = () => {
    clearInterval(timer);
    flush();
  };
  return { logger, verbosity, close };
}

const FORMATS = ['text', 'json'] as const;

function forbiddenOptions(values: LoggingValues, format: (typeof FORMATS)[number]): (string | false)[] {
  const forbidden = (option: string) =>
    `options.${format}.${option}: Forbidden: Feature LoggingAlphaOptions is disabled`;
  return [
    values[`log-${format}-split-stream`] === true && forbidden('splitStream'),
    bytesOf(values[`log-${format}-info-buffer-size`]) !== 0 && forbidden('infoBufferSize'),
  ];
}

/** A quantity that was checked, '' for none. */
const bytesOf = (quantity = '') => (quantity === '' ? 0 : Number(Quantity.parse(quantity).value()));

function gatesOf(flag: LoggingValues['feature-gates'] = new Map()): FeatureGates | undefined {
  try {
    return isPlain(flag) ? new FeatureGates(flag) : parseFeatureGates(flag);
  } catch (error) {
    if (error instanceof FeatureGateError) return undefined;
    throw error;
  }
}

/** The kubelet's and the proxy's gates are no lists by component. */
function isPlain(flag: Gates): flag is ReadonlyMap<string, boolean> {
  return [...flag.values()].every((value) => typeof value === 'boolean');
}
