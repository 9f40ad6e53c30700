import { StatusError } from '@keelson/api/errors';
import { AdmissionConfigError } from '@keelson/apiserver/admission/error';
import { ExternalSignerError } from '@keelson/apiserver/authn/serviceaccount/external/error';
import type { StoreOverride } from '@keelson/apiserver/config';
import { EncryptionConfigError } from '@keelson/apiserver/encryption/error';
import { tracedCalls } from '@keelson/apiserver/tracing/calls';
import type { Tracing } from '@keelson/apiserver/tracing/index';
import type { Logger } from '@keelson/component/logs/logger';
import type { Verbosity } from '@keelson/component/logs/verbosity';
import { flagTexts } from '@keelson/component/pflag/flags';
import type { Running } from '@keelson/component/running';
import { openStore } from '@keelson/storage/open';
import { type Store, StoreUnavailableError } from '@keelson/storage/store';
import type { LocalServer } from '../local-transport.ts';
import { StartupError } from '../startup-error.ts';
import { serverConfig } from './config.ts';
import type { Egress } from './egress.ts';
import { flags, type Given, type Values } from './flags.ts';
import { parseOverrides } from './overrides.ts';
import { WatchedFiles } from './reloadable.ts';
import { storageKind } from './validation.ts';

/** `stop` ends it: no new requests, running ones finish, the store is closed. */
export interface RunningServer extends Running, LocalServer {
  readonly port: number;
}

/** Through what others are asked, and who follows that. */
export interface Ways {
  readonly egress?: Egress | undefined;
  readonly tracing?: Tracing | undefined;
}

/** Opens the store that valid flags name. @throws StartupError */
export async function openStoreOf(values: Values, ways: Ways = {}): Promise<Store> {
  try {
    switch (storageKind(values)) {
      case 'memory':
        return await openStore({ engine: 'memory' });
      case 'etcd':
        return await openEtcd(values, values['etcd-servers'], ways);
      default:
        return await openStore({ engine: 'lmdb', directory: values['data-dir'] });
    }
  } catch (error) {
    throw explained(error, values);
  }
}

async function openEtcd(values: Values, endpoints: readonly string[], { egress, tracing }: Ways): Promise<Store> {
  return openStore({
    engine: 'etcd',
    endpoints,
    via: await egress?.relays(endpoints),
    around: tracing && tracedCalls(tracing),
    prefix: values['etcd-prefix'],
    openTimeoutMs: values['storage-initialization-timeout'],
    caFile: values['etcd-cafile'],
    certFile: values['etcd-certfile'],
    keyFile: values['etcd-keyfile'],
  });
}

/** Resources that are kept on the same servers share a store. @throws StoreUnavailableError */
async function openOverrides(values: Values, ways: Ways): Promise<StoreOverride[]> {
  const overrides = parseOverrides(values['etcd-servers-overrides']) ?? [];
  const byServers = Map.groupBy(overrides, ({ servers }) => [...servers].sort().join(';'));
  const opened: StoreOverride[] = [];
  try {
    for (const same of byServers.values()) {
      const store = await openEtcd(values, same[0]!.servers, ways);
      opened.push({ resources: same.map(({ resource }) => resource), store });
    }
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
  return opened;
}

async function closeAll(overrides: readonly StoreOverride[]): Promise<void> {
  await Promise.all(overrides.map(({ store }) => store.close()));
}

/** What an API server is made with, besides its flags. */
export interface StartOptions extends Ways {
  readonly store: Store;
  readonly logger: Logger;
  readonly given?: Given | undefined;
  /** Of the log. */
  readonly verbosity?: Verbosity | undefined;
  /** Makes the files that the flags name, before they are read. */
  readonly prepareFiles?: () => Promise<void>;
}

/**
 * Starts an API server with flags that {@link validate} found nothing wrong with. The store and the ways are its own from here on.
 * @returns when /readyz answers 200
 * @throws StartupError
 */
export async function startServer(
  values: Values,
  { store, logger, given, verbosity, egress, tracing, prepareFiles = async () => {} }: StartOptions,
): Promise<RunningServer> {
  const files = new WatchedFiles(logger);
  let storeOverrides: readonly StoreOverride[] = [];
  try {
    storeOverrides = await openOverrides(values, { egress, tracing });
    const code = import('@keelson/apiserver/server');
    await prepareFiles();
    const config = await serverConfig(values, {
      store,
      logger,
      files,
      given,
      verbosity,
      egress: egress?.selector,
      tracing,
    });
    const { startApiServer } = await code;
    const server = await startApiServer({ ...config, storeOverrides, flags: flagTexts(flags, values) });
    await server.ready;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    return {
      port: server.port,
      done,
      accept: server.accept,
      stop: async () => {
        await server.close();
        files.close();
        await Promise.all([store.close(), closeAll(storeOverrides)]);
        await tracing?.close();
        await egress?.close();
        resolve();
      },
    };
  } catch (error) {
    files.close();
    await Promise.all([store.close(), closeAll(storeOverrides)]);
    await tracing?.close();
    await egress?.close();
    throw explained(error, values);
  }
}

/** Faults that an operator can mend, in words for one; others as they are. */
function explained(error: unknown, values: Values): unknown {
  const address = `port ${values['secure-port']} of ${values['bind-address']}`;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new StartupError(
        `${address} is in use by another process`,
        'stop that process, or choose another --secure-port',
      );
    case 'EACCES':
      return new StartupError(`${address} needs more rights`, 'choose a --secure-port of 1024 or higher');
    case 'EADDRNOTAVAIL':
      return new StartupError(
        `${values['bind-address']} is no address of this machine`,
        'choose another --bind-address',
      );
  }
  if (error instanceof EncryptionConfigError) {
    return new StartupError(error.message, 'correct the file that --encryption-provider-config names');
  }
  if (error instanceof AdmissionConfigError) {
    const remedy = 'correct the file that --admission-control-config-file names';
    return new StartupError(`failed to apply admission: ${error.message}`, remedy);
  }
  if (error instanceof ExternalSignerError) {
    return new StartupError(error.message, 'see to the signer whose socket --service-account-signing-endpoint names');
  }
  if (error instanceof StoreUnavailableError) {
    return storageKind(values) === 'etcd'
      ? new StartupError(`no answer from ${error.message}`, 'start it, or correct --etcd-servers and --etcd-*file')
      : new StartupError(error.message, 'give another --data-dir, or set that one right');
  }
  // Of what every server writes at its start, all but the store's own faults is mended and tried again.
  if (error instanceof StatusError) {
    const remedy = storageKind(values) === 'etcd' ? 'see to etcd' : 'see to the disk that --data-dir is on';
    return new StartupError(`the store does not take what has to be in it: ${error.message}`, remedy);
  }
  return error;
}
