/** How a plugin says what it is (k8s.io/kubelet/pkg/apis/pluginregistration/v1). */
import { Service } from '@keelson/component/grpc/service';
import { registrationDescriptors } from '../generated/pluginregistration-v1.ts';

export interface PluginInfo {
  /** `CSIPlugin`, `DRAPlugin` or `DevicePlugin`. */
  readonly type: string;
  readonly name: string;
  /** Of the socket on which it serves; empty: that on which it was asked. */
  readonly endpoint: string;
  readonly supportedVersions: readonly string[];
}

export interface RegistrationStatus {
  readonly pluginRegistered: boolean;
  readonly error: string;
}

export const registration = new Service<{
  GetInfo: [object, PluginInfo];
  NotifyRegistrationStatus: [RegistrationStatus, object];
}>(registrationDescriptors, 'pluginregistration.Registration');
