import { ManualClock } from '@keelson/api/clock';
import type { FlowSchema } from '@keelson/api/generated/types/flowcontrol/v1';
import type { KubeObject } from '@keelson/api/object';
import { silentLogger } from '@keelson/component/logs/logger';
import { openMemoryStore } from '@keelson/storage/memory/open';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RegistryClient } from '../bootstrap/client.ts';
import { bootstrapFlowSchemas } from '../bootstrap/flowcontrol.ts';
import { FlowControlUpkeep } from '../bootstrap/flowcontrol-upkeep.ts';
import { enabledGroups } from '../discovery/runtime-config.ts';
import { HealthChecks } from '../health/checks.ts';
import { registration as flowSchema } from '../registry/flowcontrol/flowschema/index.ts';
import { registration as priorityLevel } from '../registry/flowcontrol/prioritylevelconfiguration/index.ts';
import { Resources } from '../resources.ts';
import { CONFIG_CONSUMER, ConfigConsumer } from './consumer.ts';
import { FlowController } from './controller.ts';

const GROUP = 'flowcontrol.apiserver.k8s.io';
const VERSION = `${GROUP}/v1`;
const clock = new ManualClock(Date.parse('2026-01-02T03:04:05Z'));
const now = () => new Date(clock.now());

let client: RegistryClient;
let consumer: ConfigConsumer;
let controller: FlowController;
let upkeep: FlowControlUpkeep;
let applied: string[];
let writtenBefore: number;
let resources: Resources;

beforeEach(async () => {
  let ids = 0;
  const environment = {
    store: openMemoryStore(),
    now,
    uuid: () => `uid-${ids++}`,
    random: () => 0.5,
    logger: silentLogger,
  };
  resources = new Resources(environment, enabledGroups(), {
    [`flowschemas.${GROUP}`]: flowSchema as never,
    [`prioritylevelconfigurations.${GROUP}`]: priorityLevel as never,
  });
  client = new RegistryClient(resources, now);
  controller = new FlowController({ clock, serverSeats: 600, logger: silentLogger });
  applied = [];
  consumer = new ConfigConsumer({
    controller,
    levels: resources.storeOf(GROUP, 'prioritylevelconfigurations'),
    schemas: resources.storeOf(GROUP, 'flowschemas'),
    applyStatus: (config) => {
      applied.push(config.metadata.name!);
      return client.managedBy(CONFIG_CONSUMER).apply(config, 'status');
    },
    ...{ clock, random: () => 0.5, logger: silentLogger },
  });
  upkeep = new FlowControlUpkeep(client, silentLogger);
  await upkeep.start(new HealthChecks({ now: () => 0 }));
  await consumer.start();
  writtenBefore = applied.length;
  await consumer.keepConditions();
});
afterEach(async () => {
  consumer.stop();
  await upkeep.stop();
  resources.close();
});

const get = async (name: string) => (await client.get(VERSION, 'FlowSchema', '', name)) as unknown as FlowSchema;
const level = (name: string): KubeObject => ({
  kind: 'PriorityLevelConfiguration',
  apiVersion: VERSION,
  metadata: { name },
  spec: { type: 'Limited', limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' } } },
});
const schema = (name: string, to: string): KubeObject => ({
  kind: 'FlowSchema',
  apiVersion: VERSION,
  metadata: { name },
  spec: { matchingPrecedence: 700, priorityLevelConfiguration: { name: to } },
});
const settled = async () => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

it('every schema says that its level is there', async () => {
  expect(applied.sort()).toEqual(bootstrapFlowSchemas.map(({ metadata }) => metadata.name!).sort());
  expect((await get('probes')).status.conditions).toEqual([
    {
      type: 'Dangling',
      status: 'False',
      lastTransitionTime: '2026-01-02T03:04:05Z',
      reason: 'Found',
      message: 'This FlowSchema references the PriorityLevelConfiguration object named "exempt" and it exists',
    },
  ]);
  expect((await get('probes')).metadata.managedFields).toMatchObject([
    { manager: CONFIG_CONSUMER, operation: 'Apply', subresource: 'status' },
    { manager: 'api-priority-and-fairness-config-producer-v1', operation: 'Update' },
  ]);
  expect(controller.classes).toHaveLength(bootstrapFlowSchemas.length);
});

it('conditions are written when a server that is ready asks for it, not before', () => {
  expect(writtenBefore).toBe(0);
  expect(applied).toHaveLength(bootstrapFlowSchemas.length);
});

it('a schema dangles while its level is not there', async () => {
  await client.create(schema('mine', 'my-level'));
  await settled();
  expect((await get('mine')).status.conditions).toMatchObject([{ status: 'True', reason: 'NotFound' }]);
  expect(controller.classes.some(({ name }) => name === 'mine')).toBe(false);
  await client.create(level('my-level'));
  await settled();
  expect((await get('mine')).status.conditions).toMatchObject([{ status: 'False', reason: 'Found' }]);
  expect(controller.classes.some(({ name }) => name === 'mine')).toBe(true);
  await client.delete((await client.get(VERSION, 'PriorityLevelConfiguration', '', 'my-level'))!);
  await settled();
  expect((await get('mine')).status.conditions).toMatchObject([{ status: 'True' }]);
});

it('two servers that disagree do not write without end', async () => {
  await client.create(schema('mine', 'my-level'));
  await settled();
  const written = () => applied.filter((name) => name === 'mine').length;
  for (let i = 0; i < 10; i++) {
    const live = (await client.get(VERSION, 'FlowSchema', '', 'mine')) as KubeObject;
    await client.update({ ...live, status: { conditions: [{ type: 'Dangling', status: 'Unknown' }] } }, 'status');
    await settled();
  }
  expect(written()).toBe(6);
  clock.advance(75_000);
  await settled();
  expect(written()).toBe(7);
});

it('what was deleted comes back, what an older server had goes, what is mine stays', async () => {
  await client.delete((await client.get(VERSION, 'FlowSchema', '', 'service-accounts'))!);
  const marked = (name: string, value: string) => {
    const object = schema(name, 'system');
    return { ...object, metadata: { name, annotations: { 'apf.kubernetes.io/autoupdate-spec': value } } };
  };
  await client.create(marked('old', 'true'));
  await client.create(marked('taken-over', 'false'));
  await client.create(schema('mine', 'system'));
  await upkeep.ensure();
  expect(await get('service-accounts')).toBeDefined();
  expect(await get('old')).toBeUndefined();
  expect(await get('taken-over')).toBeDefined();
  expect(await get('mine')).toBeDefined();
});
