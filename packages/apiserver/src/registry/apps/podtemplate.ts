/** Templates of controllers whose pods run for ever. */
import { type ErrorList, forbidden, invalid, notSupported, type Path, required } from '@keelson/api/field';
import type { PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import type { LabelSelector } from '@keelson/api/generated/types/meta/v1';
import type { PodValidationOptions } from '../core/pod/validation/options.ts';
import { validatePodTemplateSpec } from '../core/pod/validation/spec.ts';
import { shownSelector, validateLabelSelector } from '../validation/labelselector.ts';
import { readSelector, validateSelectorMatches } from '../validation/templateselector.ts';

/** Pods restart always, and have no deadline. @param owner the kind as the message calls it */
export function validateLongRunning({ spec }: PodTemplateSpec, owner: string, path: Path): ErrorList {
  const errors: ErrorList = [];
  if (spec.restartPolicy !== 'Always')
    errors.push(notSupported(path.child('spec', 'restartPolicy'), spec.restartPolicy ?? '', ['Always']));
  if (spec.activeDeadlineSeconds !== undefined)
    errors.push(
      forbidden(path.child('spec', 'activeDeadlineSeconds'), `activeDeadlineSeconds in ${owner} is not Supported`),
    );
  return errors;
}

/** A selector that there must be. @param owner the kind as the message calls it */
export function validateRequiredSelector(
  selector: LabelSelector | undefined | null,
  owner: string,
  path: Path,
): ErrorList {
  if (!selector) return [required(path)];
  const errors = validateLabelSelector(selector, {}, path);
  if (isEmptySelector(selector))
    errors.push(invalid(path, shownSelector(selector), `empty selector is invalid for ${owner}`));
  return errors;
}

export function isEmptySelector({ matchLabels, matchExpressions }: LabelSelector): boolean {
  return Object.keys(matchLabels ?? {}).length === 0 && !matchExpressions?.length;
}

/** Selector and template of a replica set or a deployment. @param path of the spec */
export function validateSelectorAndTemplate(
  { selector, template }: { readonly selector: LabelSelector | null; readonly template: PodTemplateSpec },
  options: PodValidationOptions,
  path: Path,
): ErrorList {
  const selectorAt = path.child('selector');
  const templateAt = path.child('template');
  const read = readSelector(selector);
  return [
    ...validateRequiredSelector(selector, 'deployment', selectorAt),
    ...(read
      ? [
          ...validateSelectorMatches(read, template, templateAt),
          ...validatePodTemplateSpec(template, options, templateAt),
          ...validateLongRunning(template, 'ReplicaSet', templateAt),
        ]
      : [invalid(selectorAt, shownSelector(selector), 'invalid label selector')]),
  ];
}
