/**
 * What leads from an object to the node that may read it (plugin/pkg/auth/authorizer/node/graph.go):
 *
 *     node ← pod ← secret, config map, claim, resource claim, service account
 *     node ← pod ← claim ← volume ← secret
 *     node ← volume attachment, resource slice, request for a pod's certificate
 *
 * Everything below a pod is kept as "objects → nodes, counted"; volumes are followed to their claim when asked.
 */
import type { PodCertificateRequest } from '@keelson/api/generated/types/certificates/v1beta1';
import type { PersistentVolume, Pod } from '@keelson/api/generated/types/core/v1';
import type { ResourceSlice } from '@keelson/api/generated/types/resource/v1';
import type { VolumeAttachment } from '@keelson/api/generated/types/storage/v1';
import { configMapNames, isMirrorPod, secretNames } from '@keelson/api/resources/pod-parts';
import { sharedText } from '../../registry/sharedtext.ts';

export type ObjectKind =
  | 'configmap'
  | 'secret'
  | 'pod'
  | 'podcertificaterequest'
  | 'pvc'
  | 'pv'
  | 'resourceclaim'
  | 'resourceslice'
  | 'serviceaccount'
  | 'volumeattachment';

/** The nodes that may read an object, each with how many open it to them. */
interface Opened {
  readonly key: string;
  readonly nodes: Map<string, number>;
}

interface Links {
  readonly node: string;
  /** Besides the object itself. */
  readonly targets: readonly Opened[];
}

export class NodeGraph {
  /** What an object (a pod, an attachment, a slice) opens to its node, itself first of all. */
  readonly #links = new Map<string, Links>();
  /** By object, what pods open. */
  readonly #opened = new Map<string, Opened>();
  /** Volume → the claim that it is bound to and the secrets that the kubelet needs for it. */
  readonly #volumes = new Map<string, { readonly claim: string; readonly secrets: readonly string[] }>();
  readonly #volumesOfSecret = new Map<string, Set<string>>();

  /** Whether the node has something that needs the object. */
  leadsTo(node: string, kind: ObjectKind, namespace: string, name: string): boolean {
    const key = keyOf(kind, namespace, name);
    if (this.#links.get(key)?.node === node || this.#opened.get(key)?.nodes.has(node)) return true;
    if (kind === 'pv') return this.#throughClaim(node, name);
    if (kind !== 'secret') return false;
    return [...(this.#volumesOfSecret.get(key) ?? [])].some((volume) => this.#throughClaim(node, volume));
  }

  setPod(pod: Pod): void {
    const { name = '', namespace = '' } = pod.metadata;
    const { nodeName = '' } = pod.spec;
    const key = keyOf('pod', namespace, name);
    this.#unlink(key);
    if (nodeName === '') return;
    const inNamespace = (kind: ObjectKind, names: readonly string[]): string[] =>
      names.map((n) => keyOf(kind, namespace, n));
    const targets = isMirrorPod(pod)
      ? []
      : [
          ...inNamespace('serviceaccount', pod.spec.serviceAccountName ? [pod.spec.serviceAccountName] : []),
          ...inNamespace('secret', secretNames(pod)),
          ...inNamespace('configmap', configMapNames(pod)),
          ...inNamespace('pvc', claimNames(pod)),
          ...inNamespace('resourceclaim', resourceClaimNames(pod)),
        ];
    this.#link(key, nodeName, targets);
  }

  deletePod(namespace: string, name: string): void {
    this.#unlink(keyOf('pod', namespace, name));
  }

  setVolume(volume: PersistentVolume): void {
    const name = volume.metadata.name ?? '';
    this.deleteVolume(name);
    const { claimRef } = volume.spec;
    if (!claimRef) return;
    const secrets = volumeSecrets(volume).map((s) => keyOf('secret', s.namespace, s.name));
    this.#volumes.set(name, { claim: keyOf('pvc', claimRef.namespace ?? '', claimRef.name ?? ''), secrets });
    for (const secret of secrets) {
      const volumes = this.#volumesOfSecret.get(secret) ?? new Set();
      this.#volumesOfSecret.set(secret, volumes.add(name));
    }
  }

  deleteVolume(name: string): void {
    for (const secret of this.#volumes.get(name)?.secrets ?? []) {
      const volumes = this.#volumesOfSecret.get(secret);
      if (volumes?.delete(name) && volumes.size === 0) this.#volumesOfSecret.delete(secret);
    }
    this.#volumes.delete(name);
  }

  setAttachment({ metadata, spec }: VolumeAttachment): void {
    this.#setOwn(keyOf('volumeattachment', '', metadata.name ?? ''), spec.nodeName);
  }

  deleteAttachment(name: string): void {
    this.#unlink(keyOf('volumeattachment', '', name));
  }

  setSlice({ metadata, spec }: ResourceSlice): void {
    this.#setOwn(keyOf('resourceslice', '', metadata.name ?? ''), spec.nodeName ?? '');
  }

  deleteSlice(name: string): void {
    this.#unlink(keyOf('resourceslice', '', name));
  }

  setCertificateRequest({ metadata, spec }: PodCertificateRequest): void {
    this.#setOwn(keyOf('podcertificaterequest', metadata.namespace ?? '', metadata.name ?? ''), spec.nodeName);
  }

  deleteCertificateRequest(namespace: string, name: string): void {
    this.#unlink(keyOf('podcertificaterequest', namespace, name));
  }

  #setOwn(key: string, node: string): void {
    this.#unlink(key);
    if (node !== '') this.#link(key, node, []);
  }

  #throughClaim(node: string, volume: string): boolean {
    const claim = this.#volumes.get(volume)?.claim;
    return claim !== undefined && (this.#opened.get(claim)?.nodes.has(node) ?? false);
  }

  #link(key: string, node: string, targets: readonly string[]): void {
    const opened = targets.map((target) => this.#open(target));
    for (const { nodes } of opened) nodes.set(node, (nodes.get(node) ?? 0) + 1);
    this.#links.set(key, { node: sharedText(node), targets: opened.length === 0 ? NONE : opened });
  }

  #open(key: string): Opened {
    let opened = this.#opened.get(key);
    if (!opened) {
      opened = { key, nodes: new Map() };
      this.#opened.set(key, opened);
    }
    return opened;
  }

  #unlink(key: string): void {
    const links = this.#links.get(key);
    if (!links) return;
    this.#links.delete(key);
    for (const target of links.targets) {
      const left = target.nodes.get(links.node)! - 1;
      if (left > 0) target.nodes.set(links.node, left);
      else target.nodes.delete(links.node);
      if (target.nodes.size === 0) this.#opened.delete(target.key);
    }
  }
}

const NONE: readonly Opened[] = [];

function keyOf(kind: ObjectKind, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

function claimNames({ metadata, spec }: Pod): string[] {
  return (spec.volumes ?? []).flatMap((v) => {
    if (v.persistentVolumeClaim) return [v.persistentVolumeClaim.claimName];
    return v.ephemeral ? [`${metadata.name}-${v.name}`] : [];
  });
}

/** Of claims made from templates the status knows the name. */
function resourceClaimNames({ spec, status }: Pod): string[] {
  const named = (spec.resourceClaims ?? []).map(
    (c) => c.resourceClaimName ?? status?.resourceClaimStatuses?.find((s) => s.name === c.name)?.resourceClaimName,
  );
  const extended = status?.extendedResourceClaimStatus?.resourceClaimName;
  return [...new Set([...named, extended].filter((n) => n !== undefined && n !== ''))] as string[];
}

/** Those that the kubelet reads; without a namespace of its own a secret is that of the claim's. */
function volumeSecrets({ spec }: PersistentVolume): { namespace: string; name: string }[] {
  const home = spec.claimRef?.namespace ?? '';
  const { azureFile, cinder, storageos, csi } = spec;
  const references = [
    azureFile && { name: azureFile.secretName, namespace: azureFile.secretNamespace || home },
    ...[spec.cephfs, spec.flexVolume, spec.rbd, spec.scaleIO, spec.iscsi].map(
      (source) => source?.secretRef && { ...source.secretRef, namespace: source.secretRef.namespace || home },
    ),
    cinder?.secretRef,
    storageos?.secretRef,
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
  ];
  return references.flatMap((r) => (r?.name ? [{ namespace: r.namespace ?? '', name: r.name }] : []));
}
