import { aggregateText } from '@keelson/api/aggregate';
import { versionInfo } from '@keelson/apiserver/health/root';
import { quote } from '@keelson/component/go/strconv';
import type { Logger } from '@keelson/component/logs/logger';
import type { Verbosity } from '@keelson/component/logs/verbosity';
import { FlagError, type FlagTable, type FlagValues, parseFlags, showFlag } from '@keelson/component/pflag/flags';
import { type FlagDescriptions, usage } from '@keelson/component/pflag/usage';
import type { Running } from '@keelson/component/running';
import { isNotified, notifier } from '@keelson/component/systemd/notify';
import { KUBERNETES_VERSION } from '@keelson/component/version';
import { StartupError } from '../startup-error.ts';
import type { Io } from './io.ts';
import { behindFlags, type Log, type LoggingFile, type LoggingValues, loggingErrors, openLog } from './logging.ts';

/** A program of the control plane with upstream's name and flags. */
export interface Component<F extends FlagTable> {
  /** `kube-scheduler` */
  readonly name: string;
  /** One or two sentences for the help. */
  readonly summary: string;
  readonly flags: F;
  /** What the help says of the flags that have an effect; the others are read and change nothing. */
  readonly descriptions: FlagDescriptions;
  /** What the component's configuration file says of logs, of which its field `logging` is. @throws StartupError */
  loggingFile?(values: FlagValues<F>): Promise<LoggingFile>;
  /** @returns what is wrong with the flags taken together, in upstream's words */
  validate(values: FlagValues<F>, given: ReadonlySet<keyof F & string>): readonly string[];
  /** Resolves when it is at work. @throws StartupError */
  start(
    values: FlagValues<F>,
    given: ReadonlySet<keyof F & string>,
    logger: Logger,
    verbosity: Verbosity,
  ): Promise<Running>;
}

/** The values that every component's flags have. */
interface CommonValues extends LoggingValues {
  readonly help: boolean;
  readonly version: string;
}

/** Runs a component until the process is asked to end, or the component has to. @returns the exit code */
export async function runComponent<F extends FlagTable>(
  component: Component<F>,
  argv: readonly string[],
  io: Io,
): Promise<number> {
  const { name } = component;
  const parsed = read(component, argv, io);
  if (typeof parsed === 'number') return parsed;
  process.title = [name, ...argv].join(' ');
  const { values, problem } = await loggingOf(component, parsed);
  const log = openLog(name, problem === undefined ? values : { 'logging-format': 'text', v: values.v }, io);
  try {
    return problem === undefined ? await run(component, parsed, log, io) : fail(log.logger, problem);
  } finally {
    log.close();
  }
}

/** @returns how to log, and what is wrong with that */
async function loggingOf<F extends FlagTable>(
  component: Component<F>,
  { values: flags, given }: Parsed<F>,
): Promise<{ readonly values: LoggingValues; readonly problem?: string | undefined }> {
  const common = flags as unknown as CommonValues;
  if (!component.loggingFile) {
    const errors = loggingErrors(common);
    return { values: common, problem: errors.length > 0 ? aggregateText(errors) : undefined };
  }
  try {
    const values = behindFlags(common, given, await component.loggingFile(flags));
    const errors = loggingErrors(values).map((error) => `logging.${error}`);
    return { values, problem: errors.length > 0 ? `initialize logging: ${aggregateText(errors)}` : undefined };
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    return { values: common, problem: textOf(error) };
  }
}

interface Parsed<F extends FlagTable> {
  readonly values: FlagValues<F>;
  readonly given: ReadonlySet<keyof F & string>;
}

async function run<F extends FlagTable>(
  component: Component<F>,
  { values, given }: Parsed<F>,
  { logger, verbosity }: Log,
  io: Io,
): Promise<number> {
  const { flags } = component;
  for (const [flag, value] of Object.entries(values)) logger.debug({}, `FLAG: ${showFlag(flags, flag, value)}`);
  const idle = [...given].filter((flag) => component.descriptions[flag] === undefined);
  if (idle.length > 0) logger.warn({ flags: idle.map((flag) => `--${flag}`) }, 'These flags have no effect yet');
  const errors = component.validate(values, given);
  if (errors.length > 0) return fail(logger, aggregateText(errors));
  try {
    const running = await component.start(values, given, logger, verbosity);
    if (isNotified(io.env)) notifier(io.env)('READY=1').catch((error) => notTold(logger, error));
    await Promise.race([new Promise<void>((resolve) => io.onStop(resolve)), running.done]);
    await running.stop();
    return 0;
  } catch (error) {
    if (error instanceof StartupError) return fail(logger, textOf(error));
    if (error instanceof Error && error.name === 'LeadLostError') return fail(logger, error.message);
    throw error;
  }
}

const textOf = ({ message, remedy }: StartupError) => `${message}: ${remedy}`;

function notTold(logger: Logger, { message }: Error): void {
  logger.warn({ err: message }, 'The service manager could not be told that this is ready');
}

/** What the help says of all flags of a component. */
export const helpTexts = (flags: FlagTable, descriptions: FlagDescriptions): FlagDescriptions => ({
  ...Object.fromEntries(Object.keys(flags).map((flag) => [flag, 'No effect yet.'])),
  ...descriptions,
});

function read<F extends FlagTable>(
  { name, summary, flags, descriptions }: Component<F>,
  argv: readonly string[],
  io: Io,
): Parsed<F> | number {
  let parsed: ReturnType<typeof parseFlags<F>>;
  try {
    parsed = parseFlags(flags, argv);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    return refuse(io, error.message);
  }
  const { values, given, args } = parsed;
  for (const flag of given) {
    if (flags[flag]?.deprecated) {
      io.stderr(`Flag --${flag} has been deprecated, it will be removed in a future version.\n`);
    }
  }
  const common = values as unknown as CommonValues;
  if (common.help) {
    io.stdout(`${summary}\n\nUsage:\n  ${name} [flags]\n${usage(flags, helpTexts(flags, descriptions), io.columns)}`);
    return 0;
  }
  if (args.some((argument) => argument !== '')) {
    return refuse(io, `"${name}" does not take any arguments, got [${args.map(quote).join(' ')}]`);
  }
  if (common.version === 'true') io.stdout(`Kubernetes ${KUBERNETES_VERSION.gitVersion}\n`);
  else if (common.version === 'raw') io.stdout(`${JSON.stringify(versionInfo(process))}\n`);
  else return parsed;
  return 0;
}

function refuse(io: Io, message: string): number {
  io.stderr(`Error: ${message}\n`);
  return 1;
}

function fail(logger: Logger, message: string): number {
  logger.error({ err: message }, 'command failed');
  return 1;
}
