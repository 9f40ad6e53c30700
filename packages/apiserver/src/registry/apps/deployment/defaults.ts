import type { Deployment } from '@keelson/api/generated/types/apps/v1';
import { defaultPodTemplate } from '../../core/pod/specdefaults.ts';
import { canonicalInt64Annotation } from '../annotations.ts';

/** The revision to go back to, a field of former versions. */
export const ROLLBACK_TO = 'deprecated.deployment.rollback.to';

/** @throws StatusError 400 when the annotation of a former field is no number */
export function defaults(deployment: Deployment): void {
  const { spec } = deployment;
  spec.replicas ??= 1;
  const { strategy } = spec;
  strategy.type ||= 'RollingUpdate';
  if (strategy.type === 'RollingUpdate') {
    strategy.rollingUpdate ??= {};
    strategy.rollingUpdate.maxUnavailable ??= '25%';
    strategy.rollingUpdate.maxSurge ??= '25%';
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  defaultPodTemplate(spec.template);
  canonicalInt64Annotation(deployment, 'Deployment', ROLLBACK_TO);
}
