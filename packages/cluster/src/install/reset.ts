/** Undoing an installation (kubeadm/app/cmd/phases/reset): what init and join wrote goes, and what runs from it ends. */
import { sleep, type World } from '@keelson/client';
import { mountsBelow, unmount } from '@keelson/kubelet/volumes/filesystem';
import { StartupError } from '../startup-error.ts';
import { leaveEtcd } from './etcd-leave.ts';
import { controlPlaneHealth } from './health.ts';
import {
  ADDONS,
  addonFolder,
  BOOTSTRAP_KUBECONFIG,
  CONTROL_PLANE,
  KUBECONFIG_FILES,
  KUBELET_DIR,
  manifestFile,
  type StaticPodName,
  unitFile,
} from './layout.ts';
import type { InstallContext, Phase } from './phase.ts';

const parts: readonly StaticPodName[] = [...CONTROL_PLANE, 'etcd'];
const STOP_MS = 60_000;

export interface ResetContext extends InstallContext {
  readonly world: World;
}

/** What undoing consists of, in order. */
export const resetPhases: readonly Phase<ResetContext>[] = [
  {
    name: 'remove-etcd-member',
    summary: "Take this machine's member out of etcd, where that has others",
    run: (context) => leaveEtcd(context, context.world),
  },
  {
    name: 'cleanup-node',
    summary: 'End what runs, and remove what was written',
    run: cleanUp,
  },
];

/** @throws StartupError where something cannot be removed */
async function cleanUp(context: InstallContext): Promise<void> {
  const { services, report } = context;
  await remove(context, parts.map(manifestFile));
  if (services) {
    await untilStopped(context);
    for (const unit of [...ADDONS, ...parts, 'kubelet']) await services.stop(`${unit}.service`);
  } else if (context.layout.isThisMachine) report('[reset] what still runs is not ended from here');
  await unmountBelow(context, context.layout.host(KUBELET_DIR));
  await remove(context, restOf(context));
  report('[reset] left as they are: networks (/etc/cni/net.d), rules of iptables and nftables, images, ~/.kube/config');
}

/** What is there to be undone. */
export async function installedFiles(context: InstallContext): Promise<string[]> {
  const candidates = [...parts.map(manifestFile), ...restOf(context)];
  const there = await Promise.all(candidates.map((path) => context.files.exists(path)));
  return candidates.filter((_, i) => there[i]);
}

/** Files and folders beside the manifests, which go first. */
function restOf({ configuration: { cluster } }: InstallContext): string[] {
  return [
    ...parts.map(unitFile),
    unitFile('kubelet'),
    ...ADDONS.flatMap((name) => [unitFile(name), addonFolder(name)]),
    cluster.certificatesDir,
    ...Object.values(KUBECONFIG_FILES),
    BOOTSTRAP_KUBECONFIG,
    KUBELET_DIR,
    ...(cluster.etcd.local ? [cluster.etcd.local.dataDir] : []),
  ];
}

async function remove({ files, layout, report }: InstallContext, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    if (!(await files.exists(path))) continue;
    try {
      await files.remove(path);
    } catch (error) {
      throw new StartupError(
        `${layout.local(path)} cannot be removed: ${(error as Error).message}`,
        'end what uses it, and run this again',
      );
    }
    report(`[reset] removed ${layout.local(path)}`);
  }
}

/** The kubelet ends static pods whose manifests are gone. */
async function untilStopped(context: InstallContext): Promise<void> {
  const until = context.clock.now() + STOP_MS;
  const { cluster } = context.configuration;
  if (!(await context.files.exists(`${cluster.certificatesDir}/ca.crt`))) return;
  while ((await controlPlaneHealth(context)).length < CONTROL_PLANE.length && context.clock.now() < until)
    await sleep(context.clock, 500);
}

/**
 * What is mounted below a folder goes first, the innermost before what holds it: volumes of pods.
 * @throws StartupError where something stays mounted: what is in it is somebody's data, and not to be removed with the folder
 */
export async function unmountBelow({ layout, dryRun, report }: InstallContext, folder: string): Promise<void> {
  if (dryRun || !layout.isThisMachine) return;
  for (const path of await mountsBelow(folder)) {
    if (path === folder) continue;
    try {
      await unmount(path);
    } catch (error) {
      throw new StartupError(
        `${path} cannot be unmounted: ${((error as { stderr?: string }).stderr ?? (error as Error).message).trim()}`,
        'end what uses it, and run this again',
      );
    }
    report(`[reset] unmounted ${path}`);
  }
}
