/** For whom a kubelet may ask tokens: the audiences that the pod's volumes and their drivers name. */
import { quote } from '@keelson/api/field';
import type { Pod, Volume } from '@keelson/api/generated/types/core/v1';
import { aggregate, asError } from '../aggregate.ts';
import { resourceAttributes } from '../authz/attributes.ts';
import type { AdmissionAttributes, AdmissionWorld } from './plugin.ts';

/** Drivers that took over the volume types built into Kubernetes (k8s.io/csi-translation-lib). */
const MIGRATED = {
  awsElasticBlockStore: 'ebs.csi.aws.com',
  azureDisk: 'disk.csi.azure.com',
  azureFile: 'file.csi.azure.com',
  cinder: 'cinder.csi.openstack.org',
  gcePersistentDisk: 'pd.csi.storage.gke.io',
  portworxVolume: 'pxd.portworx.com',
  vsphereVolume: 'csi.vsphere.vmware.com',
} as const;

/** @throws Error when nothing names the audience and the node has no right to it */
export async function checkTokenAudience(
  audiences: readonly string[],
  pod: Pod,
  { user, namespace, name }: AdmissionAttributes,
  world: AdmissionWorld,
): Promise<void> {
  if (audiences.length > 1) throw new Error('node may only request 0 or 1 audiences');
  const audience = audiences[0] ?? '';
  if (await isNamedBy(pod, audience, world)) return;
  const verb = 'request-serviceaccounts-token-audience';
  const attributes = resourceAttributes({ user, verb, namespace, apiVersion: 'v1', resource: audience, name });
  const { decision, error } = await world.authorize(attributes);
  if (decision === 'allow') return;
  const start = `audience ${quote(audience)} not found in pod spec volume, `;
  throw new Error(
    error
      ? `${start}error authorizing ${user.name} to request tokens for this audience: ${error.message}`
      : `${start}${user.name} is not authorized to request tokens for this audience`,
  );
}

/** @throws Error when it could not be found out */
async function isNamedBy(pod: Pod, audience: string, world: AdmissionWorld): Promise<boolean> {
  const errors: Error[] = [];
  for (const volume of pod.spec.volumes ?? []) {
    const projected = volume.projected?.sources ?? [];
    if (projected.some((s) => s.serviceAccountToken && (s.serviceAccountToken.audience ?? '') === audience))
      return true;
    try {
      const driver = await driverOf(volume, pod, world);
      if (driver !== '' && (await driverNames(driver, audience, world))) return true;
    } catch (thrown) {
      errors.push(asError(thrown));
    }
  }
  const failure = aggregate(errors);
  if (failure) throw new Error(`error validating audience ${quote(audience)}: ${failure.message}`);
  return false;
}

/** Empty where there is none. */
async function driverOf(volume: Volume, pod: Pod, world: AdmissionWorld): Promise<string> {
  if (volume.csi) return volume.csi.driver;
  const claim = volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : volume.persistentVolumeClaim?.claimName;
  return claim === undefined ? migratedDriver(volume) : driverOfClaim(pod.metadata.namespace ?? '', claim, world);
}

async function driverOfClaim(namespace: string, name: string, { objects }: AdmissionWorld): Promise<string> {
  const claim = await objects.get('persistentvolumeclaims', namespace, name);
  if (!claim) throw new Error(`persistentvolumeclaim "${name}" not found`);
  const volumeName = claim.spec.volumeName ?? '';
  const volume = await objects.get('persistentvolumes', '', volumeName);
  if (!volume) throw new Error(`persistentvolume "${volumeName}" not found`);
  return volume.spec.csi?.driver ?? migratedDriver(volume.spec);
}

function migratedDriver(source: { readonly [K in keyof typeof MIGRATED]?: unknown }): string {
  const type = (Object.keys(MIGRATED) as (keyof typeof MIGRATED)[]).find((t) => source[t]);
  return type ? MIGRATED[type] : '';
}

async function driverNames(name: string, audience: string, { objects }: AdmissionWorld): Promise<boolean> {
  const driver = await objects.get('csidrivers.storage.k8s.io', '', name);
  if (!driver) throw new Error(`csidriver.storage.k8s.io "${name}" not found`);
  return driver.spec.tokenRequests?.some((r) => r.audience === audience) ?? false;
}
