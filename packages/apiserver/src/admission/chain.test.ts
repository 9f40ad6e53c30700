import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { expect, it } from 'vitest';
import { AdmissionChain } from './chain.ts';
import { AdmissionMetrics } from './metrics.ts';
import type { AdmissionPlugin } from './plugin.ts';
import { request } from './testing.ts';

function plugin(name: string, more: Partial<AdmissionPlugin>): AdmissionPlugin {
  return { name, handles: () => true, ...more };
}

it('counts how long plugins and steps take, and what they refuse', async () => {
  const registry = new MetricsRegistry();
  let ms = 0;
  const metrics = new AdmissionMetrics(registry, () => ms);
  const slow = plugin('Slow', {
    mutate: async () => {
      ms += 50;
    },
  });
  const strict = plugin('Strict', {
    validate: () => {
      throw new Error('no');
    },
  });
  const chain = new AdmissionChain([slow, strict], metrics);
  const asked = request('CREATE', 'pods', { metadata: { name: 'p' } });
  await chain.mutate(asked);
  await expect(chain.validate(asked)).rejects.toThrow('no');
  const text = await registry.text();
  const family = 'apiserver_admission_controller_admission_duration_seconds';
  expect(text).toContain(`${family}_sum{name="Slow",operation="CREATE",rejected="false",type="admit"} 0.05`);
  expect(text).toContain(`${family}_count{name="Strict",operation="CREATE",rejected="true",type="validate"} 1`);
  expect(text).not.toContain('name="Slow",operation="CREATE",rejected="false",type="validate"');
  const step = 'apiserver_admission_step_admission_duration_seconds';
  expect(text).toContain(`${step}_count{operation="CREATE",rejected="true",type="validate"} 1`);
});

it('goes round again for who wants it, once', async () => {
  const order: string[] = [];
  const note = (name: string) => plugin(name, { mutate: ({ round }) => void order.push(`${name}${round.number}`) });
  const changing = plugin('Changing', {
    mutate: ({ round }) => {
      order.push('!');
      round.again = true;
    },
  });
  await new AdmissionChain([note('a'), changing, note('b')]).mutate(request('CREATE', 'pods', { metadata: {} }));
  expect(order).toEqual(['a0', '!', 'b0', 'a1', '!', 'b1']);
});
