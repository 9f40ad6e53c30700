/** Whether a webhook whose rules name a request is to be asked about it (generic/webhook.go: ShouldCallHook). */
import { forbidden } from '@keelson/api/errors';
import type { KubeObject } from '@keelson/api/object';
import type { Objects } from '../../objects.ts';
import { ConditionError } from '../matching/conditions.ts';
import type { VersionedObjects } from '../matching/forms.ts';
import { selects } from '../matching/selectors.ts';
import type { AdmissionAttributes } from '../plugin.ts';
import type { Hook } from './hooks.ts';

/**
 * @param object as it is by now
 * @param convert to the form that the webhook wants to see
 * @throws StatusError
 */
export async function isWanted(
  { selectors, conditions }: Hook,
  attributes: AdmissionAttributes,
  object: KubeObject | undefined,
  convert: () => Promise<VersionedObjects>,
  objects: Objects,
): Promise<boolean> {
  if (!(await selects(selectors, attributes, object, objects))) return false;
  try {
    return !conditions || (await conditions.match(await convert()));
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    throw forbidden(attributes.resource, attributes.name, error.message);
  }
}
