import type { ReplicaSet } from '@keelson/api/generated/types/apps/v1';
import { defaultPodTemplate } from '../../core/pod/specdefaults.ts';

export function defaults({ spec }: ReplicaSet): void {
  spec.replicas ??= 1;
  defaultPodTemplate(spec.template);
}
