/** How the network of pods is set, by its file or by its flags. All nodes of a cluster have to have the same. */
import { ConfigFileError, ConfigObject } from '@keelson/component/configfile';
import {
  defaultTunnel,
  TUNNEL_MODES,
  type TunnelMode,
  type TunnelSettings,
} from '@keelson/pod-network/tunnel-settings';
import { readComponentConfig } from '../component-config.ts';
import { StartupError } from '../startup-error.ts';
import type { Values } from './flags.ts';

export const POD_NETWORK_API = { group: 'podnetwork.config.keelson', version: 'v1alpha1' } as const;
export const POD_NETWORK_KIND = 'PodNetworkConfiguration';

/** A PodNetworkConfiguration as it stands in a file. */
export type PodNetworkDocument = Readonly<Record<string, unknown>>;

/** @throws StartupError for a file that cannot be read, and for what makes no sense */
export async function tunnelOf(values: Values): Promise<TunnelSettings> {
  const { config: path, tunnel, 'vxlan-id': id, 'vxlan-port': port } = values;
  const { group, version } = POD_NETWORK_API;
  const document =
    path === ''
      ? { tunnel, vxlan: { id, port } }
      : await readComponentConfig<PodNetworkDocument>(path, `${group}/${version}`, POD_NETWORK_KIND);
  try {
    return decodeTunnel(document);
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error;
    throw new StartupError(error.message, path === '' ? 'correct the flags' : `correct ${path}`);
  }
}

/** The document in full. @param given undefined: all is default @throws ConfigFileError */
export function defaultPodNetwork(given: PodNetworkDocument = {}): PodNetworkDocument {
  const { mode, ...vxlan } = decodeTunnel(given);
  const { group, version } = POD_NETWORK_API;
  return { apiVersion: `${group}/${version}`, kind: POD_NETWORK_KIND, tunnel: mode, vxlan };
}

/** @throws ConfigFileError */
function decodeTunnel({ apiVersion: _, kind: __, ...fields }: PodNetworkDocument): TunnelSettings {
  const object = new ConfigObject(fields);
  const vxlan = object.object('vxlan');
  const mode = object.string('tunnel') || defaultTunnel.mode;
  const [id, port] = [vxlan.integer('id', defaultTunnel.id), vxlan.integer('port', defaultTunnel.port)];
  vxlan.expectNothingElse();
  object.expectNothingElse();
  if (!isMode(mode)) throw new ConfigFileError(`tunnel: "${mode}" is none of ${TUNNEL_MODES.join(', ')}`);
  if (id < 1 || id > MOST_ID) throw new ConfigFileError(`vxlan.id: ${id} is not between 1 and ${MOST_ID}`);
  if (port < 1 || port > MOST_PORT) throw new ConfigFileError(`vxlan.port: ${port} is not between 1 and ${MOST_PORT}`);
  return { mode, id, port };
}

const MOST_ID = 2 ** 24 - 1;
const MOST_PORT = 65_535;

const isMode = (text: string): text is TunnelMode => (TUNNEL_MODES as readonly string[]).includes(text);
