import { expect, test } from 'vitest';
import { structType } from '../schema.ts';
import { goDump } from './go-dump.ts';

const NO_DECIMAL = 'd:(resource.infDecAmount){Dec:(*inf.Dec)<nil>}';
const dumpOf = (name: string, value: unknown): string => goDump(value, structType(`io.k8s.api.core.v1.${name}`));

/** As go-spew wrote them of the structs of 1.36. */
const DUMPS: readonly [what: string, type: string, value: unknown, dump: string][] = [
  [
    'pointers, named strings and numbers',
    'Toleration',
    { key: 'a b', operator: 'Exists', tolerationSeconds: 0 },
    '(v1.Toleration){Key:(string)a b Operator:(v1.TolerationOperator)Exists Value:(string) Effect:(v1.TaintEffect) TolerationSeconds:(*int64)0}',
  ],
  [
    'lists, and pointers to nothing',
    'HostAlias',
    { ip: '::1', hostnames: ['a', 'b'] },
    '(v1.HostAlias){IP:(string)::1 Hostnames:([]string)[a b]}',
  ],
  ['lists without items', 'HostAlias', { hostnames: [] }, '(v1.HostAlias){IP:(string) Hostnames:([]string)<nil>}'],
  [
    'embedded structs and pointers to nothing',
    'SecretEnvSource',
    { name: 's' },
    '(v1.SecretEnvSource){LocalObjectReference:(v1.LocalObjectReference){Name:(string)s} Optional:(*bool)<nil>}',
  ],
  [
    'names of ports',
    'TCPSocketAction',
    { port: 'http' },
    '(v1.TCPSocketAction){Port:(intstr.IntOrString){Type:(intstr.Type)1 IntVal:(int32)0 StrVal:(string)http} Host:(string)}',
  ],
  [
    'maps in the order of their keys; quantities that remember their text, and such that do not',
    'ResourceRequirements',
    { limits: { memory: '8Gi', cpu: '250m' } },
    '(v1.ResourceRequirements){Limits:(v1.ResourceList)map[' +
      `cpu:{i:(resource.int64Amount){value:(int64)250 scale:(resource.Scale)-3} ${NO_DECIMAL} s:(string)250m Format:(resource.Format)DecimalSI} ` +
      `memory:{i:(resource.int64Amount){value:(int64)8589934592 scale:(resource.Scale)0} ${NO_DECIMAL} s:(string) Format:(resource.Format)BinarySI}` +
      '] Requests:(v1.ResourceList)<nil> Claims:([]v1.ResourceClaim)<nil>}',
  ],
  [
    'quantities beyond 64 bits',
    'EmptyDirVolumeSource',
    { sizeLimit: '100Ti' },
    '(v1.EmptyDirVolumeSource){Medium:(v1.StorageMedium) SizeLimit:(*resource.Quantity)' +
      '{i:(resource.int64Amount){value:(int64)0 scale:(resource.Scale)0} d:(resource.infDecAmount){Dec:(*inf.Dec)' +
      '{unscaled:(big.Int){neg:(bool)false abs:(big.nat)[8568098291072368640 5960]} scale:(inf.Scale)9}} s:(string) Format:(resource.Format)BinarySI}}',
  ],
];

test.each(DUMPS)('%s', (_what, type, value, dump) => {
  expect(dumpOf(type, value)).toBe(dump);
});
