import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { kubeApiserverFlags } from '@keelson/component/generated/kube-apiserver-flags';
import { FlagError, type FlagTable, parseFlags } from '@keelson/component/pflag/flags';
import { usage } from '@keelson/component/pflag/usage';
import { copyStore, NotEmptyError } from '@keelson/storage/copy';
import { databaseFile } from '@keelson/storage/lmdb/environment';
import { StoreUnavailableError } from '@keelson/storage/store';
import { storeDirectoryIn } from '../data-directory.ts';
import { descriptions, flags as serverFlags } from '../kube-apiserver/flags.ts';
import { openStoreOf } from '../kube-apiserver/server.ts';
import { StartupError } from '../startup-error.ts';
import { type Command, outcomeOf } from './command.ts';
import type { Io } from './io.ts';

const etcd = { section: 'etcd' } as const;

const flags = {
  'data-dir': { type: 'string', section: 'Source' },
  'etcd-servers': { ...kubeApiserverFlags['etcd-servers'], ...etcd },
  'etcd-prefix': { ...kubeApiserverFlags['etcd-prefix'], ...etcd },
  'etcd-cafile': { ...kubeApiserverFlags['etcd-cafile'], ...etcd },
  'etcd-certfile': { ...kubeApiserverFlags['etcd-certfile'], ...etcd },
  'etcd-keyfile': { ...kubeApiserverFlags['etcd-keyfile'], ...etcd },
  help: { ...kubeApiserverFlags.help, section: 'Global' },
} as const satisfies FlagTable;

const head = `Copies all objects of an embedded store to an etcd that has none. The server that uses the store must be stopped;
the store stays as it is. Events are left behind. What is encrypted stays so, and wants the same configuration.

Usage:
  keelson copy-store --data-dir DIR --etcd-servers URLS [flags]
`;

const own = { 'data-dir': "The folder of keelson up, or of kube-apiserver's embedded store." };

export const command: Command = { flags, descriptions: { ...descriptions, ...own }, run: copyStoreCommand };

/** `keelson copy-store`. @returns the exit code */
export function copyStoreCommand(argv: readonly string[], io: Io): Promise<number> {
  return outcomeOf('keelson copy-store', io, async () => {
    const { values, args } = parseFlags(flags, argv);
    if (values.help) return io.stdout(`${head}${usage(flags, { ...descriptions, ...own }, io.columns)}`);
    if (args.length > 0)
      throw new FlagError(`"keelson copy-store" does not take any arguments, got "${args.join(' ')}"`);
    if (values['data-dir'] === '') throw new FlagError('--data-dir says which store is copied');
    if (values['etcd-servers'].length === 0) throw new FlagError('--etcd-servers says where it is copied to');
    const directory = storeDirectory(resolve(values['data-dir']));
    const defaults = parseFlags(serverFlags, []).values;
    const from = await openStoreOf({ ...defaults, 'data-dir': directory });
    try {
      const to = await openStoreOf({ ...defaults, ...values, 'data-dir': '', 'storage-initialization-timeout': 5_000 });
      const copied = await copyStore(from, to).finally(() => to.close());
      io.stdout(`${copied} keys copied from ${directory} to ${values['etcd-servers'].join(', ')}\n`);
    } catch (error) {
      throw explained(error);
    } finally {
      await from.close();
    }
  });
}

/** @throws StartupError where there is no store: opening one would make it */
function storeDirectory(directory: string): string {
  const found = [storeDirectoryIn(directory), directory].find((each) => existsSync(databaseFile(each)));
  if (found !== undefined) return found;
  throw new StartupError(`there is no embedded store in ${directory}`, 'correct --data-dir');
}

function explained(error: unknown): unknown {
  if (error instanceof NotEmptyError) {
    return new StartupError(
      `etcd is not empty: ${error.message}`,
      'give another etcd or --etcd-prefix, or remove them, where they are of a copy that was broken off',
    );
  }
  if (error instanceof StoreUnavailableError)
    return new StartupError(error.message, 'see to etcd, empty it, and copy again');
  return error;
}
