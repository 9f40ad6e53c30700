/** ValidatingAdmissionWebhook: all webhooks that want to see a request are asked at once (plugin/webhook/validating). */
import { internalError } from '@keelson/api/errors';
import { type Form, VersionedObjects } from '../matching/forms.ts';
import { configuresAdmission } from '../matching/rules.ts';
import type { AdmissionAttributes, AdmissionPlugin, AdmissionWorld } from '../plugin.ts';
import { ask, type Calling, counted, Denial, failsOpen, unlessRefused, WebhookFailure } from './call.ts';
import type { Hooks, Match } from './hooks.ts';
import { isWanted } from './select.ts';

const FAILED_OPEN = 'failed-open.validating.webhook.admission.k8s.io/';

export function validatingAdmissionWebhook(
  world: Pick<AdmissionWorld, 'objects' | 'formsOf'>,
  hooks: Hooks,
  calling: Calling,
): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionWebhook',
    handles: () => true,
    validate(attributes) {
      if (hooks.empty || configuresAdmission(attributes)) return undefined;
      const matches = hooks.matching(attributes, world.formsOf);
      return matches.length === 0 ? undefined : validate(attributes, matches);
    },
  };

  async function validate(attributes: AdmissionAttributes, matches: readonly Match[]): Promise<void> {
    const versions = new Map<Form, Promise<VersionedObjects>>();
    const inForm = (form: Form): Promise<VersionedObjects> => {
      const objects = versions.get(form) ?? unlessRefused(VersionedObjects.of(attributes, form));
      versions.set(form, objects);
      return objects;
    };
    const wanted: (readonly [Match, VersionedObjects])[] = [];
    for (const match of matches) {
      const convert = () => inForm(match.form);
      if (await isWanted(match.hook, attributes, attributes.object, convert, world.objects))
        wanted.push([match, await convert()]);
    }
    const errors: unknown[] = [];
    const reviews = wanted.map(([match, objects], i) =>
      review(match, objects, i).catch((e: unknown) => errors.push(e)),
    );
    await Promise.all(reviews);
    // Upstream tells of the one that came first, too.
    if (errors.length > 0) throw errors[0];
  }

  async function review(match: Match, objects: VersionedObjects, index: number): Promise<void> {
    const { webhook } = match.hook;
    try {
      await counted(calling.metrics, match, 'validating', objects, () => ask(calling, match, objects, false));
    } catch (error) {
      if (error instanceof Denial) throw error.status;
      if (!(error instanceof WebhookFailure)) throw error;
      if (!failsOpen(webhook)) throw internalError(error.message);
      calling.metrics.failedOpen(webhook.name, 'validating');
      objects.attributes.annotate(`${FAILED_OPEN}round_0_index_${index}`, webhook.name);
    }
  }
}
