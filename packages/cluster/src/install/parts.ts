/** What runs the parts of a control plane: a manifest for the kubelet, or a unit of systemd; never both. */
import { encodeYaml } from '@keelson/api/codec/yaml';
import { StartupError } from '../startup-error.ts';
import { keyFile } from './certificates.ts';
import type { EtcdMember } from './command-lines.ts';
import { type ControlPlaneComponent, MANIFESTS_DIR, manifestFile, type StaticPodName, unitFile } from './layout.ts';
import { patched } from './patches.ts';
import type { InstallContext } from './phase.ts';
import { controlPlanePod, etcdPod, type PodEnvironment, type PodManifest } from './static-pods.ts';
import { controlPlaneUnit, etcdUnit, type UnitEnvironment } from './systemd/units.ts';
import { ensureFile } from './written.ts';

/** Has a part of the control plane run on this machine. @throws StartupError where it is run in the other way already */
export async function ensureControlPlanePart(context: InstallContext, component: ControlPlaneComponent): Promise<void> {
  const { configuration, systemd } = context;
  const environment = await environmentOf(context);
  if (systemd)
    await ensureUnit(context, 'control-plane', component, controlPlaneUnit(component, configuration, environment));
  else
    await ensureManifest(context, 'control-plane', component, controlPlanePod(component, configuration, environment));
}

/**
 * Has etcd run on this machine.
 * @param members of the cluster that it joins, itself included; none where it is the first
 */
export async function ensureEtcd(context: InstallContext, members: readonly EtcdMember[] = []): Promise<void> {
  const { configuration, files, layout, report, systemd } = context;
  const { dataDir } = configuration.cluster.etcd.local!;
  const environment = await environmentOf(context);
  if (!(await files.exists(dataDir))) {
    await files.makeDirectory(dataDir, 0o700);
    report(`[etcd] made ${layout.local(dataDir)}`);
  }
  if (systemd) await ensureUnit(context, 'etcd', 'etcd', etcdUnit(configuration, environment, members));
  else await ensureManifest(context, 'etcd', 'etcd', etcdPod(configuration, environment, members));
}

async function environmentOf(context: InstallContext): Promise<PodEnvironment & UnitEnvironment> {
  const { files, layout, trustFolders, etcdVersion, program, configuration } = context;
  return {
    layout,
    hostPath: (path) => layout.host(path),
    program,
    trustFolders,
    etcdVersion,
    keepsAuthorityKey: await files.exists(keyFile(configuration.cluster, 'ca')),
  };
}

/** The kubelet starts the pod anew when its manifest changes. */
async function ensureManifest(
  context: InstallContext,
  phase: string,
  name: StaticPodName,
  pod: PodManifest,
): Promise<void> {
  const { files } = context;
  await refuseOther(context, unitFile(name), 'systemd runs it', 'stop and remove that unit, or give --systemd');
  await files.makeDirectory(MANIFESTS_DIR, 0o700);
  const text = encodeYaml(patched(context.patches, name, pod)).toString();
  await ensureFile(context, phase, manifestFile(name), text);
}

async function ensureUnit(context: InstallContext, phase: string, name: StaticPodName, unit: string): Promise<void> {
  await refuseOther(
    context,
    manifestFile(name),
    'the kubelet runs it',
    'move that manifest away, or leave out --systemd',
  );
  const changed = await ensureFile(context, phase, unitFile(name), unit, 0o644);
  if (changed && context.services) {
    await context.services.start(`${name}.service`);
    context.report(`[${phase}] started ${name}.service`);
  }
}

async function refuseOther(
  { files, layout }: InstallContext,
  path: string,
  who: string,
  remedy: string,
): Promise<void> {
  if (await files.exists(path)) throw new StartupError(`${layout.local(path)} is there: ${who}`, remedy);
}
