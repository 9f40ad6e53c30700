/** The manifests of static pods: what the kubelet runs of a control plane. */
import { encodeYaml } from '@keelson/api/codec/yaml';
import { keyFile } from './certificates.ts';
import { MANIFESTS_DIR, manifestFile, type StaticPodName } from './layout.ts';
import type { InstallContext } from './phase.ts';
import type { PodEnvironment, PodManifest } from './static-pods.ts';

export async function podEnvironment({
  files,
  layout,
  trustFolders,
  etcdVersion,
  configuration,
}: InstallContext): Promise<PodEnvironment> {
  return {
    hostPath: (path) => layout.host(path),
    trustFolders,
    etcdVersion,
    keepsAuthorityKey: await files.exists(keyFile(configuration.cluster, 'ca')),
  };
}

/** Writes a manifest where it is not there as it should be; the kubelet starts the pod anew when it changes. */
export async function writeManifest(
  { files, layout, report }: InstallContext,
  phase: string,
  name: StaticPodName,
  pod: PodManifest,
): Promise<void> {
  const path = manifestFile(name);
  const text = encodeYaml(pod).toString();
  if ((await files.read(path)) === text) return report(`[${phase}] kept ${layout.local(path)}`);
  await files.makeDirectory(MANIFESTS_DIR, 0o700);
  await files.write(path, text);
  report(`[${phase}] wrote ${layout.local(path)}`);
}
