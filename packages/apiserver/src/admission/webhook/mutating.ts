/** MutatingAdmissionWebhook: one webhook after the other, each sees what those before it have made (plugin/webhook/mutating). */
import { sortedKeys } from '@keelson/api/codec/go-order';
import { decodeJsonValue, jsonText } from '@keelson/api/codec/json';
import { internalError, StatusError } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import { decodeJsonPatch, type Operation, runJsonPatch } from '@keelson/api/patch/json';
import { equal, type JsonObject } from '@keelson/api/patch/value';
import { VersionedObjects } from '../matching/forms.ts';
import { configuresAdmission } from '../matching/rules.ts';
import type { AdmissionAttributes, AdmissionPlugin, AdmissionWorld } from '../plugin.ts';
import { ask, type Calling, counted, Denial, failsOpen, unlessRefused, WebhookFailure } from './call.ts';
import type { Hooks, Match } from './hooks.ts';
import type { Verdict } from './review.ts';
import { isWanted } from './select.ts';

const PLUGIN = 'MutatingAdmissionWebhook';
const MUTATION = 'mutation.webhook.admission.k8s.io/';
const PATCH = 'patch.webhook.admission.k8s.io/';

export function mutatingAdmissionWebhook(
  world: Pick<AdmissionWorld, 'objects' | 'formsOf'>,
  hooks: Hooks,
  calling: Calling,
): AdmissionPlugin {
  return {
    name: PLUGIN,
    handles: () => true,
    mutate(attributes) {
      if (hooks.empty || configuresAdmission(attributes)) return undefined;
      const matches = hooks.matching(attributes, world.formsOf);
      return matches.length === 0 ? undefined : mutate(attributes, matches);
    },
  };

  async function mutate(attributes: AdmissionAttributes, matches: readonly Match[]): Promise<void> {
    const { round } = attributes;
    const invoked = round.invoked(PLUGIN);
    invoked.begin(round, attributes.object);
    let objects: VersionedObjects | undefined;
    for (const match of matches) {
      const { hook, form } = match;
      const convert = async (): Promise<VersionedObjects> => {
        // Upstream, too, says twice that this is an internal error.
        const next = objects?.convert(form) ?? VersionedObjects.of(attributes, form);
        objects = await unlessRefused(unlessRefused(next));
        return objects;
      };
      const object = objects ? objects.object : attributes.object;
      if (!(await isWanted(hook, attributes, object, convert, world.objects))) continue;
      if (!invoked.mayRun(round, hook.id)) continue;
      if (await review(match, await convert())) invoked.changed(round);
      invoked.ran(hook.id, hook.webhook.reinvocationPolicy === 'IfNeeded');
    }
    await objects?.commit();
    invoked.end(attributes.object);
  }

  /** @returns whether the object has changed */
  async function review(match: Match, objects: VersionedObjects): Promise<boolean> {
    const { hook, index } = match;
    const { attributes } = objects;
    const turn = `round_${attributes.round.number}_index_${index}`;
    const place = `${MUTATION}${turn}`;
    const { configuration, webhook } = hook;
    let mutated = false;
    try {
      const done = await counted(calling.metrics, match, 'admit', objects, async () =>
        patch(match, objects, await ask(calling, match, objects, true)),
      );
      mutated = done.changed;
      if (done.operations.length > 0)
        attributes.annotateRequest(`${PATCH}${turn}`, () => {
          const patch = done.operations.map(inNameOrder);
          return jsonText({ configuration, webhook: webhook.name, patch, patchType: 'JSONPatch' });
        });
      return mutated;
    } catch (error) {
      if (error instanceof Denial) throw error.status;
      if (!(error instanceof WebhookFailure)) throw error;
      if (!failsOpen(hook.webhook)) throw internalError(error.message);
      calling.metrics.failedOpen(hook.webhook.name, 'admit');
      attributes.annotate(`failed-open.${place}`, hook.webhook.name);
      return false;
    } finally {
      attributes.annotate(place, jsonText({ configuration, webhook: webhook.name, mutated }));
    }
  }
}

interface Patched {
  readonly operations: readonly Operation[];
  /** Whether they made a difference. */
  readonly changed: boolean;
}

const UNTOUCHED: Patched = { operations: [], changed: false };

/** Does to the object what the webhook said. @throws WebhookFailure, StatusError */
function patch({ hook: { webhook } }: Match, objects: VersionedObjects, { patch, patchType }: Verdict): Patched {
  if (!patch) return UNTOUCHED;
  const operations = decode(patch, (why) => new WebhookFailure(webhook, why, 503));
  if (operations.length === 0) return UNTOUCHED;
  const { object, form } = objects;
  if (!object) {
    const why = 'attempted to modify the object, which is not supported for this operation';
    throw internalError(`admission webhook ${quote(webhook.name)} ${why}`);
  }
  if (patchType !== 'JSONPatch') throw new WebhookFailure(webhook, `unsupported patch type ${quote(patchType)}`, 400);
  try {
    const changed = form.decode(runJsonPatch(object, operations) as JsonObject);
    const isSame = equal(object, changed);
    objects.replace(changed);
    return { operations, changed: !isSame };
  } catch (error) {
    throw error instanceof StatusError ? error : internalError((error as Error).message);
  }
}

/** As Go writes what it has read into a map. */
function inNameOrder(operation: Operation): Operation {
  return Object.fromEntries(sortedKeys(operation).map((name) => [name, operation[name]!]));
}

function decode(patch: Buffer, failure: (why: string) => WebhookFailure): Operation[] {
  try {
    return decodeJsonPatch(decodeJsonValue(patch).value, false, () => patch.toString('utf8'));
  } catch (error) {
    throw failure(`received undecodable patch in webhook response: ${(error as Error).message}`);
  }
}
