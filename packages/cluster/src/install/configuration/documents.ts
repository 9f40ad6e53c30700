/** The file of `--config`: documents of kubeadm's kinds, and those of the kubelet, the proxy and the network of pods passed through. */
import { decodeConfidentialYaml, yamlDocuments } from '@keelson/api/codec/yaml';
import { parseApiVersion } from '@keelson/api/object';
import { ConfigFileError, ConfigObject } from '@keelson/component/configfile';
import { defaultPodNetwork, POD_NETWORK_API, POD_NETWORK_KIND } from '../../pod-network/configuration.ts';
import { decodeCluster } from './cluster.ts';
import { decodeInit } from './init.ts';
import { defaultKubeProxy } from './kube-proxy.ts';
import { defaultKubelet } from './kubelet.ts';
import type { Configuration, InitConfiguration, MachineFacts } from './types.ts';
import { validateConfiguration } from './validation.ts';

const KUBEADM_GROUP = 'kubeadm.k8s.io';
const KUBELET_GROUP = 'kubelet.config.k8s.io';

/** Documents by kind, as the file has them. */
export type Documents = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

/** Kinds that a file may hold beside what the command reads. */
const known: Readonly<Record<string, { readonly group: string; readonly version: string }>> = {
  InitConfiguration: { group: KUBEADM_GROUP, version: 'v1beta4' },
  ClusterConfiguration: { group: KUBEADM_GROUP, version: 'v1beta4' },
  JoinConfiguration: { group: KUBEADM_GROUP, version: 'v1beta4' },
  ResetConfiguration: { group: KUBEADM_GROUP, version: 'v1beta4' },
  UpgradeConfiguration: { group: KUBEADM_GROUP, version: 'v1beta4' },
  KubeletConfiguration: { group: KUBELET_GROUP, version: 'v1beta1' },
  KubeProxyConfiguration: { group: 'kubeproxy.config.k8s.io', version: 'v1alpha1' },
  [POD_NETWORK_KIND]: POD_NETWORK_API,
};

/**
 * Splits a file into its documents.
 * @throws ConfigFileError for no YAML, a key given twice, an unknown kind or version, or a kind that comes twice
 */
export function readDocuments(text: string): Documents {
  const documents = new Map<string, Readonly<Record<string, unknown>>>();
  let line = 0;
  for (const part of yamlDocuments(text)) {
    // So that lines are those of the file.
    const { value, duplicates } = decodeDocument('\n'.repeat(line) + part);
    line += part.split('\n').length - 1;
    if (value === null || value === undefined) continue;
    if (duplicates.length > 0) throw new ConfigFileError(duplicates.join('; '));
    const object = new ConfigObject(value);
    const [apiVersion, kind] = [object.string('apiVersion'), object.string('kind')];
    const { group, version } = parseApiVersion(apiVersion);
    const expected = known[kind];
    if (expected === undefined || expected.group !== group)
      throw new ConfigFileError(
        `kind "${kind}" of "${apiVersion}" is unknown here: the file may hold ${Object.keys(known).join(', ')}`,
      );
    if (expected.version !== version)
      throw new ConfigFileError(`${kind} of ${apiVersion} is too old or too new: write ${group}/${expected.version}`);
    if (documents.has(kind)) throw new ConfigFileError(`there is more than one ${kind}`);
    documents.set(kind, value as Record<string, unknown>);
  }
  return documents;
}

function decodeDocument(text: string) {
  try {
    return decodeConfidentialYaml(text);
  } catch (error) {
    throw new ConfigFileError((error as Error).message);
  }
}

/** One of the documents to be read field by field; an empty one where the file has none. */
export function documentOf(documents: Documents, kind: string): ConfigObject {
  const { apiVersion: _, kind: __, ...fields } = documents.get(kind) ?? {};
  return new ConfigObject(fields);
}

/**
 * The configuration of an installation from its documents, with defaults.
 * @throws ConfigFileError that names the document and the field, or lists all values that do not do
 */
export function configurationOf(documents: Documents, machine: MachineFacts): Configuration {
  const init = within('InitConfiguration', () => decodeInit(documentOf(documents, 'InitConfiguration'), machine));
  return configurationFor(documents, init);
}

/** The same for a machine that says what is its own in another way. @throws ConfigFileError */
export function configurationFor(documents: Documents, init: InitConfiguration): Configuration {
  const cluster = within('ClusterConfiguration', () => decodeCluster(documentOf(documents, 'ClusterConfiguration')));
  const kubeProxy = defaultKubeProxy(documents.get('KubeProxyConfiguration'), init, cluster);
  const podNetwork = within(POD_NETWORK_KIND, () => defaultPodNetwork(documents.get(POD_NETWORK_KIND)));
  const problems = validateConfiguration(init, cluster, kubeProxy);
  if (problems.length > 0) throw new ConfigFileError(problems.join('; '));
  const kubelet = defaultKubelet(documents.get('KubeletConfiguration'), cluster);
  return { init, cluster, kubelet, kubeProxy, podNetwork };
}

function within<T>(kind: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error;
    throw new ConfigFileError(`${kind}: ${error.message}`);
  }
}
