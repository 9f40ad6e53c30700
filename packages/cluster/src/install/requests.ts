/** Keys, and what an authority whose key is elsewhere is to sign for them (kubeadm/app/cmd/certs.go, generate-csr). */
import { basename } from 'node:path';
import { certificates } from '../pki/catalogue.ts';
import { createRequest } from '../pki/certificate.ts';
import { StartupError } from '../startup-error.ts';
import { certificateFile, keyFile, machineNames } from './certificates.ts';
import { kubeconfigs, kubeconfigText } from './kubeconfigs.ts';
import { KUBECONFIG_FILES, type KubeconfigName } from './layout.ts';
import type { InstallContext } from './phase.ts';

/**
 * Writes a key and a request for each certificate of an installation, and for each kubeconfig one that lacks its certificate.
 * @param kubeconfigDir where kubeconfigs go
 * @throws StartupError where one of them is there already: nothing is written
 */
export async function generateRequests(context: InstallContext, kubeconfigDir: string): Promise<void> {
  const { configuration, files, layout, report } = context;
  const { cluster } = configuration;
  const used = certificates.filter(({ authority }) => cluster.etcd.local || authority !== 'etcd/ca');
  const paths = used.map(({ file }) => ({ key: keyFile(cluster, file), request: requestFile(cluster, file) }));
  const access = (Object.keys(kubeconfigs) as KubeconfigName[]).map((name) => {
    const path = `${kubeconfigDir}/${basename(KUBECONFIG_FILES[name])}`;
    return { name, path, request: `${path}.csr` };
  });
  const all = [
    ...paths.flatMap(({ key, request }) => [key, request]),
    ...access.flatMap((each) => [each.path, each.request]),
  ];
  for (const path of all)
    if (await files.exists(path))
      throw new StartupError(
        `${layout.local(path)} already exists`,
        'move it away, or give another --cert-dir and --kubeconfig-dir',
      );
  const names = machineNames(configuration);
  for (const [i, definition] of used.entries()) {
    const { request, key } = await createRequest(definition.profile(names), cluster.encryptionAlgorithm);
    await files.write(paths[i]!.key, key);
    await files.write(paths[i]!.request, request);
    report(`[certs] wrote ${layout.local(paths[i]!.request)} and its key`);
  }
  for (const { name, path, request: requestPath } of access) {
    const { server, profile } = kubeconfigs[name];
    const wanted = profile(configuration);
    const { request, key } = await createRequest(wanted, cluster.encryptionAlgorithm);
    const content = {
      clusterName: cluster.clusterName,
      server: server(configuration),
      certificateAuthority: (await files.read(certificateFile(cluster, 'ca'))) ?? '',
      user: wanted.commonName,
      credentials: { key },
    };
    await files.write(path, kubeconfigText(content));
    await files.write(requestPath, request);
    report(`[kubeconfig] wrote ${layout.local(path)} without its certificate, and ${layout.local(requestPath)}`);
  }
}

const requestFile = (cluster: InstallContext['configuration']['cluster'], file: string) =>
  certificateFile(cluster, file).replace(/crt$/, 'csr');
