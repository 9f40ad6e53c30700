import { ConfigObject } from '@keelson/component/configfile';
import { expect, it } from 'vitest';
import { readConfiguration } from './configuration.ts';
import { validateConfiguration } from './validation.ts';

const secret = Buffer.alloc(32, 'a').toString('base64');
const good = { aescbc: { keys: [{ name: 'key1', secret }] } };
const kms = { apiVersion: 'v2', name: 'k', endpoint: 'unix:///kms.sock' };

function problems(resources: unknown, isReloadable = false): string[] {
  const file = { kind: 'EncryptionConfiguration', apiVersion: 'apiserver.config.k8s.io/v1', resources };
  return [...validateConfiguration(readConfiguration(new ConfigObject(file)), isReloadable)].map(String);
}
const ofNames = (...names: string[]) => problems([{ resources: names, providers: [good] }]);
const ofProviders = (...providers: object[]) => problems([{ resources: ['secrets'], providers }]);

const DUPLICATE = 'the same resource cannot be specified multiple times';
const OVERLAP =
  "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked";

it.each([
  [['secrets', 'configmaps', '*.apps', 'pandas.bears.example'], []],
  [['*.*'], []],
  [['secrets', 'secrets'], [`resources[0].resources: Invalid value: ["secrets","secrets"]: ${DUPLICATE}`]],
  [['secrets', '*.'], [`resources[0].resources: Invalid value: ["secrets","*."]: ${OVERLAP}`]],
  [['secrets', '*.*'], [`resources[0].resources: Invalid value: ["secrets","*.*"]: ${OVERLAP}`]],
  [['*.apps', 'secrets'], []],
  [
    ['*.', '*.'],
    [
      `resources[0].resources: Invalid value: ["*.","*."]: ${DUPLICATE}`,
      `resources[0].resources: Invalid value: ["*.","*."]: ${OVERLAP}`,
    ],
  ],
  [
    ['*'],
    [
      'resources[0].resources[0]: Invalid value: "*": use \'*.\' to encrypt all the resources from core API group or *.* to encrypt all resources',
    ],
  ],
  [
    ['a.extensions'],
    [
      'resources[0].resources[0]: Invalid value: "a.extensions": \'extensions\' group has been removed and cannot be used for encryption',
    ],
  ],
  [
    ['events.events.k8s.io'],
    [
      "resources[0].resources[0]: Invalid value: \"events.events.k8s.io\": '*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file",
    ],
  ],
  [['Pods'], ['resources[0].resources[0]: Invalid value: "Pods": resource name should not contain capital letters']],
  [
    ['pods.*'],
    ['resources[0].resources[0]: Invalid value: "pods.*": encrypting the same resource across groups is not supported'],
  ],
  [
    ['apiserveripinfo'],
    [
      'resources[0].resources[0]: Invalid value: "apiserveripinfo": resources which do not have REST API/s cannot be encrypted',
    ],
  ],
])('resources %j', (names, expected) => expect(ofNames(...names)).toEqual(expected));

const AT = 'resources[0].providers[0]';

it.each([
  [good, []],
  [{ identity: {} }, []],
  [
    {},
    [
      `${AT}: Invalid value: {"AESGCM":null,"AESCBC":null,"Secretbox":null,"Identity":null,"KMS":null}: provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity`,
    ],
  ],
  [
    { ...good, identity: {} },
    [
      `${AT}: Invalid value: {"AESGCM":null,"AESCBC":{"Keys":[{"Name":"key1","Secret":"REDACTED"}]},"Secretbox":null,"Identity":{},"KMS":null}: more than one provider specified in a single element, should split into different list elements`,
    ],
  ],
  [{ aescbc: { keys: [] } }, [`${AT}.aescbc.keys: Required value: at least one keys is required`]],
  [
    {
      aesgcm: {
        keys: [
          { name: '', secret: '' },
          { name: 'b', secret: 'a b' },
          { name: 'c', secret: 'aaaa' },
        ],
      },
    },
    [
      `${AT}.aesgcm.keys[0].name: Required value: name is a mandatory field for a key`,
      `${AT}.aesgcm.keys[0].secret: Required value: secret is a mandatory field for a key`,
      `${AT}.aesgcm.keys[1].secret: Invalid value: "REDACTED": secrets must be base64 encoded`,
      `${AT}.aesgcm.keys[2].secret: Invalid value: "REDACTED": secret is not of the expected length, got 3, expected one of [16 24 32]`,
    ],
  ],
  [
    { secretbox: { keys: [{ name: 'a', secret: 'YWFhYWFhYWFhYWFhYWFhYQ==' }] } },
    [
      `${AT}.secretbox.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 16, expected one of [32]`,
    ],
  ],
  [{ kms }, []],
  [
    { kms: { apiVersion: 'v3', name: 'a:b', endpoint: 'http://x', cachesize: 3, timeout: '-1s' } },
    [
      `${AT}.kms.name: Invalid value: "a:b": invalid KMS provider name a:b, must not contain ':'`,
      `${AT}.kms.timeout: Invalid value: "-1s": timeout should be a positive value`,
      `${AT}.kms.endpoint: Invalid value: "http://x": unsupported scheme "http" for KMS provider, only unix is supported`,
      `${AT}.kms.cachesize: Invalid value: 3: cachesize is not supported in v2`,
      `${AT}.kms.apiVersion: Invalid value: "v3": unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported`,
    ],
  ],
  [
    { kms: { name: '', endpoint: '', cachesize: 0 } },
    [
      `${AT}.kms.name: Required value: name is a mandatory field for a provider`,
      `${AT}.kms.endpoint: Invalid value: "": endpoint is a mandatory field for a kms`,
      `${AT}.kms.cachesize: Invalid value: 0: cachesize should be a positive value, or negative to disable`,
    ],
  ],
  [
    { kms: { ...kms, endpoint: ':x' } },
    [
      `${AT}.kms.endpoint: Invalid value: ":x": invalid endpoint for kms provider, error: parse ":x": missing protocol scheme`,
    ],
  ],
])('provider %j', (provider, expected) => expect(ofProviders(provider)).toEqual(expected));

it('wants resources and providers', () => {
  expect(problems([])).toEqual(['resources: Required value: at least one resources is required']);
  expect(problems([{}])).toEqual([
    'resources[0].resources: Required value: at least one resources[0].resources is required',
    'resources[0].providers: Required value: at least one resources[0].providers is required',
  ]);
});

it('wants other names for other plugins', () => {
  const again = [{ kms }, { kms }];
  expect(ofProviders(...again)).toEqual([
    'resources[0].providers[1].kms.name: Invalid value: "k": duplicate KMS provider name k, names must be unique',
  ]);
  const first = { kms: { name: 'old', endpoint: 'unix:///a' } };
  expect(ofProviders(first, first)).toEqual([]);
  expect(problems([{ resources: ['secrets'], providers: [first, first] }], true)).toHaveLength(1);
});

it.each([
  [[{ resources: ['secrets'], provider: 'x' }], 'unknown field "resources[0].provider"'],
  [
    [{ resources: ['secrets'], providers: [{ identity: { foo: 1 } }] }],
    'unknown field "resources[0].providers[0].identity.foo"',
  ],
  [[{ resources: 'secrets' }], 'resources[0].resources must be a list'],
])('is read strictly: %j', (resources, message) => expect(() => problems(resources)).toThrow(message));
