/** What the controller writes to claims and volumes. */
import type { PersistentVolume, PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import { BIND_COMPLETED, BOUND_BY_CONTROLLER, reservedFor } from '@keelson/api/resources/volumes';
import type { Client } from '@keelson/client';
import { sameAs } from '../status.ts';

const PROVISIONER = 'volume.kubernetes.io/storage-provisioner';
const OLD_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner';

export class VolumeWriter {
  readonly #claims;
  readonly #volumes;

  constructor(client: Client) {
    this.#claims = client.resource('persistentvolumeclaims');
    this.#volumes = client.resource('persistentvolumes');
  }

  /** Step by step, each of which may have been done before: the volume is reserved, then the claim is told. */
  async bind(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    const reserved = reservedFor(volume, claim);
    const written = reserved === volume ? volume : await this.#volumes.update(reserved);
    await this.setPhase(written, 'Bound');
    const told = await this.#tellVolume(claim, volume.metadata.name!);
    const { accessModes, capacity } = volume.spec;
    await this.setClaimStatus(told, {
      phase: 'Bound',
      ...(accessModes ? { accessModes } : {}),
      // What it was enlarged to since, the claim says itself.
      ...(capacity && !told.status?.capacity ? { capacity } : {}),
    });
  }

  /** @returns the claim, which says that it has the volume, and whether it has chosen it itself */
  async #tellVolume(claim: PersistentVolumeClaim, volumeName: string): Promise<PersistentVolumeClaim> {
    const { annotations = {} } = claim.metadata;
    const chosen = !claim.spec.volumeName;
    if (!chosen && annotations[BIND_COMPLETED] !== undefined) return claim;
    return this.#claims.update({
      ...claim,
      metadata: {
        ...claim.metadata,
        annotations: { ...annotations, ...(chosen ? { [BOUND_BY_CONTROLLER]: 'yes' } : {}), [BIND_COMPLETED]: 'yes' },
      },
      spec: { ...claim.spec, volumeName },
    });
  }

  /** Lets a volume go, which is kept for its claim by name where somebody else has reserved it. */
  async unbind(volume: PersistentVolume): Promise<void> {
    const { [BOUND_BY_CONTROLLER]: byController, ...annotations } = volume.metadata.annotations ?? {};
    const { claimRef, ...spec } = volume.spec;
    const { uid: _, resourceVersion: __, ...named } = claimRef ?? {};
    const free = byController === undefined ? { ...spec, claimRef: named } : spec;
    await this.#volumes.update({ ...volume, metadata: { ...volume.metadata, annotations }, spec: free });
  }

  async classify(claim: PersistentVolumeClaim, storageClassName: string): Promise<void> {
    await this.#claims.update({ ...claim, spec: { ...claim.spec, storageClassName } });
  }

  /** Asks a provisioner for a volume. */
  async askFor(claim: PersistentVolumeClaim, provisioner: string): Promise<void> {
    if (claim.metadata.annotations?.[PROVISIONER] === provisioner) return;
    const annotations = {
      ...claim.metadata.annotations,
      [PROVISIONER]: provisioner,
      [OLD_PROVISIONER]: provisioner,
    };
    await this.#claims.update({ ...claim, metadata: { ...claim.metadata, annotations } });
  }

  /** @returns the volume as it is then */
  async setPhase(volume: PersistentVolume, phase: string, message = ''): Promise<PersistentVolume> {
    if (volume.status?.phase === phase && (volume.status.message ?? '') === message) return volume;
    return this.#volumes.updateStatus({
      ...volume,
      status: { ...volume.status, phase, ...(message ? { message } : {}) },
    });
  }

  /** @param status what is other than it was */
  async setClaimStatus(
    claim: PersistentVolumeClaim,
    status: NonNullable<PersistentVolumeClaim['status']>,
  ): Promise<void> {
    const wanted = { ...claim.status, ...status };
    if (sameAs('io.k8s.api.core.v1.PersistentVolumeClaimStatus', claim.status ?? {}, wanted)) return;
    await this.#claims.updateStatus({ ...claim, status: wanted });
  }
}
