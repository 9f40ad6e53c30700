import type { PodTemplate } from '@keelson/api/generated/types/core/v1';
import { defaultPodTemplate } from '../pod/specdefaults.ts';

export function defaults({ template }: PodTemplate): void {
  defaultPodTemplate(template);
}
