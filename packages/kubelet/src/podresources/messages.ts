/** The protocol of pods' resources: v1, and v1alpha1, of which older agents ask. */
import { Service } from '@keelson/component/grpc/service';
import { podResourcesDescriptors } from '../generated/podresources-v1.ts';
import { podResourcesAlphaDescriptors } from '../generated/podresources-v1alpha1.ts';

export interface ContainerDevices {
  readonly resourceName: string;
  readonly deviceIds: readonly string[];
  readonly topology?: { readonly nodes: readonly { readonly ID: number }[] };
}

/** Bytes of one type from NUMA nodes together. */
export interface ContainerMemory {
  readonly memoryType: string;
  readonly size: number;
  readonly topology: { readonly nodes: readonly { readonly ID: number }[] };
}

/** A claim that was prepared, and what it gives to a container. */
export interface DynamicResource {
  readonly claimName: string;
  readonly claimNamespace: string;
  readonly claimResources: readonly ClaimResource[];
}

export interface ClaimResource {
  readonly cdiDevices: readonly { readonly name: string }[];
  readonly driverName: string;
  readonly poolName: string;
  readonly deviceName: string;
  readonly shareId?: string;
}

export interface ContainerResources {
  readonly name: string;
  readonly devices: readonly ContainerDevices[];
  readonly cpuIds: readonly number[];
  readonly memory: readonly ContainerMemory[];
  readonly dynamicResources: readonly DynamicResource[];
}

export interface PodResources {
  readonly name: string;
  readonly namespace: string;
  readonly containers: readonly ContainerResources[];
}

export interface PodResourcesMethods {
  List: [object, { readonly podResources: readonly PodResources[] }];
  GetAllocatableResources: [
    object,
    {
      readonly devices: readonly ContainerDevices[];
      readonly cpuIds: readonly number[];
      readonly memory: readonly ContainerMemory[];
    },
  ];
  Get: [{ readonly podName: string; readonly podNamespace: string }, { readonly podResources: PodResources }];
}

export const podResourcesLister = new Service<PodResourcesMethods>(podResourcesDescriptors, 'v1.PodResourcesLister');

/** Devices of regular containers, without their topology. */
export interface AlphaMethods {
  List: [object, { readonly podResources: readonly AlphaResources[] }];
}

export interface AlphaResources {
  readonly name: string;
  readonly namespace: string;
  readonly containers: readonly { readonly name: string; readonly devices: readonly ContainerDevices[] }[];
}

export const alphaLister = new Service<AlphaMethods>(podResourcesAlphaDescriptors, 'v1alpha1.PodResourcesLister');
