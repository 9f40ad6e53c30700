import { parseDuration } from '@keelson/component/go/duration';
import type { Gate, IsEnabled } from '@keelson/kubelet/gates';
import type { ShutdownFile } from './shutdown.ts';

/** Fields of a KubeletConfiguration that need a feature gate, where they are set. */
export interface GatedFile extends ShutdownFile {
  readonly serverTLSBootstrap?: boolean;
  readonly crashLoopBackOff?: { readonly maxContainerRestartPeriod?: string };
  readonly imagePullCredentialsVerificationPolicy?: string;
  readonly preloadedImagesVerificationAllowlist?: readonly string[];
}

const RULES: readonly (readonly [gate: Gate, isSet: (file: GatedFile) => boolean, problem: string])[] = [
  [
    'RotateKubeletServerCertificate',
    (file) => file.serverTLSBootstrap === true,
    'serverTLSBootstrap true requires feature gate RotateKubeletServerCertificate',
  ],
  [
    'GracefulNodeShutdown',
    (file) => isPeriod(file.shutdownGracePeriod) || isPeriod(file.shutdownGracePeriodCriticalPods),
    'specifying shutdownGracePeriod or shutdownGracePeriodCriticalPods requires feature gate GracefulNodeShutdown',
  ],
  [
    'GracefulNodeShutdownBasedOnPodPriority',
    (file) => isAny(file.shutdownGracePeriodByPodPriority),
    'Specifying shutdownGracePeriodByPodPriority requires feature gate GracefulNodeShutdownBasedOnPodPriority',
  ],
  [
    'KubeletCrashLoopBackOffMax',
    (file) => file.crashLoopBackOff?.maxContainerRestartPeriod !== undefined,
    'FeatureGate KubeletCrashLoopBackOffMax not enabled, CrashLoopBackOff.MaxContainerRestartPeriod must not be set',
  ],
  [
    'KubeletEnsureSecretPulledImages',
    (file) => isAny(file.imagePullCredentialsVerificationPolicy),
    '`imagePullCredentialsVerificationPolicy` must not be set if KubeletEnsureSecretPulledImages feature gate is not enabled',
  ],
  [
    'KubeletEnsureSecretPulledImages',
    (file) => isAny(file.preloadedImagesVerificationAllowlist),
    '`preloadedImagesVerificationAllowlist` must not be set if KubeletEnsureSecretPulledImages feature gate is not enabled',
  ],
];

const isAny = (given: ArrayLike<unknown> = []) => given.length > 0;
const isPeriod = (text = '') => text !== '' && parseDuration(text) > 0;

/** What is set though its gate is off, in upstream's words (pkg/kubelet/apis/config/validation). */
export function gatedFieldProblems(file: GatedFile, isEnabled: IsEnabled): string[] {
  return RULES.filter(([gate, isSet]) => !isEnabled(gate) && isSet(file)).map(([, , problem]) => problem);
}
