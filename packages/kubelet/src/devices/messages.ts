/** The protocol of device plugins, v1beta1. */
import { Service } from '@keelson/component/grpc/service';
import { devicePluginDescriptors } from '../generated/deviceplugin-v1beta1.ts';
import type { DeviceGrant, PluginOptions } from './types.ts';

export const VERSION = 'v1beta1';

type Nothing = Readonly<Record<string, never>>;

export interface RegisterRequest {
  readonly version: string;
  /** Name of the plugin's socket, in the folder of the kubelet's. */
  readonly endpoint: string;
  readonly resourceName: string;
  readonly options: PluginOptions | null;
}

export interface RegistrationMethods {
  Register: [RegisterRequest, Nothing];
}

/** What the kubelet serves. */
export const registration = new Service<RegistrationMethods>(devicePluginDescriptors, `${VERSION}.Registration`);

export interface DeviceMessage {
  readonly ID: string;
  /** `Healthy`, or anything else. */
  readonly health: string;
  readonly topology: { readonly nodes: readonly { readonly ID: number }[] } | null;
}

export interface PreferredRequest {
  readonly availableDeviceIDs: readonly string[];
  readonly mustIncludeDeviceIDs: readonly string[];
  readonly allocationSize: number;
}

export interface PluginMethods {
  GetDevicePluginOptions: [Nothing, PluginOptions];
  ListAndWatch: [Nothing, AsyncIterable<{ readonly devices: readonly DeviceMessage[] }>];
  GetPreferredAllocation: [
    { readonly containerRequests: readonly PreferredRequest[] },
    { readonly containerResponses: readonly { readonly deviceIDs: readonly string[] }[] },
  ];
  Allocate: [
    { readonly containerRequests: readonly { readonly devicesIds: readonly string[] }[] },
    { readonly containerResponses: readonly DeviceGrant[] },
  ];
  PreStartContainer: [{ readonly devicesIds: readonly string[] }, Nothing];
}

/** What plugins serve. */
export const devicePlugin = new Service<PluginMethods>(devicePluginDescriptors, `${VERSION}.DevicePlugin`);
