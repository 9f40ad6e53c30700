/** The labels by which a job knows its own pods, unless it brings a selector. */

import { type ErrorList, invalid, Path, required } from '@keelson/api/field';
import type { Job } from '@keelson/api/generated/types/batch/v1';
import { sortedByName } from '@keelson/api/resources/list';
import { shownSelector } from '../../validation/labelselector.ts';
import { readSelector } from '../../validation/templateselector.ts';

export const JOB_NAME = 'batch.kubernetes.io/job-name';
export const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid';
const LEGACY_JOB_NAME = 'job-name';
const LEGACY_CONTROLLER_UID = 'controller-uid';

/** Labels that the client set stay; where they differ, validation complains. */
export function generateSelector({ metadata: { name = '', uid = '' }, spec }: Job): void {
  const { metadata } = spec.template;
  const generated = { [LEGACY_JOB_NAME]: name, [JOB_NAME]: name, [LEGACY_CONTROLLER_UID]: uid, [CONTROLLER_UID]: uid };
  metadata.labels ??= {};
  // In place, since the job's own labels may be the same map.
  const complete = sortedByName({ ...generated, ...metadata.labels });
  for (const key of Object.keys(metadata.labels)) delete metadata.labels[key];
  Object.assign(metadata.labels, complete);
  const { matchLabels, ...rest } = spec.selector ?? {};
  spec.selector = { matchLabels: sortedByName({ [CONTROLLER_UID]: uid, ...matchLabels }), ...rest };
}

const TEMPLATE_LABELS = Path.of('spec', 'template', 'metadata', 'labels');

/** @param requirePrefixed jobs from before 1.27 have the labels without prefix alone */
export function validateGeneratedSelector(
  { metadata: { name = '', uid = '' }, spec }: Job,
  requirePrefixed: boolean,
): ErrorList {
  if (spec.manualSelector || !spec.selector) return [];
  const expected = {
    [LEGACY_CONTROLLER_UID]: uid,
    [LEGACY_JOB_NAME]: name,
    ...(requirePrefixed ? { [CONTROLLER_UID]: uid, [JOB_NAME]: name } : {}),
  };
  const errors = uid === '' ? [required(Path.of('metadata', 'uid'))] : [];
  for (const [key, value] of Object.entries(expected))
    errors.push(...validateHasLabel(spec.template.metadata.labels ?? {}, key, value));
  const selector = readSelector(spec.selector);
  if (selector && !selector.matches(expected))
    errors.push(invalid(Path.of('spec', 'selector'), shownSelector(spec.selector), '`selector` not auto-generated'));
  return errors;
}

function validateHasLabel(labels: Readonly<Record<string, string>>, key: string, expected: string): ErrorList {
  const at = TEMPLATE_LABELS.key(key);
  const wanted = `must be '${expected}'`;
  if (labels[key] === undefined) return [required(at, wanted)];
  return labels[key] === expected ? [] : [invalid(at, labels, wanted)];
}
