import type { ErrorList } from '@keelson/api/field';
import type {
  Device,
  DeviceClaim,
  DeviceClass,
  ResourceClaim,
  ResourceSlice,
} from '@keelson/api/generated/types/resource/v1';
import type { Json } from '@keelson/api/scalars';
import { describe, expect, it } from 'vitest';
import { texts } from '../testing.ts';
import { validateDeviceClass } from './deviceclass/validation.ts';
import { validateClaim, validateClaimStatusUpdate } from './resourceclaim/validation.ts';
import { validateTemplateUpdate } from './resourceclaimtemplate/validation.ts';
import { validateSlice } from './resourceslice/validation.ts';

const brief = (errors: ErrorList) => texts(errors).map((text) => text.slice(0, 110));

const exactly = { deviceClassName: 'dc', allocationMode: 'ExactCount', count: 1 };
const claim = (devices: Partial<DeviceClaim> = {}, status: ResourceClaim['status'] = {}): ResourceClaim => ({
  metadata: { name: 'c' },
  spec: { devices: { requests: [{ name: 'r', exactly }], ...devices } },
  status,
});

describe('ResourceClaim', () => {
  const sub = { name: 's', ...exactly };
  it.each<[Partial<DeviceClaim>, string[]]>([
    [{}, []],
    [
      { requests: [{ name: 'r' }] },
      ['requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required'],
    ],
    [
      { requests: [{ name: 'r', exactly, firstAvailable: [sub] }] },
      ['requests[0]: Invalid value: null: exactly one of `exactly` or `firstAvailable` is requ'],
    ],
    [
      {
        requests: [
          { name: 'r', exactly: { ...exactly, allocationMode: 'All' } },
          { name: 'r', exactly: { ...exactly, allocationMode: 'Nope' } },
        ],
      },
      [
        'requests[0].exactly.count: Invalid value: 1: must not be specified when allocationMode',
        'requests[1].exactly.allocationMode: Unsupported value: "Nope": supported values: "All"',
        'requests[1]: Duplicate value: "r"',
      ],
    ],
    [
      {
        requests: [{ name: 'q', firstAvailable: [sub] }],
        constraints: [{ requests: ['q', 'q/s', 'q/t', 'a/b/c'], matchAttribute: 'a' }, {}],
      },
      [
        'constraints[0].requests[2]: Invalid value: "q/t": must be the name of a request in the',
        'constraints[0].requests[3]: Invalid value: "a/b/c": must be the name of a request in t',
        'constraints[0].matchAttribute: Invalid value: "a": a fully qualified name must be a do',
        'constraints[1]: Required value: exactly one of "matchAttribute" or "distinctAttribute"',
      ],
    ],
    [
      { config: [{}, { opaque: { driver: '', parameters: [] } }] },
      [
        'config[0].opaque: Required value',
        'config[1].opaque.driver: Required value',
        'config[1].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON ob',
      ],
    ],
  ])('%j', (devices, errors) => {
    const found = texts(validateClaim(claim(devices)));
    expect(found.map((text) => text.slice('spec.devices.'.length, 99))).toEqual(errors.map((e) => e.slice(0, 86)));
  });

  it('takes parameters with integers that no double holds, and counts their size as it is written', () => {
    const configured = (rest: object) => {
      const parameters = { most: 9223372036854775807n, ...rest } as unknown as Json;
      return texts(validateClaim(claim({ config: [{ opaque: { driver: 'd.io', parameters } }] })));
    };
    expect(configured({})).toEqual([]);
    expect(configured({ text: 'x'.repeat(10 * 1024) })).toEqual([
      'spec.devices.config[0].opaque.parameters: Too long: may not be more than 10240 bytes',
    ]);
  });

  const allocation = { devices: { results: [{ request: 'r', driver: 'd', pool: 'p', device: 'x' }] } };
  const device = { driver: 'd', pool: 'p', device: 'x', conditions: null };
  const consumer = { resource: 'pods', name: 'p', uid: '1' };
  it.each<[ResourceClaim['status'], ResourceClaim['status'], string[]]>([
    [{ allocation, reservedFor: [consumer], devices: [device] }, {}, []],
    [
      { reservedFor: [consumer] },
      {},
      ['status.reservedFor: Forbidden: may not be specified when `allocated` is not set'],
    ],
    [
      { allocation: { devices: {} } },
      { allocation },
      [
        'status.allocation: Invalid value: {"Devices":{"Results":null,"Config":null},"NodeSelector":null,"AllocationTim',
      ],
    ],
    [
      { devices: [{ ...device, shareID: 'x' }] },
      {},
      [
        'status.devices[0].shareID: Invalid value: "x": error validating uid: invalid UUID length: 1',
        'status.devices[0]: Invalid value: {"Driver":"d","Pool":"p","Device":"x","ShareID":"x"}: must be an allocated d',
      ],
    ],
    [
      { allocation, devices: [{ ...device, networkData: { ips: ['1.2.3.4', '1.2.3.4/24'] } }] },
      {},
      [
        'status.devices[0].networkData.ips[0]: Invalid value: "1.2.3.4": must be a valid address in CIDR form, (e.g. 10',
      ],
    ],
  ])('status %j after %j', (status, old, errors) =>
    expect(brief(validateClaimStatusUpdate(claim({}, status), claim({}, old)))).toEqual(errors),
  );

  it('is not reserved anew while it is deleted', () => {
    const next = claim({}, { allocation, reservedFor: [consumer, { ...consumer, uid: '2' }] });
    next.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    const old = claim({}, { allocation, reservedFor: [consumer] });
    expect(brief(validateClaimStatusUpdate(next, old))).toEqual([
      expect.stringContaining('new entries may not be added'),
    ]);
  });
});

it('ResourceClaimTemplate keeps its spec', () => {
  const template = (labels = {}) => ({
    metadata: { name: 't', resourceVersion: '1' },
    spec: { metadata: { labels }, spec: claim().spec },
  });
  expect(texts(validateTemplateUpdate(template(), template()))).toEqual([]);
  expect(texts(validateTemplateUpdate(template({ a: 'b' }), template()))).toEqual([
    expect.stringMatching(/^spec: Invalid value: {"labels":{"a":"b"},"Spec":{"Devices":.*}: field is immutable$/),
  ]);
});

it.each<[DeviceClass['spec'], string[]]>([
  [{ extendedResourceName: 'example.com/gpu', selectors: [{ cel: { expression: 'true' } }] }, []],
  [
    { extendedResourceName: 'gpu', selectors: [{}, { cel: { expression: 'x'.repeat(10241) } }] },
    [
      'spec.selectors[0].cel: Required value',
      'spec.selectors[1].cel.expression: Too long: may not be more than 10240 bytes',
      'spec.extendedResourceName: Invalid value: "gpu": must be a valid extended resource name',
    ],
  ],
])('DeviceClass %j', (spec, errors) =>
  expect(texts(validateDeviceClass({ metadata: { name: 'c' }, spec }))).toEqual(errors),
);

describe('ResourceSlice', () => {
  const slice = (device: Partial<Device> = {}, spec: Partial<ResourceSlice['spec']> = {}): ResourceSlice => ({
    metadata: { name: 's' },
    spec: {
      driver: 'd',
      nodeName: 'n',
      pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
      devices: [{ name: 'x', ...device }],
      ...spec,
    },
  });
  const policy = (requestPolicy: { default: string | null; validValues?: string[]; validRange?: object }) => ({
    allowMultipleAllocations: true,
    capacity: { c: { value: '10', requestPolicy } },
  });
  const at = 'spec.devices[0].capacity[c].requestPolicy';

  it.each<[Partial<Device>, string[]]>([
    [{}, []],
    [policy({ default: '2', validRange: { min: '2', max: '8', step: '3' } }), []],
    [
      policy({ default: '3', validRange: { min: '1', step: '0' } }),
      [`${at}.validRange.step: Invalid value: "3": value is not a multiple of a given step (0) from (1)`],
    ],
    [
      policy({ default: '3', validValues: ['2', '1', '20'] }),
      [
        `${at}.validValues[1]: Invalid value: "1": values must be sorted in ascending order`,
        `${at}.validValues[2]: Invalid value: "20": option is larger than capacity val`,
        `${at}.validValues: Invalid value: "3": default value is not valid according t`,
      ],
    ],
    [
      { attributes: { a: {} } },
      ['spec.devices[0].attributes[a]: Invalid value: "": exactly one value must be specified'],
    ],
    [
      { attributes: { ['a'.repeat(33)]: { version: '1' } } },
      [
        'spec.devices[0].attributes: Too long: may not be more than 32 bytes',
        `spec.devices[0].attributes[${'a'.repeat(33)}].version: Invalid value: "1": must be a string compatibl`,
      ],
    ],
    [{ taints: [{ key: 'k', effect: '' }] }, ['spec.devices[0].taints[0].effect: Required value']],
    [
      { bindingConditions: ['a'], bindingFailureConditions: ['a'] },
      [
        'spec.devices[0].bindingFailureConditions[0]: Invalid value: "a": bindingFailureConditions must not overlap wit',
      ],
    ],
    [
      { nodeName: 'n' },
      ['spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDevice'],
    ],
  ])('device %j', (device, errors) =>
    expect(brief(validateSlice(slice(device)))).toEqual(errors.map((e) => expect.stringContaining(e.slice(0, 100)))),
  );

  it('has one way to say its nodes, and at most 64 devices with taints', () => {
    expect(brief(validateSlice(slice({}, { allNodes: true })))).toEqual([
      expect.stringContaining('spec: Invalid value: "{`nodeName`, `allNodes`}": exactly one of'),
    ]);
    const devices = Array.from({ length: 65 }, (_, i) => ({ name: `d${i}` }));
    expect(validateSlice(slice({}, { devices }))).toEqual([]);
    devices[0] = { name: 'd0', taints: [{ key: 'k', effect: 'None' }] } as Device;
    expect(brief(validateSlice(slice({}, { devices })))).toEqual([
      'spec.devices: Too many: 65: must have at most 64 items',
    ]);
  });

  it('stays of its node, and stored taints are taken', () => {
    const old = slice({ taints: [{ key: '', effect: '' }] });
    expect(validateSlice(slice({ taints: [{ key: '', effect: '' }] }), old)).toEqual([]);
    expect(brief(validateSlice(slice({}, { nodeName: 'm' }), old))).toEqual([
      'spec.nodeName: Invalid value: "m": field is immutable',
    ]);
  });
});
