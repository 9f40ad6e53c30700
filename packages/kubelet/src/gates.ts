import type { IsEnabled as IsGateEnabled } from '@keelson/component/featuregate/featuregate';

/** The feature gates that decide something in the kubelet. */
export const GATES = [
  'ContainerCheckpoint',
  'GracefulNodeShutdown',
  'GracefulNodeShutdownBasedOnPodPriority',
  'KubeletCrashLoopBackOffMax',
  'KubeletEnsureSecretPulledImages',
  'KubeletServiceAccountTokenForCredentialProviders',
  'NodeDeclaredFeatures',
  'PodReadyToStartContainersCondition',
  'PreventStaticPodAPIReferences',
  'ReduceDefaultCrashLoopBackOffDecay',
  'RotateKubeletServerCertificate',
] as const;

export type Gate = (typeof GATES)[number];

export type IsEnabled = IsGateEnabled<Gate>;
