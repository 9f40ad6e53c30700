/** From what was asked for to what phases work with. */
import { readFile } from 'node:fs/promises';
import type { World } from '@keelson/client';
import { ConfigFileError } from '@keelson/component/configfile';
import { readFault } from '../data-directory.ts';
import { StartupError } from '../startup-error.ts';
import { administratorApi, apiOnDemand } from './api.ts';
import { newCertificateKey } from './certificate-key.ts';
import { configurationOf, type Documents, readDocuments } from './configuration/documents.ts';
import { DiskFiles, DryRunFiles } from './files.ts';
import { Layout, type LayoutOptions } from './layout.ts';
import { etcdVersion, machineFacts, trustFolders } from './machine.ts';
import { readPatches } from './patches.ts';
import type { InstallContext } from './phase.ts';
import { findProgram } from './systemd/programs.ts';
import { hasSystemd, systemdServices } from './systemd/services.ts';

export interface InstallRequest {
  readonly layout: LayoutOptions;
  /** The file of `--config`; undefined: all is default. */
  readonly configFile?: string | undefined;
  /** What is set in place of the file's values. */
  readonly settings?: readonly Setting[];
  readonly dryRun?: boolean;
  readonly systemd?: boolean;
  /** Folder of the programs that units run; empty: where they are found. */
  readonly programs?: string;
  /** The PATH. */
  readonly path?: string | undefined;
  readonly skipTokenPrint?: boolean;
  readonly uploadCerts?: boolean;
  readonly skipCertificateKeyPrint?: boolean;
  readonly world: World;
  report(line: string): void;
}

/** A field of a document, by its path. */
export interface Setting {
  readonly kind:
    | 'InitConfiguration'
    | 'ClusterConfiguration'
    | 'JoinConfiguration'
    | 'PodNetworkConfiguration'
    | 'UpgradeConfiguration';
  readonly path: readonly string[];
  readonly value: unknown;
}

/** `close` when all is done. @throws StartupError for a file that cannot be read, or says what makes no sense */
export async function installContext(request: InstallRequest): Promise<InstallContext & { close(): Promise<void> }> {
  const layout = new Layout(request.layout);
  const documents = await configurationDocuments(request);
  const machine = await machineFacts();
  const configuration = explained(() => configurationOf(documents, machine), request.configFile);
  const { systemd = false, world } = request;
  const dryRun = request.dryRun === true || configuration.init.dryRun;
  const report = dryRun ? (line: string) => request.report(`(dry run) ${line}`) : request.report;
  const disk = new DiskFiles(layout);
  const services = layout.root === '' && !dryRun && hasSystemd() ? systemdServices : undefined;
  const onDemand = apiOnDemand({ dryRun, report }, () => administratorApi(context, world));
  const context: InstallContext = {
    configuration,
    layout,
    files: dryRun ? new DryRunFiles(disk) : disk,
    clock: world.clock,
    dryRun,
    systemd,
    hostname: machine.hostname,
    trustFolders: trustFolders(layout),
    patches: configuration.init.patchesDirectory === '' ? [] : await readPatches(configuration.init.patchesDirectory),
    etcdVersion: layout.isThisMachine ? await etcdVersion() : '',
    program: findProgram(request.programs ?? '', request.path),
    services,
    skipTokenPrint: request.skipTokenPrint === true,
    upload: request.uploadCerts
      ? {
          key: configuration.init.certificateKey || newCertificateKey(),
          skipPrint: request.skipCertificateKeyPrint === true,
        }
      : undefined,
    report,
    api: onDemand.api,
  };
  return { ...context, close: onDemand.close };
}

/** The documents of the file with the settings in them. @throws StartupError */
export async function configurationDocuments({
  configFile,
  settings = [],
}: Pick<InstallRequest, 'configFile' | 'settings'>): Promise<Documents> {
  const text = configFile === undefined ? '' : await readConfiguration(configFile);
  const documents = new Map(explained(() => readDocuments(text), configFile));
  for (const { kind, path, value } of settings) documents.set(kind, withField(documents.get(kind) ?? {}, path, value));
  return documents;
}

async function readConfiguration(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new StartupError(`cannot read ${file}: ${readFault(error)}`, 'correct --config');
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
export function explained<T>(read: () => T, file = 'the configuration'): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error;
    throw new StartupError(`${file}: ${error.message}`, 'correct it');
  }
}
