/** From what was asked for to what phases work with. */
import { readFile } from 'node:fs/promises';
import type { Clock } from '@keelson/api/clock';
import { ConfigFileError } from '@keelson/component/configfile';
import { StartupError } from '../startup-error.ts';
import { configurationOf, type Documents, readDocuments } from './configuration/documents.ts';
import { DiskFiles, DryRunFiles } from './files.ts';
import { Layout, type LayoutOptions } from './layout.ts';
import { etcdVersion, machineFacts, trustFolders } from './machine.ts';
import type { InstallContext } from './phase.ts';

export interface InstallRequest {
  readonly layout: LayoutOptions;
  /** The file of `--config`; undefined: all is default. */
  readonly configFile?: string | undefined;
  /** What is set in place of the file's values. */
  readonly settings?: readonly Setting[];
  readonly dryRun?: boolean;
  readonly systemd?: boolean;
  readonly clock: Clock;
  report(line: string): void;
}

/** A field of a document, by its path. */
export interface Setting {
  readonly kind: 'InitConfiguration' | 'ClusterConfiguration' | 'JoinConfiguration';
  readonly path: readonly string[];
  readonly value: unknown;
}

/** @throws StartupError for a file that cannot be read, or says what makes no sense */
export async function installContext(request: InstallRequest): Promise<InstallContext> {
  const layout = new Layout(request.layout);
  const documents = await configurationDocuments(request);
  const machine = await machineFacts();
  const configuration = explained(() => configurationOf(documents, machine));
  const { clock, report, systemd = false } = request;
  const dryRun = request.dryRun === true || configuration.init.dryRun;
  const disk = new DiskFiles(layout);
  return {
    configuration,
    layout,
    files: dryRun ? new DryRunFiles(disk) : disk,
    clock,
    dryRun,
    systemd,
    trustFolders: trustFolders(layout),
    etcdVersion: layout.isThisMachine ? await etcdVersion() : '',
    report,
  };
}

/** The documents of the file with the settings in them. @throws StartupError */
export async function configurationDocuments({
  configFile,
  settings = [],
}: Pick<InstallRequest, 'configFile' | 'settings'>): Promise<Documents> {
  const text = configFile === undefined ? '' : await readConfiguration(configFile);
  const documents = new Map(explained(() => readDocuments(text)));
  for (const { kind, path, value } of settings) documents.set(kind, withField(documents.get(kind) ?? {}, path, value));
  return documents;
}

async function readConfiguration(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new StartupError(`cannot read ${file}: ${(error as Error).message}`, 'correct --config');
  }
}

function withField(
  object: Readonly<Record<string, unknown>>,
  [name, ...rest]: readonly string[],
  value: unknown,
): Record<string, unknown> {
  if (name === undefined) return object;
  const inner = (object[name] ?? {}) as Record<string, unknown>;
  return { ...object, [name]: rest.length === 0 ? value : withField(inner, rest, value) };
}

/** @throws StartupError in place of an error of the configuration */
export function explained<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error;
    throw new StartupError(`the configuration: ${error.message}`, 'correct it');
  }
}
