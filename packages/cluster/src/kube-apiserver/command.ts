import { KUBERNETES_VERSION, versionInfo } from '@keelson/apiserver/health/root';
import { quote } from '@keelson/component/go/strconv';
import { createLogger, type Logger } from '@keelson/component/logs/logger';
import { FlagError, type ParsedFlags, parseFlags, showFlag } from '@keelson/component/pflag/flags';
import { type FlagDescriptions, usage } from '@keelson/component/pflag/usage';
import type { Io } from '../commands/io.ts';
import { StartupError } from '../startup-error.ts';
import { descriptions, flags, hasEffect, type Values } from './flags.ts';
import { openStoreOf, startServer } from './server.ts';
import { validate } from './validation.ts';

const head = `The Kubernetes API server: serves the REST API in front of etcd, or of a store of its own.

Usage:
  kube-apiserver [flags]
`;

const helpTexts: FlagDescriptions = {
  ...Object.fromEntries(Object.keys(flags).map((name) => [name, 'No effect yet.'])),
  ...descriptions,
};

/** `kube-apiserver`: runs until the process is asked to end. @returns the exit code */
export async function kubeApiserver(argv: readonly string[], io: Io): Promise<number> {
  const parsed = read(argv, io);
  if (typeof parsed === 'number') return parsed;
  const { values, given } = parsed;
  process.title = ['kube-apiserver', ...argv].join(' ');
  const logger = createLogger({
    format: values['logging-format'] === 'json' ? 'json' : 'text',
    verbosity: values.v,
    component: 'kube-apiserver',
    pid: process.pid,
    now: () => new Date(),
    write: io.stderr,
  });
  logFlags(values, logger);
  const idle = [...given].filter((name) => !hasEffect(name));
  if (idle.length > 0) logger.warn({ flags: idle.map((name) => `--${name}`) }, 'These flags have no effect yet');
  const errors = validate(values, given);
  if (errors.length > 0) return fail(logger, errors.length === 1 ? errors[0]! : `[${errors.join(', ')}]`);
  try {
    const server = await startServer(values, await openStoreOf(values), logger);
    logger.info({ port: server.port, milliseconds: Math.round(performance.now()) }, 'Serving');
    await new Promise<void>((resolve) => io.onStop(resolve));
    await server.stop();
    return 0;
  } catch (error) {
    if (error instanceof StartupError) return fail(logger, `${error.message}: ${error.remedy}`);
    throw error;
  }
}

function read(argv: readonly string[], io: Io): ParsedFlags<typeof flags> | number {
  let parsed: ParsedFlags<typeof flags>;
  try {
    parsed = parseFlags(flags, argv);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    return refuse(io, error.message);
  }
  const { values, given, args } = parsed;
  for (const name of given) {
    if (flags[name] !== undefined && 'deprecated' in flags[name]) {
      io.stderr(`Flag --${name} has been deprecated, it will be removed in a future version.\n`);
    }
  }
  if (values.help) {
    io.stdout(`${head}${usage(flags, helpTexts, io.columns)}`);
    return 0;
  }
  if (args.some((argument) => argument !== '')) {
    return refuse(io, `"kube-apiserver" does not take any arguments, got [${args.map(quote).join(' ')}]`);
  }
  if (values.version === 'true') io.stdout(`Kubernetes ${KUBERNETES_VERSION.gitVersion}\n`);
  else if (values.version === 'raw') io.stdout(`${JSON.stringify(versionInfo(process))}\n`);
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

function logFlags(values: Values, logger: Logger): void {
  for (const [name, value] of Object.entries(values)) {
    logger.debug({}, `FLAG: ${showFlag(flags, name, value)}`);
  }
}
