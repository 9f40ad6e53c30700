/** Which credentials open images to pods, and which pods may use what is here already. */
import { join } from 'node:path';
import type { Client } from '@keelson/client';
import type { PodObjects } from '../environment/objects.ts';
import type { KubeletOptions } from '../options.ts';
import type { PodTokens } from '../volumes/tokens.ts';
import { accountsOf } from './accounts.ts';
import { credentialsOfPod } from './credentials.ts';
import type { ImageManagerOptions } from './manager.ts';
import { CredentialProviders } from './providers.ts';
import { PullRecords } from './pull-records.ts';

export interface PullsOptions {
  readonly client: Client;
  readonly settings: Pick<
    KubeletOptions,
    'runtime' | 'rootDirectory' | 'imageVerification' | 'credentialProviders' | 'serializeImagePulls'
  >;
  readonly objects: PodObjects;
  readonly tokens: PodTokens;
}

export interface Pulls extends Pick<ImageManagerOptions, 'serialize' | 'credentials'> {
  readonly records: PullRecords;
}

/** With what a kubelet before has left. */
export async function pullsOf({ client, settings, objects, tokens }: PullsOptions): Promise<Pulls> {
  const { runtime, rootDirectory, imageVerification, credentialProviders: given } = settings;
  const records = new PullRecords({
    directory: join(rootDirectory, 'image_manager'),
    clock: client.world.clock,
    policy: imageVerification?.policy ?? 'NeverVerifyPreloadedImages',
    allowlist: imageVerification?.allowlist ?? [],
  });
  await records.restore(() => runtime.images());
  const providers =
    given && new CredentialProviders(given.configurations, given.directory, accountsOf(client, tokens), client.world);
  return {
    serialize: settings.serializeImagePulls ?? true,
    records,
    credentials: (pod, repository) => credentialsOfPod(pod, repository, objects, providers),
  };
}
