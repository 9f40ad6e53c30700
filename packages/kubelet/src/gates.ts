import type { IsEnabled as IsGateEnabled } from '@keelson/component/featuregate/featuregate';

/** The feature gates that decide something in the kubelet. */
export const GATES = [
  'CPUManagerPolicyBetaOptions',
  'ContainerCheckpoint',
  'ExtendWebSocketsToKubelet',
  'GracefulNodeShutdown',
  'GracefulNodeShutdownBasedOnPodPriority',
  'InPlacePodLevelResourcesVerticalScaling',
  'InPlacePodVerticalScalingInitContainers',
  'KubeletCrashLoopBackOffMax',
  'KubeletEnsureSecretPulledImages',
  'KubeletServiceAccountTokenForCredentialProviders',
  'NodeDeclaredFeatures',
  'PodReadyToStartContainersCondition',
  'PreventStaticPodAPIReferences',
  'ReduceDefaultCrashLoopBackOffDecay',
  'RestartAllContainersOnContainerExits',
  'RotateKubeletServerCertificate',
] as const;

export type Gate = (typeof GATES)[number];

export type IsEnabled = IsGateEnabled<Gate>;
