import { expect, it } from 'vitest';
import { type GatedFile, gatedFieldProblems } from './gated-fields.ts';

it.each<[GatedFile, string, string | undefined]>([
  [{ shutdownGracePeriod: '0s' }, 'GracefulNodeShutdown', undefined],
  [{ shutdownGracePeriod: '30s' }, 'GracefulNodeShutdownBasedOnPodPriority', undefined],
  [
    { shutdownGracePeriodCriticalPods: '10s' },
    'GracefulNodeShutdown',
    'specifying shutdownGracePeriod or shutdownGracePeriodCriticalPods requires feature gate GracefulNodeShutdown',
  ],
  [
    { shutdownGracePeriodByPodPriority: [{ priority: 1 }] },
    'GracefulNodeShutdownBasedOnPodPriority',
    'Specifying shutdownGracePeriodByPodPriority requires feature gate GracefulNodeShutdownBasedOnPodPriority',
  ],
  [{ serverTLSBootstrap: false }, 'RotateKubeletServerCertificate', undefined],
  [
    { serverTLSBootstrap: true },
    'RotateKubeletServerCertificate',
    'serverTLSBootstrap true requires feature gate RotateKubeletServerCertificate',
  ],
  [
    { crashLoopBackOff: { maxContainerRestartPeriod: '10s' } },
    'KubeletCrashLoopBackOffMax',
    'FeatureGate KubeletCrashLoopBackOffMax not enabled, CrashLoopBackOff.MaxContainerRestartPeriod must not be set',
  ],
  [
    { imagePullCredentialsVerificationPolicy: 'AlwaysVerify' },
    'KubeletEnsureSecretPulledImages',
    '`imagePullCredentialsVerificationPolicy` must not be set if KubeletEnsureSecretPulledImages feature gate is not enabled',
  ],
])('%j without %s', (file, gate, problem) => {
  expect(gatedFieldProblems(file, (each) => each !== gate)).toEqual(problem === undefined ? [] : [problem]);
  expect(gatedFieldProblems(file, () => true)).toEqual([]);
});
