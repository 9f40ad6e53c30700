/** The world of admission plugins as this server has it. */
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '@keelson/api/clock';
import type { KubeObject } from '@keelson/api/object';
import { formatTime } from '@keelson/api/time';
import type { Authorize } from '../authz/attributes.ts';
import { API_SERVER_MANAGER, API_SERVER_USER, type RegistryClient } from '../bootstrap/client.ts';
import type { IsEnabled } from '../gates.ts';
import { fieldManagerOf } from '../handlers/fieldmanager.ts';
import type { Objects } from '../objects.ts';
import { nameSuffix } from '../registry/generatename.ts';
import type { Environment } from '../registry/store.ts';
import type { Resources } from '../resources.ts';
import { formsOf } from './matching/forms.ts';
import type { AdmissionWorld } from './plugin.ts';

export interface WorldOptions {
  readonly environment: Environment;
  readonly resources: Resources;
  readonly client: RegistryClient;
  readonly objects: Objects;
  readonly authorize: Authorize;
  readonly isEnabled: IsEnabled;
}

export function admissionWorld(options: WorldOptions): AdmissionWorld {
  const { environment, resources, client, objects, authorize, isEnabled } = options;
  const { now, random } = environment;
  return {
    objects,
    authorize,
    isEnabled,
    now,
    nameSuffix: () => nameSuffix(random),
    wait: (ms) => wait(ms),
    webhooks: { clock: systemClock, random },
    createNamespace: (name) => client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
    resourcesOfKind: (group, version, kind) =>
      [...resources.all()]
        .filter(
          ({ definition, version: served }) =>
            served === version && definition.group === group && definition.kind === kind,
        )
        .map(({ definition }) => ({ resource: definition.resource, namespaced: definition.namespaced })),
    formsOf: formsOf(resources),
    updateQuotaStatus: (quota) => updateStatus(resources, now, quota),
  };
}

/** Usage is bookkeeping of the server, which no strategy looks at. */
async function updateStatus(resources: Resources, now: () => Date, quota: KubeObject): Promise<KubeObject> {
  const { name = '', namespace = '' } = quota.metadata;
  const fields = fieldManagerOf(resources.find('/v1/resourcequotas')!, 'status');
  const { object } = await resources.storeOf('', 'resourcequotas').update({
    ctx: { namespace, user: API_SERVER_USER, now: now(), dryRun: false, requestVersion: 'v1' },
    warn: () => {},
    name,
    transform: (live) => {
      const next = { ...live!, metadata: { ...live!.metadata, ...revisionOf(quota) }, status: quota.status };
      return fields.update(live, next, API_SERVER_MANAGER, formatTime(now()));
    },
    view: { prepareForUpdate: () => {}, validateUpdate: () => [] },
  });
  return object;
}

function revisionOf({ metadata }: KubeObject): { resourceVersion?: string } {
  return metadata.resourceVersion ? { resourceVersion: metadata.resourceVersion } : {};
}
