/** What is spoken with drivers of dynamic resource allocation (k8s.io/kubelet/pkg/apis/dra and dra-health). */
import { Service } from '@keelson/component/grpc/service';
import { draHealthDescriptors } from '../generated/dra-health-v1alpha1.ts';
import { draDescriptors } from '../generated/dra-v1.ts';
import { draBetaDescriptors } from '../generated/dra-v1beta1.ts';

export interface ClaimReference {
  readonly namespace: string;
  readonly uid: string;
  readonly name: string;
}

export interface DeviceMessage {
  readonly requestNames: readonly string[];
  readonly poolName: string;
  readonly deviceName: string;
  readonly cdiDeviceIds: readonly string[];
  readonly shareId?: string;
}

/** Answers are by the claim's uid. */
export interface DraMethods {
  NodePrepareResources: [
    { readonly claims: readonly ClaimReference[] },
    { readonly claims: Readonly<Record<string, PrepareAnswer>> },
  ];
  NodeUnprepareResources: [
    { readonly claims: readonly ClaimReference[] },
    { readonly claims: Readonly<Record<string, { readonly error: string }>> },
  ];
}

export interface PrepareAnswer {
  readonly devices: readonly DeviceMessage[];
  readonly error: string;
}

/** The newest first; both say the same. By the name under which drivers say that they have it. */
export const SERVICES: ReadonlyMap<string, Service<DraMethods>> = new Map([
  ['v1.DRAPlugin', new Service<DraMethods>(draDescriptors, 'k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin')],
  ['v1beta1.DRAPlugin', new Service<DraMethods>(draBetaDescriptors, 'k8s.io.kubelet.pkg.apis.dra.v1beta1.DRAPlugin')],
]);

export interface DeviceHealthMessage {
  readonly device: { readonly poolName: string; readonly deviceName: string } | null;
  readonly health: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY';
  readonly healthCheckTimeoutSeconds: number;
  readonly message: string;
}

export const resourceHealth = new Service<{
  NodeWatchResources: [object, AsyncIterable<{ readonly devices: readonly DeviceHealthMessage[] }>];
}>(draHealthDescriptors, 'v1alpha1.DRAResourceHealth');
