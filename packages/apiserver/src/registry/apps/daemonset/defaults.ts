import { badRequest } from '@keelson/api/errors';
import type { DaemonSet } from '@keelson/api/generated/types/apps/v1';
import { defaultPodTemplate } from '../../core/pod/specdefaults.ts';
import { parseInt64, parseProblem } from '../annotations.ts';
import { setTemplateGeneration, TEMPLATE_GENERATION } from './templategeneration.ts';

/** @throws StatusError 400 when the annotation of the template's generation is no number */
export function defaults(daemonSet: DaemonSet): void {
  const { spec } = daemonSet;
  const { updateStrategy } = spec;
  updateStrategy.type ||= 'RollingUpdate';
  const rolling = updateStrategy.type === 'RollingUpdate';
  if (rolling) updateStrategy.rollingUpdate ??= {};
  if (updateStrategy.rollingUpdate) {
    updateStrategy.rollingUpdate.maxUnavailable ??= rolling ? 1 : 0;
    updateStrategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
  defaultPodTemplate(spec.template);

  const text = daemonSet.metadata.annotations?.[TEMPLATE_GENERATION];
  const generation = text === undefined ? 0n : parseInt64(text);
  if (generation === undefined)
    throw badRequest(`DaemonSet in version "v1" cannot be handled as a DaemonSet: ${parseProblem(text!)}`);
  setTemplateGeneration(daemonSet, generation);
}
